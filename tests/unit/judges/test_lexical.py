from __future__ import annotations

import pytest

from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.records import Support

CONTEXT = (
    "Our returns policy is simple. Opened items cannot be returned after 30 days. "
    "Anna Smith leads the team in Lisbon. Standard delivery costs 4.90 euros."
)


def support(claim: str, context: str = CONTEXT) -> float:
    (opinion,) = LexicalJudge().support([(context, claim)])
    assert opinion.probability is not None
    return opinion.probability


@pytest.mark.parametrize(
    "claim",
    [
        "Opened items cannot be returned after 30 days.",
        "Delivery costs 4.90 euros",
        "Anna Smith leads the team",
        "The team is led by Anna Smith in Lisbon.",
        "returning opened items after thirty days cannot be",
    ],
)
def test_what_the_context_says_is_supported(claim: str) -> None:
    assert support(claim) >= 0.5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Delivery costs 4.90 euros", "Delivery costs 5.90 euros"),
        ("Opened items cannot be returned after 30 days", "Opened items cannot be returned after 60 days"),
        ("Opened items cannot be returned after 30 days", "Opened items cannot be returned after two weeks"),
    ],
)
def test_a_wrong_number_halves_the_probability_or_worse(right: str, wrong: str) -> None:
    assert support(wrong) <= support(right) / 2
    assert support(wrong) < 0.5


def test_a_wrong_name_or_a_negation_on_one_side_lowers_the_probability() -> None:
    assert support("Bruno Smith leads the team") < support("Anna Smith leads the team")
    assert support("Anna Smith doesn't lead the team") < support("Anna Smith leads the team") - 0.2
    said, unsaid = "Opened items cannot be returned", "Opened items can be returned"
    assert support(unsaid) < support(said)


def test_unrelated_claims_are_not_supported() -> None:
    assert support("The moon landing happened under Nixon") < 0.2


def test_the_first_of_equal_contexts_and_its_best_sentence() -> None:
    judge = LexicalJudge()
    contexts = ["Cats sleep.", "Birds. Dogs bark.", "Dogs bark. Birds."]
    (found,) = judge.best_support([("Dogs bark", contexts)])
    assert (found.context, found.sentence) == (1, "Dogs bark.")
    assert [found.support] == judge.support([(contexts[1], "Dogs bark")])


def test_best_support_equals_the_best_of_support() -> None:
    judge = LexicalJudge()
    contexts = [CONTEXT, "Delivery is free.", "", "Anna. Smith. Lisbon 30.", CONTEXT[::-1]]
    for claim in ("Delivery costs 4.90", "Anna leads", "It is not free", "30 days", "x"):
        (found,) = judge.best_support([(claim, contexts)])
        opinions = [o.probability for o in judge.support([(context, claim) for context in contexts])]
        assert found.support.probability == max(value or 0.0 for value in opinions)


def test_what_cannot_be_judged() -> None:
    judge = LexicalJudge()
    assert judge.support([(CONTEXT, "🙂"), ("", "Dogs bark")]) == [
        Support(None, "the claim has no words"),
        Support(0.0, "the context has no words"),
    ]
    assert judge.best_support([("Dogs", [])])[0].context is None
    assert judge.relevance([("?", "yes"), ("Who?", "")]) == [
        Support(None, "the question has no words"),
        Support(0.0, "the answer has no words"),
    ]


def relevance(question: str, answer: str) -> float:
    (opinion,) = LexicalJudge().relevance([(question, answer)])
    assert opinion.probability is not None
    return opinion.probability


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("How long does delivery take?", "Delivery takes 3 days.", "Our team is in Lisbon."),
        ("How long does delivery take?", "Delivery takes 3 days.", "Delivery takes some time."),
        ("How long does delivery take?", "3 days", "Lisbon"),
        ("Who leads the team?", "The team is led by Anna.", "The team is led well."),
        ("Who leads the team?", "Anna Smith", "nobody said so"),
        ("What year was it founded?", "1998", "long ago"),
    ],
)
def test_relevance_prefers_what_was_asked_for(question: str, better: str, worse: str) -> None:
    assert relevance(question, better) > relevance(question, worse)


def test_a_short_answer_of_the_kind_asked_for_is_relevant() -> None:
    assert relevance("How long does delivery take?", "3 days") >= 0.5
    assert relevance("Who leads the team?", "Anna Smith") >= 0.5


def test_a_context_of_a_hundred_thousand_words() -> None:
    context = "The quick brown fox jumps over the lazy dog near the river. " * 8_000 + "The code is 4711."
    (found,) = LexicalJudge().best_support([("The code is 4711", [context])])
    assert found.sentence == "The code is 4711."
    assert (found.support.probability or 0.0) >= 0.5
