"""Finds and reads the documents of a corpus: files of a folder, or a dictionary in a module's source."""

from __future__ import annotations

import ast
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from pytest_ragtune.errors import Problem

from .files import decode, parse_lines, read_bytes, schema, shorten
from .html_text import html_to_text

_TEXT = (".md", ".markdown", ".txt")
_HTML = (".html", ".htm")
_MEDIA = (".pdf", ".png", ".jpg", ".jpeg", ".wav", ".mp3", ".mp4")
_ABOUT = re.compile(r"[A-Z]+$")


@dataclass(slots=True)
class Reading:
    """Documents as they are read, and what went wrong."""

    documents: dict[str, str] = field(default_factory=dict)
    """Document name -> text, sorted by name once the reading is done."""
    places: dict[str, str] = field(default_factory=dict)
    """Document name -> file it was read from."""
    unreadable: set[str] = field(default_factory=set)
    """Names of documents that are there but could not be read."""
    problems: list[Problem] = field(default_factory=list)
    """Everything found wrong."""

    def add(self, name: str, text: str, file: str, line: int | None = None) -> None:
        """Keep a document; a second one of that name is a problem."""
        name = unicodedata.normalize("NFC", name)
        if name in self.documents:
            expected = f"a name of its own; {self.places[name]} has it first"
            self.problems.append(Problem(file, line, None, f"document {name!r} again", expected))
            return
        self.documents[name] = text
        self.places[name] = file if line is None else f"{file}:{line}"


def corpus_versions(folder: Path) -> tuple[str, ...]:
    """Names of the sub-folders of a corpus, oldest first (``v2`` before ``v10``); empty without any."""
    if not folder.is_dir():
        return ()
    names = [entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    return tuple(sorted(names, key=_natural))


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def read_folder(folder: Path, boundary: Path) -> Reading:
    """Read every document of a folder and its sub-folders.

    ``.md``, ``.markdown`` and ``.txt`` are taken as they are, ``.html`` and ``.htm`` through
    :func:`html_to_text`; ``corpus.jsonl`` holds one document a line (``id`` or ``document``, and
    ``text``). Left alone: hidden files and folders, and files that speak about the corpus (a name
    in capitals without an ending: LICENSE, NOTICE, README). Any other file is a problem.

    Args:
        folder: where the documents are; names are paths relative to it, with ``/``.
        boundary: folder that no link may lead out of.
    """
    reading = Reading()
    if not folder.is_dir():
        reading.problems.append(Problem(str(folder), None, None, "no such folder", "a folder of documents"))
        return reading
    for path in sorted(_files(folder, reading.problems)):
        _read_file(path, folder, boundary, reading)
    reading.documents = dict(sorted(reading.documents.items()))
    if not reading.documents and not reading.problems:
        reading.problems.append(empty_corpus(str(folder)))
    return reading


def empty_corpus(file: str) -> Problem:
    """The problem of a corpus without a word."""
    expected = "at least one document with text (.md, .txt, .html or corpus.jsonl)"
    return Problem(file, None, None, "an empty corpus", expected)


def stray_documents(folder: Path) -> list[Problem]:
    """Documents beside the version folders, which no version would hold."""
    expected = "every document inside a version's folder"
    return [
        Problem(str(path), None, None, "a document beside the version folders", expected)
        for path in sorted(folder.iterdir())
        if path.is_file() and not _is_left_alone(path.name)
    ]


def _is_left_alone(name: str) -> bool:
    return name.startswith(".") or _ABOUT.match(name) is not None


def _files(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        found = f"a folder that cannot be read ({error})"
        problems.append(Problem(str(error.filename), None, None, found, "a folder that can be read"))

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        problems.extend(
            Problem(str(path), None, None, "a link to a folder", "a folder")
            for name in folders
            if (path := Path(parent, name)).is_symlink()
        )
        yield from (Path(parent, name) for name in files if not _is_left_alone(name))


def _read_file(path: Path, folder: Path, boundary: Path, reading: Reading) -> None:
    name, ending = path.relative_to(folder).as_posix(), path.suffix.lower()
    if name == "corpus.jsonl":
        for number, line in parse_lines(path, boundary, schema().DocumentLine, reading.problems):
            reading.add(line.id or line.document, line.text, str(path), number)
        return
    if ending not in _TEXT + _HTML:
        reading.problems.append(_unknown_format(path, ending))
        reading.unreadable.add(name)
        return
    data = read_bytes(path, boundary, reading.problems)
    text = None if data is None else decode(data, path, reading.problems)
    if text is None:
        reading.unreadable.add(name)
    else:
        reading.add(name, html_to_text(text) if ending in _HTML else text, str(path))


def _unknown_format(path: Path, ending: str) -> Problem:
    expected = ".md, .markdown, .txt, .html, .htm or corpus.jsonl; move other files out of the corpus"
    if ending in _MEDIA:
        expected = ".md, .txt, .html or corpus.jsonl; the media extra of a later version reads this format"
    return Problem(str(path), None, None, f"a file ending in {ending!r}", expected)


class ModuleSourceError(Exception):
    """A module does not hold documents; ``texts`` is the key to blame, what was found, what was expected."""

    def __init__(self, *texts: str) -> None:
        super().__init__(*texts)
        self.texts = texts


def read_module(module: str, attribute: str) -> Reading:
    """Read documents from a dictionary literal in a module's source, without importing the module.

    Args:
        module: dotted name, found as an import would find it.
        attribute: name that the dictionary of document name -> text is assigned to at the top level.

    Raises:
        ModuleSourceError: there is no such module or dictionary.
    """
    spec = _locate(module)
    if spec is None or not (spec.origin or "").endswith(".py"):
        expected = "a module with Python source in this environment"
        raise ModuleSourceError("module", repr(module), expected)
    try:
        value = _literal(Path(str(spec.origin)).read_bytes(), attribute)
    except (OSError, SyntaxError, ValueError) as error:
        found = f"{attribute!r} in {module}: {error}"
        raise ModuleSourceError("attribute", found, "a dictionary literal") from error
    pairs = value.items() if isinstance(value, dict) else ()
    if not pairs or not all(isinstance(part, str) for pair in pairs for part in pair):
        raise ModuleSourceError("attribute", shorten(value), "a dictionary of document name -> text")
    reading = Reading()
    for name, text in sorted(pairs):
        reading.add(name, text, module)
    return reading


def _locate(module: str) -> ModuleSpec | None:
    """The module's spec; parents are located, not imported."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top)
        name = top
        for part in rest:
            name = f"{name}.{part}"
            folders = spec.submodule_search_locations if spec else None
            spec = PathFinder.find_spec(name, folders) if folders else None
    except (ImportError, ValueError):
        return None
    return spec


def _literal(source: bytes, attribute: str) -> object:
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if value is not None and any(isinstance(t, ast.Name) and t.id == attribute for t in targets):
            return ast.literal_eval(value)
    raise ValueError("it is not assigned at the top level of the module")
