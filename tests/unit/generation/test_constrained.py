"""Decoding under a schema: a model of random weights can write nothing but valid JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.errors import ModelError
from pytest_ragtune.generation.causal import CausalGenerator
from pytest_ragtune.generation.constrained import longest_answer
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.judges.prompts import PAIRWISE, RELEVANCE, SUPPORT, claims_schema
from pytest_ragtune.records import Prompt
from pytest_ragtune.structured import mismatch, read_json

SCHEMA = SUPPORT.schema(passages=3)
PROMPTS = [Prompt(f"Is {n} more than {n * 7 % 5}?" + " Think." * (n % 3), system="Judge.") for n in range(24)]


@pytest.mark.parametrize(
    ("schema", "longest"),
    [
        ({"enum": ["a", "bcd", 1]}, 5),
        ({"const": None}, 4),
        ({"type": "string", "maxLength": 10}, 62),
        ({"type": "string"}, None),
        ({"type": "boolean"}, 5),
        ({"type": "integer"}, None),
        ({"type": "array", "items": {"enum": ["x"]}, "maxItems": 2}, 12),
        ({"type": "array", "items": {}, "maxItems": 2}, None),
        ({"type": "object", "properties": {}}, None),
        ({"type": "object", "properties": {"a": {"enum": [1]}}, "additionalProperties": False}, 10),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, None),
    ],
)
def test_longest_answer(schema: dict[str, Any], longest: int | None) -> None:
    assert longest_answer(schema) == longest


@pytest.fixture
def tiny(tiny_model: Path) -> CausalGenerator:
    pytest.importorskip("llguidance", reason="the extra 'constrained' is not installed")
    return CausalGenerator(tiny_model, max_new_tokens=16, batch_size=8)


@pytest.mark.models
def test_every_answer_is_valid_and_without_the_schema_none_is(tiny: CausalGenerator) -> None:
    for schema in (SCHEMA, RELEVANCE.schema(explain=True), PAIRWISE.schema()):
        for answer in tiny.with_schema(schema).generate(PROMPTS[:12]):
            assert answer.text is not None
            assert mismatch(read_json(answer.text), schema) is None, answer.text
    free = [answer.text for answer in tiny.generate(PROMPTS[:12])]
    assert not [text for text in free if text and text.startswith("{")]


@pytest.mark.models
def test_sampled_answers_are_valid_too_and_differ_by_seed(tiny_model: Path) -> None:
    hot = CausalGenerator(tiny_model, max_new_tokens=16, temperature=2.0)
    first, again, other = (
        [a.text for a in g.with_schema(SCHEMA).generate(PROMPTS[:8])] for g in (hot, hot, hot.with_seed(1))
    )
    assert first == again != other
    assert not [text for text in (*first, *other) if mismatch(json.loads(str(text)), SCHEMA)]


@pytest.mark.models
def test_an_answer_does_not_depend_on_its_batch(tiny: CausalGenerator) -> None:
    shaped = tiny.with_schema(SCHEMA)
    together = [a.text for a in shaped.generate(PROMPTS)]
    assert together[::-1] == [a.text for a in shaped.generate(PROMPTS[::-1])]
    assert together[5:7] == [shaped.generate([p])[0].text for p in PROMPTS[5:7]]


@pytest.mark.models
def test_the_model_is_loaded_once_and_the_schema_is_in_the_identity(tiny: CausalGenerator) -> None:
    one, two = tiny.with_schema(SCHEMA), tiny.with_schema(PAIRWISE.schema())
    assert one.decoder.model is two.decoder.model is tiny.decoder.model is one.with_seed(3).decoder.model
    assert len({tiny.identity, one.identity, two.identity}) == 3
    assert one.identity == tiny.with_schema(SCHEMA).identity
    assert json.loads(one.identity)["grammar"]["schema"] == SCHEMA
    assert one.max_new_tokens > tiny.max_new_tokens == 16
    assert one.decoder.max_new_tokens == one.max_new_tokens
    assert tiny.with_schema(claims_schema()).max_new_tokens == 16


@pytest.mark.models
def test_a_schema_that_no_grammar_takes_is_an_error(tiny: CausalGenerator) -> None:
    with pytest.raises(ModelError, match="the schema cannot be used for decoding"):
        tiny.with_schema({"type": "no such type"}).generate(PROMPTS[:1])


@pytest.mark.models
def test_a_prompted_judge_over_a_local_model_always_has_an_opinion(tiny: CausalGenerator) -> None:
    judge = PromptedJudge(tiny)
    pairs = [(f"The sky is {n}.", f"The sky is {n % 4}.") for n in range(12)]
    assert None not in [o.probability for o in judge.support(pairs)]
    assert None not in [o.probability for o in judge.relevance(pairs)]
    assert json.loads(judge.identity)["constrained"] is True
