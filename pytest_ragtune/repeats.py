"""Repeats: several answers a case, several judgements an answer, each recorded by itself."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from .baseline import scores_by_case
from .judging import score_recorded
from .pipeline import PipelineLike
from .protocols import Metric
from .recording import ContextDigests
from .records import Case, Evaluation, Response, Score
from .statistics import Components, variance_components
from .store import Store


def repeated(pipeline: PipelineLike, repeat: int) -> PipelineLike:
    """The pipeline as it answers for the ``repeat``-th time: drawn anew where its generator has a seed."""
    again: Callable[[int], PipelineLike] | None = getattr(pipeline, "repeated", None)
    return pipeline if again is None or repeat == 0 else again(repeat)


def numbers_of(repeat: int, judge_repeats: int) -> range:
    """The numbers of an answer's judgements.

    Judged more than once, each answer is judged by draws of its own, even where two answers are the same
    text: else the spread of the judge would look like one of the answers.
    """
    return range(1) if judge_repeats == 1 else range(repeat * judge_repeats, (repeat + 1) * judge_repeats)


def can_differ(metric: Metric) -> bool:
    """Whether a metric's judge may say something else when it is asked again."""
    judge = getattr(metric, "judge", None)
    return judge is not None and not getattr(judge, "is_deterministic", False)


def check_repeats(pipeline: Any, metrics: Sequence[Metric], repeats: int, judge_repeats: int) -> None:
    """Refuse repeats that could only repeat the same.

    Raises:
        ValueError: a number is no whole number from 1 on, or what is repeated is deterministic.
    """
    for name, value in (("repeats", repeats), ("judge_repeats", judge_repeats)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}: expected a whole number, at least 1")
    generator = getattr(pipeline, "generator", pipeline)
    if repeats > 1 and (generator is None or getattr(generator, "is_deterministic", False)):
        raise ValueError(
            f"repeats is {repeats}, but {pipeline.name} gives the same answer each time: expected a "
            "generator with a temperature above 0, or repeats=1"
        )
    if judge_repeats > 1 and not any(map(can_differ, metrics)):
        raise ValueError(
            f"judge_repeats is {judge_repeats}, but no metric has a judge that could say something else when "
            "it is asked again: expected a prompted judge with a temperature above 0, or judge_repeats=1"
        )


def score_repeatedly(
    store: Store,
    metric: Metric,
    cases: Sequence[Case],
    responses: Sequence[Response],
    digests: ContextDigests,
    judgements: Sequence[int] = (0,),
) -> tuple[list[Score], int]:
    """One score a case, and how many judgements had to be made now.

    Args:
        store: where judgements are recorded.
        metric: what scores; one that always says the same scores once.
        cases: as many as responses.
        responses: what is scored.
        digests: of contexts.
        judgements: numbers of the judgements to take the mean of.
    """
    numbers = judgements if can_differ(metric) else (0,)
    rounds = [
        score_recorded(store, _reseeded(metric, number), cases, responses, digests, number)
        for number in numbers
    ]
    if len(rounds) == 1:
        return rounds[0]
    scores = [pooled(group) for group in zip(*(found for found, _ in rounds), strict=True)]
    return scores, sum(calls for _, calls in rounds)


def _reseeded(metric: Metric, number: int) -> Metric:
    """The metric with a judge that draws anew, where its judge can be told to."""
    judge: Any = getattr(metric, "judge", None)
    if number == 0 or not callable(getattr(judge, "with_seed", None)):
        return metric
    twin: Any = copy.copy(metric)
    twin.judge = judge.with_seed(number)
    again: Metric = twin
    return again


def pooled(group: Sequence[Score]) -> Score:
    """Several judgements of one answer as one score: their mean, or the first that is missing."""
    values = [score.value for score in group if score.value is not None]
    if len(values) < len(group):
        return next(score for score in group if score.value is None)
    lowest = min(group, key=lambda score: score.value if score.value is not None else math.inf)
    mean = math.fsum(values) / len(values)
    return Score(mean, f"mean of {len(values)} judgements", lowest.claims, judgements=tuple(values))


def components_of(evaluation: Evaluation, metric: str) -> Components | None:
    """Where the spread of a metric comes from; None when nothing was repeated or fewer than two cases scored.

    Cases of which a repeat has no score are left out, as in every check.
    """
    scored = {name for name, s in scores_by_case(evaluation, metric).items() if s.value is not None}
    groups: dict[str, list[list[float]]] = {name: [] for name in sorted(scored)}
    for case, score in zip(evaluation.cases, evaluation.scores[metric], strict=True):
        if case.id in groups and score.value is not None:
            groups[case.id].append(list(score.judgements) or [score.value])
    sizes = {(len(answers), len(answer)) for answers in groups.values() for answer in answers}
    return variance_components(list(groups.values())) if len(sizes) == 1 else None
