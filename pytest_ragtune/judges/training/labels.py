"""A user's own labels: rows of a JSON Lines file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .rows import Row, grouped

FEWEST = 20
"""Rows of one head below which nothing is learned from them."""
_FIELDS: dict[str, tuple[str, str]] = {"supports": ("context", "claim"), "answers": ("question", "answer")}
_PROBLEMS_SHOWN = 10


def read_labels(data: Path) -> list[Row]:
    """The labelled rows of ``data``, a JSON Lines file or a folder of them.

    A row has ``context`` (a text or several) and ``claim``, or ``question`` and ``answer``, and ``label``:
    1 for supported (or answered), 0 for not. Where all four fields are there, the label is about the claim.

    Raises:
        ValueError: a line is no such row, or there are too few; every problem is named with file and line.
    """
    files = sorted(data.glob("*.jsonl")) if data.is_dir() else [data]
    if not files:
        raise ValueError(f"{data} holds no .jsonl file: expected labelled rows")
    rows: list[Row] = []
    problems: list[str] = []
    for path in files:
        for place, value in _lines(path):
            found = _row(value)
            if isinstance(found, Row):
                rows.append(found)
            else:
                problems.append(f"{path}:{place}: {found}")
    if problems:
        more = len(problems) - _PROBLEMS_SHOWN
        shown = problems[:_PROBLEMS_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise ValueError("some rows cannot be used:\n  " + "\n  ".join(shown))
    _check_counts(rows, data)
    return grouped(rows)


def _check_counts(rows: list[Row], data: Path) -> None:
    for head in dict.fromkeys(row.head for row in rows):
        members = [row for row in rows if row.head == head]
        positive = sum(row.label for row in members)
        if len(members) < FEWEST or not 0 < positive < len(members):
            raise ValueError(
                f"{data} has {len(members)} rows for {head!r}, {positive} of them positive: expected at "
                f"least {FEWEST} with both labels"
            )
    if not rows:
        raise ValueError(f"{data} has no rows: expected at least {FEWEST}")


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                yield number, f"no JSON ({error})"


def _row(value: Any) -> Row | str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return f"found {type(value).__name__}, expected an object"
    label = value.get("label")
    if isinstance(label, float) and label in (0.0, 1.0):
        label = int(label)
    if label not in (0, 1):
        return f"label is {label!r}: expected 0 or 1"
    for head, (first, second) in _FIELDS.items():
        if first in value and second in value:
            texts = value[first]
            joined = "\n\n".join(map(str, texts)) if isinstance(texts, list) else texts
            if not isinstance(joined, str) or not isinstance(value[second], str):
                return f"{first} and {second} must be texts"
            if not joined.strip() or not value[second].strip():
                return f"{first} or {second} is empty"
            kind: Any = head
            return Row(kind, joined, value[second], "yes" if label else "no", "labels", "labels")
    return "found neither context and claim nor question and answer"
