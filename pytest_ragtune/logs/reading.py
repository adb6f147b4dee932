"""The lines of a log: one answer each, as JSON."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pytest_ragtune.records import Case, Response

FIELDS = ("id", "question", "answer", "context", "reference", "ranking", "relevant")
"""What is read of a line; other fields are left alone."""
STDIN = "-"
_TEXTS = "a string or a list of strings"
_KINDS = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}


@dataclass(frozen=True, slots=True)
class LogRow:
    """One answer of a log."""

    id: str
    """The line's own, or its number."""
    line: int
    """Number of the line, from 1."""
    case: Case
    """What was asked, with reference and relevant passages."""
    response: Response
    """What was answered, with what it was answered from."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no answer."""

    line: int
    """Its number, from 1."""
    problem: str
    """What was found, and what was expected."""


def read_log(lines: Iterable[bytes]) -> Iterator[LogRow | BadLine]:
    """The rows of a log, in order; empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            yield _read_line(number, text)


@contextmanager
def open_lines(path: str | Path) -> Iterator[Iterable[bytes]]:
    """The lines of a file, of a gzipped file (``.gz``), or of the standard input (``-``).

    Raises:
        ValueError: there is no such file.
    """
    if str(path) == STDIN:
        yield sys.stdin.buffer
        return
    try:
        stream: BinaryIO = gzip.open(path) if str(path).endswith(".gz") else Path(path).open("rb")  # type: ignore[assignment]  # noqa: SIM115
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): expected a .jsonl file") from error
    with stream:
        yield stream


def parse_object(line: bytes) -> dict[str, Any]:
    """The JSON object on a line.

    Raises:
        ValueError: it holds none; the message says what was found.
    """
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"found bytes that are not UTF-8 at column {error.start + 1}; expected JSON"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"found no JSON ({error}); expected one JSON object a line") from error
    if not isinstance(found, dict):
        raise ValueError(f"found {kind_of(found)}; expected a JSON object with {', '.join(FIELDS[:4])}")
    return found


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    return "a string" if isinstance(value, str) else _KINDS.get(type(value), type(value).__name__)


def text_of(given: dict[str, Any], field: str) -> str | None:
    """The string in a field; None where it is absent or null.

    Raises:
        ValueError: it holds something else.
    """
    value = given.get(field)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{field}: found {kind_of(value)}; expected a string")


def texts_of(given: dict[str, Any], field: str) -> tuple[str, ...] | None:
    """The strings in a field that holds one or a list; None where it is absent or null.

    Raises:
        ValueError: it holds something else.
    """
    value = given.get(field)
    if value is None:
        return None
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list):
        raise ValueError(f"{field}: found {kind_of(value)}; expected {_TEXTS}")
    wrong = next((item for item in found if not isinstance(item, str)), found)
    if wrong is not found:
        raise ValueError(f"{field}: found {kind_of(wrong)} in the list; expected {_TEXTS}")
    return tuple(found)


def _read_line(number: int, line: bytes) -> LogRow | BadLine:
    try:
        given = parse_object(line)
        row_id = _id(given, number)
        case = Case(
            row_id,
            text_of(given, "question") or "",
            reference=text_of(given, "reference"),
            relevant=_grades(given),
        )
        response = Response(
            text_of(given, "answer"),
            contexts=texts_of(given, "context") or (),
            ranking=texts_of(given, "ranking"),
            case=case,
        )
    except ValueError as error:
        return BadLine(number, str(error))
    return LogRow(row_id, number, case, response)


def _id(given: dict[str, Any], number: int) -> str:
    value = given.get("id")
    if value is None:
        return str(number)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"id: found {kind_of(value)}; expected a string")
    return str(value)


def _grades(given: dict[str, Any]) -> dict[str, int]:
    """Passage -> grade, from a list of passages or an object with grades."""
    value = given.get("relevant")
    if not isinstance(value, dict):
        return dict.fromkeys(texts_of(given, "relevant") or (), 1)
    wrong = next((g for g in value.values() if isinstance(g, bool) or not isinstance(g, int) or g < 0), None)
    if wrong is not None:
        raise ValueError(f"relevant: found the grade {wrong!r}; expected whole numbers from 0")
    return {name: grade for name, grade in value.items() if grade > 0}
