"""Pipelines side by side."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_ragtune.comparison import compare
from pytest_ragtune.errors import BaselineError, RagtuneError
from pytest_ragtune.records import Evaluation
from pytest_ragtune.reporting.contrasts import comparison_lines

Make = Callable[..., Evaluation]


@pytest.fixture
def three(make_evaluation: Make) -> list[Evaluation]:
    return [
        make_evaluation({"exact_match": [1.0] * 10 + [0.0] * 40}, pipeline="closed_book"),
        make_evaluation({"exact_match": [1.0] * 35 + [0.0] * 15}, pipeline="rag"),
        make_evaluation({"exact_match": [1.0] * 12 + [0.0] * 38}, pipeline="lora"),
    ]


def test_each_pipeline_is_held_against_the_first(three: list[Evaluation]) -> None:
    comparison = compare(three, "exact_match")
    assert (comparison.reference, comparison.golden_set) == ("closed_book", "handbook")
    rag, lora = comparison.contrasts
    assert (rag.pipeline, rag.n, rag.unscored) == ("rag", 50, 0)
    assert (rag.mean, rag.reference_mean, rag.change) == pytest.approx((0.7, 0.2, 0.5))
    assert rag.interval is not None
    assert rag.interval.low > 0.3
    assert rag.p_value == pytest.approx(2 * 2**-24)  # twice the exact McNemar p of 25 changes of 25
    assert lora.p_value == pytest.approx(0.5)


def test_the_lines(three: list[Evaluation]) -> None:
    assert list(comparison_lines(compare(three, "exact_match"))) == [
        "exact_match on handbook against closed_book, paired by case, higher is better",
        "  rag   0.70 - 0.20  +0.50  95% CI +0.37..+0.63  p<0.001  n=50",
        "  lora  0.24 - 0.20  +0.04  95% CI -0.03..+0.13  p=0.50   n=50",
    ]


def test_another_reference(three: list[Evaluation]) -> None:
    comparison = compare(three, "exact_match", reference="rag")
    assert [contrast.pipeline for contrast in comparison.contrasts] == ["closed_book", "lora"]
    assert comparison.contrasts[0].change == pytest.approx(-0.5)


def test_nothing_in_common(make_evaluation: Make) -> None:
    evaluations = [
        make_evaluation({"seconds": [1.0, None]}, pipeline="a"),
        make_evaluation({"seconds": [None, 1.0]}, pipeline="b"),
        make_evaluation({"seconds": [1.0, 1.0]}, pipeline="c"),
    ]
    comparison = compare(evaluations, "seconds")
    assert list(comparison_lines(comparison))[1:] == [
        "  b  no case has a score on both sides",
        "  c  1.00 s - 1.00 s                    +0.00 s    p=1.00  n=1 (1 unscored)",
    ]


def test_what_cannot_be_compared(three: list[Evaluation], make_evaluation: Make) -> None:
    with pytest.raises(ValueError, match=r"compare got evaluations of \['rag'\]: expected two or more"):
        compare([three[1]], "exact_match")
    with pytest.raises(ValueError, match="each once"):
        compare([three[1], three[1]], "exact_match")
    with pytest.raises(ValueError, match="reference is 'bm25': expected one of"):
        compare(three, "exact_match", reference="bm25")
    with pytest.raises(RagtuneError, match="metric 'RR' was not computed"):
        compare(three, "RR")
    other = make_evaluation({"exact_match": [1.0] * 50}, pipeline="other", fingerprint="0")
    with pytest.raises(BaselineError, match="fingerprint"):
        compare([*three, other], "exact_match")
