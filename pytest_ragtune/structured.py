"""Answers under a schema: read strictly, so that what does not fit is never taken for a value.

The schemas are JSON Schema (2020-12) limited to ``type``, ``enum``, ``const``, ``properties``, ``required``,
``additionalProperties`` (a boolean), ``items``, ``minItems``, ``maxItems``, ``minimum``, ``maximum``,
``minLength``, ``maxLength``, ``anyOf``. A keyword outside this list is an error, not a silent pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(?P<inside>.*?)\n?\s*```\s*\Z", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KNOWN = frozenset(
    {
        "type", "enum", "const", "properties", "required", "additionalProperties", "items", "minItems",
        "maxItems", "minimum", "maximum", "minLength", "maxLength", "anyOf", "title", "description",
        "$schema", "default",
    }
)  # fmt: skip


def read_json(text: str) -> Any:
    """The JSON value that ``text`` consists of, a Markdown fence around it allowed.

    What a reasoning model thought before it (``<think>...</think>``) is no part of the answer.

    Raises:
        ValueError: it is anything else: prose around it, NaN, a name given twice, text cut short.
    """
    text = _THOUGHT.sub("", text, count=1)
    fenced = _FENCE.match(text)
    inside = fenced["inside"] if fenced else text
    try:
        return json.loads(inside, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


def mismatch(value: Any, schema: Mapping[str, Any], place: str = "the answer") -> str | None:
    """What is wrong with ``value`` under ``schema``; None when nothing is.

    Raises:
        ValueError: the schema uses a keyword that is not checked here.
    """
    unknown = set(schema) - _KNOWN
    if unknown:
        raise ValueError(f"the schema uses {sorted(unknown)}: expected only {sorted(_KNOWN)}")
    if "anyOf" in schema:
        found = [mismatch(value, option, place) for option in schema["anyOf"]]
        return None if None in found else found[0]
    if "const" in schema and not _same(value, schema["const"]):
        return f"{place} is {_shown(value)}, expected {schema['const']!r}"
    if "enum" in schema and not any(_same(value, allowed) for allowed in schema["enum"]):
        return f"{place} is {_shown(value)}, expected one of {list(schema['enum'])}"
    if "type" in schema and not _is(value, schema["type"]):
        return f"{place} is {_shown(value)}, expected {schema['type']}"
    if isinstance(value, dict):
        return _object_mismatch(value, schema, place)
    if isinstance(value, list):
        return _array_mismatch(value, schema, place)
    return _size_mismatch(value, schema, place)


def _object_mismatch(value: dict[str, Any], schema: Mapping[str, Any], place: str) -> str | None:
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{place} lacks {missing}"
    properties = schema.get("properties", {})
    extra = set(value) - set(properties)
    if extra and schema.get("additionalProperties") is False:
        return f"{place} has {sorted(extra)}, which the schema does not know"
    for name in properties.keys() & value.keys():
        found = mismatch(value[name], properties[name], f"{name!r}")
        if found:
            return found
    return None


def _array_mismatch(value: list[Any], schema: Mapping[str, Any], place: str) -> str | None:
    found = _outside(len(value), schema.get("minItems"), schema.get("maxItems"))
    if found:
        return f"{place} has {len(value)} items, {found}"
    for number, item in enumerate(value, start=1):
        found = mismatch(item, schema.get("items", {}), f"item {number} of {place}")
        if found:
            return found
    return None


def _size_mismatch(value: Any, schema: Mapping[str, Any], place: str) -> str | None:
    if isinstance(value, str):
        found = _outside(len(value), schema.get("minLength"), schema.get("maxLength"))
        return found and f"{place} is {_shown(value)}, {found} characters"
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = _outside(value, schema.get("minimum"), schema.get("maximum"))
        return found and f"{place} is {_shown(value)}, {found}"
    return None


def _outside(size: float, low: float | None, high: float | None) -> str | None:
    if low is not None and size < low:
        return f"expected at least {low}"
    if high is not None and size > high:
        return f"expected at most {high}"
    return None


def _is(value: Any, kinds: str | list[str]) -> bool:
    names = [kinds] if isinstance(kinds, str) else kinds
    return any(
        isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in names
    )


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a name is given twice among {[name for name, _ in pairs]}")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")
