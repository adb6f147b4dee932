from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_ragtune import assert_faithful
from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.records import Case, Claim, Passage, Response, Score, Support

CASE = Case("q1", "How long?")
PASSAGE = Passage("returns.md#1", "Items can be returned within 30 days. Shipping costs 5 euros.")


class ByWord:
    """Supports a claim by the number in it: "claim 7" is supported with 0.7; counts its calls."""

    identity = "by-word"

    def __init__(self) -> None:
        self.calls = 0

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        self.calls += 1
        return [self._one(claim) for _, claim in pairs]

    def _one(self, claim: str) -> Support:
        digit = next((character for character in claim if character.isdigit()), None)
        return Support(None, "no digit") if digit is None else Support(int(digit) / 10)


def score(text: str | None, metric: Faithfulness | None = None, case: Case = CASE, **fields: Any) -> Score:
    response = Response(text, **{"contexts": (PASSAGE,), **fields})
    return (metric or Faithfulness(ByWord())).score([case], [response])[0]


def test_the_share_of_supported_claims() -> None:
    found = score("It costs 9. It weighs 5. It lasts 2.")
    assert found.value == pytest.approx(2 / 3)
    assert [(claim.text, claim.probability) for claim in found.claims] == [
        ("It costs 9.", 0.9),
        ("It weighs 5.", 0.5),
        ("It lasts 2.", 0.2),
    ]


def test_threshold_and_aggregate() -> None:
    text = "It costs 9. It weighs 5. It lasts 2."
    assert score(text, Faithfulness(ByWord(), threshold=0.6)).value == pytest.approx(1 / 3)
    assert score(text, Faithfulness(ByWord(), threshold=0.0)).value == 1.0
    assert score(text, Faithfulness(ByWord(), aggregate="min")).value == 0.2


def test_evidence_with_the_lexical_judge() -> None:
    other = Passage("other.md#1", "We like cats.")
    response = Response("Items can be returned within 30 days.", contexts=(other, PASSAGE))
    (found,) = Faithfulness(LexicalJudge()).score([CASE], [response])
    assert found.value == 1.0
    (claim,) = found.claims
    assert (claim.passage_id, claim.evidence) == ("returns.md#1", "Items can be returned within 30 days.")


def test_a_wrong_number_is_not_supported() -> None:
    found = score("Items can be returned within 45 days.", Faithfulness(LexicalJudge()))
    assert found.value == 0.0
    assert found.claims[0].evidence == "Items can be returned within 30 days."


@pytest.mark.parametrize(
    ("text", "case", "fields", "expected"),
    [
        (None, CASE, {"error": "boom"}, Score(None, "no answer: boom")),
        (None, CASE, {}, Score(None, "no answer was generated")),
        ("", CASE, {}, Score(None, "no claim to judge")),
        ("Hello! How are you?", CASE, {}, Score(None, "no claim to judge")),
        ("I don't know.", CASE, {}, Score(None, "the answer is a refusal: no claim to judge")),
        (
            "I don't know.",
            Case("q", "q", answerable=False),
            {},
            Score(None, "the answer is a refusal: no claim to judge", applicable=False),
        ),
        ("It costs 9.", CASE, {"contexts": ()}, Score(None, "no context was given")),
        ("It costs 9.", CASE, {"contexts": (" ",)}, Score(None, "no context was given")),
    ],
)
def test_undefined(text: str | None, case: Case, fields: dict[str, Any], expected: Score) -> None:
    assert score(text, None, case, **fields) == expected


def test_an_answer_to_an_unanswerable_case_is_scored() -> None:
    assert score("It costs 9.", case=Case("q", "q", answerable=False)).value == 1.0


@pytest.mark.parametrize("aggregate", ["mean", "min"])
def test_one_unjudged_claim_leaves_the_whole_score_undefined_and_is_named(aggregate: str) -> None:
    metric = Faithfulness(ByWord(), aggregate=aggregate)  # type: ignore[arg-type]
    found = score("It costs 9. It is red.", metric)
    assert found.value is None
    assert found.applicable
    assert found.reason == "the claim 'It is red.' was not judged: no digit"
    assert found.claims[1] == Claim("It is red.", None, evidence="no digit")


def test_all_cases_are_judged_in_one_call() -> None:
    judge = ByWord()
    responses = [Response(f"It costs {number}.", contexts=(PASSAGE,)) for number in range(5)]
    found = Faithfulness(judge).score([CASE] * 5, responses)
    assert judge.calls == 1
    assert [item.value for item in found] == [0.0, 0.0, 0.0, 0.0, 0.0]
    assert [item.claims[0].probability for item in found] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_identity_holds_judge_and_parameters() -> None:
    judge = ByWord()
    made = [Faithfulness(judge), Faithfulness(judge, threshold=0.6), Faithfulness(judge, aggregate="min")]
    made.append(Faithfulness(LexicalJudge()))
    assert len({metric.info.identity for metric in made}) == 4
    assert made[0].info.identity == "faithfulness/2(aggregate='mean', judge='by-word', threshold=0.5)"


def test_bad_parameters() -> None:
    with pytest.raises(ValueError, match=r"threshold is 1\.5: expected a probability between 0 and 1"):
        Faithfulness(ByWord(), threshold=1.5)
    with pytest.raises(ValueError, match="aggregate is 'max': expected 'mean' or 'min'"):
        Faithfulness(ByWord(), aggregate="max")  # type: ignore[arg-type]


def test_what_is_no_judge_is_refused_in_words() -> None:
    class Nameless:
        def support(self, pairs: Any) -> list[Any]:
            return []

    with pytest.raises(
        ValueError, match="faithfulness needs a judge with a method 'support', and object has"
    ):
        Faithfulness(object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="an identity, and Nameless has none: give it a property 'identity'"):
        Faithfulness(Nameless())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs a judge with a method 'support', and object has none"):
        assert_faithful(Response("It is.", contexts=["It is."]), 0.5, judge=object())  # type: ignore[arg-type]


def test_whole_corpus_contexts_are_judged_in_seconds() -> None:
    topics = ["returns", "refunds", "shipping", "warranty", "billing", "accounts", "privacy", "delivery"]
    passages = tuple(
        Passage(
            f"d#{number}",
            " ".join(
                f"The {topics[(number + step) % 8]} of plan {number} take {step} days in zone {number % 13}."
                for step in range(7)
            ),
        )
        for number in range(100)
    )
    cases = [Case(f"q{number}", "How long?") for number in range(130)]
    responses = [
        Response(f"Plan {n} is here. The refunds take {n % 7} days. The zone is {n}.", contexts=passages)
        for n in range(130)
    ]
    start = time.process_time()
    found = Faithfulness(LexicalJudge()).score(cases, responses)
    assert time.process_time() - start < 5.0
    assert all(len(item.claims) == 3 for item in found)
