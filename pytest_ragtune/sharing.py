"""Recordings out of a store, and into one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .errors import StoreError
from .golden import load_golden_set
from .recording import ContextDigests, case_digest, read_responses, response_digest
from .recording_file import RECORDING, Recording, read_recording, write_recording
from .records import GoldenSet
from .replay import ReplayStore, pipelines_of
from .store import Record, Store, record_key


def export_recording(golden_set: GoldenSet | str | Path, store: str | Path, path: Path | None = None) -> Path:
    """Write what a store holds of a golden set's latest run as a recording.

    That is, for each pipeline, the answers under the identity that it had when it last ran, with their
    contexts, and every judgement of those answers. What was replayed from the recording that lies in
    the golden set's folder stays in it. Older states of a pipeline are left out.

    Args:
        golden_set: the golden set, or its folder; answers over each of its corpus versions are exported.
        store: the store's file.
        path: where to write; ``recording.jsonl.gz`` in the golden set's folder unless given.

    Returns:
        The file written.

    Raises:
        StoreError: the store holds no run of this golden set, or a file cannot be read or written.
        ValueError: a golden set built in memory, and no ``path``.
    """
    loaded = golden_set if isinstance(golden_set, GoldenSet) else load_golden_set(golden_set)
    if path is None:
        if loaded.path is None:
            raise ValueError(f"golden set {loaded.name!r} was built in memory: expected path=")
        path = loaded.path / RECORDING
    source = ReplayStore(store)
    with suppress(StoreError):  # a damaged recording is what this one replaces
        source.open_recording(loaded.path)
    try:
        recording = _collect(source, loaded)
    finally:
        source.close()
    write_recording(recording, path)
    return path


def _collect(store: ReplayStore, golden_set: GoldenSet) -> Recording:
    versions = [golden_set]
    if golden_set.path is not None:
        versions += [load_golden_set(golden_set.path, version=version) for version in golden_set.versions]
    fingerprints = sorted({version.fingerprint for version in versions})
    pipelines = pipelines_of(store.notes("pipeline/"), fingerprints)
    if not pipelines:
        raise StoreError(
            f"{store.path} holds no run of golden set {golden_set.name!r} as it is now (fingerprint "
            f"{golden_set.fingerprint[:12]}); run the tests first, or name another store with --store"
        )
    cases = [case for version in versions for case in version.cases]
    identities = {identity for found in pipelines.values() for identity in found}
    questions = {case.question for case in cases}
    answers = [
        record
        for record in store.recorded("response")
        if record.parts["pipeline"] in identities and record.parts["question"] in questions
    ]
    digests = {record.value["contexts"] for record in answers if record.value["contexts"]}
    contexts = store.get([record_key("contexts", {"passages": digest}) for digest in sorted(digests)])
    records = [*answers, *contexts.values(), *_scores(store, answers, {case_digest(case) for case in cases})]
    judges = store.notes("judge/")
    return Recording(
        golden_set.name,
        pipelines,
        sorted({i for found in pipelines_of(judges, ["default"], "judge").values() for i in found}),
        {record.key: record for record in records},
    )


def _scores(store: ReplayStore, answers: list[Record], cases: set[str]) -> list[Record]:
    known = ContextDigests()
    responses = read_responses(store, [record.key for record in answers])
    wanted = {response_digest(response, known) for response in responses.values()}
    return [
        record
        for record in [*store.recorded("score"), *store.recorded("unscored")]
        if record.parts["response"] in wanted and record.parts["case"] in cases
    ]


def import_recording(path: str | Path, store: str | Path) -> int:
    """Put the records of a recording into a store; returns how many there are.

    A recording beside a golden set needs no import: it is replayed from where it lies.

    Raises:
        StoreError: the recording is damaged, or the store cannot be written.
    """
    recording = read_recording(Path(path))
    target = Store(store)
    try:
        target.put(list(recording.records.values()))
    finally:
        target.close()
    return len(recording.records)
