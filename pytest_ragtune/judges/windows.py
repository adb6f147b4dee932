"""Windows: the few stretches of a context that a model should read beside a claim.

A context is read once for all claims: cut into pieces (sentences, long ones cut up) with an index from words
to pieces. For one claim only the pieces that share a word with it are looked at, so time grows linearly with
the context and a model reads no more of a long context than of a short one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_ragtune.text import words

from .overlap import Context, Reading, read_claim, read_context, read_text

Kind = Literal["sentence", "neighbours", "joined", "whole"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Which windows a model reads."""

    words: int = 96
    """Most words of a window."""
    sentences: int = 4
    """How many single sentences, best first; of a context that is one window, half as many."""
    neighbours: int = 2
    """How many best sentences with what stands around them."""
    joined: bool = True
    """Whether to add the sentences that together hold most words of the claim, where no one stretch does."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence of a context, or a part of a long one."""

    text: str
    sentence: int
    """Position of its sentence in the context."""
    words: int
    """How many words it has."""
    reading: Reading
    """What they are."""


@dataclass(frozen=True, slots=True)
class Document:
    """A context, read once for all claims."""

    context: Context
    """Its sentences and lexical windows."""
    pieces: tuple[Piece, ...]
    """In reading order; those with words only."""
    index: dict[str, list[int]] = field(repr=False)
    """From a word's stem to the pieces that hold it."""
    words: int
    """How many words it has."""

    def rarity(self, root: str) -> float:
        """How telling a word's stem is here: the fewer pieces hold it, the more; above 0."""
        return math.log((len(self.pieces) + 1) / (len(self.index.get(root, ())) + 0.5))


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a context for a model to read."""

    text: str
    kind: Kind
    best: int
    """Position among the document's pieces of the one that shares most with the claim."""
    pieces: tuple[int, ...]
    """All its pieces, ascending."""


def read_document(text: str, policy: Policy) -> Document:
    """``text`` as pieces of at most half a window, and where each word stands."""
    context = read_context(text)
    most = max(8, policy.words // 2)
    pieces = tuple(_pieces(context, most))
    index: dict[str, list[int]] = {}
    for number, piece in enumerate(pieces):
        for root in piece.reading.every:
            index.setdefault(root, []).append(number)
    return Document(context, pieces, index, sum(piece.words for piece in pieces))


def choose(document: Document, claim: str | Reading, policy: Policy) -> list[Window]:
    """The windows in which a claim's support is sought, most promising first; none without words.

    Single sentences, stretches around the best sentences, and the sentences that together hold most of the
    claim's words. A context no longer than one window is itself a window, in place of stretches. Where
    nothing shares a word with the claim, the beginning and evenly spaced places are read.
    """
    pieces = document.pieces
    if not pieces:
        return []
    weights = _weights(document, read_claim(claim) if isinstance(claim, str) else claim)
    scores = _scores(document, weights)
    ranked = sorted(scores, key=lambda number: (-scores[number], number))
    ranked = ranked or _spaced(len(pieces), policy.neighbours)
    spans: dict[tuple[int, ...], tuple[Kind, int]] = {}
    singles = policy.sentences
    if document.words <= policy.words:
        singles = (singles + 1) // 2
        spans[tuple(range(len(pieces)))] = ("whole", ranked[0])
    else:
        for best, span in _stretches(pieces, ranked, policy):
            spans.setdefault(span, ("neighbours", best))
    for best in ranked[:singles]:
        spans.setdefault((best,), ("sentence", best))
    if policy.joined and document.words > policy.words:
        together = _covering(pieces, ranked, weights, policy.words)
        if not any(set(together) <= set(span) for span in spans):
            spans[together] = ("joined", ranked[0])
    return [
        Window(" ".join(pieces[number].text for number in span), kind, best, span)
        for span, (kind, best) in spans.items()
    ]


def texts_in(document: Document, windows: Sequence[Window]) -> list[str]:
    """The pieces of all windows, each once, in reading order."""
    return [document.pieces[n].text for n in sorted({n for window in windows for n in window.pieces})]


def _weights(document: Document, claim: Reading) -> dict[str, float]:
    """How telling each word of the claim is in this context: the rarer, the more; none for absent ones."""
    wanted = claim.content or claim.every
    total = len(document.pieces)
    return {
        root: math.log(1 + total / len(document.index[root]))
        for root in sorted(wanted)
        if root in document.index
    }


def _scores(document: Document, weights: dict[str, float]) -> dict[int, float]:
    """Summed weight of the claim's words in each piece that holds any."""
    scores: dict[int, float] = {}
    for root, weight in weights.items():
        for number in document.index[root]:
            scores[number] = scores.get(number, 0.0) + weight
    return scores


def _stretches(
    pieces: Sequence[Piece], ranked: Sequence[int], policy: Policy
) -> Iterable[tuple[int, tuple[int, ...]]]:
    """The best pieces, each with its neighbours; one that stands in an earlier stretch gives none."""
    seen: set[int] = set()
    count = 0
    for best in ranked:
        if count == policy.neighbours:
            return
        if best in seen:
            continue
        span = _grown(pieces, best, policy.words)
        seen.update(span)
        count += 1
        yield best, span


def _grown(pieces: Sequence[Piece], best: int, most: int) -> tuple[int, ...]:
    """``best`` and what stands around it, before and after in turn, while it fits."""
    first = last = best
    total = pieces[best].words
    grows = True
    while grows:
        grows = False
        if first > 0 and total + pieces[first - 1].words <= most:
            first -= 1
            total += pieces[first].words
            grows = True
        if last + 1 < len(pieces) and total + pieces[last + 1].words <= most:
            last += 1
            total += pieces[last].words
            grows = True
    return tuple(range(first, last + 1))


_LOOKED_AT = 64
"""How many of the best pieces are candidates for a joined window."""


def _covering(
    pieces: Sequence[Piece], ranked: Sequence[int], weights: dict[str, float], most: int
) -> tuple[int, ...]:
    """Pieces, ascending, that together hold most of the claim: each adds what those before it lack."""
    left = dict(weights)
    chosen: list[int] = []
    total = 0
    candidates = list(ranked[:_LOOKED_AT])
    while candidates and left:
        gains = [sum(w for root, w in left.items() if root in pieces[n].reading.every) for n in candidates]
        top = max(range(len(candidates)), key=gains.__getitem__)
        if gains[top] <= 0:
            break
        number = candidates.pop(top)
        if total + pieces[number].words > most:
            continue
        chosen.append(number)
        total += pieces[number].words
        left = {root: w for root, w in left.items() if root not in pieces[number].reading.every}
    return tuple(sorted(chosen or ranked[:1]))


def _spaced(total: int, count: int) -> list[int]:
    """The first piece and others evenly spaced."""
    parts = max(1, count)
    return sorted({number * total // parts for number in range(parts)})


def _pieces(context: Context, most: int) -> Iterable[Piece]:
    readings = {
        window.first + offset: reading
        for window in context.windows
        for offset, reading in enumerate(window.sentences)
    }
    for number, sentence in enumerate(context.sentences):
        size = len(words(sentence))
        if 0 < size <= most:
            yield Piece(sentence, number, size, readings[number])
        elif size:
            for part in _cut(sentence, most):
                found = len(words(part))
                if found:
                    yield Piece(part, number, found, read_text(part))


def _cut(sentence: str, most: int) -> Iterable[str]:
    """Parts of at most ``most`` words; a word as long as a paragraph is cut too: a script without spaces."""
    part = ""
    size = 0
    for token in sentence.split():
        bits = (
            [token] if len(token) <= 4 * most else [token[i : i + most] for i in range(0, len(token), most)]
        )
        for place, bit in enumerate(bits):
            found = max(1, len(words(bit)))
            if part and size + found > most:
                yield part
                part, size = "", 0
            part += f" {bit}" if part and place == 0 else bit
            size += found
    if part:
        yield part
