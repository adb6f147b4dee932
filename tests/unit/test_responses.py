"""What a user may put into a response."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ragtune import Response
from pytest_ragtune.records import Hit, Passage


def test_plain_values_become_records() -> None:
    response = Response("yes", contexts=iter(["one", Passage("b", "two")]), ranking=["b", Hit("a", 0.2)])  # type: ignore[arg-type]
    assert response.contexts == (Passage("context-1", "one"), Passage("b", "two"))
    assert response.ranking == (Hit("b", 1.0), Hit("a", 0.2))


def test_half_a_character_is_replaced_and_two_halves_are_joined() -> None:
    response = Response("ok \ud83d", contexts=["\ud83d\ude00 \ude00"], error="cut: \udcff")
    assert (response.text, response.error) == ("ok \ufffd", "cut: \ufffd")
    assert response.contexts == (Passage("context-1", "\U0001f600 \ufffd"),)
    assert Response("\ufeffgrüß \U0001f600").text == "\ufeffgrüß \U0001f600"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": 5}, "Response got 5 for text: expected a string, or None for no answer"),
        ({"contexts": "one text"}, "Response got 'one text' for contexts: expected a list of texts or of"),
        ({"contexts": None}, "Response got None for contexts: expected a list of texts or of"),
        ({"contexts": ["one", 2]}, "Response got 2 for contexts: expected a list of texts or of"),
        (
            {"contexts": (Hit("a", 1.0),)},
            "for contexts: expected a list of texts or of pytest_ragtune.Passage",
        ),
        ({"ranking": "a"}, "Response got 'a' for ranking: expected a list of passage ids or of"),
        ({"ranking": [1, 2]}, "Response got 1 for ranking: expected a list of passage ids or of"),
    ],
)
def test_other_values_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as refused:
        Response(**({"text": "yes"} | given))
    assert message in str(refused.value)
