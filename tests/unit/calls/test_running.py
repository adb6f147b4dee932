"""Plain functions run coroutines on one loop, which nothing that they do can take away."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from pytest_ragtune.calls.flight import Flight, Health, Limits
from pytest_ragtune.calls.running import _Loop, one_loop, run


async def loop_of_the_call() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_every_call_runs_on_the_same_loop_wherever_it_is_made() -> None:
    first = run(loop_of_the_call())
    assert run(loop_of_the_call()) is first
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, loop_of_the_call()).result() is first
    with one_loop() as context:
        assert context.run(run, loop_of_the_call()) is first

    async def inside() -> tuple[Any, Any]:
        return run(loop_of_the_call()), asyncio.get_running_loop()

    found, own = asyncio.run(inside())
    assert found is first
    assert own is not first


def test_a_call_from_inside_a_call_has_a_loop_of_its_own_and_threads_below_it_share_it() -> None:
    async def outer() -> list[Any]:
        with one_loop() as context, ThreadPoolExecutor(1) as pool:
            below = pool.submit(context.run, run, loop_of_the_call()).result()
            return [asyncio.get_running_loop(), below, *run(below_it())]

    async def below_it() -> list[Any]:
        return [asyncio.get_running_loop(), await asyncio.to_thread(run, loop_of_the_call())]

    outside, in_a_part, below, in_a_thread = run(outer())
    assert outside is not below
    assert in_a_part is below
    assert in_a_thread is below


def test_calls_of_several_threads_keep_one_bound() -> None:
    at_once, most = 0, 0
    limits, health = Limits(concurrency=3), Health()

    async def call(item: int) -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.002)
        at_once -= 1
        return item

    with ThreadPoolExecutor(4) as pool:
        rounds = [pool.submit(lambda: run(Flight(call, limits, health).all(range(20)))) for _ in range(4)]
        assert [done.result() for done in rounds] == [list(range(20))] * 4
    assert most == 3


def test_the_context_of_the_caller_is_seen() -> None:
    word: ContextVar[str] = ContextVar("word")
    word.set("here")

    async def read() -> str:
        return word.get()

    assert run(read()) == "here"


@pytest.mark.parametrize("error", [ValueError("x"), asyncio.CancelledError(), TimeoutError("late")])
def test_an_error_reaches_the_caller(error: BaseException) -> None:
    async def fails() -> None:
        raise error

    expected = RuntimeError if isinstance(error, asyncio.CancelledError) else type(error)
    with pytest.raises(expected):
        run(fails())


def test_a_function_that_ends_the_process_ends_its_call_and_no_other() -> None:
    async def leave() -> None:
        sys.exit(3)

    before = run(loop_of_the_call())
    with pytest.raises(SystemExit):
        run(leave())
    assert run(loop_of_the_call()) is before


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError("stop")])
def test_a_call_that_asks_for_the_end_is_a_fault_of_its_own(error: BaseException) -> None:
    async def work(item: int) -> int:
        if item == 1:
            raise error
        return item

    got = run(Flight(work, Limits(retries=0)).all(range(3)))
    assert got[0] == 0
    assert got[2] == 2
    assert type(error).__name__ in str(got[1])


def test_a_loop_whose_end_was_asked_for_loses_no_one_who_waits() -> None:
    begun, threads = threading.Event(), list[threading.Thread]()

    async def waits() -> None:
        threads.append(threading.current_thread())
        begun.set()
        await asyncio.sleep(600)

    async def leave() -> None:
        asyncio.get_running_loop().stop()  # as a task does that a function began, and that exits

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run, waits())
        assert begun.wait(60)
        run(leave())
        with pytest.raises(RuntimeError, match="given up"):
            waiting.result(60)
    threads[0].join(60)
    assert run(loop_of_the_call()) is run(loop_of_the_call())


def test_a_call_is_cancelled_also_when_the_interrupt_comes_as_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin, steps = _Loop.begin, []

    async def work() -> None:
        steps.append("begun")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            steps.append("cancelled")
            raise

    def interrupted(self: Any, *given: Any) -> None:
        begin(self, *given)
        while not steps:
            time.sleep(0.001)
        raise KeyboardInterrupt

    monkeypatch.setattr(_Loop, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(work())
    assert steps == ["begun", "cancelled"]


def test_a_call_that_is_interrupted_before_it_begins_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")

    def interrupted(self: Any, *given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_Loop, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(work())
    assert steps == []
