"""1,000 prompts against a server with every fault: nothing lost, nothing made up, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_ragtune.generation.endpoint import EndpointGenerator
from pytest_ragtune.records import Prompt
from tests.servers.loopback import FAULTS, LoopbackServer, prompt_of

pytest.importorskip("openai", reason="the extra 'endpoint' is not installed")

CASES = 1000
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"echo": {"type": "string"}},
    "required": ["echo"],
    "additionalProperties": False,
}
PASSING = [fault for fault in FAULTS if fault not in ("wrong-schema", "cut-off", "no-usage", "slow-done")]
"""Faults that a repetition heals."""


def number(request: dict[str, Any]) -> int:
    return int(prompt_of(request).split()[-1])


def reply(request: dict[str, Any]) -> str:
    return f'{{"echo": "{number(request)}"}}'


def expected(n: int) -> str:
    return f'{{"echo": "{n}"}}'


def fault_of(n: int, asked: int) -> str | None:
    """Every second prompt meets a fault, every tenth two."""
    if asked >= (2 if n % 10 == 0 else 1) or n % 2:
        return None
    return FAULTS[(n // 2 + asked) % len(FAULTS)]


def planned(n: int) -> tuple[int, str | None]:
    """How often a prompt is asked, and what fault the last answer has."""
    asked = 0
    while (fault := fault_of(n, asked)) in PASSING:
        asked += 1
    return asked + 1, fault


@pytest.mark.slow
def test_every_fault_once_or_twice_and_then_an_answer(record_property: Callable[[str, object], None]) -> None:
    with LoopbackServer(reply, faults=lambda request, asked: fault_of(number(request), asked)) as server:
        generator = EndpointGenerator("m", base_url=server.url, concurrency=40, timeout=6.0)
        prompts = [Prompt(f"case {n}") for n in range(CASES)]
        started = time.perf_counter()
        got = generator.with_schema(SCHEMA).generate(prompts)
        record_property("seconds", round(time.perf_counter() - started, 1))
        assert set(server.faults_given) == set(FAULTS)
        assert min(server.faults_given.values()) >= 20
    assert len(got) == CASES
    # a busy machine may be too slow for an answer without a fault, which is then asked for once more
    late = {n for n in range(CASES) if server.asked[f"case {n}"] > planned(n)[0]}
    assert len(late) <= CASES // 20
    for n, one in enumerate(got):
        assert (one.text is None) != (one.error is None)
        if n in late:
            assert one.text in (None, expected(n))
        elif planned(n)[1] in ("wrong-schema", "cut-off"):
            assert one.text is None
            assert any(word in str(one.error) for word in ("response_format", "max_new_tokens"))
        else:
            assert one.text == expected(n), one.error
    without_usage = [g for g in got if g.text is not None and g.prompt_tokens is None]
    assert 20 <= len(without_usage) < 100


@pytest.mark.parametrize("fault", [f for f in FAULTS if f not in ("slow-done", "no-usage")])
def test_a_fault_that_stays_is_an_error_for_its_prompts_alone(fault: str) -> None:
    def faults(request: dict[str, Any], asked: int) -> str | None:
        return fault if number(request) % 5 == 3 else None

    timeout = 3.0 if fault in ("hang", "slow") else 60.0  # the rest must not run into it on a busy machine
    with LoopbackServer(reply, faults=faults) as server:
        generator = EndpointGenerator("m", base_url=server.url, concurrency=6, timeout=timeout, retries=1)
        got = generator.with_schema(SCHEMA).generate([Prompt(f"case {n}") for n in range(20)])
    assert [n for n, one in enumerate(got) if one.error] == [3, 8, 13, 18]
    assert all(one.text == expected(n) for n, one in enumerate(got) if n % 5 != 3)


def test_slow_answers_and_missing_usage_are_answers() -> None:
    with LoopbackServer(reply, faults=lambda r, _: ("slow-done", "no-usage")[number(r) % 2]) as server:
        got = EndpointGenerator("m", base_url=server.url).generate([Prompt(f"case {n}") for n in range(10)])
    assert [one.text for one in got] == [expected(n) for n in range(10)]
    assert [one.prompt_tokens is None for one in got] == [bool(n % 2) for n in range(10)]
