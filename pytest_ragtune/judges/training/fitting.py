"""From features to calibrated probabilities: combiner on one part of the rows, calibration on another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_ragtune.judges.features import FEATURES, Combiner, Head
from pytest_ragtune.judges.lexical import sigmoid
from pytest_ragtune.statistics.agreement import agreement

from .combining import (
    Sample,
    best_threshold,
    fit_combiner,
    fit_platt,
    weights_of,
)
from .rows import Row

SHARES: Mapping[str, float] = {
    "dialogue": 1.0, "fever": 0.7, "scifact": 0.7, "citations": 0.3, "summedits": 1.0, "snli": 0.3,
    "mnli": 0.4,
    "planted": 1.0, "squad": 1.0, "lfqa": 0.5, "covid": 0.5, "support": 0.5,
}  # fmt: skip
"""How much each family counts in the fit.

Least, sentences that are far from answers over passages, and citations: people judged whether the paper is
cited rightly, in sentences that also say what stands in other papers."""
SIGNS: Mapping[str, int] = {
    "logit_best": 1, "logit_second": 1, "logit_mean": 1, "logit_shared": 1,
    "lexical": 1, "cosine": 1, "known": 1,
    "number_missing": -1, "name_missing": -1, "negation_added": -1, "edited": -1,
}  # fmt: skip
"""What a feature may speak for: more shared words never speak against support, whatever one set's habits."""
ADDED: Mapping[Head, Mapping[str, float]] = {
    "supports": {"known": 10.0, "edited": -2.0},
    "answers": {"lexical": 0.3, "cosine": 5.0},
}
"""Log-odds added after the fit for a feature's unit: for words of a claim, or question, that are found,
against an answer that is about something else than was asked, and against a claim that has a name or number
of its context in another's place: few people's claims do, and of those few are true.

On texts like those that the network learned from, the fit finds no use for it, for there the network knows
better; on others the network is less sure than it says. Chosen on rows that neither of them learned from."""
_CALIBRATION_SHARE = 0.33


@dataclass(frozen=True, slots=True)
class Fitted:
    """A head's combiner, its threshold, and what was measured on the rows that calibrated it."""

    combiner: Combiner
    threshold: float
    report: Mapping[str, Any]


def fit_head(head: Head, rows: Sequence[Row], features: Sequence[Mapping[str, float] | None]) -> Fitted:
    """Fit the combiner on two thirds of the groups and calibrate it on the others.

    The threshold is that of all of them: on a third it moves by a tenth from one draw to the next, and so few
    weights know no row by heart.
    """
    usable = [(r, f) for r, f in zip(rows, features, strict=True) if f is not None and r.head == head]
    weights = weights_of([row for row, _ in usable], SHARES)
    samples = [Sample(r, f, w) for (r, f), w in zip(usable, weights, strict=True)]
    held = [sample for sample in samples if _calibrates(sample.row)]
    combiner = fit_combiner([s for s in samples if not _calibrates(s.row)], FEATURES[head], signs=SIGNS)
    combiner = with_added(combiner, ADDED[head])
    logits = [combiner.logit(s.features) for s in held]
    labels, counted = [s.row.label for s in held], [s.weight for s in held]
    slope, shift = fit_platt(logits, labels, counted)
    calibrated = scaled(combiner, slope, shift)
    threshold = best_threshold(
        [sigmoid(calibrated.logit(s.features)) for s in samples],
        [s.row.label for s in samples],
        [s.weight for s in samples],
    )
    probabilities = [sigmoid(calibrated.logit(s.features)) for s in held]
    measured = agreement(labels, probabilities, threshold=threshold, groups=[s.row.group for s in held])
    report = {
        "method": "Platt, folded into the combiner's weights", "slope": slope, "shift": shift,
        "fit_rows": len(samples) - len(held), "calibration_rows": len(held),
        "ece": round(measured.ece.value or 0.0, 4), "auroc": round(measured.auroc.value or 0.0, 4),
    }  # fmt: skip
    return Fitted(calibrated, threshold, report)


def with_added(combiner: Combiner, added: Mapping[str, float]) -> Combiner:
    """The combiner with so much more log-odds for a unit of each feature named."""
    columns = zip(combiner.features, combiner.weights, combiner.scale, strict=True)
    return replace(combiner, weights=tuple(w + added.get(name, 0.0) * s for name, w, s in columns))


def scaled(combiner: Combiner, slope: float, shift: float) -> Combiner:
    """The combiner whose log-odds are ``slope`` times those of the given one, plus ``shift``."""
    weights = tuple(float(f"{slope * weight:.6g}") for weight in combiner.weights)
    return replace(combiner, weights=weights, bias=float(f"{slope * combiner.bias + shift:.6g}"))


def _calibrates(row: Row) -> bool:
    place = int(hashlib.sha256(f"calibrate:{row.group}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return place < _CALIBRATION_SHARE
