"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_ragtune.records import Verdict

from .failure import failure_lines
from .spread import spread_lines
from .summary import SummaryRow, by_golden_set
from .table import verdict_lines


def markdown_lines(rows: Iterable[SummaryRow], verdicts: Sequence[Verdict] = ()) -> Iterator[str]:
    """One table a golden set, the verdicts that did not pass, and their evidence."""
    groups = by_golden_set(rows)
    joined = [row for _, chosen in groups for row in chosen]
    for name, chosen in groups:
        yield f"## {name}"
        yield ""
        yield from _table(chosen)
        yield ""
    spread = list(spread_lines(joined))
    if spread:
        yield from ("## Repeats", "", "```text", *spread, "```", "")
    lines = list(verdict_lines(verdicts))
    if lines:
        yield "## Checks"
        yield ""
        yield f"{lines[0].removeprefix('checks: ')}."
        yield ""
    for verdict in verdicts:
        if verdict.outcome != "pass":
            where = " ".join(part for part in (verdict.golden_set, verdict.pipeline, verdict.check) if part)
            yield f"**{verdict.outcome}** {_escaped(where)}"
            yield ""
            yield "```text"
            yield from failure_lines(verdict)
            yield "```"
            yield ""


def _table(rows: Sequence[SummaryRow]) -> Iterator[str]:
    metrics = list(dict.fromkeys(metric for row in rows for metric in row.cells))
    yield _row(["pipeline", *metrics])
    yield _row(["---", *("---" for _ in metrics)])
    for row in rows:
        texts = []
        for metric in metrics:
            cell = row.cells.get(metric)
            texts.append("" if cell is None else f"{cell.text(metric)}, n={cell.n}")
        yield _row([row.pipeline, *texts])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
