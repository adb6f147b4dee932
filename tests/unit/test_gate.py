from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.baseline import write_baseline
from pytest_ragtune.checks import at_least, no_regression
from pytest_ragtune.errors import BaselineError, RagtuneError
from pytest_ragtune.gate import Demand, baselines_of, decide, merged_scores, read_report, scores_value
from pytest_ragtune.records import Evaluation, Score

Make = Callable[..., Evaluation]
SKIPPED = Score(None, "no label", applicable=False)


def through_json(*evaluations: Evaluation) -> list[dict[str, Any]]:
    values = [json.loads(json.dumps(scores_value(e), allow_nan=False)) for e in evaluations]
    return merged_scores(values)


def test_the_gate_gives_the_verdict_of_the_run(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1 / 3] * 20 + [1.0, None, SKIPPED], "token_f1": [0.5] * 23})
    for threshold in (1 / 3, 0.36, 0.5):
        [verdict] = decide(through_json(evaluation), Demand(at_least=[("R@5", threshold)], max_unscored=1))
        expected = at_least(evaluation, "R@5", threshold, max_unscored=1)
        assert (verdict.outcome, verdict.value, verdict.n, verdict.unscored, verdict.not_applicable) == (
            expected.outcome,
            expected.value,
            expected.n,
            expected.unscored,
            expected.not_applicable,
        )


def test_a_mean_of_thirds_still_reaches_a_third(make_evaluation: Make) -> None:
    evaluation = make_evaluation({"R@5": [1 / 3] * 7})
    assert decide(through_json(evaluation), Demand(at_least=[("R@5", 1 / 3)]))[0].outcome == "pass"


def test_a_regression_is_decided_as_in_the_run(make_evaluation: Make, tmp_path: Path) -> None:
    before = make_evaluation({"R@5": [1.0] * 40}, answers=[f"old {n}" for n in range(40)])
    now = make_evaluation({"R@5": [0.0] * 15 + [1.0] * 25})
    write_baseline(before, tmp_path / "rag.jsonl")
    for margin in (0.05, 0.6):
        demand = Demand(baselines=[tmp_path / "rag.jsonl"], margin=margin)
        [verdict] = decide(through_json(now), demand)
        [expected] = no_regression(now, "R@5", margin=margin, baseline=tmp_path / "rag.jsonl")
        assert verdict == expected
    assert verdict.outcome == "pass"


def test_an_unchanged_run_passes_by_its_hashes(make_evaluation: Make, tmp_path: Path) -> None:
    evaluation = make_evaluation({"R@5": [0.25, 0.5, 1.0]}, identity="one")
    write_baseline(evaluation, tmp_path / "rag.jsonl")
    [verdict] = decide(through_json(evaluation), Demand(baselines=[tmp_path / "rag.jsonl"]))
    assert verdict.outcome == "pass"
    assert "and so is every part of the pipeline; " in verdict.note


def test_two_states_of_a_pipeline_in_one_report_are_no_known_one(make_evaluation: Make) -> None:
    parts = [make_evaluation({name: [1.0, 0.5]}, identity=name) for name in ("R@5", "nDCG@10")]
    for evaluations, known in ((parts, ""), (parts[:1] * 2, "R@5")):
        [merged] = merged_scores([scores_value(evaluation) for evaluation in evaluations])
        assert merged["pipeline_identity"] == known


def test_another_golden_set_is_refused(make_evaluation: Make, tmp_path: Path) -> None:
    write_baseline(make_evaluation({"R@5": [1.0]}, fingerprint="0" * 64), tmp_path / "rag.jsonl")
    with pytest.raises(BaselineError, match="fingerprint"):
        decide(through_json(make_evaluation({"R@5": [1.0]})), Demand(baselines=[tmp_path / "rag.jsonl"]))


def test_the_common_part_is_compared_when_asked(make_evaluation: Make, tmp_path: Path) -> None:
    old = make_evaluation({"R@5": [1.0, 0.5]}, ids=["a", "gone"], fingerprint="0" * 64)
    write_baseline(old, tmp_path / "rag.jsonl")
    new = make_evaluation({"R@5": [0.0, 1.0]}, ids=["a", "added"])
    demand = Demand(baselines=[tmp_path / "rag.jsonl"], margin=0.1, common_only=True)
    [verdict] = decide(through_json(new), demand)
    assert (verdict.n, verdict.value) == (1, -1.0)
    assert "1 case of the baseline not asked" in verdict.note


def test_metrics_of_one_pipeline_come_together(make_evaluation: Make) -> None:
    first, second = make_evaluation({"R@5": [1.0, 0.0]}), make_evaluation({"token_f1": [0.5, None]})
    [baseline] = baselines_of(through_json(first, second))
    assert baseline.cases["q2"].scores == {"R@5": 0.0, "token_f1": None}
    assert baseline.cases["q2"].reasons == {"token_f1": "the judge gave no opinion"}


def test_pipeline_and_golden_set_select(make_evaluation: Make) -> None:
    both = through_json(
        make_evaluation({"R@5": [1.0]}, pipeline="a"), make_evaluation({"R@5": [0.0]}, pipeline="b")
    )
    verdicts = decide(both, Demand(at_least=[("R@5", 0.5)], pipeline="a"))
    assert [v.pipeline for v in verdicts] == ["a"]
    assert [v.outcome for v in decide(both, Demand(at_least=[("R@5", 0.5)]))] == ["pass", "fail"]
    with pytest.raises(RagtuneError, match="holds no such evaluation; it holds: a over handbook, b over"):
        decide(both, Demand(at_least=[("R@5", 0.5)], pipeline="c"))


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        (Demand(at_least=[("nDCG@10", 0.5)]), "no evaluation has the metric 'nDCG@10'; the report has: R@5"),
        (Demand(at_least=[("R@5", 85.0)]), "did you mean 0.85"),
        (Demand(baselines=[Path("none.jsonl")], margin=0.1), "no such baseline"),
    ],
)
def test_what_cannot_be_decided(make_evaluation: Make, demand: Demand, message: str) -> None:
    with pytest.raises((RagtuneError, ValueError), match=message):
        decide(through_json(make_evaluation({"R@5": [1.0]})), demand)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as a JSON report"),
        ("[]", "is JSON but no report"),
        ('{"schema": 9, "verdicts": []}', "has report schema 9"),
        ('{"schema": 1, "verdicts": [], "scores": []}', "holds no scores by case"),
    ],
)
def test_a_file_that_is_no_report(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    with pytest.raises(RagtuneError, match=message):
        read_report(tmp_path / "r.json")
