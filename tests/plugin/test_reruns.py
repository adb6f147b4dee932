"""pytest-rerunfailures: what failed is asked again, and every check counts once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

FLAKY = """
from pathlib import Path
import pytest
from pytest_ragtune import CallablePipeline, assert_at_least, evaluate

pytestmark = pytest.mark.golden_set("tiny")
asked = []

def flaky(question):
    "Fails once for each question."
    asked.append(question)
    if asked.count(question) == 1:
        raise ConnectionError("first time")
    return "The library is open until 20:00."

@pytest.fixture(autouse=True, scope="module")
def count():
    yield
    Path("count.txt").write_text(str(len(asked)))
"""
WHOLE = """
def test_whole(golden_set):
    assert_at_least(evaluate(flaky, golden_set, ["token_f1"]), "token_f1", 0.0)
"""
EACH = """
def test_each(golden_case):
    response = CallablePipeline(flaky).respond(golden_case)
    assert response.text, response.error
"""


def test_a_check_that_passes_at_last_passed(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_flaky=FLAKY + WHOLE)
    result = run("--reruns", "1")
    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}
    assert (project.path / "count.txt").read_text() == "24"
    result.stdout.fnmatch_lines(["24 model calls, 0 answers replayed, *", "checks: 1 passed"])


def test_without_reruns_nothing_is_asked_twice(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_flaky=FLAKY + EACH)
    run().assert_outcomes(failed=12)
    assert (project.path / "count.txt").read_text() == "13"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_failed_answer_is_asked_again(project: pytest.Pytester, run: Run, workers: str) -> None:
    project.makepyfile(test_flaky=FLAKY + EACH)
    result = run("--reruns", "1", "-n", workers)
    assert result.parseoutcomes() == {"passed": 12, "rerun": 12}


FAITHFUL = """
from pytest_ragtune import Response, assert_faithful

def shown(question):
    return Response(flaky(question), contexts=["The library is open until 20:00."])

def test_each(golden_case):
    assert_faithful(CallablePipeline(shown, name="bot").respond(golden_case))
"""


def test_the_table_counts_the_answer_of_the_last_attempt(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_flaky=FLAKY + FAITHFUL)
    result = run("--reruns", "1", "-o", "ragtune_judge=lexical")
    assert result.parseoutcomes() == {"passed": 12, "rerun": 12}
    result.stdout.fnmatch_lines(["*n=12", "bot * 1.00 *"])
    result.stdout.no_fnmatch_line("*unscored*")


def test_a_failed_answer_names_its_case_at_the_end(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_flaky=FLAKY + FAITHFUL)
    result = run("-o", "ragtune_judge=lexical")
    result.stdout.fnmatch_lines(["fail  faithfulness has no score  case ?*  (no answer: *first time*)"])
