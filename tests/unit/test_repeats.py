"""Several answers a case, several judgements an answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_ragtune.baseline import baseline_of
from pytest_ragtune.checks import at_least
from pytest_ragtune.evaluation import evaluate
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.judges.majority import MajorityJudge
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.pipeline import Pipeline, retrieval_pipeline
from pytest_ragtune.records import Case, Generation, GoldenSet, MetricInfo, Prompt, Response, Score, Support
from pytest_ragtune.repeats import components_of
from pytest_ragtune.replay import ReplayMiss, ReplayStore
from pytest_ragtune.reporting.summary import SummaryRow, summarise
from pytest_ragtune.reporting.table import summary_lines
from pytest_ragtune.retrieval.bm25 import BM25Retriever
from pytest_ragtune.session import Session
from pytest_ragtune.store import Store

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture(scope="module")
def tiny() -> GoldenSet:
    return load_golden_set(FIXTURES / "tiny")


class Sampled:
    """Answers ``seed <n>``: what a generator that samples would differ in."""

    def __init__(self, seed: int = 0, asked: list[int] | None = None) -> None:
        self.seed, self.asked = seed, [] if asked is None else asked
        self.identity = f"sampled, seed {seed}"

    def with_seed(self, seed: int) -> Sampled:
        return Sampled(self.seed + seed, self.asked)

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        self.asked += [self.seed] * len(prompts)
        return [Generation(f"The answer of seed {self.seed}.") for _ in prompts]


class Fickle:
    """A judge whose opinion depends on its seed."""

    def __init__(self, seed: int = 0, asked: list[int] | None = None) -> None:
        self.seed, self.asked = seed, [] if asked is None else asked
        self.identity = "fickle"

    def with_seed(self, seed: int) -> Fickle:
        return Fickle(self.seed + seed, self.asked)

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [Support(1.0) for _ in pairs]

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        self.asked += [self.seed] * len(pairs)
        return [Support(random.Random(f"{self.seed} {pair}").random()) for pair in pairs]


def test_each_repeat_is_drawn_and_recorded_by_itself(tiny: GoldenSet) -> None:
    store, generator = Store(), Sampled()
    pipeline = Pipeline("sampled", None, generator)
    first = evaluate(pipeline, tiny, ["token_f1"], store=store)
    assert (first.model_calls, generator.asked) == (12, [0] * 12)
    more = evaluate(pipeline, tiny, ["token_f1"], store=store, repeats=3)
    assert (more.model_calls, more.replayed, more.repeats) == (24, 12, 3)
    assert generator.asked == [0] * 12 + [1] * 12 + [2] * 12
    assert [response.text for response in more.responses[::12]] == [
        f"The answer of seed {seed}." for seed in range(3)
    ]
    assert {record.parts["repeat"] for record in store.records("response")} == {0, 1, 2}
    again = evaluate(pipeline, tiny, ["token_f1"], store=store, repeats=3)
    assert (again.model_calls, again.replayed, again.scores) == (0, 36, more.scores)


def test_repeats_are_one_case_to_a_check_and_a_baseline(tiny: GoldenSet) -> None:
    class Parity:
        info = MetricInfo("parity", "parity/1", "", "", "", binary=True)

        def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
            return [Score(float("1" in (r.text or ""))) for r in responses]

    evaluation = evaluate(Pipeline("sampled", None, Sampled()), tiny, [Parity()], store=Store(), repeats=4)
    verdict = at_least(evaluation, "parity", 0.25)
    assert (verdict.n, verdict.value, verdict.outcome) == (12, 0.25, "pass")
    assert {case.scores["parity"] for case in baseline_of(evaluation).cases.values()} == {0.25}
    assert evaluation.mean("parity") == 0.25
    assert summarise(evaluation).cases == 12


def test_a_case_with_an_unscored_repeat_is_unscored(tiny: GoldenSet) -> None:
    class Sometimes:
        info = MetricInfo("sometimes", "sometimes/1", "", "", "")

        def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
            bad = cases[0].id
            return [
                Score(None, "lost") if case.id == bad and "seed 1" in (r.text or "") else Score(1.0)
                for case, r in zip(cases, responses, strict=True)
            ]

    evaluation = evaluate(Pipeline("sampled", None, Sampled()), tiny, [Sometimes()], store=Store(), repeats=2)
    verdict = at_least(evaluation, "sometimes", 0.5)
    assert (verdict.outcome, verdict.unscored, verdict.n) == ("fail", 1, 11)
    components = components_of(evaluation, "sometimes")
    assert components is not None
    assert components.n == 11


def test_judgements_are_drawn_and_recorded_by_themselves(tiny: GoldenSet) -> None:
    store, judge = Store(), Fickle()
    pipeline = Pipeline("sampled", None, ScriptedGenerator({}, default="Yes, on Monday."))
    once = evaluate(pipeline, tiny, ["answer_relevance"], judge=judge, store=store)
    judged = once.judge_calls
    three = evaluate(pipeline, tiny, ["answer_relevance"], judge=judge, store=store, judge_repeats=3)
    assert three.judge_calls == 2 * judged
    assert set(judge.asked) == {0, 1, 2}
    scores = [score for score in three.scores["answer_relevance"] if score.value is not None]
    assert scores
    for score in scores:
        assert len(set(score.judgements)) == 3
        assert score.value == pytest.approx(sum(score.judgements) / 3)
    assert [s.judgements[0] for s in scores] == [
        s.value for s in once.scores["answer_relevance"] if s.value is not None
    ]
    again = evaluate(pipeline, tiny, ["answer_relevance"], judge=judge, store=store, judge_repeats=3)
    assert (again.judge_calls, again.scores) == (0, three.scores)


def test_equal_answers_are_judged_by_draws_of_their_own(tiny: GoldenSet) -> None:
    class Same(Sampled):
        def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
            return [Generation("Yes, on Monday.") for _ in prompts]

        def with_seed(self, seed: int) -> Same:
            return self

    judge = Fickle()
    evaluation = evaluate(
        Pipeline("same", None, Same()),
        tiny,
        ["answer_relevance"],
        judge=judge,
        store=Store(),
        repeats=2,
        judge_repeats=2,
    )
    assert set(judge.asked) == {0, 1, 2, 3}
    components = components_of(evaluation, "answer_relevance")
    assert components is not None
    assert components.generation is not None
    assert components.judgement is not None
    assert components.judgement > components.generation
    assert components.judgement == pytest.approx(1 / 12, rel=0.5)


def test_the_report_says_what_to_spend_on(tiny: GoldenSet) -> None:
    evaluation = evaluate(
        Pipeline("sampled", None, Sampled()),
        tiny,
        ["answer_relevance", "token_f1"],
        judge=Fickle(),
        store=Store(),
        repeats=2,
        judge_repeats=3,
    )
    row = SummaryRow.from_json(summarise(evaluation).to_json())
    assert row == summarise(evaluation)
    text = "\n".join(summary_lines([row], width=120))
    assert "spread of sampled answer_relevance over tiny: 12 cases x 2 answers x 3 judgements" in text
    assert "spend on" in text
    assert "with twice the judgements" in text
    assert "spread of sampled token_f1 over tiny: 10 cases x 2 answers\n" in text
    assert "between generations (with judgements)" in text


def test_without_repeats_nothing_is_said(tiny: GoldenSet) -> None:
    pipeline = Pipeline("sampled", None, Sampled())
    row = summarise(evaluate(pipeline, tiny, ["token_f1"], store=Store()))
    assert row.spread == {}
    assert "spread" not in "\n".join(summary_lines([row]))


def test_a_repeat_that_is_not_recorded_is_named(tiny: GoldenSet, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    pipeline = Pipeline("sampled", None, Sampled())
    evaluate(pipeline, tiny, ["token_f1"], store=path, repeats=2)
    session = Session(ReplayStore(path, "only"))
    assert session.ask(pipeline, tiny.cases, 1).replayed == 12
    with pytest.raises(ReplayMiss, match=r"repeat 2 of it is not recorded, only \[0, 1\]"):
        session.ask(pipeline, tiny.cases, 2)


@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_wrong_numbers_are_refused(tiny: GoldenSet, value: int) -> None:
    pipeline = Pipeline("sampled", None, Sampled())
    with pytest.raises(ValueError, match=r"^repeats is .*: expected a whole number, at least 1"):
        evaluate(pipeline, tiny, ["token_f1"], store=Store(), repeats=value)
    with pytest.raises(ValueError, match=r"judge_repeats is .*: expected a whole number, at least 1"):
        evaluate(pipeline, tiny, ["token_f1"], store=Store(), judge_repeats=value)


def test_repeating_the_same_is_refused(tiny: GoldenSet) -> None:
    greedy = ScriptedGenerator({}, default="yes")
    greedy.is_deterministic = True  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="repeats is 2, but greedy gives the same answer each time"):
        evaluate(Pipeline("greedy", None, greedy), tiny, ["token_f1"], store=Store(), repeats=2)
    ranked = retrieval_pipeline(BM25Retriever(tiny.corpus), "bm25")
    with pytest.raises(ValueError, match="bm25 gives the same answer each time"):
        evaluate(ranked, tiny, ["R@5"], store=Store(), repeats=2)
    with pytest.raises(ValueError, match="no metric has a judge that could say something else"):
        evaluate(
            Pipeline("sampled", None, Sampled()),
            tiny,
            ["faithfulness"],
            judge=LexicalJudge(),
            store=Store(),
            judge_repeats=2,
        )


def test_judges_pass_seeds_on() -> None:
    judge = PromptedJudge(Sampled(), repeats=2)
    assert not judge.is_deterministic
    assert judge.with_seed(3).generator.identity == "sampled, seed 6"
    fixed = PromptedJudge(ScriptedGenerator({}))
    assert fixed.with_seed(3) is fixed
    both = MajorityJudge([judge, LexicalJudge()])
    assert not both.is_deterministic
    assert both.with_seed(1).judges[0].generator.identity == "sampled, seed 2"
    assert MajorityJudge([LexicalJudge(), LexicalJudge()]).is_deterministic
    assert not MajorityJudge([LexicalJudge(), ScriptedJudge(lambda context, claim: 1.0)]).is_deterministic
