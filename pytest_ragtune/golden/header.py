"""The header of a golden set, and the documents that it points to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from pytest_ragtune.corpus import unknown_version
from pytest_ragtune.corpus.chunking import Chunking
from pytest_ragtune.corpus.documents import (
    ModuleSourceError,
    Reading,
    corpus_versions,
    read_folder,
    read_module,
    stray_documents,
)
from pytest_ragtune.corpus.files import decode, explain, read_bytes, schema
from pytest_ragtune.errors import GoldenSetError, Problem

if TYPE_CHECKING:
    from pytest_ragtune.corpus.schema import CorpusTable, Header

SCHEMA = 1
"""The format that this version reads."""

Blame = Callable[[str, str, str], None]
"""Reports a key of ``[corpus]``: what was found, what was expected."""

_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class HeaderFile:
    """What ``golden_set.toml`` says, as far as it can be read."""

    header: Header
    """The header, without the parts that are wrong."""
    is_corpus_known: bool
    """Whether what it says about the corpus can be relied on."""
    lines: Mapping[str, int]
    """Dotted key -> line number."""


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


def read_header(root: Path, problems: list[Problem]) -> HeaderFile:
    """Read and check ``golden_set.toml``; wrong parts are left out, so that reading can go on.

    Raises:
        GoldenSetError: the format is newer than this version: nothing else in the folder can be judged.
    """
    path = root / "golden_set.toml"
    empty: Header = schema().Header(schema=SCHEMA)
    data = read_bytes(path, root, problems, "a header with at least 'schema = 1'")
    text = None if data is None else decode(data, path, problems)
    if text is None:
        return HeaderFile(empty, False, {})
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        found = f"broken TOML ({_PLACE.sub('', str(error))})"
        problems.append(Problem(str(path), int(place[1]) if place else None, None, found, "valid TOML"))
        return HeaderFile(empty, False, {})
    lines = _lines(text)
    _refuse_newer(table, path, lines)
    header, is_corpus_known = _validate(table, path, lines, problems)
    try:
        Chunking(**header.chunking.model_dump())
    except ValueError as error:
        found, _, expected = str(error).partition(": expected ")
        problems.append(Problem(str(path), lines.get("chunking"), "chunking", found, expected))
        header.chunking = empty.chunking
    return HeaderFile(header, is_corpus_known, lines)


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


def open_documents(root: Path, file: HeaderFile, version: str | None, problems: list[Problem]) -> Opened:
    """Read the documents that a header points to.

    Args:
        root: the golden set's folder.
        file: its header.
        version: version asked for; None for the header's.
        problems: receives what is wrong.
    """

    def blame(key: str, found: str, expected: str) -> None:
        field = f"corpus.{key}"
        problems.append(Problem(str(root / "golden_set.toml"), file.lines.get(field), field, found, expected))

    if not file.is_corpus_known:
        return Opened(is_complete=False)
    table = file.header.corpus
    if table.module is not None:
        return _open_module(table, version, blame)
    name = table.folder or "corpus"
    if _leads_out(root, name):
        expected = "a folder inside the golden set's, written with / and without .."
        blame("folder", f"{name!r}, which leads out of the folder", expected)
        return Opened(is_complete=False)
    return _open_folder(root, root / name, table, version, blame, problems)


def _open_folder(
    root: Path, folder: Path, table: CorpusTable, version: str | None, blame: Blame, problems: list[Problem]
) -> Opened:
    wanted = table.version if version is None else version
    versions = corpus_versions(folder) if table.version is not None else ()
    opened = Opened(wanted, versions, place=str(folder))
    if wanted is not None and folder.is_dir():
        if wanted not in versions:
            blame("version", *unknown_version(wanted, versions))
            opened.is_complete = False
            return opened
        problems.extend(stray_documents(folder))
        folder = folder / wanted
    opened.reading = read_folder(folder, root)
    opened.is_complete = bool(opened.reading.documents or opened.reading.unreadable)
    problems.extend(opened.reading.problems)
    return opened


def _open_module(table: CorpusTable, version: str | None, blame: Blame) -> Opened:
    module, attribute = str(table.module), str(table.attribute)
    reading = Reading()
    try:
        reading = read_module(module, attribute)
    except ModuleSourceError as error:
        blame(*error.texts)
    if version is not None:
        blame("version", *unknown_version(version, ()))
    return Opened(None, (), reading, module, is_complete=bool(reading.documents))


def _leads_out(root: Path, name: str) -> bool:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.is_absolute() or windows.drive or ".." in windows.parts:
        return True
    try:
        return not (root / name).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return True
