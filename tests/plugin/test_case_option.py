"""``--ragtune-case`` with an id that no golden set holds: never a run that is green for want of tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

BOTH = """
import pytest
from pytest_ragtune import assert_at_least, evaluate

@pytest.mark.golden_set("tiny")
def test_all(golden_set, rag):
    assert_at_least(evaluate(rag, golden_set, ["R@5"]), "R@5", 0.5)
"""
EACH = """
@pytest.mark.golden_set("tiny")
def test_each(golden_case, rag):
    rag.respond(golden_case)
"""


@pytest.mark.parametrize("suite", [BOTH, BOTH + EACH], ids=["whole", "whole and each"])
@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_unknown_id_is_refused(
    project: pytest.Pytester, run: Run, calls: Calls, suite: str, workers: str
) -> None:
    project.makepyfile(test_suite=suite)
    result = run("-n", workers, "--ragtune-case=thursday-hour")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*none of the 12 cases*has this id; did you mean thursday-hours?*"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert calls() == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_known_id_selects(project: pytest.Pytester, run: Run, calls: Calls, workers: str) -> None:
    project.makepyfile(test_suite=BOTH + EACH)
    run("-n", workers, "--ragtune-case=thursday-hours").assert_outcomes(passed=2)
    assert len(calls()) == 1


def test_a_golden_set_that_is_broken_is_told_of_first(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_suite=BOTH.replace('"tiny"', '"nowhere"'))
    result = run("--ragtune-case=thursday-hour")
    result.assert_outcomes(errors=1)
    assert "golden set 'nowhere' is no folder" in result.stdout.str()


def test_a_suite_without_a_golden_set_runs(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_other="def test_other():\n    pass\n")
    run("--ragtune-case=thursday-hour").assert_outcomes(passed=1)
