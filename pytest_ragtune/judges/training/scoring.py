"""Rows as the judge sees them: windows, the exported model's logits, features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_ragtune.judges.claim_parts import parts_of
from pytest_ragtune.judges.features import (
    ANSWER_FEATURES,
    SUPPORT_FEATURES,
    answer_features,
    support_features,
)
from pytest_ragtune.judges.windows import Document, Policy, Window, choose, read_document
from pytest_ragtune.metrics.evidence import Request
from pytest_ragtune.text import words

from .rows import Head, Row

Logits = Callable[[Sequence[tuple[str, str]]], Sequence[tuple[float, float]]]
"""From pairs of texts to (supports, answers): an encoder's method."""
NAMES: Mapping[Head, tuple[str, ...]] = {"supports": SUPPORT_FEATURES, "answers": ANSWER_FEATURES}
"""The features of each head."""


def features_of(
    rows: Sequence[Row], logits: Logits, policy: Policy, tell: Callable[[int], None] = lambda done: None
) -> list[dict[str, float] | None]:
    """The features of each row, by the code that judges; None for a row without words on either side."""
    read: dict[str, Document] = {}
    found: list[dict[str, float] | None] = []
    for number, row in enumerate(rows):
        text = row.first if row.head == "supports" else row.second
        if text not in read:
            read = {text: read_document(text, policy)}
        found.append(_features(row, read[text], logits, policy))
        tell(number + 1)
    return found


def _features(row: Row, document: Document, logits: Logits, policy: Policy) -> dict[str, float] | None:
    """Those of the pair; of a claim of several statements, of the one that the model supports least."""
    if row.head == "answers":
        return _answer(row.first, document, logits, policy)
    found = [
        one
        for part in parts_of(row.second)
        if (one := _support(Request(part.text, (), part.before), document, logits, policy)) is not None
    ]
    return min(found, key=lambda one: one["logit_best"], default=None)


def _support(asked: Request, document: Document, logits: Logits, policy: Policy) -> dict[str, float] | None:
    windows = _windows(document, asked.in_full, policy)
    if not windows:
        return None
    values = [pair[0] for pair in logits([(window.text, asked.in_full) for window in windows])]
    return support_features(asked.claim, document, windows, values)


def _answer(question: str, document: Document, logits: Logits, policy: Policy) -> dict[str, float] | None:
    windows = _windows(document, question, policy)
    if not windows:
        return None
    values = [pair[1] for pair in logits([(question, window.text) for window in windows])]
    return answer_features(question, document, windows, values)


def _windows(document: Document, about: str, policy: Policy) -> list[Window]:
    return choose(document, about, policy) if words(about) else []
