"""``--ragtune-faults``: the user's own tests under each fault, reported apart from everything else."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import pytest

from pytest_ragtune.faults import FAULTS

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

CONFTEST = '''
import json
import os
from dataclasses import replace

import pytest
from pytest_ragtune.fakes import ScriptedGenerator

HERE = os.path.dirname(__file__)
with open(os.path.join(HERE, "tiny", "cases.jsonl"), encoding="utf-8") as stream:
    CASES = {case["question"]: case for case in map(json.loads, stream)}

def answer(prompt):
    """The reference when the context holds every quote that it needs; the old rule from an old context."""
    lines = [line for line in prompt.user.splitlines() if line.startswith("Question: ")]
    case = CASES[lines[-1].removeprefix("Question: ")]
    if not case.get("answerable", True):
        return "I don't know."
    if "Once upon a time" in prompt.user:
        return "It was like that once."
    is_known = all(label["quote"] in prompt.user for label in case["relevant"])
    return case["reference"] if is_known else "Ask at the desk."

class Base(ScriptedGenerator):
    def generate(self, prompts):
        with open(os.path.join(HERE, "calls.txt"), "a") as stream:
            stream.writelines("asked\\n" for _ in prompts)
        return [replace(generation, seconds=0.01) for generation in super().generate(prompts)]

class Tuned(Base):
    def without_adapter(self):
        return Base(lambda prompt: "I am a helpful assistant.", version="bare")

@pytest.fixture
def generator():
    return Tuned(answer)

@pytest.fixture
def retriever(bm25_retriever):
    return bm25_retriever
'''

SUITE = """
import pytest
from pytest_ragtune import assert_at_least, assert_at_most, assert_retrieves, evaluate

pytestmark = pytest.mark.golden_set("tiny")
METRICS = ["R@4", "RR", "exact_match", "abstention", "faithfulness", "seconds"]

def test_strict(golden_set, rag, judge):
    evaluation = evaluate(rag, golden_set, METRICS)
    assert_at_least(evaluation, "RR", 0.6)
    assert_at_least(evaluation, "exact_match", 0.9)
    assert_at_least(evaluation, "abstention", 1.0)
    assert_at_most(evaluation, "seconds", 0.05)
    assert all(score.value is not None or not score.applicable for score in evaluation.scores["faithfulness"])
    assert judge.support([("The desk is open.", "A lost card costs 3 euros.")])[0].probability < 0.5

def test_lax(golden_set, rag):
    evaluation = evaluate(rag, golden_set, METRICS)
    assert len(evaluation.responses) == len(golden_set.cases)
"""


@pytest.fixture
def suite(project: pytest.Pytester) -> pytest.Pytester:
    """A small world in which every fault can be planted: two versions, an adapter, refusals, seconds."""
    folder = project.path / "tiny"
    corpus = folder / "corpus"
    documents = sorted(corpus.glob("*.md"))
    for version in ("v1", "v2"):
        (corpus / version).mkdir()
    for document in documents:
        text = document.read_text(encoding="utf-8")
        old = "\n".join(
            line and (line if line[0] == "#" else f"Once upon a time: {line}") for line in text.split("\n")
        )
        (corpus / "v1" / document.name).write_text(old, encoding="utf-8")
        shutil.move(document, corpus / "v2" / document.name)
    header = (folder / "golden_set.toml").read_text(encoding="utf-8")
    header = header.replace('folder = "corpus"', 'folder = "corpus"\nversion = "v2"').replace(
        "k = 2", "k = 5"
    )
    (folder / "golden_set.toml").write_text(header, encoding="utf-8")
    cases = [json.loads(line) for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    for case in cases:
        if case.get("answerable", True):
            case["reference"] += " It is so in the town of Ferrow, by rule 12 of May."
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    (folder / "cases.jsonl").write_text(lines, encoding="utf-8")
    project.makeconftest(CONFTEST)
    return project


def read_matrix(project: pytest.Pytester) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.path / "matrix.json").read_text(encoding="utf-8"))["faults"]
    return found


def states(project: pytest.Pytester, test: str) -> dict[str, str]:
    faults = read_matrix(project)["faults"]
    return {name: fault["tests"][test]["state"] for name, fault in faults.items()}


def test_each_fault_is_caught_by_a_suitable_test_and_missed_by_an_unsuitable_one(
    suite: pytest.Pytester, run: Run, calls: Calls
) -> None:
    suite.makepyfile(test_suite=SUITE)
    result = run("--ragtune-report=matrix.json", "--junitxml=junit.xml", "--ragtune-faults")
    assert result.ret == 0
    result.assert_outcomes(passed=2)
    assert states(suite, "test_suite.py::test_strict") == dict.fromkeys(FAULTS, "caught")
    assert states(suite, "test_suite.py::test_lax") == dict.fromkeys(FAULTS, "missed")
    result.stdout.fnmatch_lines(
        [
            "*ragtune: planted faults*",
            "fault * 1 * 2*",
            "drop_gold * caught * missed * caught by 1 test",
            "judge_down * caught * missed * caught by 1 test",
            "  1  test_suite.py::test_strict",
            "  2  test_suite.py::test_lax",
        ]
    )
    assert "checks: 4 passed" in result.stdout.str()
    root = ElementTree.parse(suite.path / "junit.xml").getroot()
    assert [case.get("name") for case in root.iter("testcase")] == ["test_strict", "test_lax"]
    properties = [value.get("value") or "" for value in root.iter("property")]
    assert not [value for value in properties if '"fail"' in value]
    asked = len(calls())
    assert 12 < asked < 12 + 7 * 12

    again = run("--ragtune-faults=all", "-p", "no:xdist")
    assert again.ret == 0
    assert len(calls()) == asked
    assert not (suite.path / "tiny" / "baselines").exists()


def test_what_is_declared_must_be_caught(suite: pytest.Pytester, run: Run) -> None:
    suite.makepyfile(test_suite=SUITE.replace("def test_strict", "def check_strict"))
    suite.makeini("[pytest]\nragtune_must_catch =\n    slow\n    empty_answer\n")
    result = run("--ragtune-faults=slow,swap_dates")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["slow ! *", "ragtune_must_catch: no test catches slow (missed by 1 test): *"]
    )
    assert "no test catches empty_answer" not in result.stdout.str()
    assert run("--ragtune-faults=swap_dates").ret == 0
    assert run().ret == 0


def test_the_answers_can_be_left_as_they_were(suite: pytest.Pytester, run: Run, calls: Calls) -> None:
    suite.makepyfile(test_suite=SUITE)
    suite.makeini("[pytest]\nragtune_faults_reask = no\n")
    result = run("--ragtune-faults=drop_gold,truncate_context", "--ragtune-report=matrix.json")
    assert len(calls()) == 12
    assert states(suite, "test_suite.py::test_strict") == {
        "drop_gold": "caught",
        "truncate_context": "missed",
    }
    result.stdout.fnmatch_lines(
        ["truncate_context * missed[*] * missed[*] *", "[*] contexts changed and the *"]
    )


def test_one_test_a_case_is_one_column(suite: pytest.Pytester, run: Run) -> None:
    suite.makepyfile(
        test_each="""
        import pytest
        from pytest_ragtune import assert_faithful

        @pytest.mark.golden_set("tiny", tags=["numbers"])
        @pytest.mark.parametrize("times", [1, 2])
        def test_each(golden_case, rag, times):
            response = rag.respond(golden_case)
            assert response.text == golden_case.reference

        @pytest.mark.golden_set("tiny", cases=["daily-late-fee"])
        def test_judged(golden_case, rag, judge):
            assert_faithful(rag.respond(golden_case), 0.0, judge=judge)

        def test_else():
            pass

        @pytest.mark.golden_set("tiny", cases=["no-parking"])
        def test_red(golden_case, rag):
            assert rag.respond(golden_case).text == "Behind the house."

        @pytest.mark.xfail(strict=True)
        @pytest.mark.golden_set("tiny", cases=["no-parking"])
        def test_expected(golden_case, rag):
            assert rag.respond(golden_case).text == "Behind the house."
        """
    )
    result = run(
        "--ragtune-faults=drop_gold,swap_dates,never_abstain,judge_down", "--ragtune-report=matrix.json"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=8, failed=3, xfailed=1)
    matrix = read_matrix(suite)
    assert matrix["tests"] == [
        "test_each.py::test_each[1]",
        "test_each.py::test_each[2]",
        "test_each.py::test_judged",
    ]
    assert matrix["left_out"] == {
        "failed": [
            "test_each.py::test_each[1] (1 of 4 runs)",
            "test_each.py::test_each[2] (1 of 4 runs)",
            "test_each.py::test_red",
            "test_each.py::test_expected",
        ],
        "unused": 1,
    }
    assert states(suite, "test_each.py::test_each[2]") == {
        "drop_gold": "caught",
        "swap_dates": "caught",
        "never_abstain": "n/a",
        "judge_down": "n/a",
    }
    assert states(suite, "test_each.py::test_judged")["judge_down"] == "caught"


def test_fixtures_of_wider_scope_are_made_anew_under_each_fault(suite: pytest.Pytester, run: Run) -> None:
    suite.makepyfile(
        test_wide="""
        import pytest
        from pytest_ragtune import CallablePipeline, assert_at_least, evaluate, load_golden_set
        from pathlib import Path

        @pytest.fixture(scope="module")
        def evaluation():
            golden_set = load_golden_set(Path(__file__).parent / "tiny")
            answers = {case.question: case.reference or "I don't know." for case in golden_set.cases}
            def app(question):
                with open(Path(__file__).parent / "calls.txt", "a") as stream:
                    stream.write("asked\\n")
                return answers[question]
            return evaluate(CallablePipeline(app), golden_set, ["exact_match", "abstention"])

        def test_first(evaluation):
            assert_at_least(evaluation, "abstention", 1.0)

        def test_second(evaluation):
            assert_at_least(evaluation, "exact_match", 1.0)
        """
    )
    run("--ragtune-faults=swap_numbers,always_refuse,never_abstain,drop_gold", "--ragtune-report=matrix.json")
    assert states(suite, "test_wide.py::test_first") == {
        "drop_gold": "n/a",
        "swap_numbers": "missed",
        "always_refuse": "caught",
        "never_abstain": "caught",
    }
    assert states(suite, "test_wide.py::test_second") == {
        "drop_gold": "n/a",
        "swap_numbers": "caught",
        "always_refuse": "caught",
        "never_abstain": "missed",
    }
    assert (suite.path / "calls.txt").read_text().count("asked") == 12


def test_an_application_of_the_users_own(suite: pytest.Pytester, run: Run) -> None:
    suite.makepyfile(
        test_app="""
        import pytest
        from pathlib import Path
        from pytest_ragtune import CallablePipeline, Response, assert_retrieves, evaluate

        @pytest.mark.golden_set("tiny", tags=["hours"])
        def test_app(golden_set, bm25_retriever, corpus):
            def app(question):
                with open(Path(__file__).parent / "calls.txt", "a") as stream:
                    stream.write("asked\\n")
                ids = [hit.passage_id for hit in bm25_retriever.retrieve([question], 5)[0]]
                return Response("Until 20:00.", contexts=[corpus.passage(name) for name in ids], ranking=ids)
            assert_retrieves(evaluate(app, golden_set, ["R@5", "token_f1"]), "R@5", 1.0)

        @pytest.mark.golden_set("tiny", tags=["hours"])
        def test_broken(golden_set):
            evaluation = evaluate(lambda question: "Until 20:00.", golden_set, ["token_f1"])
            assert {"Until 20:00.": 1}[evaluation.responses[0].text]
        """
    )
    faults = "drop_gold,stale_corpus,swap_dates,judge_down"
    result = run(f"--ragtune-faults={faults}", "--ragtune-report=matrix.json", "-v")
    assert states(suite, "test_app.py::test_app") == {
        "drop_gold": "caught",
        "stale_corpus": "missed",
        "swap_dates": "missed",
        "judge_down": "n/a",
    }
    assert states(suite, "test_app.py::test_broken")["swap_dates"] == "error"
    result.stdout.fnmatch_lines(
        ["stale_corpus * missed[*] *", "swap_dates: *", "*2  error: KeyError: 'Until 23:00.'"]
    )
    assert (suite.path / "calls.txt").read_text().count("asked") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--ragtune-faults=drop_gld",),
            "'drop_gld' is no fault; did you mean 'drop_gold'? Known are drop_gold,",
        ),
        (("--ragtune-faults", "tiny"), "took 'tiny' for the name of a fault: write --ragtune-faults=all"),
        (("--ragtune-faults", "-n", "2"), "does not go with -n: it runs in one process"),
        (("--ragtune-faults", "--ragtune-update-baselines"), "baselines are never written under a fault"),
        (("--ragtune-faults", "--pdb"), "it would stop at every test that it makes fail"),
        (("--ragtune-faults", "--ragtune-selfcheck=5"), "each is a run of its own"),
        (("--ragtune-faults", "-o", "ragtune_must_catch=slo"), "ragtune_must_catch: 'slo' is no fault"),
        (("--ragtune-faults", "-o", "ragtune_faults_reask=maybe"), "expected one of yes, ranked, no"),
    ],
)
def test_wrong_use_is_explained(
    project: pytest.Pytester, run: Run, arguments: tuple[str, ...], message: str
) -> None:
    project.makepyfile(test_x="def test_x():\n    pass\n")
    result = run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


def test_without_anything_to_plant_it_says_so(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_x="def test_x():\n    pass\n")
    result = run("--ragtune-faults")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["no test that passes asks a pipeline or a judge: *"])
    assert (
        run("--ragtune-faults=slow", "-o", "ragtune_must_catch=slow, slow").ret
        == pytest.ExitCode.TESTS_FAILED
    )
    assert run("--ragtune-faults=slow", "--collect-only").ret == 0


def test_the_command_passes_its_arguments_on(suite: pytest.Pytester, run: Run) -> None:
    suite.makepyfile(test_suite=SUITE)
    result = suite.runpython_c(
        "import sys; from pytest_ragtune.cli import main; sys.exit(main(['faults', '-p', 'no:randomly', "
        "'-p', 'no:cov', '--ragtune-faults=slow', '-k', 'lax']))"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["slow * missed by 1 test"])
