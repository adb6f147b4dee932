"""Asserts: run a check, show its evidence when it does not hold.

Each returns the verdict, hands it to the listener of the run, and raises ``AssertionError`` with the
evidence as text. What an undecided check does is one setting for the whole run (``undecided_policy``);
left alone, a threshold with a confidence and a claim of superiority fail, since they were not shown,
and a regression warns, since none was shown. The warning goes to whoever listens to verdicts (the
pytest plugin prints it at the end of the run, so that ``-W error`` does not turn it into a failure);
without a listener it is a :class:`UndecidedWarning`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from .baseline import UPDATE, baseline_path, shown, write_baseline
from .checks import at_least, at_most, better_than, no_regression
from .errors import BaselineError
from .evaluation import score_response
from .protocols import Judge
from .records import CaseScore, Evaluation, Response, Verdict
from .reporting.failure import failure_lines

P = ParamSpec("P")
T = TypeVar("T")
Undecided = Literal["fail", "warn", "pass"]

verdict_listener: ContextVar[Callable[[Verdict], None] | None] = ContextVar("verdict_listener", default=None)
"""Called with every verdict, before anything is raised."""
undecided_policy: ContextVar[Undecided | None] = ContextVar("undecided_policy", default=None)
"""What an undecided check does; None for each assert's own default."""
rerun_command: ContextVar[Callable[[], str]] = ContextVar("rerun_command", default=str)
"""Gives the command that runs the current test again; empty when unknown."""
check_listener: ContextVar[Callable[..., None] | None] = ContextVar("check_listener", default=None)
"""Called with every check of a whole evaluation and its arguments, before it is made."""
planner: ContextVar[Callable[..., Any] | None] = ContextVar("planner", default=None)
"""Takes the place of every check of a whole evaluation in a run that is only planned: nothing is decided."""
updates_baselines: ContextVar[bool] = ContextVar("updates_baselines", default=False)
"""True when ``assert_no_regression`` is to write the baseline it would have read, and fail."""


class UndecidedWarning(UserWarning):
    """A check could neither pass nor fail: there are too few cases for its margin."""


def assert_at_least(
    evaluation: Evaluation,
    metric: str,
    threshold: float,
    *,
    confidence: float | None = None,
    max_unscored: int | float = 0,
) -> Verdict:
    """Assert that the mean of a metric reaches a threshold; see :func:`pytest_ragtune.at_least`.

    Raises:
        AssertionError: it does not, or cases are unscored, or (with a confidence) it is undecided.
    """
    __tracebackhide__ = True
    verdict = _made(at_least, evaluation, metric, threshold, confidence=confidence, max_unscored=max_unscored)
    return _settle([verdict], "fail")[0]


def assert_at_most(
    evaluation: Evaluation,
    metric: str,
    threshold: float,
    *,
    confidence: float | None = None,
    max_unscored: int | float = 0,
) -> Verdict:
    """Assert that the mean of a metric stays at or below a threshold; see :func:`pytest_ragtune.at_most`.

    Raises:
        AssertionError: it does not, or cases are unscored, or (with a confidence) it is undecided.
    """
    __tracebackhide__ = True
    verdict = _made(at_most, evaluation, metric, threshold, confidence=confidence, max_unscored=max_unscored)
    return _settle([verdict], "fail")[0]


def assert_no_regression(
    evaluation: Evaluation,
    metrics: str | Sequence[str],
    *,
    margin: float | Mapping[str, float],
    baseline: Evaluation | Path | str | None = None,
    confidence: float = 0.95,
    max_unscored: int | float = 0,
    common_only: bool = False,
) -> list[Verdict]:
    """Assert that no metric dropped by more than a margin; see :func:`pytest_ragtune.no_regression`.

    In a run that updates baselines the file is written instead, and the assert fails all the same: a
    baseline is reviewed before it counts.

    Raises:
        AssertionError: a metric dropped, there is no baseline, or cases cannot be compared.
    """
    __tracebackhide__ = True
    if updates_baselines.get() and not isinstance(baseline, Evaluation):
        raise AssertionError(_update(evaluation, metrics, baseline))
    verdicts = _made(
        no_regression,
        evaluation,
        metrics,
        margin=margin,
        baseline=baseline,
        confidence=confidence,
        max_unscored=max_unscored,
        common_only=common_only,
    )
    return _settle(verdicts, "warn")


def assert_better(
    evaluation: Evaluation,
    other: Evaluation,
    metric: str,
    *,
    margin: float = 0.0,
    confidence: float = 0.95,
    max_unscored: int | float = 0,
) -> Verdict:
    """Assert that a pipeline is better than another; see :func:`pytest_ragtune.better_than`.

    Raises:
        AssertionError: it is not, or it was not shown to be.
    """
    __tracebackhide__ = True
    verdict = _made(
        better_than,
        evaluation,
        other,
        metric,
        margin=margin,
        confidence=confidence,
        max_unscored=max_unscored,
    )
    return _settle([verdict], "fail")[0]


def assert_faithful(
    response: Response | Evaluation, threshold: float = 0.8, *, judge: Judge | None = None
) -> Verdict:
    """Assert that what was answered is supported by the contexts that the generator saw.

    Args:
        response: one response, judged now (and recorded); or an evaluation that has ``faithfulness``.
        threshold: smallest share of supported claims that passes.
        judge: for a response; the session's default unless given.

    Raises:
        AssertionError: a smaller share is supported, or it could not be judged.
    """
    __tracebackhide__ = True
    return _reach(response, "faithfulness", threshold, judge)


def assert_relevant(
    response: Response | Evaluation, threshold: float = 0.5, *, judge: Judge | None = None
) -> Verdict:
    """Assert that the answer answers the question that was asked.

    Args:
        response: one response, judged now (and recorded); or an evaluation that has ``answer_relevance``.
        threshold: smallest relevance that passes.
        judge: for a response; the session's default unless given.

    Raises:
        AssertionError: the relevance is below, or it could not be judged.
    """
    __tracebackhide__ = True
    return _reach(response, "answer_relevance", threshold, judge)


def assert_retrieves(response: Response | Evaluation, metric: str = "R@5", threshold: float = 1.0) -> Verdict:
    """Assert that the relevant passages stand in the ranking.

    Args:
        response: one response, or an evaluation that has the metric.
        metric: a ranking metric by its standard name, such as ``R@5``, ``nDCG@10``, ``RR``.
        threshold: smallest value that passes.

    Raises:
        AssertionError: the value is below, or there is no ranking to measure.
    """
    __tracebackhide__ = True
    return _reach(response, metric, threshold, None)


def _made(check: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """What the check gives; whoever listens to checks is told of it first."""
    plan = planner.get()
    if plan is not None:
        planned: T = plan(check, *arguments, **options)
        return planned
    listener = check_listener.get()
    if listener is not None:
        listener(check, *arguments, **options)
    return check(*arguments, **options)


def _reach(response: Response | Evaluation, metric: str, threshold: float, judge: Judge | None) -> Verdict:
    __tracebackhide__ = True
    if isinstance(response, Response):
        return _settle([_one(response, metric, threshold, judge)], "fail")[0]
    if not isinstance(response, Evaluation):
        raise TypeError(
            f"got {type(response).__name__} {response!r:.60}: expected a Response (pipeline.respond(case)) "
            "or an Evaluation (evaluate(...))"
        )
    if judge is not None:
        raise ValueError(
            "judge= is for one response; an evaluation is judged when it is made: evaluate(judge=)"
        )
    return _settle([_made(at_least, response, metric, threshold)], "fail")[0]


def _one(response: Response, metric: str, threshold: float, judge: Judge | None) -> Verdict:
    """The verdict on one response."""
    if not isinstance(threshold, int | float) or threshold != threshold:
        raise ValueError(f"threshold is {threshold!r}: expected a number to hold {metric!r} against")
    score = score_response(response, metric, judge)
    item = CaseScore("response" if response.case is None else response.case.id, score)
    is_scored = score.value is not None
    reached = score.value is not None and score.value >= threshold - 1e-9
    note = "" if score.applicable else f"{metric} is not defined for this case: {score.reason}; select others"
    return Verdict(
        outcome="pass" if reached else "fail",
        check="at_least",
        metric=metric,
        pipeline="",
        golden_set="",
        value=score.value,
        threshold=threshold,
        n=int(is_scored),
        unscored=int(not is_scored and score.applicable),
        worst=(item,) if is_scored and not reached else (),
        unscored_cases=() if is_scored or not score.applicable else (item,),
        note=note,
        not_applicable=int(not score.applicable),
    )


def _settle(verdicts: list[Verdict], default: Undecided) -> list[Verdict]:
    """Tell the listener, then raise or warn as the outcomes and the policy say."""
    __tracebackhide__ = True
    if planner.get() is not None:
        return verdicts
    listener = verdict_listener.get()
    if listener is not None:
        for verdict in verdicts:
            listener(verdict)
    policy = undecided_policy.get() or default
    failed = [
        verdict
        for verdict in verdicts
        if verdict.outcome == "fail" or (verdict.outcome == "undecided" and policy == "fail")
    ]
    if failed:
        raise AssertionError("\n".join(_text(verdict) for verdict in failed))
    if policy == "warn" and listener is None:
        for verdict in verdicts:
            if verdict.outcome == "undecided":
                warnings.warn(_text(verdict), UndecidedWarning, stacklevel=3)
    return verdicts


def _text(verdict: Verdict) -> str:
    return "\n".join(failure_lines(verdict, rerun=rerun_command.get()()))


def _update(evaluation: Evaluation, metrics: str | Sequence[str], baseline: Path | str | None) -> str:
    """Write the baseline; the message says what was written and what is next."""
    path = baseline_path(evaluation) if baseline is None else Path(baseline)
    if path is None:
        raise BaselineError(
            f"golden set {evaluation.golden_set!r} was built in memory: there is no place for a baseline; "
            "pass baseline= with a file"
        )
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in names:
        evaluation.values(name)
    is_new = not path.exists()
    write_baseline(evaluation, path, metrics=names)
    return (
        f"baseline {shown(path)} {'written' if is_new else 'updated'}: {len(evaluation.cases)} cases, "
        f"{', '.join(names)}\n  Review it, commit it, and run again without {UPDATE}."
    )
