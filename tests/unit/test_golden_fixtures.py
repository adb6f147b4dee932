"""The golden sets of ``fixtures/`` and ``golden_sets/``: the broken ones are told apart, the others load."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ragtune.corpus.chunking import Chunking
from pytest_ragtune.errors import GoldenSetError
from pytest_ragtune.golden import load_golden_set

ROOT = Path(__file__).parents[2]
BROKEN = ROOT / "fixtures" / "broken"


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("bad-json", ["cases.jsonl:2 None"]),
        ("unknown-field", ["cases.jsonl:2 refrence"]),
        ("duplicate-id", ["cases.jsonl:3 id"]),
        ("dangling-document", ["cases.jsonl:2 relevant[0]"]),
        ("quote-not-found", ["cases.jsonl:2 relevant[0].quote"]),
        ("empty-question", ["cases.jsonl:2 question"]),
        ("bad-encoding", ["cases.jsonl:2 None"]),
        ("path-outside", ["golden_set.toml:5 corpus.folder"]),
        ("no-header", ["golden_set.toml:None None"]),
        ("bad-toml", ["golden_set.toml:2 None"]),
        ("train-leaks", ["train.jsonl:2 question"]),
        (
            "many-problems",
            [
                *("cases.jsonl:2 None", "cases.jsonl:3 tag", "cases.jsonl:4 id", "cases.jsonl:5 relevant[0]"),
                *("cases.jsonl:6 relevant[0].quote", "cases.jsonl:7 question", "cases.jsonl:8 None"),
                *("golden_set.toml:3 colour", "train.jsonl:1 question", "train.jsonl:2 answer"),
            ],
        ),
    ],
)
def test_the_broken_fixtures_are_told_apart(name: str, places: list[str]) -> None:
    with pytest.raises(GoldenSetError) as caught:
        load_golden_set(BROKEN / name)
    found = [f"{Path(problem.file).name}:{problem.line} {problem.field}" for problem in caught.value.problems]
    assert found == places


@pytest.mark.parametrize("name", ["fixtures/tiny", "golden_sets/handbook", "golden_sets/python_reference"])
@pytest.mark.parametrize("chunking", [None, Chunking("window", 40, 10), Chunking(max_words=30)], ids=str)
def test_whole_ones_load_however_they_are_cut(name: str, chunking: Chunking | None) -> None:
    if not (ROOT / name / "cases.jsonl").exists():
        pytest.skip(f"{name} is not part of this source tree")
    golden_set = load_golden_set(ROOT / name, chunking=chunking)
    ids = {passage.id for passage in golden_set.corpus.passages}
    assert all(ids >= set(case.relevant) for case in golden_set.cases)
    assert sum(bool(case.relevant) for case in golden_set.cases) > len(golden_set.cases) / 2
    for version in golden_set.versions:
        assert load_golden_set(ROOT / name, version=version, chunking=chunking).corpus.version == version
