"""Labels: passage, document and quote become qrels, however the corpus is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ragtune.corpus import build_corpus
from pytest_ragtune.corpus.chunking import Chunking
from pytest_ragtune.errors import Problem
from pytest_ragtune.golden.labels import Label, LabelResolver

RETURNS = """# Returns

Send anything back.

## How long

You have thirty days
from the day of delivery. After that we cannot help.

## Costs

Returns cost nothing. The label is in the box.
"""
CHUNKINGS = [
    Chunking(),
    Chunking(max_words=3),
    Chunking("window", 6),
    Chunking("window", 6, 5),
    Chunking("window", 1),
    Chunking("window", 99),
]


def qrels(documents: dict[str, str], *labels: Label, chunking: Chunking = CHUNKINGS[0]) -> dict[str, int]:
    """The qrels of labels that have no problem."""
    problems: list[Problem] = []
    resolver = LabelResolver(build_corpus(documents, chunking=chunking))
    found = resolver.resolve(labels, "cases.jsonl", 1, problems)
    assert problems == []
    return found


def quote(words: str) -> Label:
    return Label("returns.md", words)


@pytest.mark.parametrize(
    ("labels", "grades"),
    [
        ([Label("returns.md#2")], {2: 1}),
        ([Label("returns.md")], {1: 1, 2: 1, 3: 1}),
        ([quote("thirty   days\tfrom the day")], {2: 1}),
        ([quote("cannot help.\n## Costs\nReturns cost")], {2: 1, 3: 1}),
        ([quote("How long")], {2: 1}),
        ([quote("Returns")], {1: 1, 3: 1}),
        ([quote("back. ## How long")], {1: 1}),
        ([quote("the")], {2: 1, 3: 1}),
        ([Label("returns.md"), Label("returns.md#3", grade=3)], {1: 1, 2: 1, 3: 3}),
        ([Label("returns.md#3", grade=3), Label("returns.md")], {1: 1, 2: 1, 3: 3}),
        ([], {}),
    ],
)
def test_labels_become_passages(labels: list[Label], grades: dict[int, int]) -> None:
    expected = {f"returns.md#{number}": grade for number, grade in grades.items()}
    assert qrels({"returns.md": RETURNS, "other.md": "the other"}, *labels) == expected


def test_quote_in_the_last_heading_means_the_last_passage() -> None:
    assert qrels({"d": "Top\n===\n\nbody\n\nEnd\n---\n"}, Label("d", "End ---")) == {"d#2": 1}
    assert qrels({"d": "# A\n\n## B\n\nbody\n"}, Label("d", "A")) == {"d#1": 1}


@pytest.mark.parametrize("chunking", CHUNKINGS, ids=str)
def test_quotes_are_found_again_however_the_corpus_is_cut(chunking: Chunking) -> None:
    words = "thirty days\nfrom the day of delivery"
    start = RETURNS.index(words)
    passages = build_corpus({"returns.md": RETURNS}, chunking=chunking).passages
    touched = [p.id for p in passages if p.start < start + len(words) and p.end > start]
    assert touched
    assert list(qrels({"returns.md": RETURNS}, quote(words), chunking=chunking)) == touched


@settings(max_examples=200, deadline=None)
@given(
    text=st.lists(st.sampled_from(["a", "b.", "c", "\n\n", "\n", "\n# H\n", "e\u0301"]), max_size=30).map(
        " ".join
    ),
    place=st.tuples(st.integers(0, 30), st.integers(1, 8)),
    max_words=st.integers(1, 6),
)
def test_a_quote_labels_every_passage_that_it_overlaps(
    text: str, place: tuple[int, int], max_words: int
) -> None:
    document = f"{text} end"
    words = [match.span() for match in re.finditer(r"\S+", document)][place[0] : sum(place)]
    if not words:
        return
    start, end = words[0][0], words[-1][1]
    chunking = Chunking(max_words=max_words)
    passages = build_corpus({"d": document}, chunking=chunking).passages
    touched = {passage.id for passage in passages if passage.start < end and passage.end > start}
    found = qrels({"d": document}, Label("d", document[start:end]), chunking=chunking)
    assert touched <= set(found)
    assert found


@pytest.mark.parametrize(
    ("quote", "numbers"),
    [
        ("5 days", [2]),
        ("day", [1, 2, 3]),
        ("1", [1]),
        ("days", [1, 2]),
        ("Days: 5", [3]),
        ("退货", [4, 5]),
    ],
)
def test_a_quote_is_found_as_whole_words_first(quote: str, numbers: list[int]) -> None:
    parts = ["It takes 15 days.", "Or 5 days.", "Midday? Days: 5.", "退货", "可以退货吗"]
    text = "\n\n".join(f"# {n}\n\n{part}" for n, part in zip("ABCDE", parts, strict=True))
    problems: list[Problem] = []
    resolver = LabelResolver(build_corpus({"a.md": text}))
    found = resolver.resolve([Label("a.md", quote)], "cases.jsonl", 1, problems)
    assert (list(found), problems) == ([f"a.md#{number}" for number in numbers], [])


def test_composed_and_decomposed_letters_are_the_same() -> None:
    documents = {"caf\u00e9.md": "The cafe\u0301 opens at nine.\n\n# B\n\nNoe\u0308l is closed."}
    assert qrels(documents, Label("caf\u00e9.md", "caf\u00e9 opens")) == {"caf\u00e9.md#1": 1}
    assert qrels(documents, Label("cafe\u0301.md", "No\u00ebl is")) == {"caf\u00e9.md#2": 1}
    assert qrels(documents, Label("cafe\u0301.md#2")) == {"caf\u00e9.md#2": 1}
    kept = {"cafe\u0301": "x"}
    assert qrels(kept, Label("cafe\u0301")) == {"cafe\u0301#1": 1}


def test_labels_on_documents_that_could_not_be_read_are_not_reported_again() -> None:
    problems: list[Problem] = []
    resolver = LabelResolver(build_corpus({"a": "x"}), unreadable=["bad.md"])
    labels = [Label("bad.md"), Label("bad.md#2"), Label("bad.md", "words"), Label("worse.md")]
    assert resolver.resolve(labels, "cases.jsonl", 7, problems) == {}
    assert [(problem.line, problem.field) for problem in problems] == [(7, "relevant[3]")]
