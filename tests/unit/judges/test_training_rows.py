"""Rows, their groups, and the labels of a user."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_ragtune.judges.training.labels import read_labels
from pytest_ragtune.judges.training.rows import Row, grouped, part_of, plain, split

SHARED = "The museum on the hill opened its doors to the public in 1931."


def row(first: str, second: str = "It opened.", family: str = "museum", label: bool = True) -> Row:
    return Row("supports", first, second, "yes" if label else "no", "made", family)


def test_contexts_that_share_a_long_sentence_are_one_group() -> None:
    rows = grouped(
        [
            row(f"{SHARED} It is closed on Mondays."),
            row(f"Tickets cost ten euros for adults and children. {SHARED}"),
            row(
                "Tickets cost ten euros for adults and children. They are sold at the door every single day."
            ),
            row("It is closed on Mondays."),
        ]
    )
    assert rows[0].group == rows[1].group == rows[2].group
    assert rows[3].group != rows[0].group


def test_groups_do_not_depend_on_order_or_on_other_families() -> None:
    contexts = [
        f"{SHARED} It is closed on Mondays.",
        f"Ask at the desk. {SHARED}",
        "A wholly other text is here.",
    ]
    found = {r.first: r.group for r in grouped([row(text) for text in contexts])}
    turned = [row(text) for text in reversed(contexts)] + [row(contexts[0], family="another")]
    again = {r.first: r.group for r in grouped(turned) if r.family == "museum"}
    assert again == found


def test_a_split_keeps_groups_whole_and_has_about_the_shares_asked_for() -> None:
    rows = [
        Row("supports", "context", str(claim), "yes", "made", "f", f"group {number}")
        for number in range(600)
        for claim in range(2)
    ]
    parts = split(rows, dev=0.2, test=0.1)
    groups = {part: {r.group for r in found} for part, found in parts.items()}
    assert not groups["train"] & groups["dev"]
    assert not groups["train"] & groups["test"]
    assert not groups["dev"] & groups["test"]
    assert len(groups["dev"]) == pytest.approx(120, abs=35)
    assert len(groups["test"]) == pytest.approx(60, abs=25)
    assert part_of("group 1", dev=0.2, test=0.1) == part_of("group 1", dev=0.2, test=0.1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("It 's a `` good '' film , he said .", 'It\'s a " good " film, he said.'),
        ("It is -LRB- very -RRB- old", "It is (very) old"),
        ("do n't  stop", "don't stop"),
        ("a well - known name", "a well-known name"),
        ("Plain text, as it is.", "Plain text, as it is."),
    ],
)
def test_treebank_text_becomes_plain(given: str, expected: str) -> None:
    assert plain(given) == expected


def write(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def labelled(count: int = 24) -> list[object]:
    return [{"context": f"Context number {n} is here.", "claim": "c d", "label": n % 2} for n in range(count)]


def test_labels_of_both_kinds_are_read_from_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", labelled())
    asked = [{"question": f"What is {n}?", "answer": "it is", "label": bool(n % 2)} for n in range(20)]
    write(tmp_path / "b.jsonl", asked)
    rows = read_labels(tmp_path)
    assert [r.head for r in rows].count("supports") == 24
    assert [r.head for r in rows].count("answers") == 20
    assert {r.label for r in rows} == {0, 1}
    assert all(r.group for r in rows)


def test_several_contexts_are_read_as_one(tmp_path: Path) -> None:
    given = [*labelled(), {"context": ["One part.", "Another part."], "claim": "c", "label": 1.0}]
    assert read_labels(write(tmp_path / "a.jsonl", given))[-1].first == "One part.\n\nAnother part."


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"context": "a", "claim": "b", "label": 2}, "label is 2: expected 0 or 1"),
        ({"context": "a", "claim": "b"}, "label is None: expected 0 or 1"),
        ({"context": "a", "label": 1}, "found neither context and claim nor question and answer"),
        ({"context": " ", "claim": "b", "label": 1}, "context or claim is empty"),
        ({"context": 7, "claim": "b", "label": 1}, "context and claim must be texts"),
        (["a"], "found list, expected an object"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: object, message: str) -> None:
    path = write(tmp_path / "a.jsonl", [*labelled(), bad])
    with pytest.raises(ValueError, match=r"a\.jsonl:25") as error:
        read_labels(path)
    assert message in str(error.value)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", labelled())
    path.write_text(path.read_text(encoding="utf-8") + "{\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.jsonl:25: no JSON"):
        read_labels(path)


def test_too_few_rows_or_one_label_only_teach_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="has 6 rows for 'supports', 3 of them positive: expected at least 20"
    ):
        read_labels(write(tmp_path / "few.jsonl", labelled(6)))
    same = [{"context": f"Number {n}.", "claim": "c", "label": 1} for n in range(30)]
    with pytest.raises(ValueError, match="30 of them positive"):
        read_labels(write(tmp_path / "same.jsonl", same))
    with pytest.raises(ValueError, match="has no rows"):
        read_labels(write(tmp_path / "none.jsonl", []))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"holds no \.jsonl file"):
        read_labels(tmp_path / "empty")
