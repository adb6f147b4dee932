"""Intervals of a mean and of a paired change."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from pytest_ragtune.records import Interval

from .estimates import Estimate, Exact, Score, as_interval
from .samples import Bounds, as_vector, case_means, check_bounds, estimate_values, is_binary


def estimate_mean(
    values: Sequence[float],
    *,
    binary: bool = False,
    bounds: Bounds = None,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Estimate | None:
    """What the values tell about the mean over all cases that could have been asked; None for no case.

    See :func:`mean_interval` for the arguments.
    """
    if clusters is not None:
        values = case_means(values, clusters)
    vector = as_vector(values, "values")
    check_bounds(vector, bounds)
    if len(vector) == 0:
        return None
    if binary and is_binary(vector):
        return Exact(int(vector.sum()), len(vector))
    return estimate_values(vector, (0.0, 1.0) if binary else bounds, seed)


def mean_interval(
    values: Sequence[float],
    *,
    binary: bool = False,
    bounds: Bounds = None,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Interval | None:
    """Confidence interval of a mean.

    Args:
        values: one number a case, ``(n,)``.
        binary: the metric's only values are 0 and 1 (a mean of repeats in between is fine).
        bounds: smallest and largest value the metric can have; None for an unbounded one.
        confidence: nominal two-sided coverage.
        seed: of the resampled method.
        clusters: case of each value where cases are repeated: the values are reduced to case means.

    Returns:
        Exact (Clopper and Pearson 1934) for 0/1 values. Otherwise Hall's (1992) t interval with its
        skewness removed; when fewer than 10 effective cases differ from the median, Gaffke's (2005)
        interval for bounded metrics, the plain t interval for unbounded ones. Values that are all
        equal never give an interval of no width. None when nothing can be said: no case, or an
        unbounded metric with fewer than 3 cases or no spread.

    Raises:
        ValueError: a value is NaN or outside the bounds, or the confidence is not between 0 and 1.

    Example:
        >>> interval = mean_interval([1.0] * 40, binary=True)
        >>> f"{interval.low:.3f} {interval.high:.3f}"
        '0.912 1.000'
    """
    check_confidence(confidence)
    estimate = estimate_mean(values, binary=binary, bounds=bounds, seed=seed, clusters=clusters)
    if estimate is None:
        return None
    return as_interval(estimate, confidence, (0.0, 1.0) if binary else bounds)


def estimate_change(
    now: Sequence[float],
    before: Sequence[float],
    *,
    binary: bool = False,
    bounds: Bounds = None,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Estimate | None:
    """What the pairs tell about the mean change ``now - before``; None when they tell nothing.

    See :func:`paired_interval` for the arguments.
    """
    if len(now) != len(before):
        raise ValueError(f"{len(now)} values now, {len(before)} before: expected one pair a case")
    if clusters is not None:
        now, before = case_means(now, clusters), case_means(before, clusters)
    first, second = as_vector(now, "now"), as_vector(before, "before")
    check_bounds(first, bounds)
    check_bounds(second, bounds)
    if len(first) == 0:
        return None
    change = first - second
    if binary and is_binary(first) and is_binary(second):
        return Score(int((change > 0).sum()), int((change < 0).sum()), len(change))
    return estimate_values(change, change_bounds((0.0, 1.0) if binary else bounds), seed)


def paired_interval(
    now: Sequence[float],
    before: Sequence[float],
    *,
    binary: bool = False,
    bounds: Bounds = None,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Interval | None:
    """Confidence interval of the mean change ``now - before``, paired by case.

    Args:
        now: one number a case, ``(n,)``.
        before: the same cases' other values, in the same order.
        binary: the metric's only values are 0 and 1.
        bounds: smallest and largest value of the metric (not of the change).
        confidence: nominal two-sided coverage.
        seed: of the resampled method.
        clusters: case of each pair where cases are repeated.

    Returns:
        Tango's (1998) score interval for 0/1 values; for others as :func:`mean_interval` over the
        differences. None when nothing can be said.

    Raises:
        ValueError: the lengths differ, a value is NaN or outside the bounds, or the confidence is
            not between 0 and 1.
    """
    check_confidence(confidence)
    estimate = estimate_change(now, before, binary=binary, bounds=bounds, seed=seed, clusters=clusters)
    if estimate is None:
        return None
    return as_interval(estimate, confidence, change_bounds((0.0, 1.0) if binary else bounds))


def check_confidence(confidence: float) -> None:
    """ValueError unless the confidence lies between 0 and 1."""
    is_number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if not is_number or not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}: expected a number between 0 and 1, usually 0.95")


def change_bounds(bounds: Bounds) -> Bounds:
    """Range of a difference of two values within ``bounds``."""
    return None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])
