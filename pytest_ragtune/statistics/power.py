"""What a number of cases can decide: power, the smallest detectable drop, the cases needed.

The predictions are checked against simulation in ``docs/statistics.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ragtune.extras import load

from .estimates import Score
from .intervals import change_bounds, check_confidence
from .samples import MIN_EFFECTIVE, Bounds, as_vector, estimate_values

MOST_CASES = 1_000_000
"""Where the search for a number of cases ends."""


@dataclass(frozen=True, slots=True)
class Power:
    """How likely a check of a change is to decide either way."""

    passes: float
    """Chance that the interval lies wholly above ``-margin``."""
    fails: float
    """Chance that the interval lies wholly below ``-margin``."""


def predict_power(
    change: float,
    deviation: float,
    n: int,
    *,
    margin: float = 0.0,
    confidence: float = 0.95,
    binary: bool = False,
    bounds: Bounds = None,
    effective: float | None = None,
) -> Power:
    """Predict how often ``no_regression`` passes and fails at a true change.

    Args:
        change: true mean of ``now - before``, higher being better.
        deviation: standard deviation of the cases' changes.
        n: cases.
        margin: largest acceptable drop.
        confidence: of the interval that decides.
        binary: 0/1 values: exact sum over every possible count of cases up and down, for the score
            interval; a deviation too small for the change is read as "every changed case dropped".
        bounds: range of the metric, where it has one.
        effective: expected effective number of differing cases (see ``effective_cases``); below 10
            a bounded metric is decided by Gaffke's interval, which is taken as normal here. Left out,
            the noncentral t distribution is used: cases enough, skewness small.

    Raises:
        ValueError: ``n`` below 1, a negative deviation, or a confidence not between 0 and 1.
    """
    check_confidence(confidence)
    if n < 1 or not deviation >= 0:
        raise ValueError(f"n is {n!r} and deviation {deviation!r}: expected 1 case or more and 0 or more")
    if binary:
        return _binary_power(change, deviation, n, margin, confidence)
    few = effective is not None and effective < MIN_EFFECTIVE
    if bounds is not None and (few or n < MIN_EFFECTIVE or deviation == 0):
        return _bounded_power(change, deviation, n, margin, confidence, bounds[1] - bounds[0])
    if n < 3:
        return Power(0.0, 0.0)
    if deviation == 0:
        return Power(float(change > -margin), float(change < -margin))
    stats = load("scipy.stats")
    t = float(stats.t.ppf(0.5 + confidence / 2, n - 1))
    shift = math.sqrt(n) * (change + margin) / deviation
    if abs(shift) > 35:
        return Power(float(shift > 0), float(shift < 0))
    return Power(float(stats.nct.sf(t, n - 1, shift)), float(stats.nct.cdf(-t, n - 1, shift)))


def _bounded_power(
    change: float, deviation: float, n: int, margin: float, confidence: float, width: float
) -> Power:
    """Gaffke's ends near their means: the extra case moves them and widens the spread."""
    norm = load("scipy.stats").norm
    z = float(norm.ppf(0.5 + confidence / 2))
    square = n * (deviation**2 + change**2) + width**2

    def chance(direction: float) -> float:
        centre = (n * change - direction * width) / (n + 1)
        spread = math.sqrt(max(square / (n + 1) - centre**2, 0.0) / (n + 2))
        end = centre - direction * z * spread
        noise = deviation / math.sqrt(n)
        gap = direction * (end + margin)
        return float(norm.cdf(gap / noise)) if noise > 0 else float(gap > 0)

    return Power(chance(1.0), chance(-1.0))


def _binary_power(change: float, deviation: float, n: int, margin: float, confidence: float) -> Power:
    """Sum the trinomial chances of the counts (up, down) that decide."""
    stats, np = load("scipy.stats"), load("numpy")
    discordant = min(max(deviation**2 + change**2, abs(change)), 1.0)
    share = (discordant - change) / 2 / discordant if discordant > 0 else 0.0
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    counts = np.arange(n + 1)
    chances = stats.binom.pmf(counts, n, discordant)
    passes = fails = 0.0
    for changed in counts[chances > 1e-9].tolist():
        downs = stats.binom.pmf(np.arange(changed + 1), changed, share)
        scores = [Score(changed - down, down, n).z(-margin) for down in range(changed + 1)]
        passes += float(chances[changed] * downs[[score > z for score in scores]].sum())
        fails += float(chances[changed] * downs[[score < -z for score in scores]].sum())
    return Power(passes, fails)


def resampled_power(
    changes: Sequence[float],
    n: int,
    *,
    margin: float = 0.0,
    confidence: float = 0.95,
    bounds: Bounds = None,
    runs: int = 1000,
    seed: int = 0,
) -> Power:
    """Predict how often ``no_regression`` decides, for changes spread like those of a pilot.

    Draws ``n`` cases from the pilot, decides, and counts, ``runs`` times: slower than
    :func:`predict_power`, and right also for skewed metrics, ties and few changing cases.

    Args:
        changes: ``now - before`` a case (a mean over its repeats), of a pilot or imagined.
        n: cases.
        margin: largest acceptable drop.
        confidence: of the interval that decides.
        bounds: range of the metric, not of the change.
        runs: how often to draw; the error is about ``0.5 / sqrt(runs)``.
        seed: of the draws.

    Raises:
        ValueError: no change, ``n`` below 1, or a change that is NaN.
    """
    pilot = as_vector(changes, "changes")
    if n < 1 or len(pilot) == 0:
        raise ValueError(f"n is {n!r}, with {len(pilot)} changes: expected 1 case or more of each")
    rng = load("numpy").random.default_rng(seed)
    passes = fails = 0
    for _ in range(runs):
        estimate = estimate_values(rng.choice(pilot, size=n), change_bounds(bounds), seed)
        if estimate is not None:
            low, high = estimate.limits(confidence)
            passes, fails = passes + (low > -margin), fails + (high < -margin)
    return Power(passes / runs, fails / runs)


def smallest_detectable_change(
    deviation: float,
    n: int,
    *,
    margin: float = 0.0,
    power: float = 0.8,
    confidence: float = 0.95,
    binary: bool = False,
    bounds: Bounds = None,
) -> float | None:
    """The smallest true drop that ``no_regression`` would fail with chance ``power`` at ``n`` cases.

    Args:
        deviation: standard deviation of the cases' changes; 0.3 is a usual guess for a metric
            between 0 and 1 when nothing is known.
        n: cases.
        margin: largest acceptable drop.
        power: chance wanted.
        confidence: of the interval that decides.
        binary: 0/1 values.
        bounds: range of the metric.

    Returns:
        The drop, as a positive number; None when not even the largest possible drop would be seen.
    """
    largest = 1.0 if binary else bounds[1] - bounds[0] if bounds is not None else None

    def found(drop: float) -> bool:
        prediction = predict_power(
            -drop, deviation, n, margin=margin, confidence=confidence, binary=binary, bounds=bounds
        )
        return prediction.fails >= power

    top = largest if largest is not None else margin + 100 * deviation + 1e-9
    if not found(top):
        return None
    low = margin
    for _ in range(30):
        middle = (low + top) / 2
        low, top = (low, middle) if found(middle) else (middle, top)
    return top


def cases_to_decide(
    gap: float,
    deviation: float,
    *,
    power: float = 0.8,
    confidence: float = 0.95,
    bounds: Bounds = None,
    binary: bool = False,
) -> int | None:
    """How many cases would decide a check that is undecided, were the figures to stay as they are.

    The interval must become narrow enough for the gap: ``((t_confidence + t_power) * deviation / gap)^2``
    cases, and for a bounded metric no fewer than would exclude that one unseen case in ``range / gap``
    sits at the far bound (the rule of three, at this confidence).

    Args:
        gap: distance of the value from the threshold, or of the change from ``-margin``.
        deviation: standard deviation of the cases' values or changes.
        power: chance of deciding wanted.
        confidence: of the interval that decides.
        bounds: range of the values or changes, from the figure itself to the bound behind the bar.
        binary: a change of 0/1 values: no fewer than the score interval needs when no case changes.

    Returns:
        The number of cases; None when the gap is 0 or more than a million would be needed.

    Example:
        >>> cases_to_decide(0.05, 0.3)
        285
    """
    check_confidence(confidence)
    if not abs(gap) > 1e-12:
        return None
    gap, quantile = abs(gap), load("scipy.special").ndtri
    z = float(quantile(0.5 + confidence / 2) + quantile(power))
    needed = (z * deviation / gap) ** 2 + 2
    if bounds is not None:
        share = min(gap / (bounds[1] - bounds[0]), 1 - 1e-12)
        needed = max(needed, math.log((1 - confidence) / 2) / math.log1p(-share))
        if binary:
            needed = max(needed, float(quantile(0.5 + confidence / 2)) ** 2 * (1 - share) / share)
    return math.ceil(needed) if needed <= MOST_CASES else None
