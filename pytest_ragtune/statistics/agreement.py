"""Agreement of probabilities with people's yes and no, with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ragtune import extras
from pytest_ragtune.records import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

BINS = 10
RESAMPLES = 1000
METHOD = "percentile bootstrap"


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and its interval."""

    value: float | None
    """None where it is undefined: labels of one kind only, or no spread."""
    interval: Interval | None = None
    """None where fewer than half of the resamples define it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well probabilities agree with labels."""

    n: int
    """Pairs with a label and a probability."""
    positive: int
    """Of them, those labelled 1."""
    auroc: Measured
    """Chance that a pair labelled 1 has a higher probability than one labelled 0, ties counted half."""
    balanced_accuracy: Measured
    """Mean of the shares of 1s and of 0s that are recognised at the threshold."""
    kappa: Measured
    """Cohen's kappa at the threshold: agreement beyond chance."""
    ece: Measured
    """Expected calibration error: mean distance of probability and share of 1s, over 10 equal bins."""


def agreement(
    labels: Sequence[int],
    probabilities: Sequence[float],
    *,
    threshold: float = 0.5,
    groups: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """AUROC, balanced accuracy, Cohen's kappa and ECE, each with a percentile bootstrap interval.

    Args:
        labels: 0 or 1 each.
        probabilities: one a label, between 0 and 1.
        threshold: a probability from here on says 1.
        groups: rows that belong together are drawn together (answers over one document); each alone unless
            given.
        resamples: bootstrap samples.
        confidence: of the intervals.
        seed: of the resampling.

    Raises:
        ValueError: the lists differ in length, or hold something else.
    """
    numpy = extras.load("numpy")
    truth, given = _checked(numpy, labels, probabilities)
    figures = _figures(numpy, truth, given, threshold)
    drawn: dict[str, list[float]] = {name: [] for name in figures}
    for weights in _draws(numpy, len(truth), groups, resamples, seed):
        for name, figure in figures.items():
            drawn[name].append(figure(weights))
    found = {
        name: _measured(numpy, figure(numpy.ones(len(truth))), drawn[name], confidence)
        for name, figure in figures.items()
    }
    return Agreement(len(truth), int(truth.sum()), **found)


def _measured(numpy: Any, value: float, drawn: Sequence[float], confidence: float) -> Measured:
    if not math.isfinite(value):
        return Measured(None)
    known = [one for one in drawn if math.isfinite(one)]
    if len(known) <= len(drawn) / 2:
        return Measured(value)
    low, high = numpy.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return Measured(value, Interval(low, high, confidence, METHOD))


def auroc(labels: Sequence[int], scores: Sequence[float]) -> float | None:
    """Chance that a 1 scores higher than a 0, ties counted half (Mann and Whitney 1947); None without both.

    Example:
        >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    numpy = extras.load("numpy")
    truth, given = _checked(numpy, labels, scores, bounded=False)
    value = _auroc(numpy, truth, given)(numpy.ones(len(truth)))
    return value if math.isfinite(value) else None


Figure = Callable[[Any], float]


def _figures(numpy: Any, truth: Vector, given: Vector, threshold: float) -> dict[str, Figure]:
    said = (given >= threshold).astype(float)

    def table(weights: Vector) -> tuple[float, float, float, float]:
        hit, alarm = float((weights * truth * said).sum()), float((weights * (1 - truth) * said).sum())
        positive, total = float((weights * truth).sum()), float(weights.sum())
        return hit, alarm, positive, total

    def balanced(weights: Vector) -> float:
        hit, alarm, positive, total = table(weights)
        if not 0 < positive < total:
            return math.nan
        return (hit / positive + 1 - alarm / (total - positive)) / 2

    def kappa(weights: Vector) -> float:
        hit, alarm, positive, total = table(weights)
        if not 0 < positive < total:
            return math.nan
        observed = (hit + total - positive - alarm) / total
        yes = (hit + alarm) / total
        chance = yes * positive / total + (1 - yes) * (1 - positive / total)
        return (observed - chance) / (1 - chance) if chance < 1 else math.nan

    return {
        "auroc": _auroc(numpy, truth, given),
        "balanced_accuracy": balanced,
        "kappa": kappa,
        "ece": _ece(numpy, truth, given),
    }


def _auroc(numpy: Any, truth: Vector, given: Vector) -> Figure:
    _, place = numpy.unique(given, return_inverse=True)

    def figure(weights: Vector) -> float:
        ones = numpy.bincount(place, weights=weights * truth)
        zeros = numpy.bincount(place, weights=weights * (1 - truth))
        total = float(ones.sum() * zeros.sum())
        below = numpy.cumsum(zeros) - zeros
        return float((ones * (below + zeros / 2)).sum()) / total if total else math.nan

    return figure


def _ece(numpy: Any, truth: Vector, given: Vector) -> Figure:
    bins = numpy.minimum((given * BINS).astype(int), BINS - 1)

    def figure(weights: Vector) -> float:
        total = float(weights.sum())
        gaps = numpy.bincount(bins, weights=weights * (given - truth), minlength=BINS)
        return float(numpy.abs(gaps).sum()) / total if total else math.nan

    return figure


def _draws(
    numpy: Any, n: int, groups: Sequence[Hashable] | None, resamples: int, seed: int
) -> Iterator[Vector]:
    """How often each row is drawn, for each resample."""
    if groups is not None and len(groups) != n:
        raise ValueError(f"got {n} labels and {len(groups)} groups: expected one each")
    if not n:
        return
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups or range(n)))}
    member = numpy.array([numbers[group] for group in (groups or range(n))])
    generator = numpy.random.default_rng(seed)
    size = len(numbers)
    for _ in range(resamples):
        yield numpy.bincount(generator.integers(0, size, size), minlength=size)[member].astype(float)


def _checked(
    numpy: Any, labels: Sequence[int], scores: Sequence[float], *, bounded: bool = True
) -> tuple[Vector, Vector]:
    if len(labels) != len(scores):
        raise ValueError(f"got {len(labels)} labels and {len(scores)} probabilities: expected one each")
    truth, given = numpy.array(labels, dtype=float), numpy.array(scores, dtype=float)
    if not numpy.isin(truth, (0.0, 1.0)).all():
        raise ValueError("a label is neither 0 nor 1")
    if not numpy.isfinite(given).all() or (bounded and ((given < 0) | (given > 1)).any()):
        raise ValueError("a probability is not between 0 and 1")
    return truth, given


@dataclass(frozen=True, slots=True)
class Recommended:
    """A threshold, and what to expect of it."""

    threshold: float
    """The one of the highest balanced accuracy on all rows."""
    missed: float
    """Share of rows labelled 1 that it rejects, out of fold."""
    false_alarms: float
    """Share of rows labelled 0 that it accepts, out of fold."""


def recommend_threshold(
    labels: Sequence[int],
    probabilities: Sequence[float],
    *,
    groups: Sequence[Hashable] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Recommended | None:
    """The threshold of the highest balanced accuracy, and its error rates on rows it was not chosen on.

    The rates come from ``folds`` parts: for each, the threshold is chosen on the others. None when a part
    lacks one of the labels.
    """
    numpy = extras.load("numpy")
    truth, given = _checked(numpy, labels, probabilities)
    keys = list(groups) if groups is not None else list(range(len(truth)))
    distinct = list(dict.fromkeys(keys))
    order = numpy.random.default_rng(seed).permutation(len(distinct))
    fold_of = {distinct[position]: number % folds for number, position in enumerate(order)}
    member = numpy.array([fold_of[key] for key in keys])
    missed = alarms = 0.0
    for fold in range(folds):
        rest = member != fold
        if len({0.0, 1.0} & set(truth[rest].tolist())) < 2:
            return None
        threshold = _best_threshold(numpy, truth[rest], given[rest])
        said, held = given[~rest] >= threshold, truth[~rest]
        missed += float(((held == 1) & ~said).sum())
        alarms += float(((held == 0) & said).sum())
    positive = float(truth.sum())
    return Recommended(
        _best_threshold(numpy, truth, given), missed / positive, alarms / (len(truth) - positive)
    )


def _best_threshold(numpy: Any, truth: Vector, given: Vector) -> float:
    """The middle between two neighbouring probabilities that parts 1s and 0s best."""
    values, place = numpy.unique(given, return_inverse=True)
    ones = numpy.bincount(place, weights=truth, minlength=len(values))
    zeros = numpy.bincount(place, weights=1 - truth, minlength=len(values))
    kept = numpy.cumsum(ones[::-1])[::-1] / ones.sum()
    refused = (numpy.cumsum(zeros) - zeros) / zeros.sum()
    best = int(numpy.argmax(kept + refused))
    return float(values[best] if best == 0 else (values[best - 1] + values[best]) / 2)
