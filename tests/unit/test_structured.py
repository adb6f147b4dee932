from __future__ import annotations

from typing import Any

import pytest

from pytest_ragtune.structured import mismatch, read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (' \n{"a": [true, null]}\n', {"a": [True, None]}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('```\n{"a": 1}```', {"a": 1}),
    ],
)
def test_json_alone_or_fenced_is_read(text: str, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize(
    "text", ["", "yes", 'Sure: {"a": 1}', '{"a": 1} {"a": 2}', '{"a": NaN}', '{"a": 1', '{"a": 1, "a": 2}']
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_what_was_thought_before_the_answer_is_no_part_of_it() -> None:
    assert read_json('<think>\n{"a": 2}? no.\n</think>\n\n```json\n{"a": 1}\n```') == {"a": 1}
    for text in ('<think>{"a": 1}', '{"a": 1}<think></think>', 'So: <think></think>{"a": 1}'):
        with pytest.raises(ValueError, match=r"Expecting value|Extra data"):
            read_json(text)


def test_json_nested_without_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json("[" * 100_000)


OBJECT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["yes", "no"]},
        "n": {"type": "integer", "minimum": 1, "maximum": 5},
        "words": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 2},
        "p": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "k": {"const": "a"},
        "b": {"type": ["boolean", "null"]},
    },
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"verdict": "yes", "n": 5, "words": ["x"], "p": None, "k": "a", "b": True}, None),
        ({"verdict": "Yes"}, "'verdict' is \"Yes\", expected one of ['yes', 'no']"),
        ({}, "the answer lacks ['verdict']"),
        ([], "the answer is [], expected object"),
        ({"verdict": "no", "other": 1}, "the answer has ['other'], which the schema does not know"),
        ({"verdict": "no", "n": True}, "'n' is true, expected integer"),
        ({"verdict": "no", "n": 1.0}, "'n' is 1.0, expected integer"),
        ({"verdict": "no", "n": 6}, "'n' is 6, expected at most 5"),
        ({"verdict": "no", "words": []}, "'words' has 0 items, expected at least 1"),
        ({"verdict": "no", "words": [""]}, "item 1 of 'words' is \"\", expected at least 1 characters"),
        ({"verdict": "no", "words": ["a", 2]}, "item 2 of 'words' is 2, expected string"),
        ({"verdict": "no", "p": "x"}, "'p' is \"x\", expected number"),
        ({"verdict": "no", "k": "b"}, "'k' is \"b\", expected 'a'"),
        ({"verdict": "no", "b": 1}, "'b' is 1, expected ['boolean', 'null']"),
        ({"verdict": 1}, "'verdict' is 1, expected one of ['yes', 'no']"),
        ({"verdict": "x" * 99}, f"'verdict' is \"{'x' * 56}..., expected one of ['yes', 'no']"),
    ],
)
def test_what_does_not_fit_is_said(value: object, said: str | None) -> None:
    assert mismatch(value, OBJECT) == said


def test_one_is_not_true() -> None:
    assert mismatch(True, {"enum": [1]}) is not None
    assert mismatch(1, {"enum": [1]}) is None


def test_a_keyword_that_is_not_checked_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"the schema uses \['pattern'\]"):
        mismatch("x", {"pattern": "x"})
