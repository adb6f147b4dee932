"""Planted faults: does the suite go red when something is broken?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .answers import (
    AlwaysRefuse,
    EmptyAnswer,
    FailingCalls,
    FlipNegation,
    NeverAbstain,
    ObeyDocument,
    Slow,
    SwapDates,
    SwapNames,
    SwapNumbers,
    UnsupportedSentence,
    WrongQuestion,
)
from .base import Fault, Scene, versions_of
from .outcomes import Cell, Matrix
from .parts import DetachAdapter, JudgeAlwaysYes, JudgeUnreachable
from .passages import Distractor, DropGold, ReverseRanking, ShuffleRanking, StaleCorpus, TruncateContext
from .planting import Ledger, Notes, PlantedSession

__all__ = [
    "FAULTS",
    "Cell",
    "Fault",
    "Ledger",
    "Matrix",
    "Notes",
    "PlantedSession",
    "Scene",
    "faults_named",
    "versions_of",
]

FAULTS: dict[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        DropGold,
        Distractor,
        ReverseRanking,
        ShuffleRanking,
        StaleCorpus,
        TruncateContext,
        ObeyDocument,
        DetachAdapter,
        SwapNumbers,
        SwapDates,
        SwapNames,
        FlipNegation,
        UnsupportedSentence,
        WrongQuestion,
        EmptyAnswer,
        AlwaysRefuse,
        NeverAbstain,
        FailingCalls,
        Slow,
        JudgeAlwaysYes,
        JudgeUnreachable,
    )
}
"""Every fault by name, in the order of the matrix."""


def faults_named(names: Iterable[str]) -> list[Fault]:
    """One fault a name, in the order of the matrix.

    Raises:
        ValueError: a name is unknown; lists the known ones.
    """
    wanted = list(names)
    for name in wanted:
        if name not in FAULTS:
            close = difflib.get_close_matches(name, FAULTS, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(f"{name!r} is no fault: {hint}Known are {', '.join(FAULTS)}")
    return [fault() for name, fault in FAULTS.items() if name in wanted]
