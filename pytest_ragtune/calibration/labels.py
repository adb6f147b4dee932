"""People's labels: what a judge is held against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_ragtune.logs.reading import kind_of, parse_object, text_of, texts_of
from pytest_ragtune.text import claims

Task = Literal["support", "relevance"]
_EXPECTED = (
    "expected context (or contexts) with claim (or answer) and label, or question with answer and label"
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled pair."""

    line: int
    """Number of the line, from 1."""
    task: Task
    """Whether a context supports a claim, or an answer answers a question."""
    contexts: tuple[str, ...]
    """Where support is sought; for relevance the question alone."""
    claims: tuple[str, ...]
    """What should be supported, all of it; for relevance the answer alone."""
    label: int
    """1 or 0."""
    set: str = ""
    """Name of the set that it comes from."""
    group: str = ""
    """What it shares with other rows: its ``group``, else its context."""


@dataclass(frozen=True, slots=True)
class Labels:
    """A file of labels."""

    rows: tuple[Labelled, ...]
    """The pairs with a label."""
    unlabelled: int
    """Pairs whose label is null: neither."""
    bad: tuple[tuple[int, str], ...]
    """Lines that are no pair, with what was found."""


def read_labels(lines: Iterable[bytes]) -> Labels:
    """The labels of a file; empty lines are passed over.

    A ``claim`` is judged as it stands. An ``answer`` beside a context is cut into its claims, and counts as
    its least supported one. Label true is 1 and false 0.
    """
    rows: list[Labelled] = []
    bad: list[tuple[int, str]] = []
    unlabelled = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            given = parse_object(line.removeprefix(b"\xef\xbb\xbf"))
            label = _label(given)
            row = _row(given, number, label or 0)
        except ValueError as error:
            bad.append((number, str(error)))
            continue
        if label is None:
            unlabelled += 1
        else:
            rows.append(row)
    return Labels(tuple(rows), unlabelled, tuple(bad))


def _label(given: dict[str, Any]) -> int | None:
    if "label" not in given:
        raise ValueError(f"found no label; {_EXPECTED}")
    value = given["label"]
    if value is None:
        return None
    if value in (0, 1):
        return int(value)
    raise ValueError(f"label: found {value!r}; expected 0, 1 or null")


def _row(given: dict[str, Any], number: int, label: int) -> Labelled:
    contexts = texts_of(given, "contexts" if given.get("context") is None else "context")
    claim, answer, question = (text_of(given, name) for name in ("claim", "answer", "question"))
    name = str(given.get("set") or "")
    group = given.get("group")
    if group is not None and not isinstance(group, str | int):
        raise ValueError(f"group: found {kind_of(group)}; expected a string")
    answer = claim if answer is None and contexts is None else answer
    if contexts is not None and (claim is not None or answer is not None):
        stated = (claim,) if claim is not None else _claims(answer or "")
        shared = str(group) if group is not None else "\n".join(contexts)
        return Labelled(number, "support", contexts, stated, label, name, shared)
    if contexts is None and question is not None and answer is not None:
        shared = str(group) if group is not None else question
        return Labelled(number, "relevance", (question,), (answer,), label, name, shared)
    raise ValueError(f"found {', '.join(sorted(given)) or 'no field'}; {_EXPECTED}")


def _claims(answer: str) -> tuple[str, ...]:
    """The claims of an answer; the answer itself where it claims nothing."""
    found: Sequence[str] = claims(answer)
    return tuple(found) or (answer,)
