"""The combiner behind the network: fitting, calibrating, and choosing a threshold."""

from __future__ import annotations

import math
import random

import pytest

from pytest_ragtune.judges.features import Combiner
from pytest_ragtune.judges.training.combining import (
    Sample,
    best_threshold,
    fit_combiner,
    fit_platt,
    weights_of,
)
from pytest_ragtune.judges.training.fitting import scaled
from pytest_ragtune.judges.training.rows import Row

NAMES = ("useful", "noise", "constant")


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def sample(useful: float, label: bool, noise: float = 0.0, weight: float = 1.0) -> Sample:
    row = Row("supports", "context", "claim", "yes" if label else "no", "made")
    return Sample(row, {"useful": useful, "noise": noise, "constant": 3.0}, weight)


def drawn(count: int, slope: float, shift: float, seed: int = 1) -> list[Sample]:
    rng = random.Random(seed)
    values = [rng.gauss(0, 1) for _ in range(count)]
    return [sample(v, rng.random() < sigmoid(slope * v + shift), rng.gauss(0, 1)) for v in values]


def test_a_fit_finds_the_log_odds_that_made_the_labels() -> None:
    combiner = fit_combiner(drawn(4000, 2.0, -1.0), NAMES)
    at = [combiner.logit({"useful": v, "noise": 0.0, "constant": 3.0}) for v in (-1.0, 0.0, 1.0)]
    assert at == pytest.approx([-3.0, -1.0, 1.0], abs=0.25)
    assert abs(combiner.weights[1]) < 0.1
    assert combiner.scale[2] == 1.0


def test_rows_count_by_their_weight() -> None:
    heavy = [sample(1.0, True, weight=5.0), sample(1.0, False, weight=1.0), sample(0.0, False)]
    found = fit_combiner(heavy * 50, NAMES).logit({"useful": 1.0, "noise": 0.0, "constant": 3.0})
    assert found == pytest.approx(math.log(5), abs=0.1)


def test_a_feature_may_be_kept_from_speaking_the_wrong_way() -> None:
    free = fit_combiner(drawn(1000, -1.5, 0.5), NAMES).weights[0]
    held = fit_combiner(drawn(1000, -1.5, 0.5), NAMES, signs={"useful": 1}).weights[0]
    allowed = fit_combiner(drawn(1000, -1.5, 0.5), NAMES, signs={"useful": -1}).weights[0]
    assert free < -1.0
    assert held == 0.0
    assert allowed == pytest.approx(free, abs=1e-3)


def test_few_rows_stay_near_the_prior_and_many_leave_it() -> None:
    prior = Combiner(NAMES, (0.0, 0.0, 3.0), (1.0, 1.0, 1.0), (2.0, 0.0, 0.0), 0.0)
    against = drawn(3000, -2.0, 0.0)
    few, many = (fit_combiner(against[:n], NAMES, prior).weights[0] for n in (3, 3000))
    assert few > 0.5
    assert many == pytest.approx(-2.0, abs=0.3)
    assert fit_combiner([], NAMES, prior) == prior


def test_a_fit_is_written_with_six_digits_and_is_the_same_each_time() -> None:
    samples = drawn(200, 1.0, 0.3)
    one, two = fit_combiner(samples, NAMES), fit_combiner(samples, NAMES)
    assert one == two
    assert all(float(f"{w:.6g}") == w for w in (*one.weights, *one.mean, *one.scale, one.bias))


def test_platt_undoes_a_slope_and_a_shift() -> None:
    rng = random.Random(4)
    true = [rng.gauss(0, 2) for _ in range(6000)]
    labels = [int(rng.random() < sigmoid(v)) for v in true]
    slope, shift = fit_platt([4 * v + 2 for v in true], labels, [1.0] * len(true))
    assert slope == pytest.approx(0.25, abs=0.03)
    assert shift == pytest.approx(-0.5, abs=0.12)


def test_platt_stays_finite_where_the_labels_part_perfectly() -> None:
    slope, shift = fit_platt([-3.0, -2.0, 2.0, 3.0], [0, 0, 1, 1], [1.0] * 4)
    assert 0 < slope < 2
    assert abs(shift) < 0.1


def test_a_scaled_combiner_gives_the_scaled_log_odds() -> None:
    combiner = Combiner(("a", "b"), (1.0, 2.0), (2.0, 0.5), (0.3, -1.2), 0.7)
    found = {"a": 1.7, "b": 0.4}
    assert scaled(combiner, 0.5, 0.1).logit(found) == pytest.approx(0.5 * combiner.logit(found) + 0.1)


def test_the_threshold_parts_the_labels_and_is_the_one_nearest_a_half() -> None:
    assert best_threshold([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], [1.0] * 4) == 0.5
    assert best_threshold([0.6, 0.65, 0.7, 0.9], [0, 0, 1, 1], [1.0] * 4) == 0.66


def test_a_threshold_better_by_the_chance_of_one_row_is_no_better() -> None:
    scores = [n / 200 for n in range(200)]
    labels = [int(score >= 0.5) for score in scores]
    labels[92] = 1  # 0.46 would be right about one row more, of a hundred
    assert best_threshold(scores, labels, [1.0] * 200) == 0.5


def test_families_have_their_shares_and_labels_count_alike() -> None:
    rows = [Row("supports", "c", str(n), "yes" if n < 30 else "no", "s", "large") for n in range(100)]
    rows += [Row("supports", "c", str(n), "yes" if n < 8 else "no", "s", "small") for n in range(10)]
    weights = weights_of(rows, {"large": 1.0, "small": 0.5})
    total = {
        (family, label): sum(
            w for r, w in zip(rows, weights, strict=True) if (r.family, r.label) == (family, label)
        )
        for family in ("large", "small")
        for label in (0, 1)
    }
    assert total["large", 0] == pytest.approx(total["large", 1])
    assert total["small", 0] == pytest.approx(total["small", 1])
    assert total["small", 1] == pytest.approx(total["large", 1] / 2)
    assert sum(weights) == pytest.approx(len(rows))
