"""A budget stops before the batch that would exceed it; what is finished stays."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_ragtune import active
from pytest_ragtune.application import CallablePipeline
from pytest_ragtune.budget import BudgetError, BudgetMeter, Ledger, Spent, read_budget
from pytest_ragtune.calls.asking import asking
from pytest_ragtune.calls.running import run
from pytest_ragtune.evaluation import evaluate
from pytest_ragtune.fakes import ScriptedGenerator
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.pipeline import Pipeline
from pytest_ragtune.prices import Price, estimate, price_of, read_prices
from pytest_ragtune.records import Generation, GoldenSet, Prompt, Response
from pytest_ragtune.store import Store

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture(scope="module")
def tiny() -> GoldenSet:
    return load_golden_set(FIXTURES / "tiny")


class InFours(ScriptedGenerator):
    """Asks for batches of four; 10 tokens read and 5 written a prompt."""

    model = "small"
    max_new_tokens = 20

    def plan(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        return [list(range(at, min(at + 4, len(prompts)))) for at in range(0, len(prompts), 4)]

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        self.calls += len(prompts)
        return [Generation("Yes, on Monday.", 10, 5, 0.0) for _ in prompts]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [4 for _ in texts]  # and 16 for the chat template


@contextmanager
def budget(limits: Mapping[str, float], prices: Mapping[str, Price] | None = None) -> Iterator[BudgetMeter]:
    meter = BudgetMeter(limits, prices or {}, Ledger(None, "run"))
    active.meter_with(meter)
    try:
        yield meter
    finally:
        active.meter_no_more(meter)


def test_calls_stop_before_the_batch_that_would_exceed_them(tiny: GoldenSet) -> None:
    generator, store = InFours({}), Store()
    pipeline = Pipeline("small", None, generator)
    with budget({"calls": 10}) as meter:
        first = evaluate(pipeline, tiny, ["token_f1"], store=store)
    assert generator.calls == 8
    assert meter.ledger.spent().calls == 8
    assert first.model_calls == 8, "what was not asked is no call"
    errors = [r.error for r in first.responses if r.error]
    assert (
        errors
        == ["not asked: the next batch needs up to 4 calls, 8 calls of 10 calls are spent (ragtune_budget)"]
        * 4
    )
    unscored = [s.reason for s in first.scores["token_f1"] if s.value is None and s.applicable]
    assert unscored
    assert all("not asked: the next batch needs" in reason for reason in unscored)
    assert len(store.records("response")) == 8
    again = evaluate(pipeline, tiny, ["token_f1"], store=store)
    assert (again.replayed, again.model_calls, generator.calls) == (8, 4, 12)


def test_a_budget_that_lasts_changes_nothing(tiny: GoldenSet) -> None:
    with budget({"calls": 12, "tokens": 12 * 40}) as meter:
        evaluation = evaluate(Pipeline("small", None, InFours({})), tiny, ["token_f1"], store=Store())
    assert not [r.error for r in evaluation.responses if r.error]
    assert meter.ledger.spent() == Spent(12, 12 * 15, 0)


def test_tokens_are_held_back_at_their_most_and_charged_as_they_were(tiny: GoldenSet) -> None:
    generator = InFours({})
    with budget({"tokens": 4 * 40 + 4 * 15 - 1}) as meter:  # the second batch could need 4 * (20 + 20)
        evaluate(Pipeline("small", None, generator), tiny, ["token_f1"], store=Store())
    assert generator.calls == 4
    assert meter.ledger.spent().tokens == 4 * 15


def test_money_by_the_price_table(tiny: GoldenSet) -> None:
    generator, prices = InFours({}), read_prices(["small = 1000 2000"])
    assert prices["small"].of(10, 5) == pytest.approx(0.02)
    with budget({"money": 0.35}, prices) as meter:  # a batch: 4 * 0.06 at most, 4 * 0.02 really
        evaluate(Pipeline("small", None, generator), tiny, ["token_f1"], store=Store())
    assert generator.calls == 8
    assert meter.ledger.spent().money == pytest.approx(0.16)


def test_an_unknown_price_names_the_line_to_add(tiny: GoldenSet) -> None:
    generator = InFours({})
    with (
        budget({"money": 1}, read_prices(["large = 1 2"])),
        pytest.raises(
            BudgetError, match=r"(?s)the price of 'small' is unknown.*ragtune_prices =\s+small = INPUT"
        ),
    ):
        evaluate(Pipeline("small", None, generator), tiny, ["token_f1"], store=Store())
    assert generator.calls == 0


def test_a_model_on_this_machine_costs_nothing() -> None:
    local = InFours({})
    assert price_of(local, {}) is None
    local.costs_nothing = True  # type: ignore[attr-defined]
    assert price_of(local, {}) == Price(0, 0)
    assert price_of(local, {"small": Price(1, 2)}) == Price(1, 2)


def test_a_judge_spends_from_the_same_purse(tiny: GoldenSet) -> None:
    judge = PromptedJudge(InFours({}))
    with budget({"calls": 20}) as meter:
        evaluation = evaluate(
            Pipeline("small", None, InFours({})), tiny, ["answer_relevance"], judge=judge, store=Store()
        )
    assert meter.ledger.spent().calls <= 20
    reasons = [s.reason for s in evaluation.scores["answer_relevance"] if s.value is None]
    assert any("not asked: the next batch needs" in reason for reason in reasons)


def test_an_application_is_stopped_too(tiny: GoldenSet) -> None:
    asked = []

    def application(question: str) -> str:
        asked.append(question)
        return "yes"

    with budget({"calls": 5}):
        evaluation = evaluate(CallablePipeline(application), tiny, ["token_f1"], store=Store())
    assert not asked
    assert all("needs up to 12 calls" in (r.error or "") for r in evaluation.responses)
    with (
        budget({"tokens": 1000}),
        pytest.raises(BudgetError, match="application does not say how many tokens an answer took"),
    ):
        evaluate(CallablePipeline(application), tiny, ["token_f1"], store=Store())

    def counting(question: str) -> Response:
        return Response("yes", prompt_tokens=7, completion_tokens=3)

    with budget({"tokens": 1000}) as meter:
        evaluate(CallablePipeline(counting), tiny, ["token_f1"], store=Store())
    assert meter.ledger.spent().tokens == 120


def test_what_a_server_did_not_count_stays_at_its_most() -> None:
    class Uncounted(InFours):
        def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
            return [Generation("yes"), Generation("yes", 10, 5)]

    with budget({"tokens": 1000}) as meter:
        active.generate(Uncounted({}), [Prompt("a"), Prompt("b")])
    assert meter.ledger.spent() == Spent(2, 40 + 15, 0)


def test_calls_one_by_one_are_counted() -> None:
    generator = InFours({})

    async def two() -> list[Generation]:
        async with asking(generator) as ask:
            return [await ask(Prompt("a")), await ask(Prompt("b"))]

    with budget({"calls": 1}):
        first, second = run(two())
    assert (first.text, second.text, generator.calls) == ("Yes, on Monday.", None, 1)
    assert "not asked" in (second.error or "")


def test_tokens_without_a_tokenizer_are_taken_from_bytes() -> None:
    class Remote:
        model = "remote"
        max_new_tokens = 100

    found = estimate(Remote(), [Prompt("x" * 60), Prompt("ж" * 10)])
    assert (found.read, found.written, found.counted) == (30 + 10 + 32, 200, False)


def spend(path: Path, times: int) -> None:
    ledger = Ledger(path, "run")
    for _ in range(times):
        ledger.change(Spent(1, 0, 0), {"calls": 150})


def test_processes_share_one_purse(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "budget.sqlite3"
    Ledger(path, "other").change(Spent(1000, 0, 0))
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=spend, args=(path, 100)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert Ledger(path, "run").spent().calls == 150
    assert Ledger(path, "other").spent().calls == 1000


def test_once_stopped_a_smaller_batch_does_not_slip_through() -> None:
    ledger = Ledger(None, "run")
    assert ledger.change(Spent(4, 0, 0), {"calls": 3})
    assert ledger.change(Spent(1, 0, 0), {"calls": 3})
    assert ledger.spent() == Spent()


def test_old_runs_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "budget.sqlite3"
    for number in range(40):
        Ledger(path, f"run {number}").change(Spent(1, 0, 0))
    assert Ledger(path, "run 39").spent().calls == 1
    assert Ledger(path, "run 0").spent().calls == 0


def test_limits_and_prices_are_read() -> None:
    assert read_budget(["calls = 500, tokens=2e5", "", "money = 1.50"]) == {
        "calls": 500,
        "tokens": 200_000,
        "money": 1.5,
    }
    assert read_prices(["gpt-4o-mini = 0.15 0.60", "a=b = 0 0"]) == {
        "gpt-4o-mini": Price(0.15, 0.6),
        "a=b": Price(0, 0),
    }


@pytest.mark.parametrize(
    "line", ["call = 5", "calls", "calls = 0", "calls = -1", "money = much", "calls = inf"]
)
def test_a_broken_budget_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"ragtune_budget: found {line!r}; expected calls = N")):
        read_budget([line])
    with pytest.raises(ValueError, match="at most once"):
        read_budget(["calls = 1", "calls = 2"])


@pytest.mark.parametrize(
    "line", ["model", "model = 1", "model = 1 2 3", "= 1 2", "model = -1 2", "model = a b"]
)
def test_a_broken_price_is_named(line: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"ragtune_prices: found {line!r}; expected MODEL = INPUT")
    ):
        read_prices([line])
    with pytest.raises(ValueError, match="found 'a' twice"):
        read_prices(["a = 1 2", "a = 1 2"])
