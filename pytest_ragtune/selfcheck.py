"""How often would a check cry wolf? Decide it again over cases drawn anew; no model is asked.

A deterministic pipeline run twice gives the same answers, so running it again shows no noise. What is
left to chance is which cases stand in the golden set. Each check is therefore decided again over as
many cases, drawn with replacement from the recorded ones (the bootstrap, Efron and Tibshirani 1993,
chapter 6), both sides of a comparison by the same cases. For ``no_regression`` the two sides of each
case are also exchanged at random, so that in truth nothing changed: A against A.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_ragtune.baseline import (
    Baseline,
    BaselineCase,
    baseline_of,
    baseline_path,
    read_baseline,
    rounded,
    scores_by_case,
)
from pytest_ragtune.checks import at_most, better_than, no_regression
from pytest_ragtune.records import Evaluation, Score, Verdict
from pytest_ragtune.store import digest

Check = Callable[..., Verdict | list[Verdict]]


@dataclass(frozen=True, slots=True)
class Made:
    """A check that a test made."""

    test: str
    """Which test."""
    check: Check
    """The function, such as ``at_least``."""
    evaluation: Evaluation
    """What it was asked about."""
    arguments: tuple[Any, ...]
    """What followed."""
    options: Mapping[str, Any]
    """Its keywords."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """How one check came out over cases drawn anew."""

    test: str
    """Which test made it."""
    what: str
    """Pipeline, metric, and what it was held against."""
    cases: int
    """Cases drawn each time."""
    runs: int
    """How often it was decided again; 0 when it could not be."""
    failed: int = 0
    """How often it failed."""
    undecided: int = 0
    """How often it was undecided."""
    note: str = ""
    """Why it was not decided again, or that it does not pass as it is."""

    def share(self, count: int) -> tuple[float, float]:
        """A count as a share, and its 95% Monte-Carlo error (by the rule of three at 0 and 1)."""
        p = count / self.runs
        if count in (0, self.runs):
            return p, min(1.0, 3.0 / self.runs)
        return p, 1.96 * math.sqrt(p * (1.0 - p) / self.runs)


def recheck(made: Made, runs: int) -> list[Alarm]:
    """Decide a check again ``runs`` times.

    Returns:
        One alarm a metric of the check.

    Raises:
        ValueError: ``runs`` is below 1.
    """
    if runs < 1:
        raise ValueError(f"runs is {runs}: expected at least 1")
    names, draw = _drawer(made)
    ids = list(dict.fromkeys(case.id for case in made.evaluation.cases))
    if draw is None:
        note = "there is no baseline to hold it against"
        return [Alarm(made.test, described(made, name), len(ids), 0, note=note) for name in names]
    sound = _verdicts(made.check(made.evaluation, *made.arguments, **made.options))
    rng = random.Random(digest([made.test, described(made, *names), ids]))
    failed, undecided = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for _ in range(runs):
        picks = rng.choices(ids, k=len(ids))
        for verdict in _verdicts(draw(picks, rng)):
            failed[verdict.metric] += verdict.outcome == "fail"
            undecided[verdict.metric] += verdict.outcome == "undecided"
    now = {verdict.metric: verdict.outcome for verdict in sound}
    return [
        Alarm(
            made.test,
            described(made, name),
            len(ids),
            runs,
            failed[name],
            undecided[name],
            "" if now[name] == "pass" else f"as recorded: {now[name]}",
        )
        for name in names
    ]


Draw = Callable[[Sequence[str], random.Random], Verdict | list[Verdict]]


def _drawer(made: Made) -> tuple[list[str], Draw | None]:
    """The check's metrics, and a function that decides it over other cases."""
    if made.check is no_regression:
        named = made.arguments[0]
        names = [named] if isinstance(named, str) else list(dict.fromkeys(named))
        before = baseline_before(made, names)
        return names, None if before is None else _regression(made, names, before)
    if made.check is better_than:
        other, metric = made.arguments[:2]

        def against(picks: Sequence[str], rng: random.Random) -> Verdict | list[Verdict]:
            sides = (drawn(side, [metric], picks) for side in (made.evaluation, other))
            return made.check(*sides, metric, *made.arguments[2:], **made.options)

        return [metric], against
    metric = made.arguments[0]

    def alone(picks: Sequence[str], rng: random.Random) -> Verdict | list[Verdict]:
        return made.check(drawn(made.evaluation, [metric], picks), *made.arguments, **made.options)

    return [metric], alone


def baseline_before(made: Made, names: Sequence[str]) -> Baseline | None:
    """The baseline of a check of a change, where there is one with these metrics."""
    given = made.options.get("baseline")
    if isinstance(given, Baseline):
        return given
    if isinstance(given, Evaluation):
        return baseline_of(given, names)
    path = baseline_path(made.evaluation) if given is None else Path(given)
    if path is None or not path.exists():
        return None
    before = read_baseline(path)
    return before if set(names) <= set(before.metrics) else None


def _regression(made: Made, names: Sequence[str], before: Baseline) -> Draw:
    """No regression, A against A: the sides of each drawn case change places by the toss of a coin."""
    now = baseline_of(made.evaluation, names)
    known = {case_id for case_id in now.cases if case_id in before.cases}
    same = {i for i in known if now.cases[i].case == before.cases[i].case or not before.cases[i].case}
    options = {name: value for name, value in made.options.items() if name != "baseline"}

    def decide(picks: Sequence[str], rng: random.Random) -> Verdict | list[Verdict]:
        flips = [rng.random() < 0.5 and name in known for name in picks]
        evaluation = drawn(made.evaluation, names, picks)
        scores = {
            name: tuple(
                _score(before.cases[case_id], name) if is_flipped else score
                for case_id, is_flipped, score in zip(picks, flips, evaluation.scores[name], strict=True)
            )
            for name in names
        }
        lines = {
            _copy(case_id, copy): replace(
                before.cases[case_id],
                id=_copy(case_id, copy),
                scores=now.cases[case_id].scores if is_flipped else before.cases[case_id].scores,
                case="" if case_id in same else "edited",
            )
            for copy, (case_id, is_flipped) in enumerate(zip(picks, flips, strict=True))
            if case_id in known
        }
        turned = replace(before, cases=lines)
        return made.check(replace(evaluation, scores=scores), *made.arguments, baseline=turned, **options)

    return decide


def drawn(evaluation: Evaluation, metrics: Sequence[str], picks: Sequence[str]) -> Evaluation:
    """The evaluation over other cases.

    Args:
        evaluation: what was measured; repeats of a case are taken together.
        metrics: those to keep.
        picks: case ids, some more than once; each becomes a case of its own.
    """
    place = {case.id: position for position, case in reversed(list(enumerate(evaluation.cases)))}
    columns = {name: scores_by_case(evaluation, name) for name in metrics}
    return replace(
        evaluation,
        cases=tuple(
            replace(evaluation.cases[place[name]], id=_copy(name, copy)) for copy, name in enumerate(picks)
        ),
        responses=tuple(evaluation.responses[place[name]] for name in picks),
        scores={name: tuple(column[case_id] for case_id in picks) for name, column in columns.items()},
        metrics={name: evaluation.metrics[name] for name in metrics},
    )


def _copy(case_id: str, number: int) -> str:
    return f"{case_id} ({number})"


def _score(line: BaselineCase, metric: str) -> Score:
    value = line.scores.get(metric)
    if value is not None:
        return Score(rounded(value))
    reason = line.reasons.get(metric) or "no score in the baseline"
    return Score(None, reason, applicable=metric not in line.not_applicable)


def _verdicts(found: Verdict | list[Verdict]) -> list[Verdict]:
    return found if isinstance(found, list) else [found]


def described(made: Made, *metrics: str) -> str:
    """``rag R@5 >= 0.85``."""
    named = f"{made.evaluation.pipeline} {', '.join(metrics)}"
    if made.check is no_regression:
        margin = made.options.get("margin")
        shown = margin[metrics[0]] if isinstance(margin, Mapping) else margin
        return f"{named} no regression by {shown}"
    if made.check is better_than:
        return f"{named} better than {made.arguments[0].pipeline}"
    return f"{named} {'<=' if made.check is at_most else '>='} {made.arguments[1]:g}"
