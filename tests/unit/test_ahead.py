"""Tests of a function go on while a server judges the cases of those to come."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pytest_ragtune.application import CallablePipeline
from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.metrics.relevance import AnswerRelevance
from pytest_ragtune.records import Case, Evaluation, Prompt, Response
from pytest_ragtune.session import Companions, Session
from pytest_ragtune.store import Store

CASES = [Case(f"c{n}", f"Question number {n}?") for n in range(100)]
PIPELINE = CallablePipeline(
    lambda question: Response(f"{question[:-1]} has an answer.", ["A context."]), name="a", version="1"
)


def together(case: Case) -> Companions:
    return Companions(CASES, "numbers", "f")


class Judge:
    """Counts its calls; answers those about late cases only once it is told to go on."""

    def __init__(self, *, first: int = 100) -> None:
        self.first, self.calls, self.go_on = first, 0, threading.Event()
        self.most = self.now = 0
        self._lock = threading.Lock()

    def __call__(self, prompt: Prompt) -> str:
        with self._lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)
        if int(prompt.user.partition("number ")[2].split()[0].strip("?")) >= self.first:
            assert self.go_on.wait(60)
        with self._lock:
            self.now -= 1
        return (
            '{"passage": 1, "verdict": "supported"}' if "<claim>" in prompt.user else '{"verdict": "answers"}'
        )

    def asked(self) -> PromptedJudge:
        return PromptedJudge(CallableGenerator(self, name="j", version="1", concurrency=8))


def test_the_first_scores_are_there_before_the_last_are_made() -> None:
    judge, told = Judge(first=24), list[Evaluation]()
    session = Session(companions=together, on_evaluation=told.append)
    metric = AnswerRelevance(judge.asked())
    assert session.score_one(metric, session.respond(PIPELINE, CASES[0])).value == 1.0
    assert judge.calls < 100
    assert [list(e.scores) for e in told] == [[]]
    judge.go_on.set()
    values = [session.score_one(metric, session.respond(PIPELINE, case)).value for case in CASES]
    assert values == [1.0] * 100
    assert judge.calls == 100
    assert [(list(e.scores), e.judge_calls) for e in told[1:]] == [(["answer_relevance"], 100)]
    assert told[1].mean("answer_relevance") == 1.0


def test_nothing_of_the_judging_is_left_when_the_last_score_is_there() -> None:
    before = set(threading.enumerate())
    session, metric = Session(companions=together), AnswerRelevance(Judge().asked())
    for case in CASES:
        assert session.score_one(metric, session.respond(PIPELINE, case)).value == 1.0
    left = [t.name for t in set(threading.enumerate()) - before if t.name.startswith("ragtune-parts")]
    assert left == []


def test_a_judge_that_was_changed_is_asked_again() -> None:
    from pytest_ragtune.active import install, uninstall
    from pytest_ragtune.evaluation import score_response

    session, judge = Session(companions=together), Judge()
    asked = judge.asked()

    def provide() -> Session:
        return session

    install(provide)
    try:
        response = session.respond(PIPELINE, CASES[0])
        for version, calls in (("1", 100), ("1", 100), ("2", 200)):
            asked.generator.version = version  # type: ignore[attr-defined]
            assert score_response(response, "answer_relevance", asked).value == 1.0
            session.finish()
            assert judge.calls == calls
    finally:
        uninstall(provide)


def test_two_metrics_share_the_bound_of_one_server() -> None:
    judge = Judge()
    session, asked = Session(companions=together), judge.asked()
    for case in CASES:
        response = session.respond(PIPELINE, case)
        assert session.score_one(Faithfulness(asked), response).value == 1.0
        assert session.score_one(AnswerRelevance(asked), response).value == 1.0
    assert judge.calls == 200
    assert judge.most <= 8


def test_what_no_test_asked_for_is_made_and_told_at_the_end() -> None:
    judge, told = Judge(), list[Evaluation]()
    session = Session(companions=together, on_evaluation=told.append)
    session.score_one(AnswerRelevance(judge.asked()), session.respond(PIPELINE, CASES[0]))
    session.finish()
    session.finish()
    assert judge.calls == 100
    assert [list(e.scores) for e in told] == [[], ["answer_relevance"]]
    assert len(told[1].scores["answer_relevance"]) == 100


def test_what_is_given_up_keeps_what_was_recorded() -> None:
    judge, store = Judge(first=24), Store()
    session = Session(store, companions=together)
    session.score_one(AnswerRelevance(judge.asked()), session.respond(PIPELINE, CASES[0]))
    kept = len(store.records("score"))
    judge.go_on.set()
    session.give_up()
    assert 8 <= kept == len(store.records("score")) < 100
    assert [thread for thread in threading.enumerate() if thread.name.startswith("ragtune-p")] == []


@pytest.mark.parametrize("alone", [True, False])
def test_an_error_of_the_judge_meets_each_test_that_asks(
    alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    score: Callable[..., object] = AnswerRelevance.score

    def broken(self: AnswerRelevance, *arguments: object) -> object:
        score(self, *arguments)
        raise ZeroDivisionError("in the metric")

    monkeypatch.setattr(AnswerRelevance, "score", broken)
    session = Session(companions=together, alone=alone)
    metric = AnswerRelevance(Judge().asked())
    for case in CASES[:2]:
        with pytest.raises(ZeroDivisionError, match="in the metric"):
            session.score_one(metric, session.respond(PIPELINE, case))
    session.finish()
