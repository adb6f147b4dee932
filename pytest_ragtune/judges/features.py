"""What a judge knows besides its model's logits: what can be counted in claim and context.

A model of this size overlooks numbers and names that counting finds; counting overlooks paraphrase and
swapped roles. A small calibrated combiner weighs both. Every feature is a number, most between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_ragtune.text import words

from .lexical import best_match, relevance_logit
from .order import original
from .overlap import Reading, read_claim
from .windows import Document, Window, texts_in

SUPPORT_FEATURES = (
    "logit_best",
    "logit_mean",
    "logit_shared",
    "number_missing",
    "name_missing",
    "negation_added",
    "known",
    "edited",
    "long",
)
"""Names of what :func:`support_features` gives, in order.

Few: what more can be counted helped on sets like those that were learned from, and on others it did harm."""

ANSWER_FEATURES = ("logit_best", "logit_second", "lexical", "cosine")
"""Names of what :func:`answer_features` gives, in order."""

Head = Literal["supports", "answers"]
"""What a judge is asked: does the context support the claim, does the text answer the question."""

FEATURES: Mapping[Head, tuple[str, ...]] = {"supports": SUPPORT_FEATURES, "answers": ANSWER_FEATURES}
"""The features of each head."""


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
    share = _share(read_claim(whole).every if whole else reading.every, document.index)
    highest = sorted(logits, reverse=True)[:_AGREEING]
    signs = {
        "logit_best": highest[0],
        "logit_mean": math.fsum(highest) / len(highest),
        "logit_shared": _logit_shared(reading, document, windows, logits) * _trust(share),
        "number_missing": float(fit.number_missing),
        "name_missing": float(fit.name_missing),
        "negation_added": float(fit.negation_added),
        "known": _known(share, reading, len(words(claim)), document),
        "edited": float(original(claim, texts_in(document, windows)) is not None),
    }
    certainty = 1 / (1 + _DOUBT * _between(document.words, 10, 250))
    weakened = {name: value * certainty for name, value in signs.items()}
    return {**weakened, "long": _between(document.words, 60, 1000)}


_DOUBT = 0.6
"""How much less every sign says of a context of 250 words than of one of 10, where nothing is overlooked.

Of what was fitted without it, the log-odds were right for long contexts and half of what they should be for
those of a sentence."""
_AGREEING = 3
"""So many of the best windows are asked whether they agree; more of a long context are beside the point."""


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
    highest = sorted(logits, reverse=True)[:2]
    asked_words = len(words(question))
    return {
        "logit_best": highest[0],
        "logit_second": highest[-1],
        "lexical": relevance_logit(question, windows[best_window(logits)].text),
        "cosine": _about(max(cosines), asked_words, document.words),
    }


def _about(cosine: float, asked_words: int, answer_words: int) -> float:
    """What a cosine tells of whether a text is about what was asked: the longer both are, the more."""
    beyond = cosine - _RELATED
    told = beyond if beyond < 0 else _ABOVE * beyond
    return told * (1 + 2 * _between(asked_words, 10, 30)) * (1 + _between(answer_words, 10, 40))


_ABOVE = 0.1
"""How much a cosine counts above :data:`_RELATED` for what it counts below."""
_RELATED = 0.25
"""The cosine from which on a question and a text may be about the same thing: what is above tells little.

Answers and sentences of the same page that answer nothing are as near to a question as each other; only far
ones are known to answer something else."""


def stretches(windows: Sequence[Window]) -> list[Window]:
    """The windows that are more than a single sentence; of those that are none, all."""
    return [window for window in windows if window.kind != "sentence"] or list(windows)


def best_window(logits: Sequence[float]) -> int:
    """Position of the highest logit, the first of equals."""
    return max(range(len(logits)), key=logits.__getitem__)


_USUAL = 0.5
"""Share of a claim's words that a text on other things may hold."""
_TRUSTED = 0.8
"""Share of a claim's words from which on what is shared tells less than the model does."""
_AS_GOOD = 0.1
"""Windows that hold so much less of a claim's words than the one that holds most are as good as that one."""
_CONTENT = 0.3
"""How much the share of a statement's content words counts beside that of all words of the whole claim."""


def _known(share: float, claim: Reading, claim_words: int, document: Document) -> float:
    """What the share of known words tells of a claim, or of the whole of which it is one statement.

    The longer claim and context are, the more: a caption of ten words may well support a claim in other
    words, a document that supports a sentence of twenty rarely shares few of them.
    """
    content = _share(claim.content or claim.every, document.index)
    share = (1 - _CONTENT) * share + _CONTENT * content
    long_context = _between(document.words, 20, 250)
    long_claim = _between(claim_words, 8, 20)
    return (share - _USUAL) * (1 + 8 * long_context + 2 * long_claim) / 11


def _trust(share: float) -> float:
    """How far the model is the one to ask: 0 for a share of known words of four fifths or less, 1 for all.

    A claim that shares nearly all its words may be true, or have one word that an edit made wrong, which only
    the model sees.
    """
    return max(0.0, share - _TRUSTED) / (1 - _TRUSTED)


def _logit_shared(
    claim: Reading, document: Document, windows: Sequence[Window], logits: Sequence[float]
) -> float:
    """The highest logit of the windows that hold most of the claim's words, where its evidence should be."""
    held = [
        len(claim.every & frozenset().union(*(document.pieces[piece].reading.every for piece in w.pieces)))
        for w in windows
    ]
    enough = max(held) - _AS_GOOD * len(claim.every)
    return max(logit for logit, count in zip(logits, held, strict=True) if count >= enough)


def _between(count: int, low: int, high: int) -> float:
    """Where a count lies between two others, in logarithms: 0 at the lower or below, 1 at the higher."""
    return min(1.0, max(0.0, math.log1p(count) - math.log(low)) / (math.log(high) - math.log(low)))


def _share(wanted: frozenset[str], held: Mapping[str, object]) -> float:
    """0 of 0 is 0."""
    return sum(root in held for root in wanted) / len(wanted) if wanted else 0.0
