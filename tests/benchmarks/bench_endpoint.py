"""Two judged metrics over many cases: ours under pytest with a test a case, a bare asyncio loop, and peers.

Each case takes three questions to a judge: two claims and one relevance. The judge sleeps, at most 40 of
its questions at once. The floor is a hand-written loop over 20 cases at once, in which a case's two metrics
run together and the two steps of faithfulness one after the other (40 questions at once, two in a row).

Run: ``python -m tests.benchmarks.bench_endpoint [CASES [ROUNDS]]``. Peers run when ``RAGTUNE_BENCH_RAGAS``
and ``RAGTUNE_BENCH_DEEPEVAL`` name the python of an environment that has them. What is compared runs in turn,
three times, and the least counts. It exits with 1 when ours takes more than 1.15 of the floor, or when an
instant judge costs more than 1 ms of processor time a case beyond pytest's own cost a test.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_RATIO, LIMIT_MS = 1.15, 1.0
BYTECODE = tempfile.TemporaryDirectory()

JUDGE = """
import asyncio, json, os, sys
sys.path.insert(0, {root!r})
SECONDS = float(os.environ["BENCH_SECONDS"])
CASES = int(os.environ["BENCH_CASES"])
ANSWER = "The warranty lasts two years. The battery lasts nine hours."

async def judge(prompt, schema=None):
    if SECONDS:
        await asyncio.sleep(SECONDS)
    if schema and "passage" in schema["properties"]:
        return '{{"passage": 1, "verdict": "supported"}}'
    return '{{"verdict": "answers"}}'
"""
FLOOR = """
async def one(gate):
    async def faithfulness():
        await judge("claims"); await judge("verdicts")
    async with gate:
        await asyncio.gather(faithfulness(), judge("relevance"))

async def main():
    gate = asyncio.Semaphore(20)
    await asyncio.gather(*(one(gate) for _ in range(CASES)))

asyncio.run(main())
"""
PLAIN = """
import pytest

@pytest.mark.parametrize("case", range(CASES))
def test_case(case):
    assert case >= 0
"""
OURS = """
import pytest
from pytest_ragtune import CallablePipeline, Response, assert_faithful, assert_relevant
from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.judges.prompted import PromptedJudge

JUDGE = PromptedJudge(CallableGenerator(judge, name="bench", version="1", concurrency=40))

def application(question):
    return Response(f"{question[:-1]} lasts two years. {question[:-1]} weighs nine grams.", contexts=[ANSWER])

PIPELINE = CallablePipeline(application, name="bench", version="1")

@pytest.mark.golden_set("golden")
def test_case(golden_case):
    response = PIPELINE.respond(golden_case)
    assert_faithful(response, 0.5, judge=JUDGE)
    assert_relevant(response, 0.5, judge=JUDGE)
"""
RAGAS = """
from ragas.metrics.collections import Faithfulness, AnswerRelevancy
from ragas.llms.base import InstructorBaseRagasLLM
from ragas.embeddings.base import BaseRagasEmbedding

class LLM(InstructorBaseRagasLLM):
    is_async = True
    def generate(self, prompt, response_model): raise NotImplementedError
    async def agenerate(self, prompt, response_model):
        await judge(prompt)
        name = response_model.__name__
        if name == "StatementGeneratorOutput": return response_model(statements=["a", "b"])
        if name == "NLIStatementOutput":
            item = {"statement": "a", "reason": "-", "verdict": 1}
            return response_model(statements=[item, item])
        return response_model(question="why?", noncommittal=0)

class Embedding(BaseRagasEmbedding):
    def embed_text(self, text, **kwargs): return [1.0, 0.5]
    async def aembed_text(self, text, **kwargs): return [1.0, 0.5]

async def main():
    llm = LLM()
    metrics = [Faithfulness(llm=llm), AnswerRelevancy(llm=llm, embeddings=Embedding(), strictness=1)]
    rows = [dict(user_input="How long?", response=ANSWER, retrieved_contexts=[ANSWER]) for _ in range(CASES)]
    gate = asyncio.Semaphore(20)
    async def one(row):
        async with gate:
            await asyncio.gather(
                metrics[0].ascore(**row), metrics[1].ascore(user_input="How long?", response=ANSWER)
            )
    await asyncio.gather(*(one(row) for row in rows))

asyncio.run(main())
"""
DEEPEVAL = """
import pytest
from deepeval import assert_test
from deepeval.metrics import AnswerRelevancyMetric, FaithfulnessMetric
from deepeval.models import DeepEvalBaseLLM
from deepeval.test_case import LLMTestCase

class Model(DeepEvalBaseLLM):
    def load_model(self): return self
    def get_model_name(self): return "bench"
    def generate(self, prompt, schema=None): return self.reply(schema)
    async def a_generate(self, prompt, schema=None):
        await judge(prompt)
        return self.reply(schema)
    def reply(self, schema):
        fields = schema.model_fields
        if "verdicts" in fields:
            return schema(verdicts=[{"verdict": "yes", "reason": "-"}] * 2)
        name = next(iter(fields))
        return schema(**{name: "-" if name == "reason" else ["a", "b"]})

@pytest.mark.parametrize("case", range(CASES))
def test_case(case):
    row = LLMTestCase(input="How long?", actual_output=ANSWER, retrieval_context=[ANSWER])
    assert_test(row, [
        FaithfulnessMetric(model=Model(), include_reason=False),
        AnswerRelevancyMetric(model=Model(), include_reason=False),
    ])
"""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    cases: int
    seconds: float
    processor: float
    megabytes: float


def run(name: str, code: str, cases: int, seconds: float, *, python: str = sys.executable, test: bool) -> Row:
    """Run a script, or a test file under pytest, in a folder and a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = textwrap.dedent(JUDGE).format(root=str(ROOT)) + code
        (root / ("test_bench.py" if test else "bench.py")).write_text(source, encoding="utf-8")
        (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        write_golden_set(root / "golden", cases)
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bench.py"]
        command = [*command, "-p", "pytest_ragtune.plugin"] if code is OURS else command
        command = command if test else [python, "bench.py"]
        return _timed(name, command, root, cases, seconds)


def _timed(name: str, command: list[str], folder: Path, cases: int, seconds: float) -> Row:
    environment = os.environ | {
        "BENCH_CASES": str(cases),
        "BENCH_SECONDS": str(seconds),
        "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
        "RAGAS_DO_NOT_TRACK": "true",
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPYCACHEPREFIX": BYTECODE.name,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # pytest is installed compiled; so would we be
    log = folder / "log.txt"
    begun = time.perf_counter()
    with log.open("wb") as stream:
        files = [(os.POSIX_SPAWN_DUP2, stream.fileno(), 1), (os.POSIX_SPAWN_DUP2, stream.fileno(), 2)]
        shell = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(folder), *command]
        pid = os.posix_spawn("/bin/sh", shell, environment, file_actions=files)
        _, status, usage = os.wait4(pid, 0)
    took = time.perf_counter() - begun
    if status != 0:
        raise SystemExit(f"{name} failed:\n{log.read_text(encoding='utf-8')[-2000:]}")
    return Row(name, cases, took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def write_golden_set(folder: Path, cases: int) -> None:
    """A golden set of one document and many questions."""
    (folder / "corpus").mkdir(parents=True)
    (folder / "corpus" / "a.md").write_text("# A\n\nThe warranty lasts two years.\n", encoding="utf-8")
    (folder / "golden_set.toml").write_text('schema = 1\nname = "bench"\n', encoding="utf-8")
    lines = (json.dumps({"id": f"q{n}", "question": f"Question number {n}?"}) for n in range(cases))
    (folder / "cases.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def show(row: Row, note: str = "") -> None:
    each = row.processor / row.cases * 1000
    print(
        f"{row.name:<50} {row.cases:>6} {row.seconds:>8.2f} {row.processor:>8.2f} {each:>9.2f} "
        f"{row.megabytes:>6.0f}  {note}"
    )


def best(rows: Sequence[Row]) -> Row:
    """The least of every figure: whatever else the machine does only adds to it."""
    return Row(
        rows[0].name,
        rows[0].cases,
        min(row.seconds for row in rows),
        min(row.processor for row in rows),
        min(row.megabytes for row in rows),
    )


def main(cases: int = 1000, rounds: int = 3) -> int:
    """Run every row, those that are compared in turn; 0 when ours keeps its limits."""
    compared: list[tuple[str, str, int, float, bool]] = [
        ("bare asyncio, judge of 50 ms", FLOOR, cases, 0.05, False),
        ("ours under pytest, judge of 50 ms", OURS, cases, 0.05, True),
        ("pytest alone, a test a case", PLAIN, cases, 0, True),
        ("ours under pytest, instant judge", OURS, cases, 0, True),
        ("ours under pytest, instant judge", OURS, 10, 0, True),
        ("pytest alone", PLAIN, 10, 0, True),
    ]
    found: list[list[Row]] = [[] for _ in compared]
    for _ in range(rounds):
        for rows, (name, code, n, seconds, is_test) in zip(found, compared, strict=True):
            rows.append(run(name, code, n, seconds, test=is_test))
    floor, ours, plain, instant, small, one = map(best, found)
    print(f"{'':<50} {'cases':>6} {'wall s':>8} {'cpu s':>8} {'cpu ms/c':>9} {'MB':>6}  least of {rounds}")
    show(floor)
    ratio = ours.seconds / floor.seconds
    show(ours, f"{ratio:.2f} of the floor, at most {LIMIT_RATIO}")
    show(plain)
    each = (instant.processor - small.processor - plain.processor + one.processor) / (cases - 10) * 1000
    show(instant, f"{each:.2f} ms of processor a case beyond pytest's own test, at most {LIMIT_MS}")
    whole = (instant.processor - plain.processor) / cases * 1000
    clock = (instant.seconds - plain.seconds) / cases * 1000
    print(f"  with what a run costs once: {whole:.2f} ms of processor a case, {clock:.2f} ms by the clock")
    show(run("ours under pytest, instant judge", OURS, 5 * cases, 0, test=True), "memory")
    for variable, name, code, is_test, n in (
        ("RAGTUNE_BENCH_RAGAS", "ragas collections, 20 cases at once", RAGAS, False, cases),
        ("RAGTUNE_BENCH_DEEPEVAL", "deepeval assert_test under pytest", DEEPEVAL, True, cases // 10),
    ):
        python = os.environ.get(variable)
        if python:
            show(run(f"{name}, judge of 50 ms", code, n, 0.05, python=python, test=is_test))
    return int(ratio > LIMIT_RATIO or each > LIMIT_MS)


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
