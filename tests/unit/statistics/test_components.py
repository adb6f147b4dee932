from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_ragtune.statistics import mean_interval, variance_components

CASE, GENERATION, JUDGEMENT = 0.09, 0.04, 0.02


def draw(rng: np.random.Generator, n: int, answers: int, judgements: int) -> np.ndarray:
    cases = rng.normal(0.5, math.sqrt(CASE), (n, 1, 1))
    generations = rng.normal(0, math.sqrt(GENERATION), (n, answers, 1))
    return cases + generations + rng.normal(0, math.sqrt(JUDGEMENT), (n, answers, judgements))


def estimates(n: int, answers: int, judgements: int, runs: int = 2000) -> np.ndarray:
    rng = np.random.default_rng(7)
    found = [variance_components(draw(rng, n, answers, judgements).tolist()) for _ in range(runs)]
    return np.array(
        [[c.case, c.generation or 0.0, c.judgement or 0.0, c.standard_error() ** 2] for c in found if c]
    )


def test_the_three_variances_are_found_without_bias() -> None:
    found = estimates(40, 3, 2)
    error = found.std(axis=0) / math.sqrt(len(found))
    truth = [CASE, GENERATION, JUDGEMENT, CASE / 40 + GENERATION / 120 + JUDGEMENT / 240]
    assert (np.abs(found.mean(axis=0) - truth) < 4 * error).all()


def test_what_was_not_repeated_stays_with_the_level_above() -> None:
    answers = estimates(40, 3, 1)
    assert answers[:, 0].mean() == pytest.approx(CASE, rel=0.03)
    assert answers[:, 1].mean() == pytest.approx(GENERATION + JUDGEMENT, rel=0.03)
    judgements = estimates(40, 1, 3)
    assert judgements[:, 0].mean() == pytest.approx(CASE + GENERATION, rel=0.03)
    assert judgements[:, 2].mean() == pytest.approx(JUDGEMENT, rel=0.03)


def test_the_standard_error_is_that_of_the_case_means() -> None:
    """The interval of a check is made from case means; the advice must not tell another story."""
    table = draw(np.random.default_rng(1), 200, 3, 2)
    found = variance_components(table.tolist())
    assert found is not None
    means = table.mean(axis=(1, 2))
    assert found.standard_error() == pytest.approx(means.std(ddof=1) / math.sqrt(200), rel=1e-9)
    interval = mean_interval(means.tolist())
    assert interval is not None
    assert (interval.high - interval.low) / 2 == pytest.approx(1.97 * found.standard_error(), rel=0.05)


@pytest.mark.parametrize(
    ("factors", "name"),
    [({"cases": 2}, "cases"), ({"generations": 2}, "generations"), ({"judgements": 2}, "judgements")],
)
def test_doubling_predicts_what_a_bigger_design_would_give(factors: dict[str, int], name: str) -> None:
    sizes = {"cases": 40, "generations": 3, "judgements": 2}
    sizes[name] *= 2
    rng = np.random.default_rng(3)
    means = [draw(rng, *sizes.values()).mean() for _ in range(3000)]
    found = variance_components(draw(np.random.default_rng(7), 4000, 3, 2).tolist())
    assert found is not None
    scaled = found.standard_error(**{**factors, "cases": factors.get("cases", 1) * 40 / 4000})
    assert scaled == pytest.approx(float(np.std(means)), rel=0.06)


def test_every_score_equal_gives_nothing_to_spend_on() -> None:
    found = variance_components([[[1.0, 1.0], [1.0, 1.0]]] * 5)
    assert found is not None
    assert (found.case, found.generation, found.judgement, found.dominant) == (0.0, 0.0, 0.0, None)


def test_a_negative_solution_is_nought() -> None:
    found = variance_components([[[0.0], [1.0]], [[0.0], [1.0]], [[1.0], [0.0]]])
    assert found is not None
    assert (found.case, found.generation) == (0.0, 0.5)
    assert found.dominant == "generations"


def test_too_little_to_tell() -> None:
    assert variance_components([]) is None
    assert variance_components([[[1.0], [0.0]]]) is None
    assert variance_components([[[1.0]], [[0.0]]]) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[[1.0], [0.0]], [[1.0]]], "expected the same for each"),
        ([[[1.0], [0.0]], []], "expected the same for each"),
        ([[[1.0, 0.5], [0.0]], [[1.0, 1.0], [1.0, 1.0]]], "expected the same for each"),
        ([[[1.0], [math.nan]], [[1.0], [0.0]]], "not finite"),
    ],
)
def test_an_unbalanced_table_is_refused(values: list[list[list[float]]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        variance_components(values)
