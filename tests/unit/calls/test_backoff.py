from __future__ import annotations

import pytest

from pytest_ragtune.calls.backoff import LONGEST_SECONDS, backoff, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=10.0) == seconds


def test_backoff_doubles_within_bounds_and_is_drawn_from_the_seed() -> None:
    for attempt in range(12):
        top = min(LONGEST_SECONDS, 0.5 * 2**attempt)
        assert top / 2 <= backoff(attempt, "a") <= top
    assert backoff(3, "a") == backoff(3, "a")
    assert len({backoff(3, str(n)) for n in range(20)}) == 20
