from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ragtune.application import CallablePipeline
from pytest_ragtune.context import Retrieved
from pytest_ragtune.errors import StoreError
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge, ScriptedRetriever
from pytest_ragtune.pipeline import Batch, Pipeline
from pytest_ragtune.records import (
    Case,
    Claim,
    Corpus,
    Evaluation,
    Generation,
    MetricInfo,
    Passage,
    Prompt,
    Response,
    Score,
)
from pytest_ragtune.session import Companions, Session
from pytest_ragtune.store import Store

CASES = [Case(f"c{n}", f"question {n}?", relevant={"d#1": 1}) for n in range(70)]
CORPUS = Corpus((Passage("d#1", "one", "d"), Passage("d#2", "two", "d")), {"d": "one two"}, "f")


def first_five(case: Case) -> Companions | None:
    return Companions(CASES[:5], "numbers", "f") if case in CASES[:5] else None


def echo(prompt: Prompt) -> str:
    return f"answer to {prompt.user}"


def pipeline(generator: ScriptedGenerator) -> Pipeline:
    retriever = ScriptedRetriever({case.question: ["d#2", "d#1"] for case in CASES}, CORPUS)
    return Pipeline("scripted", Retrieved(CORPUS, retriever, k=1), generator)


def half(context: str, claim: str) -> float:
    return 0.5


class Judged:
    """A metric whose judge is counted."""

    def __init__(self, judge: ScriptedJudge) -> None:
        self.judge = judge
        self.info = MetricInfo("judged", f"judged {judge.identity}", "", "", "")

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        opinions = self.judge.support(
            [(r.text or "", c.question) for c, r in zip(cases, responses, strict=True)]
        )
        return [Score(o.probability, o.reason, (Claim("c", o.probability, "d#1", "one"),)) for o in opinions]


def test_answers_come_back_in_order_and_are_recorded(tmp_path: Path) -> None:
    generator = ScriptedGenerator(echo)
    first = Session(Store(tmp_path / "store.sqlite3")).ask(pipeline(generator), CASES)
    assert [r.case for r in first.responses] == CASES
    assert (first.computed, first.replayed, generator.calls) == (70, 0, 70)
    again = Session(Store(tmp_path / "store.sqlite3")).ask(pipeline(generator), CASES)
    assert (again.computed, again.replayed, generator.calls) == (0, 70, 70)
    assert again.responses == first.responses


def test_only_what_is_missing_is_asked() -> None:
    generator = ScriptedGenerator(echo)
    session = Session()
    session.ask(pipeline(generator), CASES[10:20])
    outcome = session.ask(pipeline(generator), CASES[:40])
    assert (outcome.computed, outcome.replayed, generator.calls) == (30, 10, 40)


def test_equal_questions_are_asked_once_and_keep_their_cases() -> None:
    generator = ScriptedGenerator(echo)
    twins = [Case("a", "same?"), Case("b", "same?")]
    responses = Session().ask(Pipeline("p", None, generator), twins).responses
    assert generator.calls == 1
    assert [r.case.id for r in responses if r.case] == ["a", "b"]


def test_finished_batches_survive_an_interruption(tmp_path: Path) -> None:
    class Interrupted(ScriptedGenerator):
        def generate(self, prompts: Sequence[Prompt]) -> list[object]:  # type: ignore[override]
            if self.calls >= 32:
                raise KeyboardInterrupt
            return list(super().generate(prompts))

    store = Store(tmp_path / "store.sqlite3")
    with pytest.raises(KeyboardInterrupt):
        Session(store).ask(pipeline(Interrupted(echo)), CASES)
    assert len(store.records("response")) == 32
    generator = ScriptedGenerator(echo)
    outcome = Session(store).ask(pipeline(generator), CASES)
    assert (outcome.computed, outcome.replayed, generator.calls) == (38, 32, 38)


def test_an_error_is_not_recorded() -> None:
    generator = ScriptedGenerator({"question 1?": "one"})
    session = Session()
    first = session.ask(pipeline(generator), CASES[:3])
    assert [r.error is None for r in first.responses] == [False, True, False]
    assert session.ask(pipeline(generator), CASES[:3]).replayed == 1


def test_a_store_that_cannot_be_written_fails_before_the_work(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_text("garbage" * 100, encoding="utf-8")
    generator = ScriptedGenerator(echo)
    with pytest.raises(StoreError):
        Session(Store(path)).ask(pipeline(generator), CASES)
    assert generator.calls == 0


def test_companions_are_answered_together() -> None:
    generator = ScriptedGenerator(echo)
    session = Session(companions=first_five)
    responses = [session.respond(pipeline(generator), case) for case in CASES[:5]]
    assert generator.calls == 5
    assert [r.case for r in responses] == CASES[:5]
    assert session.respond(pipeline(generator), CASES[0]) is responses[0]
    session.respond(pipeline(generator), CASES[60])
    assert generator.calls == 6


def test_responses_answered_together_are_scored_together() -> None:
    session = Session(companions=first_five)
    judge = ScriptedJudge(lambda context, claim: 0.5)
    response = session.respond(pipeline(ScriptedGenerator(echo)), CASES[2])
    assert session.score_one(Judged(judge), response).value == 0.5
    assert judge.calls == 5
    session.score_one(Judged(judge), session.respond(pipeline(ScriptedGenerator(echo)), CASES[3]))
    assert judge.calls == 5
    session.score_one(Judged(judge), Response("other", case=CASES[2]))
    assert judge.calls == 6


def test_what_is_asked_one_by_one_is_reported_as_one_evaluation() -> None:
    told: list[Evaluation] = []
    session = Session(companions=first_five, on_evaluation=told.append)
    asked = pipeline(ScriptedGenerator(echo))
    for case in CASES[:5]:
        session.score_one(Judged(ScriptedJudge(half)), session.respond(asked, case))
    assert [(e.golden_set, e.pipeline, e.model_calls, e.judge_calls, list(e.scores)) for e in told] == [
        ("numbers", "scripted", 5, 0, []),
        ("numbers", "scripted", 0, 5, ["judged"]),
    ]
    assert told[1].mean("judged") == 0.5


def test_what_a_generator_notes_of_an_answer_reaches_the_report() -> None:
    told: list[Evaluation] = []
    session = Session(companions=first_five, on_evaluation=told.append)

    class Cut(ScriptedGenerator):
        def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
            return [
                replace(g, note="cut off") if "3" in (g.text or "") else g for g in super().generate(prompts)
            ]

    notes = [session.respond(pipeline(Cut(echo)), case).note for case in CASES[:5]]
    assert notes == ["", "", "", "cut off", ""]
    assert [evaluation.notes for evaluation in told] == [("cut off",)]


def test_judgements_are_recorded_but_not_those_that_failed() -> None:
    def unsure(context: str, claim: str) -> float | None:
        return None if "7" in claim else 0.25

    store = Store()
    responses = Session(store).ask(pipeline(ScriptedGenerator(echo)), CASES[:10]).responses
    scores, calls = Session(store).score(Judged(ScriptedJudge(unsure)), CASES[:10], responses)
    assert calls == 10
    again, calls = Session(store).score(Judged(ScriptedJudge(unsure)), CASES[:10], responses)
    assert calls == 1
    assert again == scores
    assert [s.value is None for s in scores].index(True) == 7


def test_an_application_without_version_is_remembered_for_the_session_only(tmp_path: Path) -> None:
    asked: list[str] = []

    def application(question: str) -> str:
        asked.append(question)
        return question

    store = Store(tmp_path / "store.sqlite3")
    session = Session(store)
    for _ in range(2):
        session.ask(CallablePipeline(application), CASES[:3])
    assert len(asked) == 3
    Session(store).ask(CallablePipeline(application), CASES[:3])
    assert len(asked) == 6
    assert store.records("response") == []


def test_a_fresh_closure_is_another_application_and_is_not_asked_ahead() -> None:
    def make(suffix: str) -> Callable[[str], str]:
        return lambda question: question + suffix

    session = Session(companions=first_five)
    assert session.respond(CallablePipeline(make("a")), CASES[0]).text == "question 0?a"
    assert session.respond(CallablePipeline(make("b")), CASES[0]).text == "question 0?b"


def test_a_function_seen_before_is_asked_ahead_unless_others_run_the_same_tests() -> None:
    asked: list[str] = []

    def application(question: str) -> str:
        asked.append(question)
        return question

    for alone, expected in ((True, 5), (False, 2)):
        asked.clear()
        session = Session(companions=first_five, alone=alone)
        for case in CASES[:2]:
            session.respond(CallablePipeline(application), case)
        assert len(asked) == expected


def test_progress_is_told_batch_by_batch() -> None:
    told: list[tuple[int, int, str]] = []
    session = Session(progress=lambda *step: told.append(step))
    session.ask(pipeline(ScriptedGenerator(echo)), CASES)
    assert told == [(n, 70, "scripted") for n in (0, 32, 64, 70)]


def test_a_generator_plans_its_own_batches() -> None:
    class Planner(ScriptedGenerator):
        def plan(self, prompts: Sequence[Prompt]) -> list[list[int]]:
            return [[2, 0], [1]]

    class Spy(Pipeline):
        def run(self, cases: Sequence[Case]) -> Iterator[Batch]:
            for batch in super().run(cases):
                seen.append([position for position, _ in batch])
                yield batch

    seen: list[list[int]] = []
    outcome = Session().ask(Spy("p", None, Planner(echo)), CASES[:3])
    assert seen == [[2, 0], [1]]
    assert [r.text for r in outcome.responses] == [f"answer to question {n}?" for n in range(3)]
