"""Verdicts and reports as plain values that JSON can carry, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

from pytest_ragtune.records import CaseScore, Claim, Interval, Score, Verdict

from .summary import SummaryRow, merged

SCHEMA = 1
"""Schema of the report file."""
_SIMPLE = frozenset({str, int, float, bool, type(None)})
_CALLS = ("model_calls", "replayed", "judge_calls")


def verdict_value(verdict: Verdict) -> dict[str, Any]:
    """The verdict as dicts, lists, strings and numbers: what travels from a worker or stands in a report."""
    found: dict[str, Any] = _plain(verdict)
    return found


def told_value(verdict: Verdict) -> dict[str, Any]:
    """As :func:`verdict_value`, without the fields that hold what they do unless told otherwise."""
    usual = _defaults()
    return {
        name: item if type(item) in _SIMPLE else _plain(item)
        for name in _names(Verdict)
        if (item := getattr(verdict, name)) != usual.get(name, ...)
    }


@cache
def _defaults() -> dict[str, Any]:
    return {field.name: field.default for field in fields(Verdict) if field.default is not MISSING}


def _plain(value: Any) -> Any:
    """``dataclasses.asdict`` without its copies: records are frozen, and there is one verdict an assert."""
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value):
        kind: Any = type(value)
        found = {name: getattr(value, name) for name in _names(kind)}
        return {name: item if type(item) in _SIMPLE else _plain(item) for name, item in found.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def verdict_from_value(value: Mapping[str, Any]) -> Verdict:
    """The verdict back from :func:`verdict_value` or :func:`told_value`, also by way of JSON."""
    fields = dict(value)
    if fields.get("interval") is not None:
        fields["interval"] = Interval(**fields["interval"])
    for name in ("worst", "unscored_cases"):
        if name in fields:
            fields[name] = tuple(_case_score(item) for item in fields[name])
    return Verdict(**fields)


def _case_score(value: Mapping[str, Any]) -> CaseScore:
    score = dict(value["score"])
    score["claims"] = tuple(Claim(**claim) for claim in score.get("claims", ()))
    score["judgements"] = tuple(score.get("judgements", ()))
    return CaseScore(value["case_id"], Score(**score), value.get("before"))


def report_value(rows: Iterable[SummaryRow], verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The whole report as one JSON value.

    What was measured and decided stands apart from how the run came to it (``run``: answers computed
    and replayed), and in an order of its own: a run that was killed and went on, or that was spread
    over workers, reports the same evaluations and verdicts byte for byte.
    """
    evaluations = sorted((row.value() for row in merged(rows)), key=_text)
    run = [
        {name: row[name] for name in ("pipeline", "golden_set")} | {name: row.pop(name) for name in _CALLS}
        for row in evaluations
    ]
    decided = sorted((verdict_value(verdict) for verdict in verdicts), key=_text)
    return {"schema": SCHEMA, "evaluations": evaluations, "verdicts": decided, "run": run}


def _text(value: Mapping[str, Any]) -> str:
    names = [value["golden_set"], value["pipeline"]]
    return json.dumps([names, value], sort_keys=True, ensure_ascii=False)
