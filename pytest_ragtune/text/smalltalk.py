"""Small talk: sentences of an answer that state nothing about its subject."""

from __future__ import annotations

import re

from .attribution import SOURCE, without_attribution

_THANKS = (
    r"(?:many )?thank(?:s| you)(?: (?:so|very) much| a lot)?(?:,? (?:for (?:reaching|contacting|asking"
    r"|getting|writing|your|the)\b.*))?"
)
_GREETING = (
    r"(?:hi|hello|hey|dear|greetings|welcome(?: back)?|good (?:morning|afternoon|evening|day))"
    r"(?:,? (?:there|all|everyone|team|sir|madam|again|valued customer|customer|(?-i:[A-Z])\w+))*"
)
_EAGER = (
    r"(?:(?:sure|certainly|absolutely|of course|no problem|great)(?: thing)?|(?:that is"
    r"|what) an? (?:great|good|excellent) question"
    r"|(?:i (?:would be|am|will be) )?(?:happy|glad|delighted|here) to (?:help|assist)\b.*|i (?:can"
    r"|will) help\b.{0,40}"
    r"|i (?:can|will|am able to|would be (?:happy|glad) to) (?:answer|address|help (?:you )?with)"
    rf" (?:your|the|this|that) (?:question|query|request)s?(?: (?:based on|from|using) {SOURCE})?)"
)
_INVITATION = (
    r"(?:please |just |and |so )*(?:let (?:me|us) know|(?:feel|be) free to|do not hesitate|reach out if)\b.*"
    r"|if (?:you|there|anything) .{0,80}(?:let (?:me|us) know|feel free|do not hesitate|happy to help"
    r"|here to help).*"
    r"|(?:is there )?(?:anything|something) else (?:i|we) can .*|i hope (?:this|that"
    r"|it) .{0,20}(?:helps?|useful).*"
    r"|hope (?:this|that|it) helps.*"
    r"|if you (?:have|need) (?:any )?(?:other |more |further |additional )?(?:questions?|concerns?|help"
    r"|assistance)\b.{0,40}, (?:i|we) (?:will|can|would|am|are) (?:do (?:my|our) best|try"
    r"|(?:be )?(?:happy|glad|here))\b.*"
)
_FAREWELL = (
    r"(?:(?:kind|best|warm)(?:est)? (?:regards|wishes)|regards|sincerely|yours (?:truly|sincerely"
    r"|faithfully)|cheers|goodbye|bye"
    r"|all the best|take care)(?:[,!.] .{0,60}| for now)?"
    r"|(?:have|enjoy) an? (?:nice|great|good|lovely|wonderful"
    r"|pleasant)\b.{0,30}"
)
_FACTS = (
    r"(?:\d|(?:is|are|has|have|do|does|can|cannot|will|may|must|should|needs?|costs?|takes?|lasts?|includes?"
    r"|applies|apply)\b)"
)
"""What courtesy about what happened to the reader does not hold: a number, or a verb of what always holds."""
_APOLOGY = (
    r"(?:(?:i|we) )?(?:(?:am|are) )?(?:so |very |really |sincerely )?(?:sorry|apologi[sz]e)"
    rf"(?: (?:for|to hear)\b[^,;:]{{0,60}}| (?:about|that|if)\b(?:(?!\b{_FACTS})[^,;:]){{0,60}})?"
)
_PLEASURE = (
    r"(?:(?:i|we) (?:am|are) )?(?:so |very |really )?(?:glad|happy|pleased|delighted|thrilled)"
    rf" (?:to (?:hear|read|know|see)|that|you|your|the|it|everything)\b(?:(?!\b{_FACTS})[^,;:]){{0,60}}"
    r"|(?:that|this|it) (?:is|was) (?:so |very |really )?(?:lovely|great|good|wonderful|nice|kind)"
    r" (?:of you|to (?:hear|read|know))\b[^,;:]{0,40}"
)
_HEDGE = (
    r"(?:i (?:think|believe|guess|suppose|hope)|as far as i know|in my opinion)(?: so| not)?"
    r"|(?:well,? )?(?:it|that) (?:really |all )?depends"
    r"|(?:maybe|perhaps|probably|possibly|presumably)(?: not| so)?|i am not (?:entirely |quite "
    r"|completely )?(?:sure|certain)"
    r"|it is (?:hard|difficult) to (?:say|tell)|it is (?:unclear|not clear)"
)
_DISCLAIMER = (
    r"(?:please )?(?:note|be aware|keep in mind)(?: that)? (?:this|these|the|my|all)(?: \w+)??"
    r" (?:answers?|response|reply|summary|list|information|details|figures|numbers|percentages|values|dates)"
    rf" (?:is|are)(?: \w+){{0,3}} based (?:\w+ )?on {SOURCE}(?: (?:only|alone))?"
    r"(?:,? (?:and|so|but) (?:(?:it|they) )?(?:may|might|could)\b\D{0,120})?"
)
_BARE = (
    r"(?:yes|no|yeah|nope|ok|okay|right|correct|exactly|indeed|true|false|answer|note)(?:,? (?:you can"
    r"|it is|it does|please))?"
)
_SMALL_TALK = re.compile(
    "|".join(
        f"(?:{part})"
        for part in (
            *(_THANKS, _GREETING, _EAGER, _INVITATION, _FAREWELL),
            *(_APOLOGY, _PLEASURE, _HEDGE, _DISCLAIMER, _BARE),
        )
    ),
    re.IGNORECASE,
)
_IS_FAREWELL = re.compile(_FAREWELL, re.IGNORECASE)
_APOSTROPHE = re.compile(r"[’‘ʼ`']")
_CAN_NOT = re.compile(r"\b(?:can ?'t|can not)\b", re.IGNORECASE)
_CONTRACTIONS = [
    (re.compile(r"[’‘ʼ`]"), "'"),
    (_CAN_NOT, "cannot"),
    (re.compile(r"\b(ca|wo) n't\b", re.IGNORECASE), "cannot"),
    (re.compile(r" ?n't\b", re.IGNORECASE), " not"),
    (re.compile(r"\bi ?'m\b", re.IGNORECASE), "I am"),
    (re.compile(r"\b(it|that|there|here|what) ?'s\b", re.IGNORECASE), r"\1 is"),
    (re.compile(r"\b(we|you|they) ?'re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"\b(i|you|we|they) ?'d\b", re.IGNORECASE), r"\1 would"),
    (re.compile(r"\b(i|you|we|they|it) ?'ll\b", re.IGNORECASE), r"\1 will"),
    (re.compile(r"\b(i|you|we|they) ?'ve\b", re.IGNORECASE), r"\1 have"),
]


def written_out(sentence: str) -> str:
    """``sentence`` with its contractions written out and single spaces, so that one pattern fits both."""
    if _APOSTROPHE.search(sentence):
        for pattern, full in _CONTRACTIONS:
            sentence = pattern.sub(full, sentence)
    else:
        sentence = _CAN_NOT.sub("cannot", sentence)
    return " ".join(sentence.split()).strip(" *_\"“”'")


def is_farewell(sentence: str) -> bool:
    """Whether ``sentence`` is a farewell, after which a signature may follow."""
    return bool(_IS_FAREWELL.fullmatch(written_out(sentence).rstrip(" .!,")))


def is_small_talk(sentence: str) -> bool:
    """Whether ``sentence`` is nothing but courtesy: a greeting, thanks, an apology, an offer, a sign-off, a
    hedge, a note on where the answer is from, or a bare yes or no."""
    core = without_attribution(written_out(sentence).rstrip(" .!,…:;"))
    parts = [part for part in re.split(r"[.!,]\s+", core) if part]
    return bool(_SMALL_TALK.fullmatch(core)) or (
        bool(parts) and all(_SMALL_TALK.fullmatch(part) for part in parts)
    )
