from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from pytest_ragtune.metrics.ranking import EXAMPLES, RankingMetric
from pytest_ragtune.records import Case, Hit, Response, Score

CASE = Case("q1", "How long?", relevant={"a": 1, "b": 2})


def value(name: str, ranking: Sequence[Hit | str], case: Case = CASE) -> float | None:
    return RankingMetric(name).score([case], [Response(None, ranking=ranking)])[0].value


@pytest.mark.parametrize(
    ("name", "ranking", "expected"),
    [
        ("R@5", ["a", "x", "y"], 0.5),
        ("R@2", ["x", "y", "a", "b"], 0.0),
        ("R@5", ["a", "b"], 1.0),
        ("P@5", ["a", "x", "b"], 2 / 5),
        ("P@1", ["a"], 1.0),
        ("RR", ["x", "y", "z", "b"], 0.25),
        ("RR@2", ["x", "y", "a"], 0.0),
        ("RR@10", ["x", "a"], 0.5),
        ("AP", ["x", "a", "y", "b"], (1 / 2 + 2 / 4) / 2),
        ("Success@1", ["x", "a"], 0.0),
        ("Success@2", ["x", "a"], 1.0),
        ("Rprec", ["a", "x", "b"], 0.5),
        ("P(rel=2)@2", ["a", "b"], 0.5),
        ("nDCG@10", ["a", "b"], (1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3))),
        ("nDCG@1", ["a", "b"], 0.5),
        ("SetP", ["a", "b", "c", "d"], 0.5),
        ("SetR", ["a", "c"], 0.5),
        ("SetF", ["a", "c"], 0.5),
        ("nDCG@10", [], 0.0),
        ("RR@10", [], 0.0),
        ("Bpref", [], 0.0),
    ],
)
def test_value(name: str, ranking: list[str], expected: float) -> None:
    assert value(name, ranking) == pytest.approx(expected)


@pytest.mark.parametrize("grade", [101, 10**9, 1.5])
def test_a_grade_that_trec_eval_cannot_hold_is_unscored(grade: int) -> None:
    case = Case("q", "q", relevant={"a": grade, "b": 1})
    [score] = RankingMetric("nDCG@10").score([case], [Response(None, ranking=["a", "b"])])
    assert score.value is None
    assert score.applicable
    assert score.reason == f"the grade of passage 'a' is {grade}: expected a whole number of at most 100"


def test_bpref_compares_with_judged_non_relevant_passages() -> None:
    case = Case("q", "q", relevant={"a": 1, "n": 0})
    assert value("Bpref", ["x", "a", "n"], case) == 1.0
    assert value("Bpref", ["n", "a"], case) == 0.0


def test_the_given_order_holds_whatever_the_scores() -> None:
    tied = [Hit("x", 0.0), Hit("z", 0.0), Hit("a", 0.0)]
    assert value("RR", tied) == pytest.approx(1 / 3)
    assert value("RR", [Hit("a", -5.0), Hit("x", 99.0)]) == 1.0
    assert value("RR@10", tied) == pytest.approx(1 / 3)


def test_long_rankings_keep_their_order() -> None:
    ranking = [f"p{number}" for number in range(20_000)] + ["a"]
    assert value("RR", ranking) == pytest.approx(1 / 20_001)


def test_a_passage_that_comes_twice_counts_where_it_comes_first() -> None:
    assert value("P@3", ["a", "a", "b"]) == pytest.approx(2 / 3)
    assert value("RR", ["x", "x", "a"]) == 0.5


def test_a_ranking_shorter_than_the_cutoff_is_scored_as_trec_eval_does() -> None:
    assert value("P@5", ["a", "b"]) == pytest.approx(2 / 5)
    assert value("R@5", ["a"]) == 0.5


def test_every_undefined_state_has_its_reason() -> None:
    cases = [
        CASE,
        Case("q2", "q"),
        Case("q3", "q", answerable=False),
        CASE,
        Case("q4", "q", relevant={"a": 0}),
    ]
    responses = [
        Response("whole corpus"),
        Response(None, ranking=["a"]),
        Response(None, ranking=["a"]),
        Response(None, ranking=["a"], error="boom"),
        Response(None, ranking=["a"]),
    ]
    assert RankingMetric("R@5").score(cases, responses) == [
        Score(None, "nothing was ranked: the whole corpus, or no context at all, is not a ranking"),
        Score(None, "the case has no relevant passage", applicable=False),
        Score(None, "the case is unanswerable", applicable=False),
        Score(None, "no answer: boom"),
        Score(None, "the case has no relevant passage", applicable=False),
    ]


def test_unscored_cases_do_not_shift_the_others() -> None:
    cases = [CASE, Case("q2", "q"), CASE]
    responses = [Response(None, ranking=[name]) for name in ("x", "a", "a")]
    found = [score.value for score in RankingMetric("Success@1").score(cases, responses)]
    assert found == [0.0, None, 1.0]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_parses_and_keeps_its_name(name: str) -> None:
    assert RankingMetric(name).info.name == name
    assert RankingMetric(name).info.binary is name.startswith("Success")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MRR@10", "ranking metric 'MRR@10' is not known: did you mean 'RR@10'? Examples: R@5, P@5, nDCG@10"),
        ("recall@5", "did you mean 'R@5'?"),
        ("NDCG@10", "did you mean 'nDCG@10'?"),
        ("Hit@3", "did you mean 'Success@3'?"),
        ("zzz", "ranking metric 'zzz' is not known: Examples: R@5, P@5"),
        ("R", "ranking metric 'R' cannot be computed: expected a form such as 'R@5'"),
        ("P@0", "cannot be computed: expected a form such as 'P@5'"),
        ("R@x", "cannot be computed"),
        ("R@", "cannot be computed"),
        ("R@-1", "cannot be computed"),
        ("R@5 ", "cannot be computed"),
        ("RR@0", "cannot be computed: expected a form such as 'RR'"),
        ("nDCG(colour=1)@5", "cannot be computed"),
        ("", "is not known"),
    ],
)
def test_a_name_that_is_not_understood(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        RankingMetric(name)
    assert message in str(caught.value)
