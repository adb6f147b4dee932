"""An evaluation boiled down to one row: what a table shows and a worker sends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pytest_ragtune.checks import collect
from pytest_ragtune.records import Evaluation, Interval
from pytest_ragtune.repeats import components_of
from pytest_ragtune.statistics import Components, mean_interval

from .numbers import ends, number


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric of one pipeline."""

    mean: float | None
    """Mean over the scored cases; None when there is none."""
    low: float | None
    """Lower end of its 95% interval; None when it cannot be made."""
    high: float | None
    """Upper end."""
    n: int
    """Scored cases."""
    unscored: int = 0
    """Cases that could not be measured."""
    not_applicable: int = 0
    """Cases that the metric is not defined for."""

    def text(self, metric: str) -> str:
        """``0.71 0.60..0.81``, with the number of unscored cases when there are any."""
        if self.mean is None:
            return f"- ({self.unscored} unscored)" if self.unscored else "-"
        parts = [number(self.mean, metric)]
        if self.low is not None and self.high is not None:
            parts = [
                number(self.mean, metric).removesuffix(" s"),
                ends(Interval(self.low, self.high), metric),
            ]
        if self.unscored:
            parts.append(f"({self.unscored} unscored)")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One evaluation: pipeline, golden set, and a cell a metric."""

    pipeline: str
    """Name of the pipeline."""
    golden_set: str
    """Name of the golden set."""
    cases: int
    """Cases asked."""
    cells: Mapping[str, Cell] = field(default_factory=dict)
    """Metric name -> its figures."""
    model_calls: int = 0
    """Answers that were computed."""
    replayed: int = 0
    """Answers that came from the store."""
    judge_calls: int = 0
    """Scores that a judge computed."""
    notes: tuple[str, ...] = ()
    """Remarks of the evaluation."""
    spread: Mapping[str, Components] = field(default_factory=dict)
    """Metric name -> where its spread comes from, where answers or judgements were repeated."""
    fingerprint: str = ""
    """Fingerprint of the golden set."""
    version: str = ""
    """Version of its corpus; empty where there is but one."""

    def value(self) -> dict[str, Any]:
        """As a value that JSON can carry."""
        return asdict(self)

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(self.value(), sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> SummaryRow:
        """Back from :meth:`to_json`."""
        value = json.loads(text)
        cells = {name: Cell(**cell) for name, cell in value.pop("cells").items()}
        spread = {name: Components(**found) for name, found in value.pop("spread", {}).items()}
        return cls(**value | {"cells": cells, "notes": tuple(value["notes"]), "spread": spread})


def summarise(evaluation: Evaluation) -> SummaryRow:
    """Boil an evaluation down to one row."""
    return SummaryRow(
        pipeline=evaluation.pipeline,
        golden_set=evaluation.golden_set,
        cases=len({case.id for case in evaluation.cases}),
        cells={name: _cell(evaluation, name) for name in evaluation.scores},
        model_calls=evaluation.model_calls,
        replayed=evaluation.replayed,
        judge_calls=evaluation.judge_calls,
        notes=evaluation.notes,
        spread=_spread(evaluation),
        fingerprint=evaluation.fingerprint,
        version=evaluation.version,
    )


def _spread(evaluation: Evaluation) -> dict[str, Components]:
    found = {name: components_of(evaluation, name) for name in evaluation.scores}
    return {name: components for name, components in found.items() if components is not None}


def _cell(evaluation: Evaluation, metric: str) -> Cell:
    evidence = collect(evaluation, metric)
    interval = mean_interval(evidence.values, binary=evidence.info.binary, bounds=evidence.bounds)
    return Cell(
        mean=evidence.mean,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        n=len(evidence.scored),
        unscored=len(evidence.unscored),
        not_applicable=evidence.not_applicable,
    )


def merged(rows: Iterable[SummaryRow]) -> list[SummaryRow]:
    """One row a golden set, in each of its states, and pipeline, in order of first appearance.

    Of one metric measured twice, the cell over more cases stays, then the one with more scores (an answer
    that failed on one worker may have come on another), then the later one; calls add up.
    """
    found: dict[tuple[str, str, str], SummaryRow] = {}
    for row in rows:
        key = (row.golden_set, row.fingerprint, row.pipeline)
        found[key] = row if key not in found else _joined(found[key], row)
    return list(found.values())


def by_golden_set(rows: Iterable[SummaryRow]) -> list[tuple[str, list[SummaryRow]]]:
    """Merged rows by golden set; one that was asked in several states has a title for each."""
    groups: dict[tuple[str, str], list[SummaryRow]] = {}
    for row in merged(rows):
        groups.setdefault((row.golden_set, row.fingerprint), []).append(row)
    names = [name for name, _ in groups]
    return [
        (f"{name} {_state(fingerprint, found)}" if names.count(name) > 1 else name, found)
        for (name, fingerprint), found in groups.items()
    ]


def _state(fingerprint: str, rows: Iterable[SummaryRow]) -> str:
    version = next((row.version for row in rows if row.version), "")
    return version or f"({fingerprint[:8]})"


def _joined(first: SummaryRow, second: SummaryRow) -> SummaryRow:
    cells = dict(first.cells)
    for name, cell in second.cells.items():
        if name not in cells or _weight(cell) >= _weight(cells[name]):
            cells[name] = cell
    return replace(
        first,
        version=first.version or second.version,
        cases=max(first.cases, second.cases),
        cells=cells,
        model_calls=first.model_calls + second.model_calls,
        replayed=first.replayed + second.replayed,
        judge_calls=first.judge_calls + second.judge_calls,
        notes=tuple(dict.fromkeys((*first.notes, *second.notes))),
        spread={**first.spread, **second.spread},
    )


def _weight(cell: Cell) -> tuple[int, int]:
    scored = cell.n + cell.not_applicable
    return scored + cell.unscored, scored
