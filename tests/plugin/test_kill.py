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
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

CASES, BATCH = 500, 5
PLUGINS = ("-p", "xdist.plugin", "-p", "pytest_ragtune.plugin")
"""All that a run loads: without the other plugins that are installed it starts a second earlier."""
KILLS = 20
"""Kills in a row before a run may finish, for each number of workers."""
PATIENCE = 300
"""Seconds after which a run hangs, however busy the machine is."""

CONFTEST = """
import time
from conftest_of_tests import Counted, answer, question
import pytest

class Slow(Counted):
    def plan(self, prompts):
        return [list(range(i, min(i + 5, len(prompts)))) for i in range(0, len(prompts), 5)]

    def generate(self, prompts):
        time.sleep(0.01)
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
    project.makeini("[pytest]\nfilterwarnings = error\nragtune_judge = lexical\n")
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


def kept_by(project: pytest.Pytester, store: str) -> set[tuple[str, ...]]:
    """The records of a run that was killed; none before it made its tables."""
    try:
        return set(records(project, store)) if (project.path / store).exists() else set()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        return set()


def answers(kept: set[tuple[str, ...]]) -> int:
    return sum(kind == "response" for _, kind, _, _ in kept)


def report(project: pytest.Pytester, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((project.path / name).read_text(encoding="utf-8"))
    value.pop("run")
    return value


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run in a session of its own; nothing of it is left behind."""
    command = [sys.executable, "-m", "pytest", "-q", *PLUGINS, *arguments]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(
        command, env=alone, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> bool:
    """``kill -9`` to the run and all its workers; False when it had ended before."""
    was_running = process.poll() is None
    while members := list(session_of(process.pid)):  # again for those begun in the meantime
        for number in members:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.poll()
    process.wait()
    return was_running


def session_of(leader: int) -> Iterator[int]:
    """The living processes of the session that ``leader`` began."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError, PermissionError, FileNotFoundError):
            state, _, _, session = (path / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in "ZX":
                yield int(path.name)


def wait_until(process: subprocess.Popen[bytes], is_reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and not is_reached():
        assert time.monotonic() < end
        time.sleep(0.002)


def is_asked(calls: Calls, goal: int) -> bool:
    return len(calls()) >= goal


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds a run's processes in /proc")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_random_moments(many: pytest.Pytester, run: Run, calls: Calls, workers: str) -> None:
    whole = ("-n", workers)
    run(*whole, "--ragtune-store=calm.sqlite3", "--ragtune-report=calm.json").assert_outcomes(passed=501)
    assert len(calls()) == CASES
    chance, killed = random.Random(int(workers)), 0
    for number in range(KILLS):
        earlier, asked = kept_by(many, "stormy.sqlite3"), len(calls())
        # a moment is a number of answers and a while, so that a busy machine changes little; one in
        # five falls anywhere from the start on, the last ones into the scoring and the single cases
        missing = CASES - answers(earlier)
        ahead = min(missing, 0 if number % 5 == 0 else chance.randint(1, 10 * BATCH))
        with started(*whole, "--ragtune-store=stormy.sqlite3") as process:
            wait_until(process, partial(is_asked, calls, asked + ahead))
            time.sleep(chance.uniform(0, 1.0 if ahead == 0 else 0.5 if ahead == missing else 0.02))
            killed += kill(process)
        fresh, later = len(calls()) - asked, kept_by(many, "stormy.sqlite3")
        assert earlier <= later
        assert fresh - BATCH <= answers(later) - answers(earlier) <= fresh
    asked, missing = len(calls()), CASES - answers(kept_by(many, "stormy.sqlite3"))
    run(*whole, "--ragtune-store=stormy.sqlite3", "--ragtune-report=stormy.json").assert_outcomes(passed=501)
    assert len(calls()) - asked == missing
    assert records(many, "stormy.sqlite3") == records(many, "calm.sqlite3")
    assert report(many, "stormy.json") == report(many, "calm.json")
    assert killed == KILLS


def test_two_runs_at_once_share_the_work(many: pytest.Pytester, calls: Calls) -> None:
    with started("--ragtune-report=report0.json") as one, started("--ragtune-report=report1.json") as other:
        assert [process.wait(timeout=PATIENCE) for process in (one, other)] == [0, 0]
    assert len(calls()) == len(set(calls())) == CASES
    assert report(many, "report0.json") == report(many, "report1.json")
    assert answers(kept_by(many, ".ragtune/store.sqlite3")) == CASES


def test_the_same_run_twice_and_on_workers_gives_the_same_bytes(
    many: pytest.Pytester, run: Run, calls: Calls
) -> None:
    for number, workers in enumerate(("0", "0", "2")):
        run(
            "-n", workers, f"--ragtune-store={number}.sqlite3", f"--ragtune-report={number}.json"
        ).assert_outcomes(passed=CASES + 1)
    assert len(calls()) == 3 * CASES
    assert records(many, "0.sqlite3") == records(many, "1.sqlite3") == records(many, "2.sqlite3")
    assert report(many, "0.json") == report(many, "1.json") == report(many, "2.json")
    first, second = ((many.path / name).read_bytes() for name in ("0.json", "1.json"))
    assert first == second
