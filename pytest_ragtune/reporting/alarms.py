"""The self-check as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pytest_ragtune.selfcheck import Alarm

_GAP = "  "
_MEANS = (
    "A failing share is how often the check would fail over other cases of the same kind, were all else as",
    "recorded. For 'no regression' the sides of each case are exchanged at random too, so that in truth",
    "nothing changed (A against A): its failing share is a false alarm. No model was asked. Checks of single",
    "responses have no cases to draw from and are not decided again.",
)


def alarm_lines(alarms: Sequence[Alarm], runs: int) -> Iterator[str]:
    """The self-check for a terminal.

    Args:
        alarms: one a check and metric.
        runs: how often each was decided again.
    """
    yield f"each check decided again {runs:,} times over cases drawn with replacement; Monte-Carlo error 95%"
    yield from _MEANS
    rows: list[Sequence[str]] = [("fails", "undecided", "cases", "check", "test")]
    for alarm in alarms:
        shares = (
            ("-", "-") if not alarm.runs else (_share(alarm, alarm.failed), _share(alarm, alarm.undecided))
        )
        note = f"  ({alarm.note})" if alarm.note else ""
        rows.append((*shares, str(alarm.cases), alarm.what, alarm.test + note))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows if alarms else ():
        yield _GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
    if not alarms:
        yield "no test that ran made a check of a whole evaluation through an assert of this package"


def alarms_markdown(alarms: Sequence[Alarm], runs: int) -> Iterator[str]:
    """The self-check as a Markdown table."""
    yield "## Self-check"
    yield ""
    yield f"Each check decided again {runs:,} times over cases drawn with replacement. " + " ".join(_MEANS)
    yield ""
    yield "| check | test | cases | fails | undecided |"
    yield "| --- | --- | --- | --- | --- |"
    for alarm in alarms:
        shares = (
            ("-", "-") if not alarm.runs else (_share(alarm, alarm.failed), _share(alarm, alarm.undecided))
        )
        yield f"| {alarm.what} | `{alarm.test}` | {alarm.cases} | {shares[0]} | {shares[1]} |"


def alarms_value(alarms: Sequence[Alarm]) -> list[dict[str, Any]]:
    """The self-check as a value that JSON can carry."""
    return [asdict(alarm) for alarm in alarms]


def _share(alarm: Alarm, count: int) -> str:
    """``3.5% ±2.5``; at the ends the bound: ``0.0% (<1.5)``."""
    share, error = alarm.share(count)
    if count == 0:
        return f"0.0% (<{error:.1%})"
    if count == alarm.runs:
        return f"100.0% (>{1 - error:.1%})"
    return f"{share:.1%} ±{error:.1%}"
