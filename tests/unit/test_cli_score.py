from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.cli import main

ROOT = Path(__file__).resolve().parents[2]
COUNTING = str(ROOT / "fixtures" / "judges" / "overlap")
ROW: dict[str, Any] = {
    "id": "a",
    "question": "How long is the warranty?",
    "answer": "The warranty lasts two years.",
    "context": ["The warranty lasts two years."],
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW | {"id": "b"}) + "\n", encoding="utf-8")
    return path


def add(log: Path, **changes: Any) -> None:
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(ROW | changes) + "\n")


def run(log: Path | str, *options: str, metric: str = "faithfulness") -> int:
    return main(["score", str(log), "--metric", metric, "--judge", "lexical", *options])


def test_every_row_scored_is_exit_code_0(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(log) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["a", "b"]
    assert "faithfulness: mean 1.000, 2 scored, 0 unscored, 0 not applicable" in err


def test_an_unscored_row_is_exit_code_1_unless_allowed(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(log, id="c", answer="")
    assert run(log) == 1
    assert run(log, "--allow-unscored") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[2])["reasons"] == {
        "faithfulness": "no claim to judge"
    }


def test_a_metric_that_scores_no_row_is_exit_code_1(log: Path) -> None:
    assert run(log, metric="exact_match") == 1


def test_bad_lines_are_told_and_exit_code_2(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log.open("a", encoding="utf-8") as stream:
        stream.write("nonsense\n")
    add(log, id="d")
    assert run(log) == 2
    out, err = capsys.readouterr()
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["a", "b", "d"]
    assert "line 3: found no JSON" in err
    assert "3 rows, 1 lines that are no row" in err


def test_wrong_use_is_exit_code_2(tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert run(empty) == 2
    assert run(tmp_path / "none.jsonl") == 2
    assert run(log, "--out", str(log)) == 2
    assert run(log, "--out", str(tmp_path / "no" / "out.jsonl")) == 2
    assert run(log, metric="faith") == 2
    err = capsys.readouterr().err
    for told in ("holds no row", "cannot be read", "is the log itself", "there is no folder", "is not known"):
        assert told in err
    assert log.read_text(encoding="utf-8").count("\n") == 2


def test_gzip_and_standard_input(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = log.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(log.read_bytes()))
    out = log.with_name("out.jsonl")
    assert run(packed, "--out", str(out)) == 0
    first = out.read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log.read_bytes())))
    assert run("-", "--out", str(out)) == 0
    assert out.read_text(encoding="utf-8") == first


def test_a_page_for_people_escapes_what_it_shows(log: Path) -> None:
    add(log, id="<script>alert(1)</script>", question="<b>?", answer="Gold & glass cost 9 euros <i>. \ud800")
    out = log.with_name("out.jsonl")
    assert run(log, "--out", str(out), "--html") == 0
    text = log.with_name("out.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;: &lt;b&gt;?" in text
    assert "not supported" in text
    assert text.index("&lt;script&gt;") < text.index("<h2>a")  # the lowest score first
    named = log.with_name("page.html")
    assert run(log, "--out", str(out), "--html", str(named)) == 0
    assert named.read_text(encoding="utf-8") == text


CLEAN = """
import sys
from pytest_ragtune.cli import main
code = main(sys.argv[1:])
heavy = {"torch", "transformers", "sentence_transformers", "openai"} & set(sys.modules)
assert not heavy, heavy
sys.exit(code)
"""


@pytest.mark.parametrize("judge", [COUNTING, ""])
def test_a_clean_interpreter_scores_without_torch(log: Path, judge: str) -> None:
    add(log, id="c", answer="Das ist gut.\x00 🙂", context=[])
    command = [sys.executable, "-c", CLEAN, "score", str(log), "--allow-unscored"]
    for metric in (
        "faithfulness",
        "answer_relevance",
        "context_recall",
        "context_precision",
        "RR",
        "rouge_l",
    ):
        command += ["--metric", metric]
    done = subprocess.run(
        [*command, *(["--judge", judge] if judge else [])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert rows[0]["scores"]["faithfulness"] == 1.0
    assert rows[2]["scores"]["faithfulness"] is None
