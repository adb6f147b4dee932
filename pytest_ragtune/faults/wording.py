"""Small, certain damage to a sentence: other numbers, dates and names, the opposite claim, a claim more.

Each function gives the text changed, or the very same text when there is nothing to change. The
patterns are English, as everything that reads answers here is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ragtune.text import sentences

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
_YEAR = re.compile(r"\b(19|20)(\d\d)\b(?![.,-]\d)")
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_NUMBER = re.compile(r"(?<![\w.,:/-])\d+(?:[.,]\d+)*(?![\w:/-])")
_DIGIT = re.compile(r"\d+")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?: [A-Z][a-z]+)*")
_NEGATION = re.compile(r"\b(can)not\b|\b(can)'t\b|\b(wo)n't\b|(?<=\w)n't\b|\s+(?:not|never)\b", re.IGNORECASE)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|may|must|will|would|should|could|has|have|had|does|do|did)\b(?! not\b)",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"^(yes|no)\b", re.IGNORECASE)
_INVENTED = ("Halden Brook", "Osterley", "Quillon", "Verrin Hall")
UNSUPPORTED = "It was first introduced by a royal committee in Ostermouth after the floods of 1911."
"""What no handbook says."""


def other_numbers(text: str) -> str:
    """Every number, in digits or as a word, becomes another one; years, dates and clock times stay."""
    held = _held(text)

    def digits(match: re.Match[str]) -> str:
        return match.group() if _inside(match, held) else _DIGIT.sub(_more, match.group(), count=1)

    return _swap(_swap(_NUMBER.sub(digits, text), _WORDS, 3), _TENS, 3)


def other_dates(text: str) -> str:
    """Months, days of the week, years and clock times become others."""
    text = _ISO.sub(lambda m: f"{int(m[1]) - 3:04d}-{int(m[2]) % 12 + 1:02d}-{m[3]}", text)
    text = _CLOCK.sub(lambda m: f"{(int(m[1]) + 3) % 24:0{len(m[1])}d}:{m[2]}", text)
    text = _YEAR.sub(lambda m: f"{m[1]}{(int(m[2]) + 7) % 100:02d}", text)
    return _swap(_swap(text, _DAYS, 3, case=True), _MONTHS, 5, case=True)


def names(text: str) -> list[str]:
    """Proper names as far as capitals inside a sentence tell, in order, each once."""
    found = (match.group() for match in _NAME.finditer(text))
    return list(dict.fromkeys(name for name in found if not set(name.split()) & {*_DAYS, *_MONTHS}))


def other_names(text: str, pool: Sequence[str] = ()) -> str:
    """Every proper name becomes another: the next of ``pool``, or an invented one."""
    own = names(text)
    spare = [name for name in pool if name not in own and name not in text] or list(_INVENTED)
    swapped = {name: spare[position % len(spare)] for position, name in enumerate(own)}
    return _NAME.sub(lambda match: swapped.get(match.group(), match.group()), text)


def opposite(text: str) -> str:
    """The first claim turned into its opposite: a negation taken out, else one put in."""
    text, answered = _YES_NO.subn(lambda m: _like(m[1], "no" if m[1].lower() == "yes" else "yes"), text)
    positive, removed = _NEGATION.subn(_without_negation, text, count=1)
    if removed:
        return positive
    negative, added = _AUXILIARY.subn(lambda m: f"{m[1]} not", text, count=1)
    return negative if added or not answered else text


def with_unsupported_sentence(text: str) -> str:
    """A sentence that nothing supports, put after the first, so that an opening and a close survive."""
    first = next(iter(sentences(text)), "")
    if not first:
        return text
    end = text.index(first) + len(first)
    stop = "" if first[-1] in ".!?" else "."
    return f"{text[:end]}{stop} {UNSUPPORTED}{text[end:]}"


def _more(match: re.Match[str]) -> str:
    """Another number with as many digits where that is possible: 15 -> 38, 8 -> 3."""
    value, size = int(match.group()), len(match.group())
    if size == 1:
        return str((value + 3) % 9 + 1)
    changed = (value * 2 + 8) % 10**size if size < 16 else value + 1
    if changed == value or changed < 10 ** (size - 1):
        changed = value + 3 if value + 3 < 10**size else value - 3
    return f"{changed:0{size}d}"


def _held(text: str) -> list[tuple[int, int]]:
    return [match.span() for pattern in (_ISO, _CLOCK, _YEAR) for match in pattern.finditer(text)]


def _inside(match: re.Match[str], spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < match.end() and match.start() < end for start, end in spans)


def _swap(text: str, words: Sequence[str], step: int, *, case: bool = False) -> str:
    """Each word of a ring becomes the one ``step`` further on, its capital kept."""
    pattern = re.compile(rf"\b(?:{'|'.join(words)})\b", 0 if case else re.IGNORECASE)
    ring = {word.lower(): words[(position + step) % len(words)] for position, word in enumerate(words)}
    return pattern.sub(lambda match: _like(match.group(), ring[match.group().lower()]), text)


def _like(model: str, word: str) -> str:
    return word.capitalize() if model[:1].isupper() else word


def _without_negation(match: re.Match[str]) -> str:
    if match[3]:
        return "will" if match[3].islower() else "Will"
    return match[1] or match[2] or ""
