"""From a pairing and its test to an outcome."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ragtune.records import Outcome
from pytest_ragtune.statistics import ChangeTest, holm

from .evidence import TOLERANCE, bounds_of, counted, sentences
from .pairing import Pairing
from .thresholds import needed, no_interval, reach

Decided = tuple[Outcome, float | None, str]
"""Outcome, p value, note."""


def refusal(pairing: Pairing, allowed: int, common_only: bool) -> Decided | None:
    """Why the cases do not allow a decision; None when they do."""
    if pairing.added and not common_only:
        names = ", ".join(pairing.added[:3]) + (", ..." if len(pairing.added) > 3 else "")
        return (
            "fail",
            None,
            (
                f"{counted(len(pairing.added))} not in the baseline ({names}): "
                "update it, or compare the others: common_only=True, ragtune gate --common-only"
            ),
        )
    if len(pairing.unscored) > allowed:
        return (
            "fail",
            None,
            (f"{counted(len(pairing.unscored))} without a score on one side, allowed {allowed}"),
        )
    if not pairing.ids:
        return "fail", None, "no case has a score on both sides"
    return None


def decide(
    pairing: Pairing, test: ChangeTest | None, corrected: float | None, margin: float, confidence: float
) -> Decided:
    """Non-inferiority: the one-sided tests on both sides of ``-margin``, the failing one corrected.

    A pipeline of which no part has changed, and that answers as before, has lost nothing: that is seen.
    """
    half = (1 - confidence) / 2 + TOLERANCE
    same = "every answer and score is the one in the baseline"
    if pairing.is_unchanged and not pairing.other_pipeline:
        return "pass", None, f"{same}, and so is every part of the pipeline; {unseen(len(pairing.ids))}"
    if test is not None and corrected is not None:
        if corrected <= half:
            return "fail", corrected, ""
        if test.p_above <= half:
            return "pass", test.p_above, ""
    notes = (
        [f"{same}, but {pairing.other_pipeline}; {unseen(len(pairing.ids))}"] if pairing.is_unchanged else []
    )
    if test is None:
        notes.append(no_interval(len(pairing.ids), "changes"))
    else:
        if test.p_below <= half:
            notes.append("worse by itself, not when corrected for the number of metrics")
        notes.append(_advice(pairing, test.change + margin, confidence))
    return "undecided", None, "; ".join(notes)


def unseen(n: int) -> str:
    """How much could be broken for other questions while these cases do not show it, at 95%."""
    share = 1 - 0.05 ** (1 / n)
    return f"a fault in up to {share:.1%} of all questions can be absent from {counted(n)}"


def superior(
    pairing: Pairing, test: ChangeTest | None, exact: float, margin: float, confidence: float
) -> Decided:
    """Superiority: above the margin, and at a margin of 0 the exact two-sided p value agrees."""
    half = (1 - confidence) / 2 + TOLERANCE
    if test is None:
        return "undecided", None, no_interval(len(pairing.ids), "changes")
    if test.p_above <= half and exact <= 2 * half:
        return "pass", exact if margin == 0 else test.p_above, ""
    if test.p_below <= half:
        return "fail", test.p_below, ""
    return "undecided", None, _advice(pairing, test.change - margin, confidence)


def _advice(pairing: Pairing, gap: float, confidence: float) -> str:
    bounds = bounds_of(pairing.info)
    ends = None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])
    far = reach(pairing.sign * (pairing.change or 0.0), gap, ends)
    return needed(gap, pairing.deviation, confidence, far, len(pairing.ids), pairing.info.binary)


def remarks(pairing: Pairing) -> str:
    """What was left out, so that nobody takes a part for the whole."""
    return sentences(
        [
            f"{counted(pairing.left_out)} of the baseline not asked" if pairing.left_out else "",
            f"{counted(len(pairing.edited))} edited since and left out" if pairing.edited else "",
        ]
    )


def corrected(tests: Mapping[str, ChangeTest | None]) -> dict[str, float]:
    """Holm-corrected p values of "it dropped by more than the margin"."""
    known = {name: test.p_below for name, test in tests.items() if test is not None}
    return dict(zip(known, holm(list(known.values())), strict=True))
