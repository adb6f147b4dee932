"""How far a judge agrees with people, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pytest_ragtune.calibration import Calibration
from pytest_ragtune.statistics.agreement import Measured

_BAR = 20
"""Length of a bar that stands for all."""
_HEAD = ("set", "pairs", "scorer", "AUROC", "balanced accuracy", "kappa", "ECE")


def calibration_lines(found: Sequence[Calibration]) -> Iterator[str]:
    """A Markdown table, one line a set and scorer, the recommended thresholds, and reliability."""
    rows = [_HEAD, *(_cells(item) for item in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for number, row in enumerate(rows):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    for item in found:
        if item.calibrated:
            yield _threshold(item)
    last = {(item.task, item.scorer): item for item in found if item.calibrated}
    for item in last.values():  # over all sets, which come last
        yield from reliability_lines(item)


def reliability_lines(item: Calibration) -> Iterator[str]:
    """How often the label is 1 where the judge gave which probability."""
    yield f"{item.set or 'labels'} ({item.task}), {item.scorer}: the probability said, and the share of 1s"
    for one in item.reliability:
        bar = "#" * round(one.share * _BAR)
        said = f"{one.low:.1f}..{one.high:.1f}  mean {one.probability:.2f}"
        yield f"  {said}  1s {one.share:.2f}  n={one.n:<6} {bar}".rstrip()


def calibration_value(item: Calibration) -> dict[str, Any]:
    """The figures as JSON types."""
    value = asdict(item)
    for name in ("auroc", "balanced_accuracy", "kappa", "ece"):
        measured = getattr(item.agreement, name)
        interval = measured.interval
        value["agreement"][name] = {
            "value": measured.value,
            "low": None if interval is None else interval.low,
            "high": None if interval is None else interval.high,
        }
    return value


def _cells(item: Calibration) -> tuple[str, ...]:
    found = item.agreement
    unjudged = f" ({item.unjudged} unjudged)" if item.unjudged else ""
    pairs = f"{found.n}, {found.positive} of them 1{unjudged}"
    figures = [found.auroc, found.balanced_accuracy, found.kappa]
    ece = _figure(found.ece) if item.calibrated else "no probability"
    name = f"{item.set or 'labels'} ({item.task})"
    return (name, pairs, item.scorer, *map(_figure, figures), ece)


def _figure(measured: Measured) -> str:
    if measured.value is None:
        return "undefined"
    interval = measured.interval
    shown = "" if interval is None else f" ({interval.low:.3f} to {interval.high:.3f})"
    return f"{measured.value:.3f}{shown}"


def _threshold(item: Calibration) -> str:
    name = f"{item.set or 'labels'} ({item.task}), {item.scorer}"
    best = item.recommended
    if best is None:
        return f"{name}: no threshold to recommend: too few labels of both kinds"
    return (
        f"{name}: figures at threshold {item.threshold:.2f}; recommended {best.threshold:.2f}, which misses "
        f"{best.missed:.0%} of the 1s and accepts {best.false_alarms:.0%} of the 0s (out of fold)"
    )
