"""A verdict as text: one short line, then the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ragtune.records import CaseScore, Claim, Verdict

from .numbers import apart, ends, number, p_value

SHOWN = 3
"""How many unscored cases are named."""
CLAIMS = 2
"""How many unsupported claims of a case are named."""
QUOTED = 110
"""Longest quotation of a claim or its evidence, in characters."""
_CHANGES = ("no_regression", "better_than")


def failure_lines(verdict: Verdict, *, rerun: str = "") -> Iterator[str]:
    """The verdict's evidence, most telling first.

    Args:
        verdict: of any outcome.
        rerun: the command that runs this check again; the worst case is added to it.
    """
    yield headline(verdict)
    yield from _worst(verdict)
    yield _standing(verdict)
    yield from _unscored(verdict)
    if verdict.note:
        yield f"  note     {verdict.note}"
    if rerun:
        case = verdict.worst or verdict.unscored_cases
        yield f"  rerun    {rerun}" + (f" --ragtune-case={_argument(case[0].case_id)}" if case else "")


def headline(verdict: Verdict) -> str:
    """One line, short enough for pytest's summary: ``faithfulness 0.71 < 0.80  n=40  95% CI 0.60..0.81``."""
    judge = f"[{verdict.judge}]" if verdict.judge and "[" not in verdict.metric else ""
    one = single_case(verdict)
    size = f"n={verdict.n}" if one is None else f"case {one.case_id}"
    parts = [f"{verdict.metric}{judge} {_comparison(verdict)}", size]
    if verdict.interval is not None:
        signed = verdict.check in _CHANGES
        share = f"{verdict.interval.confidence * 100:g}%"
        parts.append(f"{share} CI {ends(verdict.interval, verdict.metric, signed=signed)}")
    if verdict.not_applicable:
        parts.append(f"{verdict.not_applicable} not applicable")
    return "  ".join(parts)


def single_case(verdict: Verdict) -> CaseScore | None:
    """The case of a verdict on one response that did not pass; None for one on an evaluation."""
    named = (*verdict.worst, *verdict.unscored_cases)
    is_one = not verdict.golden_set and not verdict.pipeline and len(named) == 1
    return named[0] if is_one and named[0].case_id != "response" else None


def is_without_baseline(verdict: Verdict) -> bool:
    """Whether a regression could not be looked for, since there is nothing to compare with."""
    return verdict.check == "no_regression" and verdict.value is None and verdict.n > 0


def _comparison(verdict: Verdict) -> str:
    if verdict.value is None:
        return "has no baseline" if is_without_baseline(verdict) else "has no score"
    value, bar = _numbers(verdict, verdict.value)
    if verdict.outcome == "undecided":
        return f"{value} undecided at {bar}"
    is_up = _is_up(verdict)
    reached = verdict.value >= _bar(verdict) - 1e-9 if is_up else verdict.value <= _bar(verdict) + 1e-9
    if verdict.outcome == "pass":
        return f"{value} {'>=' if is_up else '<='} {bar}" if reached else f"{value} within {bar}"
    if reached:
        blame = f"but {verdict.unscored} unscored" if verdict.unscored else "but not comparable"
        return f"{value} {'>=' if is_up else '<='} {bar} {blame}"
    return f"{value} {'<' if is_up else '>'} {bar}"


def _numbers(verdict: Verdict, value: float) -> tuple[str, str]:
    return apart(value, _bar(verdict), verdict.metric, signed=verdict.check in _CHANGES)


def _is_up(verdict: Verdict) -> bool:
    """Whether the value must lie above the bar."""
    return verdict.check == "at_least" or (verdict.check in _CHANGES and verdict.higher_is_better)


def _bar(verdict: Verdict) -> float:
    """What the value is held against: the threshold, or the margin on its proper side of 0."""
    if verdict.check not in _CHANGES:
        return verdict.threshold
    sign = 1.0 if verdict.higher_is_better else -1.0
    return verdict.threshold * (sign if verdict.check == "better_than" else -sign) + 0.0


def _worst(verdict: Verdict) -> Iterator[str]:
    label = "worst"
    for item in verdict.worst:
        start = f"  {label:5}  {item.case_id} {_value(item, verdict.metric)}"
        label = ""
        claims = _unsupported(item)
        if not claims:
            yield f"{start}  {item.score.reason}".rstrip()
        for claim in claims:
            yield f'{start}  not supported: "{_cut(claim.text)}"'
            start = " " * len(start)
            if claim.evidence:
                probability = "" if claim.probability is None else f" ({claim.probability:.2f})"
                place = f"{claim.passage_id} " if claim.passage_id else ""
                yield f'{start}  nearest      : {place}"{_cut(claim.evidence)}"{probability}'


def _value(item: CaseScore, metric: str) -> str:
    if item.score.value is None:
        return "-"
    now = number(item.score.value, metric)
    return now if item.before is None else f"{number(item.before, metric)} -> {now}"


def _unsupported(item: CaseScore) -> list[Claim]:
    """The claims to name, least supported first.

    Those below 0.5; where a judge's threshold lies higher, a case of claims that did not all hold shows its
    least supported one.
    """
    judged = [claim for claim in item.score.claims if claim.probability is not None]
    ordered = sorted(judged, key=lambda claim: claim.probability or 0.0)
    below = [claim for claim in ordered if (claim.probability or 0.0) < 0.5]
    if not below and item.score.value == 0.0:
        below = ordered[:1]
    return below[:CLAIMS]


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= QUOTED else f"{line[: QUOTED - 3].rstrip()}..."


def _standing(verdict: Verdict) -> str:
    line = f"  unscored {verdict.unscored}"
    if not verdict.baseline:
        return line
    line = f"{line:<17}  baseline {verdict.baseline}"
    if verdict.baseline_value is None:
        return line
    details = [number(verdict.value, verdict.metric, signed=True)] if verdict.value is not None else []
    if verdict.check not in _CHANGES and verdict.value is not None:
        details = [number(verdict.value - verdict.baseline_value, verdict.metric, signed=True)]
    if verdict.p_value is not None:
        details.append(p_value(verdict.p_value))
    return f"{line}: {number(verdict.baseline_value, verdict.metric)} ({', '.join(details)})"


def _unscored(verdict: Verdict) -> Iterator[str]:
    for item in verdict.unscored_cases[:SHOWN]:
        yield f"           {item.case_id} {_cut(item.score.reason)}"
    if len(verdict.unscored_cases) > SHOWN:
        yield f"           and {len(verdict.unscored_cases) - SHOWN} more"


def _argument(case_id: str) -> str:
    """The id as a shell takes it."""
    import shlex

    return shlex.quote(case_id)
