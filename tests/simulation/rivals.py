"""The rules that ours is held against, over many samples at once: rows are runs, columns are cases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Limits = tuple[Floats, Floats]


def t_limits(changes: Floats) -> Limits:
    """The paired t interval."""
    n = changes.shape[1]
    half = float(stats.t.ppf(0.975, n - 1)) * changes.std(axis=1, ddof=1) / np.sqrt(n)
    mean = changes.mean(axis=1)
    return mean - half, mean + half


def welch_limits(now: Floats, before: Floats) -> Limits:
    """Welch's interval of a difference of two independent means; no width where no value differs."""
    size = now.shape[1]
    a, b = now.var(axis=1, ddof=1) / size, before.var(axis=1, ddof=1) / size
    centre, square = now.mean(axis=1) - before.mean(axis=1), a**2 + b**2
    freedom = np.divide((a + b) ** 2 * (size - 1), square, out=np.ones(len(now)), where=square > 0)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(a + b)
    return centre - half, centre + half


def bca_limits(changes: Floats, resamples: int = 1999) -> Limits:
    """BCa bootstrap limits (Efron 1987), with resampling weights shared by all samples."""
    runs, n = changes.shape
    weights = np.random.default_rng(8).multinomial(n, np.full(n, 1 / n), resamples) / n
    low, high = np.empty(runs), np.empty(runs)
    for start in range(0, runs, 500):
        d = changes[start : start + 500]
        means, centre = d @ weights.T, d.mean(axis=1, keepdims=True)
        ties = 0.5 * (np.abs(means - centre) < 1e-12)
        share = ((means < centre - 1e-12) + ties).mean(axis=1)
        z0 = stats.norm.ppf(np.clip(share, 1 / resamples, 1 - 1 / resamples))
        square = ((d - centre) ** 2).sum(axis=1)
        cube = ((d - centre) ** 3).sum(axis=1)
        a = np.divide(cube, 6 * square**1.5, out=np.zeros_like(cube), where=square > 0)
        means.sort(axis=1)
        for ends, z in ((low, stats.norm.ppf(0.025)), (high, stats.norm.ppf(0.975))):
            level = stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z)))
            rank = np.clip((level * (resamples + 1)).astype(int) - 1, 0, resamples - 1)
            ends[start : start + 500] = means[np.arange(len(d)), rank]
    return low, high
