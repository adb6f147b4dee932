from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ragtune.baseline import write_baseline
from pytest_ragtune.cli import main
from pytest_ragtune.gate import merged_scores, scores_value
from pytest_ragtune.records import Evaluation

Make = Callable[..., Evaluation]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def old(make_evaluation: Make, tmp_path: Path) -> Path:
    write_baseline(make_evaluation({"R@5": [1.0, 0.5, None], "rr": [1.0, 1.0, 1.0]}), tmp_path / "old.jsonl")
    return tmp_path / "old.jsonl"


@pytest.fixture
def new(make_evaluation: Make, tmp_path: Path) -> Path:
    evaluation = make_evaluation(
        {"R@5": [1.0, 0.25, 0.0]},
        ids=["q1", "q2", "q4"],
        answers=["Answer to q1.", "Changed.", "New."],
        questions=["Edited?", "Question q2?", "Question q4?"],
        fingerprint="e" * 64,
    )
    write_baseline(evaluation, tmp_path / "new.jsonl")
    return tmp_path / "new.jsonl"


def test_show(old: Path, capsys: Capture) -> None:
    assert main(["baseline", "show", str(old)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("rag over handbook (ffffffffffff), 3 cases")
    assert lines[1].split()[:5] == ["R@5", "mean", "0.7500", "n=2", "unscored=1"]


def test_diff_says_what_changed(old: Path, new: Path, capsys: Capture) -> None:
    assert main(["baseline", "diff", str(old), str(new)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "golden set: fingerprint ffffffffffff -> eeeeeeeeeeee",
        "cases added: 1 (q4)",
        "cases removed: 1 (q3)",
        "cases edited: 1 (q1)",
        "answers changed: 1 (q2)",
        "R@5: 1 score changed, by -0.2500 on average",
        "  q2  0.5000 -> 0.2500",
        "rr: removed",
    ]


def test_no_difference(old: Path, capsys: Capture) -> None:
    assert main(["baseline", "diff", str(old), str(old)]) == 0
    assert capsys.readouterr().out == "no difference\n"


def test_diff_against_a_report(old: Path, make_evaluation: Make, tmp_path: Path, capsys: Capture) -> None:
    evaluation = make_evaluation({"R@5": [1.0, 0.75, None], "rr": [1.0, 1.0, 1.0]})
    report = {"schema": 1, "verdicts": [], "scores": merged_scores([scores_value(evaluation)])}
    (tmp_path / "r.json").write_text(json.dumps(report), encoding="utf-8")
    assert main(["baseline", "diff", str(old), str(tmp_path / "r.json")]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "R@5: 1 score changed, by +0.2500 on average",
        "  q2  0.5000 -> 0.7500",
    ]


def test_accept_needs_yes(old: Path, new: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()
    monkeypatch.delenv("CI", raising=False)
    assert main(["baseline", "accept", str(old), str(new)]) == 1
    assert old.read_bytes() == before
    assert "add --yes" in capsys.readouterr().err
    assert main(["baseline", "accept", str(old), str(new), "--yes"]) == 0
    assert old.read_bytes() == new.read_bytes()


def test_accept_writes_nothing_in_ci(
    old: Path, new: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old.read_bytes()
    monkeypatch.setenv("CI", "1")
    assert main(["baseline", "accept", str(old), str(new), "--yes"]) == 2
    assert "CI is set: a baseline is reviewed by a person" in capsys.readouterr().err
    assert old.read_bytes() == before


def test_accept_refuses_another_pipeline(
    old: Path, make_evaluation: Make, tmp_path: Path, capsys: Capture
) -> None:
    write_baseline(make_evaluation({"R@5": [1.0]}, pipeline="lora"), tmp_path / "lora.jsonl")
    assert main(["baseline", "accept", str(old), str(tmp_path / "lora.jsonl"), "--yes"]) == 2
    assert "expected one of the same pipeline" in capsys.readouterr().err


def test_a_damaged_baseline_is_explained(old: Path, capsys: Capture) -> None:
    old.write_text("nonsense\n", encoding="utf-8")
    assert main(["baseline", "show", str(old)]) == 2
    assert "old.jsonl:1: found broken JSON" in capsys.readouterr().err
