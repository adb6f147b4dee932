"""From plain functions into coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    """What stays open as long as a loop."""

    stack: AsyncExitStack
    things: dict[Hashable, Any] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_kept: dict[asyncio.AbstractEventLoop, _Kept] = {}
_shared: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("_shared", default=None)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end: on the loop of :func:`one_loop` inside it, else on a loop of its own.

    When this thread has a running loop, that is in a thread of its own. Nothing is patched: a notebook's or
    an application's loop stays as it is, and waits.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        loop = _shared.get()
        if loop is None:
            return asyncio.run(work)
        if loop.is_closed():
            work.close()
            raise RuntimeError("the calls were given up") from None
        return asyncio.run_coroutine_threadsafe(work, loop).result()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragtune-calls") as pool:
        return pool.submit(asyncio.run, work).result()


@contextmanager
def one_loop() -> Iterator[None]:
    """Let :func:`run` use one loop, in this context and in threads that are given a copy of it.

    So rounds of calls that are made from several threads at once share their bounds (see
    :class:`~pytest_ragtune.calls.flight.Health`) and their connections (see :func:`kept`). What still runs at
    the end is cancelled.
    """
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as open_until_the_end:
            _kept[loop] = _Kept(open_until_the_end)
            ready.set_result((loop, end))
            await end.wait()
            del _kept[loop]

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="ragtune-loop", daemon=True)
    thread.start()
    loop, end = ready.result()
    token = _shared.set(loop)
    try:
        yield
    finally:
        _shared.reset(token)
        loop.call_soon_threadsafe(end.set)
        thread.join()


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
