from __future__ import annotations

import pytest

from pytest_ragtune.faults.wording import (
    UNSUPPORTED,
    names,
    opposite,
    other_dates,
    other_names,
    other_numbers,
    with_unsupported_sentence,
)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("A deposit of 15 per cent.", "A deposit of 38 per cent."),
        ("It costs 1,250.50 euros.", "It costs 5,250.50 euros."),
        ("Books are lent for four weeks.", "Books are lent for seven weeks."),
        ("Twenty days, then eight.", "Fifty days, then eleven."),
        ("Until 20:00 on 2024-05-01 in 1998.", "Until 20:00 on 2024-05-01 in 1998."),
        ("No figure here.", "No figure here."),
        ("Call A12 or v2.", "Call A12 or v2."),
    ],
)
def test_numbers(text: str, changed: str) -> None:
    assert other_numbers(text) == changed


@pytest.mark.parametrize("number", [*range(200), 999, 1000, 99999])
def test_no_number_stays_what_it_is(number: int) -> None:
    changed = other_numbers(f"It takes {number} days.")
    assert changed != f"It takes {number} days."
    assert len(changed) == len(f"It takes {number} days.")


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("Closed in January, on Mondays too.", "Closed in June, on Mondays too."),
        ("Come on Monday at 20:00.", "Come on Thursday at 23:00."),
        ("Since 1998, on 2024-05-01.", "Since 1905, on 2021-06-01."),
        ("You may come in May.", "You may come in October."),
        ("It takes 15 days.", "It takes 15 days."),
    ],
)
def test_dates(text: str, changed: str) -> None:
    assert other_dates(text) == changed


def test_names_are_swapped_for_others_consistently() -> None:
    text = "Write to Ada Lind, and Ada Lind will ask the Marlpit Desk in May."
    assert names(text) == ["Ada Lind", "Marlpit Desk"]
    swapped = other_names(text, ["Ada Lind", "Bo Frisk"])
    assert swapped == "Write to Bo Frisk, and Bo Frisk will ask the Bo Frisk in May."
    assert "Ada" not in other_names(text)


def test_a_sentence_without_names_stays() -> None:
    assert other_names("Bring it to the desk.") == "Bring it to the desk."


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("It is free.", "It is not free."),
        ("It cannot be renewed.", "It can be renewed."),
        ("You won't pay.", "You will pay."),
        ("They don't pay.", "They do pay."),
        ("It is not free.", "It is free."),
        ("Yes, it can.", "No, it can not."),
        ("No.", "Yes."),
        ("Seven days.", "Seven days."),
    ],
)
def test_the_opposite(text: str, changed: str) -> None:
    assert opposite(text) == changed


def test_an_unsupported_sentence_leaves_opening_and_close() -> None:
    text = "It costs 12 euros. Take care, Marlpit Desk."
    assert with_unsupported_sentence(text) == f"It costs 12 euros. {UNSUPPORTED} Take care, Marlpit Desk."
    assert with_unsupported_sentence("Twelve euros") == f"Twelve euros. {UNSUPPORTED}"
    assert with_unsupported_sentence("") == ""
