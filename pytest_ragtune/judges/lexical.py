"""A judge that counts words: deterministic, instant, no model; the baseline that other judges must beat."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pytest_ragtune.metrics.evidence import Evidence
from pytest_ragtune.metrics.scoring import identity
from pytest_ragtune.records import Support
from pytest_ragtune.text import words

from .overlap import Context, Match, Reading, match, most, numbers_of, read_claim, read_context
from .shelf import Shelf

# Logistic regression of "supported" on the two shares, every family and both labels weighted equally, on
# begin, q2_dialogue, faithdial_audit (one family), fever_symmetric, scifact_dev, citation_integrity and 4,000
# pairs each of SNLI, MNLI and counterfactual SNLI (one family); docs/metrics.md has the measurements.
CONTENT_WEIGHT, EVERY_WEIGHT, SUPPORT_BIAS = 2.18, 1.45, -2.02

# Rules, not fits: those sets hold too few such errors to learn from. Chosen on errors planted in supported
# claims of the sets above. NUMBER alone takes a claim whose words are all found from 0.83 to 0.40.
NUMBER, NAME, NEGATION_ADDED, NEGATION_DROPPED = -2.0, -0.7, -1.5, -0.75

# Logistic regression of "answers" on the share of the question's content words, on QNLI. The rest are rules,
# the best on TREC QA of five settings: a fit on QNLI alone makes them stronger and does worse there.
RELEVANCE_WEIGHT, RELEVANCE_BIAS = 3.0, -1.27
KIND_GIVEN, KIND_MISSING, NAME_ASKED_MISSING, SHORT_ANSWER = 0.5, -0.5, -0.3, 2.0

_SHORT_WORDS = 5
_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|old|far|tall|big|large|often|high|fast|deep|soon)|when"
    r"|(?:what|which) (?:\w+ )?(?:year|date|time|day|month|number|percentage|age|price|cost|fee|amount))\b",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(r"\b(?:who|whom|whose|where)\b", re.IGNORECASE)
_CAPITALISED = re.compile(r"\b[A-Z]\w+")


class LexicalJudge:
    """Judges by shared words.

    *Support*: a logistic function of the share of the claim's words that the context holds (content words,
    in the context and in its best two neighbouring sentences, and all words), lowered where a number or a
    name of the claim is missing or a word is negated on one side only. *Relevance*: a logistic function of
    the share of the question's content words that the answer holds, and whether a number or a name that the
    question asks for is there. Words are compared as stems, so a paraphrase in other words looks unsupported.
    """

    is_deterministic = True

    def __init__(self) -> None:
        self._read = Shelf(read_context)

    @property
    def identity(self) -> str:
        """Name and version: the coefficients are part of the version."""
        return identity("lexical", 3)

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (context, claim) pair."""
        return [item.support for item in self.best_support([(claim, [context]) for context, claim in pairs])]

    def best_support(self, requests: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence]:
        """For each (claim, contexts) the best context and the sentence in it that shares most words."""
        return [self._best(claim, contexts) for claim, contexts in requests]

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (question, answer) pair."""
        return [_relevance(question, answer) for question, answer in pairs]

    def _best(self, claim: str, contexts: Sequence[str]) -> Evidence:
        if not words(claim):
            return Evidence(Support(None, "the claim has no words"))
        read = [self._read(context) for context in contexts]
        found = best_match(read_claim(claim), read)
        if found is None:
            return Evidence(Support(0.0, "the context has no words"), 0 if contexts else None)
        number, fit = found
        return Evidence(Support(sigmoid(support_logit(fit))), number, read[number].sentences[fit.sentence])


def best_match(claim: Reading, contexts: Sequence[Context]) -> tuple[int, Match] | None:
    """The context of the highest support and the match in it, the first of equals; None without words."""
    best: tuple[int, Match] | None = None
    highest = -math.inf
    for number, context in enumerate(contexts):
        for window in context.windows:
            if shares_logit(*most(claim, window)) <= highest:
                continue
            fit = match(claim, window)
            logit = support_logit(fit)
            if logit > highest:
                best, highest = (number, fit), logit
    return best


def shares_logit(content: float, every: float) -> float:
    """Log-odds of support from the shares of words alone."""
    return CONTENT_WEIGHT * content + EVERY_WEIGHT * every + SUPPORT_BIAS


def penalty(fit: Match) -> float:
    """What missing numbers and names and one-sided negations take from the log-odds; 0 or less."""
    return math.fsum(
        (
            NUMBER * fit.number_missing,
            NAME * fit.name_missing,
            NEGATION_ADDED * fit.negation_added,
            NEGATION_DROPPED * fit.negation_dropped,
        )
    )


def support_logit(fit: Match) -> float:
    """Log-odds that a window supports a claim."""
    return shares_logit(fit.content, fit.every) + penalty(fit)


def sigmoid(logit: float) -> float:
    """Probability from log-odds, to 6 decimals: what lies below is noise of the order of summation."""
    return round(1.0 / (1.0 + math.exp(-max(logit, -500.0))), 6)


def _relevance(question: str, answer: str) -> Support:
    if not words(question):
        return Support(None, "the question has no words")
    if not words(answer):
        return Support(0.0, "the answer has no words")
    return Support(sigmoid(relevance_logit(question, answer)))


def relevance_logit(question: str, answer: str) -> float:
    """Log-odds that ``answer`` answers ``question``."""
    asked, given = read_claim(question), read_claim(answer)
    wanted = asked.content or asked.every
    logit = RELEVANCE_WEIGHT * len(wanted & given.every) / len(wanted) + RELEVANCE_BIAS
    is_short = len(words(answer)) <= _SHORT_WORDS
    if _ASKS_NUMBER.search(question):
        new = numbers_of(words(answer)) - asked.numbers
        logit += (KIND_GIVEN + SHORT_ANSWER * is_short) if new else KIND_MISSING
    elif _ASKS_NAME.search(question):
        lowered = question.lower()
        names = [name for name in _CAPITALISED.findall(answer) if name.lower() not in lowered]
        logit += SHORT_ANSWER * is_short if names else NAME_ASKED_MISSING
    return logit
