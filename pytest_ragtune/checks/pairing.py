"""Two evaluations of the same cases, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ragtune.baseline import UPDATE, Baseline
from pytest_ragtune.errors import BaselineError
from pytest_ragtune.records import CaseScore, MetricInfo, Score

from .evidence import SHOWN, Evidence, bounds_of


@dataclass(frozen=True, slots=True)
class Pairing:
    """The values of one metric on both sides, by case, and what could not be paired."""

    info: MetricInfo
    """The metric."""
    ids: tuple[str, ...]
    """Cases with a value on both sides, in case order."""
    now: tuple[float, ...]
    """Their values now."""
    before: tuple[float, ...]
    """Their values before."""
    unscored: tuple[CaseScore, ...]
    """Cases on both sides without a score on one of them."""
    not_applicable: int
    """Cases that the metric is not defined for."""
    added: tuple[str, ...]
    """Cases that the other side does not have."""
    edited: tuple[str, ...]
    """Cases whose question, reference or labels differ; they are left out."""
    left_out: int
    """Cases of the other side that were not asked this time."""
    is_unchanged: bool
    """True when every answer and every value is the one before, and the answers are not all one."""
    other_pipeline: str
    """Why the two sides may be of different pipelines; empty when no part of the pipeline has changed."""

    @property
    def sign(self) -> float:
        """1 where higher is better, -1 where lower is."""
        return 1.0 if self.info.higher_is_better else -1.0

    @property
    def gains(self) -> tuple[list[float], list[float]]:
        """Values now and before; where lower is better they are mirrored, so that higher is."""
        if self.sign > 0:
            return list(self.now), list(self.before)
        bounds = bounds_of(self.info)
        top = 0.0 if bounds is None else bounds[0] + bounds[1]
        return [top - value for value in self.now], [top - value for value in self.before]

    @property
    def change(self) -> float | None:
        """Mean change; None without a pair."""
        if not self.ids:
            return None
        return math.fsum(n - b for n, b in zip(self.now, self.before, strict=True)) / len(self.ids)

    @property
    def mean_before(self) -> float | None:
        """Mean of the other side over the pairs; None without a pair."""
        return math.fsum(self.before) / len(self.before) if self.before else None

    @property
    def deviation(self) -> float:
        """Standard deviation of the cases' changes; 0 for fewer than two."""
        change = self.change or 0.0
        squares = [(n - b - change) ** 2 for n, b in zip(self.now, self.before, strict=True)]
        return math.sqrt(math.fsum(squares) / (len(squares) - 1)) if len(squares) > 1 else 0.0


def pair(now: Baseline, before: Baseline, evidence: Evidence) -> Pairing:
    """Put the values of one metric side by side.

    Args:
        now: the evaluation as a baseline would hold it, so that both sides are rounded alike.
        before: the other side.
        evidence: the evaluation's scores of the metric.

    Raises:
        BaselineError: the other side holds a value that the metric cannot have.
    """
    name = evidence.info.name
    reasons = {item.case_id: item for item in evidence.unscored}
    shared = [case_id for case_id in now.cases if case_id in before.cases]
    edited = tuple(
        case_id for case_id in shared if _differ(now.cases[case_id].case, before.cases[case_id].case)
    )
    ids, unscored = [], []
    for case_id in (case_id for case_id in shared if case_id not in set(edited)):
        if name in now.cases[case_id].not_applicable:
            continue
        if case_id in reasons:
            unscored.append(reasons[case_id])
        elif before.cases[case_id].scores.get(name) is None:
            why = before.cases[case_id].reasons.get(name, "the metric is missing there")
            unscored.append(CaseScore(case_id, Score(None, f"no score in {before.source}: {why}")))
        else:
            ids.append(case_id)
    pairs = [(now.cases[i].scores[name], before.cases[i].scores[name]) for i in ids]
    _check_range(before, evidence.info, ids)
    return Pairing(
        info=evidence.info,
        ids=tuple(ids),
        now=tuple(value for value, _ in pairs if value is not None),
        before=tuple(value for _, value in pairs if value is not None),
        unscored=tuple(unscored),
        not_applicable=evidence.not_applicable,
        added=tuple(case_id for case_id in now.cases if case_id not in before.cases),
        edited=edited,
        left_out=sum(case_id not in now.cases for case_id in before.cases),
        is_unchanged=_is_unchanged(now, before, ids) and all(value == other for value, other in pairs),
        other_pipeline=_other_pipeline(now, before),
    )


def _check_range(before: Baseline, info: MetricInfo, ids: Sequence[str]) -> None:
    bounds = bounds_of(info)
    for case_id in ids if bounds is not None else ():
        value = before.cases[case_id].scores[info.name]
        if value is not None and bounds is not None and not bounds[0] <= value <= bounds[1]:
            raise BaselineError(
                f"{before.source}: case {case_id!r} has {value!r} for {info.name!r}, which lies between "
                f"{bounds[0]:g} and {bounds[1]:g}; restore the file from version control, or write it again "
                f"with pytest and {UPDATE}"
            )


def _differ(first: str, second: str) -> bool:
    return bool(first and second and first != second)


def _is_unchanged(now: Baseline, before: Baseline, ids: Sequence[str]) -> bool:
    """Whether every response is the same; one response to all cases shows nothing about a pipeline."""
    responses = [now.cases[case_id].response for case_id in ids]
    same = all(
        response and response == before.cases[i].response for i, response in zip(ids, responses, strict=True)
    )
    return same and len(set(responses)) > 1


def _other_pipeline(now: Baseline, before: Baseline) -> str:
    if not now.pipeline_identity:
        return "nothing tells that the pipeline is the same (version= names the state of an application)"
    if not before.pipeline_identity:
        return f"{before.source} does not say which state of the pipeline it is of: write it again"
    return "" if now.pipeline_identity == before.pipeline_identity else "a part of the pipeline has changed"


def worst_changes(pairing: Pairing, evidence: Evidence) -> tuple[CaseScore, ...]:
    """The cases that lost most, worst first."""
    losses = [
        (pairing.sign * (now - before), case_id, before)
        for case_id, now, before in zip(pairing.ids, pairing.now, pairing.before, strict=True)
    ]
    lost = sorted((loss for loss in losses if loss[0] < 0), key=lambda loss: loss[0])
    return tuple(CaseScore(case_id, evidence.scored[case_id], before) for _, case_id, before in lost[:SHOWN])
