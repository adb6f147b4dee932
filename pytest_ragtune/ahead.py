"""Scores of many cases of which the first are used while the last are still being made."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .calls.parts import parts_for
from .judging import judged_in
from .protocols import Metric
from .records import Case, MetricInfo, Response, Score


def can_wait(metric: Metric) -> bool:
    """Whether the judge of ``metric`` works on by itself; any other is asked for everything at once."""
    return parts_for(getattr(metric, "judge", None)).at_once > 1


class Ahead:
    """Scores by position, taken from the judge as they are asked for; the judge works on meanwhile.

    Args:
        info: the metric.
        n: how many scores there are.
        parts: from :func:`~pytest_ragtune.judging.scores_in_parts`.
    """

    def __init__(self, info: MetricInfo, n: int, parts: Generator[dict[int, Score], None, None]) -> None:
        self.info, self._n, self._parts = info, n, parts
        self.found = dict(next(parts))
        self.judged = 0
        self.is_broken = self.is_told = False

    @classmethod
    def whole(cls, info: MetricInfo, scores: Sequence[Score], judged: int) -> Self:
        """Scores that are all there."""
        ahead = cls(info, len(scores), (part for part in [dict(enumerate(scores))]))
        ahead.judged = judged
        return ahead

    @property
    def is_complete(self) -> bool:
        """Whether no score is missing."""
        return len(self.found) == self._n

    def __getitem__(self, position: int) -> Score:
        try:
            while position not in self.found:
                part = next(self._parts)
                self.found |= part
                self.judged += judged_in(part)
                if self.is_complete:  # nothing comes any more: its threads end now, not with the process
                    self._parts.close()
        except BaseException:
            self.is_broken = True
            raise
        return self.found[position]

    def all(self) -> list[Score]:
        """Every score, in order."""
        return [self[position] for position in range(self._n)]

    def close(self) -> None:
        """Give up what is missing."""
        self._parts.close()


@dataclass(slots=True)
class Outcome:
    """Responses to some cases, and how they came about."""

    responses: list[Response]
    """One a case, in order."""
    computed: int = 0
    """How many were computed now."""
    replayed: int = 0
    """How many came from the store."""
    identity: str = ""
    """Hash of the pipeline's identity; empty where it has none."""


@dataclass(frozen=True, slots=True)
class Companions:
    """The cases that one test function asks one by one."""

    cases: Sequence[Case]
    """All that were selected, in order."""
    golden_set: str = ""
    """Name of their golden set."""
    fingerprint: str = ""
    """Its fingerprint."""
    path: Path | None = None
    """Its folder."""


@dataclass(eq=False, slots=True)
class Batch:
    """Companions, answered and scored together."""

    pipeline: str
    """Name of what answered."""
    companions: Companions
    """What was answered."""
    responses: list[Response]
    """One a case, in order."""
    scores: dict[str, Ahead] = field(default_factory=dict)
    """By identity of the metric."""
    identity: str = ""
    """Hash of the pipeline's identity; empty where it has none."""

    def mend(self, position: int, response: Response) -> None:
        """Put another response in the place of a failed one, and forget the scores."""
        self.responses[position] = response
        for ahead in self.scores.values():
            ahead.close()
        self.scores.clear()
