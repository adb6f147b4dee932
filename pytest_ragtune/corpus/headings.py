"""The headings of a plain-text document: Markdown (``# Title``) and underlined (reST, setext)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

_ATX = re.compile(r"(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r"([=\-*~^+\"])\1{2,}$")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_BULLET = re.compile(r"(?:[-*+>]\s|\|)")
_NUMBERED = re.compile(r"\d+[.)]\s")
_ANCHOR = re.compile(r"\s*\{#[^}]*\}$")
_TITLE = re.compile(r"(?=\S).*\w")
_COMMENT = re.compile(r"^<!--.*?(?:-->|\Z)", re.DOTALL | re.MULTILINE)
_FRONT_MATTER = ("---", "+++")  # YAML, TOML
_MARKS = frozenset('#=-*~^+"')
_SETEXT_LEVELS = {"=": 1, "-": 2}


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading of a document."""

    level: int
    """Depth from 1; in a document of underlined headings, the order in which the styles first appear."""
    title: str
    """Its text without markers."""
    start: int
    """Offset of its first line, an overline included."""
    end: int
    """Offset after its last line, an underline included."""


def find_headings(text: str) -> list[Heading]:
    """The headings of ``text``, in order.

    A Markdown heading starts in the first column, outside code fences, comments and front matter. An
    underlined heading is a line between a blank line and a line of one of ``= - * ~ ^ + "``, as long as
    the title or longer (three of ``=`` or ``-`` are enough for a title of any length, as in Markdown). In
    a document that has Markdown headings, only ``=`` and ``-`` underline.
    """
    lines = _open_lines(text)
    marked = [number for number, line in enumerate(lines) if line[:1] in _MARKS]
    atx = {number: match for number in marked if (match := _ATX.match(lines[number]))}
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    starts[-1] = len(text)
    styles: dict[tuple[str, bool], int] = {}
    headings: list[Heading] = []
    for number in marked:
        end = starts[number + 1]
        if number in atx:
            title = _ANCHOR.sub("", atx[number][2] or "").strip()
            headings.append(Heading(len(atx[number][1]), title, starts[number], end))
            continue
        after_heading = bool(headings) and headings[-1].end == starts[number - 1]
        style = None if number - 1 in atx else _underline(lines, number, after_heading)
        if style is None or (atx and style[0] not in _SETEXT_LEVELS):
            continue
        level = _SETEXT_LEVELS[style[0]] if atx else styles.setdefault(style, len(styles) + 1)
        headings.append(Heading(level, lines[number - 1].strip(), starts[number - 1 - style[1]], end))
    return headings


def fenced(lines: list[str]) -> list[bool]:
    """For each line, whether it belongs to a fenced code block, its fences included."""
    inside: list[bool] = []
    fence = ""
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if fence:
            inside.append(True)
            if match and match[1].startswith(fence) and line.strip() == match[1]:
                fence = ""
        else:
            opens = match is not None and not _is_tilde_underline(lines, number)
            inside.append(opens)
            fence = match[1] if match and opens else ""
    return inside


def _is_tilde_underline(lines: list[str], number: int) -> bool:
    """``~~~~~`` under a title that follows a blank line is an underline, not the start of a code block."""
    line, title = lines[number].rstrip(), lines[number - 1].rstrip() if number else ""
    if set(line) != {"~"} or len(title) > len(line) or not _TITLE.match(title):
        return False
    return number < 2 or not lines[number - 2].strip()


def _open_lines(text: str) -> list[str]:
    """The lines without white space at their ends; those of code, comments and front matter are blank."""
    lines = text.split("\n")
    if "```" in text or "~~~" in text:
        lines = ["" if hidden else line for line, hidden in zip(lines, fenced(lines), strict=True)]
    if "<!--" in text:
        lines = _COMMENT.sub(_only_line_ends, "\n".join(lines)).split("\n")
    if (mark := lines[0].rstrip()) in _FRONT_MATTER:
        closing = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == mark), 0)
        lines[: closing + 1] = [""] * (closing + 1)
    return [line.rstrip() for line in lines]


def _only_line_ends(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _underline(lines: list[str], number: int, after_heading: bool) -> tuple[str, bool] | None:
    """Style (character, overlined or not) when that line underlines a title, else None."""
    under, title = lines[number], lines[number - 1] if number else ""
    match = _UNDERLINE.match(under)
    if match is None or not re.search(r"\w", title) or _BULLET.match(title):
        return None
    before = lines[number - 2] if number > 1 else ""
    if before == under and len(under) >= len(title.strip()):
        return match[1], True
    if title[0].isspace() or (before and not after_heading):
        return None
    is_short = len(under) < len(title)
    if is_short and (match[1] not in _SETEXT_LEVELS or _NUMBERED.match(title)):
        return None
    return match[1], False
