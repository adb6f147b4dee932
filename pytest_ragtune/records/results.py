"""Evaluations, and the verdicts over them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .golden import Case
from .responses import Response
from .scores import MetricInfo, Score

Outcome = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""
    confidence: float = 0.95
    """Nominal coverage."""
    method: str = ""
    """How it was made, for example ``BCa bootstrap``."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A pipeline's responses to a golden set, scored."""

    pipeline: str
    """Name of the pipeline."""
    golden_set: str
    """Name of the golden set."""
    fingerprint: str
    """Fingerprint of the golden set."""
    cases: tuple[Case, ...]
    """Every case that was asked; with repeats, all of them again for each."""
    responses: tuple[Response, ...]
    """One a case, in the same order."""
    scores: Mapping[str, tuple[Score, ...]]
    """Metric name -> one score a case, in the same order."""
    metrics: Mapping[str, MetricInfo]
    """Metric name -> what it is."""
    path: Path | None = None
    """The golden set's folder, where its baselines lie; None for one built in memory."""
    model_calls: int = 0
    """Answers that were computed for this evaluation."""
    replayed: int = 0
    """Answers that came from the store."""
    judge_calls: int = 0
    """Scores that were computed by a judge for this evaluation."""
    notes: tuple[str, ...] = ()
    """Remarks for the report, each once."""
    repeats: int = 1
    """Answers a case."""
    version: str = ""
    """Version of the corpus; empty where there is but one."""
    pipeline_identity: str = ""
    """Hash of all that could change an answer; empty where that is not known."""

    def values(self, metric: str) -> list[float | None]:
        """One value a case, in case order.

        Raises:
            KeyError: the metric was not computed; the message lists those that were.
        """
        if metric not in self.scores:
            raise KeyError(f"{metric!r} was not computed; this evaluation has {sorted(self.scores)}")
        return [score.value for score in self.scores[metric]]

    def mean(self, metric: str) -> float | None:
        """Mean over the scored cases; None when no case is scored.

        A case of which a repeat has no score has none.
        """
        values = self.values(metric)
        missing = {case.id for case, value in zip(self.cases, values, strict=True) if value is None}
        known = [
            value
            for case, value in zip(self.cases, values, strict=True)
            if value is not None and case.id not in missing
        ]
        return math.fsum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case's part in a verdict."""

    case_id: str
    """Which case."""
    score: Score
    """Its score; for a change, the score now."""
    before: float | None = None
    """The other side's value, where two are compared."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check, with the evidence."""

    outcome: Outcome
    """``pass``, ``fail`` or ``undecided``."""
    check: str
    """Name of the check, for example ``at_least``."""
    metric: str
    """Name of the metric."""
    pipeline: str
    """Name of the pipeline."""
    golden_set: str
    """Name of the golden set."""
    value: float | None
    """What was measured: a mean, or a mean change; None when nothing was."""
    threshold: float
    """What it was held against: a threshold, or a margin."""
    n: int
    """Cases in the denominator."""
    unscored: int
    """Cases without a score."""
    interval: Interval | None = None
    """Interval of ``value``; None when it cannot be made."""
    p_value: float | None = None
    """Of the test that decided, corrected for the metrics of one call; None where no test was made."""
    baseline_value: float | None = None
    """The other side's mean over the same cases: a baseline's or another pipeline's."""
    baseline: str = ""
    """Where the other side comes from: a file, or a pipeline's name."""
    higher_is_better: bool = True
    """Direction of the metric."""
    worst: tuple[CaseScore, ...] = ()
    """The cases that pulled the value down most, worst first."""
    unscored_cases: tuple[CaseScore, ...] = ()
    """The cases without a score, with the reason in each."""
    note: str = ""
    """One more sentence: why nothing was decided, or how many cases would decide it."""
    not_applicable: int = 0
    """Cases that the metric is not defined for; they are in no denominator."""
    judge: str = ""
    """Name of the judge that scored, for example ``nli``; empty for a metric without one."""

    def __bool__(self) -> bool:
        return self.outcome == "pass"
