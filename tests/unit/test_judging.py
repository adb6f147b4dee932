"""Judgements are recorded as they are made: what a run has paid for, the next one does not pay again."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge
from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.metrics.relevance import AnswerRelevance
from pytest_ragtune.records import Case, Generation, Prompt, Response, Score
from pytest_ragtune.session import Session
from pytest_ragtune.store import Store

VERDICT = '{"verdict": "answers"}'
CASES = [Case(f"c{n}", f"Question number {n}?") for n in range(1000)]
RESPONSES = [Response(f"The answer is number {n}.", case=CASES[n]) for n in range(1000)]
AT_RISK = 3 * 8
"""Cases under judgement at any moment with eight calls at once."""


def score(store: Store, judge: PromptedJudge, n: int = 1000) -> tuple[list[Score], int]:
    return Session(store).score(AnswerRelevance(judge), CASES[:n], RESPONSES[:n])


def test_an_interruption_keeps_the_finished_parts_of_a_local_model(tmp_path: Path) -> None:
    class Interrupted(ScriptedGenerator):
        def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
            if self.calls >= 48:
                raise KeyboardInterrupt
            return super().generate(prompts)

    store = Store(tmp_path / "store.sqlite3")
    with pytest.raises(KeyboardInterrupt):
        score(store, PromptedJudge(Interrupted(lambda prompt: VERDICT)), 100)
    assert len(store.records("score")) == 48
    generator = ScriptedGenerator(lambda prompt: VERDICT)
    scores, judged = score(store, PromptedJudge(generator), 100)
    assert (judged, generator.calls) == (52, 52)
    assert [s.value for s in scores] == [1.0] * 100


def test_scores_keep_their_order_whatever_part_ends_first() -> None:
    async def judge(prompt: Prompt) -> str:
        n = int(prompt.user.partition("number ")[2].partition("?")[0])
        await asyncio.sleep(0.002 * (n // 8 % 5))
        return json.dumps({"verdict": ("answers", "partly", "does_not_answer")[n % 3]})

    generator = CallableGenerator(judge, name="j", version="1")
    scores, judged = score(Store(), PromptedJudge(generator), 200)
    assert judged == 200
    assert [s.value for s in scores] == [(1.0, 0.5, 0.0)[n % 3] for n in range(200)]


def test_a_judgement_that_failed_is_tried_again_and_the_others_are_not() -> None:
    asked: list[str] = []

    def judge(prompt: Prompt) -> str:
        asked.append(prompt.user)
        return "?" if "number 7?" in prompt.user and len(asked) <= 50 else VERDICT

    store = Store()
    generator = CallableGenerator(judge, name="j", version="1")
    first, judged = score(store, PromptedJudge(generator), 50)
    assert judged == len(asked) == 50
    assert [n for n, s in enumerate(first) if s.value is None] == [7]
    again, judged = score(store, PromptedJudge(generator), 50)
    assert judged == 1
    assert len(asked) == 51
    assert [s.value for s in again] == [1.0] * 50


def test_an_answer_without_a_claim_is_recorded_and_not_judged_again() -> None:
    case = CASES[0]
    answers = [
        Response("I do not know.", ["a text"], case=case),
        Response("Because.", case=case),
        Response("It is blue.", case=case),
        Response(None, case=case, error="no connection"),
    ]
    store = Store()
    metric = Faithfulness(ScriptedJudge(lambda context, claim: 1.0))
    first, judged = Session(store).score(metric, [case] * 4, answers)
    assert (judged, [s.value for s in first]) == (3, [None] * 4)
    again, judged = Session(store).score(metric, [case] * 4, answers)
    assert judged == 0
    assert again == first


def test_of_two_sessions_on_one_store_one_judges(tmp_path: Path) -> None:
    both = threading.Barrier(2)
    asked: list[str] = []

    def opinion(context: str, claim: str) -> float:
        asked.append(claim)
        time.sleep(0.005)
        return 1.0

    counts: list[int] = []

    def run() -> None:
        session = Session(Store(tmp_path / "store.sqlite3"))
        metric = AnswerRelevance(ScriptedJudge(opinion, version="1"))
        both.wait(30)
        counts.append(session.score(metric, CASES[:60], RESPONSES[:60])[1])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (sorted(counts), len(asked)) == ([0, 60], 60)


RUN = """
import asyncio, sys
from pathlib import Path
from tests.unit.test_judging import VERDICT, score
from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.store import Store

async def judge(prompt):
    await asyncio.sleep(0.05)  # one that is waited for: its parts stay small
    with open("calls.txt", "a") as file:
        file.write("x")
    return VERDICT

scores, judged = score(Store("store.sqlite3"), PromptedJudge(CallableGenerator(judge, name="j", version="1")))
Path("done.txt").write_text(f"{judged} {sum(s.value for s in scores)}")
"""


def test_a_kill_in_the_middle_of_1000_judgements_keeps_the_finished_ones(tmp_path: Path) -> None:
    calls, command = tmp_path / "calls.txt", [sys.executable, "-c", RUN]
    root = str(Path(__file__).parents[2])
    environment = {"PYTHONPATH": root}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        end = time.monotonic() + 300
        while process.poll() is None and not (calls.exists() and calls.stat().st_size >= 400):
            assert time.monotonic() < end
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "done.txt").exists()
    paid = calls.stat().st_size
    kept = len(Store(tmp_path / "store.sqlite3").records("score"))
    assert 400 <= paid < 1000
    assert paid - AT_RISK <= kept <= paid
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
    assert (tmp_path / "done.txt").read_text() == f"{1000 - kept} 1000.0"
    assert calls.stat().st_size == paid + 1000 - kept
