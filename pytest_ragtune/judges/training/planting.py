"""Planted errors: from a claim that a context supports to one that it does not, by kind."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_ragtune.text import content_words, sentences, words
from pytest_ragtune.text.tokens import word_set

from . import lexicon

_NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w/-]|[.,]\d)")
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(lexicon.NUMBERS)})\b")
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_DAY = re.compile(rf"\b(?:{'|'.join((*lexicon.MONTHS, *lexicon.WEEKDAYS))})\b")
_NAME = re.compile(r"(?<=[a-z,;] )(?:the )?[A-Z][a-z]+(?:(?: of)? [A-Z][a-z]+){0,3}\b")
_ANY_NAME = re.compile(r"\b[A-Z][a-z]+(?:(?: of)? [A-Z][a-z]+){0,3}\b")
_AUXILIARY = re.compile(rf"\b({'|'.join(lexicon.AUXILIARIES)})\b(?! not|n't)")
_NEGATED = re.compile(r"\b(\w+) (?:not|never) |\b(\w+)n't ")
_CAUSE = re.compile(r",? (?:because(?: of)?|due to|owing to|as a result of|in order to|so that|to avoid) ")
_CONDITION = re.compile(r",? (?:unless|except|provided that|only if|if|as long as|only when|without) [^.;]*")
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|will|became|won|wrote|directed|released|founded)\b"
)
_CLOSED = word_set("The This That These Those He She It They We I In On At For His Her Its And But A An")
_PRONOUNS = word_set("This That These Those He She It They We I There")


@dataclass(frozen=True, slots=True)
class Stock:
    """What errors are made of: the names, and the sentences, of other texts."""

    names: Sequence[str]
    """Capitalised names of several texts."""
    claims: Sequence[str]
    """Sentences that are right for another text."""


Planter = Callable[[str, str, Stock, random.Random], str | None]


def plant(kind: str, claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    """The claim with an error of that kind, or None where it offers no place for one.

    Args:
        kind: one of :data:`KINDS`.
        claim: supported by ``context``.
        context: where the wrong number, name or detail must not stand.
        stock: of other texts.
        rng: chooses among the places.
    """
    changed = KINDS[kind](claim, context, stock, rng)
    if changed is None or words(changed) == words(claim):
        return None
    return changed[:1].upper() + changed[1:] if claim[:1].isupper() else changed


def stock_of(texts: Sequence[str]) -> Stock:
    """Names and sentences of ``texts``, in their order."""
    found = [sentence for text in texts for sentence in sentences(text)]
    usable = [sentence for sentence in found if 6 <= len(words(sentence)) <= 40]
    return Stock(tuple(dict.fromkeys(name for s in usable for name in _names(s))), tuple(usable))


def _names(text: str) -> list[str]:
    return [name for name in _NAME.findall(text) if name.split()[0] not in _CLOSED]


def _number(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    places = [m for m in _NUMBER.finditer(claim) if not _YEAR.fullmatch(m.group())]
    written = list(_NUMBER_WORD.finditer(claim.lower())) if not places or rng.random() < 0.3 else []
    if written:
        place = rng.choice(written)
        return _put(claim, place, _other(lexicon.NUMBERS, place.group(), context, rng))
    if not places:
        return None
    place = rng.choice(places)
    known = set(_NUMBER.findall(context))
    options = [value for value in _near(place.group(), rng) if value not in known]
    return _put(claim, place, rng.choice(options)) if options else None


def _near(number: str, rng: random.Random) -> list[str]:
    """Numbers that look like ``number``: a digit off, a multiple, a neighbour."""
    bare = number.replace(",", "")
    if "." in bare:
        digits = len(bare.split(".")[1])
        found = [f"{float(bare) * factor:.{digits}f}" for factor in (0.5, 1.5, 2, 10)]
    else:
        value = int(bare)
        step = max(1, value // 10)
        options = [value + step, value + 2 * step, max(0, value - step), value * 2, value * 3 + 1, value // 2]
        found = [f"{option:,}" if "," in number else str(option) for option in options]
    if len(bare) > 1 and bare[0] != bare[-1] and "." not in bare and "," not in number:
        found.append(bare[-1] + bare[1:-1] + bare[0] if bare[-1] != "0" else "9" + bare[1:])
    rng.shuffle(found)
    return [value for value in found if value != number]


def _date(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    days = [m for m in _DAY.finditer(claim) if m.group() != "May" or re.search(r"\d", claim)]
    years = list(_YEAR.finditer(claim))
    if not days and not years:
        return None
    place = rng.choice([*days, *years])
    if place.group()[0].isdigit():
        near = [str(int(place.group()) + shift) for shift in (-20, -11, -7, -3, -2, -1, 1, 2, 3, 5, 9, 10)]
        return _put(claim, place, _other(near, place.group(), context, rng))
    same = lexicon.MONTHS if place.group() in lexicon.MONTHS else lexicon.WEEKDAYS
    return _put(claim, place, _other(same, place.group(), context, rng))


def _unit(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    number = rf"(?:\d[\d.,]*|{'|'.join(lexicon.NUMBERS)}|several|few|a|per)"
    places = [
        (match, other)
        for units in lexicon.UNITS
        for unit in units
        for match in re.finditer(rf"(?<=\s){unit}\b", claim)
        if re.search(rf"\b{number} $", claim[: match.start()])
        for other in units
        if other != unit and other not in context.lower().split()
    ]
    return _put(claim, *rng.choice(places)) if places else None


def _name(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    places = [m for m in _NAME.finditer(claim) if m.group().split()[0] not in _CLOSED]
    if not places:
        return None
    place = rng.choice(places)
    within = [n for n in _names(context) if n not in claim and not _alike(n, place.group())]
    if within and rng.random() < 0.5:
        return _put(claim, place, rng.choice(within))
    wanted = len(place.group().split())
    fits = [n for n in rng.sample(list(stock.names), min(60, len(stock.names))) if n not in context]
    same = [n for n in fits if len(n.split()) == wanted and not _alike(n, place.group())] or fits
    return _put(claim, place, rng.choice(same)) if same else None


def _alike(one: str, two: str) -> bool:
    return bool(set(one.lower().split()) & set(two.lower().split()))


def _negation(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    negated = _NEGATED.search(claim)
    if negated:
        verb = negated.group(1) or negated.group(2)
        return claim[: negated.start()] + f"{'can' if verb == 'ca' else verb} " + claim[negated.end() :]
    place = _AUXILIARY.search(claim)
    if place is None:
        return None
    word = rng.choice([" not", " not", " never"])
    return claim[: place.end()] + word + claim[place.end() :]


def _swap_of(pairs: Sequence[tuple[str, str]], both_ways: bool = False) -> Planter:
    """A planter that puts the second text of a pair for the first."""
    table = [*pairs, *((b, a) for a, b in pairs)] if both_ways else list(pairs)

    def swap(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
        places = [
            (match, after)
            for before, after in table
            if before in claim.lower()
            for match in re.finditer(rf"\b{re.escape(before)}\b", claim, re.IGNORECASE)
            if before.islower() and not (match.group()[0].isupper() and match.start() > 0)
        ]
        return _put(claim, *rng.choice(places)) if places else None

    return swap


def _roles(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    found = [m for m in _ANY_NAME.finditer(claim) if m.group().split()[0] not in _CLOSED]
    pairs = [
        (a, b)
        for i, a in enumerate(found)
        for b in found[i + 1 :]
        if not _alike(a.group(), b.group())
        and not re.fullmatch(r"(?:,? (?:and|or|,) |, |/)", claim[a.end() : b.start()])
        and re.search(r"[a-z]{3,}", claim[a.end() : b.start()])
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    return claim[: a.start()] + b.group() + claim[a.end() : b.start()] + a.group() + claim[b.end() :]


def _cause(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    place = _CAUSE.search(claim)
    cause = rng.choice(lexicon.CAUSES)
    if place:
        return claim[: place.start()] + f" {cause}" + _end(claim)
    return None if len(words(claim)) > 30 else claim.rstrip(" .") + f" {cause}" + _end(claim)


def _detail(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    if len(words(claim)) > 35:
        return None
    if rng.random() < 0.5 and stock.claims:
        other = rng.choice(stock.claims)
        tail = re.search(r" (?:in|at|with|by|for|from|after|during) (?:the |a )?[^,.;]{6,50}(?=[,.;])", other)
        if tail and not set(content_words(tail.group())) <= set(content_words(context)):
            return claim.rstrip(" .") + tail.group() + _end(claim)
    return claim.rstrip(" .") + " " + rng.choice(lexicon.DETAILS) + _end(claim)


def _elsewhere(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    """A claim of another text, the one of some that shares most with the context."""
    if not stock.claims:
        return None
    known = set(content_words(context))
    options = rng.sample(list(stock.claims), min(40, len(stock.claims)))
    options = [o for o in options if o not in context]
    return max(options, key=lambda o: len(known & set(content_words(o))), default=None)


def _conflation(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    """The subject of the claim with what the context, or another text, says of something else."""
    place = _VERB.search(claim)
    opening = (claim.split() or [""])[0]
    if place is None or place.start() < 3 or opening in _PRONOUNS:
        return None
    options = []
    for other in [*sentences(context), *rng.sample(list(stock.claims), min(6, len(stock.claims)))]:
        verb = _VERB.search(other)
        rest = other[verb.end() :] if verb and verb.group() == place.group() and other not in claim else ""
        new = set(content_words(rest)) - set(content_words(claim))
        if 4 <= len(words(rest)) <= 30 and len(new) >= 3 and other[:12] != claim[:12]:
            options.append(rest)
    return claim[: place.end()] + rng.choice(options) if options else None


def _condition(claim: str, context: str, stock: Stock, rng: random.Random) -> str | None:
    """Over-general: the condition or exception is gone."""
    place = _CONDITION.search(claim)
    if place is None or place.start() < 15:
        return None
    changed = claim[: place.start()] + claim[place.end() :]
    return changed if len(words(changed)) >= 4 else None


def _end(claim: str) -> str:
    return "." if claim.rstrip().endswith(".") else ""


def _other(options: Sequence[str], given: str, context: str, rng: random.Random) -> str | None:
    lowered = context.lower()
    left = [o for o in options if o.lower() != given.lower() and o.lower() not in lowered]
    return rng.choice(left) if left else None


def _put(claim: str, place: re.Match[str], text: str | None) -> str | None:
    return None if text is None else claim[: place.start()] + text + claim[place.end() :]


KINDS: dict[str, Planter] = {
    "number": _number,
    "date": _date,
    "unit": _unit,
    "name": _name,
    "negation": _negation,
    "quantifier": _swap_of(lexicon.QUANTIFIERS),
    "comparative or opposite": _swap_of(lexicon.OPPOSITES, both_ways=True),
    "certainty or modality": _swap_of(lexicon.MODALITY),
    "order in time": _swap_of(lexicon.ORDER),
    "swapped roles": _roles,
    "made-up cause": _cause,
    "added detail": _detail,
    "other passage": _elsewhere,
    "conflation": _conflation,
    "dropped condition": _condition,
}
"""The kinds of error, each with what plants it."""
