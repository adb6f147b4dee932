"""From one question at a time, asked by coroutines, to a generator that takes batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import copy_context
from typing import Any, Protocol

from pytest_ragtune.active import Meter, generate, meter
from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Generation, Prompt

from .threads import DaemonThreads

Schema = Mapping[str, Any]


class Ask(Protocol):
    """Asks one prompt."""

    async def __call__(self, prompt: Prompt, schema: Schema | None = None) -> Generation:
        """The generation; under ``schema`` where the generator can be constrained."""
        ...


def asking(generator: Generator) -> AbstractAsyncContextManager[Ask]:
    """A function to ask prompts one by one from many coroutines at once.

    A generator with a method ``asking`` of its own (an endpoint) is asked through it. Any other is asked in
    batches: whatever has come together while the batch before was written, one batch at a time.
    """
    own = getattr(generator, "asking", None)
    if own is None:
        return _batched(generator)
    found: AbstractAsyncContextManager[Ask] = own()
    hears = meter()
    return found if hears is None else _metered(generator, found, hears)


@asynccontextmanager
async def _metered(
    generator: Generator, asks: AbstractAsyncContextManager[Ask], hears: Meter
) -> AsyncIterator[Ask]:
    """The same function, of whose calls a budget or a plan hears."""
    async with asks as inner:

        async def ask(prompt: Prompt, schema: Schema | None = None) -> Generation:
            prompts = [prompt]
            instead = hears.begin(generator, prompts)
            if instead is not None:
                found: Generation = instead[0]
                return found
            answer = await inner(prompt, schema)
            hears.end(generator, prompts, [answer])
            return answer

        yield ask


_Waiting = tuple[Prompt, Schema | None, "asyncio.Future[Generation]"]


@asynccontextmanager
async def _batched(generator: Generator) -> AsyncIterator[Ask]:
    waiting: list[_Waiting] = []
    arrived, threads = asyncio.Event(), DaemonThreads(1, "ragtune-batch")

    async def ask(prompt: Prompt, schema: Schema | None = None) -> Generation:
        answer: asyncio.Future[Generation] = asyncio.get_running_loop().create_future()
        waiting.append((prompt, schema, answer))
        arrived.set()
        return await answer

    async def serve() -> None:
        while True:
            await arrived.wait()
            await asyncio.sleep(0)  # let every coroutine that is ready put its question
            arrived.clear()
            batch, waiting[:] = list(waiting), []
            for group in _by_schema(batch):
                await _answer(generator, group, threads)

    server = asyncio.create_task(serve())
    try:
        yield ask
    finally:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
        threads.end()


def _by_schema(batch: Sequence[_Waiting]) -> list[list[_Waiting]]:
    groups: list[list[_Waiting]] = []
    for item in batch:
        for group in groups:
            if group[0][1] == item[1]:
                group.append(item)
                break
        else:
            groups.append([item])
    return groups


async def _answer(generator: Any, group: Sequence[_Waiting], threads: DaemonThreads) -> None:
    schema = group[0][1]
    shape = getattr(generator, "with_schema", None)
    asked = generator if schema is None or shape is None else shape(schema)
    try:
        context, prompts = copy_context(), [prompt for prompt, _, _ in group]
        found = await asyncio.wrap_future(threads.submit(lambda: context.run(generate, asked, prompts)))
        if len(found) != len(group):
            raise ValueError(f"the generator gave {len(found)} answers to {len(group)} prompts")
    except Exception as error:  # whoever asked learns of it; the next batch goes on
        for _, _, answer in group:
            if not answer.done():
                answer.set_exception(error)
        return
    for (_, _, answer), generation in zip(group, found, strict=True):
        if not answer.done():
            answer.set_result(generation)
