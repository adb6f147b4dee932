"""A judge that compares meanings: the cosine of claim and evidence beside their shared words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.metrics.evidence import Evidence
from pytest_ragtune.metrics.scoring import identity
from pytest_ragtune.protocols import Embedder
from pytest_ragtune.records import Support
from pytest_ragtune.text import without_attribution, words

from .lexical import best_match, penalty, relevance_logit, shares_logit, sigmoid
from .overlap import Context, Reading, most, read_claim, read_context
from .shelf import Shelf

# Logistic regression with all-MiniLM-L6-v2 and the lexical judge's log-odds as the second input, on samples
# of at most 500 pairs of each set named in judges/lexical.py but counterfactual SNLI; its penalties are added
# in full. Relevance on 1,200 pairs of QNLI. docs/metrics.md has the measurements.
COSINE_WEIGHT, SHARES_WEIGHT, SUPPORT_BIAS = 2.43, 0.65, -1.56
RELEVANCE_COSINE_WEIGHT, RELEVANCE_SHARES_WEIGHT, RELEVANCE_BIAS = 0.64, 0.91, -0.40

_CACHED_VECTORS = 50_000
_DECIMALS = 6


class EmbeddingJudge:
    """Judges by the nearest sentence.

    *Support*: a logistic function of the cosine between the claim and the nearest sentence of the context,
    and of the words that they share, lowered as the lexical judge does for missing numbers and names and
    one-sided negations. *Relevance*: a logistic function of the cosine between question and answer, and of
    the words that they share. The coefficients were fitted with all-MiniLM-L6-v2; another
    embedder ranks as well as it can, but its probabilities are not calibrated.

    Args:
        embedder: each distinct text is embedded once and its vector kept.
    """

    is_deterministic = True

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, Any] = {}
        self._read = Shelf(read_context)

    @property
    def identity(self) -> str:
        """Version and the embedder's identity: the coefficients are part of the version."""
        return identity("embedding", 3, embedder=self._embedder.identity)

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (context, claim) pair."""
        return [item.support for item in self.best_support([(claim, [context]) for context, claim in pairs])]

    def best_support(self, requests: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence]:
        """For each (claim, contexts) the best context and the sentence in it that is nearest in meaning."""
        requests = [(without_attribution(claim), contexts) for claim, contexts in requests]
        known = {context: self._read(context) for _, contexts in requests for context in contexts}
        found = dict.fromkeys(sentence for context in known.values() for sentence in context.sentences)
        self._embed([*(claim for claim, _ in requests), *found])
        gathered: dict[tuple[str, ...], _Gathered] = {}
        evidence = []
        for claim, contexts in requests:
            key = tuple(contexts)
            if key not in gathered:
                gathered = {key: self._gather([known[context] for context in key])}
            evidence.append(self._best(claim, gathered[key]))
        return evidence

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (question, answer) pair."""
        vectors = self._embed([text for pair in pairs for text in pair])
        return [_relevance(question, answer, vectors) for question, answer in pairs]

    def _embed(self, texts: Iterable[str]) -> dict[str, Any]:
        """Vectors in float64 by text; only what is not known yet is embedded."""
        wanted = list(dict.fromkeys(text for text in texts if words(text)))
        missing = [text for text in wanted if text not in self._vectors]
        if len(self._vectors) + len(missing) > _CACHED_VECTORS:
            self._vectors = {text: self._vectors[text] for text in wanted if text in self._vectors}
        if missing:
            self._vectors.update(zip(missing, self._embedder.embed(missing).astype("float64"), strict=True))
        return self._vectors

    def _gather(self, contexts: Sequence[Context]) -> _Gathered:
        known = [[sentence for sentence in context.sentences if words(sentence)] for context in contexts]
        vectors = [self._vectors[sentence] for sentences in known for sentence in sentences]
        return _Gathered(contexts, known, extras.load("numpy").stack(vectors) if vectors else None)

    def _best(self, claim: str, gathered: _Gathered) -> Evidence:
        if not words(claim):
            return Evidence(Support(None, "the claim has no words"))
        if gathered.matrix is None:
            return Evidence(Support(0.0, "the context has no words"), 0 if gathered.contexts else None)
        # A product over another number of rows differs in its last bits; rounded, an opinion is the same.
        cosines = (gathered.matrix @ self._vectors[claim]).round(_DECIMALS).tolist()
        reading, best, highest, start = read_claim(claim), Evidence(Support(0.0)), -math.inf, 0
        for number, known in enumerate(gathered.sentences):
            near = cosines[start : start + len(known)]
            start += len(known)
            if not near or _logit(max(near), _most_shares(reading, gathered.contexts[number])) <= highest:
                continue
            logit = _support_logit(reading, gathered.contexts[number], max(near))
            if logit > highest:
                nearest = known[near.index(max(near))]
                best, highest = Evidence(Support(sigmoid(logit)), number, nearest), logit
        return best


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Several contexts, and one matrix over all their sentences."""

    contexts: Sequence[Context]
    """In the order of the request."""
    sentences: Sequence[Sequence[str]]
    """The sentences with words of each context."""
    matrix: Any
    """Array ``(n_sentences, dim)``, float64; None without sentences."""


def _logit(cosine: float, shares: float) -> float:
    return COSINE_WEIGHT * cosine + SHARES_WEIGHT * shares + SUPPORT_BIAS


def _most_shares(claim: Reading, context: Context) -> float:
    """Upper bound of the shares' log-odds over the context's windows."""
    return max(shares_logit(*most(claim, window)) for window in context.windows)


def _support_logit(claim: Reading, context: Context, cosine: float) -> float:
    """Log-odds that a context, whose nearest sentence has that cosine, supports a claim."""
    found = best_match(claim, [context])
    if found is None:
        return -math.inf
    fit = found[1]
    return _logit(cosine, shares_logit(fit.content, fit.every)) + penalty(fit)


def _relevance(question: str, answer: str, vectors: dict[str, Any]) -> Support:
    if not words(question):
        return Support(None, "the question has no words")
    if not words(answer):
        return Support(0.0, "the answer has no words")
    cosine = round(float(vectors[question] @ vectors[answer]), _DECIMALS)
    shares = RELEVANCE_SHARES_WEIGHT * relevance_logit(question, answer)
    return Support(sigmoid(RELEVANCE_COSINE_WEIGHT * cosine + shares + RELEVANCE_BIAS))
