"""The promises of docs/statistics.md, on few runs here and on 2,000 in the slow test."""

from __future__ import annotations

import math

import pytest
import simulate as s  # type: ignore[import-not-found]


def at_most(share: float, runs: int, errors: float = 3.0) -> float:
    """The share in percent, plus that many standard errors of a simulation."""
    return share + errors * math.sqrt(share * (100 - share) / runs)


@pytest.mark.parametrize("world", s.WORLDS, ids=lambda world: world.name)
def test_a_drop_of_exactly_the_margin_rarely_passes(world: s.World) -> None:
    sample = s.simulate(world, 50, 0.1, 200)
    assert sample.passes(0.1) <= at_most(5, 200)
    assert sample.fails(0.1) <= at_most(5, 200)
    assert sample.coverage() >= 100 - at_most(7, 200)
    # the plain rule lets half of them through
    assert 100 - sample.plain_fails(0.1) > 30


@pytest.mark.parametrize("world", s.WORLDS, ids=lambda world: world.name)
def test_no_change_rarely_fails(world: s.World) -> None:
    sample = s.simulate(world, 50, 0.0, 200)
    assert sample.fails(0.05) <= at_most(1, 200)
    assert sample.coverage() >= 100 - at_most(7, 200)


@pytest.mark.parametrize("world", s.WORLDS, ids=lambda world: world.name)
def test_a_large_drop_fails(world: s.World) -> None:
    assert s.simulate(world, 200, 0.15, 50).fails(0.02) > 75


@pytest.mark.parametrize("name", s.MEANS)
def test_intervals_of_a_mean_cover(name: str) -> None:
    assert s.mean_coverage(name, 50, 200) >= 100 - at_most(7, 200)


def test_the_worlds_have_the_change_they_claim() -> None:
    for world in s.WORLDS:
        rng = s.np.random.default_rng(5)
        now, before = world.draw(rng, 200_000, 0.1)
        assert min(now.min(), before.min()) >= 0
        assert max(now.max(), before.max()) <= 1
        assert float((now - before).mean()) == pytest.approx(-0.1, abs=0.004)


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.parametrize("world", s.WORLDS, ids=lambda world: world.name)
def test_errors_and_power_over_2000_runs(world: s.World, n: int) -> None:
    runs = 2000
    still, strong = s.simulate(world, n, 0.0, runs), s.simulate(world, n, s.POWER_DROP[n], runs)
    for margin in s.MARGINS[n]:
        edge = s.simulate(world, n, margin, runs)
        assert edge.passes(margin) <= at_most(5, runs, 2)
        assert still.fails(margin) <= at_most(5, runs, 2)
        assert edge.coverage() >= 100 - at_most(7, runs, 2)
        assert still.passes(margin) == pytest.approx(s.predicted(world, n, 0.0, margin)[0], abs=8)
        assert strong.fails(margin) == pytest.approx(s.predicted(world, n, strong.drop, margin)[1], abs=8)
