"""What of a claim is judged: each of its statements, without the yes or no that leads it."""

from __future__ import annotations

import re

from pytest_ragtune.text import Statement, statements

_PARTICLE = re.compile(r"^(?:yes|no)\s*[,;:–—]\s+(?=\w)", re.IGNORECASE)
"""``No, it is left at the kerb`` states what follows; the particle answers a question that is not read."""


def parts_of(claim: str) -> list[Statement]:
    """The statements of a claim where it is several, else the claim itself."""
    found = statements(claim)
    if len(found) < 2:
        found = [Statement(claim)]
    return [Statement(_PARTICLE.sub("", part.text, count=1), part.before) for part in found]
