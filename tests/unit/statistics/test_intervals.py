"""Intervals of a mean and of a paired change."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_ragtune.statistics import (
    case_means,
    effective_cases,
    estimate_change,
    estimate_mean,
    mean_interval,
    paired_interval,
)

UNIT = (0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (34, 40), (40, 40), (1, 1)])
def test_binary_mean_is_scipys_exact_interval(successes: int, n: int) -> None:
    interval = mean_interval([1.0] * successes + [0.0] * (n - successes), binary=True)
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="exact")
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.method == "exact (Clopper-Pearson)"


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (17, 20), (20, 20)])
def test_exact_p_values_are_scipys(successes: int, n: int) -> None:
    estimate = estimate_mean([1.0] * successes + [0.0] * (n - successes), binary=True)
    assert estimate is not None
    assert estimate.mean == successes / n
    for share in (0.0, 0.3, 0.85, 1.0, 1.2):
        inside = min(share, 1.0)
        above = stats.binomtest(successes, n, inside, alternative="greater").pvalue
        below = stats.binomtest(successes, n, inside, alternative="less").pvalue
        assert (estimate.p_above(share), estimate.p_below(share)) == pytest.approx((above, below))


def test_deciding_does_not_load_scipy_stats() -> None:
    code = (
        "import sys\n"
        "from pytest_ragtune.statistics import mean_interval, noninferiority\n"
        "mean_interval([1.0, 0.0, 1.0], binary=True)\n"
        "mean_interval([i / 40 for i in range(40)], bounds=(0.0, 1.0))\n"
        "noninferiority([1.0] * 30, [1.0] * 30, 0.05, binary=True)\n"
        "noninferiority([1.0] * 30, [1.0] * 30, 0.05, bounds=(0.0, 1.0))\n"
        "sys.exit('scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_case_has_no_interval() -> None:
    assert mean_interval([], binary=True) is None
    assert mean_interval([], bounds=UNIT) is None
    assert paired_interval([], [], bounds=UNIT) is None


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_equal_values_of_a_bounded_metric_never_give_an_interval_of_no_width(n: int) -> None:
    interval = mean_interval([1.0] * n, bounds=UNIT)
    assert interval is not None
    # the rule of three at 97.5%, within the error of its draws
    assert interval.low == pytest.approx(0.025 ** (1 / n), abs=0.01)
    assert interval.high == 1.0


def test_few_or_equal_values_of_an_unbounded_metric_have_no_interval() -> None:
    assert mean_interval([3.0]) is None
    assert mean_interval([3.0, 4.0]) is None
    assert mean_interval([3.0] * 40) is None
    assert mean_interval([3.0, 4.0, 6.0]) is not None


def test_few_values_of_an_unbounded_metric_have_the_plain_t_interval() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    interval = mean_interval(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.method == "t"


def test_many_symmetric_values_have_about_the_t_interval() -> None:
    values = np.linspace(0.3, 0.9, 101)
    interval = mean_interval(values.tolist(), bounds=UNIT)
    low, high = stats.t.interval(0.95, 100, loc=values.mean(), scale=stats.sem(values))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-6)


def test_skewed_values_reach_further_towards_their_tail() -> None:
    values = [1.0] * 30 + [0.05 * step for step in range(20)]
    interval = mean_interval(values, bounds=UNIT)
    assert interval is not None
    mean = sum(values) / len(values)
    assert mean - interval.low > interval.high - mean


def test_an_interval_stays_inside_the_bounds() -> None:
    interval = mean_interval([0.98] * 15 + [1.0] * 15 + [0.9] * 10, bounds=UNIT, confidence=0.999999)
    assert interval is not None
    assert 0.0 <= interval.low < interval.high <= 1.0


def test_bounded_interval_of_0_1_values_is_the_exact_one() -> None:
    values = [1.0] * 3 + [0.0] * 37
    interval, exact = mean_interval(values, bounds=UNIT), mean_interval(values, binary=True)
    assert interval is not None
    assert exact is not None
    assert interval.method == "bounded (Gaffke)"
    assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_repeats_are_reduced_to_case_means() -> None:
    assert case_means([1.0, 0.0, 0.5], ["a", "b", "a"]) == [0.75, 0.0]
    values, clusters = [1.0, 1.0, 0.0, 0.0] * 10, [number // 2 for number in range(40)]
    clustered = mean_interval(values, bounds=UNIT, clusters=clusters)
    assert clustered == mean_interval([1.0, 0.0] * 10, bounds=UNIT)
    assert clustered != mean_interval(values, bounds=UNIT)


def test_repeated_pairs_are_reduced_to_case_means() -> None:
    now, before, clusters = [1.0, 0.0] * 20, [1.0, 1.0] * 20, [number // 2 for number in range(40)]
    clustered = paired_interval(now, before, binary=True, clusters=clusters)
    assert clustered == paired_interval([0.5] * 20, [1.0] * 20, bounds=UNIT)


def test_repeats_of_a_binary_metric_keep_its_bounds() -> None:
    interval = mean_interval([1.0, 0.0, 1.0, 1.0], binary=True, clusters=["a", "a", "b", "b"])
    assert interval is not None
    assert 0.0 < interval.low < 0.75 < interval.high <= 1.0


def test_clusters_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1 clusters for 2 values: expected one a value"):
        case_means([1.0, 0.0], ["a"])


def test_tango_interval_of_published_data() -> None:
    # Fagerland, Lydersen and Laake 2014, airway hyper-responsiveness: 1 up, 7 down of 21, (-0.517, -0.026)
    now, before = [1.0] + [0.0] * 7 + [1.0] * 13, [0.0] + [1.0] * 7 + [1.0] * 13
    interval = paired_interval(now, before, binary=True)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize("n", [1, 20, 200])
def test_no_changed_case_gives_tangos_closed_form(n: int) -> None:
    interval = paired_interval([1.0] * n, [1.0] * n, binary=True)
    z2 = stats.norm.ppf(0.975) ** 2
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)))


def test_every_case_dropped() -> None:
    interval = paired_interval([0.0] * 20, [1.0] * 20, binary=True)
    assert interval is not None
    assert interval.low == pytest.approx(-1.0)
    assert interval.high == pytest.approx(-0.678, abs=5e-4)


def test_an_unchanged_bounded_metric_has_an_honest_width() -> None:
    interval = paired_interval([0.7] * 20, [0.7] * 20, bounds=UNIT)
    assert interval is not None
    assert interval.low == pytest.approx(-(1 - 0.025 ** (1 / 20)), abs=0.01)
    assert interval.high == pytest.approx(-interval.low, abs=0.01)


def test_paired_values_that_drop_together_give_a_narrower_interval_than_unpaired() -> None:
    rng = np.random.default_rng(0)
    before = rng.uniform(0.1, 0.9, 100)
    now = before - 0.05 + rng.normal(0, 0.02, 100)
    interval = paired_interval(now.tolist(), before.tolist(), bounds=UNIT)
    assert interval is not None
    assert interval.high < 0.0
    assert interval.high - interval.low < 0.02


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"values\[1\] is .*: expected a finite number; leave out unscored"):
        mean_interval([0.5, value])


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"said to lie between 0\.0 and 1\.0"):
        mean_interval([0.5, 1.2], bounds=UNIT)
    with pytest.raises(ValueError, match="confidence is 95: expected a number between 0 and 1"):
        mean_interval([0.5], confidence=95)
    with pytest.raises(ValueError, match="2 values now, 1 before"):
        paired_interval([0.5, 0.5], [0.5])
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        mean_interval([[0.5, 0.5]])  # type: ignore[list-item]


def test_effective_cases() -> None:
    assert effective_cases(np.ones(40)) == 0
    assert effective_cases(np.array([1.0] * 35 + [0.0] * 5)) == pytest.approx(5)
    assert 0.55 * 1000 < effective_cases(np.random.default_rng(0).normal(size=1000)) < 0.7 * 1000


def test_the_same_sample_gives_the_same_interval() -> None:
    values = [1.0] * 37 + [0.2, 0.5, 0.9]
    assert mean_interval(values, bounds=UNIT) == mean_interval(values, bounds=UNIT)
    assert mean_interval(values, bounds=UNIT) == mean_interval(values[::-1], bounds=UNIT)
    assert mean_interval(values, bounds=UNIT, seed=1) != mean_interval(values, bounds=UNIT)


SAMPLES: dict[str, Callable[[], object]] = {
    "exact": lambda: estimate_mean([1.0] * 17 + [0.0] * 3, binary=True),
    "score": lambda: estimate_change([1.0, 0.0, 0.0] * 5 + [1.0] * 20, [1.0] * 35, binary=True),
    "skewed": lambda: estimate_mean([step**3 / 8000 for step in range(20)], bounds=UNIT),
    "bounded": lambda: estimate_mean([1.0] * 30 + [0.4, 0.6], bounds=UNIT),
    "t": lambda: estimate_mean([1.0, 2.0, 4.0, 8.0]),
}


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_p_values_agree_with_the_interval(kind: str, confidence: float) -> None:
    estimate = SAMPLES[kind]()
    low, high = estimate.limits(confidence)  # type: ignore[attr-defined]
    half, step = (1 - confidence) / 2, 1e-6
    assert estimate.p_above(low - step) <= half + 1e-9  # type: ignore[attr-defined]
    assert estimate.p_above(low + step) > half - 1e-4  # type: ignore[attr-defined]
    assert estimate.p_below(high + step) <= half + 1e-9  # type: ignore[attr-defined]
    assert estimate.p_below(high - step) > half - 1e-4  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_an_interval_of_any_bounded_sample_holds_its_mean(values: list[float]) -> None:
    interval = mean_interval(values, bounds=UNIT)
    assert interval is not None
    assert 0.0 <= interval.low <= sum(values) / len(values) + 1e-9
    assert sum(values) / len(values) - 1e-9 <= interval.high <= 1.0
    assert interval.low < interval.high
