from __future__ import annotations

from pytest_ragtune.metrics.cost import Seconds, Tokens
from pytest_ragtune.records import Case, Response, Score

CASE = Case("q1", "How long?")


def test_seconds() -> None:
    found = Seconds().score([CASE] * 4, [
        Response("a", seconds=1.5),
        Response("a"),
        Response(None, error="boom", seconds=9.0),
        Response(None, seconds=0.25),
    ])  # fmt: skip
    assert found == [
        Score(1.5),
        Score(None, "the pipeline did not measure the time"),
        Score(None, "no answer: boom"),
        Score(0.25),
    ]


def test_tokens() -> None:
    found = Tokens().score([CASE] * 5, [
        Response("a", prompt_tokens=10, completion_tokens=5),
        Response("a", prompt_tokens=10),
        Response("a", completion_tokens=5),
        Response(None, error="boom", prompt_tokens=1, completion_tokens=1),
        Response(None),
    ])  # fmt: skip
    uncounted = Score(None, "the generator did not count the tokens")
    assert found == [
        Score(15.0),
        uncounted,
        uncounted,
        Score(None, "no answer: boom"),
        Score(None, "no answer was generated"),
    ]


def test_less_is_better_and_unbounded() -> None:
    for info in (Seconds.info, Tokens.info):
        assert (info.low, info.high, info.higher_is_better, info.binary) == (0.0, None, False, False)
