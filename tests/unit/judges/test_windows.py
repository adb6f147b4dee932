from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ragtune.judges.windows import Policy, Window, choose, read_document
from pytest_ragtune.text import words

POLICY = Policy(words=24, sentences=2, neighbours=1)
FILLER = "The garden has many trees and some of them are old. Birds sing there in the morning. "
EVIDENCE = "The warranty lasts two years from delivery."


def chosen(context: str, claim: str, policy: Policy = POLICY) -> list[Window]:
    return choose(read_document(context, policy), claim, policy)


def test_a_short_context_is_a_window_and_so_are_its_best_sentences() -> None:
    found = chosen(f"We like cats. {EVIDENCE} Shipping is free.", "The warranty lasts two years.")
    assert (found[0].kind, found[0].pieces) == ("whole", (0, 1, 2))
    assert [(window.kind, window.text) for window in found[1:]] == [("sentence", EVIDENCE)]


def test_more_single_sentences_are_read_of_a_context_that_is_no_window() -> None:
    sentences = [f"The lamp {n} has a warranty." for n in range(6)]
    policy = Policy(words=40, sentences=4, neighbours=1)
    short, long = (chosen(" ".join(sentences[:n]), "The lamp has a warranty.", policy) for n in (5, 6))
    assert [window.kind for window in short] == ["whole", "sentence", "sentence"]
    assert [window.kind for window in chosen(" ".join(sentences * 3), "A lamp.", policy)].count(
        "sentence"
    ) == 4
    assert long[0].kind == "whole"


@pytest.mark.parametrize("place", [0, 3, 9])
def test_evidence_is_found_wherever_it_stands(place: int) -> None:
    parts = [FILLER] * 10
    parts.insert(place, f"{EVIDENCE} ")
    found = chosen("".join(parts), "The warranty lasts five years.")
    assert EVIDENCE in found[0].text
    assert found[0].kind == "neighbours"
    assert any(window.text == EVIDENCE and window.kind == "sentence" for window in found)


def test_scattered_evidence_is_joined_in_reading_order() -> None:
    context = f"Anna Berg leads the sales team. {FILLER * 4}The office of sales is in Lisbon."
    joined = [w for w in chosen(context, "Anna Berg works in Lisbon.") if w.kind == "joined"]
    assert [window.text for window in joined] == [
        "Anna Berg leads the sales team. The office of sales is in Lisbon."
    ]
    assert not [
        w
        for w in chosen(context, "Anna Berg works in Lisbon.", Policy(24, joined=False))
        if w.kind == "joined"
    ]


def test_rare_words_tell_more_than_frequent_ones() -> None:
    context = "The price is fair. The price is low. The price of the lamp changed. A lamp needs zinc."
    found = chosen(context, "The price of zinc.", Policy(words=8, sentences=1, neighbours=1))
    assert found[0].text == "A lamp needs zinc."


def test_where_no_word_is_shared_the_beginning_is_read() -> None:
    found = chosen(FILLER * 10, "Zinc quarks oscillate.")
    assert found[0].text.startswith("The garden has many trees")


@pytest.mark.parametrize("context", ["", " \n", "🙂 …", "\x00"])
def test_a_context_without_words_has_no_window(context: str) -> None:
    assert chosen(context, "It is so.") == []


TEXTS = st.lists(
    st.sampled_from(["Zinc is a metal. ", "Anna left", "\n- item\n", "你好。", "x" * 300, " 3.5 "])
)


@given(st.one_of(st.text(), TEXTS.map("".join)), st.one_of(st.text(), st.just("Zinc is a metal.")))
@settings(deadline=None)
def test_windows_are_short_and_made_of_the_context(context: str, claim: str) -> None:
    document = read_document(context, POLICY)
    kept = "".join(context.split())
    for window in choose(document, claim, POLICY):
        assert window.best in window.pieces
        assert list(window.pieces) == sorted(set(window.pieces))
        assert len(words(window.text)) <= POLICY.words + 12
        assert all("".join(document.pieces[number].text.split()) in kept for number in window.pieces)


def test_a_sentence_without_end_is_cut() -> None:
    document = read_document("word " * 5000, POLICY)
    assert len(document.pieces) > 400
    assert max(piece.words for piece in document.pieces) <= POLICY.words // 2
    assert "".join(piece.text for piece in read_document("你好" * 500, POLICY).pieces) == "你好" * 500


def test_time_grows_linearly_with_the_context() -> None:
    draw = random.Random(1)
    vocabulary = [f"word{number}" for number in range(3000)]

    def seconds(sentences: int) -> float:
        text = " ".join(f"It has {' '.join(draw.choices(vocabulary, k=12))}." for _ in range(sentences))
        start = time.process_time()
        for number in range(5):
            chosen(text, f"It has word{number} and word{number + 7}.")
        return time.process_time() - start

    seconds(50)
    assert seconds(1600) < 40 * seconds(200)  # quadratic would be 64 times
