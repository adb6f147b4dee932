"""Labelled rows: what a judge is trained on, and which part of the work a row belongs to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pytest_ragtune.judges.features import Head
from pytest_ragtune.text import sentences, words

Part = Literal["train", "dev", "test"]
Verdict = Literal["yes", "unknown", "contradicted", "no"]
"""``no`` is unknown or contradicted, the source does not tell which."""

DEV, TEST = 0.15, 0.15
"""Share of the groups kept for choosing and fitting, and for reporting."""
LONG_SENTENCE = 7
"""Words from which on a sentence that two contexts share makes them one group."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled pair."""

    head: Head
    """Which question is asked about it."""
    first: str
    """The context, or the question."""
    second: str
    """The claim, or the answer."""
    verdict: Verdict
    """The label."""
    source: str
    """Name of the set."""
    family: str = ""
    """Sets that share texts are one family and are split together."""
    group: str = ""
    """Rows of one group stand on one side of every split; given by :func:`grouped`."""
    evidence: tuple[str, ...] = ()
    """Sentences of the context that a person marked."""

    @property
    def label(self) -> int:
        """1 for ``yes``, else 0."""
        return int(self.verdict == "yes")


def grouped(rows: Sequence[Row]) -> list[Row]:
    """The rows with their groups: those of one family whose contexts share a long sentence are one group."""
    found: list[Row] = []
    for family in dict.fromkeys(row.family for row in rows):
        members = [row for row in rows if row.family == family]
        roots = _roots([row.first for row in members])
        found.extend(replace(row, group=f"{family}:{root}") for row, root in zip(members, roots, strict=True))
    return found


def part_of(group: str, *, dev: float, test: float) -> Part:
    """The side of the split a group is on: a function of its name alone."""
    place = int(hashlib.sha256(f"split:{group}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return "test" if place < test else "dev" if place < test + dev else "train"


def split(rows: Iterable[Row], *, dev: float, test: float) -> dict[Part, list[Row]]:
    """The rows by the part their group is in."""
    parts: dict[Part, list[Row]] = {"train": [], "dev": [], "test": []}
    for row in rows:
        parts[part_of(row.group, dev=dev, test=test)].append(row)
    return parts


def plain(text: str) -> str:
    """Text as people write it: without the spaces and brackets of a treebank."""
    text = text.replace("``", '"').replace("''", '"').replace("-LRB-", "(").replace("-RRB-", ")")
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ([.,;:!?%)\]’])(?=[\s\")]|$)", r"\1", text)
    text = re.sub(r"([(\[$]) ", r"\1", text)
    text = re.sub(r" (n't|'s|'re|'ve|'ll|'d|'m)\b", r"\1", text)
    return re.sub(r"(\w) - (\w+)", r"\1-\2", text).strip()


def _roots(texts: Sequence[str]) -> list[str]:
    """A name for the group of each text: the smallest digest among those joined to it."""
    parent: dict[str, str] = {}

    def find(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    keys: list[list[str]] = []
    for text in texts:
        found = [" ".join(words(sentence)) for sentence in sentences(text)]
        long = [sentence for sentence in found if sentence.count(" ") + 1 >= LONG_SENTENCE]
        keys.append([_digest(sentence) for sentence in long or [" ".join(found)]])
        for other in keys[-1][1:]:
            one, two = sorted((find(keys[-1][0]), find(other)))
            parent[two] = one
    return [find(known[0]) for known in keys]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
