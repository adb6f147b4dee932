from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial

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


def stuck(question: str) -> str:
    threading.Event().wait(30)
    return question


async def stuck_later(question: str) -> str:
    await asyncio.sleep(30)
    return question


def stuck_indirectly(question: str) -> Awaitable[str]:
    return stuck_later(question)


@pytest.mark.parametrize("function", [stuck, stuck_later, stuck_indirectly])
def test_a_slow_call_is_ended(function: Callable[[str], object]) -> None:
    [response] = CallablePipeline(function, timeout=0.01).respond_many(CASES[:1])
    assert response.error == "TimeoutError: no answer within 0.01 seconds"


def times_out(question: str) -> str:
    raise TimeoutError("the database")


async def times_out_later(question: str) -> str:
    raise TimeoutError("the database")


@pytest.mark.parametrize("function", [times_out, times_out_later])
def test_a_timeout_of_its_own_keeps_its_words(function: Callable[[str], object]) -> None:
    [response] = CallablePipeline(function, timeout=30).respond_many(CASES[:1])
    assert response.error == "TimeoutError: the database"


def test_a_plain_function_with_a_timeout_answers() -> None:
    assert CallablePipeline(answer, timeout=30).respond("why").text == "WHY"


def test_what_belongs_to_a_loop_serves_every_batch_and_evaluation() -> None:
    """As an HTTP client that an application makes once: it does not work on a second loop."""
    lock = asyncio.Lock()

    async def locked(question: str) -> str:
        async with lock:
            await asyncio.sleep(0)
            return question

    pipeline = CallablePipeline(locked, concurrency=2)
    for _ in range(2):
        assert all(response.error is None for response in pipeline.respond_many(CASES))


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, pytest.skip.Exception])
def test_an_interrupt_is_no_answer_and_spoils_nothing(end: type[BaseException]) -> None:
    going_on = []

    async def interrupted(question: str) -> str:
        if question.endswith("0"):
            raise end("stop")
        await asyncio.sleep(0.05)
        going_on.append(question)
        return question

    with pytest.raises(end, match="stop"):
        CallablePipeline(interrupted).respond_many(CASES[:3])
    assert going_on == []
    assert CallablePipeline(answer_later).respond("why").text == "WHY"


def test_an_application_may_cancel_itself() -> None:
    async def cancelled(question: str) -> str:
        if question.endswith("1"):
            raise asyncio.CancelledError
        return question

    responses = CallablePipeline(cancelled).respond_many(CASES[:3])
    assert [r.error for r in responses] == [None, "CancelledError: ", None]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "TypeError: app returned int: expected a string, or pytest_ragtune.Response(text, "),
        (None, "TypeError: app returned NoneType: expected a string"),
        (("text", ["context"]), "TypeError: app returned tuple: expected a string"),
    ],
)
def test_an_answer_of_another_type_is_the_error_of_its_case_only(given: object, message: str) -> None:
    def app(question: str) -> object:
        return given if question.endswith("1") else question

    async def later(question: str) -> object:
        return app(question)

    for function in (app, later):
        responses = CallablePipeline(function, name="app").respond_many(CASES[:3])
        assert [r.text for r in responses] == ["question 0", None, "question 2"]
        assert str(responses[1].error).startswith(message)


def test_wrong_use_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a function"):
        CallablePipeline("not a function")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="concurrency is 0"):
        CallablePipeline(answer, concurrency=0)
    with pytest.raises(ValueError, match="timeout is 0"):
        CallablePipeline(answer, timeout=0)
    with pytest.raises(ValueError, match="name is 'a/b'"):
        CallablePipeline(answer, name="a/b")


def test_identity_needs_a_version() -> None:
    assert CallablePipeline(answer).identity is None
    first, second = CallablePipeline(answer, version="1"), CallablePipeline(answer, version="2")
    assert first.identity != second.identity


def test_the_name_is_that_of_the_function() -> None:
    assert CallablePipeline(lambda q: q).name == "lambda"
    assert CallablePipeline(Application()).name == "Application"
    assert CallablePipeline(partial(partial(answer))).name == "answer"
