from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing

import pytest

from pytest_ragtune.calls.flight import Flight, Health, Limits
from pytest_ragtune.calls.parts import Parts, in_parts, parts_for
from pytest_ragtune.calls.running import kept, one_loop, run
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge
from pytest_ragtune.generation.endpoint import EndpointGenerator
from pytest_ragtune.judges.majority import MajorityJudge
from pytest_ragtune.judges.prompted import PromptedJudge

HERE = EndpointGenerator("m", base_url="http://127.0.0.1:1/v1", concurrency=40)
SMALL = EndpointGenerator("m", base_url="http://127.0.0.1:1/v1", concurrency=2)
LOCAL = ScriptedGenerator(lambda prompt: "yes")
QUICK = ScriptedJudge(lambda context, claim: 1.0)


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        (QUICK, Parts(None, 1)),
        (LOCAL, Parts(16, 1)),
        (PromptedJudge(LOCAL), Parts(16, 1)),
        (HERE, Parts(40, 3, 640)),
        (PromptedJudge(HERE), Parts(40, 3, 640)),
        (PromptedJudge(SMALL), Parts(8, 3, 128)),
        (MajorityJudge([PromptedJudge(HERE), PromptedJudge(SMALL)]), Parts(8, 3, 128)),
        (MajorityJudge([PromptedJudge(HERE), QUICK]), Parts(40, 1)),
        (MajorityJudge([QUICK, QUICK]), Parts(None, 1)),
    ],
)
def test_only_judges_that_ask_a_model_work_in_parts(judge: object, expected: Parts) -> None:
    assert parts_for(judge) == expected


@pytest.mark.parametrize("plan", [Parts(), Parts(3), Parts(3, 3), Parts(100, 3)])
def test_every_item_is_worked_on_once(plan: Parts) -> None:
    found = dict[int, int]()
    for part, squares in in_parts(lambda part: [n * n for n in part], range(20), plan):
        assert plan.size is None or len(part) <= plan.size
        found |= dict(zip(part, squares, strict=True))
    assert found == {n: n * n for n in range(20)}
    assert list(in_parts(len, [], plan)) == []


def test_parts_grow_while_they_take_no_time_and_never_while_they_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pytest_ragtune.calls.parts._INSTANT", 0.5)
    monkeypatch.setattr("pytest_ragtune.calls.parts._LONG_PART", 2.0)
    plan = Parts(4, 3, 16)
    quick = [len(part) for part, _ in in_parts(len, range(200), plan)]
    assert sum(quick) == 200
    assert (min(quick[:-1]), max(quick)) == (4, 16)
    waiting = [len(part) for part, _ in in_parts(lambda part: time.sleep(0.6), range(20), plan)]
    assert waiting == [4] * 5


def test_a_part_is_given_out_before_the_next_but_two_begins() -> None:
    begun: list[int] = []

    def work(part: Sequence[int]) -> None:
        begun.append(part[0])

    with closing(in_parts(work, range(100), Parts(1, 3))) as parts:
        next(parts)
        assert len(begun) <= 3


def test_what_was_under_way_is_finished_before_the_error_and_nothing_else_begins() -> None:
    has_failed = threading.Event()

    def work(part: Sequence[int]) -> int:
        if part[0] == 0:
            has_failed.set()
            raise ZeroDivisionError("first")
        assert has_failed.wait(60)
        return part[0]

    found: list[int] = []
    with pytest.raises(ZeroDivisionError, match="first"):
        found.extend(result for _, result in in_parts(work, range(50), Parts(1, 2)))
    assert 1 in found
    assert len(found) <= 3


def test_rounds_from_several_threads_share_one_bound_and_one_pause() -> None:
    at_once, most = 0, 0
    limits, health = Limits(concurrency=3), Health()

    async def call(item: int) -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.002)
        at_once -= 1
        return item

    def work(part: Sequence[int]) -> list[object]:
        return list(run(Flight(call, limits, health).all(part)))

    found = [n for _, part in in_parts(work, range(60), Parts(10, 3)) for n in part]
    assert sorted(n for n in found if isinstance(n, int)) == list(range(60))
    assert most == 3


def test_giving_up_cancels_the_calls_that_are_under_way() -> None:
    cancelled: list[int] = []
    under_way = threading.Event()

    async def call(item: int) -> int:
        if item < 1:
            await asyncio.to_thread(under_way.wait)
            return item
        try:
            under_way.set()
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    def work(part: Sequence[int]) -> list[object]:
        return list(run(Flight(call, Limits(timeout=None)).all(part)))

    with closing(in_parts(work, range(4), Parts(1, 3))) as parts:
        assert next(parts) == (range(1), [0])
    assert cancelled
    assert [thread for thread in threading.enumerate() if thread.name.startswith("ragtune-p")] == []


def test_a_call_from_inside_a_call_does_not_wait_for_itself() -> None:
    async def inner() -> str:
        return "inside"

    async def outer() -> str:
        return run(inner())

    with one_loop() as context:
        assert context.run(run, outer()) == "inside"


def test_what_is_kept_is_opened_once_and_closed_at_the_end() -> None:
    happened: list[str] = []

    @asynccontextmanager
    async def connection() -> AsyncIterator[str]:
        happened.append("opened")
        await asyncio.sleep(0.001)
        yield "connection"
        happened.append("closed")

    async def use() -> str:
        async with kept("key", connection) as found:
            return found

    async def twice() -> list[str]:
        return list(await asyncio.gather(use(), use()))

    assert run(use()) == "connection"
    assert happened == ["opened", "closed"]
    with one_loop() as context:
        assert context.run(run, twice()) == ["connection"] * 2
        assert context.run(run, use()) == "connection"
        assert happened == ["opened", "closed", "opened"]
    assert happened == ["opened", "closed"] * 2
