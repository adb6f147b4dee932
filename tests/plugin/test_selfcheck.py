"""``--ragtune-selfcheck``: every check decided again over other cases, no model asked."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

SUITE = """
import pytest
from pytest_ragtune import assert_at_least, assert_better, assert_no_regression, assert_retrieves, evaluate

pytestmark = pytest.mark.golden_set("tiny")

def test_close(golden_set, rag):
    evaluation = evaluate(rag, golden_set, ["R@2", "token_f1"])
    assert_at_least(evaluation, "R@2", 0.75)
    assert_retrieves(evaluation, "R@2", 0.1)
    assert_no_regression(evaluation, ["R@2", "token_f1"], margin=0.05)

def test_better(golden_set, rag, closed_book):
    better, other = (evaluate(pipeline, golden_set, ["token_f1"]) for pipeline in (rag, closed_book))
    with pytest.raises(AssertionError, match="undecided"):
        assert_better(better, other, "token_f1")

def test_single(golden_case, rag):
    assert rag.respond(golden_case).text
"""


def test_checks_are_decided_again_without_a_model(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_suite=SUITE)
    run("--ragtune-update-baselines", "-k", "close")
    run("-q")
    asked = len(calls())
    result = run("--ragtune-selfcheck=200", "--ragtune-report=report.json", "--ragtune-report=report.md")
    assert result.ret == 0
    assert len(calls()) == asked
    result.stdout.fnmatch_lines(
        [
            "*ragtune: self-check*",
            "each check decided again 200 times over cases drawn with replacement*",
            "fails * undecided * cases * check * test",
            "*% ±*% * 12 * rag R@2 >= 0.75 * test_suite.py::test_close",
            "* 12 * rag R@2 >= 0.1 * test_suite.py::test_close",
            "0.0% * 12 * rag token_f1 no regression by 0.05 * test_suite.py::test_close",
            "* rag token_f1 better than closed_book * test_suite.py::test_better *(as recorded: undecided)",
        ]
    )
    report = json.loads((project.path / "report.json").read_text(encoding="utf-8"))
    assert [alarm["runs"] for alarm in report["selfcheck"]] == [200] * 5
    assert 60 < report["selfcheck"][0]["failed"] < 140
    assert "## Self-check" in (project.path / "report.md").read_text(encoding="utf-8")


def test_the_exit_code_is_that_of_the_tests(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_x="def test_x():\n    assert 0\n")
    result = run("--ragtune-selfcheck=10")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["no test that ran made a check of a whole evaluation*"])
    assert run("--ragtune-selfcheck=10", "--collect-only").ret == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ragtune-selfcheck=0",), "--ragtune-selfcheck=0: expected how often to decide each check"),
        (("--ragtune-selfcheck=9", "-n", "2"), "--ragtune-selfcheck does not go with -n"),
    ],
)
def test_wrong_use_is_explained(
    project: pytest.Pytester, run: Run, arguments: tuple[str, ...], message: str
) -> None:
    project.makepyfile(test_x="def test_x():\n    pass\n")
    result = run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
