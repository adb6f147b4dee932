"""Several rankings joined into one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_ragtune.protocols import Retriever
from pytest_ragtune.records import Hit

from .ranking import checked, describe, ranked

_VERSION = 1


def fuse(
    rankings: Sequence[Sequence[Hit]],
    *,
    rank_constant: float = 60,
    weights: Sequence[float] | None = None,
    k: int | None = None,
) -> list[Hit]:
    """Reciprocal rank fusion of rankings of one question.

    A passage scores the sum over the rankings r that hold it of ``weight_r / (rank_constant + rank)``,
    with ranks from 1 (Cormack, Clarke and Buettcher 2009, section 2; all weights are 1 there).

    Args:
        rankings: best first each.
        rank_constant: the larger, the less the first ranks stand out.
        weights: one a ranking; 1 each unless given. A ranking of weight 0 adds nothing.
        k: how many hits to keep; all unless given.
    """
    parts: dict[str, list[float]] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        if weight > 0:
            for rank, hit in enumerate(ranking, start=1):
                parts.setdefault(hit.passage_id, []).append(weight / (rank_constant + rank))
    return ranked(((name, math.fsum(found)) for name, found in parts.items()), k)


class HybridRetriever:
    """Asks several retrievers and joins their rankings by reciprocal rank fusion.

    Scores of different retrievers cannot be compared, their ranks can; see :func:`fuse` for the formula.

    Args:
        retrievers: at least one, all over the same corpus.
        rank_constant: of the formula; 60 in the paper.
        depth: hits asked of each retriever (``k`` where that is more).
        weights: one a retriever; 1 each unless given.

    Raises:
        ValueError: no retriever, or a parameter out of range.
    """

    name = "hybrid"
    """What a report calls it."""

    def __init__(
        self,
        retrievers: Sequence[Retriever],
        *,
        rank_constant: float = 60,
        depth: int = 100,
        weights: Sequence[float] | None = None,
    ) -> None:
        self.retrievers = tuple(retrievers)
        self.weights = (1.0,) * len(self.retrievers) if weights is None else tuple(map(float, weights))
        self.rank_constant, self.depth = float(rank_constant), depth
        if not self.retrievers:
            raise ValueError("retrievers is empty: expected at least one, for example [bm25, dense]")
        if len(self.weights) != len(self.retrievers):
            raise ValueError(
                f"weights has {len(self.weights)} numbers for {len(self.retrievers)} retrievers: "
                "expected one each"
            )
        if not all(math.isfinite(w) and w >= 0 for w in self.weights) or not any(self.weights):
            raise ValueError(
                f"weights is {list(self.weights)}: expected numbers of at least 0, not all of them 0"
            )
        check_fusion(self.rank_constant, depth)

    @property
    def identity(self) -> str:
        """Every retriever's identity and the parameters."""
        return describe(
            "hybrid",
            _VERSION,
            retrievers=[retriever.identity for retriever in self.retrievers],
            rank_constant=self.rank_constant,
            depth=self.depth,
            weights=list(self.weights),
        )

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """At most ``k`` hits a question, best first, ties by passage id.

        Raises:
            ValueError: ``k`` is below 1.
        """
        k = checked(questions, k)
        found = [retriever.retrieve(questions, max(k, self.depth)) for retriever in self.retrievers]
        return [
            fuse(rankings, rank_constant=self.rank_constant, weights=self.weights, k=k)
            for rankings in zip(*found, strict=True)
        ]


def check_fusion(rank_constant: float, depth: int) -> None:
    """Refuse parameters of a fusion that make no sense.

    Raises:
        ValueError: a negative or infinite rank constant, or a depth below 1.
    """
    if not (math.isfinite(rank_constant) and rank_constant >= 0):
        raise ValueError(f"rank_constant is {rank_constant!r}: expected a number of at least 0; 60 is usual")
    if depth < 1:
        raise ValueError(f"depth is {depth!r}: expected at least 1 hit a retriever; 100 is usual")
