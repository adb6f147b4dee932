"""Adapting a judge to own labels: what is learned is shown on folds that it was not learned from."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ragtune.cli import main
from pytest_ragtune.judges.nli import NliJudge
from pytest_ragtune.judges.training.adapting import BEFORE, COMBINER, _best, adapt
from pytest_ragtune.judges.training.labels import read_labels
from pytest_ragtune.judges.training.rows import Row, grouped
from pytest_ragtune.statistics.agreement import Agreement, Measured, auroc

START = Path(__file__).parents[3] / "fixtures/judges/overlap"
"""A judge that counts shared tokens: it cannot know what a made-up label depends on."""
COLOURS = ("red", "green", "blue", "yellow", "black", "white")
THINGS = ("door", "roof", "boat", "house", "garden", "engine", "window", "table", "bridge", "lamp")


def rows_by(rule: str, count: int = 120, seed: int = 1) -> list[Row]:
    """Rows whose label is by ``rule``: whether the colour is right whatever the number, or nothing at all."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        thing, colour = rng.choice(THINGS), rng.choice(COLOURS)
        right = rng.random() < 0.5
        told = number if rng.random() < 0.5 else number + 1000
        said = colour if right else rng.choice([other for other in COLOURS if other != colour])
        context = f"Part {number} of the plan shows that the {thing} is {colour} and has number {number}."
        claim = f"The {thing} is {said} and has number {told}."
        label = right if rule == "colour" else rng.random() < 0.5
        rows.append(Row("supports", context, claim, "yes" if label else "no", "labels", "labels"))
    return grouped(rows)


def test_labels_that_follow_a_countable_fact_are_learned(tmp_path: Path) -> None:
    rows = rows_by("colour")
    adapted = adapt(rows, tmp_path / "out", START, name="mine")
    found = adapted.agreements["supports"]
    before, after = found[BEFORE].auroc.value, found[COMBINER].auroc.value
    assert adapted.chosen == {"supports": COMBINER}
    assert before is not None
    assert after is not None
    assert after > before + 0.03
    judge, old = NliJudge(tmp_path / "out"), NliJudge(START)
    fresh = rows_by("colour", 60, seed=2)
    assert agrees(judge, fresh) > agrees(old, fresh) + 0.03
    assert judge.identity != old.identity
    assert judge.name == "mine"


def agrees(judge: NliJudge, rows: list[Row]) -> float:
    said = judge.support([(row.first, row.second) for row in rows])
    value = auroc([row.label for row in rows], [one.probability or 0.0 for one in said])
    assert value is not None
    return value


def test_the_other_head_and_the_model_stay_as_they_were(tmp_path: Path) -> None:
    adapt(rows_by("colour"), tmp_path, START)
    pair = [("Which door is red?", "The red door is the one beside the garden.")]
    assert NliJudge(tmp_path).relevance(pair) == NliJudge(START).relevance(pair)
    assert (tmp_path / "model.onnx").read_bytes() == (START / "model.onnx").read_bytes()


def test_labels_that_follow_nothing_change_nothing_by_much(tmp_path: Path) -> None:
    found = adapt(rows_by("nothing"), tmp_path, START).agreements["supports"]
    for variant in (BEFORE, COMBINER):
        interval = found[variant].auroc.interval
        assert interval is not None
        assert interval.low < 0.6
    assert found[COMBINER].n == 120


def test_no_row_is_scored_by_what_was_learned_from_its_own_group(tmp_path: Path) -> None:
    """Each context has one claim word for word and a random label: only cheating could tell."""
    rng = random.Random(9)
    rows = [
        Row("supports", f"The {rng.choice(THINGS)} of plan {n} is {rng.choice(COLOURS)} and {n} feet long.",
            f"It is {n} feet long.", "yes" if rng.random() < 0.5 else "no", "labels", "labels")
        for n in range(60)
        for _ in range(2)
    ]  # fmt: skip
    found = adapt(grouped(rows), tmp_path, START).agreements["supports"][COMBINER]
    assert found.auroc.value is not None
    assert found.auroc.value < 0.7


def test_adapting_is_the_same_each_time(tmp_path: Path) -> None:
    rows = rows_by("colour", 60)
    cards = []
    for name in ("one", "two"):
        adapt(rows, tmp_path / name, START)
        cards.append((tmp_path / name / "judge.json").read_bytes())
    assert cards[0] == cards[1]


def measured(auroc: float, balanced: float) -> Agreement:
    return Agreement(20, 10, Measured(auroc), Measured(balanced), Measured(0.0), Measured(0.0))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((0.8, 0.7), (0.9, 0.6), COMBINER),
        ((0.9, 0.5), (0.9, 0.8), COMBINER),
        ((0.9, 0.8), (0.9, 0.8), BEFORE),
        ((0.9, 0.5), (0.8, 0.9), BEFORE),
    ],
)
def test_what_does_not_help_is_not_kept(
    before: tuple[float, float], after: tuple[float, float], expected: str
) -> None:
    assert _best({BEFORE: measured(*before), COMBINER: measured(*after)}) == expected


def test_too_few_groups_cannot_be_dealt_into_folds(tmp_path: Path) -> None:
    same = [Row("supports", "The only context.", f"claim {n}", "yes", "l", "l", "g") for n in range(9)]
    with pytest.raises(ValueError, match="1 groups of rows cannot be dealt into 5 folds"):
        adapt(same, tmp_path, START)


def write_labels(path: Path, count: int = 60) -> Path:
    given = [{"context": r.first, "claim": r.second, "label": r.label} for r in rows_by("colour", count)]
    path.write_text("".join(json.dumps(value) + "\n" for value in given), encoding="utf-8")
    return path


def test_the_command_shows_before_and_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, out = write_labels(tmp_path / "labels.jsonl"), tmp_path / "judge"
    assert main(["train-judge", str(labels), "--out", str(out), "--start", str(START)]) == 0
    printed = capsys.readouterr()
    value = json.loads(printed.out)
    assert value["head"] == "supports"
    assert value["kept"] == COMBINER
    assert value["held_out"][COMBINER]["n"] == len(read_labels(labels))
    assert "supports: 60 rows, on held-out folds" in printed.err
    assert "combiner" in printed.err
    assert "<- kept" in printed.err
    assert NliJudge(out).name == "nli"


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "does not exist"), ("{}\n", "label is None"), ("", "has no rows")],
)
def test_the_command_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    path = tmp_path / "labels.jsonl"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert main(["train-judge", str(path), "--out", str(tmp_path / "out"), "--start", str(START)]) == 2
    assert message in capsys.readouterr().err


def test_fitting_only_the_combiner_loads_neither_torch_nor_onnx(tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels.jsonl", 30)
    code = (
        "import sys\nfrom pytest_ragtune.cli import main\n"
        f"assert main(['train-judge', {str(labels)!r}, '--out', {str(tmp_path / 'out')!r}, "
        f"'--start', {str(START)!r}]) == 0\n"
        "print(sorted({'torch', 'transformers', 'onnx'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_folder_without_a_judge_cannot_be_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_labels(tmp_path / "labels.jsonl")
    out = tmp_path / "out"
    assert main(["train-judge", str(labels), "--out", str(out), "--start", str(tmp_path)]) == 2
    assert "holds no judge to begin with" in capsys.readouterr().err
    assert not out.exists()
