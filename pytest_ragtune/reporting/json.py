"""Verdicts and reports as plain values that JSON can carry, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pytest_ragtune.records import CaseScore, Claim, Interval, Score, Verdict

from .summary import SummaryRow, merged

SCHEMA = 1
"""Schema of the report file."""


def verdict_value(verdict: Verdict) -> dict[str, Any]:
    """The verdict as dicts, lists, strings and numbers: what travels from a worker or stands in a report."""
    return asdict(verdict)


def verdict_from_value(value: Mapping[str, Any]) -> Verdict:
    """The verdict back from :func:`verdict_value`, also after a round trip through JSON."""
    fields = dict(value)
    interval = fields.get("interval")
    fields["interval"] = None if interval is None else Interval(**interval)
    for name in ("worst", "unscored_cases"):
        fields[name] = tuple(_case_score(item) for item in fields.get(name, ()))
    return Verdict(**fields)


def _case_score(value: Mapping[str, Any]) -> CaseScore:
    score = dict(value["score"])
    score["claims"] = tuple(Claim(**claim) for claim in score.get("claims", ()))
    return CaseScore(value["case_id"], Score(**score), value.get("before"))


def report_value(rows: Iterable[SummaryRow], verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The whole report as one JSON value."""
    return {
        "schema": SCHEMA,
        "evaluations": [row.value() for row in merged(rows)],
        "verdicts": [verdict_value(verdict) for verdict in verdicts],
    }
