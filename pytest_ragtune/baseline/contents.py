"""What a baseline holds, and how it comes from an evaluation."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_ragtune.records import Case, Evaluation, Response, Score


@dataclass(frozen=True, slots=True)
class BaselineCase:
    """One case of a baseline."""

    id: str
    """The case's id."""
    scores: Mapping[str, float | None]
    """Metric name -> value, rounded to six digits; None for none."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Metric name -> why there is no value."""
    not_applicable: tuple[str, ...] = ()
    """Metrics that the case itself leaves undefined."""
    case: str = ""
    """Hash of the case; empty when unknown."""
    response: str = ""
    """Hash of answer, ranking and contexts; empty when unknown."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Scores that later runs are held against."""

    pipeline: str
    """Name of the pipeline."""
    golden_set: str
    """Name of the golden set."""
    fingerprint: str
    """The golden set's fingerprint."""
    metrics: Mapping[str, str]
    """Metric name -> identity."""
    cases: Mapping[str, BaselineCase]
    """Case id -> its line."""
    source: str = ""
    """Where it comes from: a file, or a pipeline's name."""
    pipeline_identity: str = ""
    """Hash of all that could change an answer; empty where that is not known."""


def baseline_path(evaluation: Evaluation) -> Path | None:
    """Where the pipeline's baseline lies by default: ``<golden set>/baselines/<pipeline>.jsonl``.

    None for a golden set built in memory.
    """
    if evaluation.path is None:
        return None
    return evaluation.path / "baselines" / f"{file_name(evaluation.pipeline)}.jsonl"


def file_name(pipeline: str) -> str:
    """The pipeline's name with everything but letters, digits, ``.``, ``_`` and ``-`` replaced by ``_``."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in pipeline)


def scores_by_case(evaluation: Evaluation, metric: str) -> dict[str, Score]:
    """One score a case, in case order; repeats of a case become the mean of its values.

    A case with a repeat that has no score has none: the mean of the others would hide it.

    Raises:
        KeyError: the metric was not computed.
    """
    evaluation.values(metric)
    groups: dict[str, list[Score]] = {}
    for case, score in zip(evaluation.cases, evaluation.scores[metric], strict=True):
        groups.setdefault(case.id, []).append(score)
    return {case_id: group[0] if len(group) == 1 else _pool(group) for case_id, group in groups.items()}


def _pool(group: Sequence[Score]) -> Score:
    for score in group:
        if score.value is None:
            return score
    values = [score.value for score in group if score.value is not None]
    lowest = min(group, key=lambda score: score.value if score.value is not None else math.inf)
    return Score(math.fsum(values) / len(values), f"mean of {len(values)} repeats", lowest.claims)


def baseline_of(evaluation: Evaluation, metrics: Iterable[str] | None = None) -> Baseline:
    """The baseline that an evaluation would be written as.

    Args:
        evaluation: what was measured.
        metrics: the metrics to keep; None for all.

    Raises:
        KeyError: a metric was not computed.
    """
    names = sorted(evaluation.scores if metrics is None else metrics)
    columns = {name: scores_by_case(evaluation, name) for name in names}
    responses: dict[str, list[Response]] = {}
    for case, response in zip(evaluation.cases, evaluation.responses, strict=True):
        responses.setdefault(case.id, []).append(response)
    cases = {
        case.id: _line(case, responses[case.id], {name: columns[name][case.id] for name in names})
        for case in evaluation.cases
    }
    identities = {name: evaluation.metrics[name].identity for name in names}
    return Baseline(
        evaluation.pipeline,
        evaluation.golden_set,
        evaluation.fingerprint,
        identities,
        cases,
        evaluation.pipeline,
        evaluation.pipeline_identity,
    )


def _line(case: Case, responses: Sequence[Response], scores: Mapping[str, Score]) -> BaselineCase:
    empty = {name: score for name, score in scores.items() if score.value is None}
    return BaselineCase(
        case.id,
        {name: None if score.value is None else rounded(score.value) for name, score in scores.items()},
        {name: score.reason for name, score in empty.items()},
        tuple(name for name, score in empty.items() if not score.applicable),
        _hash(_asked(case)),
        _hash(*map(_seen, responses)),
    )


def rounded(value: float) -> float:
    """The value as a baseline holds it: six digits, no negative zero."""
    return round(value, 6) + 0.0


def _asked(case: Case) -> tuple[Any, ...]:
    labels = tuple(sorted(case.relevant.items())), tuple(sorted(case.references.items()))
    return case.id, case.question, case.reference, case.aliases, case.answerable, *labels


def _seen(response: Response) -> tuple[Any, ...]:
    ranking = None if response.ranking is None else tuple(hit.passage_id for hit in response.ranking)
    return response.text, ranking, tuple(passage.id for passage in response.contexts)


def _hash(*parts: tuple[Any, ...]) -> str:
    """Hash of nested tuples of text and whole numbers, whose ``repr`` says all there is to them."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
