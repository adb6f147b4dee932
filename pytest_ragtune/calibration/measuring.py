"""A judge beside word overlap and cosine, on people's labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ragtune.metrics.evidence import find_evidence, opinions_of
from pytest_ragtune.records import Passage
from pytest_ragtune.statistics.agreement import Agreement, Recommended, agreement, recommend_threshold
from pytest_ragtune.statistics.reliability import Bin, reliability
from pytest_ragtune.text import content_words, sentences, words

from .labels import Labelled, Task

OVERLAP, COSINE = "word overlap", "cosine"
ALL = "all"
"""Name of the line over all sets."""

Progress = Callable[[int, int, str], None]
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far one scorer agrees with people on one set."""

    scorer: str
    """Name of the judge, ``word overlap`` or ``cosine``."""
    identity: str
    """The judge's identity."""
    set: str
    """Name of the set; ``all`` for all together."""
    task: Task
    """Support or relevance."""
    agreement: Agreement
    """The figures, at ``threshold``."""
    threshold: float
    """From here on a probability says yes."""
    recommended: Recommended | None
    """A better threshold, with its error rates on rows it was not chosen on."""
    unjudged: int
    """Rows that the scorer could not judge; they are in no scorer's figures."""
    calibrated: bool = True
    """Whether the scores mean probabilities: False for overlap and cosine, whose ECE says nothing."""
    reliability: tuple[Bin, ...] = ()
    """Share of 1s by probability; empty where the scores mean none."""


def calibrate(
    rows: Sequence[Labelled],
    judge: Any,
    *,
    name: str = "judge",
    embedder: Any = None,
    threshold: float | None = None,
    resamples: int = 1000,
    progress: Progress | None = None,
) -> list[Calibration]:
    """The judge, word overlap and (with an embedder) cosine on each set, and on all sets together.

    Args:
        rows: labelled pairs.
        judge: has ``support``, and ``relevance`` where there are such rows.
        name: what to call it.
        embedder: for the cosine of the claim and its nearest sentence; left out unless given.
        threshold: of the judge; its own recommendation, or 0.5, unless given.
        resamples: of the bootstrap.
        progress: told how far the judge is.

    Raises:
        ValueError: there is no row, or the judge lacks a method.
    """
    if not rows:
        raise ValueError("there is no labelled pair: expected at least one")
    found = []
    for task in ("support", "relevance"):
        chosen = [row for row in rows if row.task == task]
        if not chosen:
            continue
        bar = _threshold(judge, task) if threshold is None else threshold
        columns = [(name, judge.identity, _judged(judge, chosen, task, progress), bar, True)]
        columns.append((OVERLAP, OVERLAP, [overlap(row) for row in chosen], 0.5, False))
        if embedder is not None:
            columns.append((COSINE, embedder.identity, _cosines(embedder, chosen), 0.5, False))
        judged = [value is not None for value in columns[0][2]]  # all scorers on the same rows
        columns = [(*c[:2], _where(judged, c[2]), *c[3:]) for c in columns]
        for part in _sets(chosen):
            for scorer, identity, values, least, is_calibrated in columns:
                pairs = [(row, v) for row, v in zip(chosen, values, strict=True) if part in (ALL, row.set)]
                found.append(_one(scorer, identity, part, task, pairs, least, is_calibrated, resamples))
    return found


def _where(kept: Sequence[bool], values: Sequence[float | None]) -> list[float | None]:
    return [value if is_kept else None for is_kept, value in zip(kept, values, strict=True)]


def _sets(rows: Sequence[Labelled]) -> list[str]:
    names = list(dict.fromkeys(row.set for row in rows))
    return [*names, ALL] if len(names) > 1 else names


def _one(
    scorer: str,
    identity: str,
    part: str,
    task: Task,
    pairs: Sequence[tuple[Labelled, float | None]],
    threshold: float,
    is_calibrated: bool,
    resamples: int,
) -> Calibration:
    known = [(row, value) for row, value in pairs if value is not None]
    labels, values = [row.label for row, _ in known], [value for _, value in known]
    groups = [row.group for row, _ in known]
    recommended = recommend_threshold(labels, values, groups=groups)
    bar = threshold if is_calibrated or recommended is None else recommended.threshold
    measured = agreement(labels, values, threshold=bar, groups=groups, resamples=resamples)
    unjudged = len(pairs) - len(known)
    bins = tuple(reliability(labels, values)) if is_calibrated else ()
    return Calibration(
        scorer, identity, part, task, measured, bar, recommended, unjudged, is_calibrated, bins
    )


def _threshold(judge: Any, task: Task) -> float:
    head = "supports" if task == "support" else "answers"
    return float(getattr(judge, "thresholds", {}).get(head, 0.5))


def _judged(
    judge: Any, rows: Sequence[Labelled], task: Task, progress: Progress | None
) -> list[float | None]:
    """The judge's probability for each row; None where it has none."""
    ask = _support if task == "support" else _relevance
    if task == "relevance" and not hasattr(judge, "relevance"):
        raise ValueError(f"{type(judge).__name__} has no relevance: expected a judge that can tell answers")
    found: list[float | None] = []
    for start in range(0, len(rows), _CHUNK):
        found += ask(judge, rows[start : start + _CHUNK])
        if progress is not None:
            progress(len(found), len(rows), task)
    return found


def _support(judge: Any, rows: Sequence[Labelled]) -> list[float | None]:
    """The least supported claim of each row, each by its best context."""
    requests = [
        (claim, [Passage(str(number), text) for number, text in enumerate(row.contexts)])
        for row in rows
        for claim in row.claims
    ]
    judged = iter(find_evidence(judge, requests))
    found: list[float | None] = []
    for row in rows:
        values = [next(judged).probability for _ in row.claims]
        known = [value for value in values if value is not None]
        found.append(min(known) if len(known) == len(values) else None)
    return found


def _relevance(judge: Any, rows: Sequence[Labelled]) -> list[float | None]:
    pairs = [(row.contexts[0], row.claims[0]) for row in rows]
    return [opinion.probability for opinion in opinions_of(judge.relevance, pairs)]


def overlap(row: Labelled) -> float:
    """Share of the claim's words that the contexts hold; for answers, of the question's content words."""
    if row.task == "relevance":
        wanted = set(content_words(row.contexts[0])) or set(words(row.contexts[0]))
        held = set(content_words(row.claims[0]))
    else:
        wanted = {word for claim in row.claims for word in words(claim)}
        held = {word for context in row.contexts for word in words(context)}
    return len(wanted & held) / len(wanted) if wanted else 0.0


def _cosines(embedder: Any, rows: Sequence[Labelled]) -> list[float | None]:
    """Cosine of each row's claim (or question) and its nearest sentence, as a number from 0 to 1."""
    parts = [rows[start : start + 512] for start in range(0, len(rows), 512)]
    return [value for part in parts for value in _nearest(embedder, part)]


def _nearest(embedder: Any, rows: Sequence[Labelled]) -> list[float | None]:
    pairs = [
        (row.claims[0], list(row.contexts)) if row.task == "relevance"
        else (" ".join(row.claims), [s for text in row.contexts for s in sentences(text)])
        for row in rows
    ]  # fmt: skip
    texts = list(dict.fromkeys(text for claim, found in pairs for text in (claim, *found)))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True)) if texts else {}
    return [
        min(1.0, max([0.0, *(float(vectors[claim] @ vectors[text]) for text in found)])) if found else 0.0
        for claim, found in pairs
    ]
