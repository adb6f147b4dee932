"""``ragtune_budget``: a run stops before it asks too much, and says so."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

SUITE = """
import pytest
from pytest_ragtune import Pipeline, assert_at_least, evaluate

pytestmark = pytest.mark.golden_set("tiny")

def plan(prompts):
    return [list(range(at, min(at + 4, len(prompts)))) for at in range(0, len(prompts), 4)]

@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_it(golden_set, generator, name):
    generator.plan = plan
    generator.version = name  # another key, so that nothing is replayed from another test
    assert_at_least(evaluate(Pipeline(name, None, generator), golden_set, ["tokens"]), "tokens", 0)
"""


def ini(project: pytest.Pytester, *lines: str) -> None:
    project.makeini("[pytest]\nfilterwarnings = error\n" + "\n".join(lines) + "\n")


def test_the_unscored_cases_fail_with_the_reason(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    ini(project, "ragtune_budget = calls = 30")
    project.makepyfile(test_suite=SUITE)
    result = run()
    result.assert_outcomes(passed=2, failed=2)
    assert len(calls()) == 28
    result.stdout.fnmatch_lines(
        [
            "*the next batch needs up to 4 calls, 28 calls of 30 calls are spent (ragtune_budget)*",
            "28 model calls, 0 answers replayed, 0 judge calls",
            "budget: 28 calls of 30 calls spent",
        ]
    )
    ini(project)
    run().assert_outcomes(passed=4)
    assert len(calls()) == 48  # what was finished stayed recorded


def test_workers_spend_from_one_purse(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    ini(project, "ragtune_budget =", "    calls = 30")
    project.makepyfile(test_suite=SUITE)
    result = run("-n", "2")
    assert 24 < len(calls()) <= 30
    assert (
        len(set(result.stdout.str().splitlines()) & {f"budget: {len(calls())} calls of 30 calls spent"}) == 1
    )
    result.stdout.fnmatch_lines(["*(ragtune_budget)*"])
    assert result.parseoutcomes()["failed"] >= 1
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_money_needs_a_price(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    ini(project, "ragtune_budget = money = 1.50")
    project.makepyfile(test_suite=SUITE)
    result = run("-k", "one")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*ragtune_budget limits money, but the price of 'Counted' is unknown; expected a line in*",
            "*ragtune_prices =*",
            "*Counted = INPUT OUTPUT*",
        ]
    )
    assert not calls()
    ini(project, "ragtune_budget = money = 1.50", "ragtune_prices =", "    Counted = 0.15 0.60")
    run("-k", "one").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ragtune_budget = euros = 3", "ragtune_budget: found 'euros = 3'; expected calls = N"),
        ("ragtune_prices = gpt 1", "ragtune_prices: found 'gpt 1'; expected MODEL = INPUT OUTPUT"),
    ],
)
def test_wrong_lines_are_usage_errors(project: pytest.Pytester, run: Run, line: str, message: str) -> None:
    ini(project, line)
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


def test_without_a_budget_no_file_is_made(project: pytest.Pytester) -> None:
    project.makepyfile(test_suite=SUITE)
    project.run(sys.executable, "-m", "pytest", "-p", "no:randomly", "-k", "one")
    assert not (project.path / ".ragtune" / "budget.sqlite3").exists()
    assert (project.path / ".ragtune" / "store.sqlite3").exists()
