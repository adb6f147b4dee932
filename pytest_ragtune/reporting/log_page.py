"""A scored log as one HTML page that needs nothing else."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from html import escape

from pytest_ragtune.logs import BadLine, ScoredRow, Tally
from pytest_ragtune.records import Claim

SHOWN = 500
"""Rows on the page: those without a score first, then the lowest."""
BAD_SHOWN = 100
_LONGEST = 2000
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2024;
background:#fff}
h1{font-size:1.4rem}table{border-collapse:collapse;margin:1rem 0}
th,td{border-bottom:1px solid #d9dde1;padding:.35rem .8rem .35rem 0;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
article{border-top:2px solid #d9dde1;padding:.8rem 0}article h2{font-size:1rem;margin:0 0 .3rem}
.scores{font-variant-numeric:tabular-nums;color:#454c54}.answer{white-space:pre-wrap;margin:.4rem 0}
li{margin:.25rem 0}.bad{color:#a4161a}.good{color:#1b6e3c}.evidence{color:#59616a}
@media(prefers-color-scheme:dark){body{background:#15181b;color:#e6e8ea}th,td,article{border-color:#3a4046}
.scores,.evidence{color:#a5adb5}.bad{color:#ff8f8f}.good{color:#7fd6a2}}
"""


class LogPage:
    """Collects what a page shows, in bounded memory.

    Args:
        title: of the page.
        threshold: from this probability on a claim counts as supported.
    """

    def __init__(self, title: str, *, threshold: float = 0.5) -> None:
        self._title, self._threshold = title, threshold
        self._worst: list[tuple[float, int, ScoredRow]] = []
        self._bad: list[BadLine] = []

    def add(self, item: ScoredRow | BadLine) -> None:
        """Take note of one line."""
        if isinstance(item, BadLine):
            if len(self._bad) < BAD_SHOWN:
                self._bad.append(item)
            return
        entry = (-_rank(item), -item.row.line, item)
        if len(self._worst) < SHOWN:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def lines(self, tally: Tally) -> Iterator[str]:
        """The page."""
        yield f'<!doctype html>\n<html lang="en"><head><title>{escape(self._title)}</title>'
        yield '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<style>{_STYLE}</style></head><body><h1>{escape(self._title)}</h1>"
        yield from _summary(tally)
        for bad in self._bad:
            yield f'<p class="bad">line {bad.line}: {escape(bad.problem)}</p>'
        if tally.bad > len(self._bad):
            yield f'<p class="bad">and {tally.bad - len(self._bad)} more lines that are no row</p>'
        shown = sorted(self._worst, reverse=True)
        if len(shown) < tally.rows:
            yield f"<p>The {len(shown)} of {tally.rows} rows that scored lowest, worst first.</p>"
        for _, _, item in shown:
            yield from self._row(item)
        yield "</body></html>\n"

    def _row(self, item: ScoredRow) -> Iterator[str]:
        question = item.row.case.question
        yield f"<article><h2>{escape(item.row.id)}{': ' if question else ''}{_cut(question)}</h2>"
        scores = (
            f"{escape(name)} {'-' if score.value is None else f'{score.value:.3f}'}"
            for name, score in item.scores.items()
        )
        yield f'<p class="scores">{" &middot; ".join(scores)}</p>'
        yield f'<p class="answer">{_cut(item.row.response.text or "")}</p>'
        for name, score in item.scores.items():
            if score.reason:
                yield f'<p class="evidence">{escape(name)}: {_cut(score.reason)}</p>'
        claims = [claim for score in item.scores.values() for claim in score.claims]
        if claims:
            yield "<ul>"
            yield from (self._claim(claim) for claim in claims)
            yield "</ul>"
        yield "</article>"

    def _claim(self, claim: Claim) -> str:
        if claim.probability is None:
            return f'<li>{_cut(claim.text)} <span class="bad">not judged: {_cut(claim.evidence)}</span></li>'
        is_supported = claim.probability >= self._threshold
        kind, word = ("good", "supported") if is_supported else ("bad", "not supported")
        place = f"{escape(claim.passage_id or '')}: {_cut(claim.evidence)}" if claim.evidence else ""
        return (
            f'<li>{_cut(claim.text)} <span class="{kind}">{word} {claim.probability:.2f}</span>'
            f'<br><span class="evidence">{place}</span></li>'
        )


def _rank(item: ScoredRow) -> float:
    """Lower is worse: unscored below every value."""
    values = [score.value for score in item.scores.values() if score.value is not None]
    if any(score.value is None and score.applicable for score in item.scores.values()):
        return -2.0 + min(values, default=0.0) * 1e-3
    return min(values, default=float("inf"))


def _summary(tally: Tally) -> Iterator[str]:
    yield f"<p>{tally.rows} rows, {tally.bad} lines that are no row</p>"
    yield '<table><tr><th>metric</th><th class="n">mean</th><th class="n">scored</th>'
    yield '<th class="n">unscored</th><th class="n">not applicable</th></tr>'
    for name in sorted({*tally.scored, *tally.unscored, *tally.inapplicable}):
        mean = tally.mean(name)
        counts = (tally.scored.get(name, 0), tally.unscored.get(name, 0), tally.inapplicable.get(name, 0))
        cells = ["-" if mean is None else f"{mean:.3f}", *map(str, counts)]
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        yield f"<tr><td>{escape(name)}</td>{numbers}</tr>"
    yield "</table>"


def _cut(text: str) -> str:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return escape(shown)
