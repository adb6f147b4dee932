"""Tests of a paired change, and the correction for making several of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ragtune.extras import load
from pytest_ragtune.records import Interval

from .estimates import DRAWS, RESAMPLES, as_interval
from .intervals import change_bounds, check_confidence, estimate_change
from .samples import Bounds, as_vector, case_means, is_binary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ChangeTest:
    """On which side of a bar a mean change lies."""

    change: float
    """Mean of ``now - before``."""
    interval: Interval
    """Its confidence interval."""
    p_above: float
    """One-sided p value of "the change is at most the bar": small when it lies above."""
    p_below: float
    """One-sided p value of "the change is at least the bar": small when it lies below."""


def noninferiority(
    now: Sequence[float],
    before: Sequence[float],
    margin: float,
    *,
    confidence: float = 0.95,
    binary: bool = False,
    bounds: Bounds = None,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> ChangeTest | None:
    """Test on which side of ``-margin`` the mean change lies, paired by case, higher being better.

    The interval at ``confidence`` lies wholly above ``-margin`` exactly when ``p_above`` is at most
    ``(1 - confidence) / 2``, and wholly below it exactly when ``p_below`` is: one-sided tests at
    half the error rate, as ICH E9 (1998, section 3.3.2) asks of trials of this kind.

    Args:
        now: one number a case, ``(n,)``; the other arguments as in :func:`paired_interval`.
        before: the same cases' values before.
        margin: the largest drop that is acceptable, 0 or more.

    Returns:
        None when the pairs tell nothing (no pair; an unbounded metric without spread).

    Raises:
        ValueError: the margin is negative or NaN, or as for :func:`paired_interval`.
    """
    if not margin >= 0:
        raise ValueError(f"margin is {margin!r}: expected the largest acceptable drop, 0 or more")
    options: dict[str, Any] = {"binary": binary, "bounds": bounds, "seed": seed, "clusters": clusters}
    return _against(-margin, now, before, confidence, options)


def superiority(
    now: Sequence[float],
    before: Sequence[float],
    margin: float = 0.0,
    *,
    confidence: float = 0.95,
    binary: bool = False,
    bounds: Bounds = None,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> ChangeTest | None:
    """Test on which side of ``margin`` the mean change lies: as :func:`noninferiority`, at the other bar.

    Raises:
        ValueError: the margin is negative or NaN, or as for :func:`paired_interval`.
    """
    if not margin >= 0:
        raise ValueError(f"margin is {margin!r}: expected the smallest gain that counts, 0 or more")
    options: dict[str, Any] = {"binary": binary, "bounds": bounds, "seed": seed, "clusters": clusters}
    return _against(margin, now, before, confidence, options)


def _against(
    bar: float, now: Sequence[float], before: Sequence[float], confidence: float, options: dict[str, Any]
) -> ChangeTest | None:
    check_confidence(confidence)
    estimate = estimate_change(now, before, **options)
    if estimate is None:
        return None
    bounds = (0.0, 1.0) if options["binary"] else options["bounds"]
    interval = as_interval(estimate, confidence, change_bounds(bounds))
    return ChangeTest(estimate.mean, interval, estimate.p_above(bar), estimate.p_below(bar))


def paired_test(
    now: Sequence[float],
    before: Sequence[float],
    *,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> float:
    """Two-sided p value of "nothing changed", paired by case; never 0.

    0/1 values: the exact test of McNemar (1947), a binomial test of the changed cases. Others: the
    permutation test that flips the sign of each case's change (Pitman 1937), all flips when there are
    at most 9,999, a seeded random choice of them otherwise, the observed one counted among them.

    Args:
        now: one number a case, ``(n,)``.
        before: the same cases' other values.
        seed: of the random flips.
        clusters: case of each pair where cases are repeated.

    Returns:
        1.0 when no case changed or there is none.

    Raises:
        ValueError: the lengths differ or a value is NaN.
    """
    if len(now) != len(before):
        raise ValueError(f"{len(now)} values now, {len(before)} before: expected one pair a case")
    if clusters is not None:
        now, before = case_means(now, clusters), case_means(before, clusters)
    first, second = as_vector(now, "now"), as_vector(before, "before")
    change = (first - second).round(9)
    changed = change[change != 0]
    if len(changed) < 2:  # both signs of one change are as likely
        return 1.0
    stats = load("scipy.stats")
    if is_binary(first) and is_binary(second):
        return float(stats.binomtest(int((changed > 0).sum()), len(changed), 0.5).pvalue)
    return _sign_flips(changed, seed)


def _sign_flips(changed: NDArray[np.float64], seed: int) -> float:
    """scipy's permutation test of the sum over the changed cases (a flipped zero is a zero)."""
    stats, numpy = load("scipy.stats"), load("numpy")

    def total(sample: Any, axis: int) -> Any:
        return sample.sum(axis=axis)

    result = stats.permutation_test(
        (changed,),
        total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=max(999, min(RESAMPLES, DRAWS // len(changed))),
        batch=max(1, 1_000_000 // len(changed)),
        random_state=numpy.random.default_rng(seed),
    )
    return float(result.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for being several (Holm 1979), in the order given.

    The chance that any true null hypothesis among them is rejected stays at the level of the test.

    Raises:
        ValueError: a value is not between 0 and 1.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"a p value is {p!r}: expected a number between 0 and 1")
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = running
    return corrected
