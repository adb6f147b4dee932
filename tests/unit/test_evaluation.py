from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ragtune.context import Retrieved, WholeCorpus
from pytest_ragtune.errors import GoldenSetError
from pytest_ragtune.evaluation import evaluate, score_response
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.pipeline import Pipeline
from pytest_ragtune.records import Case, Evaluation, GoldenSet, MetricInfo, Response, Score
from pytest_ragtune.retrieval.bm25 import BM25Retriever
from pytest_ragtune.store import Store

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture(scope="module")
def tiny() -> GoldenSet:
    return load_golden_set(FIXTURES / "tiny")


def parrot(golden_set: GoldenSet) -> Pipeline:
    """Answers with the first line that it is shown."""
    generator = ScriptedGenerator(lambda prompt: prompt.user.splitlines()[2])
    return Pipeline("parrot", Retrieved(golden_set.corpus, BM25Retriever(golden_set.corpus), k=3), generator)


def always(context: str, claim: str) -> float:
    return 1.0


def test_every_case_has_a_response_and_a_score(tiny: GoldenSet) -> None:
    names = ["R@5", "token_f1", "abstention", "faithfulness", "tokens"]
    evaluation = evaluate(parrot(tiny), tiny, names, store=Store())
    assert list(evaluation.scores) == names
    assert [response.case for response in evaluation.responses] == list(tiny.cases)
    assert all(len(scores) == len(tiny.cases) for scores in evaluation.scores.values())
    assert (evaluation.pipeline, evaluation.golden_set) == ("parrot", "tiny")
    assert evaluation.fingerprint == tiny.fingerprint
    assert (evaluation.model_calls, evaluation.replayed) == (12, 0)
    assert sum(not score.applicable for score in evaluation.scores["R@5"]) == 2
    assert evaluation.mean("R@5") == pytest.approx(0.8, abs=0.2)
    assert 0.0 < (evaluation.mean("token_f1") or 0.0) < 1.0


def test_more_metrics_cost_no_more_answers(tiny: GoldenSet, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    first = evaluate(parrot(tiny), tiny, ["R@5"], store=path)
    second = evaluate(parrot(tiny), tiny, ["R@5", "token_f1"], store=path)
    assert (first.model_calls, second.model_calls, second.replayed) == (12, 0, 12)
    assert second.scores["R@5"] == first.scores["R@5"]


def test_the_same_run_twice_gives_the_same_evaluation(tiny: GoldenSet) -> None:
    first, second = (evaluate(parrot(tiny), tiny, ["R@5", "faithfulness"], store=Store()) for _ in range(2))
    assert without_times(first) == without_times(second)


def without_times(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, responses=tuple(replace(r, seconds=None) for r in evaluation.responses))


def test_a_folder_a_retriever_and_a_function_will_do(tiny: GoldenSet) -> None:
    ranked = evaluate(BM25Retriever(tiny.corpus), FIXTURES / "tiny", ["R@5"], store=Store())
    assert (ranked.pipeline, ranked.model_calls) == ("bm25", 0)
    asked = evaluate(str.upper, tiny, ["abstention"], store=Store())
    assert (asked.pipeline, asked.model_calls) == ("upper", 12)


def test_the_whole_corpus_is_no_ranking(tiny: GoldenSet) -> None:
    pipeline = Pipeline("long", WholeCorpus(tiny.corpus), ScriptedGenerator({}, default="yes"))
    evaluation = evaluate(pipeline, tiny, ["R@5"], store=Store())
    assert evaluation.mean("R@5") is None
    answerable = [s for s, case in zip(evaluation.scores["R@5"], tiny.cases, strict=True) if case.answerable]
    assert all(score.applicable and "ranking" in score.reason for score in answerable)


def test_a_judge_is_counted_and_its_opinions_are_kept(tiny: GoldenSet) -> None:
    judge, store = ScriptedJudge(always), Store()
    first = evaluate(parrot(tiny), tiny, ["faithfulness"], judge=judge, store=store)
    calls = judge.calls
    assert first.judge_calls == 12
    assert calls > 0
    second = evaluate(parrot(tiny), tiny, ["faithfulness"], judge=judge, store=store)
    assert (second.judge_calls, judge.calls) == (0, calls)
    assert second.scores == first.scores


@pytest.mark.parametrize(
    ("metrics", "message"),
    [([], "no metric was given"), ("R@5", "expected a list such as"), (["R@5", "R@5"], "more than once")],
)
def test_wrong_metrics_are_refused(tiny: GoldenSet, metrics: Sequence[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(parrot(tiny), tiny, metrics)


def test_no_case_is_refused(tiny: GoldenSet) -> None:
    with pytest.raises(ValueError, match="has no case left to ask"):
        evaluate(parrot(tiny), tiny.select(tags=["nonsense"]), ["R@5"])


def test_what_is_no_pipeline_is_refused(tiny: GoldenSet) -> None:
    with pytest.raises(TypeError, match="expected a pipeline, a retriever, or a function"):
        evaluate(42, tiny, ["R@5"])  # type: ignore[arg-type]


def test_a_broken_golden_set_is_refused() -> None:
    with pytest.raises(GoldenSetError, match="10 problems"):
        evaluate(str.upper, FIXTURES / "broken" / "many-problems", ["abstention"])


def test_a_metric_that_loses_cases_is_refused(tiny: GoldenSet) -> None:
    class Loses:
        info = MetricInfo("loses", "loses", "", "", "")

        def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
            return [Score(1.0)]

    with pytest.raises(ValueError, match="loses returned 1 scores for 12 cases"):
        evaluate(parrot(tiny), tiny, [Loses()], store=Store())


def test_one_response_can_be_scored(tiny: GoldenSet) -> None:
    response = Response("The fee is 12 euros.", contexts=["The fee is 12 euros a year."], case=tiny.cases[0])
    assert score_response(response, "faithfulness", ScriptedJudge(always)).value == 1.0
    assert score_response(Response("x", contexts=["x"]), "R@5").value is None
