"""Planted errors are errors, true paraphrases are none, and both are the same for the same seed."""

from __future__ import annotations

import random

import pytest

from pytest_ragtune.judges.training.paraphrase import WAYS, paraphrase
from pytest_ragtune.judges.training.planting import KINDS, Stock, plant, stock_of

CONTEXT = (
    "The Harbour Museum was founded by Anna Keller in Port Lambert on 4 May 1931. "
    "It shows 240 model ships, and some rooms are open in winter unless the heating fails. "
    "The roof was repaired before the war because the rain came in. Visitors may bring dogs. "
    "The largest ship is 12 metres long."
)
STOCK = stock_of(
    [
        "Verona lies in the north of Italy. Romeo Montague lived there with Julia Capulet, they say.",
        "In the spring Oskar Lindt sailed from Cape Horn to Lisbon with a crew of nine sailors.",
        "A small bakery in Upper Street sells bread with olives from Monday to Friday, in the mornings.",
    ]
)
EXAMPLES = {
    "number": ("It shows 240 model ships.", "240"),
    "date": ("The museum was founded on 4 May 1931.", "1931"),
    "unit": ("The largest ship is 12 metres long.", "metres"),
    "name": ("The museum was founded by Anna Keller.", "Anna Keller"),
    "negation": ("The roof was repaired.", "was repaired"),
    "quantifier": ("There some rooms are open in winter.", "some rooms"),
    "comparative or opposite": ("The largest ship is long.", "largest"),
    "certainty or modality": ("Visitors may bring dogs.", "may"),
    "order in time": ("The roof was repaired before the war.", "before"),
    "swapped roles": ("Anna Keller founded the museum in Port Lambert.", "Anna Keller founded"),
    "made-up cause": ("The roof was repaired because the rain came in.", "the rain"),
    "dropped condition": ("Some of the rooms are open in winter unless the heating fails.", "unless"),
}
"""For each kind a claim, and what the error must take away from it."""


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("seed", range(5))
def test_an_error_of_each_kind_changes_what_it_is_about(kind: str, seed: int) -> None:
    claim, lost = EXAMPLES[kind]
    wrong = plant(kind, claim, CONTEXT, STOCK, random.Random(seed))
    assert wrong is not None
    if kind == "date" and "1931" in wrong:  # a date has two places to go wrong
        lost = "May"
    assert lost not in wrong


@pytest.mark.parametrize("seed", range(5))
def test_what_is_added_comes_after_the_whole_claim(seed: int) -> None:
    claim = "Visitors may bring dogs."
    wrong = plant("added detail", claim, CONTEXT, STOCK, random.Random(seed))
    assert wrong is not None
    assert wrong.startswith("Visitors may bring dogs ")
    assert wrong.removeprefix("Visitors may bring dogs").strip(" .") not in CONTEXT


def test_a_claim_of_another_passage_is_not_in_this_one() -> None:
    wrong = plant("other passage", "Visitors may bring dogs.", CONTEXT, STOCK, random.Random(1))
    assert wrong is not None
    assert wrong in STOCK.claims
    assert wrong not in CONTEXT


def test_a_conflation_says_of_one_thing_what_holds_of_another() -> None:
    claim = "The roof was repaired before the war."
    wrong = plant("conflation", claim, CONTEXT, STOCK, random.Random(1))
    assert wrong is not None
    assert wrong.startswith("The roof was")
    assert "founded by Anna Keller" in wrong


def test_a_number_or_name_that_the_context_holds_is_not_planted() -> None:
    context = "It sold 100 of the 90, 80, 50, 110, 120, 200 and 301 books."
    for seed in range(20):
        wrong = plant("number", "It sold 100 books.", context, STOCK, random.Random(seed))
        assert wrong is None or wrong.split()[2] not in context.replace(",", "").split()


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_without_a_place_for_it_gets_no_error(kind: str) -> None:
    found = plant(kind, "ok", "ok", Stock((), ()), random.Random(1))
    assert found is None or kind in ("added detail", "made-up cause")


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_the_same_for_the_same_seed(kind: str) -> None:
    claim = "In 1931 Anna Keller was the first of 240 people who may see Port Lambert before the war."
    once, again = (plant(kind, claim, CONTEXT, STOCK, random.Random(7)) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("way", "claim", "expected"),
    [
        ("moved adverbial", "In 1931, the museum opened.", "The museum opened in 1931."),
        ("without an aside", "Anna Keller (born in Rome) founded it.", "Anna Keller founded it."),
        ("number format", "Of 1,200 ships, three, 5%, sank.", "Of 1200 ships, 3, 5 percent, sank."),
        ("active for passive", "The museum was founded by Anna Keller.", "Anna Keller founded the museum."),
        ("contraction", "It is not open.", "It isn't open."),
        ("without a tail",
         "The old museum was shut in fall, and with it an inn.", "The old museum was shut in fall."),
    ],
)  # fmt: skip
def test_each_way_to_say_the_same(way: str, claim: str, expected: str) -> None:
    assert WAYS[way](claim, random.Random(1)) == expected


def test_a_tail_that_matters_to_the_sentence_stays() -> None:
    assert WAYS["without a tail"]("It lies between Rome and Naples.", random.Random(1)) is None
    assert WAYS["without a tail"]("They do not serve fish and meat there.", random.Random(1)) is None


def test_a_paraphrase_keeps_numbers_and_negations() -> None:
    claim = "The museum is not located in 4 of the several large cities."
    for seed in range(30):
        said = paraphrase(claim, random.Random(seed), steps=3)
        assert said is not None
        assert "4" in said.replace("four", "4")
        assert "n't" in said or "not" in said
