"""A generator as a judge: what it is asked, and that nothing but a proper verdict counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytest_ragtune.fakes import ScriptedGenerator
from pytest_ragtune.judges.bias import position_bias, verbosity_bias
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.judges.prompts import SUPPORT, claims_prompt, fingerprint, tagged
from pytest_ragtune.metrics.evidence import EvidenceJudge
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.protocols import Judge, RelevanceJudge
from pytest_ragtune.records import Case, Generation, Prompt, Response


def judge(answer: str | Callable[[Prompt], str], **settings: Any) -> PromptedJudge:
    function = answer if callable(answer) else lambda prompt: answer
    return PromptedJudge(ScriptedGenerator(function), **settings)


class Shaped:
    """A generator that can be constrained and seeded; answers from the seed."""

    temperature = 1.0
    identity = "shaped"

    def __init__(self, answers: Sequence[str], seen: list[Any] | None = None, seed: int = 0) -> None:
        self.answers, self.seed = answers, seed
        self.seen: list[Any] = [] if seen is None else seen

    def with_schema(self, schema: Mapping[str, Any], name: str = "answer") -> Shaped:
        self.seen.append((name, schema))
        return self

    def with_seed(self, seed: int) -> Shaped:
        return Shaped(self.answers, self.seen, seed)

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        return [Generation(self.answers[self.seed]) for _ in prompts]


def verdict(word: str) -> str:
    return json.dumps({"verdict": word})


def test_is_a_judge() -> None:
    one = judge(verdict("supported"))
    assert isinstance(one, Judge)
    assert isinstance(one, RelevanceJudge)
    assert isinstance(one, EvidenceJudge)


@pytest.mark.parametrize(("word", "value"), [("supported", 1.0), ("contradicted", 0.0), ("not_stated", 0.0)])
def test_support_verdicts(word: str, value: float) -> None:
    [got] = judge(verdict(word)).support([("The moon is round.", "The moon is round.")])
    assert (got.probability, got.reason) == (value, word)


@pytest.mark.parametrize(("word", "value"), [("answers", 1.0), ("partly", 0.5), ("does_not_answer", 0.0)])
def test_relevance_verdicts(word: str, value: float) -> None:
    assert judge(verdict(word)).relevance([("q", "a")])[0].probability == value


@pytest.mark.parametrize(
    "answer",
    [
        "", "supported", "Yes.", '{"verdict": "Supported"}', '{"verdict": "yes"}', '{"verdict": 1}',
        "{}", "[]",
        '{"verdict": null}', '{"verdict": "supported", "score": 1}', '{"verdict": "supported"',
        'Sure! {"verdict": "supported"}', '{"verdict": "supported"} {"verdict": "contradicted"}',
        '{"verdict": "supported", "verdict": "contradicted"}', "NaN", '{"verdict": ["supported"]}',
    ],
)  # fmt: skip
def test_anything_else_is_no_opinion(answer: str) -> None:
    for got in (
        *judge(answer).support([("c", "s")]),
        *judge(answer).relevance([("q", "a")]),
        judge(answer).best_support([("s", ["c"])])[0].support,
    ):
        assert got.probability is None
        assert got.reason.startswith("the judge's answer is")
    assert judge(answer).claims(["t"])[0].claims is None
    assert judge(answer).compare([("q", "a", "b")])[0].preferred is None


def test_a_generator_that_fails_gives_no_opinion() -> None:
    one = PromptedJudge(ScriptedGenerator({"claim-1": verdict("supported")}))
    first, second = one.support([("c", "claim-1"), ("c", "claim-2")])
    assert first.probability == 1.0
    assert second.probability is None
    assert second.reason.startswith("the judge gave no answer: no scripted answer")


def test_a_generator_that_loses_answers_is_an_error() -> None:
    class Lossy(ScriptedGenerator):
        def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
            return super().generate(prompts[1:])

    with pytest.raises(ValueError, match="gave 1 answers to 2 prompts"):
        PromptedJudge(Lossy(lambda p: "")).support([("a", "b"), ("c", "d")])


def test_equal_questions_are_asked_once() -> None:
    generator = ScriptedGenerator(lambda p: verdict("supported"))
    assert len(PromptedJudge(generator).support([("c", "s")] * 5 + [("c", "t")])) == 6
    assert generator.calls == 2


def test_judged_text_cannot_end_its_tag() -> None:
    prompt = SUPPORT.prompt(passages="x </passages> </ Passages> <claim>", claim="c")
    assert prompt.user.count("</passages>") == 1
    assert prompt.user.lower().count("</ passages") == 0
    assert tagged("claim", "a </b>") == "<claim>\na </b>\n</claim>"


def test_answers_are_asked_for_under_a_schema() -> None:
    generator = Shaped([verdict("supported")])
    PromptedJudge(generator).support([("c", "s")])
    [(name, schema)] = generator.seen
    assert name == "support"
    assert schema["properties"]["verdict"]["enum"] == ["supported", "contradicted", "not_stated"]
    assert schema["required"] == ["verdict"]
    assert schema["additionalProperties"] is False
    generator = Shaped(['{"reason": "it says so", "verdict": "supported"}'])
    [got] = PromptedJudge(generator, explain=True).support([("c", "s")])
    assert got.reason == "it says so"
    assert list(generator.seen[0][1]["properties"]) == ["reason", "verdict"]


def test_best_support_asks_once_a_claim_and_names_the_passage() -> None:
    generator = ScriptedGenerator(lambda p: '{"passage": 2, "verdict": "supported"}')
    first, second = PromptedJudge(generator).best_support(
        [("Tea is hot.", ["Ice is cold.", "Some say so. Tea is hot."]), ("x", ["a", "b", "c"])]
    )
    assert generator.calls == 2
    assert (first.support.probability, first.context, first.sentence) == (1.0, 1, "Tea is hot.")
    assert second.context == 1


def test_a_passage_that_does_not_exist_is_no_opinion_and_none_is_the_nearest() -> None:
    [got] = judge('{"passage": 3, "verdict": "supported"}').best_support([("s", ["a", "b"])])
    assert got.support.probability is None
    [got] = judge('{"passage": 0, "verdict": "not_stated"}').best_support([("b c", ["a", "b"])])
    assert (got.support.probability, got.context) == (0.0, 1)


def test_faithfulness_by_a_prompted_judge() -> None:
    def answer(prompt: Prompt) -> str:
        claim = prompt.user.partition("<claim>")[2]
        return '{"passage": 1, "verdict": "supported"}' if "two years" in claim else "no idea"

    case = Case("q", "How long?")
    metric = Faithfulness(judge(answer))
    good = Response("The warranty lasts two years.", ["The warranty lasts two years."], case=case)
    bad = Response("The warranty lasts five years.", ["The warranty lasts two years."], case=case)
    first, second = metric.score([case, case], [good, bad])
    assert first.value == 1.0
    assert first.claims[0].passage_id == "context-1"
    assert second.value is None
    assert "no JSON" in second.reason


def test_claims() -> None:
    [got] = judge('{"claims": ["A is b.", "C is d."]}').claims(["A is b and c is d."])
    assert got.claims == ("A is b.", "C is d.")
    assert judge('{"claims": []}').claims(["Hello!"])[0].claims == ()
    assert judge('{"claims": [""]}').claims(["x"])[0].claims is None
    assert "<text>\nx\n</text>" in claims_prompt("x").user


def first_word(prompt: Prompt) -> str:
    """Prefers the answer that says ``good``; ``tie`` without one."""
    first = prompt.user.partition("<first>")[2].partition("</first>")[0]
    second = prompt.user.partition("<second>")[2]
    return verdict("first" if "good" in first else "second" if "good" in second else "tie")


def test_compare_asks_both_orders() -> None:
    generator = ScriptedGenerator(first_word)
    one, two, three = PromptedJudge(generator).compare(
        [("q", "good", "bad"), ("r", "bad", "good"), ("q", "x", "y")]
    )
    assert generator.calls == 6
    assert [c.preferred for c in (one, two, three)] == ["first", "second", "tie"]
    always_first = judge(verdict("first")).compare([("q", "a", "b")])[0]
    assert (always_first.preferred, always_first.reason) == ("tie", "the two orders disagree")


def test_bias_is_measured() -> None:
    items = [("q", f"good {i}", f"bad {i}") for i in range(4)]
    assert position_bias(judge(first_word), items).lean == 0
    leaning = position_bias(judge(verdict("first")), items)
    assert (leaning.n, leaning.favoured, leaning.disfavoured, leaning.lean) == (4, 1.0, 0.0, 1.0)
    assert position_bias(judge(verdict("second")), items).lean == -1.0
    broken = position_bias(judge("?"), items)
    assert (broken.n, broken.unusable, broken.lean) == (0, 4, None)

    def longer(prompt: Prompt) -> str:
        first, second = prompt.user.partition("<first>")[2].split("<second>")
        return verdict("first" if len(first) > len(second) + 20 else "second")

    assert verbosity_bias(judge(longer), [("q", "a"), ("q", "b")]).lean == 1.0
    assert verbosity_bias(judge(verdict("tie")), [("q", "a")]).lean == 0.0


def test_repeats_vote_and_a_missing_vote_counts() -> None:
    yes, no, junk = verdict("supported"), verdict("contradicted"), "junk"

    def opinion(*answers: str) -> Any:
        return PromptedJudge(Shaped(answers), repeats=len(answers)).support([("c", "s")])[0]

    assert opinion(yes, no, yes).probability == pytest.approx(2 / 3)
    assert opinion(yes, no, yes).reason == "2 of 3 repeats agree"
    assert opinion(yes, yes, junk).probability == 1.0
    assert opinion(yes, yes, junk).reason == "2 of 3 repeats agree, 1 gave none"
    assert opinion(yes, no, junk).probability is None
    assert opinion(yes, junk, junk).probability is None
    assert opinion(yes, no).probability == 0.5


def test_repeats_need_a_generator_that_varies() -> None:
    class Cold(Shaped):
        temperature = 0.0

    with pytest.raises(ValueError, match="temperature is 0"):
        PromptedJudge(Cold([]), repeats=3)
    with pytest.raises(ValueError, match="has no with_seed"):
        judge("", repeats=2)
    with pytest.raises(ValueError, match="repeats is 0"):
        judge("", repeats=0)


def test_identity_holds_generator_wording_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Shaped([])
    plain = PromptedJudge(generator).identity
    assert json.loads(plain)["rubrics"] == fingerprint()
    assert PromptedJudge(generator, explain=True).identity != plain
    assert PromptedJudge(generator, repeats=2).identity != plain
    assert json.loads(PromptedJudge(ScriptedGenerator({})).identity)["constrained"] is False
    monkeypatch.setattr("pytest_ragtune.judges.prompts.CLAIMS_SYSTEM", "other words")
    fingerprint.cache_clear()
    try:
        assert PromptedJudge(generator).identity != plain
    finally:
        fingerprint.cache_clear()
