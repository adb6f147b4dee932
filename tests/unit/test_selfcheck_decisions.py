from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.baseline import write_baseline
from pytest_ragtune.checks import at_least, at_most, better_than, no_regression
from pytest_ragtune.records import Evaluation, Score
from pytest_ragtune.reporting.alarms import alarm_lines, alarms_markdown, alarms_value
from pytest_ragtune.selfcheck import Alarm, Made, drawn, recheck

Make = Callable[..., Evaluation]


def made(check: Any, evaluation: Evaluation, *arguments: Any, **options: Any) -> Made:
    return Made("test_x.py::test_x", check, evaluation, arguments, options)


def values(count: int, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [rng.random() for _ in range(count)]


def test_drawn_cases_are_cases_of_their_own(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"token_f1": [0.1, 0.2, None], "rouge_l": [1, 1, 1]})
    again = drawn(evaluation, ["token_f1"], ["q2", "q2", "q3"])
    assert [case.id for case in again.cases] == ["q2 (0)", "q2 (1)", "q3 (2)"]
    assert again.values("token_f1") == [0.2, 0.2, None]
    assert [response.text for response in again.responses] == [f"Answer to q{n}." for n in (2, 2, 3)]
    assert list(again.scores) == list(again.metrics) == ["token_f1"]


def test_repeats_of_a_case_stay_together(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"token_f1": [0.0, 1.0, 0.4]}, ids=["a", "a", "b"])
    assert drawn(evaluation, ["token_f1"], ["a", "b"]).values("token_f1") == [0.5, 0.4]


def test_a_threshold_at_the_mean_is_a_coin_toss(make_evaluation: Make) -> None:
    scores = values(60)
    mean = sum(scores) / 60
    (alarm,) = recheck(made(at_least, make_evaluation({"token_f1": scores}), "token_f1", mean), 400)
    assert alarm.what == f"rag token_f1 >= {mean:g}"
    assert (alarm.cases, alarm.runs, alarm.undecided, alarm.note) == (60, 400, 0, "")
    assert 0.4 < alarm.failed / alarm.runs < 0.6


def test_a_threshold_far_below_never_fails(make_evaluation: Make) -> None:
    (alarm,) = recheck(made(at_least, make_evaluation({"token_f1": values(60)}), "token_f1", 0.1), 100)
    assert alarm.failed == alarm.undecided == 0
    assert alarm.share(alarm.failed) == (0.0, 0.03)


def test_a_check_with_a_confidence_can_be_undecided(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"token_f1": values(60)})
    (alarm,) = recheck(made(at_most, evaluation, "token_f1", 0.55, confidence=0.95), 50)
    assert alarm.what == "rag token_f1 <= 0.55"
    assert alarm.undecided > 10
    assert "as recorded: undecided" in alarm.note


def test_the_same_check_comes_out_the_same_way(make_evaluation: Make) -> None:
    check = made(at_least, make_evaluation({"token_f1": values(30)}), "token_f1", 0.5)
    assert recheck(check, 50) == recheck(check, 50)


def test_nothing_changed_never_fails(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"token_f1": values(40), "rouge_l": values(40, 2)}, identity="one")
    check = made(no_regression, evaluation, ["token_f1", "rouge_l"], margin=0.01, baseline=evaluation)
    alarms = recheck(check, 50)
    assert [alarm.what for alarm in alarms] == [
        "rag token_f1 no regression by 0.01",
        "rag rouge_l no regression by 0.01",
    ]
    assert [alarm.failed + alarm.undecided for alarm in alarms] == [0, 0]


def test_false_alarms_of_a_regression_are_rare_although_the_record_shows_a_drop(
    make_evaluation: Make,
) -> None:
    before = values(80)
    now = [max(0.0, value - 0.2) for value in before]
    evaluation = make_evaluation({"token_f1": now}, answers=[f"new {n}" for n in range(80)])
    check = made(
        no_regression, evaluation, "token_f1", margin=0.02, baseline=make_evaluation({"token_f1": before})
    )
    (alarm,) = recheck(check, 200)
    assert alarm.note == "as recorded: fail"
    assert alarm.failed / alarm.runs < 0.08


def test_a_baseline_file_is_read_and_edited_or_added_cases_stay_what_they_are(
    make_evaluation: Make, tmp_path: Path
) -> None:
    path = tmp_path / "baseline.jsonl"
    write_baseline(make_evaluation({"token_f1": values(20)}), path)
    same = make_evaluation({"token_f1": values(20)})
    (alarm,) = recheck(made(no_regression, same, "token_f1", margin=0.05, baseline=path), 20)
    assert alarm.failed == 0
    added = make_evaluation({"token_f1": values(21)})
    (alarm,) = recheck(made(no_regression, added, "token_f1", margin=0.05, baseline=str(path)), 40)
    assert 0 < alarm.failed < 40  # fails whenever the case that the baseline lacks is drawn
    assert alarm.note == "as recorded: fail"


def test_scores_that_a_baseline_lacks_stay_unscored_on_either_side(make_evaluation: Make) -> None:
    column = [*values(20), None, Score(None, "no label", applicable=False)]
    evaluation = make_evaluation({"token_f1": column})
    check = made(no_regression, evaluation, "token_f1", margin=0.05, baseline=evaluation, max_unscored=1.0)
    (alarm,) = recheck(check, 20)
    assert alarm.failed == 0


@pytest.mark.parametrize("path", ["missing.jsonl", None])
def test_without_a_baseline_there_is_nothing_to_decide(make_evaluation: Make, path: str | None) -> None:
    evaluation = make_evaluation({"token_f1": values(5)})
    (alarm,) = recheck(
        made(no_regression, evaluation, "token_f1", margin={"token_f1": 0.1}, baseline=path), 5
    )
    assert (alarm.runs, alarm.note) == (0, "there is no baseline to hold it against")
    assert alarm.what == "rag token_f1 no regression by 0.1"


def test_superiority_is_decided_over_the_same_cases_of_both(make_evaluation: Make) -> None:
    low = values(50)
    high = [min(1.0, value + 0.2) for value in low]
    better = make_evaluation({"token_f1": high})
    other = make_evaluation({"token_f1": low}, pipeline="closed_book")
    (alarm,) = recheck(made(better_than, better, other, "token_f1"), 50)
    assert alarm.what == "rag token_f1 better than closed_book"
    assert alarm.failed == alarm.undecided == 0


def test_it_is_decided_at_least_once(make_evaluation: Make) -> None:
    with pytest.raises(ValueError, match="runs is 0: expected at least 1"):
        recheck(made(at_least, make_evaluation({"token_f1": [0.5]}), "token_f1", 0.1), 0)


def test_the_report_shows_shares_with_their_error() -> None:
    alarms = [
        Alarm("test_a.py::test_a", "rag R@5 >= 0.85", 40, 1000, 35, 0),
        Alarm("test_b.py::test_b", "rag R@5 >= 0.2", 40, 1000, 1000, 0, "as recorded: fail"),
        Alarm("test_c.py::test_c", "rag R@5 no regression by 0.02", 40, 0, note="there is no baseline"),
    ]
    lines = list(alarm_lines(alarms, 1000))
    assert lines[0].startswith("each check decided again 1,000 times over cases drawn with replacement")
    assert [" ".join(line.split()) for line in lines[-4:]] == [
        "fails undecided cases check test",
        "3.5% ±1.1% 0.0% (<0.3%) 40 rag R@5 >= 0.85 test_a.py::test_a",
        "100.0% (>99.7%) 0.0% (<0.3%) 40 rag R@5 >= 0.2 test_b.py::test_b (as recorded: fail)",
        "- - 40 rag R@5 no regression by 0.02 test_c.py::test_c (there is no baseline)",
    ]
    assert "| rag R@5 >= 0.85 | `test_a.py::test_a` | 40 | 3.5% ±1.1% | 0.0% (<0.3%) |" in list(
        alarms_markdown(alarms, 1000)
    )
    assert alarms_value(alarms)[0]["failed"] == 35
    assert "no test that ran made a check" in list(alarm_lines([], 1000))[-1]
