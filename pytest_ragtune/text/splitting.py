"""Sentences: a rule-based splitter that loses no character."""

from __future__ import annotations

import re

from .tokens import word_set

MARKER = re.compile(r"\s*(?:[-*+•‣▪–—·]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]|#{1,6})\s+(?=\S)")
"""What opens a list item or a heading, at the beginning of a line."""

_FENCE = re.compile(r"\s*(?:```|~~~)")
_PROMPT = re.compile(r"\s*(?:>>>|\.\.\.|\$|In \[\d*\]:)\s")
_TABLE = re.compile(r"\s*\|")
_HEADING = re.compile(r"#{1,6}\s")
_BREAK = re.compile(r"\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_ENDS = re.compile(r"[.!?…:;。！？][\"'”’)\]*_]*\s*$")
_CANDIDATE = re.compile(r"(?:[.!?…]+[\"'”’)\]»]*(?:\[\d+\])*(?=\s)|[。！？]+[」』”’）]*)\s*")
_LAST_WORD = re.compile(r"([^\s(\[\"'“‘]*)$")
_SHORT_LINE = 45
_NEAR = 60
"""Characters on either side of a full stop that decide about it."""

_ABBREVIATIONS = word_set(
    """mr mrs ms dr prof rev hon st mt ft gen col sgt capt lt cmdr sen rep gov pres vs viz cf al approx
    appr ca fig figs eq eqs sec ch vol vols ed eds p pp no nos art para jan feb mar apr jun jul aug sep
    sept oct nov dec tel ext dept univ min max avg e.g i.e resp incl excl ave blvd rd"""
)
_MAY_END = word_set("etc inc ltd co corp jr sr bros a.m p.m u.s u.k u.n e.u d.c b.c a.d ph.d m.d hr hrs")
"""Abbreviations that also end sentences: there the next word decides."""

_STARTERS = word_set(
    """A An The It Its He She They We You I This That These Those There Here If When While In On At For
    From By With To After Before Since As But However And Or So Then Also Our Your My His Her Their Each
    Every All Some No Not Please What Who How Why Where Do Does Is Are Can Both Once Until Unless
    Although Because During"""
)


def sentences(text: str) -> list[str]:
    """The sentences of ``text``, stripped, in order; no character but white space is lost.

    Sentences end at ``.``, ``!``, ``?`` and their CJK forms, not after abbreviations (``Dr.``, ``e.g.``),
    initials, list numbers or inside numbers. List items, headings, table rows and lines of code are
    sentences of their own; a line break inside a paragraph is a space.
    """
    found: list[str] = []
    prose: list[str] = []
    for line, is_whole in _lines(text):
        anew = prose and (MARKER.match(line) or _begins_anew(prose[-1], line))
        if is_whole or anew or not line.strip():
            found.extend(_split_prose("\n".join(prose)))
            prose.clear()
        if is_whole:
            found.append(line.strip())
        elif line.strip():
            prose.append(line)
    return [*found, *_split_prose("\n".join(prose))]


def _lines(text: str) -> list[tuple[str, bool]]:
    """The lines, each with whether it is a sentence as it stands: code, a table row, a Markdown heading."""
    lines, fenced = [], False
    for line in _BREAK.split(text):
        is_fence = bool(_FENCE.match(line))
        is_whole = is_fence or fenced or any(kind.match(line) for kind in (_PROMPT, _TABLE, _HEADING))
        fenced = fenced != is_fence
        lines.append((line, is_whole and bool(line.strip())))
    return lines


def _begins_anew(before: str, line: str) -> bool:
    """Whether a line break between two lines of text is more than a wrapped line."""
    first = line.strip()[:1]
    if first.islower():
        return False
    return bool(_ENDS.search(before)) or (len(before.strip()) < _SHORT_LINE and first.isupper())


def _split_prose(block: str) -> list[str]:
    """The sentences of a paragraph or a list item."""
    marker = MARKER.match(block)
    start, found = 0, []
    for match in _CANDIDATE.finditer(block, marker.end() if marker else 0):
        if match.end() < len(block) and _is_end(block, match):
            found.append(block[start : match.end()].strip())
            start = match.end()
    found.append(block[start:].strip())
    return [piece for piece in found if piece]


def _is_end(block: str, match: re.Match[str]) -> bool:
    """Whether the punctuation at ``match`` ends a sentence."""
    stop = match.group().strip()
    before = block[max(0, match.start() - _NEAR) : match.start()]
    after = block[match.end() : match.end() + _NEAR]
    if stop[0] in "。！？":
        return True
    if before.endswith((" ", "\n")):  # text cut into tokens: "a word . another"
        return stop[0] != "…" and not stop.startswith("..")
    following = after.lstrip("\"'“‘([*_«#-•")[:1]
    if following.islower() or not following:
        return False
    if stop[0] != "." or stop.startswith(".."):
        return True
    found = _LAST_WORD.search(before)
    word = found.group(1) if found else ""
    return _word_may_end(word, after)


def _word_may_end(word: str, after: str) -> bool:
    """Whether a full stop after ``word`` ends a sentence that ``after`` follows."""
    lowered = word.lower().rstrip(".")
    next_word = re.match(r"\W*(\w*)", after)
    starts = next_word is not None and next_word.group(1) in _STARTERS
    if lowered in _MAY_END:
        return starts
    if lowered == "no":  # "No. 5" but "The answer is no. We ..."
        return not after[:1].isdigit()
    if lowered in _ABBREVIATIONS:
        return False
    if len(word) == 1 and word.isalpha() and word.isupper():
        return starts or word == "I"
    return True
