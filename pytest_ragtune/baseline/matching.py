"""Whether an evaluation may be held against a baseline, and what differs between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ragtune.errors import BaselineError

from .contents import Baseline
from .files import UPDATE


@dataclass(frozen=True, slots=True)
class Difference:
    """How the cases of two evaluations differ."""

    added: tuple[str, ...]
    """Cases that only the first has."""
    removed: tuple[str, ...]
    """Cases that only the second has."""
    edited: tuple[str, ...]
    """Cases of both whose question, reference or labels differ."""
    answers_changed: tuple[str, ...]
    """Cases of both whose answer, ranking or contexts differ."""

    def __str__(self) -> str:
        parts = ((self.added, "added"), (self.removed, "removed"), (self.edited, "edited"))
        named = [f"{len(ids)} {word} ({_some(ids)})" for ids, word in parts if ids]
        return ", ".join(named) or "none added, removed or edited"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")


def difference(now: Baseline, before: Baseline) -> Difference:
    """Compare the cases of an evaluation with a baseline's."""
    both = [case_id for case_id in now.cases if case_id in before.cases]

    def changed(name: str) -> tuple[str, ...]:
        pairs = [(i, getattr(now.cases[i], name), getattr(before.cases[i], name)) for i in both]
        return tuple(i for i, new, old in pairs if new and old and new != old)

    return Difference(
        tuple(case_id for case_id in now.cases if case_id not in before.cases),
        tuple(case_id for case_id in before.cases if case_id not in now.cases),
        changed("case"),
        changed("response"),
    )


def require_same(
    now: Baseline, before: Baseline, metrics: Sequence[str], *, common_only: bool = False
) -> None:
    """Refuse to compare what cannot be compared.

    Args:
        now: the evaluation.
        before: the baseline.
        metrics: the metrics to compare; one that the baseline lacks is left to the caller.
        common_only: allow another version of the golden set; the caller leaves out edited cases.

    Raises:
        BaselineError: another golden set, or a metric whose identity differs.
    """
    if now.fingerprint != before.fingerprint and not common_only:
        cases = str(difference(now, before))
        if cases.startswith("none"):
            cases += " (documents, chunking or tags were)"
        raise BaselineError(
            f"{before.source}: was measured on golden set {before.golden_set!r} with fingerprint "
            f"{before.fingerprint[:12]}, this evaluation on {now.golden_set!r} with fingerprint "
            f"{now.fingerprint[:12]}; cases: {cases}. Review the change and run pytest "
            f"with {UPDATE}, or compare the cases that are the same in both: common_only=True, "
            "ragtune gate --common-only"
        )
    for name in metrics:
        if now.metrics[name] != before.metrics.get(name, now.metrics[name]):
            raise BaselineError(
                f"{before.source}: {name!r} was measured as {before.metrics[name]}, now as "
                f"{now.metrics[name]}; scores compare only under one identity: use that metric and judge "
                f"again, or run pytest with {UPDATE}"
            )
