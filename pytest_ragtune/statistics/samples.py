"""A sample: read, checked, and given the method that serves it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from pytest_ragtune.extras import load

from .estimates import Estimate, Hall, bounded

if TYPE_CHECKING:
    from .estimates import Vector

Bounds = tuple[float, float] | None
"""Smallest and largest possible value; None for an unbounded metric."""

MIN_EFFECTIVE = 10.0
"""Below this effective number of differing cases no large-sample method is trusted."""


def effective_cases(values: Vector) -> float:
    """How many cases carry the spread of a sample: ``(sum |d|)^2 / sum d^2`` with ``d`` from the median.

    It is ``m`` when ``m`` cases differ from all others by the same amount (Kish 1965, section 8.2,
    the effective size under unequal weights), 0 when no case differs, and about ``0.64 n`` for a
    normal sample of size ``n``.
    """
    np = load("numpy")
    distance = np.abs(values - np.median(values))
    square = float((distance**2).sum())
    return float(distance.sum()) ** 2 / square if square > 0 else 0.0


def estimate_values(values: Vector, bounds: Bounds, seed: int = 0) -> Estimate | None:
    """Choose the method for one sample of any metric.

    Args:
        values: ``(n,)``, at least one.
        bounds: smallest and largest possible value; None for an unbounded metric.
        seed: of the draws of :class:`Bounded`.

    Returns:
        :class:`Hall` when at least 10 effective cases differ; otherwise :class:`Bounded` where the
        metric has bounds, and the plain t interval where it has none and 3 cases or more differ.
        None when nothing can be said: an unbounded metric with less than that.
    """
    effective = effective_cases(values)
    if effective < MIN_EFFECTIVE and bounds is not None:
        return bounded(values, bounds, seed)
    if len(values) < 3 or effective == 0:
        return None
    deviation = float(values.std(ddof=1))
    if effective < MIN_EFFECTIVE:
        return Hall(float(values.mean()), deviation, 0.0, len(values), "t")
    centred = values - values.mean()
    skewness = float((centred**3).mean() / (centred**2).mean() ** 1.5)
    return Hall(float(values.mean()), deviation, skewness, len(values))


def is_binary(values: Any) -> bool:
    """True when every value is exactly 0 or 1."""
    return bool(((values == 0) | (values == 1)).all())


def as_vector(values: Sequence[float], name: str) -> Vector:
    """The values as an array ``(n,)``; ValueError for a NaN or infinite one."""
    np = load("numpy")
    vector: Vector = np.asarray(values, dtype=float)
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}: expected one number a case")
    if not np.isfinite(vector).all():
        place = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise ValueError(
            f"{name}[{place}] is {float(vector[place])!r}: expected a finite number; leave out unscored cases"
        )
    return vector


def case_means(values: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    """One mean a cluster, in order of first appearance: repeats of a case are no further cases.

    Raises:
        ValueError: the two sequences differ in length.
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(clusters)} clusters for {len(values)} values: expected one a value")
    groups: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    return [sum(group) / len(group) for group in groups.values()]


def check_bounds(vector: Vector, bounds: Bounds) -> None:
    """ValueError when a value lies outside the bounds."""
    if bounds is None or len(vector) == 0:
        return
    low, high = bounds
    np = load("numpy")
    outside = np.flatnonzero((vector < low - 1e-9) | (vector > high + 1e-9))
    if len(outside):
        value = float(vector[outside[0]])
        raise ValueError(f"a value is {value!r}: the metric is said to lie between {low} and {high}")
