from __future__ import annotations

import time

import pytest

from pytest_ragtune.judges.order import original

SENTENCE = "In 146 BC the army of Rome defeated Carthage after three years."
DAYS = "Bags come within 40 days, bikes within 45 days."
STUDIO = "It was recorded by Bill Porter at RCA Studio B in Nashville."


@pytest.mark.parametrize(
    ("claim", "sentence", "expected"),
    [
        ("The army of Rome defeated Carthage.", SENTENCE, False),
        ("The army of Carthage defeated Rome.", SENTENCE, True),
        ("In 146 BC the army of Carthage defeated Rome.", SENTENCE, True),
        ("The army of Carthage was defeated by Rome.", SENTENCE, False),
        ("The army of Rome defeated Carthage in 146 BC.", SENTENCE, False),
        ("Carthage had a treaty of peace with Rome.", SENTENCE, False),
        ("Hannibal defeated Paris.", SENTENCE, False),
        ("defeated", SENTENCE, False),
        ("", SENTENCE, False),
        ("CARTHAGE DEFEATED ROME", SENTENCE, False),
        ("It was recorded at RCA Studio B in Nashville by Bill Porter.", STUDIO, False),
        ("It was recorded by RCA Studio B at Bill Porter in Nashville.", STUDIO, True),
        ("It shows the Americans and the British.", "It shows the British and the Americans.", False),
        ('"Tok Pisin" is the Niugini word for it.', '"Niugini" is the Tok Pisin word for it all.', True),
        ("Dunmore lies in Ohio, Boone County.", "Dunmore lies in Boone County, Ohio.", False),
        ("Queen Anne married Prince George.", "In 1683 Prince George married Queen Anne.", True),
        ("Bags come within 45 days, bikes within 40 days.", DAYS, True),
        ("Bikes come within 45 days, bags within 40 days.", DAYS, False),
    ],
)  # fmt: skip
def test_names_and_numbers_in_each_others_place(claim: str, sentence: str, expected: bool) -> None:
    wanted = sentence if expected else None
    assert original(claim, [sentence]) == wanted
    assert original(claim, ["Something else.", sentence]) == wanted


@pytest.mark.parametrize(
    ("claim", "sentences", "expected"),
    [
        ("The army of Athens defeated Carthage.", [SENTENCE], True),
        ("In 164 BC the army of Rome defeated Carthage.", [SENTENCE], True),
        ("In 146 BC the army of Rome defeated Carthage.", [SENTENCE], False),
        ("The army of Athens defeated Carthage.", [SENTENCE, "Athens, its army, defeated Carthage."], False),
        ("The old army of Rome defeated Carthage.", [SENTENCE], False),
        ("Athens had a fleet.", [SENTENCE], False),
        ("The troops of Athens attacked the town of Carthage.", [SENTENCE], False),
        ("2.", ["Especially famous is the wall built in 220 by Qin."], False),
        ("Additional places are Banbridge and Downhill.", ["New places are Banbridge and Downhill."], False),
        ("Bags come within 45 days.", ["Bags come within 40 days.", "Bikes come within 45 days."], True),
        ("Bags come within 40 days.", ["Bags come within 40 days.", "Bikes come within 45 days."], False),
        ("Bags come within 45 days.", ["Bags come within 40 days.", "A bag comes within 45 days."], False),
    ],
)  # fmt: skip
def test_a_name_or_number_in_the_place_of_another(claim: str, sentences: list[str], expected: bool) -> None:
    assert (original(claim, sentences) is not None) is expected


def test_the_sentence_that_a_claim_was_made_of_is_named() -> None:
    bags, bikes = "Bags come within 40 days.", "Bikes come within 45 days."
    assert original("Bags come within 45 days.", [bikes, bags]) == bags
    assert original("The army of Carthage defeated Rome.", [bags, SENTENCE]) == SENTENCE
    assert original("Bags come within 40 days.", [bikes, bags]) is None


def test_a_claim_of_many_names_takes_little_time() -> None:
    text = " ".join(f"Name{number} met" for number in range(5000))
    start = time.process_time()
    original(text, [text] * 4)
    assert time.process_time() - start < 3.0
