"""docs/metrics.md says what the code says. Run this file as a script to rewrite the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.metrics.catalogue import NAMES, metric
from pytest_ragtune.records import MetricInfo

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
BEGIN, END = "<!-- metrics: begin -->", "<!-- metrics: end -->"
RANKING = ("R@5", "P@5", "nDCG@10", "RR", "AP", "Success@5", "Rprec", "Bpref", "SetP", "SetR", "SetF")


def table() -> str:
    rows = [
        "| metric | value of one case | range | better | undefined | source |",
        "|---|---|---|---|---|---|",
    ]
    judge = LexicalJudge()
    rows += [_row(metric(name, judge=judge).info) for name in (*RANKING, *NAMES)]
    return "\n".join(rows)


def _row(info: MetricInfo) -> str:
    high = "unbounded" if info.high is None else f"{info.high:g}"
    bounds = "0 or 1" if info.binary else f"{info.low:g} to {high}"
    better = "higher" if info.higher_is_better else "lower"
    cells = (f"`{info.name}`", info.formula, bounds, better, info.undefined, info.source)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def written() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def test_the_table_is_the_code_s() -> None:
    assert written() == table(), f"run: python {Path(__file__).name} in its folder, and review the difference"


@pytest.mark.parametrize("name", ["CONTENT_WEIGHT", "EVERY_WEIGHT", "NUMBER", "NAME", "NEGATION_ADDED"])
def test_the_judges_coefficients_are_the_code_s(name: str) -> None:
    from pytest_ragtune.judges import lexical

    assert re.search(rf"`{name}` \| {getattr(lexical, name):g} ", PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
