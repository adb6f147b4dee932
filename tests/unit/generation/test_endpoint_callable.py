"""A function as a generator."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from pytest_ragtune.calls.running import run
from pytest_ragtune.errors import ModelError
from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Generation, Prompt
from tests.servers.loopback import LoopbackServer, prompt_of

PROMPTS = [Prompt(f"question {i}") for i in range(12)]


class VendorError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"vendor says {status}")
        self.status_code = status


def make(function: Any, **settings: Any) -> CallableGenerator:
    return CallableGenerator(function, **({"name": "vendor", "version": "1"} | settings))


def test_plain_and_async_functions_answer_in_order_and_at_once() -> None:
    busy, most, lock = [0], [0], threading.Lock()

    def plain(prompt: Prompt) -> str:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.02)
        with lock:
            busy[0] -= 1
        return prompt.user.upper()

    async def later(prompt: Prompt) -> Generation:
        await asyncio.sleep(0)
        return Generation(prompt.user, prompt_tokens=2)

    generator = make(plain, concurrency=4)
    assert isinstance(generator, Generator)
    assert [g.text for g in generator.generate(PROMPTS)] == [p.user.upper() for p in PROMPTS]
    assert most[0] == 4
    assert make(later).generate(PROMPTS)[3] == Generation("question 3", prompt_tokens=2)
    assert make(later).generate([]) == []


@pytest.mark.parametrize("error", [VendorError(429), VendorError(503), ConnectionResetError("gone")])
def test_what_may_pass_is_repeated(error: Exception) -> None:
    calls: list[str] = []

    async def once_bad(prompt: Prompt) -> str:
        calls.append(prompt.user)
        if len(calls) == 1:
            raise error
        return "good"

    assert [g.text for g in make(once_bad).generate(PROMPTS[:1])] == ["good"]
    assert len(calls) == 2


def test_what_will_not_pass_is_the_prompts_error() -> None:
    async def bad(prompt: Prompt) -> Any:
        if prompt is PROMPTS[0]:
            raise VendorError(400)
        return None if prompt is PROMPTS[1] else "good"

    got = make(bad).generate(PROMPTS[:3])
    assert [g.error for g in got] == [
        "VendorError: vendor says 400",
        "the function returned NoneType: expected a string or a Generation",
        None,
    ]


def test_a_hang_is_an_error_naming_timeout() -> None:
    async def hang(prompt: Prompt) -> str:
        await asyncio.sleep(60)
        return ""

    [got] = make(hang, timeout=0.05, retries=0).generate(PROMPTS[:1])
    assert "raise timeout" in str(got.error)


def test_schema_reaches_a_function_that_takes_one() -> None:
    seen: list[Any] = []

    async def with_schema(prompt: Prompt, schema: Any) -> str:
        seen.append(schema)
        return "{}"

    generator = make(with_schema)
    shaped = generator.with_schema({"type": "object"})
    shaped.generate(PROMPTS[:1])
    generator.generate(PROMPTS[:1])
    assert seen == [{"type": "object"}, None]
    assert shaped.identity != generator.identity
    assert json.loads(shaped.identity)["schema"] == {"type": "object"}
    plain = make(lambda prompt: "x")
    assert plain.with_schema({}) is plain


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ModelError, match="expected a function"):
        make("not callable")
    with pytest.raises(ModelError, match="concurrency is 0"):
        make(lambda prompt: "", concurrency=0)


def test_plan_covers_every_prompt() -> None:
    assert [len(b) for b in make(lambda p: "", concurrency=1).plan(PROMPTS)] == [4, 4, 4]
    assert repr(make(lambda p: "")) == "CallableGenerator('vendor', version='1')"


def test_a_client_that_belongs_to_one_loop_serves_every_round() -> None:
    """As the clients of vendors do: made once, used by each call, of no use on another loop."""
    openai = pytest.importorskip("openai")
    with LoopbackServer(lambda request: f"answer to {prompt_of(request)}") as server:
        client = openai.AsyncOpenAI(api_key="none", base_url=server.url, max_retries=0)

        async def ask(prompt: Prompt) -> str:
            turn = {"role": "user", "content": prompt.user}
            reply = await client.chat.completions.create(model="m", messages=[turn])
            return str(reply.choices[0].message.content)

        generator = CallableGenerator(ask, name="vendor", version="1", concurrency=2, retries=0)
        for _ in range(3):
            got = generator.generate([Prompt("a"), Prompt("b"), Prompt("c")])
            assert [(one.text, one.error) for one in got] == [(f"answer to {word}", None) for word in "abc"]

        async def close() -> None:
            await client.close()

        run(close())
