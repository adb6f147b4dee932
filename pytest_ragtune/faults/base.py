"""What a fault is: a defect planted on purpose, to see whether a suite goes red."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pytest_ragtune.records import Case, Corpus, GoldenSet, Passage, Response
from pytest_ragtune.store import canonical, digest

Place = Literal["answer", "context", "generator", "judge"]


@dataclass(slots=True)
class Scene:
    """What a fault may draw on: where the passages come from, and what else was answered."""

    corpus: Corpus | None = None
    """What the pipeline retrieves from; None when it does not say."""
    known: Mapping[str, Response] = field(default_factory=dict)
    """Case id -> the sound response of the same pipeline, as far as it was asked."""
    older: Callable[[Corpus], Corpus | None] = lambda corpus: None
    """The corpus version before a given one; None when there is none."""
    _passages: dict[str, Passage] | None = None
    _order: list[str] = field(default_factory=list)

    @property
    def passages(self) -> dict[str, Passage]:
        """Passage id -> passage, as far as they are known."""
        if self._passages is None:
            seen = {p.id: p for response in self.known.values() for p in response.contexts}
            own = {} if self.corpus is None else {p.id: p for p in self.corpus.passages}
            self._passages = seen | own
        return self._passages

    def others(self, case: Case) -> Iterator[Response]:
        """The sound responses to other cases, beginning after this one, so that each gets its own."""
        if len(self._order) != len(self.known):
            self._order = sorted(self.known)
        start = bisect.bisect_right(self._order, case.id)
        for name in itertools.chain(self._order[start:], self._order[:start]):
            if name != case.id:
                yield self.known[name]


class Fault:
    """A defect, planted between the pipeline and the checks.

    A subclass overrides one of ``alter``, ``pipeline`` and ``judge``. Nothing here draws at random:
    what is planted depends on the case and the response alone.
    """

    name: ClassVar[str]
    """As in ``--ragtune-faults=NAME``."""
    plants: ClassVar[str]
    """What is planted, in a few words."""
    needs: ClassVar[str]
    """What must be there for it, said where it is not applicable."""
    place: ClassVar[Place] = "answer"
    """Where it sits; a changed ``context`` makes the generator answer again."""
    version: ClassVar[int] = 1
    """Raised when it plants something else."""

    @property
    def identity(self) -> str:
        """Name and version: part of the key of every answer that is asked again."""
        return canonical({"fault": self.name, "version": self.version})

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def alter(self, case: Case, response: Response, scene: Scene) -> Response:
        """The response with the fault in it; the same one when there is nowhere to plant it."""
        return response

    def pipeline(self, pipeline: Any) -> Any | None:
        """The pipeline to ask instead; None to ask the same."""
        return None

    def judge(self, judge: Any) -> Any | None:
        """The judge to ask instead; None to ask the same."""
        return None


def chance(case: Case, *salt: object) -> int:
    """A number that depends on the case (and the salt) alone, for choices that must look arbitrary."""
    return int(digest([case.id, case.question, *map(str, salt)])[:12], 16)


def versions_of(
    golden_sets: Callable[[], Sequence[GoldenSet]], load: Callable[[Path, str], GoldenSet]
) -> Callable[[Corpus], Corpus | None]:
    """A function from a corpus to the version before it, None where there is none.

    Args:
        golden_sets: those that the tests have used so far.
        load: reads a golden set's folder at a version.
    """
    known: dict[tuple[str, int], Corpus | None] = {}

    def older(corpus: Corpus) -> Corpus | None:
        loaded = golden_sets()
        key = corpus.fingerprint, len(loaded)
        if key not in known:
            known[key] = _before(corpus, loaded, load)
        return known[key]

    return older


def _before(
    corpus: Corpus, golden_sets: Sequence[GoldenSet], load: Callable[[Path, str], GoldenSet]
) -> Corpus | None:
    for golden_set in golden_sets:
        if corpus.version is None or corpus.version not in golden_set.versions or golden_set.path is None:
            continue
        position = golden_set.versions.index(corpus.version)
        if position > 0 and load(golden_set.path, corpus.version).corpus.fingerprint == corpus.fingerprint:
            return load(golden_set.path, golden_set.versions[position - 1]).corpus
    return None
