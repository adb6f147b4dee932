from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ragtune.records import Passage
from pytest_ragtune.retrieval.tokens import WordTokenizer, passage_text

PLAIN = WordTokenizer(is_stemmed=False, drops_asking_words=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Parcel, the COURIER!", ["the", "parcel", "the", "courier"]),
        ("error E-42", ["error", "e", "42", "e-42"]),
        ("3.5 litres", ["3", "5", "3.5", "litres"]),
        ("__init__ and max_length", ["init", "__init__", "and", "max", "length", "max_length"]),
        ("state-of-the-art", ["state", "of", "the", "art"]),
        ("Straße ÉCOLE", ["strasse", "école"]),
        ("ﬁle №5", ["file", "no5"]),
        ("返品は7日", ["返", "品", "は", "7", "日", "返品は7日"]),
        ("... --- !!", []),
        ("", []),
        ("2026-01-31", ["2026", "01", "31", "2026-01-31"]),
        ("ends with a stop 42.", ["ends", "with", "a", "stop", "42"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert PLAIN.tokens(text) == expected


def test_inflections_meet_in_passages_and_questions() -> None:
    tokenizer = WordTokenizer()
    assert tokenizer.tokens("refunded orders") == tokenizer.tokens("refund order")
    assert tokenizer.question_tokens("refunding an order") == tokenizer.tokens("refund order")


def test_a_code_is_found_by_itself_and_by_its_parts() -> None:
    indexed = set(WordTokenizer().tokens("Error E-42 means a jam."))
    assert set(WordTokenizer().question_tokens("E-42")) <= indexed
    assert set(WordTokenizer().question_tokens("42")) <= indexed
    assert "e-42" in WordTokenizer().question_tokens("What does E-42 mean?")
    assert "e-42" not in WordTokenizer().question_tokens("What does E-43 mean?")


def test_questions_lose_the_words_that_ask() -> None:
    assert WordTokenizer(is_stemmed=False).question_tokens("What is the refund?") == ["is", "refund"]
    assert WordTokenizer(drops_asking_words=False, is_stemmed=False).question_tokens("What the") == [
        "what",
        "the",
    ]


def test_a_question_of_asking_words_alone_keeps_them() -> None:
    assert WordTokenizer(is_stemmed=False).question_tokens("Who are you?") == ["who", "are", "you"]


@given(st.text())
def test_any_text_gives_words_without_white_space(text: str) -> None:
    for word in WordTokenizer().tokens(text):
        assert word
        assert not any(character.isspace() for character in word)


@given(st.text())
def test_every_letter_and_digit_of_ascii_is_indexed(text: str) -> None:
    wanted = {c for c in text.lower() if c.isascii() and c.isalnum()}
    assert wanted <= set("".join(PLAIN.tokens(text)))


def test_identity_changes_with_each_parameter() -> None:
    made = [WordTokenizer(), WordTokenizer(is_stemmed=False), WordTokenizer(drops_asking_words=False)]
    assert len({tokenizer.identity for tokenizer in made}) == 3


@pytest.mark.parametrize(
    ("heading", "text", "expected"),
    [
        ("", "Body.", "Body."),
        ("Returns > Fees", "Body.", "Returns > Fees\nBody."),
        ("Returns > Fees", "## Fees\n\nBody.", "Returns\n## Fees\n\nBody."),
        ("Fees", "Fees\n\nBody.", "Fees\n\nBody."),
    ],
)
def test_passage_text_holds_every_heading_once(heading: str, text: str, expected: str) -> None:
    assert passage_text(Passage("a#1", text, heading=heading)) == expected
