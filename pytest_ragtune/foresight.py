"""The smallest drop that a check could detect, before anything is asked."""

from __future__ import annotations

import math
import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .baseline import Baseline, baseline_path, read_baseline
from .checks import at_most, better_than, collect, no_regression
from .checks.evidence import Evidence, bounds_of
from .errors import RagtuneError
from .records import Evaluation
from .selfcheck import Made, baseline_before, described
from .statistics import smallest_detectable_change

POWER = 0.8
"""The chance of failing that a drop must have to count as detected."""
_Z = 0.8416212335729143  # normal quantile of POWER
_EXACT = 60  # cases up to which the exact sum over 0/1 outcomes is quick


@dataclass(frozen=True, slots=True)
class Foresight:
    """What one check could see of one metric."""

    test: str
    """The test that makes it."""
    what: str
    """The check in words."""
    n: int
    """Cases that it decides on."""
    change: float | None
    """The smallest drop that it fails with 80% chance (rise, where lower is better); None for none."""
    basis: str
    """What was assumed about the spread, or why nothing can be said."""
    is_gap: bool = False
    """True when no mean is known, so that ``change`` is a distance from the threshold."""


def foresee(made: Made) -> list[Foresight]:
    """One for each metric of a check."""
    try:
        names = _names(made)
        return [_foreseen(made, name, len(names)) for name in names]
    except (RagtuneError, ValueError) as error:
        what = f"{made.evaluation.pipeline} {made.check.__name__}"
        return [Foresight(made.test, what, 0, None, str(error).splitlines()[0])]


def _names(made: Made) -> list[str]:
    if made.check is better_than:
        return [made.arguments[1]]
    named = made.arguments[0]
    return [named] if isinstance(named, str) else list(dict.fromkeys(named))


def _foreseen(made: Made, name: str, metrics: int) -> Foresight:
    evidence = collect(made.evaluation, name)
    n = len(evidence.scored) + len(evidence.unscored)
    what = described(made, name)
    if n == 0:
        return Foresight(made.test, what, 0, None, "the metric is defined for no case")
    if made.check in (no_regression, better_than):
        change, basis = _paired(made, evidence, n, metrics)
        return Foresight(made.test, what, n, change, basis)
    return _threshold(made, evidence, n, what)


def _paired(made: Made, evidence: Evidence, n: int, metrics: int) -> tuple[float | None, str]:
    """For checks of a change by case; with several metrics at the level that the last of them has."""
    info = evidence.info
    margin = made.options.get("margin", 0.0)
    margin = float(margin[info.name] if isinstance(margin, Mapping) else margin)
    confidence = 1 - (1 - made.options.get("confidence", 0.95)) / metrics
    deviation, basis = _deviation(_values(evidence), _other_side(made, info.name), bounds_of(info))
    if deviation is None:
        return None, basis
    found = smallest_detectable_change(
        deviation,
        n,
        margin=margin,
        power=POWER,
        confidence=confidence,
        binary=info.binary and n <= _EXACT,
        bounds=bounds_of(info),
    )
    return found, basis if found is not None else f"no drop would be seen with so few cases ({basis})"


def _deviation(
    now: Mapping[str, float], before: Mapping[str, float], bounds: tuple[float, float] | None
) -> tuple[float | None, str]:
    """Standard deviation of the cases' changes, and where it comes from."""
    both = [now[i] - before[i] for i in now if i in before]
    if len(both) >= 2 and len(both) >= len(before) / 2:
        return plain.stdev(both), f"changes spread as those of {len(both)} recorded cases"
    side = now if len(now) >= len(before) else before
    if len(side) >= 2:
        where = "recorded" if side is now else "baseline"
        return math.sqrt(2) * plain.stdev(side.values()), f"as unpaired, spread of {len(side)} {where} scores"
    if bounds is None:
        return None, "unknown until it is scored once"
    return math.sqrt(2) * (bounds[1] - bounds[0]) / 2, "worst case: scores at both ends, unpaired"


def _threshold(made: Made, evidence: Evidence, n: int, what: str) -> Foresight:
    info, threshold = evidence.info, float(made.arguments[1])
    values, basis = list(_values(evidence).values()), "recorded"
    if len(values) < 2:
        values, basis = list(_default_baseline(made.evaluation, info.name).values()), "baseline"
    bounds = bounds_of(info)
    if len(values) >= 2:
        deviation, mean = plain.stdev(values), plain.fmean(values)
        basis = f"spread of {len(values)} {basis} scores"
    elif bounds is not None:
        deviation, mean, basis = (bounds[1] - bounds[0]) / 2, None, "worst case: half the cases at each end"
    else:
        return Foresight(made.test, what, n, None, "unknown until it is scored once")
    confidence = made.options.get("confidence")
    distance: float | None = _Z * deviation / math.sqrt(n)
    if confidence is not None:
        distance = smallest_detectable_change(deviation, n, power=POWER, confidence=confidence, bounds=bounds)
    if distance is None:
        return Foresight(made.test, what, n, None, f"no drop would be seen with so few cases ({basis})")
    sign = -1.0 if made.check is at_most else 1.0
    if mean is None:
        return Foresight(made.test, what, n, distance, basis, is_gap=True)
    return Foresight(made.test, what, n, max(sign * (mean - threshold) + distance, 0.0), basis)


def _values(evidence: Evidence) -> dict[str, float]:
    return {name: score.value for name, score in evidence.scored.items() if score.value is not None}


def _other_side(made: Made, metric: str) -> dict[str, float]:
    """The scores that a change is measured from, as far as they are known."""
    if made.check is better_than:
        return _values(collect(made.arguments[0], metric))
    found = baseline_before(made, [metric])
    return {} if found is None else _scores(found, metric)


def _default_baseline(evaluation: Evaluation, metric: str) -> dict[str, float]:
    path = baseline_path(evaluation)
    return {} if path is None or not path.exists() else _scores(read_baseline(path), metric)


def _scores(found: Baseline, metric: str) -> dict[str, float]:
    scores: dict[str, Any] = {name: case.scores.get(metric) for name, case in found.cases.items()}
    return {name: value for name, value in scores.items() if value is not None}


def foresee_all(made: Sequence[Made]) -> list[Foresight]:
    """All of several checks, each once."""
    return list(dict.fromkeys(found for one in made for found in foresee(one)))
