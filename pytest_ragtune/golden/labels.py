"""Turns the labels of a case into qrels: passage id -> grade, whatever the corpus is cut into."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_ragtune.corpus import unknown_version
from pytest_ragtune.corpus.files import shorten, suggest
from pytest_ragtune.errors import Problem
from pytest_ragtune.records import Corpus, Passage

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_CJK = "\u2e80"  # where the scripts without spaces begin
_HINTS = 50  # nearest sentences looked up: no more problems than that are shown


@dataclass(frozen=True, slots=True)
class Label:
    """One entry of a case's ``relevant``, as written."""

    document: str
    """A document's name or, without a quote, a passage's id."""
    quote: str | None = None
    """Words of the document."""
    grade: int = 1
    """How relevant."""
    versions: tuple[str, ...] | None = None
    """Corpus versions that it holds in; None for all."""


class LabelResolver:
    """Finds the passages that labels mean, in one corpus.

    A label names a passage (``returns.md#2``), a document (all its passages), or a document and a
    quote: every passage that shares a character with the quote, at each place where the document has
    it as whole words (inside words only where there is no such place). White space is collapsed and
    Unicode is composed (NFC) before quotes are compared, so a quote may span lines and passages. A
    quote that lies in a heading means the passage under the heading.

    Args:
        corpus: the corpus in force.
        versions: every version that exists.
        unreadable: documents that exist but could not be read: labels on them are not reported again.
    """

    def __init__(self, corpus: Corpus, versions: Sequence[str] = (), unreadable: Iterable[str] = ()) -> None:
        self._corpus = corpus
        self._versions = versions
        self._unreadable = frozenset(unreadable)
        self._views: dict[str, _View] = {}
        self._ids = frozenset(passage.id for passage in corpus.passages)
        self._hints = _HINTS
        self._passages: dict[str, list[Passage]] = {name: [] for name in corpus.documents}
        for passage in corpus.passages:
            self._passages[passage.document].append(passage)

    def resolve(
        self, labels: Iterable[Label], file: str, line: int, problems: list[Problem]
    ) -> dict[str, int]:
        """The qrels of one case: the highest grade where labels meet.

        Args:
            labels: the case's labels.
            file: file they stand in.
            line: their line.
            problems: receives a problem for each label that means nothing here.

        Returns:
            Passage id -> grade, in the order of the labels and of the document.
        """
        qrels: dict[str, int] = {}
        for number, label in enumerate(labels):
            if label.versions is not None:
                problems.extend(
                    Problem(file, line, f"relevant[{number}].version", *unknown_version(name, self._versions))
                    for name in label.versions
                    if name not in self._versions
                )
                if self._corpus.version not in label.versions:
                    continue
            try:
                for passage_id in self._find(label):
                    qrels[passage_id] = max(label.grade, qrels.get(passage_id, 0))
            except _NotFoundError as error:
                problems.append(Problem(file, line, f"relevant[{number}]{error.part}", *error.texts))
        return qrels

    def _find(self, label: Label) -> list[str]:
        name = label.document
        if name not in self._ids and name not in self._passages:
            name = unicodedata.normalize("NFC", name)
        if label.quote is None and name in self._ids:
            return [name]
        passages = self._passages.get(name)
        if passages is None:
            return self._missing(name)
        if not passages:
            raise _NotFoundError("", f"document {name!r}, which holds no text", "a document with text")
        if label.quote is None:
            return [passage.id for passage in passages]
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = _View(self._corpus.documents[name], passages)
        found = view.find(_collapse(label.quote))
        return found or self._no_quote(label.quote, name, view)

    def _missing(self, name: str) -> list[str]:
        document, mark, number = name.rpartition("#")
        if {name, document} & self._unreadable:
            return []
        if mark and document in self._passages and number.isdecimal():
            last = len(self._passages[document])
            raise _NotFoundError(
                "",
                f"passage {name!r}, which does not exist",
                f"a passage from {document}#1 to {document}#{last}",
            )
        hint = suggest(name, list(self._passages)) or ", named relative to its folder"
        raise _NotFoundError(
            "", f"document {name!r}, which does not exist", f"a document of the corpus{hint}"
        )

    def _no_quote(self, quote: str, name: str, view: _View) -> list[str]:
        found = f"a quote that {name!r} does not hold: {shorten(quote)}"
        expected = "words of that document, copied exactly"
        if self._hints > 0:
            self._hints -= 1
            others = [
                other
                for other, passages in self._passages.items()
                if other != name and passages and _collapse(quote) in _collapse(self._corpus.documents[other])
            ]
            nearest = view.nearest(quote)
            if others:
                expected += f"; {', '.join(map(repr, others[:3]))} has it"
            elif nearest:
                expected += f"; nearest is {shorten(nearest, 160)}"
        raise _NotFoundError(".quote", found, expected)


class _NotFoundError(Exception):
    """A label means nothing: the field, then what was found and expected."""

    def __init__(self, part: str, found: str, expected: str) -> None:
        self.part, self.texts = part, (found, expected)


class _View:
    """A document with white space collapsed, and where its passages begin and end in that."""

    def __init__(self, text: str, passages: Sequence[Passage]) -> None:
        self._text = text
        self._passages = passages
        cuts = {0, len(text), *(p.start for p in passages), *(p.end for p in passages)}
        parts: list[str] = []
        place = {len(text): 0}
        offset = 0
        for start, end in pairwise(sorted(cuts)):
            place[start] = offset
            if part := _collapse(text[start:end]):
                parts.append(part)
                offset += len(part) + 1
        place[len(text)] = offset
        self._collapsed = " ".join(parts)
        self._starts = [place[passage.start] for passage in passages]
        self._ends = [place[passage.end] - 1 for passage in passages]

    def find(self, quote: str) -> list[str]:
        """Ids of the passages that any occurrence of the collapsed quote touches, in reading order."""
        touched: dict[str, None] = {}
        places = list(self._places(quote))
        for place in [place for place in places if self._is_whole(place, place + len(quote))] or places:
            first = bisect_right(self._ends, place)
            last = max(bisect_left(self._starts, place + len(quote)), first + 1)
            if first == len(self._passages):
                first, last = first - 1, first
            for passage in self._passages[first:last]:
                touched[passage.id] = None
        return list(touched)

    def _places(self, quote: str) -> Iterator[int]:
        place = self._collapsed.find(quote)
        while place >= 0:
            yield place
            place = self._collapsed.find(quote, place + 1)

    def _is_whole(self, start: int, end: int) -> bool:
        """Whether that stretch neither begins nor ends inside a word: ``5 days`` is not in ``15 days``."""
        text = self._collapsed
        return not (_joined(text[start - 1 : start + 1]) or _joined(text[end - 1 : end + 1]))

    def nearest(self, quote: str) -> str:
        """The sentence that shares most words with the quote (Dice); empty when none shares any."""
        wanted = set(_WORD.findall(quote.casefold()))

        def likeness(sentence: str) -> float:
            has = set(_WORD.findall(sentence.casefold()))
            return 2 * len(wanted & has) / ((len(wanted) + len(has)) or 1)

        sentences = (_collapse(sentence) for sentence in _SENTENCE.split(self._text))
        best = max(sentences, key=likeness, default="")
        return best if likeness(best) > 0 else ""


def _joined(pair: str) -> bool:
    """Whether two characters are within a word; Chinese, Japanese and Korean text has no such places."""
    return len(pair) == 2 and pair.isalnum() and max(pair) < _CJK


def _collapse(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))
