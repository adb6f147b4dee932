from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ragtune.text import (
    claims,
    content_words,
    is_claim,
    is_refusal,
    normalise,
    sentences,
    statements,
    without_attribution,
    words,
)
from pytest_ragtune.text.tokens import has_words, stem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat, sat!", "cat sat"),
        ("1,000", "1000"),
        ("1,234,567.50", "1234567.50"),
        ("3.5", "3.5"),
        ("2-3 days", "2 3 days"),
        ("12/05/2024", "12 05 2024"),
        ("$5", "$ 5"),
        ("5 percent", "5 %"),
        ("5%", "5 %"),
        ("don’t", "dont"),
        ("well-known", "wellknown"),
        ("ﬁve", "five"),
        ("STRASSE straße", "strasse strasse"),
        ("", ""),
        ("  \n", ""),
        ("**", "**"),
        ("The", "the"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("one", "other"), [("$5", "5"), ("$5", "€5"), ("3.10", "3.1"), ("35", "3.5"), ("2-3", "23"), ("**", "//")]
)
def test_normalise_keeps_different_numbers_and_operators_apart(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.text())
@example("C:\u0327")
def test_normalise_is_idempotent_and_never_empties_a_text(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert bool(once) == bool(text.strip())


def test_words_keep_numbers_whole() -> None:
    text = "The 1,000 company's users don't pay $3.50 at 10:30 on 12/05."
    expected = ["the", "1000", "company", "users", "don't", "pay", "3.50", "at", "10:30", "on", "12/05"]
    assert words(text) == expected


def test_words_separate_a_number_from_its_unit_and_chinese_characters() -> None:
    assert words("5GB 你好 my_name") == ["5", "gb", "你", "好", "my_name"]


def test_content_words_drop_stop_words_but_keep_negation() -> None:
    assert content_words("You do not have to return the items") == ["not", "return", "item"]


@pytest.mark.parametrize(
    "family",
    [
        "policy policies",
        "return returns returned returning",
        "store stores stored storing",
        "ship ships shipped shipping",
        "pass passes passed passing",
        "box boxes",
        "use uses used using",
        "price prices priced",
        "try tries tried trying",
        "change changes changed changing",
    ],
)
def test_stem_joins_the_forms_of_a_word(family: str) -> None:
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize(
    "pair", ["need new", "bus bu", "string str", "speed spe", "full ful", "status statu"]
)
def test_stem_keeps_different_words_apart(pair: str) -> None:
    one, other = pair.split()
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith paid $3.50. He left.", ["Dr. Smith paid $3.50.", "He left."]),
        ("We close at 5 p.m. The shop is small.", ["We close at 5 p.m.", "The shop is small."]),
        ("We close at 5 p.m. Monday to Friday.", ["We close at 5 p.m. Monday to Friday."]),
        ("See e.g. Figure 2. J. K. Rowling wrote it.", ["See e.g. Figure 2.", "J. K. Rowling wrote it."]),
        ("The answer is no. We tried. No. 5 fits.", ["The answer is no.", "We tried.", "No. 5 fits."]),
        ('He said "Stop." Then he left...', ['He said "Stop."', "Then he left..."]),
        ("Is it so? Yes! It is.", ["Is it so?", "Yes!", "It is."]),
        ("Yahoo! is a name. Version 3.11. is out.", ["Yahoo! is a name.", "Version 3.11. is out."]),
        ("cut into words . like this .", ["cut into words .", "like this ."]),
        ("你好。我很好！", ["你好。", "我很好！"]),
        ("It was cited.[3] Then again.", ["It was cited.[3]", "Then again."]),
        ("The U.S. Army came. U.S. It is.", ["The U.S. Army came.", "U.S.", "It is."]),
        ("wait... what", ["wait... what"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_sentences_of_lists_headings_tables_and_wrapped_lines() -> None:
    text = (
        "# Returns. Policy\nA wrapped line that is long enough to be one\nand goes on. Next.\n\n"
        "Steps\n1. Open it. Wait.\n2. Close it\n- a\n* b\n| c. D | e |\r\nEnd"
    )
    assert sentences(text) == [
        "# Returns. Policy",
        "A wrapped line that is long enough to be one\nand goes on.",
        "Next.",
        "Steps",
        "1. Open it.",
        "Wait.",
        "2. Close it",
        "- a",
        "* b",
        "| c. D | e |",
        "End",
    ]


def test_sentences_leave_lines_of_code_whole() -> None:
    text = "Do this:\n```python\nx = 1. + 2\n\nprint(x). Y\n```\n>>> f(a. B)\nDone."
    expected = ["Do this:", "```python", "x = 1. + 2", "print(x). Y", "```", ">>> f(a. B)", "Done."]
    assert sentences(text) == expected


_SPACES = ["- ", "\n", "\n\n", " ", "# "]
_PIECES = st.sampled_from([*_SPACES, "Dr.", "e.g.", "3.5", "1.", "It", "is", *"?!()|。….", '"', "```"])


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join), st.lists(_PIECES).map(" ".join)))
def test_sentences_lose_no_character_but_space(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence and sentence == sentence.strip() for sentence in found)


@given(st.one_of(st.text(), st.lists(_PIECES).map(" ".join)))
def test_any_text_has_claims_words_and_a_verdict_on_refusal(text: str) -> None:
    assert all(words(claim) for claim in claims(text))
    assert is_refusal(text) in (True, False)
    assert all(words(text) for _ in content_words(text))


@given(st.text(st.sampled_from("aZ9_,.'’` 一é℃½\u0301-")))
@example("1,000 of them, don't _count_ ann's")
@example("__")
@example("℃")
def test_words_of_plain_text_are_found_as_those_of_any_other(text: str) -> None:
    """What is left out for speed changes nothing: one character beyond ASCII turns all of it on."""
    assert words(f"{text} é") == [*words(text), "é"]
    assert has_words(text) == bool(words(text))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            "Hi there! Thanks for reaching out. You can return items within 30 days, and you will get "
            "a refund. Keep the receipt. Hope this helps!\nKind regards,\nThe Team",
            ["You can return items within 30 days", "you will get a refund.", "Keep the receipt."],
        ),
        (
            "The plan includes:\n- 5 GB storage\n- Phone support\n- You get a free mug.\nDo you need more?",
            ["The plan includes: 5 GB storage", "The plan includes: Phone support", "You get a free mug."],
        ),
        ("Here are the steps:\n1. **Open the app**\n2. Press start", ["Open the app", "Press start"]),
        ("It is red; it is big; it is heavy.", ["It is red", "it is big", "it is heavy."]),
        (
            "The tea and milk are free, but the cake costs $5.",
            ["The tea and milk are free", "the cake costs $5."],
        ),
        ("He came, and left.", ["He came, and left."]),
        ("If it is open, you pay, and we keep it.", ["If it is open, you pay, and we keep it."]),
        ('He said "it is so, and it is good".', ['He said "it is so, and it is good".']),
        ("It (the box is red, and it is big) fell.", ["It (the box is red, and it is big) fell."]),
        ("# Returns\n30 days", ["30 days"]),
        ("It costs 5. It costs 5. It costs  5!", ["It costs 5."]),
        ("I think so. Maybe not. Yes. It depends.", []),
        ("I don't know. Please contact support.", ["Please contact support."]),
        ("Do you want it? What is it?", []),
        ("...", []),
        ("", []),
    ],
)
def test_claims(answer: str, expected: list[str]) -> None:
    assert claims(answer) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Hello!",
        "Dear customer,",
        "Good morning Anna,",
        "Thank you for contacting us.",
        "Is it 5?",
        "Let me know if you have any other questions.",
        "If you need anything else, feel free to ask.",
        "Have a nice day!",
        "Certainly!",
        "Sorry for the inconvenience.",
        "Sorry for the 3 day delay.",
        "Sorry to hear that your bike is broken.",
        "Sorry that you waited in vain.",
        "We are really sorry that the B6 code came back.",
        "Sorry about the damage.",
        "Thank you, we are glad the visit went well.",
        "Thank you, that is lovely to hear.",
        "I'm not sure.",
        "No.",
        "🙂",
        "Sure, I can answer your question based on the provided document.",
        "If you have any other questions, I will do my best to provide helpful and accurate information.",
        "Please note that these figures are based on the document provided and may not be up to date.",
        "Note that this answer is based solely on the passages above.",
        "Yes, based on the provided document.",
    ],
)
def test_small_talk_is_no_claim(sentence: str) -> None:
    assert not is_claim(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "30 days",
        "Thank you notes cost $2.",
        "Welcome packs ship on Monday.",
        "No refunds.",
        "Regards from Paris is a film.",
        "Sorry that the fee is 25 euros.",
        "We are glad that 30 days are enough.",
        "We are glad that returns are free of charge.",
        "We are happy to see that shipping costs nothing.",
        "Sorry that returns are not possible.",
        "Sorry for the delay, the fee is 25 euros.",
        "It is good to charge the pack.",
        "Sorry, the Lantern has two years of cover.",
        "I can answer your question: it is 5 euros.",
        "If you need more than 5 GB, you can upgrade.",
        "If you have a receipt, we will be happy to exchange it for free.",
        "Note that this information is based on the document and refunds are free.",
        "Please note that the fee is based on the weight of the parcel.",
        "Based on the provided document, tea is hot.",
    ],
)
def test_short_statements_are_claims(sentence: str) -> None:
    assert is_claim(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Based on the provided document, tea is hot.",
        "Based on the document you provided, tea is hot.",
        "Based solely on the information given, tea is hot.",
        "According to the context, tea is hot.",
        "Yes, according to the passages above, tea is hot.",
        "Based on the search results, it appears that tea is hot.",
        "From the text, we can see that tea is hot.",
        "As mentioned in the provided context, tea is hot.",
        "In the context of the article, tea is hot.",
        "The passage clearly states that tea is hot.",
        "The information provided in the documents indicates that tea is hot.",
        "tea is hot, according to the handbook.",
        "tea is hot (as stated in the document).",
        "tea is hot, as proposed in the article.",
        "However, the text says that tea is hot.",
        "No, according to the handbook, tea is hot.",
    ],
)
def test_what_only_names_the_given_text_is_no_part_of_a_statement(sentence: str) -> None:
    assert without_attribution(sentence).rstrip(".") == "tea is hot"


@pytest.mark.parametrize(
    "sentence",
    [
        "According to NASA, tea is hot.",
        "According to the quark model, the force is mediated by mesons.",
        "Based on the Guardian article, sales fell.",
        "The document describes how tea is made.",
        "The passage states that.",
        "Data on the text is stored in the document.",
        "According to the document",
        "No information in the document indicates that tea is hot.",
        "No provided document states that tea is hot.",
        "The bike is not as described in the manual.",
        "The policy is the same as amended in the document.",
        "The film is based on the text.",
        "The decision was based on the information provided.",
        "Assemble the bike according to the manual.",
        "The results are in the context file.",
        "",
    ],
)
def test_a_named_source_and_a_sentence_about_the_text_stay(sentence: str) -> None:
    assert without_attribution(sentence) == sentence


@pytest.mark.parametrize("rest", ["it seems to be closed.", "you can see a doctor.", "it seems closed."])
def test_what_looks_like_a_hedge_behind_the_source_stays(rest: str) -> None:
    assert without_attribution(f"Based on the text, {rest}") == rest


def test_a_single_word_is_an_answer_too() -> None:
    assert without_attribution("Paris, according to the document.") == "Paris."


def test_a_claim_that_opens_with_the_source_still_refers_back() -> None:
    found = statements("The lamp is red. According to the document, it costs 5 euros.")
    assert found[1].before == "The lamp is red."


REFUSALS = """I don't know.
I don’t know
Sorry, I do not know the answer to that question.
I'm sorry, but I cannot find this in the handbook. Please contact support.
We could not find that in our handbook.
The provided context does not mention parking.
The context does not contain any information about parking.
Not in the context.
not mentioned in the provided documents
There is no information about that in the handbook.
I cannot answer this question based on the provided context.
The handbook does not say.
Unanswerable
Unfortunately, the passages don't specify the price. You could ask the team at help@x.org.
The document does not provide information about the specific method of forecasting.
I could not find any information on parking.
This question cannot be answered from the given text.
It is not specified in the document.
I am not sure.
I'm not sure about that. Please check with support.
We don't have information about that.
There isn't enough information to answer the question.
The answer is not in the handbook.
No information is available about parking in the handbook.
None of the passages mention the opening hours.
Based on the context, there is no information about parking.
I'm afraid I can't help with that.
The text doesn't state who founded the company. It only covers returns and shipping.
I do not have access to that information.
Our handbook does not cover this, so please write to support.
As an AI language model, I don't have information about that.
The question asks about parking. The context does not mention it.
I ca n't answer that .
Hello! Thanks for asking. I do not know. Have a nice day!
We do not know that. You will have an answer within a day. Take care, Marlpit Desk.
We do not know that and will answer by the next working day. Take care, Marlpit Desk.
I don't know. We will get back to you as soon as we know.
The handbook does not say. Your question has been passed on to our team. Kind regards. The Desk Team
I'm sorry, I don't know that. A colleague will be in touch within two working days. Best regards, Anna
We don't have information about that. We have forwarded your question to the team and will reply soon.
Hello! We do not know that. I will look into it and let you know by tomorrow. We appreciate your patience.
I cannot answer this question. We apologise for any inconvenience. We are happy to help with other questions.
Unfortunately we do not know that. Someone from our team will write to you shortly. Take care."""

ANSWERS = """You cannot return opened items.
The warranty does not cover water damage.
There is no fee.
If you cannot find your order number, contact us.
No information is shared with third parties.
You cannot find the serial number on the box; it is under the lid.
The context manager does not provide a return value.
We do not know your password; only you can reset it.
There is no information desk in the lobby.
I don't know the exact date, but returns take 30 days.
I am not sure, but I think it is 30 days.
I am not sure but it is in Italy.
I don't know. Returns take 30 days.
Returns are not accepted after 30 days.
Batteries are not included.
It is not possible to change the address.
Refunds are not available for gift cards.
Customers who do not know their size can order two.
The function does not return anything.
We do not have a shop in Berlin.
I cannot recommend the blue one.
No.
Yes, you can.
Do you know the answer?
Delivery is not included in the price.
The text does not wrap by default.
The store is not in the city centre.
The delivery takes 3 days. I don't know about weekends.
We are unable to ship to islands.
Unknown callers are blocked.
An unknown name raises NameError.
We cannot give refunds for opened items.
The parcel could not be delivered.
Your data is not given to anyone.
I could find the answer in the handbook: 30 days.
There is no evidence that it helps.
I don't know the time. You will have a refund within a day.
We do not know that. We will send a replacement within five days. Take care, Marlpit Desk.
I do not know the exact date. You will get your parcel by Friday.
We do not know that. We will check the brakes at the first service. Take care, Marlpit Desk.
I don't know about Sundays. Our team will answer calls until eight in the evening.
You will have an answer within a day. Take care, Marlpit Desk.
We do not know that. Take care, it gets hot. The limit is 40 degrees.
I do not know why. Take care. Battery is hot."""


@pytest.mark.parametrize("text", REFUSALS.split("\n"))
def test_refusals(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize("text", [*ANSWERS.split("\n"), "", "  "])
def test_answers_are_no_refusals(text: str) -> None:
    assert not is_refusal(text)


@pytest.mark.parametrize(
    "piece",
    [
        "as a ",
        "that ",
        "sorry ",
        "no information ",
        "a.",
        "(",
        "Mr. ",
        "please just ",
        ", and it is so",
        "It; ",
        "'It is a; ",
    ],
)
def test_a_looping_generator_is_read_in_linear_time(piece: str) -> None:
    text = "not " + piece * 4000
    start = time.process_time()
    is_refusal(text)
    claims(text)
    sentences(text)
    assert time.process_time() - start < 3.0
