"""What a run says at its end, and where else it says it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

SUITE = """
import pytest
from pytest_ragtune import assert_at_least, assert_faithful, assert_retrieves, evaluate

@pytest.mark.golden_set("tiny")
def test_recall(golden_set, rag):
    evaluation = evaluate(rag, golden_set, ["R@5", "token_f1"])
    assert_at_least(evaluation, "R@5", 0.5)

@pytest.mark.golden_set("tiny")
def test_too_much(golden_set, rag):
    assert_at_least(evaluate(rag, golden_set, ["token_f1"]), "token_f1", 0.99)

@pytest.mark.golden_set("tiny", tags=["hours"])
def test_each(golden_case, rag):
    assert_retrieves(rag.respond(golden_case), "R@5", 1.0)
"""


def report_of(result: pytest.RunResult) -> list[str]:
    """The lines between the plugin's heading and pytest's own summary, without counts of calls."""
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if line.strip("= ") == "ragtune")
    end = next(i for i, line in enumerate(lines) if i > start and line.startswith("==="))
    return [line for line in lines[start + 1 : end] if "model calls" not in line]


def test_a_table_then_what_did_not_pass(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_suite=SUITE)
    result = run()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * AssertionError: token_f1 0.* < 0.99  n=10 *",
            "E *  worst  *",
            "E *  rerun    pytest test_suite.py -k test_too_much --ragtune-case=*",
            "*== ragtune ==*",
            "golden set tiny: 12 cases, mean and 95% interval",
            "pipeline  R@5 *token_f1*",
            "rag *",
            "12 model calls, * answers replayed, 0 judge calls",
            "checks: 3 passed, 1 failed",
            "fail  tiny rag  token_f1 0.* < 0.99  n=10 *",
            "*short test summary info*",
            "FAILED test_suite.py::test_too_much - AssertionError: token_f1 0.* < 0.99*",
        ]
    )


def test_workers_report_the_same(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_suite=SUITE)
    alone = report_of(run())
    parallel = run("-n", "2", "--ragtune-store=other.sqlite3")
    parallel.assert_outcomes(passed=3, failed=1)
    assert sorted(report_of(parallel)) == sorted(alone)


def test_when_nothing_changed_no_model_is_asked(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_suite=SUITE)
    run()
    run().stdout.fnmatch_lines(["0 model calls, * answers replayed, 0 judge calls"])


def test_verdicts_stand_in_the_junit_file(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_suite=SUITE)
    run("--junitxml=out.xml", "-o", "junit_family=xunit1")
    properties = {
        (case.get("name"), item.get("name")): item.get("value", "")
        for case in ET.parse(project.path / "out.xml").iter("testcase")
        for item in case.iter("property")
    }
    verdict = json.loads(properties["test_too_much", "ragtune_verdict"])
    assert (verdict["outcome"], verdict["metric"], verdict["n"]) == ("fail", "token_f1", 10)


@pytest.mark.parametrize("name", ["report.md", "sub/report.json"])
def test_a_report_file(project: pytest.Pytester, run: Run, name: str) -> None:
    project.makepyfile(test_suite=SUITE)
    run(f"--ragtune-report={name}").stdout.fnmatch_lines([f"report written to {name}"])
    text = (project.path / name).read_text(encoding="utf-8")
    assert "token_f1" in text
    if name.endswith(".json"):
        assert {v["outcome"] for v in json.loads(text)["verdicts"]} == {"pass", "fail"}


def test_a_report_of_another_kind_is_refused(project: pytest.Pytester, run: Run) -> None:
    result = run("--ragtune-report=report.pdf")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*expected a file that ends in .md or .json*"])


@pytest.mark.parametrize("setting", ["ragtune_judge = gpt", "ragtune_undecided = maybe"])
def test_wrong_ini_values_are_refused(project: pytest.Pytester, run: Run, setting: str) -> None:
    project.makeini(f"[pytest]\n{setting}\n")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*in the ini file: expected one of*"])


def test_a_garbage_store_is_explained(project: pytest.Pytester, run: Run) -> None:
    (project.path / "bad.sqlite3").write_bytes(b"garbage" * 1000)
    project.makepyfile(test_suite=SUITE)
    result = run("--ragtune-store=bad.sqlite3", "-k", "recall")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*StoreError: cannot read the store *bad.sqlite3*move it away*--ragtune-store=FILE*"]
    )


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_report_of_nothing_is_not_that_of_an_earlier_run(
    project: pytest.Pytester, run: Run, workers: str
) -> None:
    (project.path / "report.json").write_text('{"verdicts": ["of an earlier run"]}', encoding="utf-8")
    project.makepyfile(test_other="def test_other():\n    pass\n")
    result = run("--ragtune-report=report.json", "-n", workers)
    result.stdout.fnmatch_lines(["report written to report.json"])
    assert json.loads((project.path / "report.json").read_text(encoding="utf-8"))["verdicts"] == []


@pytest.mark.parametrize("kind", [(), ("--ragtune-plan",)], ids=["tests", "plan"])
def test_a_report_that_cannot_be_written_is_told_of(
    project: pytest.Pytester, run: Run, kind: tuple[str, ...]
) -> None:
    project.makepyfile(test_suite=SUITE)
    (project.path / "file").touch()
    result = run("--ragtune-report=file/report.md", "--ragtune-report=other.md", "-k", "recall", *kind)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["report NOT written to file/report.md: *; name another file with *"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert (project.path / "other.md").exists()


@pytest.mark.parametrize("arguments", [(), ("-o", "ragtune_undecidd=fail")], ids=["file", "option"])
def test_an_ini_value_that_does_not_exist_is_refused(
    project: pytest.Pytester, run: Run, arguments: tuple[str, ...]
) -> None:
    if not arguments:
        project.makeini("[pytest]\nragtune_undecidd = fail\n")
    result = run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*ragtune_undecidd in the ini file: there is no such value; did you mean *_undecided?"]
    )


def test_the_rerun_command_can_be_pasted(project: pytest.Pytester, run: Run) -> None:
    folder = project.path / "my tests"
    folder.mkdir()
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    result = run("-k", "too_much")
    result.stdout.fnmatch_lines(
        ["E *  rerun    pytest 'my tests/test_suite.py' -k test_too_much --ragtune-case=*"]
    )
