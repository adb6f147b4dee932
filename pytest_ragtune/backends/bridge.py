"""A generator in the place of another library's model: asked under a schema, read strictly.

Both libraries hand their model a prompt and a pydantic class and take whatever comes back; what they make of
an empty list, an unknown verdict or a verdict too few is a number. So an answer is checked here, before they
see it, and one that does not fit ends the measurement of its case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_ragtune.calls.asking import Ask
from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.records import Prompt
from pytest_ragtune.structured import read_json

_BINARY = frozenset({"verdict", "noncommittal", "attributed", "classification"})
"""Fields that are 0 or 1 where they are whole numbers."""
_MAY_BE_EMPTY = frozenset({"reason"})
_KEPT = (
    "type", "enum", "const", "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength",
    "description",
)  # fmt: skip
_SHOWN = 80


@dataclass(slots=True)
class Transcript:
    """What was asked and answered for one case."""

    answers: list[Any] = field(default_factory=list)
    """Every answer that was accepted, as an instance of the class asked for."""
    fault: Fault | None = None
    """The first one that was not; the score of the case is then not worth anything."""


async def ask_model(ask: Ask, prompt: str, model: Any, transcript: Transcript) -> Any:
    """An instance of ``model`` (a pydantic class) that a generator wrote.

    Args:
        ask: asks the generator.
        prompt: the whole prompt, as the other library words it.
        model: class of the answer.
        transcript: notes the answer, or the fault.

    Raises:
        Fault: no answer, no JSON, JSON of another shape, an empty list or text, a verdict other than 0 or 1.
    """
    try:
        answer = await ask(Prompt(prompt), strict_schema(model.model_json_schema()))
        if answer.text is None:
            raise Fault(f"the judge gave no answer: {answer.error or 'no reason was given'}")
        found = _read(answer.text, model)
    except Exception as error:
        fault = error if isinstance(error, Fault) else Fault(f"{type(error).__name__}: {error}")
        transcript.fault = transcript.fault or fault
        raise fault from None
    transcript.answers.append(found)
    return found


def _read(text: str, model: Any) -> Any:
    try:
        value = read_json(text)
    except ValueError as error:
        raise Fault(f"the judge's answer is no JSON ({error}): {_short(text)!r}") from None
    try:
        found = model.model_validate(value)
    except ValueError as error:
        raise Fault(f"the judge's answer is no {model.__name__}: {_first_problem(error)}") from None
    for name, inner in _fields(found.model_dump()):
        if isinstance(inner, list) and not inner:
            raise Fault(f"the judge's answer has an empty list of {name}")
        texts = inner if isinstance(inner, list) else [inner]
        if name not in _MAY_BE_EMPTY and any(isinstance(text, str) and not text.strip() for text in texts):
            raise Fault(f"the judge's answer has an empty text in {name}")
        if name in _BINARY and isinstance(inner, int) and inner not in (0, 1):
            raise Fault(f"the judge's answer has {name} {inner}: expected 0 or 1")
    return found


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every named field, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from _fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner)


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """A pydantic schema as servers and grammars take it strictly; None for one that refers to itself.

    References are replaced by what they refer to, every property is required, and no other is allowed.
    """
    try:
        return _strict(schema, schema.get("$defs", {}), depth=0)
    except RecursionError:
        return None


def _strict(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > 40:
        raise RecursionError
    if "$ref" in schema:
        return _strict(known[schema["$ref"].rpartition("/")[2]], known, depth + 1)
    found: dict[str, Any] = {name: schema[name] for name in _KEPT if name in schema}
    if "anyOf" in schema:
        found["anyOf"] = [_strict(option, known, depth + 1) for option in schema["anyOf"]]
    if "items" in schema:
        found["items"] = _strict(schema["items"], known, depth + 1)
    if schema.get("type") == "object" and "properties" in schema:
        found["properties"] = {
            name: _strict(inner, known, depth + 1) for name, inner in schema["properties"].items()
        }
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found


def _first_problem(error: ValueError) -> str:
    problems: Any = getattr(error, "errors", list)()
    if not problems:
        return str(error)
    first = problems[0]
    place = ".".join(map(str, first["loc"])) or "the answer"
    return f"{place}: {first['msg']}, found {_short(json.dumps(first['input'], default=str))}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 3]}..."
