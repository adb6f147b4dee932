"""From plain functions into coroutines."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    """What stays open as long as a loop."""

    stack: AsyncExitStack
    things: dict[Hashable, Any] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Loop:
    """A loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

        async def serve() -> None:
            loop, end = asyncio.get_running_loop(), asyncio.Event()
            async with AsyncExitStack() as open_until_the_end:
                _kept[loop] = _Kept(open_until_the_end)
                ready.set_result((loop, end))
                await end.wait()
                del _kept[loop]

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), name=name, daemon=True)
        self._thread.start()
        self.loop, self._end = ready.result()
        self.users = 0

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


class _User:
    """One block of :func:`one_loop`: what it runs ends with it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.is_over = loop, False
        self._running: set[Future[Any]] = set()
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self.is_over:
                work.close()
                raise RuntimeError("the calls were given up")
            future = asyncio.run_coroutine_threadsafe(work, self.loop)
            self._running.add(future)
        try:
            return future.result()
        finally:
            self._running.discard(future)

    def end(self) -> None:
        with self._lock:
            self.is_over = True
            for future in list(self._running):
                future.cancel()


_kept: dict[asyncio.AbstractEventLoop, _Kept] = {}
_shared: ContextVar[_User | None] = ContextVar("_shared", default=None)
_loops: list[_Loop] = []  # the one that is running, if any
_lasting: list[_Loop] = []  # the one of run_with_the_others, once there is one
_door = threading.Lock()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end: in a context of :func:`one_loop` on that loop, else on a loop of its own.

    When this thread has a running loop, that is in a thread of its own. Nothing is patched: a notebook's or
    an application's loop stays as it is, and waits.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        user = _shared.get()
        return asyncio.run(work) if user is None else user.run(work)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragtune-calls") as pool:
        return pool.submit(asyncio.run, work).result()


@contextmanager
def one_loop() -> Iterator[Context]:
    """A context in copies of which :func:`run` uses one loop, the same for all who ask at the same time.

    So rounds of calls that are made from several threads at once share their bounds (see
    :class:`~pytest_ragtune.calls.flight.Health`) and their connections (see :func:`kept`). What still runs at
    the end is cancelled.
    """
    with _door:
        if not _loops:
            _loops.append(_Loop("ragtune-loop"))
        shared = _loops[0]
        shared.users += 1
    user, context = _User(shared.loop), copy_context()
    context.run(_shared.set, user)
    try:
        yield context
    finally:
        user.end()
        with _door:
            shared.users -= 1
            if shared.users == 0:
                _loops.remove(shared)
                shared.stop()


def run_with_the_others(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on one loop, the same for all who call this in the process.

    For the user's own coroutines: a client or a lock of theirs belongs to the loop that it was first used
    on, and would not work on the next one. The loop has a thread of its own and ends with the process.
    """
    with _door:
        if not _lasting or not _lasting[0].is_alive:
            _lasting[:] = [_Loop("application-loop")]
        loop = _lasting[0].loop
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    finally:
        future.cancel()  # whoever was interrupted waits no longer, so nothing goes on


@atexit.register
def _end_lasting_loop() -> None:
    while _lasting:
        _lasting.pop().stop()


@asynccontextmanager
async def kept(key: Hashable, make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """What ``make`` opens, open until :func:`one_loop` ends and shared under ``key``; else for this block."""
    known = _kept.get(asyncio.get_running_loop())
    if known is None:
        async with make() as fresh:
            yield fresh
        return
    async with known.lock:
        if key not in known.things:
            known.things[key] = await known.stack.enter_async_context(make())
    yield known.things[key]
