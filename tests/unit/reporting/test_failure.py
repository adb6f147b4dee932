"""Whole rendered messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_ragtune.checks import at_least, at_most, better_than, no_regression
from pytest_ragtune.records import CaseScore, Claim, Evaluation, Interval, Score, Verdict
from pytest_ragtune.reporting.failure import failure_lines, headline

Make = Callable[..., Evaluation]


@pytest.fixture
def verdict() -> Verdict:
    claims = (
        Claim("The warranty is free.", 0.9, "warranty.md#1", "Every device has a warranty."),
        Claim(
            "the warranty lasts five years",
            0.03,
            "warranty.md#2",
            "The warranty lasts two years from delivery.",
        ),
        Claim("not judged", None),
    )
    return Verdict(
        outcome="fail",
        check="at_least",
        metric="faithfulness[nli]",
        pipeline="rag",
        golden_set="handbook",
        value=0.71,
        threshold=0.8,
        n=40,
        unscored=0,
        interval=Interval(0.6, 0.81),
        p_value=0.004,
        baseline_value=0.84,
        baseline="golden_sets/handbook/baselines/rag.jsonl",
        worst=(CaseScore("q17", Score(0.0, "", claims)),),
    )


def test_the_text_of_a_failure(verdict: Verdict) -> None:
    lines = failure_lines(verdict, rerun="pytest golden_sets/handbook -k faithful")
    assert "\n".join(lines) == (
        "faithfulness[nli] 0.71 < 0.80  n=40  95% CI 0.60..0.81\n"
        '  worst  q17 0.00  not supported: "the warranty lasts five years"\n'
        "                   nearest      : "
        'warranty.md#2 "The warranty lasts two years from delivery." (0.03)\n'
        "  unscored 0       baseline golden_sets/handbook/baselines/rag.jsonl: 0.84 (-0.13, p=0.004)\n"
        "  rerun    pytest golden_sets/handbook -k faithful --ragtune-case=q17"
    )


def test_less_evidence_is_fewer_lines(verdict: Verdict) -> None:
    bare = replace(verdict, worst=(), baseline="", baseline_value=None, p_value=None, interval=None)
    assert list(failure_lines(bare)) == ["faithfulness[nli] 0.71 < 0.80  n=40", "  unscored 0"]
    assert list(failure_lines(bare, rerun="pytest -k x"))[-1] == "  rerun    pytest -k x"


def test_claims_without_evidence_or_long_ones(verdict: Verdict) -> None:
    score = Score(0.0, "", (Claim("word " * 40, 0.1),))
    lines = list(failure_lines(replace(verdict, worst=(CaseScore("q1", score),))))
    assert lines[1].endswith('wo..."')
    assert len(lines[1]) < 150
    assert not lines[2].strip().startswith("nearest")
    supported = Score(0.4, "half of the answer is a quotation", (Claim("fine", 0.9),))
    assert list(failure_lines(replace(verdict, worst=(CaseScore("q1", supported),))))[1] == (
        "  worst  q1 0.40  half of the answer is a quotation"
    )


def test_a_case_id_is_quoted_for_the_shell(verdict: Verdict) -> None:
    odd = replace(verdict, worst=(CaseScore("q 17", Score(0.0)),))
    assert list(failure_lines(odd, rerun="pytest"))[-1] == "  rerun    pytest --ragtune-case='q 17'"


def test_unscored_cases(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"faithfulness": [1.0] * 15 + [None] * 5}), "faithfulness", 0.8)
    assert list(failure_lines(verdict, rerun="pytest t.py")) == [
        "faithfulness 1.00 >= 0.80 but 5 unscored  n=15  95% CI 0.79..1.00",
        "  unscored 5",
        "           q16 the judge gave no opinion",
        "           q17 the judge gave no opinion",
        "           q18 the judge gave no opinion",
        "           and 2 more",
        "  note     5 cases could not be scored, allowed 0",
        "  rerun    pytest t.py --ragtune-case=q16",
    ]


def test_nothing_scored(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"faithfulness": [None]}), "faithfulness", 0.8)
    assert headline(verdict) == "faithfulness has no score  n=0"


def test_undecided(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"exact_match": [1.0] * 40}), "exact_match", 0.95, confidence=0.9)
    assert list(failure_lines(verdict)) == [
        "exact_match 1.00 undecided at 0.95  n=40  90% CI 0.93..1.00",
        "  unscored 0",
        "  note     about 59 cases would decide at these figures",
    ]


def test_at_most(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"seconds": [2.0, 2.5, 3.0, 2.2]})
    assert (
        headline(at_most(evaluation, "seconds", 2.0)) == "seconds 2.42 s > 2.00 s  n=4  95% CI 1.73..3.12 s"
    )
    assert headline(at_most(evaluation, "seconds", 3.0)).startswith("seconds 2.42 s <= 3.00 s  n=4")


def test_a_regression(make_evaluation: Make) -> None:
    before = make_evaluation({"R@5": [1.0] * 80 + [0.0] * 20}, pipeline="main")
    now = make_evaluation(
        {"R@5": [0.0] * 30 + [1.0] * 50 + [0.0] * 20}, answers=[f"New {i}" for i in range(100)]
    )
    lines = list(failure_lines(no_regression(now, "R@5", margin=0.05, baseline=before)[0]))
    assert lines == [
        "R@5 -0.30 < -0.05  n=100  95% CI -0.40..-0.21",
        "  worst  q1 1.00 -> 0.00",
        "         q2 1.00 -> 0.00",
        "         q3 1.00 -> 0.00",
        "  unscored 0       baseline main: 0.80 (-0.30, p<0.001)",
    ]


def test_other_headlines_of_a_change(make_evaluation: Make) -> None:
    values = [1.0] * 90 + [0.0] * 10
    before = make_evaluation({"R@5": values, "seconds": [1.0 + i / 50 for i in range(100)]})
    now = replace(before, responses=make_evaluation({"R@5": values}, answers=["x"] * 100).responses)
    same = no_regression(now, "R@5", margin=0.05, baseline=before)[0]
    assert headline(same) == "R@5 +0.00 >= -0.05  n=100  95% CI -0.04..+0.04"
    close = no_regression(now, "R@5", margin=0.02, baseline=before)[0]
    assert headline(close).startswith("R@5 +0.00 undecided at -0.02")
    slower = make_evaluation({"seconds": [2.0 + i / 50 for i in range(99)] + [4.1]}, answers=["x"] * 100)
    slow = no_regression(slower, "seconds", margin=0.5, baseline=before)[0]
    assert headline(slow) == "seconds +1.00 s > +0.50 s  n=100  95% CI +1.00..+1.00 s"
    assert headline(better_than(now, before, "R@5")).startswith("R@5 +0.00 undecided at +0.00")
    missing = no_regression(now, "R@5", margin=0.05)[0]
    assert headline(missing) == "R@5 has no baseline  n=100"
    added = no_regression(
        make_evaluation({"R@5": [1.0] * 101}),
        "R@5",
        margin=0.5,
        baseline=make_evaluation({"R@5": [1.0] * 100}),
    )[0]
    assert headline(added) == "R@5 +0.00 >= -0.50 but not comparable  n=100  95% CI -0.04..+0.04"
    unscored = no_regression(
        make_evaluation({"R@5": [*values, None]}),
        "R@5",
        margin=0.5,
        baseline=make_evaluation({"R@5": [*values, 1.0]}),
    )[0]
    assert headline(unscored).startswith("R@5 +0.00 >= -0.50 but 1 unscored  n=100")


def test_cases_that_are_not_applicable_are_shown(make_evaluation: Make) -> None:
    scores = [1.0, Score(None, "no label", applicable=False)]
    verdict = at_least(make_evaluation({"R@5": scores}), "R@5", 0.5)
    assert headline(verdict) == "R@5 1.00 >= 0.50  n=1  95% CI 0.03..1.00  1 not applicable"


def test_a_change_that_passes_while_below_the_bar_by_identity(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.0]}, identity="one")
    verdict = no_regression(evaluation, "R@5", margin=0.0, baseline=evaluation)[0]
    assert headline(verdict).startswith("R@5 +0.00 >= +0.00  n=2")


def test_a_case_without_a_value_among_the_worst(verdict: Verdict) -> None:
    odd = replace(verdict, worst=(CaseScore("q1", Score(None, "no opinion")),))
    assert list(failure_lines(odd))[1] == "  worst  q1 -  no opinion"


def test_a_baseline_without_a_value(verdict: Verdict) -> None:
    bare = replace(verdict, baseline_value=None, worst=())
    assert list(failure_lines(bare))[1] == (
        "  unscored 0       baseline golden_sets/handbook/baselines/rag.jsonl"
    )
