"""Evaluations made of numbers, for everything that decides over one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from pytest_ragtune.records import Case, Evaluation, MetricInfo, Response, Score

Value = float | Score | None


def metric_info(name: str, **changes: object) -> MetricInfo:
    fields: dict[str, object] = {
        "identity": f"{name} 1",
        "formula": "",
        "source": "",
        "undefined": "",
        "binary": name == "exact_match",
    }
    if name in ("seconds", "tokens"):
        fields |= {"high": None, "higher_is_better": False}
    return MetricInfo(name=name, **(fields | changes))  # type: ignore[arg-type]


def _score(value: Value) -> Score:
    if isinstance(value, Score):
        return value
    return Score(value, "" if value is not None else "the judge gave no opinion")


def build(
    scores: Mapping[str, Sequence[Value]],
    *,
    answers: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    questions: Sequence[str] | None = None,
    pipeline: str = "rag",
    fingerprint: str = "f" * 64,
    path: Path | None = None,
    infos: Mapping[str, MetricInfo] | None = None,
    identity: str = "",
) -> Evaluation:
    """An evaluation of cases q1, q2, ... with these values; ``None`` is a score without a value."""
    count = len(next(iter(scores.values())))
    ids = ids or [f"q{number}" for number in range(1, count + 1)]
    questions = questions or [f"Question {case_id}?" for case_id in ids]
    answers = answers or [f"Answer to {case_id}." for case_id in ids]
    cases = tuple(Case(case_id, text, "yes") for case_id, text in zip(ids, questions, strict=True))
    return Evaluation(
        pipeline=pipeline,
        golden_set="handbook",
        fingerprint=fingerprint,
        cases=cases,
        responses=tuple(
            Response(text, case=case, ranking=("a.md#1",)) for text, case in zip(answers, cases, strict=True)
        ),
        scores={name: tuple(_score(value) for value in values) for name, values in scores.items()},
        metrics={name: (infos or {}).get(name) or metric_info(name) for name in scores},
        path=path,
        pipeline_identity=identity,
    )


@pytest.fixture
def make_evaluation() -> Callable[..., Evaluation]:
    return build


@pytest.fixture
def make_info() -> Callable[..., MetricInfo]:
    return metric_info
