"""Evidence: for each claim, the passage that supports it best, and the nearest sentence in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar, runtime_checkable

from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.protocols import Judge
from pytest_ragtune.records import Claim, Passage, Support
from pytest_ragtune.text import Statement, content_words, sentences

Pair = tuple[str, str]
Question = TypeVar("Question")
Opinion = TypeVar("Opinion")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The best support that a judge found for one claim among several contexts."""

    support: Support
    """Its opinion of the best context; probability None when it could not tell."""
    context: int | None = None
    """Position of that context; None when no context was judged."""
    sentence: str = ""
    """The nearest sentence in it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One claim, and the contexts in which to look for it."""

    claim: str
    """The statement."""
    contexts: tuple[str, ...]
    """Where it may be supported."""
    before: str = ""
    """What it refers back to: ``It costs $5`` says little by itself; empty where it stands alone."""

    @property
    def in_full(self) -> str:
        """The claim after what it refers back to."""
        return f"{self.before} {self.claim}" if self.before else self.claim


@runtime_checkable
class EvidenceJudge(Protocol):
    """A judge that finds the best context itself, faster than by an opinion on every pair."""

    def best_support(self, requests: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence]:
        """One finding a (claim, contexts) request; equal to the best of ``support`` over the contexts."""
        ...


@runtime_checkable
class ReadingJudge(Protocol):
    """A judge that reads a claim together with what it refers back to."""

    def find(self, requests: Sequence[Request]) -> list[Evidence]:
        """One finding a request; equal to ``best_support`` for a claim that stands alone."""
        ...


def find_evidence(judge: Judge, requests: Sequence[tuple[str | Statement, Sequence[Passage]]]) -> list[Claim]:
    """Each claim with its probability and evidence.

    Equal requests are judged once, and all of them in one call. A claim is not judged (probability None,
    the reason in ``evidence``) when the judge could not tell for any one passage, gave something that is
    no probability, or raised an error.

    Args:
        judge: asked once; its ``find`` or ``best_support`` is used when it has one.
        requests: (claim, passages) each; at least one passage with text.
    """
    asked = [_request(claim, passages) for claim, passages in requests]
    distinct = list(dict.fromkeys(asked))
    found = dict(zip(distinct, _best(judge, distinct), strict=True))
    return [
        _claim(request.claim, passages, found[request])
        for (_, passages), request in zip(requests, asked, strict=True)
    ]


def _request(claim: str | Statement, passages: Sequence[Passage]) -> Request:
    contexts = tuple(passage.text for passage in passages)
    if isinstance(claim, str):
        return Request(claim, contexts)
    return Request(claim.text, contexts, claim.before)


def _claim(text: str, passages: Sequence[Passage], evidence: Evidence) -> Claim:
    probability = evidence.support.probability
    if probability is None:
        return Claim(text, None, evidence=evidence.support.reason or "the judge gave no reason")
    passage = passages[evidence.context or 0]
    return Claim(text, probability, passage.id, evidence.sentence)


def _best(judge: Judge, asked: Sequence[Request]) -> list[Evidence]:
    if isinstance(judge, ReadingJudge):
        return _checked(ask(judge.find, asked, _failed))
    requests = [(request.claim, request.contexts) for request in asked]
    if isinstance(judge, EvidenceJudge):
        return _checked(ask(judge.best_support, requests, _failed))
    pairs = list(dict.fromkeys((context, claim) for claim, contexts in requests for context in contexts))
    opinions = dict(zip(pairs, opinions_of(judge.support, pairs), strict=True))
    return [
        _best_of(claim, contexts, [opinions[context, claim] for context in contexts])
        for claim, contexts in requests
    ]


def _failed(reason: str) -> Evidence:
    return Evidence(Support(None, reason))


def _checked(found: Sequence[Evidence]) -> list[Evidence]:
    return [Evidence(checked(item.support), item.context, item.sentence) for item in found]


def _best_of(claim: str, contexts: Sequence[str], opinions: Sequence[Support]) -> Evidence:
    """The first context of the highest probability; unjudged as soon as one context is."""
    best, highest = 0, -1.0
    for number, opinion in enumerate(opinions):
        if opinion.probability is None:
            return Evidence(opinion)
        if opinion.probability > highest:
            best, highest = number, opinion.probability
    return Evidence(opinions[best], best, nearest_sentence(claim, contexts[best]))


def nearest_sentence(claim: str, context: str) -> str:
    """The sentence of ``context`` that shares most content words with ``claim``; the first of equals."""
    wanted = set(content_words(claim))
    return max(_sentences_with_words(context), key=lambda item: len(wanted & item[1]), default=("",))[0]


@lru_cache(maxsize=256)
def _sentences_with_words(context: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The sentences of a passage and their content words: many claims are held against one passage."""
    return tuple((sentence, frozenset(content_words(sentence))) for sentence in sentences(context))


def opinions_of(judge: Callable[[Sequence[Pair]], Sequence[Support]], pairs: Sequence[Pair]) -> list[Support]:
    """A judge's opinions, each once checked; a judge in trouble gives opinions of None with the reason."""
    return [checked(opinion) for opinion in ask(judge, pairs, lambda reason: Support(None, reason))]


def checked(opinion: Support) -> Support:
    """``opinion`` when it is a probability or None; None with a reason otherwise."""
    probability = opinion.probability
    if probability is None or (math.isfinite(probability) and 0.0 <= probability <= 1.0):
        return opinion
    return Support(None, f"the judge gave {probability!r}, which is no probability")


def ask(
    judge: Callable[[Sequence[Question]], Sequence[Opinion]],
    questions: Sequence[Question],
    failed: Callable[[str], Opinion],
) -> list[Opinion]:
    """One opinion a question; where the judge raises, what ``failed`` makes of the reason.

    Raises:
        RagtuneError: the judge cannot work at all (a missing extra, no model), which is no opinion.
        ValueError: it gave another number of opinions than it was asked for.
    """
    if not questions:
        return []
    try:
        opinions = list(judge(questions))
    except RagtuneError:
        raise
    except Exception as error:  # whatever a judge of any make raises leaves its claims unjudged
        return [failed(f"the judge failed: {type(error).__name__}: {error}") for _ in questions]
    if len(opinions) != len(questions):
        raise ValueError(
            f"the judge gave {len(opinions)} opinions on {len(questions)} pairs: expected one each"
        )
    return opinions
