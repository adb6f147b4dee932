"""Record, then decide: a threshold, a margin or a confidence can change without asking anyone again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

TEST = """
import pytest
from pytest_ragtune import assert_at_least, assert_at_most, assert_no_regression, evaluate
from pytest_ragtune.judges.lexical import LexicalJudge

class Counted(LexicalJudge):
    def best_support(self, requests):
        with open({judged!r}, "a") as stream:
            stream.writelines("claim\\n" for _ in requests)
        return super().best_support(requests)

@pytest.fixture
def judge():
    return Counted()

@pytest.mark.golden_set("tiny")
def test_rag(golden_set, rag, judge):
    evaluation = evaluate(rag, golden_set, ["token_f1", "faithfulness"], judge=judge)
    assert_at_least(evaluation, "token_f1", {threshold}, confidence={confidence}, max_unscored=0.5)
    assert_at_most(evaluation, "faithfulness", {most}, max_unscored=0.5)
    assert_no_regression(evaluation, ["token_f1"], margin={margin}, max_unscored=0.5)
"""


def test_other_thresholds_margins_and_confidences_ask_nobody(
    project: pytest.Pytester, run: Run, calls: Calls
) -> None:
    judged = project.path / "judged.txt"

    def write(threshold: float, confidence: float | None, most: float, margin: float) -> None:
        text = TEST.format(
            judged=str(judged), threshold=threshold, confidence=confidence, most=most, margin=margin
        )
        project.makepyfile(test_rag=text)

    write(0.01, None, 1.0, 0.5)
    run("--ragtune-update-baselines")
    asked, opinions = len(calls()), judged.read_text(encoding="utf-8").count("claim")
    assert asked > 0
    assert opinions > 0
    outcomes = []
    for setting in (
        (0.01, None, 1.0, 0.5),
        (0.99, None, 1.0, 0.5),
        (0.01, 0.95, 1.0, 0.05),
        (0.01, None, 0.01, 0.5),
    ):
        write(*setting)
        result = run()
        result.stdout.fnmatch_lines(["0 model calls, * answers replayed, 0 judge calls"])
        outcomes.append(result.ret)
    assert (len(calls()), judged.read_text(encoding="utf-8").count("claim")) == (asked, opinions)
    assert outcomes[0] == pytest.ExitCode.OK
    assert outcomes[1] == outcomes[3] == pytest.ExitCode.TESTS_FAILED
