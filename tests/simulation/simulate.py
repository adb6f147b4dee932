"""Simulate what the statistics promise, and write the figures into docs/statistics.md.

    python -m tests.simulation.simulate [RUNS]

Each figure is a share of RUNS simulated evaluations (10,000 unless given), so its Monte-Carlo error is
at most one percentage point at 10,000 runs (two standard errors), and 0.44 around 5%. Our figures come
from the functions that ship, one evaluation at a time; samples that are equal are decided once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_ragtune.statistics import (
    effective_cases,
    estimate_change,
    mean_interval,
    predict_power,
    resampled_power,
)
from tests.simulation.rivals import Limits, bca_limits, t_limits, welch_limits
from tests.simulation.worlds import MARGINS, MEANS, POWER_DROP, SIZES, WORLDS, Floats, World

UNIT = (0.0, 1.0)
HALF, TINY, FEW = 0.025 + 1e-9, 1e-9, 10
DOCUMENT = Path(__file__).parents[2] / "docs" / "statistics.md"
Flags = NDArray[np.bool_]


def percent(flags: Flags) -> float:
    return 100 * float(np.mean(flags))


@dataclass(frozen=True, slots=True)
class Decided:
    """What our check says of one sample."""

    low: float
    high: float
    passes: Mapping[float, bool]
    fails: Mapping[float, bool]
    is_few: bool
    """Fewer than ten effective cases differ."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Many simulated evaluations of one world: arrays with one entry a run."""

    drop: float
    changes: Floats
    limits: Mapping[str, Limits]
    passed: Mapping[float, Flags]
    failed: Mapping[float, Flags]
    few: Flags

    def coverage(self, name: str = "ours") -> float:
        low, high = self.limits[name]
        return percent((low - TINY <= -self.drop) & (-self.drop <= high + TINY))

    def passes(self, margin: float, name: str = "ours") -> float:
        return percent(self.passed[margin] if name == "ours" else self.limits[name][0] > -margin + TINY)

    def fails(self, margin: float, name: str = "ours") -> float:
        return percent(self.failed[margin] if name == "ours" else self.limits[name][1] < -margin - TINY)

    def plain_fails(self, margin: float) -> float:
        """The plain rule: the mean dropped by more than the margin."""
        return percent(self.changes.mean(axis=1) < -margin - TINY)

    def bca_passes(self, margin: float) -> float:
        return percent(bca_limits(self.changes)[0] > -margin + TINY)


def decide(world: World, now: Floats, before: Floats, margins: tuple[float, ...]) -> Decided:
    """One sample through the estimate behind ``no_regression``."""
    cases = len(now) // world.repeats
    clusters = np.repeat(np.arange(cases), world.repeats).tolist() if world.repeats > 1 else None
    estimate = estimate_change(
        now.tolist(), before.tolist(), binary=world.binary, bounds=UNIT, clusters=clusters
    )
    assert estimate is not None
    fails = {margin: estimate.p_below(-margin) <= HALF for margin in margins}
    passes = {margin: not fails[margin] and estimate.p_above(-margin) <= HALF for margin in margins}
    low, high = estimate.limits(0.95)
    is_few = effective_cases(world.case_changes(now, before)) < FEW
    return Decided(low, high, passes, fails, is_few)


def simulate(world: World, n: int, drop: float, runs: int, margins: tuple[float, ...] = ()) -> Sample:
    """Draw and decide ``runs`` evaluations of ``n`` cases with that true drop."""
    margins = margins or MARGINS[n]
    rng = np.random.default_rng([n, round(1e6 * drop), WORLDS.index(world)])
    drawn = world.draw(rng, runs * n, drop)
    changes = world.case_changes(*drawn).reshape(runs, n)
    now, before = (values.reshape(runs, n * world.repeats) for values in drawn)
    known: dict[bytes, Decided] = {}
    decided = []
    for run in range(runs):
        key = np.sort(changes[run].round(9)).tobytes()
        if key not in known:
            known[key] = decide(world, now[run], before[run], margins)
        decided.append(known[key])
    ours = np.array([d.low for d in decided]), np.array([d.high for d in decided])
    return Sample(
        drop,
        changes,
        {"ours": ours, "t": t_limits(changes), "unpaired": welch_limits(now, before)},
        {margin: np.array([d.passes[margin] for d in decided]) for margin in margins},
        {margin: np.array([d.fails[margin] for d in decided]) for margin in margins},
        np.array([d.is_few for d in decided]),
    )


def predicted(world: World, n: int, drop: float, margin: float, runs: int = 4000) -> tuple[float, float]:
    """Predicted shares of passes and failures: exact for 0/1 scores, else resampled from a pilot."""
    change = world.case_changes(*world.draw(np.random.default_rng(1), 100_000, drop))
    if world.binary:
        power = predict_power(-drop, float(change.std()), n, margin=margin, binary=True)
    else:
        change += -drop - change.mean()
        power = resampled_power(np.clip(change, -1, 1).tolist(), n, margin=margin, bounds=UNIT, runs=runs)
    return 100 * power.passes, 100 * power.fails


def mean_coverage(name: str, n: int, runs: int) -> tuple[float, float]:
    """Coverage of the interval of one mean, and the share of samples where few cases differ."""
    draw, truth, is_binary = MEANS[name]
    rng = np.random.default_rng([3, n])
    hits, few = np.zeros(runs, bool), np.zeros(runs, bool)
    for run, values in enumerate(draw(rng, runs * n).reshape(runs, n)):
        interval = mean_interval(values.tolist(), binary=is_binary, bounds=UNIT)
        assert interval is not None
        hits[run] = interval.low - TINY <= truth <= interval.high + TINY
        few[run] = effective_cases(values) < FEW
    return percent(hits), percent(few)


Row = tuple[str, list[str]]


def rows(runs: int) -> Iterator[Row]:
    """Lines of the tables, as (table, cells)."""
    for world in WORLDS:
        for n in SIZES:
            still, strong = simulate(world, n, 0.0, runs), simulate(world, n, POWER_DROP[n], runs)
            for margin in MARGINS[n]:
                edge, head = simulate(world, n, margin, runs), [world.name, str(n), f"{margin:.2f}"]
                yield from errors(head, margin, still, edge)
                yield from powers(head, margin, still, strong, world)
    for name in MEANS:
        found = [mean_coverage(name, n, runs) for n in SIZES]
        yield "mean", [name, *(f"{covered:.1f} ({few:.0f})" for covered, few in found)]


def errors(head: list[str], margin: float, still: Sample, edge: Sample) -> Iterator[Row]:
    figures = [edge.bca_passes(margin), edge.passes(margin, "t"), edge.passes(margin, "unpaired")]
    figures += [100 - edge.plain_fails(margin), edge.coverage(), edge.coverage("unpaired"), percent(edge.few)]
    yield "pass", [*head, f"**{edge.passes(margin):.1f}**", *texts(figures)]
    figures = [still.fails(margin, "t"), still.fails(margin, "unpaired"), still.plain_fails(margin)]
    figures += [still.coverage(), still.coverage("unpaired"), percent(still.few)]
    yield "fail", [*head, f"**{still.fails(margin):.1f}**", *texts(figures)]


def powers(head: list[str], margin: float, still: Sample, strong: Sample, world: World) -> Iterator[Row]:
    n = still.changes.shape[1]
    figures = [still.passes(margin), predicted(world, n, 0.0, margin)[0]]
    figures += [still.passes(margin, "unpaired"), 100 - still.plain_fails(margin)]
    figures += [strong.fails(margin), predicted(world, n, strong.drop, margin)[1]]
    figures += [strong.fails(margin, "unpaired"), strong.plain_fails(margin)]
    yield "power", [*head, *texts(figures[:4]), f"{strong.drop:.2f}", *texts(figures[4:])]


def texts(figures: list[float]) -> list[str]:
    return [f"{figure:.1f}" for figure in figures]


HEADS = {
    "pass": "| scores | n | margin | ours | BCa | t | unpaired | plain rule | coverage: ours "
    "| unpaired | few |",
    "fail": "| scores | n | margin | ours | t | unpaired | plain rule | coverage: ours | unpaired | few |",
    "power": "| scores | n | margin | passes, no change | predicted | unpaired | plain rule | drop | fails "
    "| predicted | unpaired | plain rule |",
    "mean": "| scores | n = 20 | n = 50 | n = 200 |",
}


def main(runs: int) -> None:
    """Fill the tables of the document."""
    tables: dict[str, list[str]] = {name: [] for name in HEADS}
    for name, cells in rows(runs):
        print(name, *cells, sep=" | ", file=sys.stderr, flush=True)
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
