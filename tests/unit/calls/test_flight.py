from __future__ import annotations

import asyncio
import signal
from collections import Counter

import pytest

from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.calls.flight import Flight, Health, Limits
from pytest_ragtune.calls.running import run

QUICK = Limits(concurrency=4, timeout=1.0, retries=3, first_wait=0.001)


def fly(
    work: object, items: list[int], limits: Limits = QUICK, health: Health | None = None
) -> list[int | Fault]:
    flight: Flight[int, int] = Flight(work, limits, health)  # type: ignore[arg-type]
    return run(flight.all(items))


def test_each_item_gets_its_own_result() -> None:
    async def work(item: int) -> int:
        await asyncio.sleep(0.001 * (item % 3))
        return item * item

    assert fly(work, list(range(30))) == [n * n for n in range(30)]
    assert fly(work, []) == []


def test_without_a_time_limit() -> None:
    async def work(item: int) -> int:
        if item:
            raise TimeoutError("own")
        return item

    first, second = fly(work, [0, 1], Limits(timeout=None, retries=0))
    assert first == 0
    assert isinstance(second, Fault)
    assert second.message == "TimeoutError: own"


def test_only_faults_that_may_pass_are_repeated() -> None:
    calls: Counter[int] = Counter()

    async def work(item: int) -> int:
        calls[item] += 1
        if item == 0:
            raise Fault("for good")
        if item == 1:
            raise ZeroDivisionError("oops")
        if item == 2:
            raise Fault("again", again=True)
        return item

    got = fly(work, [0, 1, 2, 3])
    assert calls == {0: 1, 1: 1, 2: 4, 3: 1}
    assert [str(o.message) if isinstance(o, Fault) else o for o in got] == [
        "for good",
        "ZeroDivisionError: oops",
        "again (tried 4 times)",
        3,
    ]


def test_a_row_of_failures_stops_the_rest_and_a_probe_starts_it_again() -> None:
    calls: list[int] = []
    is_down = [True]

    async def work(item: int) -> int:
        calls.append(item)
        if is_down[0]:
            raise Fault("down", again=True)
        return item

    health, limits = Health(), Limits(concurrency=1, retries=0)
    got = fly(work, list(range(100)), limits, health)
    assert calls == [0, 1, 2, 3]
    assert isinstance(got[99], Fault)
    assert got[99].message == "not asked, since an earlier call failed: down"
    calls.clear()
    fly(work, list(range(100)), limits, health)
    assert calls == [0]
    is_down[0] = False
    assert fly(work, list(range(100)), limits, health) == list(range(100))


def test_calls_to_blame_themselves_do_not_stop_the_others() -> None:
    async def work(item: int) -> int:
        if item < 50:
            raise Fault("too long")
        return item

    assert fly(work, list(range(60)))[50:] == list(range(50, 60))


def test_a_hang_ends_at_the_time_limit_and_a_deadline_is_not_repeated() -> None:
    calls: list[int] = []

    async def work(item: int) -> int:
        calls.append(item)
        await asyncio.sleep(30)
        return item

    [slow] = fly(work, [1], Limits(timeout=0.05, retries=1, first_wait=0.001))
    assert isinstance(slow, Fault)
    assert slow.message == (
        "no complete answer within 0.05 s: raise timeout, or lower concurrency (tried 2 times)"
    )
    got = fly(work, [2, 3, 4], Limits(concurrency=1, timeout=9.0, deadline=0.1, retries=5))
    assert calls == [1, 1, 2]
    assert [o.message.partition(":")[0] for o in got if isinstance(o, Fault)] == [
        "no complete answer within 0.1 s",
        "the deadline of 0.1 s for all calls has passed",
        "the deadline of 0.1 s for all calls has passed",
    ]


def test_no_repetition_beyond_the_deadline() -> None:
    async def work(item: int) -> int:
        raise Fault("busy", again=True, wait=5.0)

    [got] = fly(work, [1], Limits(deadline=0.5))
    assert isinstance(got, Fault)
    assert got.message == "busy; no time is left to try again: raise deadline (it is 0.5 s)"


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"timeout": 0.0}, {"deadline": 0.0}, {"retries": -1}])
def test_limits_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is "):
        Limits(**wrong)


def test_an_interrupt_is_not_swallowed() -> None:
    async def work(item: int) -> int:
        if item == 1:
            signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(30)
        return item

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            fly(work, [1, 2])
    finally:
        signal.signal(signal.SIGINT, before)
