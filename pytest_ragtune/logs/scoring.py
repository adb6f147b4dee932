"""Scoring a log: a few rows at a time, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pytest_ragtune.metrics.catalogue import needs_judge, resolve
from pytest_ragtune.protocols import Metric
from pytest_ragtune.records import Score

from .reading import BadLine, LogRow, read_log

CHUNK = 16
"""Rows that are scored together."""


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """One answer of a log, scored."""

    row: LogRow
    """The answer."""
    scores: dict[str, Score]
    """Metric name -> score, in the order the metrics were given."""

    def as_json(self) -> dict[str, Any]:
        """What stands for it in the output: JSON types only."""
        return {
            "id": self.row.id,
            "scores": {name: score.value for name, score in self.scores.items()},
            "reasons": {name: score.reason for name, score in self.scores.items() if score.reason},
            "claims": [
                {
                    "metric": name,
                    "text": claim.text,
                    "probability": claim.probability,
                    "passage": claim.passage_id,
                    "evidence": claim.evidence,
                }
                for name, score in self.scores.items()
                for claim in score.claims
            ],
        }


@dataclass(slots=True)
class Tally:
    """What became of the rows of a log, by metric."""

    rows: int = 0
    """Rows scored or tried."""
    bad: int = 0
    """Lines that are no row."""
    scored: dict[str, int] = field(default_factory=dict)
    """Metric -> rows with a value."""
    sums: dict[str, float] = field(default_factory=dict)
    """Metric -> sum of the values."""
    unscored: dict[str, int] = field(default_factory=dict)
    """Metric -> rows that should have a value and have none."""
    inapplicable: dict[str, int] = field(default_factory=dict)
    """Metric -> rows for which it is not defined."""

    def add(self, item: ScoredRow | BadLine) -> None:
        """Count one line."""
        if isinstance(item, BadLine):
            self.bad += 1
            return
        self.rows += 1
        for name, score in item.scores.items():
            if score.value is not None:
                self.sums[name] = self.sums.get(name, 0.0) + score.value
            kinds = self.unscored if score.applicable else self.inapplicable
            kind = kinds if score.value is None else self.scored
            kind[name] = kind.get(name, 0) + 1

    def mean(self, name: str) -> float | None:
        """Mean over the rows with a value; None without one."""
        count = self.scored.get(name, 0)
        return self.sums[name] / count if count else None


def score_log(
    lines: Iterable[bytes], metrics: Sequence[str | Metric], *, judge: Any = None
) -> Iterator[ScoredRow | BadLine]:
    """Each line of a log scored, in order, while it is read.

    Args:
        lines: one JSON object each: ``id``, ``question``, ``answer``, ``context`` (a string or a list of
            strings), ``reference``, ``ranking`` (passage ids), ``relevant`` (passage ids, or id -> grade).
        metrics: names, or objects with ``info`` and ``score``.
        judge: of the metrics that need one; the embedded judge unless given.

    Raises:
        ValueError: a metric is unknown.
        ModelError: the judge's files are damaged.
    """
    if judge is None and needs_judge(metrics):
        from pytest_ragtune.judges.choosing import named_judge

        judge = named_judge()
    return _scored(lines, resolve(metrics, judge))


def _scored(lines: Iterable[bytes], metrics: Sequence[Metric]) -> Iterator[ScoredRow | BadLine]:
    items = read_log(lines)
    while chunk := list(islice(items, CHUNK)):
        rows = [item for item in chunk if isinstance(item, LogRow)]
        columns = [
            metric.score([row.case for row in rows], [row.response for row in rows]) if rows else []
            for metric in metrics
        ]
        names = [metric.info.name for metric in metrics]
        by_line = {
            row.line: ScoredRow(row, dict(zip(names, scores, strict=True)))
            for row, *scores in zip(rows, *columns, strict=True)
        }
        for item in chunk:
            yield item if isinstance(item, BadLine) else by_line[item.line]
