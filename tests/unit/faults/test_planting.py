"""A session that plants faults: what it asks, what it keeps, what it records."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ragtune.application import CallablePipeline
from pytest_ragtune.context import Retrieved, WholeCorpus
from pytest_ragtune.evaluation import evaluate
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge, ScriptedRetriever
from pytest_ragtune.faults import Cell, Ledger, Matrix, PlantedSession, faults_named
from pytest_ragtune.faults.planting import Reask
from pytest_ragtune.metrics.answer import TokenF1
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.metrics.ranking import RankingMetric
from pytest_ragtune.pipeline import Pipeline, retrieval_pipeline
from pytest_ragtune.protocols import Metric
from pytest_ragtune.records import Case, Corpus, Evaluation, Passage, Prompt, Response
from pytest_ragtune.session import Session
from pytest_ragtune.store import Store

PASSAGES = tuple(Passage(f"d#{n}", f"Fact {n}.", "d") for n in range(1, 5))
CORPUS = Corpus(PASSAGES, {"d": ""}, "f")
CASES = [
    Case("a", "First?", "Fact 1.", relevant={"d#1": 1}),
    Case("b", "Other?", "Fact 2.", relevant={"d#4": 1}),
]
RETRIEVER = ScriptedRetriever({"First?": ["d#1", "d#2", "d#3"], "Other?": ["d#2", "d#3"]}, CORPUS)


def parrot(prompt: Prompt) -> str:
    return next((line for line in prompt.user.splitlines() if line.startswith("Fact")), "Nothing.")


def rag(generator: ScriptedGenerator) -> Pipeline:
    return Pipeline("rag", Retrieved(CORPUS, RETRIEVER, k=1), generator)


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator(parrot)


def agrees(context: str, claim: str) -> float:
    return 1.0 if claim in context else 0.0


class World:
    """A base session, watched once, then with faults in it."""

    def __init__(self, metric: Metric | None = None) -> None:
        self.heard: list[Evaluation] = []
        self.base = Session(Store(), judge=lambda: ScriptedJudge(agrees), on_evaluation=self.heard.append)
        self.ledger = Ledger()
        self.metric = metric or TokenF1()

    def watch(self, pipeline: Pipeline | CallablePipeline) -> None:
        session = PlantedSession(self.base, self.ledger)
        with self.ledger.owned_by("test", "function"):
            responses = session.ask(pipeline, CASES).responses
            session.score(self.metric, CASES, responses)

    def plant(
        self, name: str, pipeline: Pipeline | CallablePipeline, reask: Reask = "yes"
    ) -> tuple[list[Response], PlantedSession]:
        self.ledger.forget()
        session = PlantedSession(self.base, self.ledger, faults_named([name])[0], reask=reask)
        with self.ledger.owned_by("test", "function"):
            return session.ask(pipeline, CASES).responses, session


def texts(responses: Sequence[Response]) -> list[str | None]:
    return [response.text for response in responses]


def test_only_what_the_fault_touches_is_asked_again(generator: ScriptedGenerator) -> None:
    world, pipeline = World(), rag(generator)
    world.watch(pipeline)
    assert generator.calls == 2
    responses, _ = world.plant("drop_gold", pipeline)
    assert texts(responses) == ["Fact 2.", "Fact 2."]
    assert generator.calls == 3
    assert world.ledger.of("test").planted == 1
    assert not world.ledger.of("test").kept
    assert texts(world.plant("drop_gold", pipeline)[0]) == texts(responses)
    assert generator.calls == 3


def test_the_sound_answers_stay_what_they_are(generator: ScriptedGenerator) -> None:
    world, pipeline = World(), rag(generator)
    world.watch(pipeline)
    world.plant("drop_gold", pipeline)
    world.plant("empty_answer", pipeline)
    assert texts(world.base.ask(pipeline, CASES).responses) == ["Fact 1.", "Fact 2."]
    assert generator.calls == 3


@pytest.mark.parametrize(
    ("reask", "calls", "kept"), [("no", 2, True), ("ranked", 3, False), ("yes", 3, False)]
)
def test_answers_may_be_kept(generator: ScriptedGenerator, reask: Reask, calls: int, kept: bool) -> None:
    world, pipeline = World(), rag(generator)
    world.watch(pipeline)
    responses, _ = world.plant("drop_gold", pipeline, reask)
    assert generator.calls == calls
    assert world.ledger.of("test").kept is kept
    assert [p.id for p in responses[0].contexts] == ["d#2"]
    assert texts(responses)[0] == ("Fact 1." if kept else "Fact 2.")


@pytest.mark.parametrize(("reask", "calls"), [("ranked", 2), ("yes", 4)])
def test_a_whole_corpus_is_no_ranking(generator: ScriptedGenerator, reask: Reask, calls: int) -> None:
    world, pipeline = World(), Pipeline("whole", WholeCorpus(CORPUS), generator)
    world.watch(pipeline)
    responses, _ = world.plant("truncate_context", pipeline, reask)
    assert generator.calls == calls
    assert [len(response.contexts) for response in responses] == [1, 1]


def test_where_only_the_ranking_counts_nobody_is_asked(generator: ScriptedGenerator) -> None:
    world, pipeline = World(RankingMetric("RR")), rag(generator)
    world.watch(pipeline)
    responses, _ = world.plant("reverse_ranking", pipeline)
    assert generator.calls == 2
    assert not world.ledger.of("test").kept
    assert [hit.passage_id for hit in responses[0].ranking or ()] == ["d#3", "d#2", "d#1"]
    bare = retrieval_pipeline(RETRIEVER, "bare")
    world.watch(bare)
    assert (
        world.plant("drop_gold", bare)[0][0].ranking == world.plant("drop_gold", rag(generator))[0][0].ranking
    )


def test_a_single_response_brings_its_companions(generator: ScriptedGenerator) -> None:
    from pytest_ragtune.session import Companions

    world, pipeline = World(), rag(generator)
    world.base.companions = lambda case: Companions(CASES, "numbers", "f")
    clean = PlantedSession(world.base, world.ledger)
    with world.ledger.owned_by("a", "function"):
        clean.respond(pipeline, CASES[0])
    with world.ledger.owned_by("b", "function"):
        clean.respond(pipeline, CASES[1])
    assert [case.id for asked in world.ledger.of("b").asked for case in asked.cases] == ["b"]
    fault = faults_named(["drop_gold"])[0]
    assert world.ledger.of("a").can_hold(fault)
    assert not world.ledger.of("b").can_hold(fault)
    world.ledger.forget()
    planted = PlantedSession(world.base, world.ledger, fault)
    with world.ledger.owned_by("a", "function"):
        assert planted.respond(pipeline, CASES[0]).text == "Fact 2."
    with world.ledger.owned_by("b", "function"):
        planted.respond(pipeline, CASES[1])
    assert (world.ledger.of("a").planted, world.ledger.of("b").planted) == (1, 0)


def test_an_application_made_anew_is_asked_once() -> None:
    asked: list[str] = []

    def app() -> CallablePipeline:
        def answer(question: str) -> str:
            asked.append(question)
            return f"It is 12. {question}"

        return CallablePipeline(answer)

    world = World()
    world.watch(app())
    responses, _ = world.plant("swap_numbers", app())
    assert len(asked) == 2
    assert texts(responses) == ["It is 32. First?", "It is 32. Other?"]


def test_what_a_judge_says_under_a_fault_is_not_recorded(generator: ScriptedGenerator) -> None:
    judge = ScriptedJudge(agrees)
    world, pipeline = World(Faithfulness(judge)), rag(generator)
    world.watch(pipeline)
    calls = judge.calls
    responses, session = world.plant("judge_down", pipeline)
    with world.ledger.owned_by("test", "function"):
        scores, _ = session.score(world.metric, CASES, responses)
        single = session.score_one(world.metric, responses[0])
    assert [score.value for score in scores] == [None, None]
    assert "cannot be reached" in scores[0].reason
    assert single.value is None
    assert world.ledger.of("test").planted >= 1
    sound, _ = world.base.score(world.metric, CASES, responses)
    assert [score.value for score in sound] == [1.0, 1.0]
    assert judge.calls == calls


def test_the_default_judge_is_replaced_too() -> None:
    world = World()
    session = PlantedSession(world.base, world.ledger, faults_named(["judge_yes"])[0])
    with world.ledger.owned_by("test", "function"):
        assert session.judge.support([("a", "b")])[0].probability == 1.0
    assert world.ledger.of("test").planted == 1
    assert world.base.judge.support([("a", "b")])[0].probability == 0.0


def test_a_store_of_its_own_keeps_the_fault_in_force(
    generator: ScriptedGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_ragtune import active
    from pytest_ragtune.records import GoldenSet

    world, pipeline = World(), rag(generator)
    world.watch(pipeline)
    session = PlantedSession(world.base, world.ledger, faults_named(["empty_answer"])[0])
    monkeypatch.setattr(active, "_providers", [lambda: session])
    golden_set = GoldenSet("g", tuple(CASES), CORPUS, "f")
    evaluation = evaluate(pipeline, golden_set, ["token_f1"], store=Store())
    assert texts(evaluation.responses) == ["", ""]
    assert world.heard == []


def test_cells_of_a_test_that_runs_once_a_case_are_joined() -> None:
    missed, caught, error, none = (
        Cell("missed", kept=True),
        Cell("caught", "x"),
        Cell("error", "y"),
        Cell("n/a", "z"),
    )
    assert Cell.joined([none, missed, caught]) == Cell("caught", "x", True)
    assert Cell.joined([none, missed, error]) == Cell("error", "y", True)
    assert Cell.joined([none, missed]) == missed
    assert Cell.joined([none]) == none
    with pytest.raises(ValueError, match="no cell"):
        Cell.joined([])


def test_a_fault_that_could_be_planted_nowhere_is_not_caught() -> None:
    cells = {("slow", "t"): Cell("n/a"), ("drop_gold", "t"): Cell("caught")}
    matrix = Matrix(("t",), {"drop_gold": "a", "slow": "b"}, cells, ("slow", "drop_gold", "judge_down"))
    assert matrix.uncaught == ["slow"]
