"""What of a claim is judged: its statements, without the yes or no that leads one, or where it is from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_ragtune.text import Statement, sentences, statements, without_attribution
from pytest_ragtune.text.smalltalk import is_small_talk

_PARTICLE = re.compile(r"^(?:yes|no)\s*[,;:–—]\s+(?=\w)", re.IGNORECASE)
"""``No, it is left at the kerb`` states what follows; the particle answers a question that is not read."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is judged of a claim."""

    statements: tuple[Statement, ...]
    """Of a claim of several statements each, else all of it."""
    whole: str = ""
    """Of a claim of several statements all that it says, courtesy apart; of a single one nothing."""


def parts_of(claim: str, before: str = "") -> Parts:
    """The statements of a claim.

    Args:
        claim: one statement or several.
        before: what the claim as a whole refers back to.
    """
    said = (sentence for sentence in sentences(claim) if not is_small_talk(sentence))
    whole = " ".join(without_attribution(sentence) for sentence in said) or claim
    found = statements(claim)
    if len(found) < 2:
        return Parts((Statement(_bare(whole), _bare(before)),))
    return Parts(tuple(Statement(_bare(one.text), _bare(one.before or before)) for one in found), whole)


def _bare(text: str) -> str:
    return without_attribution(_PARTICLE.sub("", text, count=1))
