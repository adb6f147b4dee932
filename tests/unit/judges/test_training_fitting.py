from __future__ import annotations

import random

import pytest

from pytest_ragtune.judges.features import SUPPORT_FEATURES, Combiner
from pytest_ragtune.judges.lexical import sigmoid
from pytest_ragtune.judges.training.combining import best_threshold
from pytest_ragtune.judges.training.fitting import fit_head, scaled, with_added
from pytest_ragtune.judges.training.rows import Row, Verdict

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


def test_a_head_is_fitted_on_part_of_the_groups_and_its_threshold_chosen_on_all() -> None:
    rng = random.Random(4)
    rows: list[Row] = []
    features: list[dict[str, float] | None] = []
    for number in range(400):
        verdict: Verdict = rng.choice(("yes", "no"))
        rows.append(Row("supports", "c", "d", verdict, "made", "made", f"made:{number}"))
        found = dict.fromkeys(SUPPORT_FEATURES, 0.0)
        features.append(found | {"logit_best": rng.gauss(1.0 if verdict == "yes" else -1.0, 1.0)})
    features[0] = None
    fitted = fit_head("supports", rows, features)
    assert fitted.report["fit_rows"] + fitted.report["calibration_rows"] == 399
    assert 60 < fitted.report["calibration_rows"] < 200
    known = [(row.label, found) for row, found in zip(rows, features, strict=True) if found is not None]
    probabilities = [sigmoid(fitted.combiner.logit(found)) for _, found in known]
    labels = [label for label, _ in known]
    ones = sum(labels)
    weights = [199.5 / ones if label else 199.5 / (len(labels) - ones) for label in labels]
    assert fitted.threshold == best_threshold(probabilities, labels, weights)
    assert fitted.report["auroc"] > 0.85
