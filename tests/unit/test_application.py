from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from pytest_ragtune.application import CallablePipeline
from pytest_ragtune.records import Case, Hit, Passage, Response

CASES = [Case(f"c{n}", f"question {n}") for n in range(70)]


def answer(question: str) -> str:
    return question.upper()


async def answer_later(question: str) -> str:
    await asyncio.sleep(0)
    return question.upper()


class Application:
    """An object with an async call, as frameworks have."""

    async def __call__(self, question: str) -> Response:
        return Response(question.upper(), contexts=["seen"], ranking=["b", "a"])


def test_a_plain_function_answers() -> None:
    responses = CallablePipeline(answer).respond_many(CASES)
    assert [r.text for r in responses] == [c.question.upper() for c in CASES]
    assert [r.case for r in responses] == CASES
    assert all(r.seconds is not None and r.seconds >= 0 for r in responses)
    assert all(r.ranking is None and r.error is None for r in responses)


def test_an_async_function_answers_in_order() -> None:
    assert [r.text for r in CallablePipeline(answer_later).respond_many(CASES)] == [
        c.question.upper() for c in CASES
    ]


def test_a_function_that_returns_an_awaitable_answers() -> None:
    def indirect(question: str) -> Awaitable[str]:
        return answer_later(question)

    assert CallablePipeline(indirect).respond("why").text == "WHY"


def test_an_object_with_an_async_call_may_return_a_response() -> None:
    response = CallablePipeline(Application()).respond(CASES[0])
    assert response.contexts == (Passage("context-1", "seen"),)
    assert response.ranking == (Hit("b", 1.0), Hit("a", 0.5))
    assert response.case == CASES[0]


def test_it_works_inside_a_running_loop() -> None:
    async def outer() -> str | None:
        return CallablePipeline(answer_later).respond("why").text

    assert asyncio.run(outer()) == "WHY"


def test_no_more_calls_at_once_than_asked_for() -> None:
    running, most = 0, 0

    async def counted(question: str) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return question

    CallablePipeline(counted, concurrency=5).respond_many(CASES)
    assert most == 5


def test_an_exception_is_the_error_of_its_case_only() -> None:
    def picky(question: str) -> str:
        if question.endswith("3"):
            raise ValueError("no threes")
        return question

    async def picky_later(question: str) -> str:
        return picky(question)

    for function in (picky, picky_later):
        responses = CallablePipeline(function).respond_many(CASES[:10])
        assert [r.case.id for r in responses if r.error and r.case] == ["c3"]
        assert responses[3].error == "ValueError: no threes"
        assert responses[3].text is None


def test_a_slow_call_is_ended() -> None:
    async def stuck(question: str) -> str:
        await asyncio.sleep(30)
        return question

    [response] = CallablePipeline(stuck, timeout=0.01).respond_many(CASES[:1])
    assert response.error == "TimeoutError: no answer within 0.01 seconds"


def test_a_wrong_return_type_says_what_was_expected() -> None:
    with pytest.raises(TypeError, match=r"number returned int for 'question 0': expected a string, or"):
        CallablePipeline(lambda _: 3, name="number").respond_many(CASES[:1])


def test_wrong_use_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a function"):
        CallablePipeline("not a function")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="concurrency is 0"):
        CallablePipeline(answer, concurrency=0)


def test_identity_needs_a_version() -> None:
    assert CallablePipeline(answer).identity is None
    first, second = CallablePipeline(answer, version="1"), CallablePipeline(answer, version="2")
    assert first.identity != second.identity
    assert CallablePipeline(lambda q: q).name == "lambda"
