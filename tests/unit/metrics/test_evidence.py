from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from pytest_ragtune.errors import MissingExtra
from pytest_ragtune.metrics.evidence import Evidence, find_evidence, nearest_sentence
from pytest_ragtune.records import Claim, Passage, Support

Pair = tuple[str, str]
A, B = Passage("a", "Cats sleep. Dogs bark loudly."), Passage("b", "Birds fly.")


class Told:
    """A judge that says what a function says, and remembers what it was asked."""

    def __init__(self, function: Callable[[str, str], Support]) -> None:
        self.identity = "told"
        self.calls: list[list[Pair]] = []
        self._function = function

    def support(self, pairs: Sequence[Pair]) -> list[Support]:
        self.calls.append(list(pairs))
        return [self._function(context, claim) for context, claim in pairs]


def test_the_best_passage_and_its_nearest_sentence_are_recorded() -> None:
    judge = Told(lambda context, claim: Support(0.9 if "Dogs" in context else 0.2))
    assert find_evidence(judge, [("Dogs bark", [B, A])]) == [
        Claim("Dogs bark", 0.9, "a", "Dogs bark loudly.")
    ]


def test_the_first_of_equally_good_passages_counts() -> None:
    judge = Told(lambda context, claim: Support(0.5))
    assert find_evidence(judge, [("Dogs bark", [B, A])])[0].passage_id == "b"


def test_all_pairs_go_to_the_judge_in_one_call_and_each_once() -> None:
    judge = Told(lambda context, claim: Support(0.5))
    copy = Passage("c", A.text)
    find_evidence(judge, [("x", [A, B]), ("y", [A]), ("x", [A, B]), ("x", [copy])])
    assert judge.calls == [[(A.text, "x"), (B.text, "x"), (A.text, "y")]]


def test_passages_of_equal_text_keep_their_own_ids() -> None:
    judge = Told(lambda context, claim: Support(0.5))
    copy = Passage("c", A.text)
    found = find_evidence(judge, [("x", [A]), ("x", [copy])])
    assert [claim.passage_id for claim in found] == ["a", "c"]


def test_nothing_asked_is_no_call() -> None:
    judge = Told(lambda context, claim: Support(0.5))
    assert find_evidence(judge, []) == []
    assert judge.calls == []


def test_one_unjudged_passage_leaves_the_claim_unjudged() -> None:
    judge = Told(lambda context, claim: Support(None, "too long") if context == B.text else Support(0.9))
    assert find_evidence(judge, [("x", [A, B])]) == [Claim("x", None, evidence="too long")]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1, 1.1])
def test_what_is_no_probability_is_unjudged(wrong: float) -> None:
    found = find_evidence(Told(lambda context, claim: Support(wrong)), [("x", [A])])
    assert found == [Claim("x", None, evidence=f"the judge gave {wrong!r}, which is no probability")]


def test_an_unjudged_claim_without_a_reason_has_one() -> None:
    found = find_evidence(Told(lambda context, claim: Support(None)), [("x", [A])])
    assert found[0].evidence == "the judge gave no reason"


def test_a_judge_that_raises_leaves_its_claims_unjudged() -> None:
    def fail(context: str, claim: str) -> Support:
        raise KeyError("score")

    found = find_evidence(Told(fail), [("x", [A]), ("y", [A])])
    assert {claim.evidence for claim in found} == {"the judge failed: KeyError: 'score'"}
    assert [claim.probability for claim in found] == [None, None]


def test_a_judge_that_cannot_work_at_all_is_an_error() -> None:
    def fail(context: str, claim: str) -> Support:
        raise MissingExtra("'torch' is not installed")

    with pytest.raises(MissingExtra):
        find_evidence(Told(fail), [("x", [A])])


def test_a_judge_that_loses_pairs_is_an_error() -> None:
    class Short(Told):
        def support(self, pairs: Sequence[Pair]) -> list[Support]:
            return []

    with pytest.raises(ValueError, match="the judge gave 0 opinions on 1 pairs: expected one each"):
        find_evidence(Short(lambda context, claim: Support(1.0)), [("x", [A])])


class Quick(Told):
    """A judge with a way of its own to the best context."""

    def best_support(self, requests: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence]:
        self.calls.append([(claim, "|".join(contexts)) for claim, contexts in requests])
        return [Evidence(Support(0.7), len(contexts) - 1, "this one") for _, contexts in requests]


def test_best_support_is_used_where_a_judge_has_it() -> None:
    judge = Quick(lambda context, claim: Support(0.0))
    found = find_evidence(judge, [("x", [A, B]), ("x", [A, B])])
    assert found == [Claim("x", 0.7, "b", "this one")] * 2
    assert judge.calls == [[("x", f"{A.text}|{B.text}")]]


def test_a_failing_best_support_leaves_its_claims_unjudged() -> None:
    class Broken(Quick):
        def best_support(self, requests: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence]:
            raise RuntimeError("no memory")

    found = find_evidence(Broken(lambda context, claim: Support(0.0)), [("x", [A])])
    assert found == [Claim("x", None, evidence="the judge failed: RuntimeError: no memory")]


def test_nearest_sentence() -> None:
    assert nearest_sentence("A dog barks", A.text) == "Dogs bark loudly."
    assert nearest_sentence("Nothing shared", A.text) == "Cats sleep."
    assert nearest_sentence("x", "") == ""
