"""Baseline files: stable bytes, strict reading, refusals, merging."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ragtune.baseline import (
    baseline_of,
    baseline_path,
    difference,
    file_name,
    read_baseline,
    require_same,
    scores_by_case,
    write_baseline,
)
from pytest_ragtune.errors import BaselineError
from pytest_ragtune.records import Evaluation, MetricInfo, Score

Make = Callable[..., Evaluation]


@pytest.fixture
def evaluation(make_evaluation: Make) -> Evaluation:
    return make_evaluation(
        {"R@5": [1.0, 1 / 3, Score(None, "no label", applicable=False)], "faithfulness": [0.5, None, -0.0]}
    )


def test_what_a_baseline_looks_like(evaluation: Evaluation, tmp_path: Path) -> None:
    write_baseline(evaluation, tmp_path / "baselines" / "rag.jsonl")
    header, *cases = map(json.loads, (tmp_path / "baselines" / "rag.jsonl").read_text().splitlines())
    assert header == {
        "kind": "pytest-ragtune baseline",
        "schema": 1,
        "version": header["version"],
        "pipeline": "rag",
        "golden_set": "handbook",
        "fingerprint": "f" * 64,
        "metrics": {"R@5": "R@5 1", "faithfulness": "faithfulness 1"},
    }
    assert [case["id"] for case in cases] == ["q1", "q2", "q3"]
    assert cases[1]["scores"] == {"R@5": 0.333333, "faithfulness": None}
    assert cases[1]["reasons"] == {"faithfulness": "the judge gave no opinion"}
    assert cases[2]["not_applicable"] == ["R@5"]
    assert str(cases[2]["scores"]["faithfulness"]) == "0.0"
    assert "Answer" not in (tmp_path / "baselines" / "rag.jsonl").read_text()


def test_it_reads_back_as_it_was(evaluation: Evaluation, tmp_path: Path) -> None:
    written = write_baseline(evaluation, tmp_path / "rag.jsonl")
    read = read_baseline(tmp_path / "rag.jsonl")
    assert replace(read, source="") == replace(written, source="")
    assert read.source == (tmp_path / "rag.jsonl").as_posix()


def test_equal_evaluations_give_equal_bytes(evaluation: Evaluation, tmp_path: Path) -> None:
    write_baseline(evaluation, tmp_path / "a.jsonl")
    turned = replace(
        evaluation,
        cases=evaluation.cases[::-1],
        responses=evaluation.responses[::-1],
        scores={name: scores[::-1] for name, scores in reversed(list(evaluation.scores.items()))},
    )
    write_baseline(turned, tmp_path / "b.jsonl")
    write_baseline(evaluation, tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl"]


def test_the_source_is_named_relative_to_the_current_folder(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_baseline(evaluation, tmp_path / "rag.jsonl")
    monkeypatch.chdir(tmp_path)
    assert read_baseline(tmp_path / "rag.jsonl").source == "rag.jsonl"


def test_where_a_baseline_lies(evaluation: Evaluation, tmp_path: Path) -> None:
    assert baseline_path(evaluation) is None
    placed = replace(evaluation, path=tmp_path, pipeline="rag/v2 fast")
    assert baseline_path(placed) == tmp_path / "baselines" / "rag_v2_fast.jsonl"
    assert file_name("rag-lora.1") == "rag-lora.1"


def test_a_folder_that_cannot_be_written(evaluation: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BaselineError, match="cannot be written"):
        write_baseline(evaluation, tmp_path / "file" / "rag.jsonl")


def test_a_failed_write_leaves_the_old_file(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_baseline(evaluation, tmp_path / "rag.jsonl")
    before = (tmp_path / "rag.jsonl").read_bytes()

    def refuse(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(BaselineError, match="No space left on device"):
        write_baseline(replace(evaluation, fingerprint="0"), tmp_path / "rag.jsonl")
    assert (tmp_path / "rag.jsonl").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


HEADER = json.dumps(
    {
        "kind": "pytest-ragtune baseline",
        "schema": 1,
        "pipeline": "rag",
        "golden_set": "g",
        "fingerprint": "f",
        "metrics": {"R@5": "1"},
    }
)
CASE = '{"id": "q1", "scores": {"R@5": 1.0}}'
DAMAGE = {
    "": ": is empty; expected a header line and one line a case",
    CASE: ':1: found no header (\'{"id": "q1", "scores": {"R@5": 1.0}}\'); expected a first line with "kind"',
    "nonsense": ":1: found broken JSON (Expecting value: line 1 column 1 (char 0)); expected one JSON object",
    "[1]": ":1: found [1]; expected one JSON object",
    HEADER.replace('"schema": 1', '"schema": 2'): ":1: found schema 2; this version reads up to 1; upgrade",
    HEADER.replace('"schema": 1', '"schema": "1"'): ":1: found schema '1'; expected 1",
    HEADER.replace('"schema": 1', '"schema": true'): ":1: found schema True; expected 1",
    HEADER.replace(
        '"schema": 1', '"schema": 1, "pipeline_identity": 7'
    ): ":1: found pipeline_identity 7; expected 'pipeline_identity' as a string",
    HEADER.replace('"pipeline": "rag", ', ""): ":1: found no 'pipeline'; expected 'pipeline' as a string",
    HEADER.replace('{"R@5": "1"}', "[]"): ":1: found metrics []; expected 'metrics' as an object",
    HEADER.replace('{"R@5": "1"}', '{"R@5": 1}'): ":1: found identity 1 of metric 'R@5'; expected a string",
    f"{HEADER}\n{CASE}\n\n{CASE}": ":4: found case 'q1' a second time (first on line 2); expected each case",
    f'{HEADER}\n{CASE}\n{{"id": "q2", "sco': ":3: found broken JSON",
    f"{HEADER}\n<<<<<<< HEAD\n{CASE}": ":2: found the mark of an unfinished merge ('<<<<<<< HEAD');",
}
BAD_CASES = {
    '{"id": "q1"}': "no 'scores'; expected 'scores' as an object",
    '{"id": 1, "scores": {}}': "id 1; expected 'id' as a string",
    '{"id": "q1", "scores": {"R@5": NaN}}': "NaN; expected a finite number, or null with a reason",
    '{"id": "q1", "scores": {"R@5": 1e999}}': "inf for 'R@5'; expected a finite number",
    '{"id": "q1", "scores": {"R@5": "1"}}': "'1' for 'R@5'; expected a finite number",
    '{"id": "q1", "scores": {"R@5": true}}': "True for 'R@5'; expected a finite number",
    '{"id": "q1", "scores": {"R@5": null}, "reasons": {"R@5": 5}}': "reason 5 for 'R@5'; expected a string",
    '{"id": "q1", "scores": {"R@5": null}}': "null for 'R@5' without a reason; expected",
    '{"id": "q1", "scores": {"RR": 1}}': "a score of 'RR'; expected a metric of the header: ['R@5']",
    '{"id": "q1", "id": "q2", "scores": {}}': "'id' twice in one object; expected each name once",
    '{"id": "q1", "scores": {}, "reasons": []}': "reasons []; expected 'reasons' as an object",
    '{"id": "q1", "scores": {}, "not_applicable": "RR"}': "not_applicable 'RR'; expected a list of metric",
}
DAMAGE |= {f"{HEADER}\n{line}": f":2: found {message}" for line, message in BAD_CASES.items()}


@pytest.mark.parametrize("text", DAMAGE)
def test_damage_is_named_with_file_and_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rag.jsonl"
    path.write_text(text)
    with pytest.raises(BaselineError) as caught:
        read_baseline(path)
    assert str(caught.value).startswith(f"{path}{DAMAGE[text]}")
    assert "restore the file from version control" in str(caught.value) or "upgrade" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="no such baseline; run the tests once with --ragtune-update"):
        read_baseline(tmp_path / "none.jsonl")
    with pytest.raises(BaselineError, match="cannot be read"):
        read_baseline(tmp_path)
    (tmp_path / "latin.jsonl").write_bytes(b"\xe9")
    with pytest.raises(BaselineError, match="is not UTF-8"):
        read_baseline(tmp_path / "latin.jsonl")


def test_another_golden_set_is_refused_and_the_difference_named(make_evaluation: Make) -> None:
    before = baseline_of(make_evaluation({"R@5": [1.0, 1.0, 1.0]}, ids=["a", "b", "c"]))
    now = baseline_of(
        make_evaluation(
            {"R@5": [1.0, 1.0, 1.0]},
            ids=["b", "c", "d"],
            questions=["B?", "Question c?", "D?"],
            fingerprint="e" * 64,
        )
    )
    with pytest.raises(BaselineError) as caught:
        require_same(now, before, ["R@5"])
    assert str(caught.value) == (
        "rag: was measured on golden set 'handbook' with fingerprint ffffffffffff, this evaluation on "
        "'handbook' with fingerprint eeeeeeeeeeee; cases: 1 added (d), 1 removed (a), 1 edited (b). Review "
        "the change and run pytest with --ragtune-update-baselines, or compare the cases that are "
        "the same in both: common_only=True, ragtune gate --common-only"
    )
    require_same(now, before, ["R@5"], common_only=True)


def test_another_metric_identity_is_refused(
    make_evaluation: Make, make_info: Callable[..., MetricInfo]
) -> None:
    info = make_info("faithfulness", identity="faithfulness 2 judge=nli")
    before = baseline_of(make_evaluation({"faithfulness": [1.0]}))
    now = baseline_of(make_evaluation({"faithfulness": [1.0]}, infos={"faithfulness": info}))
    with pytest.raises(
        BaselineError, match="was measured as faithfulness 1, now as faithfulness 2 judge=nli"
    ):
        require_same(now, before, ["faithfulness"], common_only=True)


def test_changed_answers_are_known_without_their_text(make_evaluation: Make) -> None:
    before = baseline_of(make_evaluation({"R@5": [1.0, 1.0]}))
    now = baseline_of(make_evaluation({"R@5": [1.0, 1.0]}, answers=["Answer to q1.", "Something else."]))
    assert difference(now, before).answers_changed == ("q2",)
    assert str(difference(now, before)) == "none added, removed or edited"


def test_repeats_of_a_case_become_one_score(make_evaluation: Make) -> None:
    evaluation = make_evaluation(
        {"R@5": [1.0, 0.0, 1.0, None]}, ids=["a", "a", "b", "b"], questions=["A?", "A?", "B?", "B?"]
    )
    scores = scores_by_case(evaluation, "R@5")
    assert scores["a"] == Score(0.5, "mean of 2 repeats")
    assert scores["b"] == Score(None, "the judge gave no opinion")


def test_writing_a_part_keeps_the_rest(make_evaluation: Make, tmp_path: Path) -> None:
    path = tmp_path / "rag.jsonl"
    write_baseline(make_evaluation({"R@5": [1.0, 0.5], "RR": [1.0, 0.5]}, ids=["a", "b"]), path)
    write_baseline(make_evaluation({"R@5": [0.0]}, ids=["b"]), path)
    merged = read_baseline(path)
    assert {case_id: dict(case.scores) for case_id, case in merged.cases.items()} == {
        "a": {"R@5": 1.0, "RR": 1.0},
        "b": {"R@5": 0.0, "RR": 0.5},
    }


def test_scores_of_another_answer_are_not_kept(make_evaluation: Make, tmp_path: Path) -> None:
    path = tmp_path / "rag.jsonl"
    write_baseline(make_evaluation({"R@5": [1.0], "RR": [1.0]}), path)
    write_baseline(make_evaluation({"R@5": [0.0]}, answers=["new"]), path)
    merged = read_baseline(path)
    assert dict(merged.cases["q1"].scores) == {"R@5": 0.0}
    assert dict(merged.metrics) == {"R@5": "R@5 1"}


def test_scores_of_another_identity_are_not_kept(
    make_evaluation: Make, make_info: Callable[..., MetricInfo], tmp_path: Path
) -> None:
    path = tmp_path / "rag.jsonl"
    write_baseline(make_evaluation({"R@5": [1.0, 1.0]}, ids=["a", "b"]), path)
    newer = {"R@5": make_info("R@5", identity="R@5 2")}
    write_baseline(make_evaluation({"R@5": [0.0]}, ids=["b"], infos=newer), path)
    assert list(read_baseline(path).cases) == ["b"]


@pytest.mark.parametrize("merge", [True, False])
def test_another_golden_set_or_a_damaged_file_is_replaced(
    merge: bool, make_evaluation: Make, tmp_path: Path
) -> None:
    path = tmp_path / "rag.jsonl"
    write_baseline(make_evaluation({"R@5": [1.0]}, ids=["old"], fingerprint="0"), path)
    write_baseline(make_evaluation({"R@5": [1.0]}, ids=["new"]), path, merge=merge)
    assert list(read_baseline(path).cases) == ["new"]
    path.write_text("nonsense")
    write_baseline(make_evaluation({"R@5": [1.0]}, ids=["new"]), path, merge=merge)
    assert list(read_baseline(path).cases) == ["new"]


def test_a_baseline_names_its_pipeline_only_while_all_of_it_is_of_one(
    make_evaluation: Make, tmp_path: Path
) -> None:
    path = tmp_path / "rag.jsonl"
    for ids, identity, known in (
        (["a", "b"], "one", "one"),
        (["a"], "one", "one"),  # a part, by the same pipeline
        (["a"], "two", ""),  # "b" is still of the other
        (["a", "b"], "two", "two"),
    ):
        write_baseline(make_evaluation({"R@5": [1.0] * len(ids)}, ids=ids, identity=identity), path)
        assert read_baseline(path).pipeline_identity == known
