"""Replay: answers and judgements from the store and from recordings beside golden sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from .errors import AdapterError, MissingExtra, ModelError, RagtuneError, StoreError
from .pipeline import PipelineLike
from .recording_file import RECORDING, Recording, read_recording
from .records import Response
from .store import Record, Store

T = TypeVar("T")
Replay = Literal["auto", "only", "off"]
"""``auto``: what is recorded is replayed, the rest computed and recorded. ``only``: what is not
recorded is an error. ``off``: everything is computed anew, once a run, and nothing is recorded."""


class ReplayMiss(StoreError):
    """Something is not recorded, and this run only replays."""


class ReplayStore(Store):
    """A store that also reads recordings, and writes only where the mode allows.

    Args:
        path: the SQLite file, as for :class:`Store`.
        mode: see :data:`Replay`.
        run: names the run, the same for all workers of it.
    """

    def __init__(self, path: str | Path | None = None, mode: Replay = "auto", run: str = "") -> None:
        if mode not in get_args(Replay):
            raise ValueError(f"mode is {mode!r}: expected one of {', '.join(get_args(Replay))}")
        super().__init__(path)
        self.mode: Replay = mode
        self.run = run
        self.by_name_notes: dict[str, str] = {}
        self._fresh = Store()
        self._recordings: dict[Path, Recording | None] = {}

    def open_recording(self, folder: Path | None) -> None:
        """Replay the recording of a golden set's folder too, where there is one.

        Raises:
            StoreError: the recording is damaged.
        """
        if folder is not None and self.mode != "off" and folder not in self._recordings:
            path = folder / RECORDING
            self._recordings[folder] = read_recording(path) if path.is_file() else None

    def values(self, keys: Sequence[str]) -> dict[str, tuple[Any, float | None]]:
        """As in :class:`Store`; a key that the file lacks is looked up in the recordings."""
        if self.mode == "off":
            return self._fresh.values(keys)
        found = super().values(keys)
        missing = [key for key in keys if key not in found]
        for recording in self._opened():
            for key in missing:
                record = recording.records.get(key)
                if record is not None:
                    found[key] = (record.value, record.seconds)
        return found

    def get(self, keys: Sequence[str]) -> dict[str, Record]:
        """As in :class:`Store`; a key that the file lacks is looked up in the recordings."""
        if self.mode == "off":
            return self._fresh.get(keys)
        found = super().get(keys)
        for recording in self._opened():
            found |= {k: recording.records[k] for k in keys if k not in found and k in recording.records}
        return found

    def put(self, records: Sequence[Record]) -> None:
        """As in :class:`Store`; with ``off`` for this run alone."""
        if self.mode == "off":
            self._fresh.put(records)
        elif self.mode == "auto":
            super().put(records)

    def check_writable(self) -> None:
        """As in :class:`Store`, where something would be written."""
        if self.mode == "auto":
            super().check_writable()

    def single_flight(self, name: str) -> AbstractContextManager[Any]:
        """As in :class:`Store`; a run that only replays has nothing to wait for."""
        return nullcontext() if self.mode == "only" else super().single_flight(name)

    def remember(self, kind: str, name: str, identity: str) -> None:
        """Note under which identity ``name`` runs now; what an earlier run noted is forgotten."""
        if self.mode != "auto":
            return
        with suppress(StoreError):  # a store that cannot be written still replays
            self._remember(kind, name, identity)

    def _remember(self, kind: str, name: str, identity: str) -> None:
        known = self.notes(f"{kind}/").get(f"{kind}/{name}")
        value = {"run": self.run, "identities": [identity]}
        if known is not None:
            before = json.loads(known)
            if identity in before["identities"] and (before["run"] == self.run or not self.run):
                return
            if before["run"] == self.run:
                value["identities"] = sorted({*before["identities"], identity})
        self.note(f"{kind}/{name}", json.dumps(value, sort_keys=True))

    def identities(self, kind: str, name: str) -> list[str]:
        """The identities under which ``name`` is recorded: noted by the store, or in a recording."""
        found = {i for recording in self._opened() for i in recording.identities(kind, name)}
        noted = self.notes(f"{kind}/").get(f"{kind}/{name}")
        return sorted(found.union(json.loads(noted)["identities"] if noted else ()))

    def recorded(self, kind: str) -> list[Record]:
        """Every record of one kind, of the file and of the recordings."""
        found = {record.key: record for record in self.records(kind)}
        for recording in self._opened():
            found |= {key: record for key, record in recording.records.items() if record.kind == kind}
        return list(found.values())

    def by_name(self, kind: str, name: str, error: Exception) -> str:
        """The one identity recorded under a name, for a part that cannot say its own here.

        Raises:
            ReplayMiss: there is none, or more than one.
        """
        found, shown = self.identities(kind, name), name.rpartition("/")[2]
        if len(found) == 1:
            self.by_name_notes[shown] = f"replayed by name, since its identity cannot be known here: {error}"
            return found[0]
        count = f"{len(found)} identities are recorded" if found else "nothing is recorded"
        raise ReplayMiss(
            f"the identity of {shown!r} cannot be known here ({error}), and {count} under that name; "
            f"expected exactly one; {ADVICE}"
        ) from error

    def _opened(self) -> list[Recording]:
        return [recording for recording in self._recordings.values() if recording is not None]


ADVICE = (
    "run once with --ragtune-replay=auto where the models are, then 'ragtune record export' the golden set "
    "and commit its recording"
)
"""What to do about something that is not recorded."""


class Absent:
    """Stands in for a part that cannot be made here, in a run that only replays.

    Its identity is that of the recording where one is given; asking it anything raises the error
    that its making ended in.
    """

    def __init__(self, error: RagtuneError, identity: str | None = None) -> None:
        self.error, self._identity = error, identity

    @property
    def identity(self) -> str:
        """The recorded identity, or the error."""
        if self._identity is None:
            raise self.error
        return self._identity

    @property
    def fingerprint(self) -> str:
        """The error: nothing is known of what is not there."""
        raise self.error

    def retrieve(self, questions: Sequence[str], k: int) -> Any:
        """The error."""
        raise self.error

    def rerank(self, questions: Sequence[str], candidates: Any) -> Any:
        """The error."""
        raise self.error

    def generate(self, prompts: Sequence[Any]) -> Any:
        """The error."""
        raise self.error

    def embed(self, texts: Sequence[str]) -> Any:
        """The error."""
        raise self.error

    def support(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """The error."""
        raise self.error

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """The error."""
        raise self.error


def replays_only(store: Store) -> bool:
    """Whether nothing may be computed."""
    return isinstance(store, ReplayStore) and store.mode == "only"


def open_recording(store: Store, folder: Path | None) -> None:
    """Replay the recording of a golden set's folder too, where the store can and there is one."""
    if isinstance(store, ReplayStore):
        store.open_recording(folder)


def noted(store: Store, pipeline: str, responses: list[Response]) -> list[Response]:
    """The responses with a remark where they were found by the pipeline's name alone."""
    remark = store.by_name_notes.get(pipeline) if isinstance(store, ReplayStore) else None
    if remark is None:
        return responses
    return [replace(r, note=f"{r.note}; {remark}" if r.note else remark) for r in responses]


def or_absent(store: Store, make: Callable[[], T]) -> T:
    """What ``make`` gives; in a run that only replays, a stand-in where it cannot be made here."""
    try:
        return make()
    except (MissingExtra, ModelError, AdapterError) as error:
        if replays_only(store):
            return cast(T, Absent(error))
        raise


def made_or_absent(store: Store, kind: str, name: str, make: Callable[[], T]) -> T:
    """As :func:`or_absent`, remembered by name.

    What is made in a run that records is noted under its identity; a stand-in has the identity recorded
    under ``kind`` and ``name``, where there is exactly one.
    """
    if not isinstance(store, ReplayStore):
        return make()

    def known() -> tuple[T, str]:
        made: Any = make()
        return made, made.identity

    found: Any = or_absent(store, known)
    if isinstance(found, Absent):
        recorded = store.identities(kind, name)
        return cast(T, Absent(found.error, recorded[0] if len(recorded) == 1 else None))
    store.remember(kind, name, found[1])
    made: T = found[0]
    return made


def identity_of(store: Store, pipeline: PipelineLike, fingerprint: str) -> str | None:
    """A pipeline's identity; in a run that only replays, the recorded one where it cannot be known here.

    Raises:
        ReplayMiss: it cannot be known, and not exactly one identity is recorded under its name; or the
            pipeline has none, so that it is never recorded.
    """
    if not isinstance(store, ReplayStore) or store.mode != "only":
        return pipeline.identity
    try:
        identity = pipeline.identity
    except (MissingExtra, ModelError, AdapterError) as error:
        return store.by_name("pipeline", name_of(fingerprint, pipeline.name), error)
    if identity is None:
        raise ReplayMiss(
            f"{pipeline.name} has no version, so that its answers are never recorded; expected "
            "CallablePipeline(function, version=...) in a run with --ragtune-replay=only"
        )
    return identity


def remember(store: Store, pipeline: PipelineLike, fingerprint: str, identity: str) -> None:
    """Note under which identity a pipeline runs over a golden set."""
    if isinstance(store, ReplayStore) and fingerprint:
        store.remember("pipeline", name_of(fingerprint, pipeline.name), identity)


def name_of(fingerprint: str, pipeline: str) -> str:
    """Under which name a pipeline's identities over a golden set are remembered."""
    return f"{fingerprint}/{pipeline}"


def pipelines_of(
    notes: Mapping[str, str], starts: Sequence[str], kind: str = "pipeline"
) -> dict[str, list[str]]:
    """The identities noted under names whose first part is among ``starts``: ``fingerprint/pipeline``."""
    found = {}
    for name, value in notes.items():
        key = name.removeprefix(f"{kind}/")
        if key != name and key.partition("/")[0] in starts:
            found[key] = list(json.loads(value)["identities"])
    return found
