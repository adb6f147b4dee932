"""Checks of a mean against a threshold."""

from __future__ import annotations

import math

from pytest_ragtune.metrics.scoring import judge_name
from pytest_ragtune.records import CaseScore, Evaluation, Interval, MetricInfo, Outcome, Verdict
from pytest_ragtune.statistics import cases_to_decide, mean_interval

from .evidence import SHOWN, TOLERANCE, Evidence, allowed_unscored, collect, counted


def at_least(
    evaluation: Evaluation,
    metric: str,
    threshold: float,
    *,
    confidence: float | None = None,
    max_unscored: int | float = 0,
) -> Verdict:
    """Check that the mean of a metric reaches a threshold.

    Args:
        evaluation: what was measured.
        metric: name of a metric that was computed.
        threshold: the smallest mean that passes; rounding errors below 1e-9 are forgiven.
        confidence: left out, the mean itself decides and its interval is only shown. Given, the
            interval at this confidence decides: pass when it lies wholly at or above the threshold,
            fail when wholly below, undecided when it straddles.
        max_unscored: how many applicable cases may have no score, as a count, or as a share when it
            is a float. Cases that the metric is not defined for are counted apart and shown.

    Returns:
        Fails also when more cases are unscored than allowed, or none is scored.

    Raises:
        RagtuneError: the metric was not computed.
        ValueError: the threshold is NaN or outside the metric's range, or another argument is bad.
    """
    return _hold(evaluation, metric, threshold, "at_least", confidence, max_unscored)


def at_most(
    evaluation: Evaluation,
    metric: str,
    threshold: float,
    *,
    confidence: float | None = None,
    max_unscored: int | float = 0,
) -> Verdict:
    """Check that the mean of a metric stays at or below a threshold: seconds, tokens, error rates.

    Args and errors are those of :func:`at_least`.
    """
    return _hold(evaluation, metric, threshold, "at_most", confidence, max_unscored)


def _hold(
    evaluation: Evaluation,
    metric: str,
    threshold: float,
    check: str,
    confidence: float | None,
    max_unscored: int | float,
) -> Verdict:
    evidence = collect(evaluation, metric)
    _check_threshold(evidence.info, threshold, check)
    level = 0.95 if confidence is None else confidence
    interval = mean_interval(
        evidence.values, binary=evidence.info.binary, bounds=evidence.bounds, confidence=level
    )
    allowed = allowed_unscored(max_unscored, len(evidence.scored) + len(evidence.unscored))
    outcome, note = _decide(evidence, interval, threshold, check, confidence, allowed)
    return Verdict(
        outcome=outcome,
        check=check,
        metric=metric,
        pipeline=evaluation.pipeline,
        golden_set=evaluation.golden_set,
        value=evidence.mean,
        threshold=threshold,
        n=len(evidence.scored),
        unscored=len(evidence.unscored),
        interval=interval,
        higher_is_better=evidence.info.higher_is_better,
        worst=_worst(evidence, threshold, check),
        unscored_cases=evidence.unscored,
        note=note,
        not_applicable=evidence.not_applicable,
        judge=judge_name(evidence.info.identity),
    )


def _check_threshold(info: MetricInfo, threshold: float, check: str) -> None:
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not is_number or math.isnan(threshold):
        raise ValueError(
            f"threshold is {threshold!r}: expected a number to hold the mean of {info.name!r} against"
        )
    low = -math.inf if info.low is None else info.low
    high = math.inf if info.high is None else info.high
    is_floor, found = check == "at_least", f"threshold is {threshold!r}: {info.name!r} is never"
    if threshold > high + TOLERANCE or threshold == math.inf:
        hint = f"; did you mean {threshold / 100:g}?" if high == 1 and 2 <= threshold <= 100 else ""
        could_not = "pass" if is_floor else "fail"
        raise ValueError(f"{found} above {high:g}, so the check could not {could_not}{hint}")
    if threshold < low - TOLERANCE or threshold == -math.inf:
        raise ValueError(f"{found} below {low:g}, so the check could not {'fail' if is_floor else 'pass'}")


def _decide(
    evidence: Evidence,
    interval: Interval | None,
    threshold: float,
    check: str,
    confidence: float | None,
    allowed: int,
) -> tuple[Outcome, str]:
    mean, missing = evidence.mean, len(evidence.unscored)
    if mean is None:
        nothing = "the metric is defined for no case" if evidence.not_applicable else "no case was asked"
        return "fail", "no case has a score" if missing else nothing
    if missing > allowed:
        return "fail", f"{counted(missing)} could not be scored, allowed {allowed}"
    sign = 1.0 if check == "at_least" else -1.0
    if confidence is None:
        return ("pass" if sign * (mean - threshold) >= -TOLERANCE else "fail"), ""
    if interval is None:
        return "undecided", no_interval(len(evidence.scored), "values")
    worse, better = sorted((sign * (interval.low - threshold), sign * (interval.high - threshold)))
    if worse >= -TOLERANCE:
        return "pass", ""
    if better < -TOLERANCE:
        return "fail", ""
    return "undecided", _advice(evidence, mean - threshold, confidence)


def _advice(evidence: Evidence, gap: float, confidence: float) -> str:
    values, mean = evidence.values, evidence.mean or 0.0
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1))
    return needed(gap, deviation, confidence, reach(mean, gap, evidence.bounds), len(values))


def no_interval(n: int, what: str) -> str:
    """Why an unbounded metric has no interval here."""
    why = "expected 3 or more" if n < 3 else f"all {what} are equal"
    return f"no interval for {counted(n)} of an unbounded metric: {why}"


def reach(value: float, gap: float, bounds: tuple[float, float] | None) -> float | None:
    """How far a case can lie from the value on the side of the bar; None for an unbounded metric.

    Args:
        value: mean, or mean change.
        gap: the value less the bar.
        bounds: range of the values, or of the changes.
    """
    if bounds is None:
        return None
    return (value - bounds[0] if gap > 0 else bounds[1] - value) or None


def needed(
    gap: float, deviation: float, confidence: float, far: float | None, n: int, binary: bool = False
) -> str:
    """A sentence about the number of cases that would decide."""
    bounds = None if far is None else (0.0, far)
    cases = cases_to_decide(gap, deviation, confidence=confidence, bounds=bounds, binary=binary)
    if cases is None:
        return "the value is too close to call with any number of cases"
    return f"about {max(cases, n + 1)} cases would decide at these figures"


def _worst(evidence: Evidence, threshold: float, check: str) -> tuple[CaseScore, ...]:
    """The cases furthest on the wrong side of the threshold."""
    sign = 1.0 if check == "at_least" else -1.0
    gaps = [
        (sign * (score.value - threshold), case_id, score)
        for case_id, score in evidence.scored.items()
        if score.value is not None
    ]
    bad = sorted((gap for gap in gaps if gap[0] < -TOLERANCE), key=lambda gap: gap[0])
    return tuple(CaseScore(case_id, score) for _, case_id, score in bad[:SHOWN])
