from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ragtune.metrics.relevance import (
    AnswerRelevance,
    ContextPrecision,
    ContextRecall,
    average_precision,
)
from pytest_ragtune.records import Case, Claim, Hit, Passage, Response, Score, Support

Pair = tuple[str, str]
CASE = Case("q1", "How long?", reference="It takes 30 days. It is free.")
USEFUL, OTHER = Passage("a#1", "30 days", "a"), Passage("b#1", "cats", "b")
RANKED = (Hit("a#1", 2.0), Hit("b#1", 1.0))


class Words:
    """Yes when the two share a word, no opinion about "odd"; remembers what it was asked."""

    identity = "words"

    def __init__(self) -> None:
        self.support_calls: list[list[Pair]] = []
        self.relevance_calls: list[list[Pair]] = []

    def support(self, pairs: Sequence[Pair]) -> list[Support]:
        self.support_calls.append(list(pairs))
        return [self._one(*pair) for pair in pairs]

    def relevance(self, pairs: Sequence[Pair]) -> list[Support]:
        self.relevance_calls.append(list(pairs))
        return [self._one(*pair) for pair in pairs]

    def _one(self, one: str, other: str) -> Support:
        if "odd" in one + other:
            return Support(None, "odd")
        return Support(0.8 if set(one.lower().split()) & set(other.lower().split()) else 0.1)


def relevance(text: str | None, case: Case = CASE, **fields: object) -> Score:
    return AnswerRelevance(Words()).score([case], [Response(text, **fields)])[0]  # type: ignore[arg-type]


def precision(*contexts: Passage | str, case: Case = CASE, **fields: object) -> Score:
    response = Response("x", **{"contexts": contexts, "ranking": RANKED, **fields})  # type: ignore[arg-type]
    return ContextPrecision(Words()).score([case], [response])[0]


def recall(*contexts: Passage | str, case: Case = CASE, **fields: object) -> Score:
    response = Response("x", **{"contexts": contexts, **fields})  # type: ignore[arg-type]
    return ContextRecall(Words()).score([case], [response])[0]


class TestAnswerRelevance:
    @pytest.mark.parametrize(
        ("text", "case", "expected"),
        [
            ("As long as 30 days", CASE, 0.1),
            ("How so", CASE, 0.8),
            ("I don't know.", CASE, 0.0),
            ("", CASE, 0.0),
            (" ", Case("q", "How?", answerable=False), 0.0),
            ("How so", Case("q", "How now", answerable=False), 0.8),
        ],
    )
    def test_value(self, text: str, case: Case, expected: float) -> None:
        assert relevance(text, case).value == expected

    @pytest.mark.parametrize(
        ("text", "case", "fields", "expected"),
        [
            (None, CASE, {"error": "boom"}, Score(None, "no answer: boom")),
            (None, CASE, {}, Score(None, "no answer was generated")),
            (
                "I don't know.",
                Case("q", "q", answerable=False),
                {},
                Score(None, "the case is unanswerable and the answer a refusal", applicable=False),
            ),
            ("It is.", Case("q", " "), {}, Score(None, "the case has no question")),
            ("odd", CASE, {}, Score(None, "the answer was not judged: odd")),
        ],
    )
    def test_undefined(
        self, text: str | None, case: Case, fields: dict[str, object], expected: Score
    ) -> None:
        assert relevance(text, case, **fields) == expected

    def test_equal_pairs_are_asked_once_in_one_call(self) -> None:
        judge = Words()
        AnswerRelevance(judge).score([CASE] * 3, [Response("a"), Response("b"), Response("a")])
        assert judge.relevance_calls == [[("How long?", "a"), ("How long?", "b")]]


class TestContextPrecision:
    def test_rank_weighted(self) -> None:
        assert precision(USEFUL, OTHER).value == 1.0
        assert precision(OTHER, USEFUL).value == 0.5
        assert precision(OTHER, OTHER).value == 0.0
        assert precision(OTHER, USEFUL, USEFUL).value == pytest.approx((1 / 2 + 2 / 3) / 2)

    def test_a_passage_that_answers_the_question_is_useful_without_a_reference(self) -> None:
        assert precision("cats", "how now", case=Case("q", "How long?")).value == 0.5

    def test_plain_texts_count_in_the_order_given(self) -> None:
        assert precision("cats", "30 days", ranking=None).value == 0.5

    @pytest.mark.parametrize(
        ("contexts", "case", "fields", "expected"),
        [
            (
                (USEFUL,),
                Case("q", "q", answerable=False),
                {},
                Score(None, "the case is unanswerable: no passage is useful", applicable=False),
            ),
            ((USEFUL,), CASE, {"error": "boom"}, Score(None, "no answer: boom")),
            ((), CASE, {}, Score(None, "no context was given")),
            (
                (USEFUL, OTHER),
                CASE,
                {"ranking": None},
                Score(None, "the context was not ranked: a corpus in reading order is not a ranking"),
            ),
            (("odd",), CASE, {}, Score(None, "a passage was not judged: odd")),
        ],
    )
    def test_undefined(
        self, contexts: tuple[Passage | str, ...], case: Case, fields: dict[str, object], expected: Score
    ) -> None:
        assert precision(*contexts, case=case, **fields) == expected

    def test_each_method_is_asked_once(self) -> None:
        judge = Words()
        response = Response("x", contexts=(USEFUL, OTHER), ranking=RANKED)
        ContextPrecision(judge).score([CASE, CASE], [response, response])
        assert [len(call) for call in judge.support_calls] == [4]
        assert [len(call) for call in judge.relevance_calls] == [2]


class TestContextRecall:
    def test_share_of_the_references_claims(self) -> None:
        found = recall("cats sleep", "it is what")
        assert found.value == 1.0
        assert found.claims == (
            Claim("It takes 30 days.", 0.8, "context-2", "it is what"),
            Claim("It is free.", 0.8, "context-2", "it is what"),
        )
        assert recall("takes 5").value == 0.5
        assert recall(OTHER).value == 0.0

    @pytest.mark.parametrize(
        ("contexts", "case", "fields", "expected"),
        [
            (
                (USEFUL,),
                Case("q", "q", reference="x", answerable=False),
                {},
                Score(None, "the case is unanswerable", applicable=False),
            ),
            ((USEFUL,), Case("q", "q"), {}, Score(None, "the case has no reference", applicable=False)),
            (
                (USEFUL,),
                Case("q", "q", reference="Yes."),
                {},
                Score(None, "the reference 'Yes.' claims nothing that a judge could check", applicable=False),
            ),
            ((USEFUL,), CASE, {"error": "boom"}, Score(None, "no answer: boom")),
            ((), CASE, {}, Score(None, "no context was given")),
        ],
    )
    def test_undefined(
        self, contexts: tuple[Passage | str, ...], case: Case, fields: dict[str, object], expected: Score
    ) -> None:
        assert recall(*contexts, case=case, **fields) == expected

    def test_an_unjudged_claim_is_named(self) -> None:
        found = recall("odd")
        assert (found.value, found.reason) == (None, "the claim 'It takes 30 days.' was not judged: odd")

    def test_it_needs_no_answer(self) -> None:
        response = Response(None, contexts=(USEFUL,))
        assert ContextRecall(Words()).score([CASE], [response])[0].value == 0.5


def test_average_precision() -> None:
    assert average_precision([]) == 0.0
    assert average_precision([False, True, False, True]) == pytest.approx((1 / 2 + 2 / 4) / 2)


def test_thresholds_are_part_of_identity_and_checked() -> None:
    for kind in (ContextPrecision, ContextRecall):
        assert kind(Words()).info.identity != kind(Words(), threshold=0.7).info.identity
        with pytest.raises(ValueError, match="expected a probability"):
            kind(Words(), threshold=-1.0)
