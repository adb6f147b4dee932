"""Cuts a stretch of text that is too long, at the gentlest places that there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from .headings import fenced

Span = tuple[int, int]
"""Offsets (start, end) in a text."""

_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(
    r"(?<![eE]\.g\.)(?<!i\.e\.)(?<!\bvs\.)(?<!\bNo\.)(?<=[.!?])[\"')\]”’]*\s+(?=[A-Z0-9\"'“‘(\[*_`])"
    r"|\n(?=[ \t]*(?:[-*+|]|\d+[.)])\s)"
)


def words(text: str, span: Span) -> list[Span]:
    """Spans of the words (runs without white space) in ``span``."""
    return [match.span() for match in _WORD.finditer(text, *span)]


def trim(text: str, span: Span) -> Span:
    """``span`` without the white space at its ends; empty when there is nothing else in it."""
    start, end = span
    part = text[start:end]
    stripped = part.strip()
    start += len(part) - len(part.lstrip()) if stripped else 0
    return start, start + len(stripped)


def cut(text: str, span: Span, max_words: int) -> list[Span]:
    """Cut ``span`` into pieces of at most ``max_words`` words and of similar length.

    Cuts fall at the ends of paragraphs where those suffice (an indented paragraph stays with the one
    that introduces it, and whatever follows a colon with the colon), else at sentence ends, else at
    line ends, else between words. Code blocks count as one paragraph.

    Returns:
        Trimmed spans in reading order; together they hold every word once.
    """
    if _count(text, span) <= max_words:
        return [trim(text, span)]
    return _pack(text, _glue(text, _units(text, span, max_words, 0), max_words), max_words)


def _count(text: str, span: Span) -> int:
    return len(text[span[0] : span[1]].split())


def _units(text: str, span: Span, max_words: int, level: int) -> list[Span]:
    """Pieces that are short enough, each cut no finer than it must be."""
    if _count(text, span) <= max_words:
        return [span]
    if level == len(_CUTTERS):
        return _even_words(text, span, max_words)
    pieces = _CUTTERS[level](text, span)
    if len(pieces) == 1:
        return _units(text, span, max_words, level + 1)
    return [unit for piece in pieces for unit in _units(text, piece, max_words, level)]


def _blocks(text: str, span: Span) -> list[Span]:
    """Paragraphs of the smallest indentation, each with the deeper ones that follow it."""
    paragraphs = _paragraphs(text, span)
    indents = [_indent(text, start) or 0 for start, _ in paragraphs]
    heads = [0, *(i for i in range(1, len(indents)) if indents[i] == min(indents))]
    if len(heads) == 1 and len(paragraphs) > 1:
        heads = [0, 1]
    return [(paragraphs[i][0], paragraphs[j - 1][1]) for i, j in pairwise([*heads, len(paragraphs)])]


def _paragraphs(text: str, span: Span) -> list[Span]:
    """Runs of lines between blank lines; a code block is never broken."""
    lines = text[slice(*span)].split("\n")
    found: list[Span] = []
    offset, open_paragraph = span[0], False
    for line, in_code in zip(lines, fenced(lines), strict=True):
        if line.strip() or (in_code and open_paragraph):
            start = found.pop()[0] if open_paragraph else offset
            found.append((start, offset + len(line)))
            open_paragraph = True
        else:
            open_paragraph = False
        offset += len(line) + 1
    return [trim(text, paragraph) for paragraph in found]


def _sentences(text: str, span: Span) -> list[Span]:
    return _split(text, span, (match.end() for match in _SENTENCE_END.finditer(text, *span)))


def _lines(text: str, span: Span) -> list[Span]:
    return _split(text, span, (match.end() for match in re.compile(r"\n").finditer(text, *span)))


def _split(text: str, span: Span, places: Iterable[int]) -> list[Span]:
    pieces = (trim(text, piece) for piece in pairwise([span[0], *places, span[1]]))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _even_words(text: str, span: Span, max_words: int) -> list[Span]:
    """Runs of words of equal length."""
    found = words(text, span)
    parts = -(-len(found) // max_words)
    size = -(-len(found) // parts)
    return [(found[i][0], found[min(i + size, len(found)) - 1][1]) for i in range(0, len(found), size)]


_CUTTERS: tuple[Callable[[str, Span], list[Span]], ...] = (_blocks, _sentences, _lines)


def _indent(text: str, start: int) -> int | None:
    """Column of ``start`` (80 at most) when it is the first on its line, else None."""
    line = text.rfind("\n", 0, start) + 1
    return None if text[line:start].strip() else min(start - line, 80)


def _glue(text: str, units: list[Span], max_words: int) -> list[Span]:
    """Join what belongs together: a text that ends in a colon, or that a deeper indented one follows."""
    glued: list[Span] = []
    for unit in units:
        if glued and _belongs(text, glued[-1], unit):
            joined = (glued[-1][0], unit[1])
            if _count(text, joined) <= max_words:
                glued[-1] = joined
                continue
        glued.append(unit)
    return glued


def _belongs(text: str, before: Span, after: Span) -> bool:
    first, second = _indent(text, before[0]), _indent(text, after[0])
    is_deeper = first is not None and second is not None and second > first
    return is_deeper or text[before[1] - 1] == ":"


def _pack(text: str, units: list[Span], max_words: int) -> list[Span]:
    """Join neighbours until the pieces are about equally long, none longer than ``max_words``."""
    counts = [_count(text, unit) for unit in units]
    parts = -(-sum(counts) // max_words)
    target = sum(counts) / parts
    packed: list[Span] = []
    size = 0
    for unit, count in zip(units, counts, strict=True):
        if packed and size + count <= max_words and size + count / 2 <= target:
            packed[-1] = (packed[-1][0], unit[1])
            size += count
        else:
            packed.append(unit)
            size = count
    return packed
