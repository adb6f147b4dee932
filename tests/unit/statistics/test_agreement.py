from __future__ import annotations

import random

import pytest

from pytest_ragtune.statistics.agreement import agreement, auroc, recommend_threshold

LABELS = [1, 1, 1, 0, 0, 0, 0, 1]
VALUES = [0.9, 0.8, 0.3, 0.2, 0.6, 0.1, 0.2, 0.6]


def drawn(n: int, strength: float, seed: int = 0) -> tuple[list[int], list[float]]:
    """Labels and probabilities that agree the more, the greater ``strength``."""
    draw = random.Random(seed)
    labels = [draw.randint(0, 1) for _ in range(n)]
    return labels, [strength * label + (1 - strength) * draw.random() for label in labels]


def test_auroc_is_the_share_of_ordered_pairs() -> None:
    labels, values = drawn(60, 0.3)
    values = [round(value, 1) for value in values]
    ones = [v for label, v in zip(labels, values, strict=True) if label]
    zeros = [v for label, v in zip(labels, values, strict=True) if not label]
    pairs = [1.0 if one > zero else 0.5 if one == zero else 0.0 for one in ones for zero in zeros]
    assert auroc(labels, values) == pytest.approx(sum(pairs) / len(pairs))


def test_figures_by_hand() -> None:
    found = agreement(LABELS, VALUES)
    # said: 1 1 0 0 1 0 0 1; hits 3 of 4, false alarms 1 of 4
    assert (found.n, found.positive) == (8, 4)
    assert found.balanced_accuracy.value == pytest.approx(0.75)
    assert found.kappa.value == pytest.approx(0.5)
    assert found.ece.value == pytest.approx((0.1 + 0.2 + 0.7 + 0.4 + 0.2 + 0.1) / 8)
    assert found.auroc.value == pytest.approx(auroc(LABELS, VALUES))


def test_the_threshold_decides_what_is_said() -> None:
    assert agreement(LABELS, VALUES, threshold=0.25).balanced_accuracy.value == pytest.approx(0.875)


@pytest.mark.parametrize("labels", [[], [1, 1], [0, 0, 0]])
def test_what_is_undefined_is_none(labels: list[int]) -> None:
    found = agreement(labels, [0.5] * len(labels))
    assert (found.auroc.value, found.balanced_accuracy.value, found.kappa.value) == (None, None, None)
    assert (found.ece.value is None) == (not labels)
    assert recommend_threshold(labels, [0.5] * len(labels)) is None


def test_intervals_hold_the_value_and_narrow_with_rows() -> None:
    widths = []
    for n in (60, 600):
        measured = agreement(*drawn(n, 0.4)).auroc
        assert measured.value is not None
        assert measured.interval is not None
        assert measured.interval.low <= measured.value <= measured.interval.high
        widths.append(measured.interval.high - measured.interval.low)
    assert widths[1] < widths[0] / 2
    assert agreement(*drawn(60, 0.4)) == agreement(*drawn(60, 0.4))


def test_rows_that_belong_together_are_drawn_together() -> None:
    labels, values = drawn(40, 0.4)
    groups = [number for number in range(40) for _ in range(10)]
    repeated = (
        [label for label in labels for _ in range(10)],
        [value for value in values for _ in range(10)],
    )
    alone = agreement(labels, values).auroc.interval
    naive = agreement(*repeated).auroc.interval
    clustered = agreement(*repeated, groups=groups).auroc.interval
    assert alone is not None
    assert naive is not None
    assert clustered is not None
    assert naive.high - naive.low < (clustered.high - clustered.low) / 2
    assert clustered.high - clustered.low == pytest.approx(alone.high - alone.low, rel=0.2)


def test_the_recommended_threshold_parts_the_labels() -> None:
    labels = [0, 1] * 50
    values = [0.1 + 0.2 * label + 0.001 * number for number, label in enumerate(labels)]
    found = recommend_threshold(labels, values)
    assert found is not None
    assert 0.2 < found.threshold < 0.31
    assert (found.missed, found.false_alarms) == (0.0, 0.0)


def test_error_rates_are_those_of_rows_it_was_not_chosen_on() -> None:
    """On noise a threshold chosen and tried on the same rows looks better than chance; out of fold not."""
    draw = random.Random(3)
    rates = []
    for _ in range(40):
        labels = [draw.randint(0, 1) for _ in range(60)]
        found = recommend_threshold(labels, [draw.random() for _ in labels])
        assert found is not None
        rates.append((found.missed + found.false_alarms) / 2)
    assert sum(rates) / len(rates) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("labels", "values", "message"),
    [
        ([1], [], "got 1 labels and 0 probabilities"),
        ([2], [0.5], "a label is neither 0 nor 1"),
        ([1], [1.5], "a probability is not between 0 and 1"),
        ([1], [float("nan")], "a probability is not between 0 and 1"),
    ],
)
def test_wrong_input_is_refused(labels: list[int], values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        agreement(labels, values)
    with pytest.raises(ValueError, match="got 2 labels and 1 groups"):
        agreement([0, 1], [0.1, 0.2], groups=["a"])
