"""Which kind of error to plant next: the one of which there are too few."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .planting import KINDS, Stock, plant

_SUBTLE: Mapping[str, float] = {
    "swapped roles": 3.0, "comparative or opposite": 2.0, "name": 2.0, "conflation": 2.0,
    "quantifier": 1.5, "order in time": 1.5,
}  # fmt: skip
"""How much more often than others a kind of error is planted that leaves nearly all words in place."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A claim that was made wrong."""

    kind: str
    """One of :data:`KINDS`."""
    claim: str
    """As it now reads."""


def plant_scarce(
    claims: Sequence[str], context: str, stock: Stock, uses: dict[str, int], rng: random.Random
) -> Planted | None:
    """An error of the kind planted least so far that finds a place, or None; ``uses`` counts it.

    Args:
        claims: supported by ``context``, all the same in other words; each kind is tried in one of them.
        context: what the wrong claim must not stand in.
        stock: of other texts.
        uses: how often each kind was planted.
        rng: chooses, and shakes the order of the kinds.
    """
    for kind in sorted(KINDS, key=lambda kind: uses[kind] / _SUBTLE.get(kind, 1.0) * rng.uniform(0.7, 1.3)):
        wrong = plant(kind, rng.choice(claims), context, stock, rng)
        if wrong is not None and wrong not in context:
            uses[kind] += 1
            return Planted(kind, wrong)
    return None
