"""Checks of an evaluation against another: a baseline, or another pipeline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ragtune.baseline import (
    UPDATE,
    Baseline,
    baseline_of,
    baseline_path,
    read_baseline,
    require_same,
    shown,
)
from pytest_ragtune.metrics.scoring import judge_name
from pytest_ragtune.records import Evaluation, Interval, MetricInfo, Verdict
from pytest_ragtune.statistics import ChangeTest, noninferiority, paired_test, superiority

from .deciding import corrected, decide, refusal, remarks, superior
from .evidence import Evidence, allowed_unscored, bounds_of, collect, sentences
from .pairing import Pairing, pair, worst_changes


def no_regression(
    evaluation: Evaluation,
    metrics: str | Sequence[str],
    *,
    margin: float | Mapping[str, float],
    baseline: Evaluation | Baseline | Path | str | None = None,
    confidence: float = 0.95,
    max_unscored: int | float = 0,
    common_only: bool = False,
    now: Baseline | None = None,
) -> list[Verdict]:
    """Check that no metric became worse than its baseline by more than a margin, paired by case.

    A metric passes when the interval of its mean change lies wholly above ``-margin`` and fails when
    it lies wholly below; between the two it is undecided. The call as a whole passes only when every
    metric does, so a wrong pass is no likelier with several metrics than with one (Berger 1982); a
    wrong failure would be, so failures are corrected by Holm's method over the metrics of the call.
    When every answer and score is the one in the baseline, and the pipeline is known to be the same in every
    part, nothing changed and the check passes at any number of cases.

    Args:
        evaluation: what was measured.
        metrics: names of metrics that were computed.
        margin: largest acceptable drop of a mean (rise, where lower is better), in the metric's unit;
            one for all, or one a metric.
        baseline: an evaluation, a baseline or its file; left out, ``baselines/<pipeline>.jsonl`` in the
            golden set's folder. A baseline that does not exist is a failure that says how to make it.
        confidence: of the two-sided interval that decides.
        max_unscored: how many cases may lack a score on either side, as a count, or as a share when
            it is a float.
        common_only: compare also when the golden set has changed: added, removed and edited cases are
            left out and counted.
        now: the evaluation as a baseline, where it was read from a report; made from it unless given.

    Returns:
        One verdict a metric.

    Raises:
        BaselineError: the baseline is damaged, or of another golden set or metric identity.
        RagtuneError: a metric was not computed.
        ValueError: a margin is negative, NaN or as wide as the metric's range, no metric is named, or
            another argument is bad.
    """
    names = [metrics] if isinstance(metrics, str) else list(dict.fromkeys(metrics or ()))
    if not names:
        raise ValueError("metrics is empty: expected at least one name, such as ['R@5']")
    evidence = {name: collect(evaluation, name) for name in names}
    margins = {name: _margin(margin, evidence[name].info, "fail") for name in names}
    before, place = _baseline(evaluation, baseline, names)
    if before is None:
        return [_missing(evaluation, evidence[name], margins[name], place) for name in names]
    now = baseline_of(evaluation, names) if now is None else now
    require_same(now, before, names, common_only=common_only)
    found = [name for name in names if name in before.metrics]
    pairings = {name: pair(now, before, evidence[name]) for name in found}
    tests = {
        name: noninferiority(
            *pairings[name].gains, margins[name], confidence=confidence, **_options(pairings[name])
        )
        for name in found
    }
    adjusted = corrected(tests)
    verdicts = []
    for name in names:
        if name not in pairings:
            verdicts.append(_missing(evaluation, evidence[name], margins[name], place))
            continue
        pairing, test = pairings[name], tests[name]
        allowed = allowed_unscored(max_unscored, len(pairing.ids) + len(pairing.unscored))
        verdict = _verdict(evaluation, pairing, evidence[name], test, before.source)
        verdict = replace(verdict, check="no_regression", threshold=margins[name])
        stopped = refusal(pairing, allowed, common_only)
        outcome, p, note = stopped or decide(pairing, test, adjusted.get(name), margins[name], confidence)
        note = sentences([note, remarks(pairing)])
        verdicts.append(replace(verdict, outcome=outcome, p_value=p, note=note))
    return verdicts


def better_than(
    evaluation: Evaluation,
    other: Evaluation,
    metric: str,
    *,
    margin: float = 0.0,
    confidence: float = 0.95,
    max_unscored: int | float = 0,
) -> Verdict:
    """Check that a pipeline is better than another on the same golden set, paired by case.

    Passes when the interval of the mean gain lies wholly above the margin and, at a margin of 0, the
    exact test of McNemar (0/1 metrics) or the permutation test agrees; fails when the interval lies
    wholly below; undecided otherwise.

    Args:
        evaluation: the one that should be better.
        other: the one it is held against.
        metric: name of a metric that both have.
        margin: how much better it must be at least, in the metric's unit.
        confidence: of the two-sided interval that decides.
        max_unscored: how many cases may lack a score on either side, as a count or a share.

    Raises:
        BaselineError: the two are of different golden sets or metric identities.
        RagtuneError: the metric was not computed in one of them.
        ValueError: the margin is negative, NaN or as wide as the metric's range.
    """
    evidence = collect(evaluation, metric)
    margin = _margin(margin, evidence.info, "pass")
    collect(other, metric)
    now, before = baseline_of(evaluation, [metric]), baseline_of(other, [metric])
    require_same(now, before, [metric])
    pairing = pair(now, before, evidence)
    now_gains, before_gains = pairing.gains
    test = superiority(now_gains, before_gains, margin, confidence=confidence, **_options(pairing))
    verdict = _verdict(evaluation, pairing, evidence, test, before.source)
    allowed = allowed_unscored(max_unscored, len(pairing.ids) + len(pairing.unscored))
    decided = refusal(pairing, allowed, common_only=False)
    if decided is None:
        p = paired_test(now_gains, before_gains) if margin == 0 else 0.0
        decided = superior(pairing, test, p, margin, confidence)
    outcome, p_value, note = decided
    note = sentences([note, remarks(pairing)])
    return replace(
        verdict, check="better_than", threshold=margin, outcome=outcome, p_value=p_value, note=note
    )


def _margin(margin: float | Mapping[str, float], info: MetricInfo, could_not: str) -> float:
    """The margin of one metric, when a check with it can come out either way."""
    metric = info.name
    if isinstance(margin, Mapping):
        if metric not in margin:
            raise ValueError(
                f"margin has no entry for {metric!r}, only {sorted(margin)}: expected one a metric"
            )
        margin = margin[metric]
    if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 <= margin < math.inf:
        raise ValueError(
            f"margin is {margin!r}: expected a change of {metric!r} as a number of 0 or more; whether higher "
            "or lower is better the metric says, not the sign"
        )
    bounds = bounds_of(info)
    if bounds is not None and margin >= bounds[1] - bounds[0]:
        hint = f"; did you mean {margin / 100:g}?" if bounds == (0.0, 1.0) and 2 <= margin < 100 else ""
        raise ValueError(
            f"margin is {margin!r}: {metric!r} cannot change by more than {bounds[1] - bounds[0]:g}, so the "
            f"check could not {could_not}{hint}"
        )
    return float(margin)


def _baseline(
    evaluation: Evaluation, baseline: Evaluation | Baseline | Path | str | None, names: Sequence[str]
) -> tuple[Baseline | None, Path | None]:
    """The other side, or None and where it was looked for."""
    if isinstance(baseline, Evaluation):
        for name in names:
            collect(baseline, name)
        return baseline_of(baseline, names), None
    if isinstance(baseline, Baseline):
        return baseline, None
    if baseline is not None and not isinstance(baseline, str | Path):
        raise TypeError(f"baseline is {baseline!r:.60}: expected an Evaluation, a Baseline or its file")
    path = baseline_path(evaluation) if baseline is None else Path(baseline)
    if path is None or not path.exists():
        return None, path
    return read_baseline(path), path


def _missing(evaluation: Evaluation, evidence: Evidence, margin: float, place: Path | None) -> Verdict:
    """A baseline is never born green: without one the check fails and says how to make it."""
    name = evidence.info.name
    if place is None:
        note = "a golden set built in memory has no baseline file: pass baseline=, an evaluation or a file"
    elif place.exists():
        note = f"the baseline has no {name!r}; add it with: {_command(evaluation)}"
    else:
        note = f"there is no baseline; make one with: {_command(evaluation)}"
    return Verdict(
        outcome="fail",
        check="no_regression",
        metric=name,
        pipeline=evaluation.pipeline,
        golden_set=evaluation.golden_set,
        value=None,
        threshold=margin,
        n=len(evidence.scored),
        unscored=len(evidence.unscored),
        baseline="" if place is None else shown(place),
        higher_is_better=evidence.info.higher_is_better,
        unscored_cases=evidence.unscored,
        note=note,
        not_applicable=evidence.not_applicable,
        judge=judge_name(evidence.info.identity),
    )


def _command(evaluation: Evaluation) -> str:
    folder = "" if evaluation.path is None else f" {shown(evaluation.path)}"
    return f"pytest{folder} {UPDATE}"


def _options(pairing: Pairing) -> dict[str, Any]:
    return {"binary": pairing.info.binary, "bounds": bounds_of(pairing.info)}


def _verdict(
    evaluation: Evaluation, pairing: Pairing, evidence: Evidence, test: ChangeTest | None, source: str
) -> Verdict:
    """The evidence of a paired check; the caller fills in what it decides."""
    return Verdict(
        outcome="undecided",
        check="",
        metric=pairing.info.name,
        pipeline=evaluation.pipeline,
        golden_set=evaluation.golden_set,
        value=pairing.change,
        threshold=0.0,
        n=len(pairing.ids),
        unscored=len(pairing.unscored),
        interval=None if test is None else _turned(test.interval, pairing.sign),
        baseline_value=pairing.mean_before,
        baseline=source,
        higher_is_better=pairing.info.higher_is_better,
        worst=worst_changes(pairing, evidence),
        unscored_cases=pairing.unscored,
        not_applicable=pairing.not_applicable,
        judge=judge_name(pairing.info.identity),
    )


def _turned(interval: Interval, sign: float) -> Interval:
    return interval if sign > 0 else replace(interval, low=-interval.high, high=-interval.low)
