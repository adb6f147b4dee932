"""Simulate what the statistics promise, and write the figures into docs/statistics.md.

    python tests/simulation/simulate.py [RUNS]

Every world below draws pairs of scores (now, before) whose true mean change is exactly ``-drop``. Each
figure is a share of RUNS simulated evaluations (10,000 unless given), so its Monte-Carlo error is at
most one percentage point at 10,000 runs (two standard errors), and 0.44 around 5%.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pytest_ragtune.statistics import estimate_change, mean_interval, predict_power, resampled_power

Floats = NDArray[np.float64]
Rng = np.random.Generator
UNIT = (0.0, 1.0)
MARGINS = {20: (0.05, 0.2), 50: (0.05, 0.1), 200: (0.02, 0.05)}
POWER_DROP = {20: 0.4, 50: 0.3, 200: 0.15}
DOCUMENT = Path(__file__).parents[2] / "docs" / "statistics.md"


@dataclass(frozen=True, slots=True)
class World:
    """One way in which scores change between two evaluations."""

    name: str
    draw: Callable[[Rng, int, float], tuple[Floats, Floats]]
    binary: bool = False
    repeats: int = 1


def place(rng: Rng, change: Floats, unchanged: Floats) -> tuple[Floats, Floats]:
    """Values within 0..1 that differ by ``change``."""
    room = rng.random(len(change)) * (1 - np.abs(change))
    before = np.where(change == 0, unchanged, room + np.maximum(-change, 0))
    return np.clip(before + change, 0, 1), before


def binary(churn: float) -> Callable[[Rng, int, float], tuple[Floats, Floats]]:
    def draw(rng: Rng, n: int, drop: float) -> tuple[Floats, Floats]:
        u = rng.random(n)
        change = np.where(u < churn + drop, -1.0, np.where(u < 2 * churn + drop, 1.0, 0.0))
        same = (rng.random(n) < 0.85).astype(float)
        before = np.where(change == 0, same, (change < 0).astype(float))
        return before + change, before

    return draw


def ties(rng: Rng, n: int, drop: float) -> tuple[Floats, Floats]:
    """Scores in steps (R@5 with one to three labels): a fifth of the cases move, the rest do not."""
    sizes = rng.choice([1 / 3, 1 / 2, 1.0], p=[0.5, 0.3, 0.2], size=n)
    mean = 0.5 / 3 + 0.3 / 2 + 0.2
    u = rng.random(n)
    down, up = 0.1 + drop / mean, 0.1
    change = np.where(u < down, -sizes, np.where(u < down + up, sizes, 0.0))
    return place(rng, change, np.ones(n))


def skewed(rng: Rng, n: int, drop: float) -> tuple[Floats, Floats]:
    """Shares of claims: 30% of the cases move a little, a few lose half on average, the rest stay."""
    u = rng.random(n)
    lost = -rng.beta(2, 2, n)
    change = np.where(u < 2 * drop, lost, np.where(u < 2 * drop + 0.3, rng.uniform(-0.3, 0.3, n), 0.0))
    return place(rng, change, np.ones(n))


def dense(rng: Rng, n: int, drop: float) -> tuple[Floats, Floats]:
    """Similarities: every case moves a little."""
    return place(rng, rng.normal(-drop, 0.08, n), np.ones(n))


def dense_skewed(rng: Rng, n: int, drop: float) -> tuple[Floats, Floats]:
    """Every case moves, some lose much more than others gain (gamma, skewness -1.4)."""
    return place(rng, 0.1 - drop - rng.gamma(2.0, 0.05, n), np.ones(n))


def repeated(rng: Rng, n: int, drop: float) -> tuple[Floats, Floats]:
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


def case_changes(world: World, now: Floats, before: Floats) -> Floats:
    change: Floats = (now - before).reshape(-1, world.repeats).mean(axis=1)
    return change


@dataclass(frozen=True, slots=True)
class Decided:
    """One simulated evaluation: the limits of our interval and of the others it is compared with."""

    change: float
    ours: tuple[float, float]
    unpaired: tuple[float, float]
    t: tuple[float, float]


def decide(world: World, now: Floats, before: Floats) -> Decided:
    clusters = np.repeat(np.arange(len(now) // world.repeats), world.repeats) if world.repeats > 1 else None
    estimate = estimate_change(
        now.tolist(),
        before.tolist(),
        binary=world.binary,
        bounds=UNIT,
        clusters=None if clusters is None else clusters.tolist(),
    )
    assert estimate is not None
    change = case_changes(world, now, before)
    return Decided(estimate.mean, estimate.limits(0.95), welch(now, before), t_limits(change))


def t_limits(change: Floats) -> tuple[float, float]:
    half = float(stats.t.ppf(0.975, len(change) - 1)) * change.std(ddof=1) / np.sqrt(len(change))
    return float(change.mean() - half), float(change.mean() + half)


def welch(now: Floats, before: Floats) -> tuple[float, float]:
    """The interval of a difference of two independent means."""
    a, b = now.var(ddof=1) / len(now), before.var(ddof=1) / len(before)
    centre = float(now.mean() - before.mean())
    if a + b == 0:
        return centre, centre
    freedom = (a + b) ** 2 / (a**2 / (len(now) - 1) + b**2 / (len(before) - 1))
    half = float(stats.t.ppf(0.975, freedom) * np.sqrt(a + b))
    return centre - half, centre + half


def bca_limits(changes: Floats, resamples: int = 1999) -> tuple[Floats, Floats]:
    """BCa bootstrap limits (Efron 1987) of many samples ``(runs, n)``, with shared resampling weights."""
    runs, n = changes.shape
    weights = np.random.default_rng(8).multinomial(n, np.full(n, 1 / n), resamples) / n
    low, high = np.empty(runs), np.empty(runs)
    for start in range(0, runs, 500):
        d = changes[start : start + 500]
        means, centre = d @ weights.T, d.mean(axis=1, keepdims=True)
        ties_ = 0.5 * (np.abs(means - centre) < 1e-12)
        share = ((means < centre - 1e-12) + ties_).mean(axis=1)
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


@dataclass(frozen=True, slots=True)
class Sample:
    """Many simulated evaluations of one world."""

    decided: list[Decided]
    changes: Floats
    drop: float

    def share(self, holds: Callable[[Decided], bool]) -> float:
        return 100 * sum(map(holds, self.decided)) / len(self.decided)

    def coverage(self, name: str = "ours") -> float:
        return self.share(lambda d: getattr(d, name)[0] - 1e-9 <= -self.drop <= getattr(d, name)[1] + 1e-9)

    def passes(self, margin: float, name: str = "ours") -> float:
        return self.share(lambda d: getattr(d, name)[0] > -margin + 1e-9)

    def fails(self, margin: float, name: str = "ours") -> float:
        return self.share(lambda d: getattr(d, name)[1] < -margin - 1e-9)

    def plain_fails(self, margin: float) -> float:
        return self.share(lambda d: d.change < -margin - 1e-9)

    def bca_passes(self, margin: float) -> float:
        return 100 * float((bca_limits(self.changes)[0] > -margin + 1e-9).mean())


def simulate(world: World, n: int, drop: float, runs: int, seed: int = 0) -> Sample:
    rng = np.random.default_rng([seed, n, round(1e6 * drop), WORLDS.index(world)])
    decided, changes = [], np.empty((runs, n))
    for run in range(runs):
        now, before = world.draw(rng, n, drop)
        decided.append(decide(world, now, before))
        changes[run] = case_changes(world, now, before)
    return Sample(decided, changes, drop)


def predicted(world: World, n: int, drop: float, margin: float) -> tuple[float, float]:
    """Predicted shares of passes and failures: exact for 0/1 scores, else resampled from a pilot of 5,000."""
    change = case_changes(world, *world.draw(np.random.default_rng(1), 5000, drop))
    if world.binary:
        change = case_changes(world, *world.draw(np.random.default_rng(1), 100_000, drop))
        power = predict_power(-drop, float(change.std()), n, margin=margin, binary=True)
    else:
        change += -drop - change.mean()
        power = resampled_power(np.clip(change, -1, 1).tolist(), n, margin=margin, bounds=UNIT, runs=2000)
    return 100 * power.passes, 100 * power.fails


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


def mean_coverage(name: str, n: int, runs: int) -> float:
    draw, truth, is_binary = MEANS[name]
    rng = np.random.default_rng([3, n])
    hits = 0
    for _ in range(runs):
        interval = mean_interval(draw(rng, n).tolist(), binary=is_binary, bounds=UNIT)
        assert interval is not None
        hits += interval.low - 1e-9 <= truth <= interval.high + 1e-9
    return 100 * hits / runs


Row = tuple[str, list[str]]


def rows(runs: int) -> Iterator[Row]:
    """Lines of the tables, as (table, cells)."""
    for world in WORLDS:
        for n in (20, 50, 200):
            still = simulate(world, n, 0.0, runs)
            strong = simulate(world, n, POWER_DROP[n], runs)
            for margin in MARGINS[n]:
                print(world.name, n, margin, file=sys.stderr, flush=True)
                yield from compared(world, n, margin, still, strong, simulate(world, n, margin, runs))
    for name in MEANS:
        yield "mean", [name, *(f"{mean_coverage(name, n, runs):.1f}" for n in (20, 50, 200))]


def compared(
    world: World, n: int, margin: float, still: Sample, strong: Sample, edge: Sample
) -> Iterator[Row]:
    head = [world.name, str(n), f"{margin:.2f}"]
    figures = [edge.bca_passes(margin), edge.passes(margin, "t"), edge.passes(margin, "unpaired")]
    figures += [100 - edge.plain_fails(margin), edge.coverage()]
    yield "pass", [*head, f"**{edge.passes(margin):.1f}**", *(f"{figure:.1f}" for figure in figures)]
    figures = [still.fails(margin, "unpaired"), still.plain_fails(margin), still.coverage()]
    yield "fail", [*head, f"**{still.fails(margin):.1f}**", *(f"{figure:.1f}" for figure in figures)]
    figures = [still.passes(margin), predicted(world, n, 0.0, margin)[0]]
    figures += [strong.fails(margin), predicted(world, n, strong.drop, margin)[1]]
    figures += [strong.fails(margin, "unpaired")]
    yield "power", [*head, f"{strong.drop:.2f}", *(f"{figure:.1f}" for figure in figures)]


HEADS = {
    "pass": "| scores | n | margin | ours | BCa | t | unpaired | plain rule | coverage of ours |",
    "fail": "| scores | n | margin | ours | unpaired | plain rule | coverage of ours |",
    "power": "| scores | n | margin | drop | passes, no change | predicted | fails | predicted | unpaired |",
    "mean": "| scores | n = 20 | n = 50 | n = 200 |",
}


def main(runs: int) -> None:
    tables: dict[str, list[str]] = {name: [] for name in HEADS}
    for name, cells in rows(runs):
        tables[name].append(f"| {' | '.join(cells)} |")
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, lines in tables.items():
        rule = "|" + " --- |" * (HEADS[name].count("|") - 1)
        start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, rest = text.split(start, 1)
        body = "\n".join([start, "", HEADS[name], rule, *lines, "", end])
        text = before + body + rest.split(end, 1)[1]
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
