"""The user's own application as a pipeline."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import Any

from .active import meter
from .calls.running import run
from .pipeline import BATCH, Batch, Responds
from .records import Case, Prompt, Response
from .store import canonical

_TOO_LONG = "no answer within {} seconds"


class CallablePipeline(Responds):
    """The user's own application under test.

    Args:
        function: takes a question and gives a text or a :class:`Response`; plain or async. An
            exception, and an answer of another type, becomes the case's error, and the other cases go on.
        name: shown in reports; the function's name unless given.
        version: names the state of the application. With it answers are recorded and replayed until
            it changes; without it (the default) every run asks anew, since nothing tells whether the
            application changed.
        concurrency: most calls of an async function at once.
        timeout: seconds that one call may take; None for no limit. A plain function that takes longer
            cannot be ended: it is left behind in a thread of its own.
    """

    def __init__(
        self,
        function: Callable[[str], Any],
        *,
        name: str | None = None,
        version: str | None = None,
        concurrency: int = 8,
        timeout: float | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(f"CallablePipeline got {function!r}: expected a function from question to answer")
        if concurrency < 1:
            raise ValueError(f"concurrency is {concurrency}: expected at least 1")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout is {timeout}: expected seconds above 0, or None for no limit")
        self.function, self.version = function, version
        self.name: str = name or _name_of(function)
        if any(character in self.name for character in "/\\"):
            raise ValueError(f"the pipeline's name is {self.name!r}: expected a word that can be a file name")
        self.concurrency, self.timeout = concurrency, timeout

    def __repr__(self) -> str:
        return f"CallablePipeline({self.name!r})"

    @property
    def identity(self) -> str | None:
        """Name and version; None without a version."""
        if self.version is None:
            return None
        return canonical({"kind": "callable", "name": self.name, "version": self.version})

    def run(self, cases: Sequence[Case]) -> Iterator[Batch]:
        """Ask the application, in batches; an async one several questions at once."""
        size = max(BATCH, self.concurrency)
        for start in range(0, len(cases), size):
            part = cases[start : start + size]
            yield list(enumerate(self._metered(part), start=start))

    def _metered(self, cases: Sequence[Case]) -> list[Response]:
        """The answers, or what a budget or a plan says in their place."""
        hears, prompts = meter(), [Prompt(case.question) for case in cases]
        instead = None if hears is None else hears.begin(self, prompts)
        if instead is not None:
            return [Response(None, case=c, error=g.error) for c, g in zip(cases, instead, strict=True)]
        if self._is_async():
            responses = self._ask_together(cases, self.function)
        else:
            responses = [self._ask(case) for case in cases]
        if hears is not None:
            hears.end(self, prompts, responses)
        return responses

    def _is_async(self) -> bool:
        call = getattr(self.function, "__call__", self.function)  # noqa: B004 - an object with async __call__
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)

    def _ask(self, case: Case) -> Response:
        start = time.perf_counter()
        try:
            answer = _in_time(lambda: self.function(case.question), self.timeout)
            if not inspect.isawaitable(answer):
                return self._response(case, answer, time.perf_counter() - start)
        except Exception as error:
            return _failed(case, error)
        return self._ask_together([case], lambda question: answer)[0]

    def _ask_together(self, cases: Sequence[Case], ask: Callable[[str], Any]) -> list[Response]:
        """The answers of coroutines that run side by side."""
        gate, ends = asyncio.Semaphore(self.concurrency), list[BaseException]()

        async def all_of_them() -> list[Response]:
            tasks = []
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._one(case, ask, gate)) for case in cases]
            except* _Ended as ended:
                ends.extend(ended.exceptions)
            return [] if ends else [task.result() for task in tasks]

        responses = run(all_of_them())
        if ends:
            raise ends[0].args[0]
        return responses

    async def _one(self, case: Case, ask: Callable[[str], Any], gate: asyncio.Semaphore) -> Response:
        async with gate:
            start = time.perf_counter()
            try:
                answer = await _awaited(ask(case.question), self.timeout)
                return self._response(case, answer, time.perf_counter() - start)
            except Exception as error:
                return _failed(case, error)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                return _failed(case, error)  # the application cancelled itself
            except BaseException as error:
                raise _Ended(error) from None

    def _response(self, case: Case, answer: Any, seconds: float) -> Response:
        if isinstance(answer, str):
            return Response(text=answer, case=case, seconds=seconds)
        if isinstance(answer, Response):
            taken = seconds if answer.seconds is None else answer.seconds
            return replace(answer, case=case, seconds=taken)
        raise TypeError(
            f"{self.name} returned {type(answer).__name__}: expected a string, or "
            "pytest_ragtune.Response(text, contexts=[...], ranking=[...])"
        )


def _name_of(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__)).strip("<>")


class _Ended(Exception):
    """An interrupt or the like on its way out of the loop, which it would end for good."""


def _failed(case: Case, error: BaseException) -> Response:
    return Response(text=None, case=case, error=f"{type(error).__name__}: {error}")


async def _awaited(value: Any, seconds: float | None) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await value
    except TimeoutError:
        if limit.expired():
            raise TimeoutError(_TOO_LONG.format(seconds)) from None
        raise


def _in_time(call: Callable[[], Any], seconds: float | None) -> Any:
    """What a plain function gives; one that takes too long is left behind in its thread."""
    if seconds is None:
        return call()
    future: Future[Any] = Future()
    context = copy_context()

    def work() -> None:
        try:
            future.set_result(context.run(call))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=work, name="application-call", daemon=True).start()
    if not wait([future], timeout=seconds).done:
        raise TimeoutError(_TOO_LONG.format(seconds))
    return future.result()
