"""Threads that the interpreter does not wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads:
    """Runs plain functions from a few threads, as ``ThreadPoolExecutor`` does, but ends with the process.

    A thread of the standard library's pool that never returns (a client that waits for a server for ever)
    keeps the interpreter from exiting, long after the call was given up.

    Args:
        most: most threads.
        name: how they are called.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._threads = 0
        self._idle = threading.Semaphore(0)
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """What ``call`` gives, or raises, in a thread; in turn when all are busy."""
        future: Future[T] = Future()
        self._work.put((future, call))
        if not self._idle.acquire(blocking=False) and self._threads < self._most:
            self._threads += 1
            name = f"{self._name}_{self._threads}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        return future

    def end(self) -> None:
        """Let each thread end with the call that it is in; what was not begun is not."""
        with suppress(Empty):
            while True:
                waiting = self._work.get_nowait()
                if waiting is not None:
                    waiting[0].cancel()
        for _ in range(self._threads):
            self._work.put(None)

    def _serve(self) -> None:
        while (task := self._work.get()) is not None:
            future, call = task
            if future.set_running_or_notify_cancel():
                try:
                    found = call()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(found)
            del task, future, call
            self._idle.release()
