"""A run that is killed loses at most the batch in hand; processes that share a store share the work."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

CASES, BATCH = 500, 10
LIGHT = ("-p", "no:hypothesispytest")
"""Spares each run a second of start-up."""
KILLS = 10
"""Kills in a row before a run may finish, for each number of workers."""

CONFTEST = """
import time
from conftest_of_tests import Counted, answer, question
import pytest

class Slow(Counted):
    def plan(self, prompts):
        return [list(range(i, min(i + 10, len(prompts)))) for i in range(0, len(prompts), 10)]

    def generate(self, prompts):
        time.sleep(0.02)
        return super().generate(prompts)

@pytest.fixture
def generator():
    return Slow(answer)

@pytest.fixture
def retriever(bm25_retriever):
    return bm25_retriever
"""

TESTS = """
import pytest
from pytest_ragtune import assert_at_least, assert_retrieves, evaluate

@pytest.mark.golden_set("many")
def test_evaluation(golden_set, rag):
    evaluation = evaluate(rag, golden_set, ["R@1", "token_f1", "faithfulness"])
    assert_at_least(evaluation, "R@1", 0.5)
    assert_at_least(evaluation, "token_f1", 0.5)

@pytest.mark.golden_set("many")
def test_each_case(golden_case, rag):
    assert_retrieves(rag.respond(golden_case), "R@1")
"""


@pytest.fixture
def many(project: pytest.Pytester) -> pytest.Pytester:
    """The project with 500 cases over 50 documents, and a generator that takes its time."""
    conftest = project.path / "conftest.py"
    conftest.rename(project.path / "conftest_of_tests.py")
    project.makeconftest(CONFTEST)
    project.makepyfile(test_many=TESTS)
    folder = project.path / "many"
    (folder / "corpus").mkdir(parents=True)
    (folder / "golden_set.toml").write_text(
        'schema = 1\nname = "many"\n[defaults]\nk = 1\n', encoding="utf-8"
    )
    for number in range(50):
        text = f"# Station {number}\n\nPlatform word{number} lies north{number}.\n"
        (folder / "corpus" / f"d{number}.md").write_text(text, encoding="utf-8")
    cases = [
        {
            "id": f"c{number}",
            "question": f"Ticket {number}: where does platform word{number % 50} lie?",
            "reference": f"It lies north{number % 50}.",
            "relevant": [f"d{number % 50}.md"],
        }
        for number in range(CASES)
    ]
    lines = "".join(f"{json.dumps(case)}\n" for case in cases)
    (folder / "cases.jsonl").write_text(lines, encoding="utf-8")
    return project


def records(project: pytest.Pytester, store: str) -> list[tuple[str, ...]]:
    """Every record without its timing; the file is whole."""
    connection = sqlite3.connect(project.path / store)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = connection.execute("SELECT key, kind, parts, value FROM records ORDER BY key").fetchall()
    connection.close()
    return rows


def answers(project: pytest.Pytester, store: str) -> int:
    if not (project.path / store).exists():
        return 0
    try:
        return sum(kind == "response" for _, kind, _, _ in records(project, store))
    except sqlite3.OperationalError:  # killed before the tables were made
        return 0


def report(project: pytest.Pytester, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((project.path / name).read_text(encoding="utf-8"))
    value.pop("run")
    return value


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cov", *LIGHT, *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def group(leader: int) -> Iterator[int]:
    """Processes of the session that ``leader`` started."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == leader:
                yield int(path.name)
        except (ProcessLookupError, PermissionError):
            continue


def wait_for_answers(process: subprocess.Popen[bytes], calls: Calls, known: int) -> None:
    end = time.monotonic() + 60
    while len(calls()) <= known and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.005)


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill the run with all its workers at that moment; False when it had ended before."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        for number in list(group(process.pid)):
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        return True
    return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds a run's processes in /proc")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_random_moments(many: pytest.Pytester, run: Run, calls: Calls, workers: str) -> None:
    begun = time.monotonic()
    whole = ("-n", workers, *LIGHT)
    run(*whole, "--ragtune-store=calm.sqlite3", "--ragtune-report=calm.json").assert_outcomes(passed=501)
    duration = time.monotonic() - begun
    assert len(calls()) == CASES
    chance, killed = random.Random(int(workers)), 0
    for number in range(KILLS):
        recorded, asked = answers(many, "stormy.sqlite3"), len(calls())
        process = start("-n", workers, "--ragtune-store=stormy.sqlite3")
        if number % 3:  # two of three in the thick of it, the third anywhere
            wait_for_answers(process, calls, asked)
            killed += kill_after(process, chance.uniform(0, 0.15))
        else:
            killed += kill_after(process, chance.uniform(0, 0.5 * duration))
        fresh, kept = len(calls()) - asked, answers(many, "stormy.sqlite3") - recorded
        assert fresh - BATCH <= kept <= fresh
    asked, missing = len(calls()), CASES - answers(many, "stormy.sqlite3")
    run(*whole, "--ragtune-store=stormy.sqlite3", "--ragtune-report=stormy.json").assert_outcomes(passed=501)
    assert len(calls()) - asked == missing
    assert records(many, "stormy.sqlite3") == records(many, "calm.sqlite3")
    assert report(many, "stormy.json") == report(many, "calm.json")
    assert killed >= KILLS / 2


def test_two_runs_at_once_share_the_work(many: pytest.Pytester, calls: Calls) -> None:
    both = [start(f"--ragtune-report=report{number}.json") for number in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert len(calls()) == len(set(calls())) == CASES
    assert report(many, "report0.json") == report(many, "report1.json")
    assert answers(many, ".ragtune/store.sqlite3") == CASES


def test_the_same_run_twice_and_on_workers_gives_the_same_bytes(
    many: pytest.Pytester, run: Run, calls: Calls
) -> None:
    for number, workers in enumerate(("0", "0", "2")):
        run(
            *LIGHT, "-n", workers, f"--ragtune-store={number}.sqlite3", f"--ragtune-report={number}.json"
        ).assert_outcomes(passed=CASES + 1)
    assert len(calls()) == 3 * CASES
    assert records(many, "0.sqlite3") == records(many, "1.sqlite3") == records(many, "2.sqlite3")
    assert report(many, "0.json") == report(many, "1.json") == report(many, "2.json")
    first, second = ((many.path / name).read_bytes() for name in ("0.json", "1.json"))
    assert first == second
