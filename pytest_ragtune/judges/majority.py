"""Several judges as one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ragtune.protocols import Judge
from pytest_ragtune.records import Support

from .votes import combine


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far judges agree."""

    n: int
    """Pairs on which every judge gave an opinion."""
    missing: int
    """Pairs on which at least one gave none."""
    unanimous: float | None
    """Share of the ``n`` on which all vote the same; None when there is none."""
    kappa: float | None
    """Fleiss' kappa: agreement beyond chance; None when undefined (no pair, or every vote the same)."""


class MajorityJudge:
    """The majority of several judges.

    A judge votes for a claim from a probability of 0.5 on. The probability is the share of votes for; it is
    None when a judge without an opinion could have turned the majority.

    Args:
        judges: at least two.

    Raises:
        ValueError: there are fewer than two judges.
    """

    def __init__(self, judges: Sequence[Judge]) -> None:
        if len(judges) < 2:
            raise ValueError(f"MajorityJudge got {len(judges)} judges: expected at least two")
        self.judges: tuple[Any, ...] = tuple(judges)

    def __repr__(self) -> str:
        return f"MajorityJudge({list(self.judges)!r})"

    @property
    def identity(self) -> str:
        """Every judge's identity, in order, as JSON."""
        return json.dumps({"kind": "majority", "judges": [judge.identity for judge in self.judges]})

    @property
    def is_deterministic(self) -> bool:
        """Whether every judge says the same each time."""
        return all(getattr(judge, "is_deterministic", False) for judge in self.judges)

    def with_seed(self, seed: int) -> MajorityJudge:
        """The judges drawing anew, those that can."""
        return MajorityJudge([j.with_seed(seed) if hasattr(j, "with_seed") else j for j in self.judges])

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (context, claim) pair."""
        return self._combined([judge.support(pairs) for judge in self.judges])

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (question, answer) pair."""
        return self._combined([judge.relevance(pairs) for judge in self.judges])

    def agreement(self, pairs: Sequence[tuple[str, str]]) -> Agreement:
        """How far the judges agree whether contexts support claims: (context, claim) pairs."""
        opinions = [judge.support(pairs) for judge in self.judges]
        rows = [[opinion.probability for opinion in row] for row in zip(*opinions, strict=True)]
        votes = [[p >= 0.5 for p in row if p is not None] for row in rows if None not in row]
        unanimous = sum(len(set(row)) == 1 for row in votes) / len(votes) if votes else None
        return Agreement(len(votes), len(rows) - len(votes), unanimous, fleiss_kappa(votes))

    @staticmethod
    def _combined(opinions: Sequence[Sequence[Support]]) -> list[Support]:
        return [combine(row, "judges", by_vote=True) for row in zip(*opinions, strict=True)]


def fleiss_kappa(votes: Sequence[Sequence[bool]]) -> float | None:
    """Agreement beyond chance among equally many votes a row (Fleiss 1971, formula 8).

    ``(P - Pe) / (1 - Pe)``, P the mean share of agreeing pairs of votes a row, Pe the same by chance.
    Between -1 and 1; None without a row, with fewer than two votes a row, or when every vote is the same.
    """
    if not votes or len(votes[0]) < 2:
        return None
    size = len(votes[0])
    counts = [(sum(row), size - sum(row)) for row in votes]
    observed = sum(a * (a - 1) + b * (b - 1) for a, b in counts) / (len(votes) * size * (size - 1))
    share = sum(a for a, _ in counts) / (len(votes) * size)
    chance = share**2 + (1 - share) ** 2
    return None if chance == 1 else (observed - chance) / (1 - chance)
