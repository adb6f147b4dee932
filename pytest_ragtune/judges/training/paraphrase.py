"""True paraphrases: changes that leave a supported claim supported, the counterweight of planted errors."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from pytest_ragtune.text import words

from . import lexicon

_ADVERBIAL = re.compile(r"^((?:In|On|At|After|During|Since|By|From|For|Before|Within) [^,]{3,60}), (?=\w)")
_ASIDE = re.compile(r" \([^()]{2,80}\)|, (?:who|which|where) [^,.;]{5,90},")
_TAIL = re.compile(r"(?<=[a-z]{3}),? (?:and|while|which|although|whereas|where|with) [^.;]*(?=\.?$)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_PERCENT = re.compile(r"(?<=\d) ?%")
_DATE = re.compile(rf"\b({'|'.join(lexicon.MONTHS)}) (\d{{1,2}}),? (\d{{4}})\b")
_PASSIVE = re.compile(r"^([A-Z][\w' -]{2,50}?) (was|were|is|are) (\w+ed) by ([\w' -]{3,50})\.?$")
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|can|will|may|must|does|did|\w{3,}ed)\b")
_CONTRACTED = (("is not", "isn't"), ("are not", "aren't"), ("was not", "wasn't"), ("cannot", "can't"),
               ("do not", "don't"), ("does not", "doesn't"), ("did not", "didn't"), ("will not", "won't"),
               ("it is", "it's"), ("have not", "haven't"), ("has not", "hasn't"))  # fmt: skip

Rewriter = Callable[[str, random.Random], str | None]


def paraphrase(claim: str, rng: random.Random, *, steps: int = 2) -> str | None:
    """The claim in other words, by up to ``steps`` different changes; None where none applies."""
    kinds = list(WAYS)
    rng.shuffle(kinds)
    changed, made = claim, 0
    for kind in kinds:
        after = WAYS[kind](changed, rng)
        if after is not None and len(words(after)) >= 3 and after != changed:
            changed, made = after, made + 1
        if made == steps:
            break
    return changed if made else None


def _synonyms(claim: str, rng: random.Random) -> str | None:
    found = [
        (match, after)
        for before, after in (*lexicon.SYNONYMS, *lexicon.WEAKER)
        if before in claim
        for match in re.finditer(rf"\b{re.escape(before)}\b", claim)
    ]
    rng.shuffle(found)
    changed, last = claim, len(claim) + 1
    for match, after in sorted(found[:3], key=lambda item: -item[0].start()):
        if match.end() < last:
            changed, last = changed[: match.start()] + after + changed[match.end() :], match.start()
    return changed if found else None


def _moved_adverbial(claim: str, rng: random.Random) -> str | None:
    place = _ADVERBIAL.match(claim)
    if place is None or ", " in claim[place.end() :]:
        return None
    rest, adverbial = claim[place.end() :].rstrip(" ."), place.group(1)
    return f"{rest[0].upper()}{rest[1:]} {adverbial[0].lower()}{adverbial[1:]}."


def _without_aside(claim: str, rng: random.Random) -> str | None:
    changed = _ASIDE.sub(" ", claim, count=1)
    return re.sub(r"\s+", " ", changed) if changed != claim else None


def _without_tail(claim: str, rng: random.Random) -> str | None:
    place = _TAIL.search(claim)
    if place is None or re.search(r"\b(?:between|both|either|if|not|no|never|n't)\b", claim):
        return None
    head = claim[: place.start()]
    return (
        f"{head}."
        if len(words(head)) >= 6 and _VERB.search(head) and not re.search(r"\band\b|,", head)
        else None
    )


def _number_format(claim: str, rng: random.Random) -> str | None:
    changed = _PERCENT.sub(" percent", _THOUSANDS.sub("", claim))
    changed = _DATE.sub(lambda m: f"{m.group(2)} {m.group(1)} {m.group(3)}", changed)
    for value, word in enumerate(lexicon.NUMBERS, start=2):
        changed = re.sub(rf"(?<![\d.,\w]){word}(?![\w-])", str(value), changed)
    return changed if changed != claim else None


def _active(claim: str, rng: random.Random) -> str | None:
    place = _PASSIVE.match(claim)
    if place is None or " and " in claim:
        return None
    patient, auxiliary, verb, agent = place.groups()
    helper = "" if auxiliary in ("was", "were") else "has "
    told = patient[0].lower() + patient[1:] if patient.startswith(("The ", "A ")) else patient
    return f"{agent[0].upper()}{agent[1:]} {helper}{verb} {told}."


def _contraction(claim: str, rng: random.Random) -> str | None:
    for full, short in _CONTRACTED:
        if re.search(rf"\b{full}\b", claim):
            return re.sub(rf"\b{full}\b", short, claim)
        if re.search(rf"\b{short}\b", claim):
            return re.sub(rf"\b{short}\b", full, claim)
    return None


def _lead_in(claim: str, rng: random.Random) -> str | None:
    starts_common = re.match(r"(?:The|A|An|In|It|They|This|These|He|She|We|You|There) ", claim)
    body = claim[0].lower() + claim[1:] if starts_common else claim
    return rng.choice(lexicon.LEAD_INS).format(body)


WAYS: dict[str, Rewriter] = {
    "synonyms": _synonyms,
    "moved adverbial": _moved_adverbial,
    "without an aside": _without_aside,
    "without a tail": _without_tail,
    "number format": _number_format,
    "active for passive": _active,
    "contraction": _contraction,
    "lead-in": _lead_in,
}
"""The ways to say the same, or a part of it."""
