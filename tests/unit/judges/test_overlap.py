from __future__ import annotations

import pytest

from pytest_ragtune.judges.overlap import (
    WINDOW_WORDS,
    Match,
    match,
    most,
    numbers_of,
    read_claim,
    read_context,
)
from pytest_ragtune.text import words


def fit(claim: str, context: str) -> Match:
    (window,) = read_context(context).windows
    return match(read_claim(claim), window)


def test_shares_of_content_words_and_of_all_words() -> None:
    found = fit("Opened items cost nothing", "You return items. Opened ones are free. OK. Items cost 5.")
    assert found.content == pytest.approx((3 / 3 + 2 / 3) / 2)
    assert found.every == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("claim", "context"),
    [
        ("Opened food can't be returned.", "Opened food cannot be returned."),
        ("Opened food cannot be returned.", "Opened food can not be returned."),
        ("It won’t fit.", "It will not fit."),
        ("They don't sell bikes.", "They do not sell bikes."),
    ],
)
def test_a_shortened_negation_is_the_same_as_one_written_out(claim: str, context: str) -> None:
    assert fit(claim, context).every == fit(context, claim).every == 1.0


def test_the_sentence_that_shares_most_and_the_first_of_equals() -> None:
    context = "Cats sleep. Dogs bark at cats. Dogs bark at cats."
    assert fit("Cats hear dogs bark", context).sentence == 1


@pytest.mark.parametrize(
    ("claim", "context", "is_missing"),
    [
        ("It takes 30 days", "It takes 30 days", False),
        ("It takes 30 days", "It takes 45 days", True),
        ("It takes thirty days", "It takes 30 days", False),
        ("It takes 30 days", "It takes thirty days", False),
        ("It takes twenty-five days", "It takes 25 days", False),
        ("It takes five days", "It takes two days", True),
        ("It costs 1,000 euros", "It costs 1000 euros", False),
        ("It costs 5.00", "It costs 5", False),
        ("It runs on 3.10", "It runs on 3.1", True),
        ("On 05/12", "On 5 12", False),
        ("It was the 2nd time", "It was the second time", False),
        ("One of them left", "They left", False),
        ("They left [12]", "They left", False),
        ("2. They left", "They left", False),
        ("The CK-666 and v2 parts", "The parts", False),
    ],
)
def test_numbers(claim: str, context: str, is_missing: bool) -> None:
    assert fit(claim, context).number_missing is is_missing


@pytest.mark.parametrize(
    ("claim", "context", "is_missing"),
    [
        ("It was made by Anna Smith", "Anna Smith made it", False),
        ("It was made by Anna's firm", "anna made it", False),
        ("It was made by Berta", "Anna made it", True),
        ("Refunds are free", "It is free", False),
        ("A Title Where All Words Are Big", "something else", False),
    ],
)
def test_names(claim: str, context: str, is_missing: bool) -> None:
    assert fit(claim, context).name_missing is is_missing


@pytest.mark.parametrize(
    ("claim", "context", "added", "dropped"),
    [
        ("Items can be returned", "Items can be returned", False, False),
        ("Items cannot be returned", "Items cannot be returned", False, False),
        ("Items cannot be returned", "Items can be returned", True, False),
        ("Items can be returned", "Items can't be returned", False, True),
        ("Items aren't returned", "Items are not returned", False, False),
        ("Items can be returned", "Items can be returned but not sold", False, False),
        ("Delivery costs nothing above 50 euros", "Delivery is free above 50 euros", False, False),
    ],
)
def test_negation(claim: str, context: str, added: bool, dropped: bool) -> None:
    found = fit(claim, context)
    assert (found.negation_added, found.negation_dropped) == (added, dropped)


def test_bounds_hold() -> None:
    claim = read_claim("Opened items cost nothing at all")
    (window,) = read_context("You return items. Opened ones are free. Items cost 5.").windows
    found = match(claim, window)
    content, every = most(claim, window)
    assert content >= found.content
    assert every == found.every


def test_a_claim_of_stop_words_is_compared_by_all_its_words() -> None:
    assert fit("It is so", "It is so").content == 1.0
    assert fit("It is so", "They are there").content == 0.0


def test_a_long_context_is_cut_into_overlapping_windows() -> None:
    sentence = "one two three four five six seven eight nine ten."
    context = read_context(" ".join(f"Start {sentence}" for _ in range(100)))
    starts = [window.first for window in context.windows]
    sizes = [len(window.sentences) for window in context.windows]
    assert len(context.sentences) == 100
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert starts[-1] + sizes[-1] == 100
    assert all(size * 11 <= WINDOW_WORDS for size in sizes)
    assert all(after < first + size for first, size, after in zip(starts, sizes, starts[1:], strict=False))


def test_a_sentence_longer_than_a_window_is_a_window() -> None:
    context = read_context("Word " * 1000 + ". Next. " + "Word " * 1000)
    assert [len(window.sentences) for window in context.windows] == [1, 1, 1]


@pytest.mark.parametrize("text", ["", "  ", "---", "🙂 !"])
def test_a_context_without_words_has_no_window(text: str) -> None:
    assert read_context(text).windows == ()


def test_numbers_of() -> None:
    assert numbers_of(words("Twenty one or 3/4 of forty, zero")) == {"21", "3", "4", "40", "0"}
