"""What a sample tells about a mean: one object that gives the interval and both one-sided p values.

An interval and a p value that disagree would let a report contradict its own verdict, so both come
from the same estimate: ``p_above(x) <= a`` exactly when the lower end at level ``a`` lies above ``x``.

Which method serves which sample was chosen by simulation; the figures stand in ``docs/statistics.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_ragtune.extras import load
from pytest_ragtune.records import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

RESAMPLES = 9_999
"""Draws behind a resampled figure."""
DRAWS = 5_000_000
"""Most random numbers drawn for one figure; beyond it the number of resamples falls, never below 999."""


class Estimate(Protocol):
    """What a sample tells about a population mean."""

    @property
    def mean(self) -> float:
        """The sample's mean."""
        ...

    @property
    def method(self) -> str:
        """Name of the method, for reports."""
        ...

    def limits(self, confidence: float) -> tuple[float, float]:
        """Both ends of the interval at that two-sided confidence."""
        ...

    def p_above(self, value: float) -> float:
        """One-sided p value of "the mean is at most ``value``": small when it lies above."""
        ...

    def p_below(self, value: float) -> float:
        """One-sided p value of "the mean is at least ``value``": small when it lies below."""
        ...


def as_interval(estimate: Estimate, confidence: float, bounds: tuple[float, float] | None) -> Interval:
    """The estimate's interval, cut to the range of values that are possible."""
    low, high = estimate.limits(confidence)
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(low, high, confidence, estimate.method)


@dataclass(frozen=True, slots=True)
class Exact:
    """Share of a binary metric: the interval of Clopper and Pearson (1934), valid at every n and share."""

    successes: int
    """Cases with a 1."""
    n: int
    """Cases."""
    method: str = "exact (Clopper-Pearson)"
    """Name of the method."""

    @property
    def mean(self) -> float:
        """The share of successes."""
        return self.successes / self.n

    def limits(self, confidence: float) -> tuple[float, float]:
        """Quantiles of two beta distributions."""
        quantile, half = load("scipy.special").betaincinv, (1 - confidence) / 2
        successes, failures = self.successes, self.n - self.successes
        low = float(quantile(successes, failures + 1, half)) if successes else 0.0
        high = float(quantile(successes + 1, failures, 1 - half)) if failures else 1.0
        return low, high

    def p_above(self, value: float) -> float:
        """Chance of so many successes or more at a share of ``value``."""
        if self.successes == 0:
            return 1.0
        return float(load("scipy.special").bdtrc(self.successes - 1, self.n, _unit(value)))

    def p_below(self, value: float) -> float:
        """Chance of so few successes or fewer at a share of ``value``."""
        return float(load("scipy.special").bdtr(self.successes, self.n, _unit(value)))


@dataclass(frozen=True, slots=True)
class Score:
    """Paired difference of two shares: the score interval of Tango (1998, Statistics in Medicine 17).

    The variance is that under the value tested, so the interval has a width also when no case
    changed: ``z^2 / (n + z^2)`` to either side.
    """

    up: int
    """Cases that went from 0 to 1."""
    down: int
    """Cases that went from 1 to 0."""
    n: int
    """Pairs."""
    method: str = "score (Tango)"
    """Name of the method."""

    @property
    def mean(self) -> float:
        """Share now minus share before."""
        return (self.up - self.down) / self.n

    def z(self, change: float) -> float:
        """Score statistic at a true change: how many standard errors the observed one lies above it."""
        change = max(-1.0, min(1.0, change))
        linear = (2 * self.n - self.up + self.down) * change - self.up - self.down
        constant = -self.down * change * (1 - change)
        root = math.sqrt(max(linear**2 - 8 * self.n * constant, 0.0))
        down = (root - linear) / (4 * self.n)
        variance = self.n * (2 * down + change * (1 - change))
        distance = self.up - self.down - self.n * change
        if variance <= 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / math.sqrt(variance)

    def limits(self, confidence: float) -> tuple[float, float]:
        """The changes at which the score statistic crosses the normal quantile, by bisection."""
        z = float(load("scipy.special").ndtri(0.5 + confidence / 2))
        return self._cross(-1.0, self.mean, z), self._cross(self.mean, 1.0, -z)

    def _cross(self, low: float, high: float, target: float) -> float:
        for _ in range(60):
            middle = (low + high) / 2
            if self.z(middle) > target:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def p_above(self, value: float) -> float:
        """Normal tail above the score statistic."""
        return float(load("scipy.special").ndtr(-self.z(value)))

    def p_below(self, value: float) -> float:
        """Normal tail below the score statistic."""
        return float(load("scipy.special").ndtr(self.z(value)))


@dataclass(frozen=True, slots=True)
class Hall:
    """Mean of any sample: the t interval with its skewness removed by transformation (Hall 1992).

    ``g(x) = x + s x^2/3 + s^2 x^3/27 + s/(6n)`` at ``x = (mean - value)/sd`` and skewness ``s``;
    ``sqrt(n) g(x)`` is held against Student's t with ``n - 1`` degrees of freedom. With ``skewness``
    0 it is the plain t interval. As accurate as the studentised bootstrap, without a random number.
    Journal of the Royal Statistical Society B 54, section 4.
    """

    mean: float
    """The sample's mean."""
    deviation: float
    """The sample's standard deviation, with ``n - 1``."""
    skewness: float
    """The sample's skewness; 0 for the plain t interval."""
    n: int
    """Cases."""
    method: str = "t, skewness removed (Hall)"
    """Name of the method."""

    def limits(self, confidence: float) -> tuple[float, float]:
        """The transformation inverted at both t quantiles."""
        t = float(load("scipy.special").stdtrit(self.n - 1, 0.5 + confidence / 2)) / math.sqrt(self.n)
        return self.mean - self.deviation * self._inverse(t), self.mean - self.deviation * self._inverse(-t)

    def _inverse(self, y: float) -> float:
        if abs(self.skewness) < 1e-6:
            return y
        inner = 1 + self.skewness * (y - self.skewness / (6 * self.n))
        return 3 / self.skewness * (math.cbrt(inner) - 1)

    def _t(self, value: float) -> float:
        x, s = (self.mean - value) / self.deviation, self.skewness
        if abs(s) < 1e-6:
            return math.sqrt(self.n) * x
        return math.sqrt(self.n) * (x + s * x**2 / 3 + s**2 * x**3 / 27 + s / (6 * self.n))

    def p_above(self, value: float) -> float:
        """Student tail above the transformed statistic."""
        return float(load("scipy.special").stdtr(self.n - 1, -self._t(value)))

    def p_below(self, value: float) -> float:
        """Student tail below the transformed statistic."""
        return float(load("scipy.special").stdtr(self.n - 1, self._t(value)))


@dataclass(frozen=True, slots=True)
class Bounded:
    """Mean of a bounded metric when few cases differ: the interval of Gaffke (2005).

    The lower end is a quantile of the sample's mean under uniform random (Dirichlet) weights with one
    more case at the lowest possible value; the upper end mirrors it. For 0/1 values it is the exact
    interval of Clopper and Pearson; no bounded distribution is known for which it covers less than
    it says (Learned-Miller and Thomas 2019, "A new confidence interval for the mean of a bounded
    random variable"). It must be wide: it allows for values that the sample has not shown.
    """

    mean: float
    """The sample's mean."""
    lower: Vector
    """Draws of the mean with the extra case at the lower bound."""
    upper: Vector
    """Draws of the mean with the extra case at the upper bound."""
    method: str = "bounded (Gaffke)"
    """Name of the method."""

    def limits(self, confidence: float) -> tuple[float, float]:
        """One quantile of each set of draws."""
        partition, size = load("numpy").partition, len(self.lower)
        rank = max(int((1 - confidence) / 2 * (size + 1) + 1e-9), 1)
        low = partition(self.lower, rank - 1)[rank - 1]
        return float(low), float(partition(self.upper, size - rank)[size - rank])

    def p_above(self, value: float) -> float:
        """Share of lower draws at or below ``value``, never 0."""
        return (int((self.lower <= value).sum()) + 1) / (len(self.lower) + 1)

    def p_below(self, value: float) -> float:
        """Share of upper draws at or above ``value``, never 0."""
        return (int((self.upper >= value).sum()) + 1) / (len(self.upper) + 1)


def bounded(values: Vector, bounds: tuple[float, float], seed: int = 0) -> Bounded:
    """Draw the weighted means behind a :class:`Bounded` estimate; equal values share one gamma draw."""
    np = load("numpy")
    distinct, counts = np.unique(np.round(values, 9), return_counts=True)
    resamples = max(999, min(RESAMPLES, DRAWS // len(distinct)))
    rng = np.random.default_rng(seed)
    weights = rng.standard_gamma(counts.astype(float), size=(resamples, len(distinct)))
    extra = rng.standard_exponential(resamples)
    total, weighted = weights.sum(axis=1) + extra, weights @ distinct
    low, high = bounds
    lower, upper = (weighted + extra * low) / total, (weighted + extra * high) / total
    return Bounded(float(values.mean()), lower, upper)


def _unit(value: float) -> float:
    return max(0.0, min(1.0, value))
