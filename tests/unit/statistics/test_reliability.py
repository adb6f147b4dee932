from __future__ import annotations

import pytest

from pytest_ragtune.statistics.reliability import Bin, reliability


def test_each_bin_has_its_mean_probability_and_its_share_of_ones() -> None:
    found = reliability([0, 1, 1, 1, 0], [0.0, 0.05, 0.71, 0.79, 1.0])
    assert [(one.low, one.high, one.n, one.share) for one in found[:2]] == [
        (0.0, 0.1, 2, 0.5),
        (0.7, 0.8, 2, 1.0),
    ]
    assert [one.probability for one in found[:2]] == pytest.approx([0.025, 0.75])
    assert found[2] == Bin(0.9, 1.0, 1, 1.0, 0.0)
    assert len(found) == 3


def test_an_end_belongs_to_the_bin_that_it_opens() -> None:
    assert [(one.low, one.n) for one in reliability([1, 1], [0.5, 0.4999], bins=2)] == [(0.0, 1), (0.5, 1)]


def test_nothing_has_no_bins_and_lists_must_be_of_one_length() -> None:
    assert reliability([], []) == []
    with pytest.raises(ValueError, match="shorter"):
        reliability([1], [])
