"""The embedded judge: a small cross-encoder and what can be counted, joined by a calibrated combiner."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from pytest_ragtune.metrics.evidence import Evidence, Request
from pytest_ragtune.metrics.scoring import identity
from pytest_ragtune.records import Support
from pytest_ragtune.text import is_claim, words

from .claim_parts import parts_of
from .encoder import CARD, WEIGHTS, Encoder
from .features import answer_features, best_window, stretches, support_features
from .language import warn_of_other_languages
from .lexical import shares_logit, sigmoid
from .order import original
from .overlap import most, read_claim
from .shelf import Shelf
from .windows import Document, Window, choose, read_document, texts_in

_CACHED_OPINIONS = 4096
_READING = 7
"""To raise when texts are read in another way, or by other arithmetic: it changes every opinion."""
_SHARED = 10.0
"""Log-odds that all words of a claim, shared, weigh in choosing the sentence to show."""
_NO = -2.0
"""Logits below it all say that a sentence does not support a claim, and not which is nearest to it."""
_CONTEXTS = 8
"""Of more contexts than these, only those that share most words with a claim are read by the model."""


def has_weights(folder: Path | str = WEIGHTS) -> bool:
    """Whether a judge's folder holds a judge."""
    return (Path(folder) / CARD).is_file()


class NliJudge:
    """Judges with the model that comes with the package: on the CPU, without a network, always the same.

    *Support*: the model reads the few windows of a context that share most with the claim. Its highest
    logits and countable facts (words, numbers, names, negations and word sequences found or missing) are
    weighed by a logistic regression, calibrated on people's labels. *Relevance*: likewise, from the model's
    other output and the cosine of question and answer, each read alone. It was trained on English: texts in
    another language are scored, with a warning.

    Args:
        folder: of a judge made by ``ragtune train-judge``; the package's own unless given.

    Raises:
        ModelError: a file of the folder is missing or damaged.
    """

    is_deterministic = True

    def __init__(self, folder: Path | str = WEIGHTS) -> None:
        self._encoder = Encoder(folder)
        self._policy = self._encoder.card.window
        self._has_warned = False
        self._read = Shelf(self._read_document)
        self._opinion = lru_cache(maxsize=_CACHED_OPINIONS)(self._judge)

    def __repr__(self) -> str:
        return f"NliJudge({str(self._encoder.folder)!r})"

    @property
    def name(self) -> str:
        """How it is called beside a metric: ``faithfulness[nli]``."""
        return self._encoder.card.name

    @property
    def identity(self) -> str:
        """Name, version, how texts are read, and the checksum of weights, calibration and window settings."""
        card = self._encoder.card
        return identity(card.name, card.version, weights=card.checksum, reading=_READING)

    @property
    def thresholds(self) -> dict[str, float]:
        """The recommended threshold of each head: ``supports`` and ``answers``."""
        return dict(self._encoder.card.thresholds)

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (context, claim) pair."""
        return [item.support for item in self.best_support([(claim, [context]) for context, claim in pairs])]

    def best_support(self, requests: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence]:
        """For each (claim, contexts) the best context and the sentence that supports the claim best in it."""
        return self.find([Request(claim, tuple(contexts)) for claim, contexts in requests])

    def find(self, requests: Sequence[Request]) -> list[Evidence]:
        """Like :meth:`best_support`; a claim that refers back is read together with what it refers to.

        A claim of several statements is as well supported as the least supported of them.
        """
        self._warn(request.claim for request in requests)
        return [self._least(request) for request in requests]

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (question, answer) pair; of a long answer, the part that answers best counts."""
        self._warn(question for question, _ in pairs)
        found = {pair: self._relevance(*pair) for pair in dict.fromkeys(pairs)}
        return [found[pair] for pair in pairs]

    def _warn(self, texts: Iterable[str]) -> None:
        """Warn of another language than English, once."""
        self._has_warned = self._has_warned or warn_of_other_languages(texts)

    def _read_document(self, text: str) -> Document:
        return read_document(text, self._policy)

    def _least(self, request: Request) -> Evidence:
        """What supports the least supported statement of a claim; most claims are one."""
        parts = parts_of(request.claim, request.before)
        each = [Request(part.text, request.contexts, part.before) for part in parts.statements]
        return min((self._statement(one, parts.whole) for one in each), key=_probability)

    def _statement(self, request: Request, whole: str) -> Evidence:
        """What supports one statement of a whole.

        One that refers back to a claim that is itself not supported is read alone as well: it is not to be
        blamed for what stands before it.
        """
        found = self._best(request, whole)
        before = Request(request.before, request.contexts)
        if self._is_supported(found) or not is_claim(before.claim) or self._is_supported(self._best(before)):
            return found
        return max(found, self._best(Request(request.claim, request.contexts), whole), key=_probability)

    def _is_supported(self, found: Evidence) -> bool:
        return _probability(found) >= self._encoder.card.thresholds["supports"]

    def _best(self, request: Request, whole: str = "") -> Evidence:
        """The first context of the highest probability."""
        if not words(request.claim):
            return Evidence(Support(None, "the claim has no words"))
        best: Evidence | None = None
        for number in self._promising(request):
            found = self._opinion(request.contexts[number], request.claim, request.in_full, whole)
            if best is None or _probability(found) > _probability(best):
                best = Evidence(found.support, number, found.sentence)
        return best or Evidence(Support(0.0, "no context was given"))

    def _promising(self, request: Request) -> list[int]:
        """The contexts to read, ascending: all of a few, of many those that share most with the claim."""
        count = len(request.contexts)
        if count <= _CONTEXTS:
            return list(range(count))
        claim = read_claim(request.claim)
        shares = [
            max((shares_logit(*most(claim, w)) for w in self._read(text).context.windows), default=-99.0)
            for text in request.contexts
        ]
        return sorted(sorted(range(count), key=lambda number: (-shares[number], number))[:_CONTEXTS])

    def _judge(self, context: str, claim: str, in_full: str, whole: str) -> Evidence:
        """What a context says of a claim, which the model reads ``in_full``, as one statement of a whole."""
        document = self._read(context)
        windows = choose(document, in_full, self._policy)
        if not windows:
            return Evidence(Support(0.0, "the context has no words"), 0)
        logits = [pair[0] for pair in self._encoder.logits([(w.text, in_full) for w in windows])]
        found = support_features(claim, document, windows, logits, whole)
        probability = sigmoid(self._encoder.card.combiners["supports"].logit(found))
        source = original(claim, texts_in(document, windows)) if found["edited"] else None
        return Evidence(Support(probability), 0, _nearest(claim, in_full, document, windows, logits, source))

    def _relevance(self, question: str, answer: str) -> Support:
        if not words(question):
            return Support(None, "the question has no words")
        document = self._read(answer)
        windows = choose(document, question, self._policy)
        if not windows:
            return Support(0.0, "the answer has no words")
        logits = [pair[1] for pair in self._encoder.logits([(question, w.text) for w in windows])]
        cosines = self._encoder.cosines([(question, w.text) for w in stretches(windows)])
        found = answer_features(question, document, windows, logits, cosines)
        return Support(sigmoid(self._encoder.card.combiners["answers"].logit(found)))


def _probability(found: Evidence) -> float:
    return found.support.probability or 0.0


def _nearest(
    claim: str,
    in_full: str,
    document: Document,
    windows: Sequence[Window],
    logits: Sequence[float],
    source: str | None,
) -> str:
    """The sentence to show: the best of those read alone, else the one of the best window that shares most.

    Of those read alone, by the model's logit and the share of the claim's words that the sentence holds, each
    weighed by how rare it is in the document. Where the model read more than the claim, its logits do not
    tell which sentence supports the claim itself. The sentence that the claim is an edit of, its ``source``,
    is shown unless the other shares more.
    """
    weights = {root: document.rarity(root) for root in read_claim(claim).every}
    total = math.fsum(weights.values())

    def share(piece: int) -> float:
        held = document.pieces[piece].reading.every
        return math.fsum(weight for root, weight in weights.items() if root in held) / total

    single = [number for number, window in enumerate(windows) if len(window.pieces) == 1]
    if single and claim == in_full:
        told = [max(_NO, logits[number]) + _SHARED * share(windows[number].best) for number in single]
        nearest = windows[single[best_window(told)]].best
    else:
        nearest = max(windows[best_window(logits)].pieces, key=share)
    edited = [n for window in windows for n in window.pieces if document.pieces[n].text == source]
    return document.pieces[max([*edited, nearest], key=share)].text
