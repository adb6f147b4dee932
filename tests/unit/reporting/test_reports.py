"""The table, the JSON and the Markdown of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_ragtune.checks import at_least, no_regression
from pytest_ragtune.records import Claim, Evaluation, Score, Verdict
from pytest_ragtune.reporting.json import report_value, told_value, verdict_from_value, verdict_value
from pytest_ragtune.reporting.markdown import markdown_lines
from pytest_ragtune.reporting.table import (
    SummaryRow,
    merged,
    summarise,
    summary_lines,
    verdict_lines,
)

Make = Callable[..., Evaluation]
NOT_APPLICABLE = Score(None, "no label", applicable=False)


@pytest.fixture
def rag(make_evaluation: Make) -> Evaluation:
    evaluation = make_evaluation(
        {
            "R@5": [1.0, 0.5, 1.0, NOT_APPLICABLE] * 10,
            "faithfulness": [1.0, 0.0, 0.5, 0.75] * 9 + [0.5, None, 1.0, 1.0],
            "seconds": [0.4, 0.5, 0.6, 0.7] * 10,
        }
    )
    return replace(evaluation, model_calls=3, replayed=37, judge_calls=40, notes=("a note",))


@pytest.fixture
def closed_book(make_evaluation: Make) -> Evaluation:
    return make_evaluation({"faithfulness": [0.0, 0.5, 0.25, 0.5] * 10}, pipeline="closed_book")


def test_the_table(rag: Evaluation, closed_book: Evaluation) -> None:
    lines = list(summary_lines([summarise(rag), summarise(closed_book)]))
    assert lines == [
        "golden set handbook: 40 cases, mean and 95% interval",
        "pipeline     R@5              faithfulness                       seconds",
        "             n=30 (10 n/a)                                       n=40",
        "rag          0.83 0.73..0.92  0.58 0.45..0.70 (1 unscored) n=39  0.55 0.51..0.59 s",
        "closed_book                   0.31 0.24..0.38 n=40",
        "",
        "3 model calls, 37 answers replayed, 40 judge calls",
        "note: handbook rag: a note",
    ]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_metrics_that_do_not_fit_continue_below(width: int, make_evaluation: Make) -> None:
    names = [f"nDCG@{k}" for k in range(1, 13)]
    rows = [
        summarise(make_evaluation({name: [0.5, 1.0] for name in names}, pipeline=pipeline))
        for pipeline in ("rag", "long_context_lora")
    ]
    lines = list(summary_lines(rows, width=width))
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert [text.count(f"{name} ") + text.count(f"{name}\n") for name in names] == [1] * len(names)
    assert (
        sum(line.startswith("pipeline") for line in lines)
        == sum(line.startswith("rag ") for line in lines)
        > 1
    )


def test_a_table_narrower_than_a_column_still_shows_it(rag: Evaluation) -> None:
    assert sum(line.startswith("pipeline") for line in summary_lines([summarise(rag)], width=10)) == 3


def test_nothing_to_show() -> None:
    assert list(summary_lines([])) == []
    assert list(markdown_lines([])) == []


def test_an_evaluation_without_scores_or_metrics(make_evaluation: Make) -> None:
    unscored = make_evaluation({"faithfulness": [None, None]})
    assert "rag       - (2 unscored)" in list(summary_lines([summarise(unscored)]))
    undefined = make_evaluation({"R@5": [NOT_APPLICABLE]})
    assert list(summary_lines([summarise(undefined)]))[3].split() == ["rag", "-"]
    flat = make_evaluation({"tokens": [48.0, 48.0]})
    assert list(summary_lines([summarise(flat)]))[3].split() == ["rag", "48"]
    bare = SummaryRow("rag", "handbook", 1)
    assert list(summary_lines([bare]))[:2] == ["golden set handbook: 1 case, mean and 95% interval", "rag"]


def test_verdicts_that_did_not_pass_are_listed(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.0] * 10})
    verdicts = [
        at_least(evaluation, "R@5", 0.4),
        at_least(evaluation, "R@5", 0.8),
        at_least(evaluation, "R@5", 0.45, confidence=0.95),
        replace(at_least(evaluation, "R@5", 0.8), golden_set="", pipeline=""),
    ]
    assert list(summary_lines([], verdicts)) == [
        "checks: 1 passed, 2 failed, 1 undecided",
        "fail  handbook rag  R@5 0.50 < 0.80  n=20  95% CI 0.26..0.74",
        "undecided  handbook rag  R@5 0.50 undecided at 0.45  n=20  95% CI 0.26..0.74"
        "  (about 829 cases would decide at these figures)",
        "fail  R@5 0.50 < 0.80  n=20  95% CI 0.26..0.74",
    ]


def test_a_row_survives_json(rag: Evaluation) -> None:
    row = summarise(rag)
    assert SummaryRow.from_json(row.to_json()) == row
    assert "\n" not in row.to_json()


def test_evaluations_of_one_pipeline_become_one_row(make_evaluation: Make) -> None:
    whole = replace(make_evaluation({"R@5": [1.0] * 10}), model_calls=10, notes=("x",))
    part = replace(make_evaluation({"R@5": [0.0] * 2, "RR": [0.5] * 2}), replayed=2, notes=("x", "y"))
    other = replace(whole, golden_set="python_reference")
    first, second = merged([summarise(item) for item in (whole, part, other)])
    assert (first.golden_set, second.golden_set) == ("handbook", "python_reference")
    assert (first.cells["R@5"].mean, first.cells["RR"].mean) == (1.0, 0.5)
    assert (first.cases, first.model_calls, first.replayed, first.notes) == (10, 10, 2, ("x", "y"))


def test_an_answer_that_came_after_all_counts(make_evaluation: Make) -> None:
    failed, came = ([1.0, None, 1.0], [1.0, 1.0, 0.0])
    for pair in ((failed, came), (came, failed)):
        (row,) = merged([summarise(make_evaluation({"R@5": values})) for values in pair])
        assert (row.cells["R@5"].n, row.cells["R@5"].unscored) == (3, 0)


def test_a_verdict_survives_json(make_evaluation: Make) -> None:
    scores = [Score(0.0, "", (Claim("c", 0.1, "a.md#1", "e"),)), 1.0, None]
    verdict = at_least(make_evaluation({"faithfulness": scores}), "faithfulness", 0.8)
    assert verdict_from_value(json.loads(json.dumps(verdict_value(verdict)))) == verdict
    missing = no_regression(make_evaluation({"R@5": [1.0]}), "R@5", margin=0.05)[0]
    assert verdict_from_value(json.loads(json.dumps(verdict_value(missing)))) == missing
    for one in (verdict, missing, replace(verdict, higher_is_better=False, not_applicable=2, judge="nli")):
        assert verdict_from_value(json.loads(json.dumps(told_value(one)))) == one
    passed = at_least(make_evaluation({"R@5": [1.0]}), "R@5", 0.8)
    assert "p_value" not in told_value(passed)


def test_the_json_report(rag: Evaluation) -> None:
    value = report_value([summarise(rag)], [at_least(rag, "R@5", 0.5)])
    assert json.loads(json.dumps(value, allow_nan=False)) == json.loads(json.dumps(value))
    assert value["schema"] == 1
    assert value["evaluations"][0]["cells"]["R@5"]["n"] == 30
    assert value["verdicts"][0]["outcome"] == "pass"


def test_the_markdown_report(rag: Evaluation, closed_book: Evaluation) -> None:
    rows = [summarise(rag), summarise(replace(closed_book, pipeline="a|b"))]
    verdicts = [at_least(rag, "R@5", 0.5), at_least(rag, "R@5", 0.9)]
    text = "\n".join(markdown_lines(rows, verdicts))
    assert text.startswith(
        "## handbook\n\n"
        "| pipeline | R@5 | faithfulness | seconds |\n"
        "| --- | --- | --- | --- |\n"
        "| rag | 0.83 0.73..0.92, n=30 | 0.58 0.45..0.70 (1 unscored), n=39 | 0.55 0.51..0.59 s, n=40 |\n"
        "| a\\|b |  | 0.31 0.24..0.38, n=40 |  |\n\n"
        "## Checks\n\n1 passed, 1 failed.\n\n"
        "**fail** handbook rag at_least\n\n```text\nR@5 0.83 < 0.90  n=30"
    )
    assert text.rstrip().endswith("```")


def test_missing_baselines_take_one_line_a_pipeline() -> None:
    verdicts = [
        Verdict(
            "fail", "no_regression", metric, "rag", "handbook", None, 0.02, 40, 0, note="make one with: x"
        )
        for metric in ("R@5", "RR")
    ]
    assert list(verdict_lines(verdicts)) == [
        "checks: 2 failed",
        "fail  handbook rag  no baseline for R@5, RR",
        "      make one with: x",
    ]


def test_two_versions_of_a_corpus_stay_apart(rag: Evaluation) -> None:
    newer = summarise(replace(rag, version="v2"))
    older = summarise(replace(rag, version="v1", fingerprint="e" * 64, scores={"R@5": rag.scores["R@5"]}))
    heads = [line for line in summary_lines([newer, older, newer]) if line.startswith("golden set")]
    assert heads == [
        "golden set handbook v2: 40 cases, mean and 95% interval",
        "golden set handbook v1: 40 cases, mean and 95% interval",
    ]
    assert [line for line in markdown_lines([newer, older]) if line.startswith("##")][:2] == [
        "## handbook v2",
        "## handbook v1",
    ]
    assert summarise(replace(rag, version="v2")) == SummaryRow.from_json(newer.to_json())


def test_states_without_a_version_are_told_apart_by_fingerprint(rag: Evaluation) -> None:
    rows = [summarise(rag), summarise(replace(rag, fingerprint="e" * 64))]
    heads = [line.partition(":")[0] for line in summary_lines(rows) if line.startswith("golden set")]
    assert heads == ["golden set handbook (ffffffff)", "golden set handbook (eeeeeeee)"]


def test_a_block_leaves_out_pipelines_that_none_of_its_metrics_measured(
    rag: Evaluation, closed_book: Evaluation
) -> None:
    lines = list(summary_lines([summarise(rag), summarise(closed_book)], width=45))
    assert sum(line.startswith("rag") for line in lines) == 3
    assert sum(line.startswith("closed_book") for line in lines) == 1
