"""``--ragtune-replay``, recordings beside golden sets, and gates over reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

TEST = """
import pytest
from pytest_ragtune import assert_at_least, assert_retrieves, evaluate

@pytest.mark.golden_set("tiny")
def test_evaluation(golden_set, rag):
    evaluation = evaluate(rag, golden_set, ["R@5", "faithfulness"])
    assert_at_least(evaluation, "R@5", 0.5)

@pytest.mark.golden_set("tiny")
def test_each(golden_case, rag):
    assert rag.respond(golden_case).text
"""


@pytest.fixture
def ragtune(project: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    code = "import sys; from pytest_ragtune.cli import main; sys.exit(main(sys.argv[1:]))"
    return lambda *arguments: project.run(sys.executable, "-c", code, *arguments)


@pytest.fixture
def recorded(project: pytest.Pytester, run: Run, ragtune: Run) -> pytest.Pytester:
    """The project after a run and an export, on a machine that has nothing but the recording."""
    project.makepyfile(test_it=TEST)
    run("--ragtune-report=report.json").assert_outcomes(passed=13)
    result = ragtune("record", "export", "tiny")
    assert result.ret == 0
    result.stderr.fnmatch_lines(["tiny/recording.jsonl.gz: 12 answers of rag, * judgements, *"])
    for path in (project.path / ".ragtune").glob("store*"):
        path.unlink()
    (project.path / "calls.txt").unlink()
    return project


@pytest.mark.parametrize("mode", ["auto", "only"])
def test_a_recording_beside_the_golden_set_is_replayed(
    recorded: pytest.Pytester, run: Run, calls: Calls, mode: str
) -> None:
    run(f"--ragtune-replay={mode}").assert_outcomes(passed=13)
    assert calls() == []


def test_only_names_what_changed_and_computes_nothing(
    recorded: pytest.Pytester, run: Run, calls: Calls
) -> None:
    conftest = recorded.path / "conftest.py"
    text = conftest.read_text(encoding="utf-8")
    conftest.write_text(text.replace("Counted(answer)", "Counted(answer, version='2')"), encoding="utf-8")
    result = run("--ragtune-replay=only")
    result.assert_outcomes(failed=13)
    result.stdout.fnmatch_lines(["*generator.version: recorded '1', now '2'*"])
    result.stdout.no_fnmatch_line("*misses.py*")  # the error is shown where the test asked
    assert calls() == []
    assert not list((recorded.path / ".ragtune").glob("store*"))


def test_only_works_where_the_models_are_missing(recorded: pytest.Pytester, run: Run, calls: Calls) -> None:
    (recorded.path / "conftest.py").write_text(
        "import pytest\n"
        "from pytest_ragtune import extras\n"
        "from pytest_ragtune.errors import MissingExtra\n"
        "@pytest.fixture\n"
        "def generator(request):\n"
        "    run = request.config.pluginmanager.getplugin('ragtune-run').run\n"
        "    return run.made(lambda: extras.load('a_library_that_is_not_there', extra='models'))\n"
        "@pytest.fixture\n"
        "def retriever(bm25_retriever):\n"
        "    return bm25_retriever\n",
        encoding="utf-8",
    )
    result = run("--ragtune-replay=only", "--ragtune-report=report.md")
    result.assert_outcomes(passed=13)
    assert "replayed by name" in result.stdout.str()
    run("--ragtune-replay=auto").assert_outcomes(errors=13)


def test_off_asks_anew_and_records_nothing(recorded: pytest.Pytester, run: Run, calls: Calls) -> None:
    run("--ragtune-replay=off").assert_outcomes(passed=13)
    assert len(calls()) == 12
    assert not list((recorded.path / ".ragtune").glob("store*"))


def test_a_store_can_be_filled_from_a_recording(
    recorded: pytest.Pytester, run: Run, ragtune: Run, calls: Calls
) -> None:
    (recorded.path / "tiny" / "recording.jsonl.gz").rename(recorded.path / "carried.gz")
    ragtune("record", "import", "carried.gz").stderr.fnmatch_lines(["*: * records from carried.gz"])
    run().assert_outcomes(passed=13)
    assert calls() == []


def test_the_gate_decides_without_a_call(recorded: pytest.Pytester, ragtune: Run, calls: Calls) -> None:
    passed = ragtune("gate", "report.json", "--at-least", "R@5=0.5", "--at-most", "faithfulness=1")
    assert passed.ret == 0
    passed.stderr.fnmatch_lines(["2 of 2 verdicts pass; 0 model calls"])
    failed = ragtune("gate", "report.json", "--at-least", "R@5=0.99", "--max-unscored=0")
    assert failed.ret == 1
    failed.stdout.fnmatch_lines(["fail  tiny rag  R@5*"])
    for arguments in (["--at-least", "R@5"], ["--at-least", "none=1"], [], ["--no-regression", "x"]):
        assert ragtune("gate", "report.json", *arguments).ret == 2
    assert calls() == []


def test_workers_write_one_report(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(test_it=TEST)
    for name, workers in (("one", "0"), ("two", "2")):
        run("-n", workers, f"--ragtune-report={name}.json").assert_outcomes(passed=13)
    one, two = (
        json.loads((project.path / f"{name}.json").read_text(encoding="utf-8")) for name in ("one", "two")
    )
    assert one["scores"] == two["scores"]
    assert len(one["scores"][0]["cases"]) == 12
    assert one["evaluations"] == two["evaluations"]


def test_no_secret_reaches_a_report(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "tulip-42-garden")
    project.makepyfile(
        """
        import pytest
        from pytest_ragtune import CallablePipeline, assert_at_least, evaluate

        @pytest.mark.golden_set("tiny")
        def test_leak(golden_set):
            def shop(question):
                raise PermissionError("401: the key tulip-42-garden is unknown")
            evaluation = evaluate(CallablePipeline(shop), golden_set, ["token_f1"])
            assert_at_least(evaluation, "token_f1", 0.5)
        """
    )
    result = run(
        "--ragtune-report=report.json", "--ragtune-report=report.md", "--junitxml=junit.xml", "--tb=line"
    )
    result.assert_outcomes(failed=1)
    for name in ("report.json", "report.md", "junit.xml"):
        text = (project.path / name).read_text(encoding="utf-8")
        assert "401: the key" in text
        assert "tulip-42-garden" not in text
    assert "tulip-42-garden" not in result.stdout.str()
