"""Pipelines side by side on one golden set: differences by case, with intervals and corrected p values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .baseline import baseline_of, require_same
from .checks import collect, pair
from .records import Evaluation, Interval, MetricInfo
from .statistics import holm, paired_interval, paired_test


@dataclass(frozen=True, slots=True)
class Contrast:
    """One pipeline against the reference, over the cases that both have scored."""

    pipeline: str
    """Name of the pipeline."""
    mean: float | None
    """Its mean; None without a common case."""
    reference_mean: float | None
    """The reference's mean over the same cases."""
    change: float | None
    """Mean difference, pipeline minus reference."""
    interval: Interval | None
    """Its confidence interval; None when it cannot be made."""
    p_value: float | None
    """Of "there is no difference", exact (McNemar or permutation), Holm-corrected over the pipelines."""
    n: int
    """Common cases with a score on both sides."""
    unscored: int
    """Common cases without a score on one side."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pipelines against a reference, on one metric."""

    metric: MetricInfo
    """The metric."""
    golden_set: str
    """Name of the golden set."""
    reference: str
    """Name of the reference pipeline."""
    contrasts: tuple[Contrast, ...]
    """One a further pipeline, in the order given."""


def compare(
    evaluations: Sequence[Evaluation], metric: str, *, reference: str | None = None, confidence: float = 0.95
) -> Comparison:
    """Compare pipelines on one metric, paired by case.

    Args:
        evaluations: two or more of one golden set, each of another pipeline.
        metric: name of a metric that all have.
        reference: name of the pipeline that the others are held against; the first unless given.
        confidence: of the intervals, each by itself; the p values are corrected for their number.

    Raises:
        BaselineError: the evaluations are of different golden sets or metric identities.
        RagtuneError: the metric was not computed in one of them.
        ValueError: fewer than two evaluations, two of one name, or no pipeline of the reference's name.
    """
    by_name = {evaluation.pipeline: evaluation for evaluation in evaluations}
    if len(evaluations) < 2 or len(by_name) < len(evaluations):
        names = [evaluation.pipeline for evaluation in evaluations]
        raise ValueError(f"compare got evaluations of {names}: expected two or more pipelines, each once")
    chosen = evaluations[0].pipeline if reference is None else reference
    if chosen not in by_name:
        raise ValueError(f"reference is {chosen!r}: expected one of {list(by_name)}")
    base = by_name[chosen]
    info = collect(base, metric).info
    found = [_contrast(other, base, metric, confidence) for name, other in by_name.items() if name != chosen]
    known = [contrast.p_value for contrast in found if contrast.p_value is not None]
    corrected = iter(holm(known))
    return Comparison(
        info,
        base.golden_set,
        chosen,
        tuple(c if c.p_value is None else replace(c, p_value=next(corrected)) for c in found),
    )


def _contrast(evaluation: Evaluation, base: Evaluation, metric: str, confidence: float) -> Contrast:
    evidence = collect(evaluation, metric)
    now, before = baseline_of(evaluation, [metric]), baseline_of(base, [metric])
    require_same(now, before, [metric])
    pairing = pair(now, before, evidence)
    bounds = evidence.bounds
    interval = paired_interval(
        pairing.now, pairing.before, binary=evidence.info.binary, bounds=bounds, confidence=confidence
    )
    change, mean = pairing.change, pairing.mean_before
    return Contrast(
        pipeline=evaluation.pipeline,
        mean=None if change is None or mean is None else mean + change,
        reference_mean=mean,
        change=change,
        interval=interval,
        p_value=paired_test(pairing.now, pairing.before) if pairing.ids else None,
        n=len(pairing.ids),
        unscored=len(pairing.unscored),
    )
