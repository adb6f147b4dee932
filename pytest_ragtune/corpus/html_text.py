"""The readable text of an HTML page, in Markdown's shape so that it can be cut by heading."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_ragtune.extras import load

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_DROPPED = {
    *("head", "title", "script", "style", "nav", "noscript", "template", "svg", "iframe", "button", "select"),
}
_INLINE = {
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font"),
    *("i", "img", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span"),
    *("strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
}
_LAYOUT = [
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "p",
    "ul",
    "ol",
    "pre",
    "table",
    "tr",
    "script",
    "style",
    "nav",
]
_HEADING = re.compile(r"h([1-6])$")


def html_to_text(html: str) -> str:
    """The text of a page's headings, paragraphs, lists, tables and preformatted blocks.

    Headings become ``# `` lines, list items ``- `` lines, table rows ``| a | b |`` lines and
    preformatted blocks code fences. Scripts, styles, navigation, forms and everything else in the
    page's head are dropped; without an ``h1`` the page's title is the first heading.

    Args:
        html: the page's source.

    Returns:
        The text; empty for a page without any.
    """
    bs4 = load("bs4")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hints about XML or file names: the user chose this file
        soup: BeautifulSoup = bs4.BeautifulSoup(html, "html.parser")
    blocks = list(_blocks(soup))
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    if title and not any(block.startswith("# ") for block in blocks):
        blocks.insert(0, f"# {title}")
    return _join(blocks)


def _blocks(soup: BeautifulSoup) -> Iterator[str]:
    """The page's blocks in order: headings, paragraphs, list items, table rows, code."""
    marker = ""
    buffer: list[str] = []
    for node, is_end in _walk(soup):
        name = getattr(node, "name", None)
        if name is None:
            buffer.append(str(node))
        elif name in _INLINE:
            buffer.extend(["`"] if name == "code" else [])
        elif name == "br":
            buffer.append(" ")
        else:
            if text := " ".join("".join(buffer).split()):
                yield marker + text
                marker = ""
            buffer.clear()
            if is_end or not marker or _marker(name):
                marker = "" if is_end else _marker(name)
            if not is_end and _is_whole(node):
                yield from _whole(node)


def _marker(name: str) -> str:
    if heading := _HEADING.match(name):
        return "#" * int(heading[1]) + " "
    return "- " if name == "li" else ""


def _is_whole(tag: Tag) -> bool:
    """Whether a tag is taken in one piece: code, and table rows unless they lay out a page."""
    return tag.name == "pre" or (tag.name == "tr" and tag.find(_LAYOUT) is None)


def _whole(tag: Tag) -> Iterator[str]:
    """A preformatted block or a table row, taken in one piece."""
    if tag.name == "pre":
        if code := tag.get_text().strip("\n"):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
            yield f"{fence}\n{code}\n{fence}"
        return
    bs4 = load("bs4")
    cells: list[str] = []
    for node in tag.descendants:  # in reading order, so that a cell without an end tag ends at the next
        name = getattr(node, "name", None)
        if name in ("td", "th"):
            cells.append("")
        elif cells and (name == "br" or type(node) is bs4.NavigableString):
            cells[-1] += str(node) if name is None else " "
    if any(cell.strip() for cell in cells):
        yield f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"


def _walk(soup: BeautifulSoup) -> Iterator[tuple[Tag, bool]]:
    """Every kept node, tags once at their start and once at their end; not recursive, pages can be deep."""
    bs4 = load("bs4")
    stack: list[tuple[Tag, bool]] = [(soup, False)]
    while stack:
        node, is_end = stack.pop()
        if type(node) is bs4.NavigableString:
            yield node, False
        elif isinstance(node, bs4.Tag) and (is_end or node.name not in _DROPPED):
            yield node, is_end
            if not is_end:
                stack.append((node, True))
                if not _is_whole(node):
                    stack.extend((child, False) for child in reversed(node.contents))


def _join(blocks: list[str]) -> str:
    """Blocks with a blank line between them, list items and table rows on consecutive lines."""
    parts: list[str] = []
    for before, block in zip(["", *blocks], blocks, strict=False):
        tight = any(before.startswith(mark) and block.startswith(mark) for mark in ("- ", "| "))
        parts.append(("\n" if tight else "\n\n" if before else "") + block)
    return "".join(parts)
