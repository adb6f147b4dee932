"""From plain functions into coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

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
    :class:`~pytest_ragtune.calls.flight.Health`). What still runs at the end is cancelled.
    """
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        end = asyncio.Event()
        ready.set_result((asyncio.get_running_loop(), end))
        await end.wait()

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
