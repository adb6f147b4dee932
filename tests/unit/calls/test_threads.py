"""A plain function that never returns is given up, and does not keep the process from ending."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from pytest_ragtune.calls.threads import DaemonThreads

ROOT = Path(__file__).resolve().parents[3]
VENDOR = """
import threading
from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.records import Prompt

generator = CallableGenerator(lambda prompt: threading.Event().wait(), name="v", version="1", {limits})
print(generator.generate([Prompt("How long?")])[0].error)
"""
MODEL = """
import asyncio, threading
from pytest_ragtune.calls.asking import asking
from pytest_ragtune.calls.running import run
from pytest_ragtune.records import Prompt

class Model:
    def generate(self, prompts):
        threading.Event().wait()

async def ask():
    async with asking(Model()) as one:
        async with asyncio.timeout(0.3):
            await one(Prompt("How long?"))

try:
    run(ask())
except TimeoutError:
    print("raise timeout")
"""


@pytest.mark.parametrize(
    "code", [VENDOR.format(limits="timeout=0.3, retries=0"), MODEL], ids=["vendor", "model"]
)
def test_a_call_that_never_returns_does_not_keep_the_process(code: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "raise timeout" in ended.stdout
    assert ended.stderr == ""


def test_calls_share_a_few_threads_and_come_back() -> None:
    threads, names = DaemonThreads(2, "few"), set()
    both = threading.Barrier(2)

    def call(number: int) -> int:
        names.add(threading.current_thread().name)
        if number < 2:
            both.wait(30)
        return number * number

    futures = [threads.submit(partial(call, n)) for n in range(20)]
    assert [future.result(30) for future in futures] == [n * n for n in range(20)]
    assert names == {"few_1", "few_2"}
    threads.end()


def test_an_error_comes_back_and_the_thread_goes_on() -> None:
    threads = DaemonThreads(1, "one")
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(30)
    assert threads.submit(lambda: "fine").result(30) == "fine"
    threads.end()


def test_what_was_not_begun_is_cancelled_at_the_end() -> None:
    threads, go_on = DaemonThreads(1, "end"), threading.Event()
    first, second = threads.submit(go_on.wait), threads.submit(lambda: "never")
    while not first.running():
        time.sleep(0.01)
    threads.end()
    go_on.set()
    assert first.result(30)
    assert second.cancelled()
