"""Corpora: documents cut into passages, read from a folder or built from a dictionary."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_ragtune.errors import GoldenSetError, Problem
from pytest_ragtune.records import Corpus, Passage

from .chunking import Chunking, chunk_document
from .documents import Reading, corpus_versions, empty_corpus, read_folder
from .files import suggest

_DEFAULT = Chunking()


def load_corpus(folder: str | Path, *, version: str | None = None, chunking: Chunking = _DEFAULT) -> Corpus:
    """Read the documents of a folder and cut them into passages.

    Read are ``.md``, ``.markdown``, ``.txt``, ``.html``, ``.htm`` in the folder and below it, and
    ``corpus.jsonl`` (one ``{"id": ..., "text": ...}`` a line). Hidden files and files named in
    capitals without an ending (LICENSE, README) are left alone; any other file is a problem.

    Args:
        folder: where the documents are.
        version: name of a sub-folder to read instead; None for the folder itself.
        chunking: how documents are cut.

    Returns:
        The corpus; documents sorted by name, names relative to the folder (or the version's) with ``/``.

    Raises:
        GoldenSetError: the folder, a document or the version is not as it should be; holds every problem.
    """
    root = Path(folder)
    versions = corpus_versions(root)
    if version is not None and root.is_dir() and version not in versions:
        problem = Problem(str(root), None, "version", *unknown_version(version, versions))
        raise GoldenSetError(f"corpus {root}", [problem])
    reading = read_folder(root if version is None else root / version, root)
    if reading.problems:
        raise GoldenSetError(f"corpus {root}", reading.problems)
    return _assemble(reading, chunking, version, str(root))


def build_corpus(
    documents: Mapping[str, str], *, chunking: Chunking = _DEFAULT, version: str | None = None
) -> Corpus:
    """Cut documents that are in memory into passages.

    Args:
        documents: document name -> text.
        chunking: how documents are cut.
        version: name of the version that these documents are; None when there is only one.

    Returns:
        The corpus; documents sorted by name.

    Raises:
        GoldenSetError: there is no document with text, or a name or text is not a string.
    """
    problems = [
        Problem("documents", None, repr(name), type(text).__name__, "a name and a text, both strings")
        for name, text in documents.items()
        if not (isinstance(name, str) and isinstance(text, str))
    ]
    if problems:
        raise GoldenSetError("corpus in memory", problems)
    reading = Reading(dict(sorted(documents.items())))
    return _assemble(reading, chunking, version, "documents")


def _assemble(reading: Reading, chunking: Chunking, version: str | None, place: str) -> Corpus:
    passages = cut_documents(reading.documents, chunking)
    if not passages:
        raise GoldenSetError(f"corpus {place}", [empty_corpus(place)])
    return Corpus(passages, reading.documents, corpus_fingerprint(passages), version)


def cut_documents(documents: Mapping[str, str], chunking: Chunking) -> tuple[Passage, ...]:
    """The passages of every document, in the documents' order."""
    return tuple(
        passage for name, text in documents.items() for passage in chunk_document(name, text, chunking)
    )


def corpus_fingerprint(passages: Sequence[Passage]) -> str:
    """SHA-256 over every passage's id, heading and text, as 64 hexadecimal digits."""
    content = [[passage.id, passage.heading, passage.text] for passage in passages]
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def unknown_version(version: str, known: Sequence[str]) -> tuple[str, str]:
    """What was found and expected where a version does not exist; lists those that do."""
    expected = (
        f"one of {', '.join(known)}{suggest(version, known)}" if known else "none: there are no versions"
    )
    return f"version {version!r}", expected
