"""What is asked, and of which documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

MAX_GRADE = 100
"""The highest grade of relevance: nDCG in trec_eval takes time and memory by the highest grade."""
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document: what is indexed, retrieved and shown to a model."""

    id: str
    """Unique in the corpus, for example ``returns.md#2``."""
    text: str
    """The passage's own text."""
    document: str = ""
    """Name of the document that it comes from."""
    start: int = 0
    """Offset of its first character in the document's text."""
    end: int = 0
    """Offset after its last character."""
    heading: str = ""
    """Headings above it, outermost first, joined by `` > ``; empty when there are none."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents cut into passages, at one version."""

    passages: tuple[Passage, ...]
    """In reading order."""
    documents: Mapping[str, str]
    """Document name -> its whole text."""
    fingerprint: str
    """Hash of every passage's id and text: equal exactly when the passages are."""
    version: str | None = None
    """Name of the version (``v2``); None for a corpus that has only one."""

    def passage(self, passage_id: str) -> Passage:
        """The passage with that id; KeyError when there is none."""
        for passage in self.passages:
            if passage.id == passage_id:
                return passage
        raise KeyError(passage_id)


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a golden set, with what a good answer needs."""

    id: str
    """Unique in the golden set."""
    question: str
    """What is asked, word for word."""
    reference: str | None = None
    """A correct answer, for the corpus version in force."""
    aliases: tuple[str, ...] = ()
    """Other wordings of the reference that are as correct."""
    relevant: Mapping[str, int] = field(default_factory=lambda: _EMPTY)
    """The qrels: passage id -> grade (1 to 100)."""
    answerable: bool = True
    """False when the corpus does not hold the answer, so that a good system abstains."""
    tags: tuple[str, ...] = ()
    """Free words to select cases by."""
    references: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """Corpus version -> the reference at that version, where it differs."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training example of a LoRA adapter."""

    question: str
    """What is asked."""
    answer: str
    """What the model should learn to say."""


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """Cases, the corpus they are asked of, and examples to train on."""

    name: str
    """Name from the header, or the folder's name."""
    cases: tuple[Case, ...]
    """In the file's order."""
    corpus: Corpus
    """The documents, cut into passages."""
    fingerprint: str
    """Hash of every case and of the corpus; a selection keeps its parent's."""
    path: Path | None = None
    """The folder; None for a golden set built in memory."""
    train: tuple[Example, ...] = ()
    """Examples for a LoRA adapter; none of their questions is a case's."""
    description: str = ""
    """One or two sentences from the header."""
    licence: str = ""
    """SPDX name from the header."""
    versions: tuple[str, ...] = ()
    """Corpus versions that exist, oldest first."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    """The header's ``[defaults]``: ``k``, ``max_new_tokens``, ``system`` and so on."""

    def select(self, *, tags: Sequence[str] = (), cases: Sequence[str] = ()) -> GoldenSet:
        """The part with any of ``tags`` and an id among ``cases``; an empty argument selects all."""
        wanted, ids = set(tags), set(cases)
        kept = tuple(
            case
            for case in self.cases
            if (not wanted or wanted & set(case.tags)) and (not ids or case.id in ids)
        )
        return replace(self, cases=kept)
