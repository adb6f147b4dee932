"""Worlds to simulate: pairs of scores (now, before) whose true mean change is exactly ``-drop``.

Cases are independent, so ``draw(rng, runs * n, drop)`` draws many golden sets of ``n`` cases at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator
Pairs = tuple[Floats, Floats]
SIZES = (20, 50, 200)
MARGINS = {20: (0.05, 0.2), 50: (0.05, 0.1), 200: (0.02, 0.05)}
POWER_DROP = {20: 0.4, 50: 0.3, 200: 0.15}


@dataclass(frozen=True, slots=True)
class World:
    """One way in which scores change between two evaluations."""

    name: str
    draw: Callable[[Rng, int, float], Pairs]
    binary: bool = False
    repeats: int = 1

    def case_changes(self, now: Floats, before: Floats) -> Floats:
        """The change of each case, repeats of a case averaged."""
        change: Floats = (now - before).reshape(-1, self.repeats).mean(axis=1)
        return change


def place(rng: Rng, change: Floats, unchanged: Floats) -> Pairs:
    """Values within 0..1 that differ by ``change`` (one in a million of a long tail would not fit)."""
    change = np.clip(change, -1, 1)
    room = rng.random(len(change)) * (1 - np.abs(change))
    before = np.where(change == 0, unchanged, room + np.maximum(-change, 0))
    return np.clip(before + change, 0, 1), before


def binary(churn: float) -> Callable[[Rng, int, float], Pairs]:
    def draw(rng: Rng, n: int, drop: float) -> Pairs:
        u = rng.random(n)
        change = np.where(u < churn + drop, -1.0, np.where(u < 2 * churn + drop, 1.0, 0.0))
        same = (rng.random(n) < 0.85).astype(float)
        before = np.where(change == 0, same, (change < 0).astype(float))
        return before + change, before

    return draw


def ties(rng: Rng, n: int, drop: float) -> Pairs:
    """Scores in steps (R@5 with one to three labels): a fifth of the cases move, the rest do not."""
    sizes = rng.choice([1 / 3, 1 / 2, 1.0], p=[0.5, 0.3, 0.2], size=n)
    mean = 0.5 / 3 + 0.3 / 2 + 0.2
    u = rng.random(n)
    down, up = 0.1 + drop / mean, 0.1
    change = np.where(u < down, -sizes, np.where(u < down + up, sizes, 0.0))
    return place(rng, change, np.ones(n))


def skewed(rng: Rng, n: int, drop: float) -> Pairs:
    """Shares of claims: 30% of the cases move a little, a few lose half on average, the rest stay."""
    u = rng.random(n)
    lost = -rng.beta(2, 2, n)
    change = np.where(u < 2 * drop, lost, np.where(u < 2 * drop + 0.3, rng.uniform(-0.3, 0.3, n), 0.0))
    return place(rng, change, np.ones(n))


def dense(rng: Rng, n: int, drop: float) -> Pairs:
    """Similarities: every case moves a little."""
    return place(rng, rng.normal(-drop, 0.08, n), np.ones(n))


def dense_skewed(rng: Rng, n: int, drop: float) -> Pairs:
    """Every case moves, some lose much more than others gain (gamma, skewness -1.4)."""
    return place(rng, 0.1 - drop - rng.gamma(2.0, 0.05, n), np.ones(n))


def repeated(rng: Rng, n: int, drop: float) -> Pairs:
    """Three sampled answers a case, right or wrong, easy and hard cases."""
    share = rng.beta(4, 1, n)
    before = (rng.random((n, 3)) < share[:, None]).astype(float)
    now = (rng.random((n, 3)) < (share * (1 - drop / 0.8))[:, None]).astype(float)
    return now.ravel(), before.ravel()


WORLDS = (
    World("0/1, few cases change", binary(0.01), binary=True),
    World("0/1, many cases change", binary(0.12), binary=True),
    World("steps with ties", ties),
    World("shares, skewed, most unchanged", skewed),
    World("continuous, all change", dense),
    World("continuous, skewed, all change", dense_skewed),
    World("0/1, 3 repeats a case", repeated, repeats=3),
)


def stepped(rng: Rng, n: int) -> Floats:
    drawn: Floats = rng.choice([0, 1 / 3, 1 / 2, 1.0], p=[0.1, 0.1, 0.1, 0.7], size=n)
    return drawn


MEANS: dict[str, tuple[Callable[[Rng, int], Floats], float, bool]] = {
    "0/1, share 0.85": (lambda rng, n: (rng.random(n) < 0.85).astype(float), 0.85, True),
    "0/1, share 0.97": (lambda rng, n: (rng.random(n) < 0.97).astype(float), 0.97, True),
    "steps with ties": (stepped, 0.1 / 3 + 0.05 + 0.7, False),
    "shares, 85% at 1": (lambda rng, n: np.where(rng.random(n) < 0.85, 1.0, rng.beta(2, 2, n)), 0.925, False),
    "continuous, skewed": (lambda rng, n: rng.beta(4, 1, n), 0.8, False),
}  # fmt: skip
