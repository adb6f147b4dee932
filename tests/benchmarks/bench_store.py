"""What recorded work costs: 10,000 cases decided again, one recorded case under pytest beside a bare test.

Run: ``python tests/benchmarks/bench_store.py``. It exits with 1 when the decision takes 2 seconds or a
recorded case costs more than 0.7 ms beyond a bare parametrised test of the same run. Processor time is
counted, so that a busy machine does not change the result.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_ragtune import Pipeline, Retrieved, at_least, evaluate, no_regression
from pytest_ragtune.baseline import write_baseline
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedRetriever
from pytest_ragtune.records import Case, Corpus, GoldenSet, Passage
from pytest_ragtune.store import Store

CASES, LIMIT_SECONDS = 10_000, 2.0
TESTS, LIMIT_MILLISECONDS, ROUNDS = 1_000, 0.7, 3
METRICS = ["R@5", "token_f1", "faithfulness"]

CONFTEST = """
import time
import pytest
from pytest_ragtune.fakes import ScriptedGenerator

spent = {}

@pytest.fixture
def generator():
    return ScriptedGenerator(lambda prompt: prompt.user[:40])

@pytest.fixture
def retriever(bm25_retriever):
    return bm25_retriever

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    start = time.process_time()
    try:
        return (yield)
    finally:
        spent.setdefault(item.originalname, []).append(time.process_time() - start)

def pytest_sessionfinish():
    for name, seconds in spent.items():
        print(f"\\nSPENT {name} {sum(sorted(seconds)[:-20]) / (len(seconds) - 20) * 1000}")
"""
BARE = """
import pytest

@pytest.mark.parametrize("case", range(1000))
def test_bare(case):
    assert case >= 0
"""
RECORDED = """
import pytest
from pytest_ragtune import assert_retrieves

@pytest.mark.golden_set("many")
def test_response(golden_case, rag):
    assert rag.respond(golden_case).text

@pytest.mark.golden_set("many")
def test_verdict(golden_case, rag):
    assert_retrieves(rag.respond(golden_case), "R@5", 0.0)
"""


def golden_set() -> GoldenSet:
    """10,000 cases over 1,000 passages."""
    passages = tuple(
        Passage(f"d{n}.md#1", f"Platform {n} lies north of word{n}.", f"d{n}.md") for n in range(1_000)
    )
    corpus = Corpus(passages, {p.document: p.text for p in passages}, "f" * 64)
    cases = tuple(
        Case(
            f"c{n}",
            f"Ticket {n}: where is it?",
            f"North of word{n % 1000}.",
            relevant={f"d{n % 1000}.md#1": 1},
        )
        for n in range(CASES)
    )
    return GoldenSet("bench", cases, corpus, "b" * 64)


def decide_again(folder: Path) -> float:
    """Processor seconds that a new session takes to read, score and decide 10,000 recorded cases."""
    asked = golden_set()
    retriever = ScriptedRetriever(
        {c.question: [f"d{(n + i) % 1000}.md#1" for i in range(10)] for n, c in enumerate(asked.cases)},
        asked.corpus,
    )
    generator = ScriptedGenerator(lambda prompt: prompt.user.split("\n")[1])
    pipeline = Pipeline("rag", Retrieved(asked.corpus, retriever, k=3), generator)
    path = folder / "store.sqlite3"
    first = evaluate(pipeline, asked, METRICS, store=path)
    write_baseline(first, folder / "rag.jsonl")
    assert generator.calls == CASES
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        again = evaluate(pipeline, asked, METRICS, store=Store(path))
        assert at_least(again, "R@5", 0.5, confidence=0.95)
        assert all(no_regression(again, METRICS, margin=0.02, baseline=folder / "rag.jsonl"))
        rounds.append(time.process_time() - start)
        assert (again.model_calls, again.judge_calls) == (0, 0)
    assert generator.calls == CASES
    return min(rounds)


def per_test(folder: Path) -> dict[str, float]:
    """Milliseconds a test, from whole runs: bare, recorded response, recorded verdict."""
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_bare.py").write_text(BARE, encoding="utf-8")
    (folder / "test_recorded.py").write_text(RECORDED, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "many" / "corpus").mkdir(parents=True)
    (folder / "many" / "golden_set.toml").write_text('schema = 1\nname = "many"\n', encoding="utf-8")
    for number in range(100):
        text = f"# Station {number}\n\nPlatform word{number} lies north.\n"
        (folder / "many" / "corpus" / f"d{number}.md").write_text(text, encoding="utf-8")
    with (folder / "many" / "cases.jsonl").open("w", encoding="utf-8") as file:
        for number in range(TESTS):
            case = {
                "id": f"c{number}",
                "question": f"Ticket {number}: where is word{number % 100}?",
                "relevant": [f"d{number % 100}.md"],
            }
            file.write(json.dumps(case) + "\n")
    best: dict[str, float] = {}
    for _ in range(ROUNDS + 1):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-s",
            "-p",
            "no:randomly",
            "-p",
            "no:hypothesispytest",
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            if line.startswith("SPENT "):
                _, name, figure = line.split()
                best[name] = min(float(figure), best.get(name, float("inf")))
    return best


def main() -> int:
    """Print both figures; 0 when both are within their limits."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = decide_again(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        tests = per_test(Path(folder))
    more = tests["test_response"] - tests["test_bare"]
    print(f"{CASES} recorded cases read, scored by {len(METRICS)} metrics and decided: {seconds:.2f} s")
    for name, figure in tests.items():
        print(f"  {name:<14} {figure:.3f} ms a test")
    print(f"a recorded case costs {more:.3f} ms more than a bare parametrised test")
    return 0 if seconds < LIMIT_SECONDS and more <= LIMIT_MILLISECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
