from __future__ import annotations

import json
from pathlib import Path

from pytest_ragtune.faults import Cell, Matrix
from pytest_ragtune.reporting.matrix import matrix_lines, matrix_markdown, matrix_value, summary_of
from pytest_ragtune.reporting.sections import add_section

PLANTS = {
    "drop_gold": "no gold",
    "slow": "ten times the time",
    "judge_down": "no judge",
    "swap_dates": "dates",
}
CELLS = {
    ("drop_gold", "t.py::a"): Cell("caught", "R@5 0.00 < 0.80"),
    ("drop_gold", "t.py::b"): Cell("missed", kept=True),
    ("slow", "t.py::a"): Cell("missed"),
    ("slow", "t.py::b"): Cell("missed"),
    ("judge_down", "t.py::a"): Cell("n/a", "needs a judge"),
    ("judge_down", "t.py::b"): Cell("n/a", "needs a judge"),
    ("swap_dates", "t.py::a"): Cell("n/a", "needs a date"),
    ("swap_dates", "t.py::b"): Cell("error", "KeyError: 'May'"),
}
MATRIX = Matrix(("t.py::a", "t.py::b"), PLANTS, CELLS, ("drop_gold", "slow"), ("t.py::c",), 2)


def test_the_matrix_as_people_read_it() -> None:
    assert list(matrix_lines(MATRIX)) == [
        "fault        1       2",
        "drop_gold !  caught  missed*  caught by 1 test",
        "slow !       missed  missed   missed by 2 tests",
        "judge_down   -       -        not applicable",
        "swap_dates   -       error    1 ended in an error",
        "",
        "  1  t.py::a",
        "  2  t.py::b",
        "- there is nowhere to plant the fault in what the test asks; -v says what is missing",
        "* contexts changed and the recorded answers were left as they were, not asked again",
        "left out, since it does not pass when nothing is planted: t.py::c",
        "left out, since no pipeline or judge is asked: 2 tests",
        "ragtune_must_catch: no test catches slow (missed by 2 tests): ten times the time",
    ]


def test_details_say_why() -> None:
    lines = list(matrix_lines(MATRIX, detail=True))
    start = lines.index("drop_gold: no gold")
    assert lines[start + 1 : start + 3] == ["    1  caught: R@5 0.00 < 0.80", "    2  missed*"]
    assert "    2  error: KeyError: 'May'" in lines


def test_a_run_without_a_test_to_plant_under() -> None:
    empty = Matrix((), {"slow": "ten times the time"}, {}, ("slow",))
    assert list(matrix_lines(empty)) == [
        "no test that passes asks a pipeline or a judge: there is nothing to plant a fault under",
        "ragtune_must_catch: no test catches slow (no test): ten times the time",
    ]


def test_the_matrix_as_markdown() -> None:
    lines = list(matrix_markdown(MATRIX))
    assert lines[2:5] == [
        "| fault | what is planted | [1] | [2] | outcome |",
        "| --- | --- | --- | --- | --- |",
        "| `drop_gold` | no gold | caught | missed* | caught by 1 test |",
    ]
    assert "- [2] `t.py::b`" in lines


def test_the_matrix_as_a_value() -> None:
    value = json.loads(json.dumps(matrix_value(MATRIX), allow_nan=False))
    assert value["uncaught"] == ["slow"]
    assert value["left_out"] == {"failed": ["t.py::c"], "unused": 2}
    assert value["faults"]["drop_gold"]["tests"]["t.py::b"] == {
        "state": "missed",
        "why": "",
        "answers_kept": True,
    }
    assert value["faults"]["slow"]["must_catch"] is True


def test_caught_and_broken_are_both_said() -> None:
    cells = {("slow", "a"): Cell("caught"), ("slow", "b"): Cell("error"), ("slow", "c"): Cell("missed")}
    assert summary_of(Matrix(("a", "b", "c"), {"slow": ""}, cells), "slow") == (
        "caught by 1 test, 1 ended in an error"
    )


def test_a_section_is_added_to_a_report_or_begins_one(tmp_path: Path) -> None:
    written = tmp_path / "new" / "report.json"
    add_section(written, "faults", {"a": 1}, [])
    add_section(written, "selfcheck", [2], [])
    assert json.loads(written.read_text(encoding="utf-8")) == {"faults": {"a": 1}, "selfcheck": [2]}
    page = tmp_path / "report.md"
    page.write_text("# Report\n", encoding="utf-8")
    add_section(page, "faults", {}, ["## Faults"])
    assert page.read_text(encoding="utf-8") == "# Report\n\n## Faults\n"
