"""What every metric keeps to, whatever it measures."""

from __future__ import annotations

import math
import random

import pytest

from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.metrics.answer import Matches
from pytest_ragtune.metrics.catalogue import NAMES, metric
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.metrics.relevance import ContextPrecision, ContextRecall
from pytest_ragtune.protocols import Metric
from pytest_ragtune.records import Case, MetricInfo, Passage, Response, Score

RANKING = ["R@5", "P@5", "nDCG@10", "RR", "RR@10", "AP", "Success@5", "Rprec", "SetF", "Bpref"]
RETURNS = Passage("returns.md#1", "Items can be returned within 30 days. Opened items cannot.", "returns.md")
TEAM = Passage("team.md#1", "Anna leads the team. The office is in Lisbon.", "team.md")
ANSWERS = [
    "Items can be returned within 30 days.",
    "Within 45 days, and opened items can be returned.",
    "I don't know.",
    "",
    "Hello! Anna leads the team. Is it so?",
    "- 30 days\n- Lisbon",
    "🙂",
    "你好。30。",
    None,
]
CASES = [
    Case("q1", "How long can I return items?", "30 days", aliases=("a month",), relevant={"returns.md#1": 2}),
    Case("q2", "Who leads the team?", "Anna leads the team.", relevant={"team.md#1": 1, "other.md#1": 1}),
    Case("q3", "What is the price?", answerable=False),
    Case("q4", "", "Yes."),
]
CONTEXTS: list[tuple[Passage, ...]] = [(RETURNS, TEAM), (TEAM,), (), (Passage("c", "---"),)]
RANKINGS: list[list[str] | None] = [["returns.md#1", "team.md#1"], ["x", "team.md#1", "x"], [], None]


def responses(case: Case) -> list[Response]:
    chosen = random.Random(case.id)
    made = [
        Response(
            answer,
            contexts=chosen.choice(CONTEXTS),
            ranking=chosen.choice(RANKINGS),
            prompt_tokens=chosen.choice([None, 100]),
            completion_tokens=chosen.choice([None, 7]),
            seconds=chosen.choice([None, 0.5]),
            error="boom" if answer is None and chosen.random() < 0.5 else None,
        )
        for answer in ANSWERS
        for _ in range(4)
    ]
    return [*made, Response(ANSWERS[0], contexts=(RETURNS, TEAM), ranking=["returns.md#1"], seconds=1.0)]


ASKED = [(case, response) for case in CASES for response in responses(case)]


def all_metrics() -> list[Metric]:
    judge = LexicalJudge()
    named = [metric(name, judge=judge) for name in [*NAMES, *RANKING]]
    return [*named, Matches("30", name="says_30"), Faithfulness(judge, aggregate="min", threshold=0.7)]


def score(one: Metric, asked: list[tuple[Case, Response]]) -> list[Score]:
    return one.score([case for case, _ in asked], [response for _, response in asked])


@pytest.mark.parametrize("one", all_metrics(), ids=lambda one: one.info.identity[:40])
class TestEveryMetric:
    def test_it_is_a_metric_that_says_what_it_is(self, one: Metric) -> None:
        info = one.info
        assert isinstance(one, Metric)
        assert isinstance(info, MetricInfo)
        assert all((info.name, info.identity, info.formula, info.source, info.undefined))
        assert info.name in info.identity
        if info.binary:
            assert (info.low, info.high) == (0.0, 1.0)

    def test_one_score_a_case_within_bounds(self, one: Metric) -> None:
        found = score(one, ASKED)
        assert len(found) == len(ASKED)
        assert any(item.value is not None for item in found)
        for item in found:
            if item.value is None:
                assert item.reason
                continue
            assert math.isfinite(item.value)
            assert one.info.low is None or item.value >= one.info.low
            assert one.info.high is None or item.value <= one.info.high
            assert not one.info.binary or item.value in (0.0, 1.0)

    def test_the_order_of_cases_does_not_matter(self, one: Metric) -> None:
        order = list(range(len(ASKED)))
        random.Random(5).shuffle(order)
        straight, shuffled = score(one, ASKED), score(one, [ASKED[number] for number in order])
        assert shuffled == [straight[number] for number in order]

    def test_the_company_of_a_case_does_not_matter(self, one: Metric) -> None:
        together = score(one, ASKED)
        assert [score(one, [pair])[0] for pair in ASKED] == together

    def test_the_same_again_gives_the_same(self, one: Metric) -> None:
        assert score(one, ASKED) == score(one, ASKED)

    def test_no_case_gives_no_score(self, one: Metric) -> None:
        assert one.score([], []) == []

    def test_lists_of_unequal_length_are_refused(self, one: Metric) -> None:
        with pytest.raises(ValueError, match="got 1 cases and 2 responses: expected one response a case"):
            one.score(CASES[:1], [Response("a"), Response("b")])

    def test_an_error_is_never_scored(self, one: Metric) -> None:
        failed = Response(None, contexts=(RETURNS,), ranking=["returns.md#1"], error="time out")
        found = score(one, [(CASES[0], failed)])
        assert found == [Score(None, "no answer: time out")]


def test_identities_differ_with_kind_and_parameters() -> None:
    judge = LexicalJudge()
    made = [
        *all_metrics(),
        Faithfulness(judge, threshold=0.7),
        ContextPrecision(judge, threshold=0.7),
        ContextRecall(judge, threshold=0.7),
        Matches("31", name="says_30"),
    ]
    identities = [one.info.identity for one in made]
    assert len(set(identities)) == len(identities)


def test_a_judged_metric_names_its_judge_in_its_identity() -> None:
    judge = LexicalJudge()
    for name in ("faithfulness", "answer_relevance", "context_precision", "context_recall"):
        made = metric(name, judge=judge)
        assert judge.identity in made.info.identity
        assert getattr(made, "judge", None) is judge
