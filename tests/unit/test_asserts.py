"""Asserts: what is raised, returned, told to the listener, warned about, written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune import asserts
from pytest_ragtune.asserts import (
    UndecidedWarning,
    assert_at_least,
    assert_at_most,
    assert_better,
    assert_faithful,
    assert_no_regression,
    assert_relevant,
    assert_retrieves,
)
from pytest_ragtune.baseline import read_baseline
from pytest_ragtune.errors import BaselineError
from pytest_ragtune.fakes import ScriptedJudge
from pytest_ragtune.records import Case, Evaluation, Passage, Response, Score, Verdict

Make = Callable[..., Evaluation]


def set_for(variable: ContextVar[Any], value: object) -> Iterator[None]:
    token = variable.set(value)
    yield
    variable.reset(token)


@pytest.fixture
def heard() -> Iterator[list[Verdict]]:
    verdicts: list[Verdict] = []
    yield from (verdicts for _ in set_for(asserts.verdict_listener, verdicts.append))


@pytest.fixture
def updating() -> Iterator[None]:
    yield from set_for(asserts.updates_baselines, True)


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Iterator[None]:
    yield from set_for(asserts.undecided_policy, request.param)


def test_a_check_that_holds_returns_its_verdict(make_evaluation: Make, heard: list[Verdict]) -> None:
    verdict = assert_at_least(make_evaluation({"R@5": [1.0, 0.5]}), "R@5", 0.7)
    assert verdict.outcome == "pass"
    assert heard == [verdict]
    assert assert_at_most(make_evaluation({"seconds": [1.0, 0.5]}), "seconds", 1.0).outcome == "pass"


def test_a_check_that_does_not_hold_raises_its_evidence(make_evaluation: Make, heard: list[Verdict]) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_at_least(make_evaluation({"R@5": [1.0, 0.0]}), "R@5", 0.7)
    assert str(caught.value) == (
        "R@5 0.50 < 0.70  n=2  95% CI 0.01..0.99\n  worst  q2 0.00\n  unscored 0".replace(
            "0.01..0.99", asserts_interval(heard[0])
        )
    )
    assert [verdict.outcome for verdict in heard] == ["fail"]
    with pytest.raises(AssertionError, match=r"^seconds 1\.50 s > 1\.00 s"):
        assert_at_most(make_evaluation({"seconds": [1.0, 2.0]}), "seconds", 1.0)


def asserts_interval(verdict: Verdict) -> str:
    assert verdict.interval is not None
    return f"{verdict.interval.low:.2f}..{verdict.interval.high:.2f}"


@pytest.fixture
def rerun() -> Iterator[None]:
    yield from set_for(asserts.rerun_command, lambda: "pytest test_x.py::test_y")


@pytest.mark.usefixtures("rerun")
def test_the_rerun_command_is_named_when_known(make_evaluation: Make) -> None:
    with pytest.raises(AssertionError, match=r"rerun    pytest test_x\.py::test_y --ragtune-case=q2$"):
        assert_at_least(make_evaluation({"R@5": [1.0, 0.0]}), "R@5", 0.7)


def test_the_traceback_ends_at_the_test(make_evaluation: Make, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_ragtune.asserts import assert_at_least
        from pytest_ragtune.records import Case, Evaluation, MetricInfo, Response, Score

        def test_it():
            info = MetricInfo("R@5", "R@5 1", "", "", "")
            case = Case("q1", "?")
            responses, scores = (Response("a", case=case),), {"R@5": (Score(0.0),)}
            e = Evaluation("rag", "g", "f", (case,), responses, scores, {"R@5": info})
            assert_at_least(e, "R@5", 0.5)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*asserts.py*")
    result.stdout.fnmatch_lines(["*AssertionError: R@5 0.00 < 0.50  n=1  95% CI 0.00..0.9*"])


def undecided(make: Make) -> tuple[Evaluation, Evaluation]:
    return make({"R@5": [1.0] * 20}, answers=[f"New {i}" for i in range(20)]), make({"R@5": [1.0] * 20})


def test_an_undecided_threshold_fails(make_evaluation: Make) -> None:
    with pytest.raises(AssertionError, match=r"^R@5 1\.00 undecided at 0\.90"):
        assert_at_least(make_evaluation({"R@5": [1.0] * 20}), "R@5", 0.9, confidence=0.95)


def test_an_undecided_regression_warns_the_script(make_evaluation: Make) -> None:
    now, before = undecided(make_evaluation)
    with pytest.warns(UndecidedWarning, match=r"^R@5 \+0\.00 undecided at -0\.05") as caught:
        verdicts = assert_no_regression(now, "R@5", margin=0.05, baseline=before)
    assert verdicts[0].outcome == "undecided"
    assert caught[0].filename == __file__


def test_a_listener_hears_of_it_instead(make_evaluation: Make, heard: list[Verdict]) -> None:
    now, before = undecided(make_evaluation)
    assert_no_regression(now, ["R@5"], margin=0.05, baseline=before)
    assert [verdict.outcome for verdict in heard] == ["undecided"]


@pytest.mark.parametrize("policy", ["fail"], indirect=True)
@pytest.mark.usefixtures("policy")
def test_undecided_can_fail_everywhere(make_evaluation: Make) -> None:
    now, before = undecided(make_evaluation)
    with pytest.raises(AssertionError, match="undecided at"):
        assert_no_regression(now, ["R@5"], margin=0.05, baseline=before)


@pytest.mark.parametrize("policy", ["pass"], indirect=True)
@pytest.mark.usefixtures("policy")
def test_undecided_can_pass_everywhere(make_evaluation: Make) -> None:
    now, before = undecided(make_evaluation)
    assert_no_regression(now, ["R@5"], margin=0.05, baseline=before)
    assert assert_at_least(now, "R@5", 0.9, confidence=0.95).outcome == "undecided"


def test_several_failures_stand_in_one_error(make_evaluation: Make) -> None:
    before = make_evaluation({"R@5": [1.0] * 50, "RR": [1.0] * 50, "AP": [1.0] * 50})
    now = make_evaluation(
        {"R@5": [0.0] * 50, "RR": [0.0] * 50, "AP": [1.0] * 50}, answers=[f"N{i}" for i in range(50)]
    )
    with pytest.raises(AssertionError) as caught:
        assert_no_regression(now, ["R@5", "RR", "AP"], margin=0.2, baseline=before)
    heads = [line.split()[0] for line in str(caught.value).splitlines() if not line.startswith(" ")]
    assert heads == ["R@5", "RR"]


def test_better(make_evaluation: Make) -> None:
    good, bad = make_evaluation({"R@5": [1.0] * 50}), make_evaluation({"R@5": [0.0] * 50}, pipeline="bm25")
    assert assert_better(good, bad, "R@5").outcome == "pass"
    with pytest.raises(AssertionError, match=r"^R@5 -1\.00 < \+0\.00"):
        assert_better(bad, good, "R@5")
    with pytest.raises(AssertionError, match=r"^R@5 \+0\.00 undecided at \+0\.00"):
        assert_better(good, good, "R@5")


@pytest.mark.usefixtures("updating")
def test_updating_baselines_writes_and_still_fails(
    make_evaluation: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evaluation = make_evaluation({"R@5": [1.0] * 3, "RR": [1.0] * 3}, path=tmp_path, identity="one")
    with pytest.raises(AssertionError) as caught:
        assert_no_regression(evaluation, "R@5", margin=0.05)
    assert str(caught.value) == (
        "baseline baselines/rag.jsonl written: 3 cases, R@5\n"
        "  Review it, commit it, and run again without --ragtune-update-baselines."
    )
    with pytest.raises(AssertionError, match=r"^baseline baselines/rag\.jsonl updated: 3 cases, R@5, RR"):
        assert_no_regression(evaluation, ["R@5", "RR"], margin=0.05)
    assert sorted(read_baseline(tmp_path / "baselines" / "rag.jsonl").metrics) == ["R@5", "RR"]
    with pytest.raises(AssertionError, match=r"other\.jsonl written"):
        assert_no_regression(evaluation, "R@5", margin=0.05, baseline="other.jsonl")
    assert assert_no_regression(evaluation, "R@5", margin=0.05, baseline=evaluation)[0].outcome == "pass"
    with pytest.raises(BaselineError, match="built in memory"):
        assert_no_regression(replace(evaluation, path=None), "R@5", margin=0.05)


def response(**changes: Any) -> Response:
    case = Case("q1", "How long is the warranty?", "Two years.", relevant={"warranty.md#2": 1})
    passage = Passage("warranty.md#2", "The warranty lasts two years.", "warranty.md")
    fields = {
        "text": "The warranty lasts five years.",
        "contexts": (passage,),
        "ranking": ("returns.md#1", "warranty.md#2"),
    }
    return Response(**{**fields, "case": case, **changes})


def judge(probability: float | None) -> ScriptedJudge:
    return ScriptedJudge(lambda context, claim: probability, version=str(probability))


def test_one_response_is_scored_and_held_against_a_threshold(heard: list[Verdict]) -> None:
    verdict = assert_faithful(response(), 0.8, judge=judge(0.95))
    assert (verdict.outcome, verdict.metric, verdict.n) == ("pass", "faithfulness", 1)
    assert heard == [verdict]
    with pytest.raises(
        AssertionError, match=r'^faithfulness 0\.00 < 0\.80  case q1\n  worst  q1 0\.00  not supported: "'
    ):
        assert_faithful(response(), 0.8, judge=judge(0.03))


def test_a_response_that_cannot_be_judged_fails() -> None:
    with pytest.raises(
        AssertionError, match=r"^faithfulness has no score  case q1\n  unscored 1\n           q1 "
    ):
        assert_faithful(response(), judge=judge(None))


def test_relevance_of_one_response() -> None:
    assert assert_relevant(response(), judge=judge(0.9)).value == pytest.approx(0.9)
    with pytest.raises(AssertionError, match=r"^answer_relevance 0\.10 < 0\.50"):
        assert_relevant(response(), judge=judge(0.1))


def test_retrieval_of_one_response() -> None:
    assert assert_retrieves(response()).value == 1.0
    with pytest.raises(AssertionError, match=r"^RR 0\.50 < 1\.00"):
        assert_retrieves(response(), "RR")
    unlabelled = response(case=Case("q2", "Who are you?", answerable=False))
    with pytest.raises(AssertionError, match=r"R@5 is not defined for this case: .*; select others"):
        assert_retrieves(unlabelled)


def test_an_evaluation_is_held_against_a_threshold_too(make_evaluation: Make) -> None:
    evaluation = make_evaluation(
        {"faithfulness": [0.9, 0.8], "answer_relevance": [0.9, 0.8], "R@5": [1.0, 1.0]}
    )
    assert assert_faithful(evaluation, 0.8).n == 2
    assert assert_relevant(evaluation).n == 2
    assert assert_retrieves(evaluation).n == 2
    with pytest.raises(AssertionError, match=r"^faithfulness 0\.85 < 0\.90"):
        assert_faithful(evaluation, 0.9)
    with pytest.raises(ValueError, match="an evaluation is judged when it is made"):
        assert_faithful(evaluation, judge=judge(1.0))


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match=r"got str 'an answer': expected a Response"):
        assert_faithful("an answer")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threshold is nan"):
        assert_retrieves(response(), threshold=float("nan"))


def test_a_score_of_a_response_without_a_case() -> None:
    verdict = assert_faithful(response(case=None), judge=judge(0.95))
    assert isinstance(verdict, Verdict)
    assert Score(1.0).value == verdict.value
