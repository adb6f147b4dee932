"""A generator in another library's place: what is let through to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Literal

import pydantic
import pytest

from pytest_ragtune.backends.bridge import Transcript, ask_model, strict_schema
from pytest_ragtune.backends.deepeval import check_verdicts
from pytest_ragtune.backends.ragas import too_few
from pytest_ragtune.backends.scoring import missing, score_cases, snake
from pytest_ragtune.calls.asking import Ask
from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.calls.flight import Limits
from pytest_ragtune.calls.running import run
from pytest_ragtune.records import Case, Generation, Prompt, Response, Score
from pytest_ragtune.structured import mismatch


class Item(pydantic.BaseModel):
    statement: str
    verdict: int
    word: Literal["yes", "no"] = "no"
    note: str | None = None


class Answer(pydantic.BaseModel):
    items: list[Item]


class Loop(pydantic.BaseModel):
    inner: list[Loop]


GOOD = {"items": [{"statement": "s", "verdict": 1, "word": "yes", "note": None}]}


def asked(text: str | None, error: str | None = None) -> tuple[Any, Transcript]:
    async def ask(prompt: Prompt, schema: Mapping[str, Any] | None = None) -> Generation:
        return Generation(text, error=error)

    transcript = Transcript()
    return run(ask_model(ask, "prompt", Answer, transcript)), transcript


def test_a_good_answer_is_an_instance() -> None:
    found, transcript = asked(json.dumps(GOOD))
    assert found == Answer(items=[Item(statement="s", verdict=1, word="yes")])
    assert transcript.answers == [found]
    assert transcript.fault is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "the judge gave no answer: busy"),
        ("", "is no JSON"),
        ("Sure! {}", "is no JSON"),
        ("{}", "is no Answer: items: Field required"),
        ('{"items": []}', "has an empty list of items"),
        ('{"items": [{"statement": " ", "verdict": 1}]}', "has an empty text in statement"),
        ('{"items": [{"statement": "s", "verdict": 7}]}', "has verdict 7: expected 0 or 1"),
        ('{"items": [{"statement": "s", "verdict": "maybe"}]}', 'items.0.verdict: .* found "maybe"'),
        ('{"items": [{"statement": "s", "verdict": 1, "word": "perhaps"}]}', "items.0.word: "),
        ('{"items": [{"statement": "s", "verdict": NaN}]}', "is no JSON"),
    ],
)
def test_anything_else_is_a_fault_that_is_noted(text: str | None, said: str) -> None:
    transcript = Transcript()

    async def ask(prompt: Prompt, schema: Mapping[str, Any] | None = None) -> Generation:
        return Generation(text, error="busy")

    with pytest.raises(Fault, match=said):
        run(ask_model(ask, "prompt", Answer, transcript))
    assert transcript.fault is not None
    assert not transcript.answers


def test_strict_schema_has_no_references_and_leaves_nothing_open() -> None:
    schema = strict_schema(Answer.model_json_schema())
    assert schema is not None
    assert "$ref" not in json.dumps(schema)
    assert mismatch(GOOD, schema) is None
    assert mismatch({"items": [{"statement": "s", "verdict": 1, "word": "yes"}]}, schema) is not None
    assert mismatch({**GOOD, "more": 1}, schema) is not None
    assert strict_schema(Loop.model_json_schema()) is None


def test_snake() -> None:
    assert [snake(n) for n in ("ContextPrecision", "GEval", "NonLLMStringSimilarity", "BleuScore")] == [
        "context_precision", "g_eval", "non_llm_string_similarity", "bleu_score",
    ]  # fmt: skip


CASE = Case("q", "How?", reference="So.")


@pytest.mark.parametrize(
    ("case", "response", "reason", "applicable"),
    [
        (Case("q", "How?"), Response("x", ["c"]), "the case has no reference", False),
        (CASE, Response(None, ["c"], error="timed out"), "no answer: timed out", True),
        (CASE, Response(None, ["c"]), "no answer was generated", True),
        (CASE, Response(" ", ["c"]), "the answer is empty", True),
        (CASE, Response("x"), "no context was given", True),
        (CASE, Response("x", [" "]), "no context was given", True),
        (Case("q", " ", reference="So."), Response("x", ["c"]), "the case has no question", True),
    ],
)
def test_what_is_missing_is_said(case: Case, response: Response, reason: str, applicable: bool) -> None:
    needs = ["question", "answer", "reference", "contexts"]
    assert missing(case, response, needs) == Score(None, reason, applicable=applicable)


def test_nothing_missing() -> None:
    assert missing(CASE, Response("x", ["c"]), ["question", "answer", "reference", "contexts"]) is None
    assert missing(CASE, Response(None, ["c"]), ["contexts"]) is None


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (0.99999999995, 1.0),
        (1, 1.0),
        (float("nan"), "the back end gave nan, which is no score"),
        (float("inf"), "the back end gave inf, which is no score"),
        (None, "the back end gave None: expected a number"),
        (True, "the back end gave True: expected a number"),
        (1.5, "the back end gave 1.5: expected 0.0 to 1.0"),
        (-0.1, "the back end gave -0.1: expected 0.0 to 1.0"),
    ],
)
def test_what_counts_as_a_score(value: Any, score: float | str) -> None:
    async def measure(ask: Ask, case: Case, response: Response) -> Any:
        return value

    [got] = score_cases(
        [CASE], [Response("x")], [], measure, generator=None, limits=Limits(), bounds=(0.0, 1.0)
    )
    assert (got.value if got.value is not None else got.reason) == score


def test_lists_of_unequal_length_are_an_error() -> None:
    async def measure(ask: Ask, case: Case, response: Response) -> float:
        return 1.0

    with pytest.raises(ValueError, match="got 1 cases and 0 responses"):
        score_cases([CASE], [], [], measure, generator=None, limits=Limits(), bounds=(0.0, 1.0))


def test_a_measurement_without_a_generator_cannot_ask() -> None:
    async def measure(ask: Ask, case: Case, response: Response) -> float:
        await ask(Prompt("x"))
        return 1.0

    [got] = score_cases([CASE], [Response("x")], [], measure, generator=None, limits=Limits(), bounds=(0, 1))
    assert got.value is None
    assert "pass generator=" in got.reason


@pytest.mark.parametrize(
    ("statements", "judged", "reason"),
    [
        (["A.", "B.", "C."], ["A.", "A.", "a. "], "verdicts on 1 of 3 statements, some of them twice"),
        (["A.", "B.", "C."], ["A.", "B."], "2 verdicts on 3 statements"),
        (["A.", "B.", "C."], ["A is.", "B is.", "C is."], None),
        (["A.", "A."], ["A.", "A."], None),
        ("It is so. It is not.", ["It is so.", "It is so."], "verdicts on 1 of 2 statements"),
        ("It is so. It is not.", ["It is so", "It is not", "Perhaps"], None),
    ],
)
def test_a_ragas_verdict_given_twice_is_one_too_few(
    statements: list[str] | str, judged: list[str], reason: str | None
) -> None:
    name, source = (
        ("statements", "statements") if isinstance(statements, list) else ("classifications", "answer")
    )
    prompt = f"Now with the following input\ninput: {json.dumps({source: statements})}\nOutput: "
    found = SimpleNamespace(**{name: [SimpleNamespace(statement=text) for text in judged]})
    told = too_few(prompt, found)
    assert told is None if reason is None else told is not None and reason in told


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([("yes", "yes"), ("no", "no"), ("Yes", "no")], None),
        ([("yes", "yes")], "1 answers to 3 questions"),
        ([], "0 answers to 3 questions"),
        ([("yes", "yes"), ("yes", "perhaps"), ("no", "no")], "'perhaps'"),
        ([("no", "yes"), ("no", "no"), ("no", "no")], "answers none of the questions"),
    ],
)
def test_a_summary_is_covered_by_answers_to_every_question_or_unscored(
    answers: list[tuple[str, str]], reason: str | None
) -> None:
    metric = SimpleNamespace(
        claims=["A."],
        alignment_verdicts=[object()],
        assessment_questions=["A?", "B?", "C?"],
        coverage_verdicts=[SimpleNamespace(original_verdict=o, summary_verdict=s) for o, s in answers],
    )
    if reason is None:
        check_verdicts("summarization", metric, None)
    else:
        with pytest.raises(Fault, match=reason):
            check_verdicts("summarization", metric, None)
