"""A judge behind a server with faults: each claim is judged or unscored, never made up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_ragtune.generation.endpoint import EndpointGenerator
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.records import Case, Response
from tests.servers.loopback import FAULTS, LoopbackServer, prompt_of

pytest.importorskip("openai", reason="the extra 'endpoint' is not installed")

LASTING = ("wrong-schema", "cut-off", "html", "malformed", "null-content")


def number(request: dict[str, Any]) -> int:
    return int(prompt_of(request).partition("<claim>")[2].split()[3].strip("."))


def reply(request: dict[str, Any]) -> str:
    return '{"passage": 1, "verdict": "%s"}' % ("supported" if number(request) % 2 else "contradicted")


@pytest.mark.slow
def test_1000_cases_with_every_fault_are_scored_right_or_not_at_all(
    record_property: Callable[[str, object], None],
) -> None:
    """One case in two meets a passing fault; one in ten a fault that stays. The wall time is recorded."""

    def faults(request: dict[str, Any], asked: int) -> str | None:
        n = number(request)
        if n % 10 == 5:
            return LASTING[(n // 10) % len(LASTING)]
        return FAULTS[(n // 2) % len(FAULTS)] if asked == 0 and n % 2 == 0 else None

    cases = [Case(str(n), "How many?") for n in range(1000)]
    responses = [Response(f"There are exactly {n}.", ["Some passage."], case=cases[n]) for n in range(1000)]
    with LoopbackServer(reply, faults=faults) as server:
        generator = EndpointGenerator("m", base_url=server.url, concurrency=40, timeout=3.0, retries=2)
        started = time.perf_counter()
        scores = Faithfulness(PromptedJudge(generator)).score(cases, responses)
        record_property("seconds", round(time.perf_counter() - started, 1))
    assert len(scores) == 1000
    for n, score in enumerate(scores):
        once_wrong = n % 2 == 0 and FAULTS[(n // 2) % len(FAULTS)] in ("wrong-schema", "cut-off")
        if n % 10 == 5 or once_wrong:
            assert score.value is None
            assert score.reason
        else:
            assert score.value == n % 2
