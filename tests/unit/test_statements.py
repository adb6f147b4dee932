from __future__ import annotations

import pytest

from pytest_ragtune.text import Statement, claims, statements


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The warranty is free. It covers parts.", ["", "The warranty is free."]),
        ("The warranty is free. However, it covers parts only.", ["", "The warranty is free."]),
        ("The warranty is free. Shipping is not.", ["", ""]),
        ("The lamp is red; it is big.", ["", "The lamp is red"]),
        ("It covers parts.", [""]),
        ("Hello! It covers parts.", [""]),
        ("Anna leads the team. She lives in Rome. Her office is large.",
         ["", "Anna leads the team.", "She lives in Rome."]),
        ("You can return items. Within 30 days.", ["", "You can return items."]),
        ("Included:\n- 5 GB storage\n- You get a mug.", ["", ""]),
        ("Italy won. These games took place in Rome.", ["", "Italy won."]),
        ("Item one is here. This.", ["", "Item one is here."]),
    ],
)  # fmt: skip
def test_what_a_claim_refers_to(answer: str, expected: list[str]) -> None:
    found = statements(answer)
    assert [statement.before for statement in found] == expected
    assert [statement.text for statement in found] == claims(answer)


def test_a_fragment_that_opens_an_answer_refers_to_the_question() -> None:
    question = "How long is the warranty?"
    assert statements("Two years.", question) == [Statement("Two years.", question)]
    assert statements("The warranty lasts two years.", question)[0].before == ""
    assert statements("- Two years", question)[0].before == ""


def test_a_long_sentence_is_not_carried_along() -> None:
    answer = f"The warranty covers {'many ' * 80}parts. It is free."
    assert statements(answer)[1].before == ""


def test_the_claim_before_need_not_be_the_sentence_before() -> None:
    found = statements("The warranty is free. Is that good? It covers parts.")
    assert found[1] == Statement("It covers parts.", "The warranty is free.")
