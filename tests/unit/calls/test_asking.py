from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pytest_ragtune.calls.asking import asking
from pytest_ragtune.calls.running import run
from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Generation, Prompt


class Batching:
    """A generator that takes batches and notes them; ``schema`` is part of each answer."""

    identity = "batching"

    def __init__(self, schema: object = None, seen: list[list[str]] | None = None) -> None:
        self.schema = schema
        self.batches: list[list[str]] = [] if seen is None else seen

    def with_schema(self, schema: Mapping[str, Any], name: str = "answer") -> Batching:
        return Batching(schema, self.batches)

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        self.batches.append([prompt.user for prompt in prompts])
        if any(prompt.user == "bad" for prompt in prompts):
            raise RuntimeError("out of memory")
        return [Generation(f"{prompt.user} {self.schema}") for prompt in prompts]


def ask_all(generator: Generator, questions: Sequence[tuple[str, Any]]) -> list[Any]:
    async def inside() -> list[Any]:
        async with asking(generator) as ask:
            asked = [ask(Prompt(text), schema) for text, schema in questions]
            return await asyncio.gather(*asked, return_exceptions=True)

    return run(inside())


def test_questions_put_together_are_one_batch_a_schema() -> None:
    generator = Batching()
    got = ask_all(generator, [("a", None), ("b", {"x": 1}), ("c", None), ("d", {"x": 1})])
    assert [g.text for g in got] == ["a None", "b {'x': 1}", "c None", "d {'x': 1}"]
    assert generator.batches == [["a", "c"], ["b", "d"]]


def test_a_generator_that_raises_fails_its_batch_and_the_next_goes_on() -> None:
    async def inside() -> list[Any]:
        async with asking(Batching()) as ask:
            first = await asyncio.gather(ask(Prompt("bad")), ask(Prompt("a")), return_exceptions=True)
            return [*first, await ask(Prompt("b"))]

    one, two, three = run(inside())
    assert isinstance(one, RuntimeError)
    assert isinstance(two, RuntimeError)
    assert three.text == "b None"


def test_a_generator_that_loses_answers_is_an_error() -> None:
    class Lossy(Batching):
        def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
            return []

    [got] = ask_all(Lossy(), [("a", None)])
    assert isinstance(got, ValueError)


def test_a_question_given_up_does_not_disturb_the_others() -> None:
    async def inside() -> Generation:
        async with asking(Batching()) as ask:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask(Prompt("slow")), 0)
            return await ask(Prompt("next"))

    assert run(inside()).text == "next None"


def test_a_generator_of_its_own_asking_keeps_its_bounds() -> None:
    busy, most = [0], [0]

    async def function(prompt: Prompt, schema: Any = None) -> str:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        await asyncio.sleep(0.002)
        busy[0] -= 1
        if prompt.user == "bad":
            raise RuntimeError("no")
        return f"{prompt.user} {schema}"

    generator = CallableGenerator(function, name="f", version="1", concurrency=3)
    got = ask_all(generator, [(str(i), {"i": i}) for i in range(12)] + [("bad", None)])
    assert [g.text for g in got[:12]] == [f"{i} {{'i': {i}}}" for i in range(12)]
    assert got[12].error == "RuntimeError: no"
    assert most[0] == 3
