"""A judge by rules: answers the prompts of ragas and deepeval by looking words up, so that scores are known.

A statement is a sentence. It is supported when the context contains it, letter case aside; two texts are
about each other when they share a word of six letters or more.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_ragtune.records import Prompt

Change = Callable[[dict[str, Any]], Any]


def judge(prompt: Prompt, schema: Mapping[str, Any] | None = None) -> str:
    """The answer, as JSON under ``schema``."""
    return json.dumps(answer(prompt.user, schema or {}))


def changed(kind: str, change: Change) -> Callable[..., str]:
    """The same judge, but for answers whose first property is ``kind``: those go through ``change``.

    A change that gives a string replaces the whole text.
    """

    def judging(prompt: Prompt, schema: Mapping[str, Any] | None = None) -> str:
        value: Any = answer(prompt.user, schema or {})
        if next(iter(value)) == kind:
            value = change(value)
        return value if isinstance(value, str) else json.dumps(value)

    return judging


def answer(prompt: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    fields = list(schema["properties"])
    if "\nNow perform the same with the following input\n" in prompt:
        given = json.loads(prompt.rpartition("\ninput: ")[2].rpartition("\nOutput:")[0])
        return _ragas(fields, given, schema)
    return _deepeval(fields, prompt)


def _ragas(fields: list[str], given: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    text = given.get("answer") or given.get("text") or given.get("response") or ""
    context = given.get("context", "")
    if fields == ["statements"]:
        if schema["properties"]["statements"]["items"].get("type") == "string":
            return {"statements": sentences(text)}
        verdicts = [
            {"statement": s, "reason": "-", "verdict": int(contains(context, s))} for s in given["statements"]
        ]
        return {"statements": verdicts}
    if fields == ["claims"]:
        return {"claims": sentences(text)}
    if fields == ["question", "noncommittal"]:
        return {"question": f"What about {text}?", "noncommittal": int("do not know" in text)}
    if fields == ["classifications"]:
        found = [
            {"statement": s, "reason": "-", "attributed": int(contains(context, s))} for s in sentences(text)
        ]
        return {"classifications": found}
    if set(fields) == {"reason", "verdict"}:
        return {"reason": "-", "verdict": int(contains(context, text))}
    raise AssertionError(f"no rule for {fields}")


def _deepeval(fields: list[str], prompt: str) -> dict[str, Any]:
    part = _Parts(prompt)
    if fields == ["truths"] or fields == ["claims"] or fields == ["statements"]:
        return {fields[0]: sentences(part["Text"] or part["AI Output"])}
    if fields == ["steps"]:
        return {"steps": ["Compare the actual output with the input."]}
    if fields == ["reason", "score"]:
        return {"reason": "-", "score": 8 if "Zorbium" in prompt else 3}
    assert fields == ["verdicts"], fields
    return {"verdicts": _verdicts(part)}


def _verdicts(part: _Parts) -> list[dict[str, Any]]:
    if part["Claims"]:
        context = part["Retrieval Contexts"]
        return [word(contains(context, claim)) for claim in ast.literal_eval(part["Claims"])]
    if part["Statements"]:
        return [word(related(part["Input"], s)) for s in ast.literal_eval(part["Statements"])]
    if part["Expected output"]:
        nodes = ast.literal_eval(part["Retrieval Context"])
        return [word(contains(node, part["Expected output"])) for node in nodes]
    if part["Expected Output"]:
        return [word(contains(part["Retrieval Context"], s)) for s in sentences(part["Expected Output"])]
    if part["Actual Output"]:
        return [word(related(c, part["Actual Output"])) for c in ast.literal_eval(part["Contexts"])]
    return [{"statement": s, **word(related(part["Input"], s))} for s in sentences(part["Context"])]


class _Parts:
    """The last parts of a prompt by their headings; empty text for a heading that is not there."""

    def __init__(self, prompt: str) -> None:
        body = prompt.rpartition("\nJSON:")[0]
        body = body[body.rfind("**\n") + 3 :]
        found = re.split(r"^([A-Z][\w ]*?)(?:\s*\(\d+ documents?\))?:\n", body, flags=re.MULTILINE)
        self.found: dict[str, str] = dict(
            zip(found[1::2], (text.strip() for text in found[2::2]), strict=True)
        )

    def __getitem__(self, name: str) -> str:
        return self.found.get(name, "")


def word(is_so: bool) -> dict[str, Any]:
    return {"verdict": "yes" if is_so else "no", "reason": "-"}


def sentences(text: str) -> list[str]:
    return [s for s in re.split(r"(?<=[.?!])\s+", text.strip()) if s]


def contains(context: str, text: str) -> bool:
    return bool(text) and text.lower().rstrip(".") in context.lower()


def related(one: str, two: str) -> bool:
    return bool(long_words(one) & long_words(two))


def long_words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{6,}", text.lower()))
