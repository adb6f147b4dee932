"""``--ragtune-update-baselines``: writes, still fails, and never where CI is set."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

TEST = """
import pytest
from pytest_ragtune import assert_no_regression, evaluate

@pytest.mark.golden_set("tiny")
@pytest.mark.parametrize("metric", ["R@5", "token_f1"])
def test_no_regression(golden_set, rag, metric):
    assert_no_regression(evaluate(rag, golden_set, [metric]), metric, margin=0.05)
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_it_writes_and_still_fails(project: pytest.Pytester, run: Run, calls: Calls, workers: str) -> None:
    project.makepyfile(test_it=TEST)
    path = project.path / "tiny" / "baselines" / "rag.jsonl"
    first = run("-n", workers)
    first.assert_outcomes(failed=2)
    first.stdout.fnmatch_lines(["*--ragtune-update-baselines*"])
    assert not path.exists()
    updated = run("-n", "0", "--ragtune-update-baselines")
    updated.assert_outcomes(failed=2)
    updated.stdout.fnmatch_lines(
        ["*baseline tiny/baselines/rag.jsonl written: 12 cases*", "*Review it, commit it*"]
    )
    assert len(path.read_text(encoding="utf-8").splitlines()) == 13
    run("-n", workers).assert_outcomes(passed=2)
    assert len(calls()) == 12


def test_workers_that_write_at_once_lose_nothing(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_it=TEST)
    run("-n", "2", "--ragtune-update-baselines").assert_outcomes(failed=2)
    run().assert_outcomes(passed=2)


def test_it_is_refused_in_ci(project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project.makepyfile(test_it=TEST)
    monkeypatch.setenv("CI", "true")
    result = run("--ragtune-update-baselines")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*CI is set*"])
    assert not (project.path / "tiny" / "baselines").exists()


def test_a_changed_golden_set_says_what_changed(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_it=TEST)
    run("--ragtune-update-baselines")
    path = project.path / "tiny" / "cases.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    edited = lines[1].replace("Why is the library shut", "Why does the library shut")
    path.write_text("\n".join([edited, *lines[2:]]) + "\n", encoding="utf-8")
    result = run()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*cases: 1 removed (thursday-hours), 1 edited (january-closing)*"])
