"""Attribution: what of a sentence names the given text as its source, and nothing else.

Language models begin answers over passages with it (``Based on the provided document, ...``). It states
nothing that the text could hold, so a judge that looks for it there finds it missing.
"""

from __future__ import annotations

import re
from functools import cache

from .tokens import has_words

NOUN = (
    r"(?:contexts?|passages?|documents?|documentation|text|handbook|manual|excerpts?|sources?"
    r"|articles?|snippets?|knowledge base)"
)
"""What a given text is called."""
GIVEN = (
    r"(?: (?:above|below|here|provided|given|supplied|available|retrieved|(?:that )?(?:you|i)(?: was"
    r"| were| have)? \w+))?"
)
"""That it was given, behind its name; or nothing."""
PLAIN = (
    r"(?:the|this|that|these|those|my|your|our|any(?: of the)?) (?:(?:provided|given|supplied"
    rf"|available|retrieved|above|following) )?{NOUN}{GIVEN}"
)
"""The given text, by a name that any text may have."""

_KNOWLEDGE = r"(?:information|details?|data|facts?|content|evidence)"
_SUPPLIED = r"(?:provided|given|supplied|available|retrieved|above)"
_HELD = rf"(?:{_SUPPLIED}|contained|presented|found|included|(?:that )?you (?:have )?\w+)"
_GIVEN_KNOWLEDGE = (
    rf"(?:the |this )?(?:{_SUPPLIED} (?:{_KNOWLEDGE}|{NOUN})|search results"
    rf"|{_KNOWLEDGE} (?:(?:that (?:is|was|are|were) )?{_HELD}(?: (?:in|by|from|within) {PLAIN})?"
    rf"|(?:in|from|within) {PLAIN}))"
)
SOURCE = rf"(?:{_GIVEN_KNOWLEDGE}|{PLAIN})"
"""The given text, or what it says."""
_AS_SAID = r"as (?:\w+ly )?(?:\w+ed|shown|given|seen|written|told|per)(?: (?:in|by|from))?"
_BASED = r"based (?:\w+ly )?(?:only )?(?:up)?on"
_BY = rf"(?:{_BASED}|according to|{_AS_SAID}|as per|per|from|in(?: the context of)?|given|within)"
_SEEMS = (
    r"(?:it (?:appears|seems)|(?:we|you|i) can (?:see|conclude|infer|say|determine)"
    r"|it can be (?:seen|concluded|inferred|said|determined)) that"
)
_OPENING = r"(?:(?:(?:yes|no|sure|certainly)[,:]|(?:so|well|and|also|additionally|however|therefore),?) )?"
"""Without its comma ``no`` denies: ``No information in the document indicates that ...``."""
_LEADS = (
    rf"\A\s?{_OPENING}(?:{_BY} {SOURCE}(?: alone)? ?[,:]\s(?:{_SEEMS} )?"
    rf"|{SOURCE} (?:also |further |clearly |explicitly |specifically )?(?:states?|says?|mentions?|notes?"
    r"|explains?|indicates?|reports?|specif(?:y|ies)|confirms?|adds?|tells? us|shows?) that\s)(?=\w|[\"“'‘(])"
)
_TRAILS = (
    rf"(?:,? ?\((?:{_BY}) {SOURCE}\)"
    rf"|, (?:{_BASED}|according to|{_AS_SAID}|as per) {SOURCE})(?=[.!]*\s?$)"
)
"""Without a comma it may be the point: ``not as described in the manual``, ``a film based on the text``."""
_HINT = re.compile(rf"\b(?:{NOUN}|{_KNOWLEDGE}|results)\b", re.IGNORECASE)


def without_attribution(sentence: str) -> str:
    """``sentence`` without words that only say that it comes from the given text.

    ``Based on the provided document, tea is hot.`` becomes ``tea is hot.``, as does ``The passage states that
    tea is hot.`` What names a source (``According to NASA``) stays, and so does a sentence about the text.
    """
    if not _HINT.search(sentence):
        return sentence
    leads, trails = _patterns()
    bare = trails.sub("", leads.sub("", sentence, count=1), count=1)
    return bare if has_words(bare) else sentence


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What leads a sentence, and what ends it; compiled when a sentence first needs them."""
    return re.compile(_LEADS, re.IGNORECASE), re.compile(_TRAILS, re.IGNORECASE)
