"""The header of a golden set, and the documents that it points to."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from .chunking import Chunking
from .corpus import check_version
from .documents import Reading, corpus_versions, read_folder, read_module, stray_documents
from .errors import GoldenSetError, Problem
from .golden_files import decode, explain, read_bytes, schema

if TYPE_CHECKING:
    from .golden_schema import CorpusTable, Header

SCHEMA = 1
"""The format that this version reads."""

_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(slots=True)
class Opened:
    """The documents of a golden set, as far as they could be opened."""

    version: str | None = None
    """Version in force."""
    versions: tuple[str, ...] = ()
    """Every version that exists, oldest first."""
    reading: Reading = field(default_factory=Reading)
    """The documents."""
    place: str = ""
    """Where they are, as problems name it."""
    is_complete: bool = True
    """False when it is not known which documents there are: labels cannot be checked."""


def read_header(root: Path, problems: list[Problem]) -> tuple[Header, bool]:
    """Read and check ``golden_set.toml``.

    Returns:
        The header, without the parts that are wrong, so that reading can go on; and whether what it
        says about the corpus can be relied on.

    Raises:
        GoldenSetError: the format is newer than this version: nothing else in the folder can be judged.
    """
    path = root / "golden_set.toml"
    empty: Header = schema().Header(schema=SCHEMA)
    data = read_bytes(path, root, problems)
    text = None if data is None else decode(data, path, problems)
    if text is None:
        return empty, False
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        found = f"broken TOML ({_PLACE.sub('', str(error))})"
        problems.append(Problem(str(path), int(place[1]) if place else None, None, found, "valid TOML"))
        return empty, False
    lines = _lines(text)
    _refuse_newer(table, path, lines)
    header, is_corpus_known = _validate(table, path, lines, problems)
    try:
        Chunking(**header.chunking.model_dump())
    except ValueError as error:
        found, _, expected = str(error).partition(": expected ")
        problems.append(Problem(str(path), lines.get("chunking"), "chunking", found, expected))
        header.chunking = empty.chunking
    return header, is_corpus_known


def _validate(
    table: dict[str, Any], path: Path, lines: dict[str, int], problems: list[Problem]
) -> tuple[Header, bool]:
    model = schema().Header
    try:
        return model.model_validate(table), True
    except ValueError as error:
        details: Any = error
        problems.extend(explain(details, str(path), lines, model))
        wrong = {str(detail["loc"][0]) for detail in details.errors()}
        rest = {key: value for key, value in table.items() if key not in wrong}
        return model.model_validate({**rest, "schema": SCHEMA}), "corpus" not in wrong


def _refuse_newer(table: dict[str, Any], path: Path, lines: dict[str, int]) -> None:
    number = table.get("schema")
    if isinstance(number, int) and number > SCHEMA:
        expected = f"schema {SCHEMA}; install a newer pytest-ragtune to read this golden set"
        problem = Problem(str(path), lines.get("schema"), "schema", f"schema {number}", expected)
        raise GoldenSetError(f"golden set {path.parent}", [problem])


def _lines(text: str) -> dict[str, int]:
    """Dotted key -> line number, for the plain tables and keys of a TOML file."""
    lines: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if table := _TABLE.match(line):
            prefix = f"{table[1].strip()}."
            lines.setdefault(prefix[:-1], number)
        elif key := _KEY.match(line):
            lines.setdefault(prefix + key[1].strip("\"'"), number)
    return lines


def open_documents(root: Path, header: Header, version: str | None, problems: list[Problem]) -> Opened:
    """Read the documents that a header points to.

    Args:
        root: the golden set's folder.
        header: its header.
        version: version asked for; None for the header's.
        problems: receives what is wrong.
    """
    table, file = header.corpus, str(root / "golden_set.toml")
    if table.module is not None:
        return _open_module(table, version, file, problems)
    name = table.folder or "corpus"
    if _leads_out(root, name):
        expected = "a folder inside the golden set's, written with / and without .."
        problems.append(
            Problem(file, None, "corpus.folder", f"{name!r}, which leads out of the folder", expected)
        )
        return Opened(is_complete=False)
    folder = root / name
    wanted = table.version if version is None else version
    versions = corpus_versions(folder) if table.version is not None else ()
    opened = Opened(wanted, versions, place=str(folder))
    if wanted is not None and folder.is_dir():
        if wrong := check_version(wanted, versions, file, "corpus.version"):
            problems.extend(wrong)
            opened.is_complete = False
            return opened
        problems.extend(stray_documents(folder))
        folder = folder / wanted
    opened.reading = read_folder(folder, root)
    opened.is_complete = bool(opened.reading.documents or opened.reading.unreadable)
    problems.extend(opened.reading.problems)
    return opened


def _open_module(table: CorpusTable, version: str | None, file: str, problems: list[Problem]) -> Opened:
    reading = read_module(str(table.module), str(table.attribute), file)
    problems.extend(reading.problems)
    opened = Opened(None, (), reading, str(table.module), is_complete=bool(reading.documents))
    if version is not None:
        problems.extend(check_version(version, (), file, "corpus.version"))
    return opened


def _leads_out(root: Path, name: str) -> bool:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.is_absolute() or windows.drive or ".." in windows.parts:
        return True
    try:
        return not (root / name).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return True
