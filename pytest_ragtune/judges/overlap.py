"""What a claim and a context share: words, numbers, names and negations.

The common ground of the lexical and the embedding judge. Everything is counted over stems of words
(:mod:`pytest_ragtune.text`), in windows of at most ``WINDOW_WORDS`` words, so that time grows linearly with
the length of a context and a long context does not cover every claim by chance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_ragtune.text import sentences, without_attribution, words
from pytest_ragtune.text.tokens import STOP_WORDS, stem, word_set

WINDOW_WORDS = 400
"""Words of context that are looked at together; a longer context is cut into windows that overlap by half."""

_NEGATIONS = word_set("not no never neither nor without cannot hardly unable")
"""Words that negate what follows; ``nothing`` and ``nobody`` do not: "costs nothing over 50 euros"."""
_SHORT = {"cannot": "can", "can't": "can", "won't": "will", "shan't": "shall"}
_NOT_CONTENT = _NEGATIONS | word_set("none nobody nothing")
_EMPTY = STOP_WORDS | _NOT_CONTENT
_UNITS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_CARDINALS = {word: number for number, word in enumerate(_UNITS.split(), start=1)} | {
    "zero": 0, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12, "twice": 2,
}  # fmt: skip
_ORDINALS = {
    word: number
    for number, word in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"],
        start=1,
    )
}
_LOOSE = _ORDINALS | {"one": 1, "half": 50, "both": 2, "once": 1, "hundred": 100}
"""Words that may stand for a number in a context, but are no number that a claim must be held to."""

_STRICT = frozenset(_CARDINALS) - frozenset(_LOOSE)
_ALL = frozenset(_CARDINALS) | frozenset(_LOOSE)
_SOURCE_MARK = re.compile(r"\[[^\]]{0,40}\]|^\s*\(?\d{1,2}[.)]\s")
_IN_A_NAME = re.compile(r"[A-Za-z]-?(\d+)")
_WORD = re.compile(r"[^\W\d_]\w*")
_MOST = 0.6
"""From this share of capitals on, capitals mark no names: a title, or a language that writes so."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one sentence, or a claim, holds."""

    content: frozenset[str]
    """Stems of its content words."""
    every: frozenset[str]
    """Stems of all its words."""
    numbers: frozenset[str]
    """Its numbers, written in digits."""
    negated: frozenset[str]
    """The content words that follow a negation next."""
    names: frozenset[str] = frozenset()
    """Stems of its capitalised words but the first; of claims only."""


@dataclass(frozen=True, slots=True)
class Window:
    """Neighbouring sentences of a context."""

    first: int
    """Position of its first sentence in the context."""
    sentences: tuple[Reading, ...]
    """Its sentences."""
    union: Reading
    """All of them together."""


@dataclass(frozen=True, slots=True)
class Context:
    """A context, read once for all claims."""

    sentences: tuple[str, ...]
    """Its sentences."""
    windows: tuple[Window, ...]
    """What they hold; empty for a context without words."""


@dataclass(frozen=True, slots=True)
class Match:
    """How a claim fits into one window."""

    content: float
    """Share of the claim's content words, mean of the window's and its best two neighbouring sentences'."""
    every: float
    """Share of all words of the claim that the window holds."""
    number_missing: bool
    """Whether a number of the claim is nowhere in the window."""
    name_missing: bool
    """Whether a name of the claim is nowhere in the window."""
    negation_added: bool
    """Whether the claim negates a word that the best sentence states."""
    negation_dropped: bool
    """Whether the best sentence negates a word that the claim states."""
    sentence: int
    """Position in the context of the sentence that shares most content words; the first of equals."""


def read_claim(text: str) -> Reading:
    """A claim's words, without list numbers, citation marks and the given text as its source.

    Its numbers are those it must be held to.
    """
    bare = without_attribution(_SOURCE_MARK.sub(" ", text).strip())
    reading = _read(bare if words(bare) else text, _STRICT)
    numbers = reading.numbers - frozenset(_IN_A_NAME.findall(bare))
    return replace(reading, numbers=numbers, names=_names(bare))


def read_text(text: str) -> Reading:
    """What a stretch of context holds."""
    return _read(text, _ALL)


def read_context(text: str) -> Context:
    """A context's sentences and the windows over them."""
    found = tuple(sentences(text))
    readings = [read_text(sentence) for sentence in found]
    lengths = [len(words(sentence)) for sentence in found]
    if not any(lengths):
        return Context(found, ())
    spans = _spans(lengths)
    return Context(found, tuple(_window(start, readings[start:end]) for start, end in spans))


def match(claim: Reading, window: Window) -> Match:
    """How ``claim``, which has at least one word, fits into ``window``."""
    shared = [len(claim.content & reading.content) for reading in window.sentences]
    best = max(range(len(shared)), key=shared.__getitem__)
    pairs = (
        len(claim.content & (one.content | other.content))
        for one, other in zip(window.sentences, window.sentences[1:], strict=False)
    )
    nearest = window.sentences[best]
    content, every = most(claim, window)
    if claim.content:
        content = (content + max(shared[best], max(pairs, default=0)) / len(claim.content)) / 2
    return Match(
        content=content,
        every=every,
        number_missing=not claim.numbers <= window.union.numbers,
        name_missing=not claim.names <= window.union.every,
        negation_added=bool((claim.negated & nearest.content) - nearest.negated),
        negation_dropped=bool((nearest.negated & claim.content) - claim.negated),
        sentence=window.first + best,
    )


def most(claim: Reading, window: Window) -> tuple[float, float]:
    """Upper bounds of :func:`match`'s ``content`` and ``every``, at a fraction of its cost.

    A claim of stop words alone is compared by all its words.
    """
    every = len(claim.every & window.union.every) / len(claim.every)
    content = claim.content
    return (len(content & window.union.content) / len(content) if content else every), every


def numbers_of(found: Sequence[str], known: frozenset[str] = _STRICT) -> set[str]:
    """The numbers among words: digits, and those of the number words that are ``known``."""
    numbers: set[str] = set()
    tens = 0
    for word in found:
        value = _CARDINALS.get(word, _LOOSE.get(word, 0)) if word in known else 0
        if word[0].isdigit():
            numbers.update(_plain(part) for part in re.split(r"[/:,]", word))
        elif tens and 1 <= _CARDINALS.get(word, 0) <= 9:
            numbers.discard(str(tens))
            numbers.add(str(tens + _CARDINALS[word]))
        elif word in known:
            numbers.add(str(value))
        tens = value if value % 10 == 0 and 20 <= value <= 90 else 0
    return numbers


def _plain(number: str) -> str:
    """``05`` as ``5``, ``5.00`` as ``5``; ``3.10`` stays, for it may be a version."""
    return re.sub(r"\.0+$", "", number).lstrip("0") or "0"


def _read(text: str, known: frozenset[str]) -> Reading:
    found = words(text)
    content: set[str] = set()
    every: set[str] = set()
    negated: set[str] = set()
    after_negation = False
    for word in found:
        if word in _NEGATIONS or word.endswith("n't"):
            after_negation = True
            every.update(_in_two(word))
            continue
        root = stem(str(_CARDINALS[word]) if word in _CARDINALS else word)
        every.add(root)
        if word not in _EMPTY:
            content.add(root)
            if after_negation:
                negated.add(root)
            after_negation = False
    numbers = frozenset(numbers_of(found, known))
    return Reading(frozenset(content), frozenset(every), numbers, frozenset(negated))


def _in_two(negation: str) -> tuple[str, ...]:
    """``can't`` and ``cannot`` as ``can`` and ``not``: a text may say one where another says the other."""
    verb = _SHORT.get(negation, negation.removesuffix("n't"))
    return (negation,) if verb == negation else (stem(verb), "not")


def _names(claim: str) -> frozenset[str]:
    found = _WORD.findall(claim)
    capitalised = [word for word in found[1:] if word[0].isupper()]
    if len(capitalised) > _MOST * len(found):
        return frozenset()
    lowered = (word.lower() for word in capitalised if len(word) > 2)
    return frozenset(stem(word) for word in lowered if word not in _EMPTY)


def _window(first: int, readings: Sequence[Reading]) -> Window:
    union = Reading(
        content=frozenset().union(*(reading.content for reading in readings)),
        every=frozenset().union(*(reading.every for reading in readings)),
        numbers=frozenset().union(*(reading.numbers for reading in readings)),
        negated=frozenset(),
    )
    return Window(first, tuple(readings), union)


def _spans(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of sentences of at most ``WINDOW_WORDS`` words, each begun in the middle of the one before."""
    spans: list[tuple[int, int]] = []
    start = 0
    while True:
        end, total = start, 0
        while end < len(lengths) and (end == start or total + lengths[end] <= WINDOW_WORDS):
            total += lengths[end]
            end += 1
        spans.append((start, end))
        if end == len(lengths):
            return spans
        passed, middle = lengths[start], start + 1
        while middle < end and passed < total / 2:
            passed += lengths[middle]
            middle += 1
        start = middle
