"""Claims in other words that people wrote: verses of one translation beside those of another, true and not.

Paraphrases that are made by rule keep most words, and a network that learns from them goes on counting words.
Three translations of the same text, one of them in 850 basic words, say the same in other words 31,000 times.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_ragtune.text import content_words, words

from .planting import KINDS, Stock, stock_of
from .rows import DEV, TEST, Part, Row, part_of, plain
from .scarce import plant_scarce
from .sources import read_jsonl

LICENCE = "public-domain translations"
"""Of the King James Version, the World English Bible and the Bible in Basic English."""
_VERSIONS = (("modern", "basic"),) * 5 + (
    ("archaic", "basic"),
    ("archaic", "modern"),
    ("basic", "modern"),
) * 2
"""Context and claim: most often today's language beside basic words."""
_REFERENCE = re.compile(r"(.+?)(\d+):\d+$")
_TITLE = re.compile(r"<[^>]*>")
_FEWEST = 8
"""Verses of a chapter to draw from."""
_SIZES = (1, 1, 2, 3, 3, 4, 5)
"""Verses of a context."""
_LONGEST = 150
"""Words of a context."""

Verse = Mapping[str, str]
"""One verse by version: ``archaic``, ``modern``, ``basic``."""


def read_chapters(data: Path, part: Part) -> list[list[Verse]]:
    """The chapters of one part, each its verses in order."""
    found: dict[str, list[Verse]] = {}
    for row in read_jsonl(data / "style/bible_style_parallel/data.jsonl.gz"):
        match = _REFERENCE.match(row["id"])
        if match is None:
            raise ValueError(
                f"{row['id']!r} names no verse: expected a book, a chapter and a verse, as Ruth1:2"
            )
        verse = {version: _clean(row[version]) for version in ("archaic", "modern", "basic")}
        found.setdefault(f"{row['book']} {match[2]}", []).append(verse)
    return [
        verses
        for name, verses in found.items()
        if len(verses) >= _FEWEST and part_of(f"retold:{name}", dev=DEV, test=TEST) == part
    ]


def _clean(text: str) -> str:
    return plain(_TITLE.sub("", html.unescape(text)))


def retold(chapters: Sequence[Sequence[Verse]], rng: random.Random, count: int) -> list[Row]:
    """Rows of verses in one version and a claim in another.

    A claim that is one of the verses is supported; another verse of the same chapter, the one of a few that
    shares most words, is not, and neither is a claim with an error planted in it. At least a third are true.
    """
    if not chapters:
        return []
    stock = stock_of(
        [verse["modern"] for verses in rng.sample(chapters, min(200, len(chapters))) for verse in verses]
    )
    uses = dict.fromkeys(KINDS, 0)
    rows: list[Row] = []
    for _ in range(20 * count):  # an end for chapters of which no verse can be used
        if len(rows) >= count:
            break
        rows += _of_chapter(rng.choice(chapters), stock, uses, rng)
    return rows[:count]


def _of_chapter(verses: Sequence[Verse], stock: Stock, uses: dict[str, int], rng: random.Random) -> list[Row]:
    told, retelling = rng.choice(_VERSIONS)
    at, size = rng.randrange(len(verses)), rng.choice(_SIZES)
    first = max(0, min(at - rng.randrange(size), len(verses) - size))
    span = range(first, first + size)
    context = " ".join(verses[number][told] for number in span)
    claim = verses[at][retelling]
    if not 6 <= len(words(claim)) <= 45 or len(words(context)) > _LONGEST:
        return []
    rows = [Row("supports", context, claim, "yes", "retold")]
    held = {verses[number][retelling] for number in span}  # a refrain stands in several verses
    others = [verse[retelling] for verse in verses if verse[retelling] not in held]
    other = _nearest(context, others, rng)
    if other is not None and rng.random() < 0.7:
        rows.append(Row("supports", context, other, "unknown", "retold"))
    wrong = plant_scarce([claim], context, stock, uses, rng) if rng.random() < 0.7 else None
    if wrong is not None:
        rows.append(Row("supports", context, wrong.claim, "no", f"retold:{wrong.kind}"))
    return rows


def _nearest(context: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Of six texts of ``others`` the one of whose content the context holds most; None without any."""
    usable = [text for text in others if len(words(text)) >= 6]
    held = set(content_words(context))

    def share(text: str) -> float:
        wanted = set(content_words(text))
        return len(wanted & held) / max(1, len(wanted))

    return max(rng.sample(usable, min(6, len(usable))), key=share, default=None)
