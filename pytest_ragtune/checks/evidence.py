"""What a check decides on: one value a case, and what became of the cases without one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_ragtune.baseline import scores_by_case
from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.records import CaseScore, Evaluation, MetricInfo, Score

TOLERANCE = 1e-9
"""Room for rounding: a mean of 1.0 summed from thirds still reaches a threshold of 1.0."""
SHOWN = 3
"""How many of the worst cases a verdict names."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The scores of one metric, sorted into those that count and those that do not."""

    info: MetricInfo
    """The metric."""
    scored: Mapping[str, Score]
    """Case id -> score, for the cases with a value."""
    unscored: tuple[CaseScore, ...]
    """Cases that could not be measured."""
    not_applicable: int
    """Cases that the metric is not defined for."""

    @property
    def values(self) -> list[float]:
        """The values, in case order."""
        return [score.value for score in self.scored.values() if score.value is not None]

    @property
    def mean(self) -> float | None:
        """Their mean; None without one."""
        values = self.values
        return math.fsum(values) / len(values) if values else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The metric's range; None when either side is open."""
        return bounds_of(self.info)


def bounds_of(info: MetricInfo) -> tuple[float, float] | None:
    """The metric's range; None when either side is open."""
    return None if info.low is None or info.high is None else (info.low, info.high)


def collect(evaluation: Evaluation, metric: str) -> Evidence:
    """Sort the scores of one metric.

    Raises:
        RagtuneError: the metric was not computed (the message lists those that were), or gave a value
            outside its range.
        TypeError: this is no evaluation.
    """
    if not isinstance(evaluation, Evaluation):
        raise TypeError(f"got {evaluation!r:.60}: expected an Evaluation, which evaluate(...) gives")
    if metric not in evaluation.scores:
        known = ", ".join(sorted(evaluation.scores)) or "none"
        raise RagtuneError(
            f"metric {metric!r} was not computed; this evaluation of {evaluation.pipeline!r} has: {known}; "
            f"add {metric!r} to the metrics of evaluate"
        )
    scores = scores_by_case(evaluation, metric)
    _check_range(evaluation.metrics[metric], scores)
    return Evidence(
        evaluation.metrics[metric],
        {case_id: score for case_id, score in scores.items() if score.value is not None},
        tuple(
            CaseScore(case_id, score)
            for case_id, score in scores.items()
            if score.value is None and score.applicable
        ),
        sum(not score.applicable for score in scores.values()),
    )


def _check_range(info: MetricInfo, scores: Mapping[str, Score]) -> None:
    low, high = (
        -math.inf if info.low is None else info.low,
        math.inf if info.high is None else info.high,
    )
    for case_id, score in scores.items():
        if score.value is not None and not low - TOLERANCE <= score.value <= high + TOLERANCE:
            raise RagtuneError(
                f"metric {info.name!r} gave {score.value!r} for case {case_id!r}, which lies outside its "
                f"range of {low:g} to {high:g}; correct the metric, or low and high of its MetricInfo"
            )


def allowed_unscored(max_unscored: int | float, applicable: int) -> int:
    """How many of the applicable cases may go without a score.

    Args:
        max_unscored: a whole number of cases, or a share of them as a float from 0.0 to 1.0.
        applicable: cases that the metric is defined for.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(max_unscored, bool) or not isinstance(max_unscored, int | float):
        raise ValueError(
            f"max_unscored is {max_unscored!r}: expected a count of cases or a share such as 0.1"
        )
    if isinstance(max_unscored, int):
        if max_unscored < 0:
            raise ValueError(f"max_unscored is {max_unscored!r}: expected 0 or more cases")
        return max_unscored
    if not 0.0 <= max_unscored <= 1.0:
        raise ValueError(f"max_unscored is {max_unscored!r}: a share lies between 0.0 and 1.0")
    return math.floor(max_unscored * applicable + TOLERANCE)


def counted(number: int, what: str = "case") -> str:
    """``1 case``, ``2 cases``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def sentences(parts: Sequence[str]) -> str:
    """The parts that say something, joined by semicolons."""
    return "; ".join(part for part in parts if part)
