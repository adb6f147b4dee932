"""Refusals: answers that say that they cannot answer."""

from __future__ import annotations

import re

_HINT = re.compile(
    r"n't|n’t|\b(?:not|no|none|nothing|nowhere|never|cannot|unable|unknown|unsure|uncertain|unclear"
    r"|unanswerable|insufficient|silent|lacks?|outside|beyond|n/a)\b",
    re.IGNORECASE,
)
"""A refusal holds one of these; most answers hold none and need no further look."""


def is_refusal(text: str) -> bool:
    """Whether ``text`` declines to answer because the answer is not known or not in the given text.

    True when a sentence says so (``I don't know``, ``The handbook does not mention parking``, ``not in the
    context``) and every other sentence is small talk, tells where to ask instead, promises an answer for
    later, signs, or describes the text. An answer that says no (``You cannot return opened items``), a
    condition (``If you cannot find your order``) and a refusal followed by an answer after all are not
    refusals. The patterns are English; an empty text is no refusal.
    """
    if not _HINT.search(text):
        return False
    from .refusing import declines

    return declines(text)
