"""Errors of ours show the line of the user that asked, and none of ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

STORE = """
import pytest
from pytest_ragtune import evaluate

@pytest.mark.golden_set("tiny")
def test_store(golden_set, rag):
    evaluate(rag, golden_set, ["R@5"])
"""
FIXTURE = """
import pytest

@pytest.mark.golden_set("nowhere")
def test_fixture(golden_set):
    pass
"""
CASES = FIXTURE.replace("golden_set)", "golden_case)")
OVERRIDE = """
import pytest
from pytest_ragtune import load_golden_set

@pytest.fixture
def golden_set():
    return load_golden_set("nowhere")

def test_override(golden_set):
    pass
"""


@pytest.mark.parametrize("style", ["auto", "line"])
def test_none_of_our_lines_is_shown(project: pytest.Pytester, run: Run, style: str) -> None:
    project.makepyfile(test_asked=STORE, test_setup=FIXTURE, test_collect=CASES, test_override=OVERRIDE)
    (project.path / "folder").mkdir()
    result = run(f"--tb={style}", "--ragtune-store=folder", "--continue-on-collection-errors")
    result.assert_outcomes(failed=1, errors=3)
    out = result.stdout.str()
    assert not [name for name in ("parametrise.py", "store.py", "contextlib.py", "session.py") if name in out]
    if style == "auto":
        result.stdout.fnmatch_lines(
            [
                "*ERROR collecting test_collect.py*",
                "test_collect.py::test_fixture: golden set 'nowhere' is no folder; looked for *",
                "*ERROR at setup of test_override*",
                "*load_golden_set(*",
                "test_override.py:6: GoldenSetError",
                "*ERROR at setup of test_fixture*",
                "test_setup.py::test_fixture: golden set 'nowhere' is no folder; looked for *",
                "*evaluate(rag, golden_set*",
                "E *StoreError: cannot read the store *",
                "test_asked.py:6: StoreError",
            ],
            consecutive=False,
        )


def test_all_is_shown_to_who_asks(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_suite=FIXTURE)
    assert "parametrise.py" in run("--full-trace").stdout.str()
