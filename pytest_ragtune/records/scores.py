"""What judges say and metrics measure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Support:
    """A judge's opinion of one (context, claim) or (question, answer) pair."""

    probability: float | None
    """Between 0 and 1; None when the judge could not tell."""
    reason: str = ""
    """Why it could not, or what it saw."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of an answer and the evidence found for it."""

    text: str
    """The statement."""
    probability: float | None
    """How likely the best evidence supports it; None when it was not judged."""
    passage_id: str | None = None
    """Passage of the nearest evidence."""
    evidence: str = ""
    """The nearest sentence."""


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value for one response, or why there is none."""

    value: float | None
    """The value; None when it is undefined or could not be measured."""
    reason: str = ""
    """Why it is None, or a remark."""
    claims: tuple[Claim, ...] = ()
    """The claims judged, where the metric judges claims."""
    applicable: bool = True
    """False when the case itself leaves the metric undefined (no label, no reference): counted apart."""
    judgements: tuple[float, ...] = ()
    """The values that ``value`` is the mean of, where an answer was judged more than once."""
    settled: bool = field(default=False, compare=False)
    """True when asking again could not give a value: no judge was needed to say that there is none."""

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a score is {self.value!r}: expected a finite number, or None with a reason")
        if self.value is None and not self.reason:
            raise ValueError("a score of None needs a reason")
        if self.value is not None and not self.applicable:
            raise ValueError("a score that is not applicable has no value")


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a metric is: enough to read its scores without its code."""

    name: str
    """The standard name, for example ``nDCG@10``."""
    identity: str
    """Name, version, parameters and the judge's identity: scores compare only under equal identities."""
    formula: str
    """How the value of one case comes about."""
    source: str
    """Paper and section, or the library that computes it."""
    undefined: str
    """When the value is None."""
    low: float | None = 0.0
    """Smallest possible value; None for unbounded."""
    high: float | None = 1.0
    """Largest possible value; None for unbounded."""
    higher_is_better: bool = True
    """Direction."""
    binary: bool = False
    """True when the only values are 0 and 1."""
