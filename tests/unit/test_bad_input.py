"""Bad input has a message of its own each: what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ragtune.baseline import read_baseline, write_baseline
from pytest_ragtune.checks import at_least, no_regression
from pytest_ragtune.errors import BaselineError
from pytest_ragtune.evaluation import evaluate
from pytest_ragtune.fakes import ScriptedGenerator
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.pipeline import Pipeline
from pytest_ragtune.records import Case, Evaluation, Verdict
from pytest_ragtune.replay import ReplayMiss, ReplayStore
from pytest_ragtune.session import Session

Make = Callable[..., Evaluation]
TINY = Path(__file__).resolve().parents[2] / "fixtures" / "tiny"


@pytest.fixture
def written(make_evaluation: Make, tmp_path: Path) -> Path:
    path = tmp_path / "rag.jsonl"
    write_baseline(make_evaluation({"R@5": [1.0, 0.5, 0.75]}), path)
    return path


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def message(path: Path, evaluation: Evaluation) -> str:
    with pytest.raises(BaselineError) as caught:
        no_regression(evaluation, "R@5", margin=0.05, baseline=path)
    return str(caught.value)


def test_baselines_edited_by_hand(written: Path, make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.5, 0.75]})
    sound = written.read_text(encoding="utf-8")
    line = sound.splitlines()[2]
    found = [
        message(edited(written, '"R@5": 0.5', '"R@5": "good"'), evaluation),
    ]
    for old, new in (
        ('"R@5": 0.5', '"R@5": 5'),
        ('"schema": 1', '"schema": 9'),
        (line, f"{line}\n{line}"),
        ('"scores": {"R@5": 0.5}', '"scores": {}'),
    ):
        written.write_text(sound, encoding="utf-8")
        if new.endswith("{}"):
            verdict = no_regression(evaluation, "R@5", margin=0.05, baseline=edited(written, old, new))[0]
            assert (verdict.outcome, verdict.unscored) == ("fail", 1)
            assert "the metric is missing there" in verdict.unscored_cases[0].score.reason
        else:
            found.append(message(edited(written, old, new), evaluation))
    assert "found 'good' for 'R@5'; expected a finite number" in found[0]
    assert "has 5 for 'R@5', which lies between 0 and 1" in found[1]
    assert "found schema 9; this version reads up to 1; upgrade pytest-ragtune" in found[2]
    assert "found case 'q2' a second time (first on line 3)" in found[3]
    assert len(set(found)) == 4


def test_a_number_that_no_float_can_hold(written: Path) -> None:
    with pytest.raises(BaselineError, match="expected a finite number"):
        read_baseline(edited(written, '"R@5": 0.5', '"R@5": 1' + "0" * 400))


def test_a_file_nested_beyond_reason(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(BaselineError, match="found broken JSON"):
        read_baseline(path)


@pytest.mark.parametrize("margin", [-0.01, float("nan"), float("inf"), True, "0.1"])
def test_a_margin_below_zero(margin: float, make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.5]})
    with pytest.raises(ValueError, match="expected a change of 'R@5' as a number of 0 or more"):
        no_regression(evaluation, "R@5", margin=margin, baseline=evaluation)


def drop(make: Make, now: list[float | None], before: list[float | None], metric: str = "R@5") -> Verdict:
    old = make({metric: before}, answers=[f"Old {number}" for number in range(len(before))])
    return no_regression(make({metric: now}), metric, margin=0.05, baseline=old)[0]


def test_no_case_at_all() -> None:
    empty = replace(load_golden_set(TINY), name="empty", cases=())
    with pytest.raises(
        ValueError, match="golden set 'empty' has no case left to ask: check tags= and cases="
    ):
        evaluate(str.upper, empty, ["token_f1"])


def test_one_and_two_cases(make_evaluation: Make) -> None:
    for count in (1, 2):
        verdict = drop(make_evaluation, [1.0] * count, [1.0] * count)
        assert verdict.outcome == "undecided"
        assert verdict.interval is not None
        assert "cases would decide" in verdict.note
        unbounded = drop(make_evaluation, [3.0] * count, [3.0] * count, "seconds")
        cases = "1 case" if count == 1 else "2 cases"
        assert unbounded.note == f"no interval for {cases} of an unbounded metric: expected 3 or more"
        assert at_least(make_evaluation({"R@5": [1.0] * count}), "R@5", 0.9).outcome == "pass"
        strict = at_least(make_evaluation({"R@5": [1.0] * count}), "R@5", 0.9, confidence=0.95)
        assert strict.outcome == "undecided"


def test_all_equal(make_evaluation: Make) -> None:
    verdict = drop(make_evaluation, [1.0] * 20, [1.0] * 20)
    assert verdict.outcome == "undecided"
    assert verdict.interval is not None
    assert verdict.interval.low < -0.05
    assert drop(make_evaluation, [1.0] * 100, [1.0] * 100).outcome == "pass"


def test_all_unscored(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"R@5": [None] * 5}), "R@5", 0.5, max_unscored=1.0)
    assert (verdict.outcome, verdict.note) == ("fail", "no case has a score")
    change = drop(make_evaluation, [None] * 5, [1.0] * 5)
    assert (change.outcome, change.note) == ("fail", "5 cases without a score on one side, allowed 0")


def test_a_recording_of_another_model(tmp_path: Path) -> None:
    path, case = tmp_path / "store.sqlite3", Case("a", "What?")

    def pipeline(version: str) -> Pipeline:
        return Pipeline("rag", None, ScriptedGenerator({}, default="yes", version=version))

    Session(ReplayStore(path)).ask(pipeline("small model"), [case])
    with pytest.raises(ReplayMiss, match=r"generator\.version: recorded 'small model', now 'large model'"):
        Session(ReplayStore(path, "only")).ask(pipeline("large model"), [case])
