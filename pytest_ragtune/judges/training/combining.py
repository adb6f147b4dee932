"""Fitting what stands behind the network: the combiner over features, its calibration, its threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.judges.features import Combiner

from .rows import Row

PENALTY = 3.0
"""Strength of the pull towards the prior: as if this many rows spoke for it, for each feature."""
NO_SIGNS: Mapping[str, int] = {}
_DIGITS = 6
_CLOSE = 0.01
_Limit = tuple[float | None, float | None]
_LIMITS: Mapping[int, _Limit] = {0: (None, None), 1: (0.0, None), -1: (None, 0.0)}


@dataclass(frozen=True, slots=True)
class Sample:
    """The features of one row, and how much it counts."""

    row: Row
    features: Mapping[str, float]
    weight: float = 1.0


def weights_of(rows: Sequence[Row], shares: Mapping[str, float]) -> list[float]:
    """Weights with which each family has its share, both labels alike, and the mean weight is 1."""
    counts: dict[tuple[str, int], int] = {}
    for row in rows:
        key = (row.family or row.source, row.label)
        counts[key] = counts.get(key, 0) + 1
    raw = [
        shares.get(row.family or row.source, 1.0) / counts[(row.family or row.source, row.label)]
        for row in rows
    ]
    total = sum(raw)
    return [value * len(rows) / total for value in raw]


def fit_combiner(
    samples: Sequence[Sample],
    names: Sequence[str],
    prior: Combiner | None = None,
    *,
    penalty: float = PENALTY,
    signs: Mapping[str, int] = NO_SIGNS,
) -> Combiner:
    """A weighted logistic regression over standardised features, pulled towards ``prior``, or zero.

    Args:
        samples: features with labels.
        names: of the features to weigh.
        prior: where the weights begin and are pulled to; also what the features are standardised by.
        penalty: how strongly.
        signs: 1 for a feature that may only speak for support, -1 for one that may only speak against it.
    """
    if prior is not None and not samples:
        return prior
    numpy = extras.load("numpy")
    found = numpy.array([[s.features[name] for name in names] for s in samples])
    labels = numpy.array([float(s.row.label) for s in samples])
    weights = numpy.array([s.weight for s in samples])
    if prior is None:
        mean = numpy.average(found, axis=0, weights=weights)
        scale = numpy.sqrt(numpy.average((found - mean) ** 2, axis=0, weights=weights))
        scale = numpy.where(scale > 1e-6, scale, 1.0)
        start, pull = numpy.zeros(len(names) + 1), numpy.array([penalty] * len(names) + [0.0])
    else:
        mean, scale = numpy.array(prior.mean), numpy.array(prior.scale)
        start, pull = numpy.array([*prior.weights, prior.bias]), numpy.full(len(names) + 1, penalty)
    inputs = numpy.hstack([(found - mean) / scale, numpy.ones((len(found), 1))])
    limits = [_LIMITS[signs.get(name, 0)] for name in names] + [_LIMITS[0]]
    best = _least_loss(inputs, labels, weights, start, pull, limits)
    return Combiner(
        tuple(names), _rounded(mean), _rounded(scale), _rounded(best[:-1]), _rounded([best[-1]])[0]
    )


def _least_loss(inputs: Any, labels: Any, weights: Any, start: Any, pull: Any, limits: list[_Limit]) -> Any:
    """The parameters of the least penalised loss within ``limits``."""
    numpy = extras.load("numpy")
    optimize = extras.load("scipy.optimize")

    def loss(parameters: Any) -> tuple[float, Any]:
        logits, shift = inputs @ parameters, parameters - start
        value = weights @ (numpy.logaddexp(0, logits) - labels * logits) + 0.5 * shift @ (pull * shift)
        slope = inputs.T @ (weights * (1 / (1 + numpy.exp(-logits)) - labels)) + pull * shift
        return float(value), slope

    return optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 500}
    ).x


def fit_platt(
    logits: Sequence[float], labels: Sequence[int], weights: Sequence[float]
) -> tuple[float, float]:
    """Slope and shift with which the log-odds fit best; no label is wholly certain (Platt 1999)."""
    numpy = extras.load("numpy")
    optimize = extras.load("scipy.optimize")
    x, y, w = (numpy.array(values, dtype=float) for values in (logits, labels, weights))
    ones, zeros = (w * y).sum(), (w * (1 - y)).sum()
    y = numpy.where(y > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))

    def loss(parameters: Any) -> float:
        z = parameters[0] * x + parameters[1]
        return float(w @ (numpy.logaddexp(0, z) - y * z))

    found = optimize.minimize(loss, numpy.array([1.0, 0.0]), method="Nelder-Mead").x
    return _rounded([found[0]])[0], _rounded([found[1]])[0]


def best_threshold(probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float]) -> float:
    """The probability from which on to call it supported, to 2 digits.

    Of those that reach within a hundredth of the highest balanced accuracy, the nearest to 0.5: what a few
    hundred rows prefer beyond that is chance.
    """
    numpy = extras.load("numpy")
    p, y, w = (numpy.array(values, dtype=float) for values in (probabilities, labels, weights))

    def balanced(threshold: float) -> float:
        called = p >= threshold
        right = (w * y * called).sum() / (w * y).sum() + (w * (1 - y) * ~called).sum() / (w * (1 - y)).sum()
        return float(right) / 2

    found = {step / 100: balanced(step / 100) for step in range(5, 96)}
    enough = max(found.values()) - _CLOSE
    return min((t for t, reached in found.items() if reached >= enough), key=lambda t: (abs(t - 0.5), t))


def _rounded(values: Any) -> tuple[float, ...]:
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
