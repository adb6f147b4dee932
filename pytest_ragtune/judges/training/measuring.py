"""How well probabilities agree with labels, with a bootstrap interval over groups of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ragtune import extras

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Agreement:
    """One judge on one set of labels."""

    rows: int
    auroc: float
    low: float
    """Lower end of the 95% interval of ``auroc``."""
    high: float
    """Its upper end."""
    balanced_accuracy: float
    """At the threshold given."""


def agreement(
    scores: Sequence[float],
    labels: Sequence[int],
    groups: Sequence[str],
    *,
    threshold: float = 0.5,
    seed: int = 0,
) -> Agreement:
    """Agreement of scores with labels; the interval resamples whole groups.

    Raises:
        ValueError: only one of the two labels occurs.
    """
    numpy = extras.load("numpy")
    p, y = numpy.array(scores, dtype=float), numpy.array(labels)
    if not 0 < y.sum() < len(y):
        raise ValueError(f"{int(y.sum())} of {len(y)} labels are positive: expected both kinds")
    rng = numpy.random.default_rng(seed)
    names = {name: place for place, name in enumerate(dict.fromkeys(groups))}
    members: list[list[int]] = [[] for _ in names]
    for row, name in enumerate(groups):
        members[names[name]].append(row)
    drawn = []
    for _ in range(_RESAMPLES):
        chosen = rng.integers(len(members), size=len(members))
        rows = numpy.concatenate([members[place] for place in chosen])
        if 0 < y[rows].sum() < len(rows):
            drawn.append(auroc(p[rows], y[rows]))
    low, high = numpy.quantile(drawn, [0.025, 0.975])
    called = p >= threshold
    balanced = (called[y == 1].mean() + (~called[y == 0]).mean()) / 2
    return Agreement(len(y), float(auroc(p, y)), float(low), float(high), float(balanced))


def auroc(scores: Any, labels: Any) -> float:
    """Probability that a positive row scores above a negative one, ties counting half."""
    stats = extras.load("scipy.stats")
    numpy = extras.load("numpy")
    y = numpy.asarray(labels)
    ranks = stats.rankdata(scores)
    positive = int(y.sum())
    return float((ranks[y == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(y) - positive)))
