"""Words: normalised text for exact comparison, tokens, and the words that carry content."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3})((?:,\d{3})+)(?![\d,])")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PERCENT = re.compile(r"(?<=\d)\s*(?:percent|per cent)\b")
_TOKEN = re.compile(r"\d+(?:[.,:/]\d+)*|[぀-ヿ㐀-鿿]|[^\W\d][^\W぀-ヿ㐀-鿿]*(?:'[^\W\d_]+)*|\w")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9]")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})


def word_set(text: str) -> frozenset[str]:
    """The words of ``text``, cut at white space: how this package writes long word lists."""
    return frozenset(text.split())


STOP_WORDS = word_set(
    """a about above after again all also am an and any are as at be because been before being below
    between both but by can could did do does doing down during each either else etc ever few for from
    further had has have having he her here hers herself him himself his how i if in into is it its
    itself just may me might more most must my myself of off on once only or other our ours ourselves
    out over own per please same shall she should so some such than that the their theirs them
    themselves then there these they this those through to too under until up us very via was we were
    what when where whether which while who whom whose why will with within would yes you your yours
    yourself yourselves 'd 'll 'm 're 's 've"""
)
"""Words that say little about content. Negations are not among them: they change what is claimed."""

_ODD = re.compile(r"[^\w\s]|_")  # what is neither letter, digit nor space
_UNITS = frozenset("$€£¥%₹₩°")


def normalise(text: str) -> str:
    """The text as exact comparisons see it.

    The normalisation of SQuAD (Rajpurkar et al. 2016, evaluation script: lower case, no punctuation,
    no ``a``, ``an``, ``the``, single spaces), with four changes that keep numbers meaningful:

    - a decimal point between digits stays, a thousands comma goes: ``1,000.50`` is ``1000.50``;
    - other punctuation between digits becomes a space: ``2-3`` is ``2 3``, not ``23``;
    - currency, percent and degree signs stay, as words of their own: ``$5`` is ``$ 5``, which is
      neither ``5`` nor ``€ 5``; ``5 percent`` is ``5 %``;
    - Unicode compatibility forms are unified, and all Unicode punctuation counts.

    A text of nothing but punctuation and articles (``**``, ``the``) is kept, so it never equals another.
    """
    once = _normalised(text)
    while not once.isascii() and (again := _normalised(once)) != once:
        once = again  # what stood between a letter and its accent is gone: they are one character now
    return once


def _normalised(text: str) -> str:
    lowered = unicodedata.normalize("NFKC", text).casefold()
    lowered = _PERCENT.sub(" %", _THOUSANDS.sub(_without_commas, lowered))
    spaced = _ODD.sub(lambda match: _normal_character(lowered, match.start()), lowered)
    result = " ".join(_ARTICLES.sub(" ", spaced).split())
    return result or " ".join(lowered.split())


def _without_commas(match: re.Match[str]) -> str:
    return match.group().replace(",", "")


def _normal_character(text: str, index: int) -> str:
    """What one character of lower-cased text becomes in :func:`normalise`."""
    character = text[index]
    if character in _UNITS or unicodedata.category(character) == "Sc":
        return f" {character} "
    if character.isalnum() or character.isspace() or unicodedata.category(character)[0] == "M":
        return character
    if unicodedata.category(character)[0] not in "PS":
        return " "
    inside_number = text[index - 1 : index].isdigit() and text[index + 1 : index + 2].isdigit()
    if inside_number:
        return "." if character == "." else " "
    return ""


def words(text: str) -> list[str]:
    """Lower-case words in reading order.

    Numbers stay whole (``3.5``, ``1,000`` as ``1000``, ``10:30``, ``12/05``), contractions stay one word
    (``don't``), a possessive loses its ``'s``, and Chinese and Japanese characters are words of their own.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    lowered = plain.translate(_APOSTROPHES).lower()
    if "," in lowered:
        lowered = _THOUSANDS.sub(_without_commas, lowered)
    found: list[str] = _TOKEN.findall(lowered)
    if "_" in lowered:
        found = [token for part in found if (token := part.strip("_"))]
    return [token.removesuffix("'s") for token in found] if "'" in lowered else found


def has_words(text: str) -> bool:
    """Whether :func:`words` finds any."""
    return bool(_PLAIN_WORD.search(text)) or (not text.isascii() and bool(words(text)))


def content_words(text: str) -> list[str]:
    """The words of ``text`` that carry content, stemmed, in reading order, repeats included."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """``word`` without its inflection: plural, ``-ed`` and ``-ing``, as far as it goes without a dictionary.

    ``policies`` and ``policy`` meet at ``policy``, ``returned``, ``returns`` and ``returning`` at ``return``,
    ``store``, ``stored`` and ``storing`` at ``stor``. Words with digits or other letters than a to z stay.
    """
    if len(word) < 3 or not word.isalpha() or not word.isascii():
        return word
    word = _singular(word)
    for suffix in ("ing", "ed"):
        root = word.removesuffix(suffix)
        if root != word and not word.endswith("eed") and len(root) > 1 and re.search("[aeiouy]", root):
            word = _undouble(root)
            break
    if word.endswith("i") and len(word) > 2:
        return f"{word[:-1]}y"
    return word[:-1] if word.endswith("e") and len(word) > 2 and word[-2] != "e" else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "tches", "xes", "zzes")):
        return word[:-2]
    if word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _undouble(root: str) -> str:
    """``shipp`` -> ``ship``; ``full`` and ``pass`` stay."""
    doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeiouylsz"
    return root[:-1] if doubled else root
