"""Rows as the judge sees them: windows, the exported model's logits, features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pytest_ragtune.judges.claim_parts import parts_of
from pytest_ragtune.judges.features import (
    answer_features,
    stretches,
    support_features,
)
from pytest_ragtune.judges.windows import Document, Policy, Window, choose, read_document
from pytest_ragtune.metrics.evidence import Request
from pytest_ragtune.text import words

from .rows import Row


class Reads(Protocol):
    """What an encoder says of pairs of texts."""

    def logits(self, pairs: Sequence[tuple[str, str]], /) -> Sequence[tuple[float, float]]:
        """(supports, answers) a pair."""

    def cosines(self, pairs: Sequence[tuple[str, str]], /) -> Sequence[float]:
        """How near the two texts are, each read alone."""


def features_of(
    rows: Sequence[Row], encoder: Reads, policy: Policy, tell: Callable[[int], None] = lambda done: None
) -> list[dict[str, float] | None]:
    """The features of each row, by the code that judges; None for a row without words on either side."""
    read: dict[str, Document] = {}
    found: list[dict[str, float] | None] = []
    for number, row in enumerate(rows):
        text = row.first if row.head == "supports" else row.second
        if text not in read:
            read = {text: read_document(text, policy)}
        found.append(_features(row, read[text], encoder, policy))
        tell(number + 1)
    return found


def _features(row: Row, document: Document, encoder: Reads, policy: Policy) -> dict[str, float] | None:
    """Those of the pair; of a claim of several statements, of the one that the model supports least."""
    if row.head == "answers":
        return _answer(row.first, document, encoder, policy)
    parts = parts_of(row.second)
    asked = [Request(part.text, (), part.before) for part in parts.statements]
    each = [_support(one, parts.whole, document, encoder, policy) for one in asked]
    found = [one for one in each if one is not None]
    return min(found, key=lambda one: one["logit_best"], default=None)


def _support(
    asked: Request, whole: str, document: Document, encoder: Reads, policy: Policy
) -> dict[str, float] | None:
    windows = _windows(document, asked.in_full, policy)
    if not windows:
        return None
    values = [pair[0] for pair in encoder.logits([(window.text, asked.in_full) for window in windows])]
    return support_features(asked.claim, document, windows, values, whole)


def _answer(question: str, document: Document, encoder: Reads, policy: Policy) -> dict[str, float] | None:
    windows = _windows(document, question, policy)
    if not windows:
        return None
    values = [pair[1] for pair in encoder.logits([(question, window.text) for window in windows])]
    cosines = encoder.cosines([(question, window.text) for window in stretches(windows)])
    return answer_features(question, document, windows, values, cosines)


def _windows(document: Document, about: str, policy: Policy) -> list[Window]:
    return choose(document, about, policy) if words(about) else []
