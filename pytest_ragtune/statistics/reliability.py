"""Reliability: do claims that a judge gives a probability of 0.8 turn out right eight times in ten?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The pairs whose probability lies in one stretch."""

    low: float
    """Lower end of the stretch, which belongs to it."""
    high: float
    """Upper end, which belongs to the next one, but for 1."""
    n: int
    """How many pairs."""
    probability: float
    """Mean probability that they were given."""
    share: float
    """Share of them that is labelled 1."""


def reliability(labels: Sequence[int], probabilities: Sequence[float], *, bins: int = BINS) -> list[Bin]:
    """A reliability diagram as numbers (Niculescu-Mizil and Caruana 2005, section 2); without empty bins.

    Args:
        labels: 0 or 1 each.
        probabilities: one a label, between 0 and 1.
        bins: into how many equal stretches the probabilities from 0 to 1 are cut.

    Raises:
        ValueError: the lists differ in length.

    Example:
        >>> [(b.n, b.probability, b.share) for b in reliability([0, 1, 1], [0.2, 0.75, 0.75], bins=2)]
        [(1, 0.2, 0.0), (2, 0.75, 1.0)]
    """
    members: dict[int, list[tuple[float, int]]] = {}
    for label, probability in zip(labels, probabilities, strict=True):
        members.setdefault(min(int(probability * bins), bins - 1), []).append((probability, label))
    return [
        Bin(
            place / bins,
            (place + 1) / bins,
            len(found),
            math.fsum(probability for probability, _ in found) / len(found),
            sum(label for _, label in found) / len(found),
        )
        for place, found in sorted(members.items())
    ]
