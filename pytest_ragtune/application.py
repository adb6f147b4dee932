"""The user's own application as a pipeline."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from .active import meter
from .calls.running import run
from .pipeline import BATCH, Batch, Responds
from .records import Case, Prompt, Response
from .store import canonical


class CallablePipeline(Responds):
    """The user's own application under test.

    Args:
        function: takes a question and gives a text or a :class:`Response`; plain or async. An
            exception becomes the case's error, and the other cases go on.
        name: shown in reports; the function's name unless given.
        version: names the state of the application. With it answers are recorded and replayed until
            it changes; without it (the default) every run asks anew, since nothing tells whether the
            application changed.
        concurrency: most calls of an async function at once.
        timeout: seconds that one call of an async function may take; None for no limit.
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
        self.function, self.version = function, version
        self.name: str = name or getattr(function, "__name__", type(function).__name__).strip("<>")
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
        responses = self._ask_async(cases) if self._is_async() else [self._ask(case) for case in cases]
        if hears is not None:
            hears.end(self, prompts, responses)
        return responses

    def _is_async(self) -> bool:
        call = getattr(self.function, "__call__", self.function)  # noqa: B004 - an object with async __call__
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)

    def _ask(self, case: Case) -> Response:
        start = time.perf_counter()
        try:
            answer = self.function(case.question)
            if inspect.isawaitable(answer):
                answer = run(_awaited(answer))
        except Exception as error:
            return Response(text=None, case=case, error=f"{type(error).__name__}: {error}")
        return self._response(case, answer, time.perf_counter() - start)

    def _ask_async(self, cases: Sequence[Case]) -> list[Response]:
        async def one(case: Case, gate: asyncio.Semaphore) -> Response:
            async with gate:
                start = time.perf_counter()
                try:
                    answer = await asyncio.wait_for(self.function(case.question), self.timeout)
                except TimeoutError as error:
                    limit = f"no answer within {self.timeout} seconds" if self.timeout else str(error)
                    return Response(text=None, case=case, error=f"TimeoutError: {limit}")
                except (Exception, SystemExit) as error:
                    return Response(text=None, case=case, error=f"{type(error).__name__}: {error}")
                except asyncio.CancelledError:
                    if (task := asyncio.current_task()) is None or task.cancelling():
                        raise
                    return Response(text=None, case=case, error="CancelledError: cancelled from within")
                return self._response(case, answer, time.perf_counter() - start)

        async def all_of_them() -> list[Response]:
            gate = asyncio.Semaphore(self.concurrency)
            return await asyncio.gather(*(one(case, gate) for case in cases))

        return run(all_of_them())

    def _response(self, case: Case, answer: Any, seconds: float) -> Response:
        if isinstance(answer, str):
            return Response(text=answer, case=case, seconds=seconds)
        if isinstance(answer, Response):
            taken = seconds if answer.seconds is None else answer.seconds
            return replace(answer, case=case, seconds=taken)
        raise TypeError(
            f"{self.name} returned {type(answer).__name__} for {case.question!r}: expected a string, or "
            "pytest_ragtune.Response(text, contexts=[...], ranking=[...])"
        )


async def _awaited(value: Any) -> Any:
    return await value
