"""The promises of docs/statistics.md, on few runs here and on 1,000 in the slow test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_ragtune import GoldenSet, no_regression
from pytest_ragtune.records import Case, Corpus, Evaluation, MetricInfo, Response, Score
from tests.simulation import simulate as s
from tests.simulation.worlds import MARGINS, MEANS, POWER_DROP, SIZES, WORLDS, Floats, World


def at_most(share: float, runs: int, errors: float = 3.0) -> float:
    """The share in percent, plus that many standard errors of a simulation."""
    return share + errors * math.sqrt(share * (100 - share) / runs)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_drop_of_exactly_the_margin_rarely_passes(world: World) -> None:
    sample = s.simulate(world, 50, 0.1, 400)
    assert sample.passes(0.1) <= at_most(5, 400)
    assert sample.fails(0.1) <= at_most(5, 400)
    assert sample.coverage() >= 100 - at_most(7, 400)
    # the plain rule lets half of them through, and an unpaired test sees none of the gain of pairing
    assert 100 - sample.plain_fails(0.1) > 30
    assert sample.passes(0.1, "unpaired") < sample.passes(0.1) + at_most(2.5, 400)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_no_change_rarely_fails(world: World) -> None:
    sample = s.simulate(world, 50, 0.0, 400)
    assert sample.fails(0.05) <= at_most(1, 400)
    assert sample.coverage() >= 100 - at_most(7, 400)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_large_drop_fails(world: World) -> None:
    assert s.simulate(world, 200, 0.15, 50).fails(0.02) > 75


@pytest.mark.parametrize("name", MEANS)
def test_intervals_of_a_mean_cover(name: str) -> None:
    assert s.mean_coverage(name, 50, 200)[0] >= 100 - at_most(7, 200)


def test_the_worlds_have_the_change_they_claim() -> None:
    for world in WORLDS:
        now, before = world.draw(np.random.default_rng(5), 200_000, 0.1)
        assert min(now.min(), before.min()) >= 0
        assert max(now.max(), before.max()) <= 1
        assert float((now - before).mean()) == pytest.approx(-0.1, abs=0.004)


def evaluation(values: Floats, info: MetricInfo, asked: GoldenSet) -> Evaluation:
    """An evaluation that has these scores; an answer of the same score is the same to the letter."""
    return Evaluation(
        pipeline="rag",
        golden_set=asked.name,
        fingerprint=asked.fingerprint,
        cases=asked.cases,
        metrics={info.name: info},
        responses=tuple(
            Response(f"{case.id} {value}", case=case) for value, case in zip(values, asked.cases, strict=True)
        ),
        scores={info.name: tuple(Score(round(float(value), 6)) for value in values)},
    )


@pytest.mark.parametrize("world", [w for w in WORLDS if w.repeats == 1], ids=lambda world: world.name)
def test_no_regression_decides_as_the_simulation_does(world: World) -> None:
    info = MetricInfo("m", "1", "drawn", "simulation", "never", binary=world.binary)
    asked = GoldenSet("sim", tuple(Case(f"c{i}", f"q{i}?") for i in range(50)), Corpus((), {}, "f"), "b")
    outcomes = []
    for drop in (0.0, 0.05, 0.3):
        for run in range(4):
            rng = np.random.default_rng([run, round(100 * drop)])
            now, before = (values.round(6) for values in world.draw(rng, 50, drop))
            decided = s.decide(world, now, before, (0.05,))
            expected = "pass" if decided.passes[0.05] else "fail" if decided.fails[0.05] else "undecided"
            verdict = no_regression(
                evaluation(now, info, asked),
                "m",
                margin=0.05,
                baseline=evaluation(before, info, asked),
            )[0]
            assert verdict.outcome == expected
            outcomes.append(expected)
    assert len(set(outcomes)) > 1


def test_unchanged_answers_of_another_pipeline_rarely_pass_at_the_margin() -> None:
    """A drop of 0.05 touches one of 20 questions in the mean, and none in a third of the samples."""
    info = MetricInfo("m", "1", "drawn", "simulation", "never", binary=True)
    asked = GoldenSet("sim", tuple(Case(f"c{i}", f"q{i}?") for i in range(20)), Corpus((), {}, "f"), "b")
    outcomes = []
    for run in range(200):
        before = np.ones(20)
        now = (np.random.default_rng([run, 20]).random(20) >= 0.05).astype(float)
        sides = [evaluation(values, info, asked) for values in (now, before)]
        outcomes.append(no_regression(sides[0], "m", margin=0.05, baseline=sides[1])[0].outcome)
        assert outcomes[-1] != "fail" or now.sum() < 18
    assert 100 * outcomes.count("pass") / 200 <= at_most(5, 200)


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_errors_and_power_over_1000_runs(world: World, n: int) -> None:
    runs = 1000
    still, strong = s.simulate(world, n, 0.0, runs), s.simulate(world, n, POWER_DROP[n], runs)
    for margin in MARGINS[n]:
        edge = s.simulate(world, n, margin, runs)
        assert edge.passes(margin) <= at_most(5, runs)
        assert still.fails(margin) <= at_most(5, runs)
        assert edge.coverage() >= 100 - at_most(7, runs)
        if not world.binary and s.percent(edge.few) < 1:  # else the interval must be conservative
            assert edge.coverage() <= 97 + 3 * 100 * math.sqrt(0.03 * 0.97 / runs)
        passes, fails = (s.predicted(world, n, drop, margin, 500) for drop in (0.0, strong.drop))
        assert still.passes(margin) == pytest.approx(passes[0], abs=9)
        assert strong.fails(margin) == pytest.approx(fails[1], abs=9)
