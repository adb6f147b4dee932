"""Cuts a document into passages, by heading or by a window of words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from pytest_ragtune.records import Passage

from .cutting import Span, cut, trim, words
from .headings import Heading, find_headings

By = Literal["heading", "window"]


@dataclass(frozen=True, slots=True)
class Chunking:
    """How documents are cut into passages.

    Raises:
        ValueError: a value is out of range; the message says what was found and what is expected.
    """

    by: By = "heading"
    """``heading``: a section is a passage, a long one is cut; ``window``: equal runs of words."""
    max_words: int = 120
    """Most words (runs without white space) in a passage, its headings not counted; at least 1."""
    overlap: int = 0
    """Words that a window shares with the one before; less than ``max_words``, 0 when cut by heading."""

    def __post_init__(self) -> None:
        if self.by not in get_args(By):
            raise ValueError(f"by is {self.by!r}: expected 'heading' or 'window'")
        for name in ("max_words", "overlap"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ValueError(f"{name} is {value!r}: expected a whole number of words")
        if self.max_words < 1:
            raise ValueError(f"max_words is {self.max_words}: expected 1 or more")
        if not 0 <= self.overlap < self.max_words:
            raise ValueError(
                f"overlap is {self.overlap}: expected 0 or more and less than max_words ({self.max_words})"
            )
        if self.overlap and self.by == "heading":
            raise ValueError(f"overlap is {self.overlap}: expected 0 with by='heading'; windows overlap")


def chunk_document(name: str, text: str, chunking: Chunking) -> list[Passage]:
    """Cut one document into passages.

    Every passage is an exact part of the document: ``text[passage.start : passage.end] == passage.text``.
    Cut by heading, a passage's text leaves its own heading out: ``heading`` holds the headings above
    it. A heading without a text of its own opens the next passage, unless that lies below it (then the
    heading is in that passage's ``heading`` anyway): no heading is lost.

    Args:
        name: the document's name; passages are ``name#1``, ``name#2`` and so on, in reading order.
        text: the whole document.
        chunking: how to cut.

    Returns:
        The passages; none for a document without a word.
    """
    pieces = _by_heading(text, chunking) if chunking.by == "heading" else _by_window(text, chunking)
    return [
        Passage(f"{name}#{number}", text[start:end], name, start, end, heading)
        for number, (heading, (start, end)) in enumerate(pieces, start=1)
    ]


def _by_heading(text: str, chunking: Chunking) -> Iterator[tuple[str, Span]]:
    for heading, section in _sections(text):
        for piece in cut(text, section, chunking.max_words):
            yield heading, piece


def _by_window(text: str, chunking: Chunking) -> Iterator[tuple[str, Span]]:
    headings = find_headings(text)
    places, paths = [heading.start for heading in headings], ["", *_paths(headings)]
    found = words(text, (0, len(text)))
    for first in range(0, len(found), chunking.max_words - chunking.overlap):
        last = min(first + chunking.max_words, len(found))
        start = found[first][0]
        yield paths[bisect_right(places, start)], (start, found[last - 1][1])
        if last == len(found):
            return


def _sections(text: str) -> Iterator[tuple[str, Span]]:
    """Heading path and body of every section that has a body."""
    headings = find_headings(text)
    ends = [*(heading.start for heading in headings), len(text)]
    preamble = trim(text, (0, ends[0]))
    if preamble[0] < preamble[1]:
        yield "", preamble
    bare: list[Heading] = []  # headings without a text of their own, since the last section that had one
    line: list[Heading] = []
    for number, line in enumerate(_lines_of_descent(headings)):
        start, end = trim(text, (line[-1].end, ends[number + 1]))
        if start == end:
            bare.append(line[-1])
            continue
        yield _path(line), (start if (first := _first_outside(bare, line)) is None else first, end)
        bare = []
    if (first := _first_outside(bare, line[:-1])) is not None:
        yield _path(line), trim(text, (first, len(text)))


def _first_outside(bare: list[Heading], above: list[Heading]) -> int | None:
    """Where the first of some headings starts that is not among those above a section."""
    return next((heading.start for heading in bare if heading not in above), None)


def _paths(headings: list[Heading]) -> list[str]:
    """For each heading, its own and those above it, joined by `` > ``."""
    return [_path(line) for line in _lines_of_descent(headings)]


def _path(line: list[Heading]) -> str:
    return " > ".join(heading.title for heading in line if heading.title)


def _lines_of_descent(headings: list[Heading]) -> Iterator[list[Heading]]:
    """For each heading, those above it, outermost first, and itself."""
    line: list[Heading] = []
    for heading in headings:
        line = [*(other for other in line if other.level < heading.level), heading]
        yield line
