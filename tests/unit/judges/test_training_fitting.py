from __future__ import annotations

import pytest

from pytest_ragtune.judges.features import Combiner
from pytest_ragtune.judges.training.fitting import scaled, with_added

COMBINER = Combiner(("model", "shared"), mean=(0.0, 0.5), scale=(2.0, 0.25), weights=(1.0, 0.0), bias=-1.0)


def test_what_is_added_counts_a_feature_by_its_own_unit() -> None:
    more = with_added(COMBINER, {"shared": 4.0})
    low, high = {"model": 1.0, "shared": 0.5}, {"model": 1.0, "shared": 1.0}
    assert COMBINER.logit(low) == COMBINER.logit(high)
    assert more.logit(low) == pytest.approx(COMBINER.logit(low))
    assert more.logit(high) - more.logit(low) == pytest.approx(0.5 * 4.0)
    assert with_added(COMBINER, {}) == COMBINER


def test_a_scaled_combiner_has_the_log_odds_scaled_and_shifted() -> None:
    found = {"model": 3.0, "shared": 0.75}
    assert scaled(COMBINER, 0.5, 0.25).logit(found) == pytest.approx(0.5 * COMBINER.logit(found) + 0.25)
