"""Any model behind a Python function as a generator: for vendors without an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pytest_ragtune.calls.asking import Ask
from pytest_ragtune.calls.backoff import Fault, retry_after
from pytest_ragtune.calls.flight import Flight, Health, Limits
from pytest_ragtune.calls.running import run
from pytest_ragtune.calls.threads import DaemonThreads
from pytest_ragtune.errors import ModelError
from pytest_ragtune.records import Generation, Prompt

Question = tuple[Prompt, Mapping[str, Any] | None]
"""A prompt, and the schema of its answer."""
_encode = json.JSONEncoder(sort_keys=True).encode
_AGAIN = frozenset({408, 409, 425, 429})


class CallableGenerator:
    """Answers prompts with a function, plain or async, with the bounds and repetitions of an endpoint.

    An exception with a status of 408, 409, 425, 429 or 5xx (``status_code``, ``status`` or ``code``), a
    ``ConnectionError`` and a ``TimeoutError`` are repeated, after the wait in ``exception.response.headers``
    where there is one. Any other exception is the prompt's error, and the other prompts go on. A plain
    function is called from ``concurrency`` threads, and cannot be interrupted when its time is up: it is left
    behind in its thread, which does not keep the process from ending.

    Args:
        function: from a :class:`~pytest_ragtune.records.Prompt` to a text or a ``Generation``. If it has a
            parameter ``schema``, it is given the JSON Schema that an answer must follow, or None.
        name: names the model in reports and keys.
        version: names the state of model and function; answers are replayed until it changes.
        concurrency: most calls at once.
        timeout: seconds that one call may take; None for no limit.
        deadline: seconds that one call of :meth:`generate` may take; None for no limit.
        retries: repetitions of a call that may succeed later.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str,
        version: str,
        concurrency: int = 8,
        timeout: float | None = 60.0,
        deadline: float | None = None,
        retries: int = 6,
    ) -> None:
        if not callable(function):
            raise ModelError(f"CallableGenerator got {function!r}: expected a function from prompt to text")
        self.function, self.name, self.version = function, name, version
        try:
            self.limits = Limits(concurrency, timeout, deadline, retries)
        except ValueError as error:
            raise ModelError(f"{error}: change it") from error
        self.schema: dict[str, Any] | None = None
        self.takes_schema = "schema" in inspect.signature(function).parameters
        self._health = Health()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, version={self.version!r})"

    @property
    def identity(self) -> str:
        """Name, version and schema, as JSON."""
        parts = {"kind": "callable", "name": self.name, "version": self.version, "schema": self.schema}
        return _encode(parts)

    def with_schema(self, schema: Mapping[str, Any], name: str = "answer") -> CallableGenerator:
        """The same generator, asking for answers under ``schema`` if the function takes one."""
        if not self.takes_schema:
            return self
        other = copy.copy(self)
        other.schema = dict(schema)
        return other

    def plan(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Batches of four times ``concurrency``, in order."""
        size = 4 * self.limits.concurrency
        return [list(range(at, min(at + size, len(prompts)))) for at in range(0, len(prompts), size)]

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """One generation a prompt; a prompt that fails gives one with ``error``."""
        return run(self._generate(prompts)) if prompts else []

    async def _generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        async with self._flight() as flight:
            outcomes = await flight.all([(prompt, self.schema) for prompt in prompts])
        return [_checked(outcome) for outcome in outcomes]

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Ask]:
        """A function to ask prompts one by one from a coroutine, each under its own schema if need be."""
        async with self._flight() as flight:

            async def ask(prompt: Prompt, schema: Mapping[str, Any] | None = None) -> Generation:
                return _checked(await flight.one((prompt, self.schema if schema is None else schema)))

            yield ask

    @asynccontextmanager
    async def _flight(self) -> AsyncIterator[Flight[Question, Generation]]:
        function: Any = self.function
        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - an object with async __call__
        )
        pool = None if is_async else DaemonThreads(self.limits.concurrency, "ragtune-callable")

        async def work(question: Question) -> Generation:
            prompt, schema = question
            options = {"schema": schema} if self.takes_schema else {}
            begun = time.perf_counter()
            try:
                if pool is None:
                    answer = await function(prompt, **options)
                else:
                    answer = await asyncio.wrap_future(pool.submit(lambda: function(prompt, **options)))
            except Exception as error:
                raise _fault(error) from error
            return _generation(answer, time.perf_counter() - begun)

        try:
            yield Flight(work, self.limits, self._health)
        finally:
            if pool is not None:
                pool.end()


def _checked(outcome: Generation | Fault) -> Generation:
    return Generation(None, error=outcome.message) if isinstance(outcome, Fault) else outcome


def _fault(error: Exception) -> Fault:
    if isinstance(error, Fault):
        return error
    statuses = [getattr(error, name, None) for name in ("status_code", "status", "code")]
    status = next((s for s in statuses if isinstance(s, int)), 0)
    again = status in _AGAIN or 500 <= status < 600 or isinstance(error, ConnectionError | TimeoutError)
    headers = getattr(getattr(error, "response", None), "headers", None)
    wait = retry_after(headers) if isinstance(headers, Mapping) else None
    return Fault(f"{type(error).__name__}: {error}", again=again, wait=wait)


def _generation(answer: object, seconds: float) -> Generation:
    if isinstance(answer, Generation):
        return answer
    if isinstance(answer, str):
        return Generation(answer, seconds=seconds)
    raise Fault(f"the function returned {type(answer).__name__}: expected a string or a Generation")
