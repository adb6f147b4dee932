"""Power, the smallest detectable drop, the cases needed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pytest_ragtune.statistics import (
    cases_to_decide,
    predict_power,
    resampled_power,
    smallest_detectable_change,
)

UNIT = (0.0, 1.0)


def test_no_change_rarely_fails_and_a_large_drop_does() -> None:
    unchanged = predict_power(0.0, 0.3, 200, margin=0.05, bounds=UNIT)
    dropped = predict_power(-0.2, 0.3, 200, margin=0.05, bounds=UNIT)
    assert unchanged.fails < 0.001 < 0.6 < unchanged.passes
    assert dropped.passes < 0.001 < 0.99 < dropped.fails


def test_at_a_drop_of_exactly_the_margin_both_errors_are_half_the_rate() -> None:
    at_margin = predict_power(-0.05, 0.3, 200, margin=0.05)
    assert (at_margin.passes, at_margin.fails) == pytest.approx((0.025, 0.025), abs=1e-6)


def test_binary_power_is_an_exact_sum() -> None:
    power = predict_power(-0.05, 0.3, 200, margin=0.05, binary=True)
    assert 0.005 < power.passes < 0.035
    assert 0.005 < power.fails < 0.035
    assert predict_power(0.0, 0.0, 20, margin=0.05, binary=True).passes == 0.0
    assert predict_power(0.0, 0.0, 200, margin=0.05, binary=True).passes == pytest.approx(1.0)


def test_a_change_larger_than_the_deviation_allows_is_only_drops() -> None:
    assert predict_power(-0.5, 0.0, 100, margin=0.05, binary=True).fails == pytest.approx(1.0, abs=1e-6)


def test_few_differing_cases_are_predicted_for_the_wider_interval() -> None:
    few = predict_power(0.0, 0.1, 50, margin=0.05, bounds=UNIT, effective=4.0)
    many = predict_power(0.0, 0.1, 50, margin=0.05, bounds=UNIT)
    assert few.passes < many.passes


def test_degenerate_samples() -> None:
    assert predict_power(0.0, 0.3, 2, margin=0.05).passes == 0.0
    assert predict_power(0.0, 0.0, 50, margin=0.05).passes == 1.0
    assert predict_power(-0.1, 0.0, 50, margin=0.05).fails == 1.0
    assert predict_power(0.0, 0.0, 1000, margin=0.05, bounds=UNIT).passes == 1.0
    assert predict_power(5.0, 0.01, 1000).passes == 1.0


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="n is 0"):
        predict_power(0.0, 0.3, 0)
    with pytest.raises(ValueError, match=r"deviation nan"):
        predict_power(0.0, math.nan, 10)
    with pytest.raises(ValueError, match=r"confidence is 1\.5"):
        predict_power(0.0, 0.3, 10, confidence=1.5)


@pytest.mark.parametrize("binary", [True, False])
def test_smallest_detectable_change_has_the_power_asked_for(binary: bool) -> None:
    drop = smallest_detectable_change(0.3, 120, margin=0.02, binary=binary, bounds=UNIT)
    assert drop is not None
    assert 0.02 < drop < 0.15
    power = predict_power(-drop, 0.3, 120, margin=0.02, binary=binary, bounds=UNIT)
    assert power.fails == pytest.approx(0.8, abs=0.02)


def test_more_cases_detect_less() -> None:
    drops = [smallest_detectable_change(0.3, n, bounds=UNIT) for n in (20, 50, 200)]
    assert all(drop is not None for drop in drops)
    assert sorted(drops, reverse=True) == drops  # type: ignore[type-var]


def test_too_few_cases_detect_nothing() -> None:
    assert smallest_detectable_change(0.3, 2, margin=0.02) is None
    assert smallest_detectable_change(0.3, 1, margin=0.02, bounds=UNIT) is None


def test_cases_to_decide_is_the_textbook_formula() -> None:
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert cases_to_decide(0.05, 0.3) == math.ceil((z * 0.3 / 0.05) ** 2 + 2)
    assert cases_to_decide(-0.05, 0.3) == cases_to_decide(0.05, 0.3)


def test_cases_that_do_not_vary_still_need_a_number() -> None:
    assert cases_to_decide(0.05, 0.0, bounds=(0.0, 1.0)) == 72


def test_no_gap_cannot_be_decided() -> None:
    assert cases_to_decide(0.0, 0.3) is None
    assert cases_to_decide(1e-7, 0.3) is None


def test_power_by_resampling_agrees_with_the_formula_where_that_holds() -> None:
    pilot = np.random.default_rng(0).normal(0.0, 0.2, 500)
    pilot -= pilot.mean()
    power = resampled_power(pilot.tolist(), 60, margin=0.05, bounds=UNIT, runs=400)
    assert power.passes == pytest.approx(predict_power(0.0, 0.2, 60, margin=0.05).passes, abs=0.06)
    assert resampled_power((pilot - 0.15).tolist(), 60, margin=0.05, bounds=UNIT, runs=100).fails > 0.85


def test_power_by_resampling_knows_that_few_changes_decide_nothing() -> None:
    power = resampled_power([0.0] * 99 + [-0.1], 50, margin=0.05, bounds=UNIT, runs=50)
    assert (power.passes, power.fails) == (0.0, 0.0)
    assert resampled_power([0.0], 50, margin=0.05, runs=5).passes == 0.0
    with pytest.raises(ValueError, match="n is 5, with 0 changes"):
        resampled_power([], 5)
