"""Any generator as a judge, by rubric prompts and answers under a schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pytest_ragtune.active import generate
from pytest_ragtune.metrics.evidence import Evidence, nearest_sentence
from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Generation, Prompt, Support
from pytest_ragtune.structured import mismatch, read_json

from .prompts import PAIRWISE, RELEVANCE, SUPPORT, Rubric, claims_prompt, claims_schema, fingerprint, numbered
from .votes import combine

_SHOWN = 80  # characters of an unusable answer in a reason


@dataclass(frozen=True, slots=True)
class Extraction:
    """The claims found in one text."""

    claims: tuple[str, ...] | None
    """In order; None when the judge's answer could not be used."""
    reason: str = ""
    """Why it could not."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which of two answers is better, asked in both orders."""

    preferred: Literal["first", "second", "tie"] | None
    """The winner; ``tie`` also when the orders disagree; None when an answer could not be used."""
    orders: tuple[float | None, float | None]
    """Value for the first answer as asked (1 better, 0.5 tie, 0 worse): shown first, then shown second."""
    reason: str = ""
    """Why there is no winner, or that the orders disagree."""


class PromptedJudge:
    """A judge over any generator.

    The generator is asked for JSON under a schema: an endpoint through ``response_format``, a local model by
    constrained decoding (both through ``with_schema``), any other by the prompt alone. An answer that is not
    exactly such JSON is no opinion (None with the reason), never a number.

    Args:
        generator: writes the judgements.
        repeats: how often each question is asked, with another seed each time; opinions are combined by
            :func:`~pytest_ragtune.judges.votes.combine`.
        explain: ask for a short reason before the verdict. Costs tokens; some models judge better so.

    Raises:
        ValueError: ``repeats`` is below 1, or above 1 with a generator that would answer the same each time.
    """

    def __init__(self, generator: Generator, *, repeats: int = 1, explain: bool = False) -> None:
        if repeats < 1:
            raise ValueError(f"repeats is {repeats}: expected at least 1")
        if repeats > 1 and getattr(generator, "temperature", None) == 0:
            raise ValueError(
                f"repeats is {repeats} but the generator's temperature is 0, so that it answers the same "
                "each time: expected a temperature above 0, or repeats=1"
            )
        if repeats > 1 and not callable(getattr(generator, "with_seed", None)):
            raise ValueError(
                f"repeats is {repeats} but {type(generator).__name__} has no with_seed(seed): expected a "
                "generator that can answer again with another seed, or repeats=1"
            )
        self.generator, self.repeats, self.explain = generator, repeats, explain

    def __repr__(self) -> str:
        return f"PromptedJudge({self.generator!r}, repeats={self.repeats})"

    @property
    def identity(self) -> str:
        """Generator, wording, repeats and whether answers are constrained, as JSON."""
        constrained = hasattr(self.generator, "with_schema")
        return _identity(fingerprint(), self.generator.identity, constrained, self.repeats, self.explain)

    @property
    def is_deterministic(self) -> bool:
        """Whether the generator answers the same each time."""
        return bool(getattr(self.generator, "is_deterministic", False))

    def with_seed(self, seed: int) -> PromptedJudge:
        """A judge that draws anew, where the generator can."""
        again: Callable[[int], Generator] | None = getattr(self.generator, "with_seed", None)
        if again is None:
            return self
        return PromptedJudge(again(seed * self.repeats), repeats=self.repeats, explain=self.explain)

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (context, claim) pair: 1 supported, 0 contradicted or not stated."""
        prompts = [SUPPORT.prompt(passages=context, claim=claim) for context, claim in pairs]
        return [support for support, _ in self._verdicts(SUPPORT, prompts)]

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (question, answer) pair: 1 answers, 0.5 partly, 0 does not answer."""
        prompts = [RELEVANCE.prompt(question=question, answer=answer) for question, answer in pairs]
        return [support for support, _ in self._verdicts(RELEVANCE, prompts)]

    def best_support(self, requests: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence]:
        """One finding a (claim, passages) request, from one question over all its passages together.

        So a claim that two passages support only together counts as supported, and a claim costs one
        question however many passages there are.
        """
        found: dict[int, Evidence] = {}
        sizes = sorted({len(passages) for _, passages in requests})
        for size in sizes:
            members = [i for i, (_, passages) in enumerate(requests) if len(passages) == size]
            prompts = [
                SUPPORT.prompt(passages=numbered(requests[i][1]), claim=requests[i][0]) for i in members
            ]
            for i, (support, passage) in zip(members, self._verdicts(SUPPORT, prompts, size), strict=True):
                found[i] = _evidence(support, passage, *requests[i])
        return [found[i] for i in range(len(requests))]

    def claims(self, texts: Sequence[str]) -> list[Extraction]:
        """The claims of each text, as the generator sees them."""
        schema = claims_schema()
        answers = self._ask(schema, [claims_prompt(text) for text in texts], seed=None)
        read = [_read(answer, schema) for answer in answers]
        return [
            Extraction(None, value) if isinstance(value, str) else Extraction(tuple(value["claims"]))
            for value in read
        ]

    def compare(self, items: Sequence[tuple[str, str, str]]) -> list[Comparison]:
        """Which of two answers to a question is better: (question, first, second), asked in both orders."""
        prompts = [PAIRWISE.prompt(question=q, first=one, second=two) for q, one, two in items]
        prompts += [PAIRWISE.prompt(question=q, first=two, second=one) for q, one, two in items]
        opinions = [support for support, _ in self._verdicts(PAIRWISE, prompts)]
        return [
            _comparison(shown_first, shown_second)
            for shown_first, shown_second in zip(opinions[: len(items)], opinions[len(items) :], strict=True)
        ]

    def _verdicts(
        self, rubric: Rubric, prompts: Sequence[Prompt], passages: int = 0
    ) -> list[tuple[Support, int]]:
        """One opinion a prompt, and the passage that the first usable repeat named."""
        schema = rubric.schema(passages=passages, explain=self.explain)
        rounds = [self._ask(schema, prompts, seed, rubric.name) for seed in self._seeds()]
        found = []
        known: dict[tuple[str | None, str | None], dict[str, Any] | str] = {}  # few verdicts differ
        for answers in zip(*rounds, strict=True):
            for answer in answers:
                if (answer.text, answer.error) not in known:
                    known[answer.text, answer.error] = _read(answer, schema)
            read = [known[answer.text, answer.error] for answer in answers]
            opinions = [_opinion(value, rubric.verdicts) for value in read]
            named = [int(value.get("passage", 0)) for value in read if not isinstance(value, str)]
            found.append((combine(opinions, "repeats"), named[0] if named else 0))
        return found

    def _seeds(self) -> list[int | None]:
        return [None] if self.repeats == 1 else list(range(self.repeats))

    def _ask(
        self, schema: Mapping[str, Any], prompts: Sequence[Prompt], seed: int | None, name: str = "claims"
    ) -> list[Generation]:
        if not prompts:
            return []
        generator: Any = self.generator
        if seed is not None:
            generator = generator.with_seed(seed)
        shape: Callable[..., Generator] | None = getattr(generator, "with_schema", None)
        asked = generator if shape is None else shape(schema, name)
        distinct = list(dict.fromkeys(prompts))
        answers: list[Generation] = list(generate(asked, distinct))
        if len(answers) != len(distinct):
            raise ValueError(
                f"the generator gave {len(answers)} answers to {len(distinct)} prompts: expected one each"
            )
        by_prompt = dict(zip(distinct, answers, strict=True))
        return [by_prompt[prompt] for prompt in prompts]


@lru_cache(maxsize=64)
def _identity(rubrics: str, generator: str, constrained: bool, repeats: int, explain: bool) -> str:
    parts = {
        "kind": "prompted",
        "rubrics": rubrics,
        "generator": generator,
        "constrained": constrained,
        "repeats": repeats,
        "explain": explain,
    }
    return json.dumps(parts, sort_keys=True)


def _read(answer: Generation, schema: Mapping[str, Any]) -> dict[str, Any] | str:
    """The judgement, or why there is none."""
    if answer.text is None:
        return f"the judge gave no answer: {answer.error or 'no reason was given'}"
    try:
        value = read_json(answer.text)
    except ValueError as error:
        return f"the judge's answer is no JSON ({error}): {_short(answer.text)!r}"
    wrong = mismatch(value, schema)
    if wrong:
        return f"the judge's answer is not as asked: {wrong}"
    found: dict[str, Any] = value
    return found


def _opinion(value: dict[str, Any] | str, verdicts: Mapping[str, float]) -> Support:
    if isinstance(value, str):
        return Support(None, value)
    return Support(verdicts[value["verdict"]], value.get("reason") or value["verdict"])


def _evidence(support: Support, passage: int, claim: str, passages: Sequence[str]) -> Evidence:
    if support.probability is None:
        return Evidence(support)
    context = passage - 1 if passage else _nearest(claim, passages)
    return Evidence(support, context, nearest_sentence(claim, passages[context]))


def _nearest(claim: str, passages: Sequence[str]) -> int:
    """The passage with most words of the claim, where the judge named none."""
    words = set(claim.lower().split())
    return max(range(len(passages)), key=lambda i: len(words & set(passages[i].lower().split())))


def _comparison(shown_first: Support, shown_second: Support) -> Comparison:
    one = shown_first.probability
    two = None if shown_second.probability is None else 1.0 - shown_second.probability
    orders = (one, two)
    if one is None or two is None:
        return Comparison(None, orders, (shown_first if one is None else shown_second).reason)
    if (one > 0.5) != (two > 0.5) or (one < 0.5) != (two < 0.5):
        return Comparison("tie", orders, "the two orders disagree")
    return Comparison("first" if one > 0.5 else "second" if one < 0.5 else "tie", orders)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 3]}..."
