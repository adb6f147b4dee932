"""Reads the files of a golden set; what is wrong with one becomes a problem with file, line and field."""

from __future__ import annotations

import codecs
import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ragtune.errors import Problem
from pytest_ragtune.extras import load

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    Model = TypeVar("Model", bound=BaseModel)


_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "greater_than_equal": "1 or more",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "dict_type": "an object",
}
"""What pydantic's commonest errors expect, in plain words."""
_HINTS = {"passage": " (a passage is named by its document: 'FILE#NUMBER')"}
"""What to write in place of a field that people expect."""


def schema() -> Any:
    """The module :mod:`pytest_ragtune.corpus.schema`, imported on first use.

    Raises:
        MissingExtra: pydantic is absent or broken.
    """
    load("pydantic")
    from . import schema as models

    return models


def shorten(value: object, limit: int = 80) -> str:
    """``repr`` of a value, cut in its middle when it is long."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 22]} ... {text[-17:]}"


def suggest(word: str, known: Sequence[str]) -> str:
    """`` (did you mean 'x'?)`` when a known name is close, else nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    return f" (did you mean {near[0]!r}?)" if near else ""


def read_bytes(
    path: Path, boundary: Path, problems: list[Problem], expected: str = "a file that can be read"
) -> bytes | None:
    """The content of a file, which must lie inside ``boundary``, links followed; else None and a problem."""
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(boundary.resolve()):
            found, expected = "a link that leads out of the folder", f"a file inside {boundary}"
        elif not real.is_file():
            found, expected = "no regular file", "a file"
        else:
            return real.read_bytes()
    except FileNotFoundError:
        found = "a link to nothing" if path.is_symlink() else "no such file"
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError before Python 3.13
        found = f"a file that cannot be read ({error})"
    problems.append(Problem(str(path), None, None, found, expected))
    return None


def decode(data: bytes, path: Path, problems: list[Problem]) -> str | None:
    """UTF-8 text without byte-order mark, lines ending in ``\\n``; None and a problem for other encodings."""
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(_not_utf8(path, line, data[error.start], error.start))
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def parse_lines(
    path: Path, boundary: Path, model: type[Model], problems: list[Problem]
) -> Iterator[tuple[int, Model]]:
    """The objects of a JSON Lines file, each with its line number from 1; blank lines are skipped.

    Args:
        path: the file.
        boundary: folder that it must lie in.
        model: what a line must be.
        problems: receives what is wrong, all of it.
    """
    data = read_bytes(path, boundary, problems, "a file with a JSON object a line")
    parse = model.__pydantic_validator__.validate_json  # what model_validate_json calls, 10,000 times
    for number, line in _lines(data or b"", path, problems):
        try:
            parsed = parse(line)
        except ValueError as error:
            problems.extend(_explain(error, str(path), number, model))
        else:
            problems.extend(_repeated(line, str(path), number))
            yield number, parsed


def _lines(data: bytes, path: Path, problems: list[Problem]) -> Iterator[tuple[int, bytes]]:
    offset = 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if content.strip():
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                place = offset + len(line) - len(content) + error.start
                problems.append(_not_utf8(path, number, data[place], place))
            else:
                yield number, content
        offset += len(line) + 1


def _repeated(line: bytes, file: str, number: int) -> list[Problem]:
    """A problem for each name that one object of the line has twice: only its last value would count."""
    found: dict[str, None] = {}

    def once(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) < len(pairs):
            names = [name for name, _ in pairs]
            found.update(dict.fromkeys(name for name in names if names.count(name) > 1))

    json.loads(line, object_pairs_hook=once)
    return [Problem(file, number, name, f"{name!r} twice in one object", "each field once") for name in found]


def _not_utf8(path: Path, line: int, byte: int, offset: int) -> Problem:
    found = f"byte 0x{byte:02X} at offset {offset}, which is not UTF-8"
    return Problem(str(path), line, None, found, "a file saved as UTF-8")


def explain(
    error: ValidationError, file: str, lines: Mapping[str, int], model: type[BaseModel]
) -> list[Problem]:
    """The problems of a TOML file; ``lines`` maps a dotted key to its line."""
    return [
        Problem(file, lines.get(problem.field or ""), problem.field, problem.found, problem.expected)
        for problem in _explain(error, file, None, model)
    ]


def _explain(error: Any, file: str, line: int | None, model: type[BaseModel]) -> list[Problem]:
    """One problem for each error that pydantic found, in this package's words."""
    details = error.errors(include_url=False)
    return [_problem(detail, file, line, model) for detail in details]


def _problem(detail: Mapping[str, Any], file: str, line: int | None, model: type[BaseModel]) -> Problem:
    kind, place, value = detail["type"], detail["loc"], detail["input"]
    field = (
        "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".") or None
    )
    if kind == "json_invalid":
        cause = str(detail.get("ctx", {}).get("error", "")).replace(" at line 1 column ", " at column ")
        return Problem(file, line, None, f"broken JSON ({cause})", "one whole JSON object on the line")
    if kind == "missing":
        return Problem(file, line, field, "nothing", "this field, it is required")
    if kind == "extra_forbidden":
        known = _fields(model, place)
        hint = _HINTS.get(str(place[-1])) or suggest(str(place[-1]), known)
        return Problem(file, line, field, f"an unknown field{hint}", f"one of {', '.join(known)}")
    if kind == "model_type":
        return Problem(file, line, field, shorten(value), "an object with named fields")
    if kind == "string_pattern_mismatch":
        return Problem(file, line, field, f"blank text {shorten(value)}", "some text")
    if kind == "value_error":
        return Problem(file, line, field, shorten(sorted(value)), str(detail["ctx"]["error"]))
    expected = _EXPECTED.get(kind) or detail["msg"].removeprefix("Input should be ").replace("valid ", "")
    return Problem(file, line, field, "null" if value is None else shorten(value), expected)


def _fields(model: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """The fields that the object at ``place`` may have."""
    parents = {
        "relevant": schema().LabelLine,
        "corpus": schema().CorpusTable,
        "chunking": schema().ChunkingTable,
    }
    owner = parents[place[0]] if len(place) > 1 and place[0] in parents else model
    return [info.alias or name for name, info in owner.model_fields.items()]
