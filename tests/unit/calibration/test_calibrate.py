from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pytest_ragtune.calibration import Labelled, calibrate, read_labels
from pytest_ragtune.calibration.measuring import overlap
from pytest_ragtune.cli import main
from pytest_ragtune.cli.calibrate import _biases
from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.judges.prompted import Comparison
from pytest_ragtune.records import Support
from pytest_ragtune.reporting.calibration import calibration_lines, calibration_value

COUNTING = str(Path(__file__).resolve().parents[3] / "fixtures" / "judges" / "overlap")


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def support_rows(n: int = 24, name: str = "one") -> list[dict[str, Any]]:
    """Claims with the right and with a wrong number, in turn."""
    return [
        {
            "context": f"Item {number} costs {number + 10} euros. Shipping is free.",
            "claim": f"Item {number} costs {number + 10 + 50 * (number % 2)} euros.",
            "label": 1 - number % 2,
            "set": name,
        }
        for number in range(n)
    ]


def read(rows: Sequence[dict[str, Any]]) -> tuple[Labelled, ...]:
    return read_labels([line(**row) for row in rows]).rows


class Told:
    """Supports what holds the word; has no opinion of an odd claim."""

    identity = "told"
    thresholds: ClassVar[dict[str, float]] = {"supports": 0.7}

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [
            Support(None, "odd") if "odd" in claim else Support(0.9 if "good" in claim else 0.2)
            for _, claim in pairs
        ]


def test_labels_of_both_tasks() -> None:
    labels = read_labels(
        [
            line(context="c", claim="x", label=1, set="s"),
            line(contexts=["a", "b"], answer="It is so. It is good.", label=False, group=7),
            line(question="q", answer="a", label=True),
            line(question="q", claim="a", label=0),
            line(context="c", claim="", label=0),
            line(context="c", claim="x", label=None),
            b"",
        ]
    )
    assert [(row.task, row.claims, row.label) for row in labels.rows] == [
        ("support", ("x",), 1),
        ("support", ("It is so.", "It is good."), 0),
        ("relevance", ("a",), 1),
        ("relevance", ("a",), 0),
        ("support", ("",), 0),
    ]
    assert [(row.set, row.group) for row in labels.rows[:3]] == [("s", "c"), ("", "7"), ("", "q")]
    assert (labels.unlabelled, labels.bad) == (1, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (line(context="c", claim="x"), "found no label"),
        (line(context="c", claim="x", label=2), "label: found 2; expected 0, 1 or null"),
        (line(claim="x", label=1), "found claim, label; expected context"),
        (line(context="c", claim=["x"], label=1), "claim: found a list; expected a string"),
        (b"{", "found no JSON"),
    ],
)
def test_lines_that_are_no_pair(text: bytes, problem: str) -> None:
    labels = read_labels([line(context="c", claim="x", label=1), text])
    assert len(labels.rows) == 1
    ((number, told),) = labels.bad
    assert number == 2
    assert told.startswith(problem)


def test_a_judge_beside_word_overlap_on_each_set_and_on_all() -> None:
    found = calibrate(read(support_rows() + support_rows(name="two")), LexicalJudge(), name="lexical")
    assert [(item.set, item.scorer) for item in found] == [
        (name, scorer) for name in ("one", "two", "all") for scorer in ("lexical", "word overlap")
    ]
    judge, words = found[0], found[1]
    assert judge.agreement.auroc.value == 1.0
    assert words.agreement.auroc.value == 1.0  # a wrong number is a word that is not shared
    assert (judge.agreement.n, found[4].agreement.n) == (24, 48)
    assert judge.identity == LexicalJudge().identity


def test_an_answer_counts_as_its_least_supported_claim_by_its_best_context() -> None:
    rows = read(
        [{"contexts": ["x", "y"], "answer": "This is good. That is good.", "label": 1}] * 6
        + [{"contexts": ["x"], "answer": "This is good. That is bad.", "label": 0}] * 6
    )
    judge = calibrate(rows, Told())[0]
    assert judge.agreement.auroc.value == 1.0
    assert judge.threshold == 0.7


def test_what_was_not_judged_is_counted_and_in_no_scorer_s_figures() -> None:
    rows = read([{"context": "c", "claim": claim, "label": 1} for claim in ("good", "odd")] * 5)
    judge, words = calibrate(rows, Told())
    assert (judge.agreement.n, judge.unjudged) == (5, 5)
    assert (words.agreement.n, words.unjudged) == (5, 5)


def test_overlap_is_a_share_of_words() -> None:
    rows = read(
        [
            {"contexts": ["The lamp", "is red"], "claim": "The lamp is blue", "label": 1},
            {"question": "How much is the red lamp?", "answer": "Lamps cost 5.", "label": 1},
        ]
    )
    assert [overlap(row) for row in rows] == [pytest.approx(0.75), pytest.approx(1 / 3)]


class Letters:
    """A small real embedder: counts of letters."""

    identity = "letters"

    def embed(self, texts: Sequence[str]) -> Any:
        counts = np.array(
            [[text.lower().count(c) + 1e-3 for c in map(chr, range(97, 123))] for text in texts]
        )
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype("float32")


def test_cosine_is_that_of_the_nearest_sentence() -> None:
    rows = read([{"context": "Zzz zzz. A lamp.", "claim": "A lamp.", "label": 1}, *support_rows()])
    found = calibrate(rows, LexicalJudge(), embedder=Letters())
    cosine = next(item for item in found if item.scorer == "cosine" and item.set == "all")
    assert (cosine.agreement.n, cosine.calibrated) == (25, False)


def test_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no labelled pair"):
        calibrate([], LexicalJudge())
    with pytest.raises(ValueError, match="Told has no relevance"):
        calibrate(read([{"question": "q", "answer": "a", "label": 1}]), Told())


def test_the_table_and_its_figures() -> None:
    found = calibrate(read(support_rows()), LexicalJudge(), name="lexical", resamples=50)
    lines = list(calibration_lines(found))
    assert lines[0].split("|")[4].strip() == "AUROC"
    assert "1.000 (1.000 to 1.000)" in lines[2]
    assert "no probability" in lines[3]
    assert "recommended 0." in lines[4]
    value = json.loads(json.dumps(calibration_value(found[0])))
    assert value["agreement"]["auroc"] == {"value": 1.0, "low": 1.0, "high": 1.0}


class Leaning:
    """Prefers what is shown first, or what is longer, or neither."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def compare(self, items: Sequence[tuple[str, str, str]]) -> list[Comparison]:
        return [self._one(one, two) for _, one, two in items]

    def _one(self, one: str, two: str) -> Comparison:
        if self.kind == "place":
            return Comparison("tie", (1.0, 0.0))
        if self.kind == "length":
            longer = 1.0 if len(one) > len(two) else 0.0
            return Comparison("first" if longer else "second", (longer, longer))
        return Comparison("tie", (0.5, 0.5))


def test_the_biases_of_a_judge_that_compares() -> None:
    rows = read([{"question": "q?", "answer": text, "label": 1} for text in ("one", "two", "three")])
    place, length = _biases(Leaning("place"), rows), _biases(Leaning("length"), rows)
    assert "position bias: 100% of 2 comparisons went to shown first, 0% to shown second" in place[0]
    assert "verbosity bias: 0% of 3" in place[1]
    assert "verbosity bias: 100% of 3 comparisons went to the longer text" in length[1]
    assert _biases(LexicalJudge(), rows) == []


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(b"\n".join(line(**row) for row in support_rows()))
    return path


def test_the_command(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(labels), "--judge", "lexical", "--no-cosine"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(row)["scorer"] for row in out.splitlines()] == ["lexical", "word overlap"]
    assert "24 labelled pairs, 0 without a label, 0 lines that are no pair" in err
    with labels.open("ab") as stream:
        stream.write(b"\nnonsense")
    file = labels.with_name("out.jsonl")
    assert main(["calibrate", str(labels), "--judge", COUNTING, "--no-cosine", "--out", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "line 25: found no JSON" in err
    assert len(file.read_text(encoding="utf-8").splitlines()) == 2


def test_several_judges_vote(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(labels), "--judge", "lexical", "--judge", COUNTING, "--no-cosine"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[0])["scorer"] == f"lexical + {COUNTING}"
    assert "the judges agree on 100% of 24 claims, Fleiss' kappa 1.000" in err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--judge", "prompted"], "was given without --model"),
        (["--judge", "gpt"], "judge 'gpt' is not known"),
        (["--threshold", "2"], "--threshold is 2.0: expected a probability"),
    ],
)
def test_wrong_use(labels: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(labels), "--no-cosine", *options]) == 2
    assert told in capsys.readouterr().err


def test_the_last_lines_show_how_reliable_the_judge_is_over_all_sets() -> None:
    rows = read([*support_rows(24, "one"), *support_rows(12, "two")])
    found = calibrate(rows, LexicalJudge(), name="lexical", resamples=20)
    lines = list(calibration_lines(found))
    at = lines.index("all (support), lexical: the probability said, and the share of 1s")
    bins = lines[at + 1 :]
    assert sum(int(text.split("n=")[1].split()[0]) for text in bins) == 36
    assert bins[-1].endswith("#" * 20)  # what it is surest of is right
    assert not any(item.reliability for item in found if item.scorer == "word overlap")
    assert json.dumps(calibration_value(found[0]))
