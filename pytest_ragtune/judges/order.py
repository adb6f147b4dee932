"""Who did what to whom: names and numbers of a claim that stand in each other's place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pytest_ragtune.text.tokens import STOP_WORDS, stem, word_set

_TOKEN = re.compile(r"\w+(?:[.,]\d+)*|[,;:()]")
_PASSED_OVER = word_set("a an the") | frozenset(",;:()")
_LINKS = word_set("and or nor")
_MOST_NAMES = 12
"""Of a claim with more names and numbers than these, the first are looked at."""
_NEARLY_ALL = 0.75
"""Share of a claim's words from which on a sentence says what the claim says, or its reverse."""
_FEWEST = 3
"""Other words that a claim must have for a name to be in another's place among them."""
_TITLE = 0.9
"""From this share of capitals on, capitals mark no names."""
_NEAR = 3
"""Words on either side of a name that are its neighbours."""

Span = tuple[int, int]
"""Where a name begins and ends."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence, read once for all claims."""

    text: str
    tokens: tuple[str, ...]
    words: tuple[str, ...]
    """The tokens in lower case."""
    held: frozenset[str]
    """Their stems."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two names of a claim, and a sentence that holds both."""

    claim: Sequence[str]
    sentence: Sequence[str]
    names: frozenset[str]
    """The words of both."""

    def takes_place(self, name: Span, own: Sequence[Span], other: Sequence[Span]) -> bool:
        """Whether a name's neighbours in the claim are rather the other's in the sentence than its own."""
        before, after = self._neighbours(self.claim, name)

        def alike(spans: Sequence[Span]) -> int:
            found = [self._neighbours(self.sentence, span) for span in spans]
            return max(len(before & one) + len(after & two) for one, two in found)

        return alike(other) > alike(own)

    def is_between_the_same(self, name: Span, other: Span) -> bool:
        """Whether most neighbours of a name in the claim are those of another in the sentence."""
        before, after = self._neighbours(self.claim, name)
        one, two = self._neighbours(self.sentence, other)
        return len(before & one) + len(after & two) >= min(_NEAR + 1, len(before) + len(after))

    def _neighbours(self, words: Sequence[str], span: Span) -> tuple[set[str], set[str]]:
        far = 4 * _NEAR
        before = [w for w in words[max(0, span[0] - far) : span[0]] if self._counts(w)]
        after = [w for w in words[span[1] : span[1] + far] if self._counts(w)]
        return set(before[-_NEAR:]), set(after[:_NEAR])

    def _counts(self, word: str) -> bool:
        return word not in _PASSED_OVER and word not in self.names


def original(claim: str, sentences: Iterable[str]) -> str | None:
    """The sentence that a claim is but for a name or number in another's place, if any.

    Counting shared words cannot tell such a claim from a true one, and a small model overlooks it.

    Args:
        claim: the statement.
        sentences: where its support is sought.
    """
    own, names, near = _read_both(claim, sentences)
    found = _swapped_in(own, names, near) or _replaced_in(own, names, near)
    return found.text if found else None


def _read_both(claim: str, sentences: Iterable[str]) -> tuple[list[str], list[Span], list[_Sentence]]:
    """The claim's words, its names, and the sentences that hold enough of it to be looked at."""
    tokens = _TOKEN.findall(claim)
    names = _names(tokens)
    own = [token.lower() for token in tokens]
    if not names:
        return own, names, []
    wanted = _stems(own)
    fewest = _NEARLY_ALL * (len(wanted) - max(end - start for start, end in names))
    read = map(_read, sentences)
    return own, names, [sentence for sentence in read if len(wanted & sentence.held) >= fewest]


@lru_cache(maxsize=1024)
def _read(sentence: str) -> _Sentence:
    tokens = tuple(_TOKEN.findall(sentence))
    lowered = tuple(token.lower() for token in tokens)
    return _Sentence(sentence, tokens, lowered, _stems(lowered))


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(stem(word) for word in words if word not in _PASSED_OVER)


def _swapped_in(claim: list[str], names: Sequence[Span], near: Sequence[_Sentence]) -> _Sentence | None:
    """The sentence of which two names, or two numbers, stand in each other's place in the claim.

    "Carthage defeated Rome" shares every word with "Rome defeated Carthage". Each of the two must have more
    of the neighbours that the other has in the sentence than of those that it has there itself: a phrase that
    only moved keeps its neighbours. The sentence must hold nearly all words of the claim, and "by" as often:
    a passive says the same the other way round.
    """
    return next((read for read in near if len(names) > 1 and _is_swapped(claim, names, read)), None)


def _replaced_in(claim: list[str], names: Sequence[Span], near: Sequence[_Sentence]) -> _Sentence | None:
    """The sentence of which the claim has another name, or another number, in the place of one of its own.

    The sentence must hold nearly all other words of the claim and none of the name, and have a name of its
    own (for a number, a number) between the same neighbours. A sentence that holds nearly all with the name
    must lack a content word that the former has: "Bikes come within 45 days" does not say it of bags, where
    "Bags come within 40 days" stands beside it.
    """
    found = (_source(claim, name, near) for name in names if near)
    return next((read for read in found if read), None)


def _is_swapped(claim: list[str], names: Sequence[Span], read: _Sentence) -> bool:
    wanted, sentence = _stems(claim), read.words
    if len(wanted & read.held) < _NEARLY_ALL * len(wanted) or claim.count("by") != sentence.count("by"):
        return False
    spans = {name: _occurrences(sentence, claim[slice(*name)]) for name in names}
    for one, two in itertools.combinations([name for name in names if spans[name]], 2):
        if claim[one[0]].isdigit() != claim[two[0]].isdigit() or _is_listed(claim[one[1] : two[0]]):
            continue
        pair = _Pair(claim, sentence, frozenset(claim[slice(*one)] + claim[slice(*two)]))
        if pair.takes_place(one, spans[one], spans[two]) and pair.takes_place(two, spans[two], spans[one]):
            return True
    return False


def _source(claim: list[str], name: Span, sentences: Sequence[_Sentence]) -> _Sentence | None:
    """The sentence that has another name in the place of one of the claim's."""
    given = _stems(claim[slice(*name)])
    wanted = _stems(claim) - given
    if len(wanted) < _FEWEST:
        return None
    near = [read for read in sentences if len(wanted & read.held) >= _NEARLY_ALL * len(wanted)]
    content = _stems(word for word in claim if word not in STOP_WORDS) - given
    told = [content & read.held for read in near if given & read.held]
    others = (read for read in near if not given & read.held)
    return next(
        (
            read
            for read in others
            if all(one < content & read.held for one in told) and _has_another(claim, name, read)
        ),
        None,
    )


def _has_another(claim: list[str], name: Span, read: _Sentence) -> bool:
    """Whether the sentence has a name or number that the claim lacks between neighbours that both have."""
    is_number, held, sentence = claim[name[0]].isdigit(), set(claim), read.words
    for span in _names(read.tokens):
        other = sentence[slice(*span)]
        if name == span == (0, 1):
            continue  # any word is capitalised there
        if other[0].isdigit() == is_number and not held & set(other):
            pair = _Pair(claim, sentence, frozenset([*claim[slice(*name)], *other]))
            if pair.is_between_the_same(name, span):
                return True
    return False


def _is_listed(between: Sequence[str]) -> bool:
    """Whether two names with these words between them may change places: "Rome and Carthage"."""
    return all(word in _LINKS or word in _PASSED_OVER for word in between)


def _names(tokens: Sequence[str]) -> list[Span]:
    """Its names (capitalised words in a row) and numbers, those that stand in it once."""
    if sum(token[0].isupper() for token in tokens) > _TITLE * len(tokens):
        return []
    found: list[Span] = []
    for number, token in enumerate(tokens):
        is_name = token[0].isupper() and token.lower() not in STOP_WORDS
        if is_name and found and found[-1][1] == number and tokens[number - 1][0].isupper():
            found[-1] = (found[-1][0], number + 1)
        elif is_name or token[0].isdigit():
            found.append((number, number + 1))
    lowered = [token.lower() for token in tokens]
    return [name for name in found[:_MOST_NAMES] if len(_occurrences(lowered, lowered[slice(*name)])) == 1]


def _occurrences(words: Sequence[str], name: Sequence[str]) -> list[Span]:
    size, wanted = len(name), tuple(name)
    return [
        (n, n + size) for n, w in enumerate(words) if w == wanted[0] and tuple(words[n : n + size]) == wanted
    ]
