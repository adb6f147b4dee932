"""Checks: thresholds, regressions, superiority, and the rules of honesty."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ragtune.baseline import write_baseline
from pytest_ragtune.checks import at_least, at_most, better_than, no_regression
from pytest_ragtune.errors import BaselineError, RagtuneError
from pytest_ragtune.records import Evaluation, MetricInfo, Score, Verdict
from pytest_ragtune.reporting.failure import headline

Make = Callable[..., Evaluation]
NOT_APPLICABLE = Score(None, "the case has no label", applicable=False)


def changed(number: int) -> list[str]:
    return [f"Another answer to q{i}." for i in range(1, number + 1)]


def test_the_mean_decides_without_a_confidence(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 1.0, 0.5, 0.5]})
    verdict = at_least(evaluation, "R@5", 0.75)
    assert verdict.outcome == "pass"
    assert bool(verdict)
    assert (verdict.value, verdict.n, verdict.unscored, verdict.p_value) == (0.75, 4, 0, None)
    assert verdict.interval is not None
    assert at_least(evaluation, "R@5", 0.76).outcome == "fail"
    assert not at_least(evaluation, "R@5", 0.76)


def test_the_worst_cases_are_named_worst_first(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"R@5": [1.0, 0.2, 0.0, 0.3, 0.1]}), "R@5", 0.8)
    assert [(item.case_id, item.score.value) for item in verdict.worst] == [
        ("q3", 0.0),
        ("q5", 0.1),
        ("q2", 0.2),
    ]
    assert at_least(make_evaluation({"R@5": [1.0, 1.0]}), "R@5", 0.8).worst == ()


def test_a_threshold_forgives_rounding(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1 / 3, 2 / 3, 0.1 + 0.2, 0.7]})
    assert at_least(evaluation, "R@5", 0.5).outcome == "pass"
    assert at_least(make_evaluation({"R@5": [1.0 - 1e-16] * 3}), "R@5", 1.0).outcome == "pass"
    assert at_least(make_evaluation({"R@5": [1.0 - 1e-6] * 3}), "R@5", 1.0).outcome == "fail"


def test_at_most(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"seconds": [1.0, 2.0, 3.0]})
    assert at_most(evaluation, "seconds", 2.0).outcome == "pass"
    verdict = at_most(evaluation, "seconds", 1.5)
    assert verdict.outcome == "fail"
    assert not verdict.higher_is_better
    assert [item.case_id for item in verdict.worst] == ["q3", "q2"]


@pytest.mark.parametrize(
    ("right", "outcome"),
    [(200, "pass"), (190, "pass"), (184, "undecided"), (176, "undecided"), (160, "fail")],
)
def test_the_interval_decides_with_a_confidence(right: int, outcome: str, make_evaluation: Make) -> None:
    evaluation = make_evaluation({"exact_match": [1.0] * right + [0.0] * (200 - right)})
    verdict = at_least(evaluation, "exact_match", 0.9, confidence=0.95)
    assert verdict.outcome == outcome
    assert ("cases would decide" in verdict.note) == (outcome == "undecided")


def test_at_most_with_a_confidence(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"seconds": [1.0, 1.1, 1.2, 0.9, 0.8, 1.05, 0.95] * 4})
    assert at_most(evaluation, "seconds", 1.2, confidence=0.95).outcome == "pass"
    assert at_most(evaluation, "seconds", 1.01, confidence=0.95).outcome == "undecided"
    assert at_most(evaluation, "seconds", 0.8, confidence=0.95).outcome == "fail"


def test_forty_of_forty_do_not_prove_95_percent(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"R@5": [1.0] * 40}), "R@5", 0.95, confidence=0.95)
    assert verdict.outcome == "undecided"
    assert verdict.note == "about 72 cases would decide at these figures"


def test_no_number_of_cases_decides_a_value_on_the_threshold(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"R@5": [0.4, 0.6] * 20}), "R@5", 0.5, confidence=0.95)
    assert (verdict.outcome, verdict.note) == (
        "undecided",
        "the value is too close to call with any number of cases",
    )


def test_an_unbounded_metric_without_spread_is_undecided(make_evaluation: Make) -> None:
    verdict = at_most(make_evaluation({"tokens": [48.0] * 9}), "tokens", 50, confidence=0.95)
    assert (verdict.outcome, verdict.interval) == ("undecided", None)
    assert verdict.note == "no interval for 9 cases of an unbounded metric: all values are equal"
    assert at_most(make_evaluation({"tokens": [48.0] * 9}), "tokens", 50).outcome == "pass"


def test_an_unscored_case_fails_the_check_and_is_named(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"faithfulness": [1.0, None, 1.0]}), "faithfulness", 0.5)
    assert (verdict.outcome, verdict.n, verdict.unscored) == ("fail", 2, 1)
    assert verdict.note == "1 case could not be scored, allowed 0"
    assert [(item.case_id, item.score.reason) for item in verdict.unscored_cases] == [
        ("q2", "the judge gave no opinion")
    ]


@pytest.mark.parametrize(
    ("max_unscored", "outcome"),
    [(0, "fail"), (1, "fail"), (2, "pass"), (0.19, "fail"), (0.2, "pass"), (1.0, "pass")],
)
def test_unscored_cases_can_be_allowed(max_unscored: float, outcome: str, make_evaluation: Make) -> None:
    evaluation = make_evaluation({"faithfulness": [1.0] * 8 + [None] * 2 + [NOT_APPLICABLE] * 5})
    verdict = at_least(evaluation, "faithfulness", 0.5, max_unscored=max_unscored)
    assert (verdict.outcome, verdict.unscored, verdict.not_applicable) == (outcome, 2, 5)


def test_cases_the_metric_is_not_defined_for_are_counted_apart(make_evaluation: Make) -> None:
    verdict = at_least(make_evaluation({"R@5": [1.0, NOT_APPLICABLE, 0.5]}), "R@5", 0.7)
    assert (verdict.outcome, verdict.n, verdict.unscored, verdict.not_applicable) == ("pass", 2, 0, 1)


def test_nothing_scored_fails(make_evaluation: Make) -> None:
    none = at_least(make_evaluation({"faithfulness": [None, None]}), "faithfulness", 0.0, max_unscored=1.0)
    assert (none.outcome, none.value, none.interval, none.note) == ("fail", None, None, "no case has a score")
    undefined = at_least(make_evaluation({"R@5": [NOT_APPLICABLE]}), "R@5", 0.0)
    assert (undefined.outcome, undefined.note) == ("fail", "the metric is defined for no case")


def test_repeats_count_as_one_case(make_evaluation: Make) -> None:
    evaluation = make_evaluation(
        {"exact_match": [1.0, 0.0, 1.0, 1.0]}, ids=["a", "a", "b", "b"], questions=["A?", "A?", "B?", "B?"]
    )
    verdict = at_least(evaluation, "exact_match", 0.5)
    assert (verdict.n, verdict.value) == (2, 0.75)
    assert verdict.interval is not None


def test_a_metric_that_was_not_computed(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0], "RR": [1.0]})
    with pytest.raises(RagtuneError) as caught:
        at_least(evaluation, "faithfulness", 0.8)
    assert str(caught.value) == (
        "metric 'faithfulness' was not computed; this evaluation of 'rag' has: R@5, RR; "
        "add 'faithfulness' to the metrics of evaluate"
    )
    with pytest.raises(RagtuneError, match="metric 'nDCG@10' was not computed"):
        no_regression(evaluation, ["R@5", "nDCG@10"], margin=0.05, baseline=evaluation)
    with pytest.raises(RagtuneError, match="metric 'R@5' was not computed"):
        no_regression(evaluation, "R@5", margin=0.05, baseline=make_evaluation({"RR": [1.0]}))


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (math.nan, "threshold is nan: expected a number to hold the mean of 'R@5' against"),
        ("0.8", "threshold is '0.8': expected a number"),
        (85, r"threshold is 85: 'R@5' is never above 1, so the check could not pass; did you mean 0\.85\?"),
        (850, "threshold is 850: 'R@5' is never above 1, so the check could not pass$"),
    ],
)
def test_a_threshold_that_makes_no_sense(threshold: float, message: str, make_evaluation: Make) -> None:
    with pytest.raises(ValueError, match=message):
        at_least(make_evaluation({"R@5": [1.0]}), "R@5", threshold)


def test_other_arguments_that_make_no_sense(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0]})
    with pytest.raises(ValueError, match="is never below 0"):
        at_most(evaluation, "R@5", -0.1)
    with pytest.raises(ValueError, match="confidence is 95"):
        at_least(evaluation, "R@5", 0.8, confidence=95)
    for value in (True, -1, 1.5, "1"):
        with pytest.raises(ValueError, match="max_unscored is"):
            at_least(evaluation, "R@5", 0.8, max_unscored=value)  # type: ignore[arg-type]


def regress(
    make: Make,
    before: Sequence[float | None],
    now: Sequence[float | None],
    margin: float = 0.05,
    name: str = "R@5",
) -> Verdict:
    baseline = make({name: before}, pipeline="before")
    return no_regression(
        make({name: now}, answers=changed(len(now))), name, margin=margin, baseline=baseline
    )[0]


def test_a_clear_drop_fails(make_evaluation: Make) -> None:
    verdict = regress(make_evaluation, [1.0] * 100, [0.0] * 30 + [1.0] * 70)
    assert (verdict.outcome, verdict.check, verdict.threshold) == ("fail", "no_regression", 0.05)
    assert verdict.value == pytest.approx(-0.3)
    assert (verdict.baseline, verdict.baseline_value) == ("before", 1.0)
    assert verdict.interval is not None
    assert verdict.interval.high < -0.05
    assert verdict.p_value is not None
    assert verdict.p_value < 0.001
    assert [(item.case_id, item.score.value, item.before) for item in verdict.worst] == [
        ("q1", 0.0, 1.0),
        ("q2", 0.0, 1.0),
        ("q3", 0.0, 1.0),
    ]


def test_no_drop_in_enough_cases_passes(make_evaluation: Make) -> None:
    verdict = regress(make_evaluation, [1.0] * 198 + [0.0] * 2, [1.0] * 197 + [0.0] + [1.0] * 2)
    assert verdict.outcome == "pass"
    assert verdict.p_value is not None
    assert verdict.p_value < 0.025


def test_too_few_cases_are_undecided_and_the_number_needed_is_named(make_evaluation: Make) -> None:
    verdict = regress(make_evaluation, [1.0] * 20, [1.0] * 20)
    assert (verdict.outcome, verdict.p_value) == ("undecided", None)
    assert verdict.note == "about 72 cases would decide at these figures"


@pytest.mark.parametrize("name", ["exact_match", "R@5", "seconds"])
def test_the_direction_comes_from_the_metric(name: str, make_evaluation: Make) -> None:
    low, high = [0.0] * 80 + [1.0] * 20, [1.0] * 80 + [0.0] * 20
    rose = regress(make_evaluation, low, high, name=name)
    fell = regress(make_evaluation, high, low, name=name)
    assert (rose.outcome, fell.outcome) == (("fail", "pass") if name == "seconds" else ("pass", "fail"))
    assert rose.value == pytest.approx(0.6)
    assert rose.interval is not None
    assert rose.interval.low < 0.6 < rose.interval.high


def test_a_binary_metric_where_lower_is_better(
    make_evaluation: Make, make_info: Callable[..., MetricInfo]
) -> None:
    info = {"refused": make_info("refused", binary=True, higher_is_better=False)}
    before = make_evaluation({"refused": [0.0] * 100}, infos=info)
    now = make_evaluation({"refused": [1.0] * 20 + [0.0] * 80}, infos=info, answers=changed(100))
    verdict = no_regression(now, "refused", margin=0.05, baseline=before)[0]
    assert verdict.outcome == "fail"
    assert verdict.interval is not None
    assert verdict.interval.method == "score (Tango)"
    assert 0.1 < verdict.interval.low < 0.2 < verdict.interval.high


def test_nothing_changed_passes_at_any_number_of_cases(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.5, 0.0]}, identity="one")
    verdict = no_regression(evaluation, "R@5", margin=0.0, baseline=evaluation)[0]
    assert (verdict.outcome, verdict.p_value) == ("pass", None)
    assert verdict.note == (
        "every answer and score is the one in the baseline, and so is every part of the pipeline; "
        "a fault in up to 63.2% of all questions can be absent from 3 cases"
    )


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        ("two", "one", "a part of the pipeline has changed"),
        (
            "",
            "one",
            "nothing tells that the pipeline is the same (version= names the state of an application)",
        ),
        ("one", "", "rag does not say which state of the pipeline it is of: write it again"),
    ],
)
def test_the_same_answers_of_another_pipeline_are_a_sample(
    now: str, before: str, told: str, make_evaluation: Make
) -> None:
    """Of what 20 questions do not touch they tell nothing: a drop of 0.05 can be absent from them."""
    sides = [make_evaluation({"R@5": [1.0, 0.5] * 10}, identity=identity) for identity in (now, before)]
    verdict = no_regression(sides[0], "R@5", margin=0.05, baseline=sides[1])[0]
    assert verdict.outcome == "undecided"
    assert verdict.note == (
        f"every answer and score is the one in the baseline, but {told}; a fault in up to 13.9% of all "
        "questions can be absent from 20 cases; about 72 cases would decide at these figures"
    )
    many = [make_evaluation({"R@5": [1.0, 0.5] * 40}, identity=identity) for identity in (now, before)]
    assert no_regression(many[0], "R@5", margin=0.05, baseline=many[1])[0].outcome == "pass"


def test_one_answer_to_every_case_does_not_count_as_unchanged(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.5, 0.0]}, answers=["I do not know."] * 3, identity="one")
    assert no_regression(evaluation, "R@5", margin=0.05, baseline=evaluation)[0].outcome == "undecided"


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_cases_never_pass_by_statistics(n: int, make_evaluation: Make) -> None:
    assert regress(make_evaluation, [1.0] * n, [1.0] * n).outcome == "undecided"
    assert regress(make_evaluation, [1.0] * n, [1.0] * n, name="seconds").outcome == "undecided"


def test_several_metrics_are_corrected_together(make_evaluation: Make) -> None:
    before = make_evaluation({f"m{i}": [1.0] * 100 for i in range(5)})
    dropped = [0.0] * 12 + [1.0] * 88
    now = {f"m{i}": dropped if i == 0 else [1.0] * 100 for i in range(5)}
    evaluation = make_evaluation(now, answers=changed(100))
    alone = no_regression(evaluation, "m0", margin=0.05, baseline=before)[0]
    together = no_regression(evaluation, list(now), margin=0.05, baseline=before)
    assert alone.outcome == "fail"
    assert together[0].outcome == "undecided"
    assert together[0].note.startswith("worse by itself, not when corrected for the number of metrics; about")
    assert [verdict.metric for verdict in together] == list(now)


def test_margins_by_metric(make_evaluation: Make) -> None:
    before = make_evaluation({"R@5": [1.0] * 100, "seconds": [1.0 + i / 100 for i in range(100)]})
    now = make_evaluation(
        {"R@5": [1.0] * 100, "seconds": [1.4 + i / 90 for i in range(100)]}, answers=changed(100)
    )
    verdicts = no_regression(now, ["R@5", "seconds"], margin={"R@5": 0.05, "seconds": 1.0}, baseline=before)
    assert [(verdict.outcome, verdict.threshold) for verdict in verdicts] == [("pass", 0.05), ("pass", 1.0)]
    with pytest.raises(ValueError, match=r"margin has no entry for 'seconds', only \['R@5'\]"):
        no_regression(now, ["seconds"], margin={"R@5": 0.05}, baseline=before)


@pytest.mark.parametrize(
    ("margin", "hint"), [(1.0, "fail$"), (1.5, "fail$"), (5, r"fail; did you mean 0\.05\?"), (math.nan, "")]
)
def test_a_margin_that_no_change_could_exceed(margin: float, hint: str, make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.5], "seconds": [1.0, 2.0]}, identity="one")
    with pytest.raises(ValueError, match=f"margin is .*{hint}"):
        no_regression(evaluation, "R@5", margin=margin, baseline=evaluation)
    assert no_regression(evaluation, "seconds", margin=5, baseline=evaluation)[0].outcome == "pass"


@pytest.mark.parametrize("threshold", [-0.1, -math.inf, True])
def test_a_threshold_that_every_mean_reaches(threshold: float, make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0], "seconds": [1.0]})
    with pytest.raises(ValueError, match=r"could not fail|expected a number"):
        at_least(evaluation, "R@5", threshold)
    assert at_least(evaluation, "R@5", 0.0).outcome == "pass"
    with pytest.raises(ValueError, match=r"threshold is inf: 'seconds' is never above inf"):
        at_most(evaluation, "seconds", math.inf)


def test_a_value_outside_the_range_names_metric_and_case(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 1.5]})
    expected = r"metric 'R@5' gave 1\.5 for case 'q2', which lies outside its range of 0 to 1; correct"
    with pytest.raises(RagtuneError, match=expected):
        at_least(evaluation, "R@5", 0.5)


def test_arguments_of_the_wrong_kind(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.0]})
    with pytest.raises(TypeError, match=r"got 'rag': expected an Evaluation"):
        at_least("rag", "R@5", 0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"baseline is 5: expected an Evaluation, a Baseline or its file"):
        no_regression(evaluation, "R@5", margin=0.1, baseline=5)  # type: ignore[arg-type]
    for confidence in ("0.95", None):
        with pytest.raises(ValueError, match=r"confidence is .*: expected a number between 0 and 1"):
            no_regression(evaluation, "R@5", margin=0.1, baseline=evaluation, **{"confidence": confidence})  # type: ignore[arg-type]


def test_nothing_to_pair_is_not_called_a_missing_baseline(make_evaluation: Make) -> None:
    empty = make_evaluation({"R@5": []})
    verdict = no_regression(empty, "R@5", margin=0.1, baseline=empty)[0]
    assert (verdict.outcome, headline(verdict)) == ("fail", "R@5 has no score  n=0")
    assert at_least(empty, "R@5", 0.5).note == "no case was asked"


@pytest.mark.parametrize(("before", "now"), [(1.0, 1.0), (0.5, 0.5), (0.0, 0.0)])
@pytest.mark.parametrize("margin", [0.02, 0.05, 0.2])
def test_the_number_that_would_decide_decides(
    before: float, now: float, margin: float, make_evaluation: Make
) -> None:
    note = regress(make_evaluation, [before] * 9, [now] * 9, margin=margin).note
    n = int(note.split()[1])
    assert regress(make_evaluation, [before] * n, [now] * n, margin=margin).outcome == "pass"
    fewer = n * 9 // 10
    assert regress(make_evaluation, [before] * fewer, [now] * fewer, margin=margin).outcome == "undecided"


@pytest.mark.parametrize("margin", [-0.05, math.nan, math.inf, True, "0.05"])
def test_a_margin_that_makes_no_sense(margin: float, make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0]})
    with pytest.raises(
        ValueError, match=r"margin is .*: expected a change of 'R@5' as a number of 0 or more"
    ):
        no_regression(evaluation, "R@5", margin=margin, baseline=evaluation)
    with pytest.raises(ValueError, match="margin is"):
        better_than(evaluation, evaluation, "R@5", margin=margin)


def test_no_metric_named(make_evaluation: Make) -> None:
    with pytest.raises(ValueError, match="metrics is empty"):
        no_regression(make_evaluation({"R@5": [1.0]}), [], margin=0.05)


def test_no_baseline_is_a_failure_with_the_command(
    make_evaluation: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evaluation = make_evaluation({"R@5": [1.0]}, path=tmp_path / "golden_sets" / "handbook")
    verdict = no_regression(evaluation, "R@5", margin=0.05)[0]
    assert (verdict.outcome, verdict.value) == ("fail", None)
    assert verdict.baseline == "golden_sets/handbook/baselines/rag.jsonl"
    assert verdict.note == (
        "there is no baseline; make one with: pytest golden_sets/handbook --ragtune-update-baselines"
    )
    assert not (tmp_path / "golden_sets").exists()
    in_memory = no_regression(make_evaluation({"R@5": [1.0]}), "R@5", margin=0.05)[0]
    assert in_memory.note.startswith("a golden set built in memory has no baseline file: pass baseline=")


def test_the_default_baseline_is_read_from_the_golden_set(make_evaluation: Make, tmp_path: Path) -> None:
    before = make_evaluation({"R@5": [1.0] * 100}, path=tmp_path)
    write_baseline(before, tmp_path / "baselines" / "rag.jsonl")
    now = make_evaluation(
        {"R@5": [0.0] * 40 + [1.0] * 60, "RR": [1.0] * 100}, path=tmp_path, answers=changed(100)
    )
    dropped, missing = no_regression(now, ["R@5", "RR"], margin=0.05)
    assert dropped.outcome == "fail"
    assert dropped.baseline.endswith("baselines/rag.jsonl")
    assert missing.outcome == "fail"
    assert missing.note.startswith("the baseline has no 'RR'; add it with: pytest ")
    by_path = no_regression(now, ["R@5"], margin=0.05, baseline=str(tmp_path / "baselines" / "rag.jsonl"))
    assert by_path == [dropped]


def test_a_baseline_edited_into_an_impossible_value_is_refused(make_evaluation: Make, tmp_path: Path) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.5]})
    path = tmp_path / "rag.jsonl"
    write_baseline(evaluation, path)
    path.write_text(path.read_text().replace('"R@5": 0.5', '"R@5": 5'))
    with pytest.raises(
        BaselineError, match=r"case 'q2' has 5 for 'R@5', which lies between 0 and 1; restore"
    ):
        no_regression(evaluation, "R@5", margin=0.05, baseline=path)


def test_another_golden_set_is_refused(make_evaluation: Make) -> None:
    now, before = make_evaluation({"R@5": [1.0]}), make_evaluation({"R@5": [1.0]}, fingerprint="0" * 64)
    with pytest.raises(BaselineError, match="fingerprint"):
        no_regression(now, "R@5", margin=0.05, baseline=before)
    with pytest.raises(BaselineError, match="fingerprint"):
        better_than(now, before, "R@5")


def test_the_common_part_is_compared_only_when_asked(make_evaluation: Make) -> None:
    ids = [f"q{i}" for i in range(100)]
    before = make_evaluation({"R@5": [1.0] * 100}, ids=ids, fingerprint="0" * 64)
    now = make_evaluation(
        {"R@5": [1.0] * 100},
        ids=[*ids[1:], "new"],
        questions=["Edited?", *(f"Question {i}?" for i in ids[2:]), "New?"],
        answers=changed(100),
    )
    verdict = no_regression(now, "R@5", margin=0.1, baseline=before, common_only=True)[0]
    assert (verdict.outcome, verdict.n) == ("pass", 98)
    assert verdict.note == "1 case of the baseline not asked; 1 case edited since and left out"


def test_a_case_that_the_baseline_lacks_fails(make_evaluation: Make) -> None:
    before = make_evaluation({"R@5": [1.0] * 100})
    now = make_evaluation({"R@5": [1.0] * 101}, answers=changed(101))
    verdict = no_regression(now, "R@5", margin=0.1, baseline=before)[0]
    assert verdict.outcome == "fail"
    assert verdict.note == (
        "1 case not in the baseline (q101): update it, or compare the others: common_only=True, "
        "ragtune gate --common-only"
    )


def test_a_selection_is_compared_with_the_same_cases(make_evaluation: Make) -> None:
    before = make_evaluation({"R@5": [0.0] * 50 + [1.0] * 100})
    selected = make_evaluation({"R@5": [1.0] * 100}, ids=[f"q{i}" for i in range(51, 151)])
    verdict = no_regression(selected, "R@5", margin=0.05, baseline=before)[0]
    assert (verdict.outcome, verdict.n, verdict.baseline_value) == ("pass", 100, 1.0)
    assert "50 cases of the baseline not asked" in verdict.note


def test_a_case_unscored_on_either_side_fails(make_evaluation: Make) -> None:
    before: list[float | None] = [None] + [1.0] * 99
    now: list[float | None] = [1.0] * 99 + [None]
    verdict = regress(make_evaluation, before, now)
    assert (verdict.outcome, verdict.n, verdict.unscored) == ("fail", 98, 2)
    assert verdict.note == "2 cases without a score on one side, allowed 0"
    assert [(item.case_id, item.score.reason) for item in verdict.unscored_cases] == [
        ("q1", "no score in before: the judge gave no opinion"),
        ("q100", "the judge gave no opinion"),
    ]
    allowed = no_regression(
        make_evaluation({"R@5": now}, answers=changed(100)),
        "R@5",
        margin=0.1,
        baseline=make_evaluation({"R@5": before}),
        max_unscored=2,
    )[0]
    assert allowed.outcome == "pass"
    assert regress(make_evaluation, [None], [None]).outcome == "fail"


def test_no_common_case_fails(make_evaluation: Make) -> None:
    before = make_evaluation({"R@5": [1.0]}, ids=["other"])
    now = make_evaluation({"R@5": [1.0]}, ids=["new"])
    verdict = no_regression(now, "R@5", margin=0.05, baseline=before, common_only=True)[0]
    assert (verdict.outcome, verdict.note.split(";")[0]) == ("fail", "no case has a score on both sides")


def test_not_applicable_cases_are_left_out_of_a_pairing(make_evaluation: Make) -> None:
    scores = [1.0] * 100 + [NOT_APPLICABLE] * 3
    verdict = regress(make_evaluation, scores, scores)  # type: ignore[arg-type]
    assert (verdict.outcome, verdict.n, verdict.not_applicable) == ("pass", 100, 3)


def test_better_than(make_evaluation: Make) -> None:
    rag = make_evaluation({"exact_match": [1.0] * 80 + [0.0] * 20})
    closed = make_evaluation({"exact_match": [1.0] * 30 + [0.0] * 70}, pipeline="closed_book")
    verdict = better_than(rag, closed, "exact_match")
    assert (verdict.outcome, verdict.check, verdict.baseline) == ("pass", "better_than", "closed_book")
    assert verdict.value == pytest.approx(0.5)
    assert verdict.baseline_value == pytest.approx(0.3)
    assert verdict.p_value is not None
    assert 0 < verdict.p_value < 1e-6
    assert better_than(closed, rag, "exact_match").outcome == "fail"
    assert better_than(rag, rag, "exact_match").outcome == "undecided"
    assert better_than(rag, closed, "exact_match", margin=0.3).outcome == "pass"
    assert better_than(rag, closed, "exact_match", margin=0.45).outcome == "undecided"
    assert better_than(rag, closed, "exact_match", margin=0.7).outcome == "fail"


def test_better_means_lower_where_lower_is_better(make_evaluation: Make) -> None:
    fast = make_evaluation({"seconds": [1.0 + i / 100 for i in range(50)]})
    slow = make_evaluation({"seconds": [2.0 + i / 90 for i in range(50)]})
    verdict = better_than(fast, slow, "seconds")
    assert verdict.outcome == "pass"
    assert verdict.value is not None
    assert verdict.value < -1
    assert verdict.interval is not None
    assert verdict.interval.low < verdict.value < verdict.interval.high


def test_better_than_with_unscored_cases(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"seconds": [1.0, None]})
    assert better_than(evaluation, evaluation, "seconds").outcome == "fail"
    flat = better_than(evaluation, evaluation, "seconds", max_unscored=1)
    assert (flat.outcome, flat.note) == (
        "undecided",
        "no interval for 1 case of an unbounded metric: expected 3 or more",
    )


def test_verdicts_name_pipeline_and_golden_set(make_evaluation: Make) -> None:
    verdict = at_least(replace(make_evaluation({"R@5": [1.0]}), pipeline="rag_lora"), "R@5", 0.5)
    assert (verdict.pipeline, verdict.golden_set, verdict.metric) == ("rag_lora", "handbook", "R@5")


def test_deciding_ten_thousand_cases_again_is_quick(make_evaluation: Make) -> None:
    values = {
        "R@5": [(i % 97) / 96 for i in range(10_000)],
        "exact_match": [float(i % 10 > 1) for i in range(10_000)],
    }
    now, before = make_evaluation(values, answers=changed(10_000)), make_evaluation(values)
    started = time.process_time()
    for name in values:
        at_least(now, name, 0.4, confidence=0.95)
    no_regression(now, list(values), margin=0.02, baseline=before)
    assert time.process_time() - started < 2
