"""Paired tests, non-inferiority, Holm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pytest_ragtune.statistics import holm, noninferiority, paired_interval, paired_test, superiority

UNIT = (0.0, 1.0)


def pairs(up: int, down: int, same: int) -> tuple[list[float], list[float]]:
    now = [1.0] * up + [0.0] * down + [1.0] * same
    return now, [0.0] * up + [1.0] * down + [1.0] * same


def test_binary_pairs_take_the_exact_mcnemar_test() -> None:
    now, before = pairs(up=2, down=10, same=28)
    assert paired_test(now, before) == pytest.approx(stats.binomtest(2, 12).pvalue)


def test_nothing_changed_is_a_p_value_of_one() -> None:
    assert paired_test([], []) == 1.0
    assert paired_test([0.5] * 40, [0.5] * 40) == 1.0


def test_one_change_is_a_p_value_of_one() -> None:
    assert paired_test([0.25] + [0.5] * 39, [0.5] * 40) == 1.0


def test_few_changes_take_every_flip() -> None:
    # 6 drops of 6: 2 of 64 sign patterns are as extreme
    assert paired_test([0.1] * 6 + [0.5] * 30, [0.4, 0.5, 0.6, 0.7, 0.8, 0.9] + [0.5] * 30) == 2 / 64


def test_many_changes_never_give_a_p_value_of_zero() -> None:
    before = np.linspace(0.5, 0.9, 100)
    p = paired_test((before - 0.3).tolist(), before.tolist())
    assert 0 < p <= 2 / 10_000


def test_the_permutation_test_is_seeded() -> None:
    rng = np.random.default_rng(3)
    before, now = rng.random(60).tolist(), rng.random(60).tolist()
    assert paired_test(now, before) == paired_test(now, before)
    assert paired_test(now, before, seed=1) != paired_test(now, before)
    assert paired_test(now, before) == pytest.approx(stats.ttest_rel(now, before).pvalue, abs=0.03)


def test_repeats_are_no_further_cases() -> None:
    now, before = [0.2] * 30, [0.6] * 30
    clusters = [number // 10 for number in range(30)]
    assert paired_test(now, before, clusters=clusters) == 0.25
    assert paired_test(now, before) < 0.001


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 values now, 1 before: expected one pair a case"):
        paired_test([1.0, 0.0], [1.0])


def test_a_drop_below_the_margin() -> None:
    now, before = pairs(up=0, down=30, same=70)
    result = noninferiority(now, before, 0.05, binary=True)
    assert result is not None
    assert result.change == pytest.approx(-0.3)
    assert result.interval.high < -0.05
    assert result.p_below < 0.001 < 0.999 < result.p_above


def test_no_drop_in_enough_cases() -> None:
    now, before = pairs(up=1, down=1, same=298)
    result = noninferiority(now, before, 0.05, binary=True)
    assert result is not None
    assert result.interval.low > -0.05
    assert result.p_above < 0.025 < result.p_below


def test_no_drop_in_too_few_cases() -> None:
    result = noninferiority([1.0] * 20, [1.0] * 20, 0.05, binary=True)
    assert result is not None
    assert result.interval.low < -0.05 < result.interval.high
    assert min(result.p_above, result.p_below) > 0.025


def test_nothing_to_tell() -> None:
    assert noninferiority([], [], 0.05, bounds=UNIT) is None
    assert noninferiority([3.0] * 9, [3.0] * 9, 0.5) is None


@pytest.mark.parametrize("margin", [-0.01, math.nan])
def test_a_margin_below_zero_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="expected the largest acceptable drop, 0 or more"):
        noninferiority([1.0], [1.0], margin)


def test_a_gain_beyond_the_margin() -> None:
    now, before = pairs(up=30, down=0, same=70)
    result = superiority(now, before, 0.05, binary=True)
    assert result is not None
    assert result.interval == paired_interval(now, before, binary=True)
    assert result.p_above < 0.001 < 0.999 < result.p_below
    with pytest.raises(ValueError, match="expected the smallest gain that counts, 0 or more"):
        superiority(now, before, -0.1)


def test_holm_of_his_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(ValueError, match=r"a p value is 1\.2"):
        holm([0.1, 1.2])
