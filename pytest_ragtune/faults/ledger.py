"""What the tests of a run asked, who asked it, and where a fault was planted."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pytest_ragtune.pipeline import PipelineLike
from pytest_ragtune.records import Case, Response
from pytest_ragtune.store import Store

from .base import Fault, Scene


@dataclass(frozen=True, slots=True)
class Asked:
    """A pipeline that was asked, and what it said."""

    pipeline: PipelineLike
    """Which pipeline."""
    cases: Sequence[Case]
    """The cases."""
    responses: Sequence[Response]
    """One a case."""
    scene: Scene
    """What a fault may draw on."""


@dataclass(slots=True)
class Notes:
    """What one test, or one fixture of wider scope, did."""

    asked: list[Asked] = field(default_factory=list)
    """The pipelines that it asked."""
    is_judged: bool = False
    """Whether it used a judge."""
    planted: int = 0
    """Responses that a fault changed, or calls to a judge that it answered."""
    kept: bool = False
    """Whether answers were left as they were although their contexts changed."""

    @property
    def is_empty(self) -> bool:
        """Whether neither a pipeline nor a judge was used."""
        return not self.asked and not self.is_judged

    def add(self, other: Notes) -> None:
        """Take over what ``other`` holds."""
        self.asked = [*self.asked, *other.asked]
        self.is_judged |= other.is_judged
        self.planted += other.planted
        self.kept |= other.kept

    def can_hold(self, fault: Fault) -> bool:
        """Whether there is somewhere to plant ``fault``; asks no model."""
        if fault.place == "judge":
            return self.is_judged
        if fault.place == "generator":
            return any(fault.pipeline(asked.pipeline) is not None for asked in self.asked)
        return any(
            fault.alter(case, response, asked.scene) is not response
            for asked in self.asked
            for case, response in zip(asked.cases, asked.responses, strict=True)
        )


class Ledger:
    """Notes by owner: the test that is running, and any fixture of wider scope that is being made."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Response]] = {}
        """Pipeline's identity -> case id -> sound response."""
        self.read_answers: set[str] = set()
        """Identities of the pipelines whose answers, not only rankings, some test looks at."""
        self.memory = Store()
        """Answers of pipelines that cannot say what they depend on."""
        self.functions: dict[tuple[Hashable, int], Any] = {}
        """(test function, number) -> the function that such a pipeline wrapped last."""
        self.scope: Hashable = None
        """The test function that is running."""
        self._owners: list[Hashable] = []
        self._notes: dict[Hashable, Notes] = {}
        self._count: dict[Hashable, list[Any]] = {}

    @contextmanager
    def owned_by(self, owner: Hashable, scope: Hashable = None) -> Iterator[None]:
        """Note what happens meanwhile under ``owner`` too; a test names its function as ``scope``."""
        self._owners.append(owner)
        if scope is not None:
            self.scope = scope
            self._count.pop(scope, None)
        try:
            yield
        finally:
            self._owners.pop()

    def of(self, *owners: Hashable) -> Notes:
        """The notes of all these owners together."""
        joined = Notes()
        for owner in owners:
            joined.add(self._notes.get(owner, Notes()))
        return joined

    def forget(self) -> None:
        """Begin anew, as each pass over the tests does; answers and functions stay."""
        self._notes.clear()

    def note(
        self,
        asked: Asked | None = None,
        *,
        judged: bool = False,
        planted: int = 0,
        kept: bool = False,
    ) -> None:
        """Add to the notes of every owner."""
        notes = Notes([] if asked is None else [asked], judged, planted, kept)
        for owner in self._owners:
            self._notes.setdefault(owner, Notes()).add(notes)

    def number(self, function: Any) -> tuple[int, bool]:
        """Which of the functions of the running test this is, and whether it is the one of last time.

        A test that makes its function anew asks the same application each time it runs.
        """
        met = self._count.setdefault(self.scope, [])
        number = next((n for n, known in enumerate(met) if known == function), len(met))
        if number == len(met):
            met.append(function)
        is_same = bool(self.functions.get((self.scope, number)) == function)
        self.functions[self.scope, number] = function
        return number, is_same
