"""What a judge knows besides its model's logits: what can be counted in claim and context.

A model of this size overlooks numbers and names that counting finds; counting overlooks paraphrase and
swapped roles. A small calibrated combiner weighs both. Every feature is a number, most between 0 and 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_ragtune.text import words
from pytest_ragtune.text.tokens import stem

from .lexical import best_match, penalty, relevance_logit, shares_logit
from .order import original
from .overlap import Match, Reading, read_claim, read_text
from .windows import Document, Window, texts_in

SUPPORT_FEATURES = (
    "logit_best",
    "logit_second",
    "logit_mean",
    "logit_lexical",
    "lexical",
    "content_context",
    "every_context",
    "content_match",
    "content_window",
    "content_sentence",
    "every_match",
    "number_missing",
    "numbers_missing_window",
    "name_missing",
    "names_missing_window",
    "negation_added",
    "negation_dropped",
    "bigrams_new",
    "trigrams_new",
    "run",
    "has_number",
    "has_name",
    "place",
    "claim_words",
    "context_words",
    "new_words",
    "covered",
    "edited",
)
"""Names of what :func:`support_features` gives, in order."""

ANSWER_FEATURES = (
    "logit_best",
    "logit_second",
    "lexical",
    "asked_found",
    "asked_found_window",
    "added",
    "answer_words",
    "question_words",
    "cosine",
)
"""Names of what :func:`answer_features` gives, in order."""


@dataclass(frozen=True, slots=True)
class Combiner:
    """A logistic regression over standardised features."""

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def logit(self, found: Mapping[str, float]) -> float:
        """Log-odds from features by name.

        Raises:
            KeyError: a feature that it needs is not among them.
        """
        columns = zip(self.features, self.mean, self.scale, self.weights, strict=True)
        return self.bias + math.fsum(w * (found[name] - m) / s for name, m, s, w in columns)


def support_features(
    claim: str, document: Document, windows: Sequence[Window], logits: Sequence[float], whole: str = ""
) -> dict[str, float]:
    """Features of whether ``document`` supports ``claim``, which has words; so has the document.

    Args:
        claim: the statement.
        document: the context, read.
        windows: what was chosen of it for the claim.
        logits: the model's, one a window.
        whole: the claim of several statements that it is one of, if so.
    """
    reading = read_claim(claim)
    found = best_match(reading, [document.context])
    if found is None or not windows:
        raise ValueError("the context has no words: expected at least one window")
    fit = found[1]
    best = best_window(logits)
    return {
        **_model(logits),
        "logit_lexical": logits[0],
        **_shares(reading, document, windows[best], fit),
        **_grams(claim, windows),
        "has_number": float(bool(reading.numbers)),
        "has_name": float(bool(reading.names)),
        "place": windows[best].best / len(document.pieces),
        **_amounts(reading, len(words(claim)), document),
        "covered": _covered(read_claim(whole or claim), len(words(claim)), document),
        "edited": float(original(claim, texts_in(document, windows)) is not None),
    }


def answer_features(
    question: str,
    document: Document,
    windows: Sequence[Window],
    logits: Sequence[float],
    cosines: Sequence[float],
) -> dict[str, float]:
    """Features of whether a text answers ``question``; both have words.

    Args:
        question: what was asked.
        document: the text, read.
        windows: what was chosen of it for the question.
        logits: the model's, one a window.
        cosines: of the question and each of the :func:`stretches`, each read alone.
    """
    asked = read_claim(question)
    wanted = asked.content or asked.every
    best = windows[best_window(logits)]
    window = read_text(best.text)
    model = _model(logits)
    asked_words = len(words(question))
    return {
        "logit_best": model["logit_best"],
        "logit_second": model["logit_second"],
        "lexical": relevance_logit(question, best.text),
        "asked_found": _share(wanted, document.index),
        "asked_found_window": _share(wanted, window.every),
        "added": _share_of(len(window.content - asked.every), len(window.content)),
        "answer_words": math.log1p(document.words),
        "question_words": math.log1p(asked_words),
        "cosine": (max(cosines) - _UNRELATED) * (1 + 2 * _between(asked_words, 10, 30)),
    }


_UNRELATED = 0.4
"""About the cosine from which on a question and a text are about the same thing."""


def stretches(windows: Sequence[Window]) -> list[Window]:
    """The windows that are more than a single sentence; of those that are none, all."""
    return [window for window in windows if window.kind != "sentence"] or list(windows)


def best_window(logits: Sequence[float]) -> int:
    """Position of the highest logit, the first of equals."""
    return max(range(len(logits)), key=logits.__getitem__)


_AGREEING = 3
"""So many of the best windows are asked whether they agree; more of a long context are beside the point."""


def _model(logits: Sequence[float]) -> dict[str, float]:
    ordered = sorted(logits, reverse=True)
    return {
        "logit_best": ordered[0],
        "logit_second": ordered[1] if len(ordered) > 1 else ordered[0],
        "logit_mean": math.fsum(ordered[:_AGREEING]) / len(ordered[:_AGREEING]),
    }


def _shares(claim: Reading, document: Document, window: Window, fit: Match) -> dict[str, float]:
    """Shares of the claim's words, numbers and names in the context, its best stretch, and the window."""
    inside = read_text(window.text)
    nearest = document.pieces[window.best].reading
    wanted = claim.content or claim.every
    return {
        "lexical": shares_logit(fit.content, fit.every) + penalty(fit),
        "content_context": _share(wanted, document.index),
        "every_context": _share(claim.every, document.index),
        "content_match": fit.content,
        "content_window": _share(wanted, inside.every),
        "content_sentence": _share(wanted, nearest.every),
        "every_match": fit.every,
        "number_missing": float(fit.number_missing),
        "numbers_missing_window": _share_of(len(claim.numbers - inside.numbers), len(claim.numbers)),
        "name_missing": float(fit.name_missing),
        "names_missing_window": _share_of(len(claim.names - inside.every), len(claim.names)),
        "negation_added": float(fit.negation_added),
        "negation_dropped": float(fit.negation_dropped),
    }


_USUAL, _HIGH = 0.6, 0.8
"""Shares of a claim's words: about what any text on the same things holds, and one that supports it."""


def _amounts(claim: Reading, claim_words: int, document: Document) -> dict[str, float]:
    """How long both texts are, and how many words of the claim are new."""
    wanted = claim.content or claim.every
    return {
        "claim_words": math.log1p(claim_words),
        "context_words": math.log1p(document.words),
        "new_words": math.log1p(sum(root not in document.index for root in wanted)),
    }


def _covered(whole: Reading, claim_words: int, document: Document) -> float:
    """What the share of known words tells of a claim, or of the whole of which it is one statement.

    The longer claim and context are, the more: a caption of ten words may well support a claim in other
    words, a document that supports a sentence of twenty rarely shares few of them. What is shared beyond four
    fifths counts half: a claim that an edit made wrong shares nearly all its words.
    """
    known = _share(whole.every, document.index)
    long_context = _between(document.words, 20, 1000)
    long_claim = _between(claim_words, 8, 20)
    return (min(known, (known + _HIGH) / 2) - _USUAL) * (1 + 4 * long_context + long_claim) / 6


def _between(count: int, low: int, high: int) -> float:
    """Where a count lies between two others, in logarithms: 0 at the lower or below, 1 at the higher."""
    return min(1.0, max(0.0, math.log1p(count) - math.log(low)) / (math.log(high) - math.log(low)))


def _grams(claim: str, windows: Sequence[Window]) -> dict[str, float]:
    """Share of the claim's pairs and triples of words that no window holds, and its longest run."""
    own = _stems(claim)
    texts = [_stems(window.text) for window in windows]
    pairs = {gram for text in texts for gram in itertools.pairwise(text)}
    triples = {gram for text in texts for gram in zip(text, text[1:], text[2:], strict=False)}
    own_pairs = list(itertools.pairwise(own))
    own_triples = list(zip(own, own[1:], own[2:], strict=False))
    return {
        "bigrams_new": _share_of(sum(gram not in pairs for gram in own_pairs), len(own_pairs)),
        "trigrams_new": _share_of(sum(gram not in triples for gram in own_triples), len(own_triples)),
        "run": _longest_run([gram in pairs for gram in own_pairs]) / max(1, len(own_pairs)),
    }


def _longest_run(found: Sequence[bool]) -> int:
    longest = current = 0
    for is_found in found:
        current = current + 1 if is_found else 0
        longest = max(longest, current)
    return longest


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text)]


def _share(wanted: frozenset[str], held: Mapping[str, object] | frozenset[str]) -> float:
    return _share_of(sum(root in held for root in wanted), len(wanted))


def _share_of(part: int, whole: int) -> float:
    """0 of 0 is 0: nothing is missing where nothing is asked for."""
    return part / whole if whole else 0.0
