"""``--ragtune-plan``: what a run would ask, without asking."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

SUITE = """
import pytest
from pytest_ragtune import (
    CallablePipeline, assert_at_least, assert_better, assert_faithful, assert_no_regression, evaluate
)

pytestmark = pytest.mark.golden_set("tiny")

def test_rag(golden_set, rag):
    evaluation = evaluate(rag, golden_set, ["R@2", "token_f1", "faithfulness"])
    assert_at_least(evaluation, "R@2", 0.75)
    assert_at_least(evaluation, "faithfulness", 0.5, confidence=0.95)
    assert_no_regression(evaluation, ["R@2", "token_f1"], margin=0.05)

def test_better(golden_set, rag, closed_book):
    better, other = (evaluate(pipeline, golden_set, ["token_f1"]) for pipeline in (rag, closed_book))
    assert_better(better, other, "token_f1")

def test_each(golden_case, rag):
    assert_faithful(rag.respond(golden_case), 0.1)

def test_looks_at_answers(golden_set, closed_book):
    evaluation = evaluate(closed_book, golden_set, ["token_f1"])
    assert evaluation.responses[0].text.startswith("I")
"""


def test_nothing_is_asked_and_nothing_decided(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_suite=SUITE)
    result = run("--ragtune-plan", "--ragtune-report=plan.json", "--ragtune-report=plan.md")
    assert result.ret == 0
    assert not calls()
    assert not (project.path / ".ragtune").exists()
    result.stdout.fnmatch_lines(
        [
            "*ragtune: plan, nothing was asked*",
            "golden set tiny",
            "  rag: 12 cases, 0 answers recorded, 12 to make: 12 calls, * to read, at most 768 to write, "
            "price of Counted unknown (ragtune_prices)",
            "    faithfulness: 0 judgements recorded, 0 to make; up to 12 more, unknown until answered",
            "  closed_book: 12 cases, 0 answers recorded, 12 to make: 12 calls, *",
            "in all: 24 calls, *",
            "smallest drop that a check fails 4 times in 5",
            "  0.* n=10 * rag R@2 >= 0.75  test_suite.py::test_rag  (spread of 10 recorded scores)",
            "  * n=12 * rag faithfulness >= 0.5  *  (worst case: half the cases at each end)",
            "  * rag token_f1 no regression by 0.05  *  (worst case: scores at both ends, unpaired)",
            "  * rag token_f1 better than closed_book  test_suite.py::test_better  *",
            "ended early, so that what it asks after that is not counted: *::test_looks_at_answers*",
        ]
    )
    plan = json.loads((project.path / "plan.json").read_text(encoding="utf-8"))["plan"]
    assert plan["total"]["calls"] == 24
    assert [row["to_make"] for row in plan["pipelines"]] == [12, 12]
    assert list(plan["ended_early"]) == ["test_suite.py::test_looks_at_answers"]
    assert "## Plan" in (project.path / "plan.md").read_text(encoding="utf-8")


def test_the_plan_is_what_the_run_then_asks(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_suite=SUITE)
    run("-k", "better and not each")
    before = len(calls())
    assert before == 24
    planned = run("--ragtune-plan", "--ragtune-report=plan.json")
    planned.stdout.fnmatch_lines(
        [
            "  rag: 12 cases, 12 answers recorded, 0 to make",
            "    faithfulness: 0 judgements recorded, 12 to make",
            "in all: 0 calls*",
            "  * rag token_f1 better than closed_book  *  (changes spread as those of 10 recorded cases)",
        ]
    )
    assert len(calls()) == before
    run("--ragtune-report=run.json")
    assert len(calls()) == before
    report = json.loads((project.path / "run.json").read_text(encoding="utf-8"))
    assert sum(row["judge_calls"] for row in report["run"]) == 12
    run("--ragtune-plan").stdout.fnmatch_lines(["    faithfulness: 12 judgements recorded, 0 to make"])
    run("--ragtune-plan", "--ragtune-replay=off").stdout.fnmatch_lines(
        ["  rag: *0 answers recorded, 12 to make*"]
    )


JUDGED = """
from pytest_ragtune import PromptedJudge

class Rubrics(Counted):
    def generate(self, prompts):
        with open(CALLS, "a") as stream:
            stream.writelines("judge\\n" for _ in prompts)
        return ScriptedGenerator.generate(self, prompts)

@pytest.fixture
def judge():
    return PromptedJudge(Rubrics({}, default='{"verdict": "yes"}'))
"""


def test_a_prompted_judge_is_counted_by_its_prompts(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    sound = (project.path / "conftest.py").read_text(encoding="utf-8")
    project.makeconftest(sound + JUDGED)
    project.makeini(
        "[pytest]\nragtune_budget = calls = 20, money = 0.001\nragtune_prices =\n    Rubrics = 1 2\n"
    )
    project.makepyfile(
        test_suite="""
        from pytest_ragtune import evaluate
        import pytest

        @pytest.mark.golden_set("tiny")
        @pytest.mark.parametrize("metrics", [["token_f1"], ["answer_relevance"]])
        def test_it(golden_set, rag, judge, metrics):
            evaluate(rag, golden_set, metrics, judge=judge)
        """
    )
    run("-k", "token_f1 or metrics0", "-o", "ragtune_budget=")
    asked = len(calls())
    assert asked == 12
    planned = run("--ragtune-plan")
    planned.stdout.fnmatch_lines(
        [
            "    answer_relevance: 0 judgements recorded, 12 to make: 12 calls, * at most 0.00* money",
            "in all: 12 calls, *",
            "ragtune_budget: 20 calls, 12 calls planned: enough for what is known",
            "ragtune_budget: 0.001 money, * money planned: may stop the run",
        ]
    )
    assert len(calls()) == asked
    run("-o", "ragtune_budget=")
    assert len(calls()) == asked + 12


def test_an_application_is_not_called(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        test_suite="""
        import pytest
        from pytest_ragtune import CallablePipeline, evaluate

        def application(question):
            raise SystemExit("called")

        @pytest.mark.golden_set("tiny")
        def test_it(golden_set):
            evaluate(CallablePipeline(application), golden_set, ["token_f1"])
            evaluate(CallablePipeline(application), golden_set, ["token_f1"])
        """
    )
    run("--ragtune-plan").stdout.fnmatch_lines(
        [
            "  application: 12 cases, * 12 to make: 12 calls, price of application unknown*",
            "    the tokens of an application are unknown until it has answered",
        ]
    )


def test_repeats_are_planned(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        test_suite="""
        import pytest
        from pytest_ragtune import evaluate

        @pytest.mark.golden_set("tiny")
        def test_it(golden_set, closed_book):
            evaluate(closed_book, golden_set, ["token_f1"], repeats=3)
        """
    )
    run("--ragtune-plan").stdout.fnmatch_lines(["  closed_book: 12 cases, * 36 to make: 36 *"])


def test_a_part_that_is_not_there_is_named(project: pytest.Pytester, run: Run) -> None:
    project.makeconftest(
        """
        import pytest
        from pytest_ragtune.errors import ModelError

        @pytest.fixture
        def generator():
            class Gone:
                @property
                def identity(self):
                    raise ModelError("no such model here")

                def generate(self, prompts):
                    raise SystemExit("called")
            return Gone()
        """
    )
    project.makepyfile(
        test_suite="""
        import pytest
        from pytest_ragtune import evaluate

        @pytest.mark.golden_set("tiny")
        def test_it(golden_set, closed_book):
            evaluate(closed_book, golden_set, ["token_f1"])
        """
    )
    run("--ragtune-plan").stdout.fnmatch_lines(
        ["  closed_book: 12 cases, 0 answers recorded, 12 to make*", "    *no such model here*is unknown"]
    )


def test_the_command_line_runs_it(project: pytest.Pytester) -> None:
    project.makepyfile(test_suite=SUITE)
    code = "import sys; from pytest_ragtune.cli import main; sys.exit(main())"
    result = project.run(
        sys.executable, "-c", code, "plan", "-p", "no:randomly", "-p", "no:cov", "-k", "test_rag"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["in all: 12 calls*"])


@pytest.mark.parametrize("other", [("-n", "2"), ("--ragtune-faults",), ("--ragtune-update-baselines",)])
def test_what_it_does_not_go_with(project: pytest.Pytester, run: Run, other: tuple[str, ...]) -> None:
    project.makepyfile(test_x="def test_x():\n    pass\n")
    result = run("--ragtune-plan", *other)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "does not go with" in result.stderr.str()


def test_a_suite_that_evaluates_nothing(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_x="def test_x():\n    pass\n")
    result = run("--ragtune-plan")
    result.stdout.fnmatch_lines(["no test that ran evaluated anything"])
