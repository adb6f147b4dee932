"""A plan in words: what would be asked, what it would cost, what the checks could see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytest_ragtune.budget import shown
from pytest_ragtune.foresight import Foresight
from pytest_ragtune.planning import Judged, Need, PlanRow

from .numbers import number

NOTHING = "no test that ran evaluated anything"


def plan_lines(
    rows: Sequence[PlanRow],
    elsewhere: Need,
    foresights: Sequence[Foresight],
    early: Mapping[str, str],
    limits: Mapping[str, float],
) -> Iterator[str]:
    """The plan as lines.

    Args:
        rows: one a golden set and pipeline.
        elsewhere: what was asked outside of evaluations.
        foresights: what the checks could see.
        early: tests that ended before their end, with the reason.
        limits: of the budget.
    """
    if not rows:
        yield NOTHING
    for name in dict.fromkeys(row.golden_set for row in rows):
        yield f"golden set {name}"
        for row in (row for row in rows if row.golden_set == name):
            yield f"  {row.pipeline}: {_count(len(row.cases), 'case')}, {_answers(row)}"
            yield from (f"    {remark}" for remark in row.need.unknown)
            for metric, judged in row.judged.items():
                yield f"    {metric}: {_judgements(judged)}"
                yield from (f"      {remark}" for remark in judged.need.unknown)
    if elsewhere.calls:
        yield f"outside of evaluations: {_need(elsewhere)}"
    whole = total(rows, elsewhere)
    if rows:
        yield f"in all: {_need(whole)}"
        yield from _later(rows)
    yield from _against(whole, limits)
    yield from _seen(foresights)
    for test, why in early.items():
        yield f"ended early, so that what it asks after that is not counted: {test} ({why})"


def total(rows: Sequence[PlanRow], elsewhere: Need) -> Need:
    """Everything together."""
    parts = [elsewhere, *(row.need for row in rows), *(j.need for row in rows for j in row.judged.values())]
    return Need(
        sum(part.calls for part in parts),
        sum(part.read for part in parts),
        sum(part.written for part in parts),
        sum(part.money for part in parts),
        all(part.is_counted for part in parts),
        list(dict.fromkeys(text for part in parts for text in part.unknown)),
        list(dict.fromkeys(name for part in parts for name in part.unpriced)),
    )


def _answers(row: PlanRow) -> str:
    if not row.to_make and not row.recorded:
        return "asks no model" if not row.need.calls else _need(row.need)
    made = f"{_count(row.recorded, 'answer')} recorded, {row.to_make:,} to make"
    return f"{made}: {_need(row.need)}" if row.to_make else made


def _judgements(judged: Judged) -> str:
    text = f"{_count(judged.recorded, 'judgement')} recorded, {judged.to_make:,} to make"
    if judged.need.calls:
        text += f": {_need(judged.need)}"
    if judged.later:
        text += f"; up to {judged.later:,} more, unknown until answered"
    return text


def _need(need: Need) -> str:
    parts = [_count(need.calls, "call")]
    if need.read:
        about = "" if need.is_counted else "about "
        parts.append(f"{about}{need.read:,} tokens to read, at most {need.written:,} to write")
    if need.unpriced:
        parts.append(f"price of {', '.join(need.unpriced)} unknown (ragtune_prices)")
    elif need.money:
        parts.append(f"at most {need.money:,.4g} money")
    return ", ".join(parts)


def _later(rows: Sequence[PlanRow]) -> Iterator[str]:
    later = sum(judged.later for row in rows for judged in row.judged.values())
    if later:
        yield f"  and what up to {_count(later, 'judgement')} of answers yet to come ask of judges"


def _against(whole: Need, limits: Mapping[str, float]) -> Iterator[str]:
    needs = {"calls": whole.calls, "tokens": whole.read + whole.written, "money": whole.money}
    for kind, limit in limits.items():
        if kind == "money" and whole.unpriced:
            yield f"ragtune_budget: no price for {', '.join(whole.unpriced)}: the run would end in an error"
            continue
        verdict = "enough for what is known" if needs[kind] <= limit else "may stop the run"
        yield f"ragtune_budget: {shown(limit, kind)}, {shown(needs[kind], kind)} planned: {verdict}"


def _seen(foresights: Sequence[Foresight]) -> Iterator[str]:
    if not foresights:
        return
    yield "smallest drop that a check fails 4 times in 5"
    for found in foresights:
        yield f"  {_drop(found):<16} n={found.n:<5} {found.what}  {found.test}  ({found.basis})"


def _drop(found: Foresight) -> str:
    if found.change is None:
        return "none"
    return f"{number(found.change)} off the bar" if found.is_gap else number(found.change)


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def plan_value(
    rows: Sequence[PlanRow], elsewhere: Need, foresights: Sequence[Foresight], early: Mapping[str, str]
) -> dict[str, Any]:
    """The plan as a value that JSON can carry."""
    return {
        "pipelines": [asdict(row) | {"cases": len(row.cases)} for row in rows],
        "elsewhere": asdict(elsewhere),
        "total": asdict(total(rows, elsewhere)),
        "checks": [asdict(found) for found in foresights],
        "ended_early": dict(early),
    }
