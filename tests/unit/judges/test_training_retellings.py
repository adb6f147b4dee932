"""Claims in another translation's words: the same verse, another of its chapter, and errors planted in it."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_ragtune.judges.training.planting import KINDS, Stock
from pytest_ragtune.judges.training.retellings import read_chapters, retold
from pytest_ragtune.judges.training.rows import Part
from pytest_ragtune.judges.training.scarce import plant_scarce

PARTS: tuple[Part, ...] = ("train", "dev", "test")
WHO = ("Anna", "Bela", "Carl", "Dora", "Emil", "Fred", "Gerd", "Hans", "Ines", "Jola")


def folder(tmp_path: Path, names: Sequence[str]) -> Path:
    rows = [
        {
            "id": f"{name}:{number}",
            "book": name.rstrip("0123456789"),
            "archaic": f"And {who} of {name} spake unto all the {number} elders of the house .",
            "modern": f"And {who} of {name} spoke to all the {number} elders of the house.",
            "basic": f"&lt;A Psalm.&gt; {who} of {name} said words to every one of the {number} old men.",
        }
        for name in names
        for number, who in enumerate(WHO, start=1)
    ]
    path = tmp_path / "style/bible_style_parallel/data.jsonl.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return tmp_path


def test_every_chapter_stands_in_one_part_and_its_titles_are_gone(tmp_path: Path) -> None:
    data = folder(tmp_path, [f"Ruth{n}" for n in range(40)])
    found = {part: read_chapters(data, part) for part in PARTS}
    assert sum(map(len, found.values())) == 40
    assert all(found.values())
    first = found["train"][0][0]
    assert first["basic"].startswith("Anna of Ruth")
    assert first["archaic"].endswith("of the house.")


def test_a_verse_in_other_words_is_supported_and_another_verse_or_a_changed_one_is_not(
    tmp_path: Path,
) -> None:
    chapters = read_chapters(folder(tmp_path, [f"Ruth{n}" for n in range(40)]), "train")
    rows = retold(chapters, random.Random(1), 300)
    assert len(rows) == 300
    assert 100 <= sum(row.label for row in rows) <= 160
    for row in rows:
        assert row.second not in row.first
        who = row.second.split(" of ")[0].removeprefix("And ")
        if row.verdict == "yes":
            assert f"{who} of" in row.first
        if row.verdict == "unknown":
            assert f"{who} of" not in row.first
    assert {row.source.split(":")[0] for row in rows} == {"retold"}
    assert any(row.source.startswith("retold:") and not row.label for row in rows)


def test_a_refrain_that_the_context_holds_is_not_a_verse_that_it_lacks() -> None:
    told = [f"{who} came to the gate of the old town with the elders." for who in WHO]
    again = [f"{who} went up to the door of that place among grey men." for who in WHO]
    told[2::2] = ["His kindness lasts for ever and ever in all the land."] * 4
    again[2::2] = ["For ever his kindness lasts, through time, in every land."] * 4
    chapter = [{"archaic": a, "modern": a, "basic": b} for a, b in zip(told, again, strict=True)]
    lacking = [row for row in retold([chapter], random.Random(1), 600) if row.verdict == "unknown"]
    assert lacking
    assert not any("kindness" in row.first and "kindness" in row.second for row in lacking)


def test_retold_rows_are_the_same_for_the_same_seed_only(tmp_path: Path) -> None:
    chapters = read_chapters(folder(tmp_path, [f"Ruth{n}" for n in range(40)]), "train")
    one, two, other = (retold(chapters, random.Random(seed), 50) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_no_usable_chapter_gives_no_row(tmp_path: Path) -> None:
    assert retold([], random.Random(1), 10) == []
    silent = [[dict.fromkeys(("archaic", "modern", "basic"), "Amen.")] * 10]
    assert retold(silent, random.Random(1), 10) == []


def test_a_row_that_names_no_verse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names no verse: expected a book, a chapter and a verse"):
        read_chapters(folder(tmp_path, ["Ruth"]), "train")


def test_the_kind_planted_least_comes_next() -> None:
    claim = "Anna paid 30 euros in March because the old house was not open."
    uses = dict.fromkeys(KINDS, 0)
    stock = Stock(("Bela",), ("The boat left the harbour at six in the morning.",))
    rng = random.Random(2)
    found = [plant_scarce([claim], claim, stock, uses, rng) for _ in range(60)]
    assert all(found)
    counts = [uses[kind] for kind in ("number", "date", "negation")]
    assert sum(uses.values()) == 60
    assert min(counts) >= 3


def test_what_offers_no_place_for_an_error_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in set(KINDS) - {"number", "negation"}:
        monkeypatch.delitem(KINDS, kind)
    uses = {"number": 0, "negation": 0}
    assert plant_scarce(["Good day."], "Good day.", Stock((), ()), uses, random.Random(1)) is None
    assert not any(uses.values())
