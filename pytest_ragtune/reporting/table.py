"""The table at the end of a run: pipelines by metrics, then the verdicts that did not pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_ragtune.records import Verdict

from .failure import headline, is_without_baseline, single_case
from .spread import spread_lines
from .summary import Cell, SummaryRow, by_golden_set, merged, summarise

__all__ = ["Cell", "SummaryRow", "by_golden_set", "merged", "summarise", "summary_lines", "verdict_lines"]

GAP = "  "


def summary_lines(
    rows: Iterable[SummaryRow], verdicts: Sequence[Verdict] = (), *, width: int = 100
) -> Iterator[str]:
    """The report of a run as lines.

    Args:
        rows: one an evaluation; several of one pipeline and golden set become one.
        verdicts: of the whole run.
        width: columns to fit into; metrics that do not fit continue in a further block.
    """
    groups = by_golden_set(rows)
    joined = [row for _, chosen in groups for row in chosen]
    for name, chosen in groups:
        yield f"golden set {name}: {_count(max(row.cases for row in chosen), 'case')}, mean and 95% interval"
        yield from _blocks(chosen, width)
        yield ""
    if joined:
        yield _calls(joined)
        for note, where in _notes(groups).items():
            yield f"note: {', '.join(where)}: {note}"
        yield from spread_lines(joined)
    yield from verdict_lines(verdicts)


def verdict_lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """How many checks passed, and one line for each that did not."""
    if not verdicts:
        return
    counts = [
        f"{sum(verdict.outcome == outcome for verdict in verdicts)} {word}"
        for outcome, word in (("pass", "passed"), ("fail", "failed"), ("undecided", "undecided"))
        if any(verdict.outcome == outcome for verdict in verdicts)
    ]
    yield f"checks: {', '.join(counts)}"
    missing: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        where = " ".join(part for part in (verdict.golden_set, verdict.pipeline) if part)
        if is_without_baseline(verdict):
            missing.setdefault((where, verdict.note), []).append(verdict.metric)
        elif verdict.outcome != "pass":
            one = single_case(verdict)
            reason = verdict.note or (one.score.reason if one is not None and one.score.value is None else "")
            note = f"  ({reason})" if reason else ""
            yield GAP.join(part for part in (verdict.outcome, where, headline(verdict)) if part) + note
    for (where, note), metrics in missing.items():
        yield GAP.join(part for part in ("fail", where, f"no baseline for {', '.join(metrics)}") if part)
        yield f"      {note}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number:,} {what}s"


def _calls(rows: Sequence[SummaryRow]) -> str:
    calls, judged = sum(row.model_calls for row in rows), sum(row.judge_calls for row in rows)
    replayed = _count(sum(row.replayed for row in rows), "answer")
    parts = [_count(calls, "model call"), f"{replayed} replayed"]
    return ", ".join([*parts, _count(judged, "judge call")])


def _notes(groups: Sequence[tuple[str, Sequence[SummaryRow]]]) -> dict[str, list[str]]:
    """Each remark once, with the pipelines that it is about."""
    found: dict[str, list[str]] = {}
    for name, rows in groups:
        for row in rows:
            for note in row.notes:
                found.setdefault(note, []).append(f"{name} {row.pipeline}")
    return found


def _blocks(rows: Sequence[SummaryRow], width: int) -> Iterator[str]:
    metrics = list(dict.fromkeys(metric for row in rows for metric in row.cells))
    first = ["pipeline", "", *(row.pipeline for row in rows)]
    columns = [_column(rows, metric) for metric in metrics]
    if not columns:
        yield from first[2:]
        return
    room = width - _width(first)
    while columns:
        taken, used = [columns.pop(0)], 0
        used = len(GAP) + _width(taken[0])
        while columns and used + len(GAP) + _width(columns[0]) <= room:
            used += len(GAP) + _width(columns[0])
            taken.append(columns.pop(0))
        widths = [_width(first), *map(_width, taken)]
        for number, line in enumerate(zip(first, *taken, strict=True)):
            if number > 1 and not any(line[1:]):
                continue  # a pipeline that was measured by none of these metrics
            yield GAP.join(text.ljust(size) for text, size in zip(line, widths, strict=True)).rstrip()


def _width(column: Sequence[str]) -> int:
    return max(map(len, column))


def _column(rows: Sequence[SummaryRow], metric: str) -> list[str]:
    """Head, number of cases, and a text a row; the number moves into the rows where it differs."""
    cells = [row.cells.get(metric) for row in rows]
    sizes = {_size(cell) for cell in cells if cell is not None}
    is_common = len(sizes) == 1
    return [
        metric,
        sizes.copy().pop() if is_common else "",
        *(
            "" if cell is None else cell.text(metric) if is_common else f"{cell.text(metric)} {_size(cell)}"
            for cell in cells
        ),
    ]


def _size(cell: Cell) -> str:
    return f"n={cell.n}" + (f" ({cell.not_applicable} n/a)" if cell.not_applicable else "")
