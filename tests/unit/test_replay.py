from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.application import CallablePipeline
from pytest_ragtune.context import Retrieved
from pytest_ragtune.errors import MissingExtra, StoreError
from pytest_ragtune.evaluation import evaluate
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge, ScriptedRetriever
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.misses import differences
from pytest_ragtune.pipeline import Pipeline
from pytest_ragtune.recording_file import RECORDING, read_recording, write_recording
from pytest_ragtune.records import Case, Corpus, Evaluation, GoldenSet, Passage, Prompt
from pytest_ragtune.replay import Absent, ReplayMiss, ReplayStore
from pytest_ragtune.session import Session
from pytest_ragtune.sharing import export_recording, import_recording
from pytest_ragtune.store import Store

TINY = Path(__file__).resolve().parents[2] / "fixtures" / "tiny"
METRICS = ["R@5", "token_f1", "faithfulness"]


def echo(prompt: Prompt) -> str:
    return f"answer to {prompt.user[-60:]}"


@pytest.fixture
def tiny(tmp_path: Path) -> GoldenSet:
    import shutil

    shutil.copytree(TINY, tmp_path / "tiny")
    return load_golden_set(tmp_path / "tiny")


def rag(golden_set: GoldenSet, generator: object, k: int = 1) -> Pipeline:
    ids = [passage.id for passage in golden_set.corpus.passages]
    retriever = ScriptedRetriever({c.question: ids[:3] for c in golden_set.cases}, golden_set.corpus)
    return Pipeline("rag", Retrieved(golden_set.corpus, retriever, k=k), generator)  # type: ignore[arg-type]


def record(golden_set: GoldenSet, path: Path, *, run: str = "1", k: int = 1) -> Evaluation:
    store = ReplayStore(path, "auto", run)
    return evaluate(rag(golden_set, ScriptedGenerator(echo), k), golden_set, METRICS, store=store)


def test_a_recording_replays_without_the_store(tiny: GoldenSet, tmp_path: Path) -> None:
    first = record(tiny, tmp_path / "a.sqlite3")
    path = export_recording(tiny, tmp_path / "a.sqlite3")
    assert path == tmp_path / "tiny" / RECORDING
    for mode in ("auto", "only"):
        generator = ScriptedGenerator(echo)
        store = ReplayStore(tmp_path / f"{mode}.sqlite3", mode)
        again = evaluate(rag(tiny, generator), tiny, METRICS, store=store)
        assert (generator.calls, again.model_calls, again.replayed, again.judge_calls) == (
            0,
            0,
            12,
            again.judge_calls,
        )
        assert again.scores == first.scores
    assert not (tmp_path / "only.sqlite3").exists()


def test_the_same_store_gives_the_same_bytes(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    first = export_recording(tiny, tmp_path / "a.sqlite3").read_bytes()
    assert export_recording(tiny, tmp_path / "a.sqlite3").read_bytes() == first
    assert first[3] == 0  # no file name in the gzip header
    assert first[4:8] == b"\0\0\0\0"  # no time either


def test_only_the_state_that_ran_last_is_exported(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3", run="1", k=1)
    record(tiny, tmp_path / "a.sqlite3", run="2", k=2)
    recording = read_recording(export_recording(tiny, tmp_path / "a.sqlite3"))
    assert sum(r.kind == "response" for r in recording.records.values()) == 12
    record(tiny, tmp_path / "b.sqlite3", run="1", k=1)
    record(tiny, tmp_path / "b.sqlite3", run="1", k=2)
    recording = read_recording(export_recording(tiny, tmp_path / "b.sqlite3"))
    assert sum(r.kind == "response" for r in recording.records.values()) == 24


def test_import_puts_a_recording_into_a_store(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    path = export_recording(tiny, tmp_path / "a.sqlite3", tmp_path / "carried.gz")
    assert import_recording(path, tmp_path / "b.sqlite3") == len(read_recording(path).records)
    generator = ScriptedGenerator(echo)
    evaluate(rag(tiny, generator), tiny, METRICS, store=ReplayStore(tmp_path / "b.sqlite3"))
    assert generator.calls == 0


def test_nothing_to_export_is_an_error(tiny: GoldenSet, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"holds no run of golden set 'tiny'.*run the tests first"):
        export_recording(tiny, tmp_path / "none.sqlite3")


def test_a_miss_names_the_component_that_changed(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    generator = ScriptedGenerator(echo, version="2")
    only = ReplayStore(tmp_path / "a.sqlite3", "only")
    with pytest.raises(ReplayMiss) as caught:
        evaluate(rag(tiny, generator), tiny, METRICS, store=only)
    text = str(caught.value)
    assert text.startswith(
        "rag: 12 answers are not recorded, the first to 'How late can I come on a Thursday?'"
    )
    assert "generator.version: recorded '1', now '2'" in text
    assert "--ragtune-replay=auto" in text
    assert generator.calls == 0


def test_a_miss_names_the_nearest_question(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    session = Session(ReplayStore(tmp_path / "a.sqlite3", "only"))
    pipeline = rag(tiny, ScriptedGenerator(echo))
    with pytest.raises(ReplayMiss, match="nearest question recorded is 'How late can I come on a Thursday"):
        session.ask(pipeline, [Case("x", "How late can I come on a Friday?")])
    with pytest.raises(ReplayMiss, match=r"repeat 3 of it is not recorded, only \[0\]"):
        session.ask(pipeline, tiny.cases, repeat=3)


def test_a_judgement_that_is_missing_is_a_miss(tiny: GoldenSet, tmp_path: Path) -> None:
    store = ReplayStore(tmp_path / "a.sqlite3")
    evaluate(rag(tiny, ScriptedGenerator(echo)), tiny, ["R@5"], store=store)
    only = ReplayStore(tmp_path / "a.sqlite3", "only")
    with pytest.raises(ReplayMiss, match="faithfulness: 12 judgements are not recorded"):
        evaluate(rag(tiny, ScriptedGenerator(echo)), tiny, METRICS, store=only)


def test_a_judgement_under_another_judge_names_what_differs(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    only = ReplayStore(tmp_path / "a.sqlite3", "only")
    judge = ScriptedJudge(lambda context, claim: 1.0, version="other")
    with pytest.raises(ReplayMiss, match=r"the metric recorded differs in\n  judge: recorded .nli/1") as miss:
        evaluate(rag(tiny, ScriptedGenerator(echo)), tiny, METRICS, store=only, judge=judge)
    assert "\n  judge.version: not recorded, now 'other'\n" in str(miss.value)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("response", "a text"),
        ("response", {"text": 5}),
        ("response", {"contexts": 5}),
        ("response", {"ranking": None, "text": None, "contexts": []}),
        ("contexts", [{"id": "a"}]),
        ("score", {"value": "high"}),
        ("score", {"claims": [["one"]]}),
        ("score", []),
    ],
)
def test_a_record_edited_into_nonsense_is_refused(
    kind: str, change: Any, tiny: GoldenSet, tmp_path: Path
) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    path = export_recording(tiny, tmp_path / "a.sqlite3")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    number = next(n for n, line in enumerate(lines) if json.loads(line)["kind"] == kind)
    edited = json.loads(lines[number])
    edited["value"] = {**edited["value"], **change} if isinstance(change, dict) else change
    lines[number] = json.dumps(edited)
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    with pytest.raises(StoreError, match=rf":{number + 1}: found a {kind} that cannot be read"):
        import_recording(path, tmp_path / "b.sqlite3")
    assert not (tmp_path / "b.sqlite3").exists()


def test_off_computes_anew_once_a_run_and_records_nothing(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    before = (tmp_path / "a.sqlite3").read_bytes()
    generator, session = ScriptedGenerator(echo), Session(ReplayStore(tmp_path / "a.sqlite3", "off"))
    for _ in range(2):
        session.ask(rag(tiny, generator), tiny.cases)
    assert generator.calls == 12
    assert (tmp_path / "a.sqlite3").read_bytes() == before


class Unknown:
    """A generator whose weights are not here."""

    @property
    def identity(self) -> str:
        raise MissingExtra("'torch' is not installed")


def test_without_the_models_answers_are_found_by_name_and_that_is_said(
    tiny: GoldenSet, tmp_path: Path
) -> None:
    first = record(tiny, tmp_path / "a.sqlite3")
    export_recording(tiny, tmp_path / "a.sqlite3")
    for generator in (Unknown(), Absent(MissingExtra("'torch' is not installed"))):
        only = ReplayStore(tmp_path / "none.sqlite3", "only")
        again = evaluate(rag(tiny, generator), tiny, METRICS, store=only)
        assert again.scores == first.scores
        assert "replayed by name" in again.notes[0]
        assert "'torch' is not installed" in again.notes[0]
    with pytest.raises(MissingExtra):
        evaluate(rag(tiny, Unknown()), tiny, METRICS, store=ReplayStore(tmp_path / "none.sqlite3", "auto"))


def test_a_name_with_two_identities_does_not_do(tiny: GoldenSet, tmp_path: Path) -> None:
    record(tiny, tmp_path / "a.sqlite3", k=1)
    record(tiny, tmp_path / "a.sqlite3", k=2)
    export_recording(tiny, tmp_path / "a.sqlite3")
    with pytest.raises(ReplayMiss, match=r"'rag' cannot be known here .*2 identities are recorded"):
        evaluate(rag(tiny, Unknown()), tiny, METRICS, store=ReplayStore(None, "only"))


def test_an_application_without_version_cannot_be_replayed(tiny: GoldenSet) -> None:
    with pytest.raises(ReplayMiss, match="has no version"):
        Session(ReplayStore(None, "only")).ask(CallablePipeline(str.upper), tiny.cases)


def test_differences_open_nested_identities() -> None:
    inner = {"weights": "a" * 70, "dtype": "float32"}
    before = json.dumps({"generator": json.dumps(inner), "prompt": "p", "gone": 1})
    now = json.dumps({"generator": json.dumps(inner | {"dtype": "bfloat16"}), "prompt": "p", "new": [2]})
    assert differences(before, now) == [
        "generator.dtype: recorded 'float32', now 'bfloat16'",
        "gone: recorded 1, now absent",
        "new[0]: not recorded, now 2",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [b"garbage", *lines[1:]], r":1: found broken JSON"),
        (lambda lines: [lines[0].replace(b"recording", b"cassette"), *lines[1:]], r":1: found no header"),
        (
            lambda lines: [lines[0].replace(b'"schema":1', b'"schema":9'), *lines[1:]],
            r"has schema 9.*upgrade",
        ),
        (lambda lines: [*lines, lines[-1]], r"a second time"),
        (
            lambda lines: [*lines[:-1], lines[-1].replace(b'"parts":{', b'"parts":{"a":1,')],
            r"its parts do not",
        ),
        (lambda lines: [*lines, b'{"key": "a"}'], r"found no 'kind'"),
    ],
)
def test_a_damaged_recording_is_explained(
    tiny: GoldenSet, tmp_path: Path, change: object, message: str
) -> None:
    record(tiny, tmp_path / "a.sqlite3")
    path = export_recording(tiny, tmp_path / "a.sqlite3")
    lines = change(gzip.decompress(path.read_bytes()).splitlines())  # type: ignore[operator]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    with pytest.raises(StoreError, match=message):
        read_recording(path)


def test_a_file_that_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(b"not gzip")
    with pytest.raises(StoreError, match="is no recording, or a damaged one"):
        read_recording(tmp_path / "x.gz")
    with pytest.raises(StoreError, match="no such recording"):
        read_recording(tmp_path / "y.gz")


def test_a_store_that_cannot_be_written_still_replays(tiny: GoldenSet, tmp_path: Path) -> None:
    import sqlite3

    record(tiny, tmp_path / "a.sqlite3", run="1")
    store = ReplayStore(tmp_path / "a.sqlite3", "auto", "2")
    store.get(["nothing"])
    lock = sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None)
    store._open().execute("PRAGMA query_only = ON")
    assert Session(store).ask(rag(tiny, ScriptedGenerator(echo)), tiny.cases).replayed == 12
    lock.close()


def test_an_empty_recording_round_trips(tmp_path: Path) -> None:
    from pytest_ragtune.recording_file import Recording

    empty = Recording("none", {}, [])
    write_recording(empty, tmp_path / RECORDING)
    assert read_recording(tmp_path / RECORDING) == empty
    assert Corpus((Passage("a", "b"),), {}, "f")
    assert Store().notes("x") == {}
