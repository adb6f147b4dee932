"""From plain functions into coroutines."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterator
from concurrent.futures import Future, wait
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_CLEAN_UP_SECONDS = 2.0
"""Longest wait for calls that were given up, and at the end of the process for the loop."""
_LOOKS_UP_SECONDS = 0.5
"""How soon an interruption is noticed where the system does not wake a thread that waits."""
_GIVEN_UP = "the calls were given up"


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a coroutine ended the process with."""

    error: BaseException


class _Call(Generic[T]):
    """A coroutine on a loop of another thread."""

    def __init__(self, work: Coroutine[Any, Any, T], home: _Loop) -> None:
        self._work, self._home = work, home
        self._task: asyncio.Task[T | _Ended] | None = None
        self.outcome: Future[T] = Future()

    def _begin(self) -> None:
        if not self.outcome.done():  # it may have been cancelled before it began
            self._task = self._home.loop.create_task(self._whole())
            self._task.add_done_callback(self._end)

    async def _whole(self) -> T | _Ended:
        try:
            return await self._work
        except (SystemExit, KeyboardInterrupt) as error:  # out of a task, it would end the loop
            return _Ended(error)

    def _end(self, task: asyncio.Task[T | _Ended]) -> None:
        self._work.close()  # of a task that was cancelled before it began
        self._home.calls.discard(self)
        if task.cancelled():
            self.outcome.set_exception(RuntimeError(_GIVEN_UP))
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        elif isinstance(found := task.result(), _Ended):
            self.outcome.set_exception(found.error)
        else:
            self.outcome.set_result(found)

    def cancel(self) -> None:
        """Cancel the coroutine; its outcome comes when it has ended."""
        with suppress(RuntimeError):  # the loop is closed, so that it has ended
            self._home.loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self._give_up(RuntimeError(_GIVEN_UP))

    def _give_up(self, error: RuntimeError) -> None:
        """Let a coroutine end that has not begun."""
        self._work.close()
        self._home.calls.discard(self)
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def result(self) -> T:
        """What the coroutine gives, begun now; it is cancelled when whoever waits is interrupted.

        The interruption may come as soon as it has begun: by then this is ready for it.
        """
        try:
            try:
                self._home.begin(self, self._begin)
            except RuntimeError as error:  # the loop is closed
                self._give_up(error)
            while not self.outcome.done():
                wait([self.outcome], _LOOKS_UP_SECONDS)
            return self.outcome.result()
        except BaseException:
            if not self.outcome.done():
                self.cancel()
                wait([self.outcome], _CLEAN_UP_SECONDS)
            raise


@dataclass(slots=True)
class _Kept:
    """What stays open as long as someone uses :func:`one_loop`."""

    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    things: dict[Hashable, Any] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class _Loop:
    """A loop in a thread of its own, from its first use to the end of the process.

    One loop for all calls, since what the functions of users hold (the client of a vendor, above all) works
    only on the loop that it was first used on.
    """

    def __init__(self) -> None:
        self.kept: _Kept | None = None
        self.calls: set[_Call[Any]] = set()
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="ragtune-loop", daemon=True)
        self._thread.start()
        self.loop, self._end = ready.result()

    def _run(self, ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
        async def serve() -> None:
            end = asyncio.Event()
            ready.set_result((asyncio.get_running_loop(), end))
            await end.wait()

        try:
            asyncio.run(serve())
        except (SystemExit, KeyboardInterrupt, RuntimeError):  # of a task that a call began
            pass
        finally:
            for call in list(self.calls):
                if not call.outcome.done():
                    call.outcome.set_exception(RuntimeError(_GIVEN_UP))

    def begin(self, call: _Call[Any], begins: Callable[[], None]) -> None:
        self.calls.add(call)
        try:
            self.loop.call_soon_threadsafe(begins)
        except RuntimeError:
            self.calls.discard(call)
            raise

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_CLEAN_UP_SECONDS)

    async def enter(self) -> None:
        self.kept = self.kept or _Kept()
        self.kept.users += 1

    async def leave(self) -> None:
        assert self.kept is not None
        self.kept.users -= 1
        if self.kept.users == 0:
            over, self.kept = self.kept, None
            await over.stack.aclose()


class _User:
    """One block of :func:`one_loop`: what it runs ends with it."""

    def __init__(self, home: _Loop) -> None:
        self.home, self.is_over = home, False
        self._running: set[_Call[Any]] = set()
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self.is_over:
                work.close()
                raise RuntimeError(_GIVEN_UP)
            call = _Call(work, self.home)
            self._running.add(call)
        try:
            return call.result()
        finally:
            self._running.discard(call)

    def end(self) -> None:
        with self._lock:
            self.is_over = True
            running = list(self._running)
        for call in running:
            call.cancel()
        wait([call.outcome for call in running], _CLEAN_UP_SECONDS)


_user: ContextVar[_User | None] = ContextVar("_user", default=None)
_depth: ContextVar[int] = ContextVar("_depth", default=0)
_loops: list[_Loop] = []  # a call from inside a call of number n, which blocks it, goes to number n + 1
_door = threading.Lock()


def _loop_at(depth: int) -> _Loop:
    with _door:
        while len(_loops) <= depth:
            _loops.append(_Loop())
        if _loops[depth].loop.is_closed():
            _loops[depth] = _Loop()
        return _loops[depth]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on the one loop that all calls of the process share.

    That loop has a thread of its own, so nothing is patched: a notebook's or an application's loop stays as
    it is, and waits. An interruption (Ctrl-C) cancels the coroutine.
    """
    inside = _running_here()
    if inside is not None:
        context = copy_context()
        context.run(_depth.set, inside + 1)
        context.run(_user.set, None)
        return context.run(_Call(work, _loop_at(inside + 1)).result)
    user = _user.get()
    return _Call(work, _loop_at(_depth.get())).result() if user is None else user.run(work)


def _running_here() -> int | None:
    """Which of the loops runs in this thread; None when it is none of them."""
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return next((depth for depth, known in enumerate(_loops) if known.loop is here), None)


@contextmanager
def one_loop() -> Iterator[Context]:
    """A context in copies of which rounds of calls share their connections (see :func:`kept`).

    What still runs at the end is cancelled.
    """
    inside = _running_here()
    depth = _depth.get() if inside is None else inside + 1
    shared, context = _loop_at(depth), copy_context()
    user = _User(shared)
    context.run(_depth.set, depth)
    context.run(_user.set, user)
    _Call(shared.enter(), shared).result()
    try:
        yield context
    finally:
        user.end()
        _Call(shared.leave(), shared).result()


@asynccontextmanager
async def kept(key: Hashable, make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """What ``make`` opens, open until :func:`one_loop` ends and shared under ``key``; else for this block."""
    here = None if _user.get() is None else _running_here()
    known = None if here is None else _loops[here].kept
    if known is None:
        async with make() as fresh:
            yield fresh
        return
    async with known.lock:
        if key not in known.things:
            known.things[key] = await known.stack.enter_async_context(make())
    yield known.things[key]


def _forget() -> None:
    """A child of this process has none of its threads."""
    global _door
    _loops.clear()
    _door = threading.Lock()


@atexit.register
def _stop() -> None:
    for loop in _loops:
        loop.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
