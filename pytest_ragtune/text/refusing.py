"""The wordings of refusals, and of what may stand beside one. Compiled when a text first needs them."""

from __future__ import annotations

import re

from .attribution import GIVEN, NOUN, PLAIN
from .smalltalk import is_farewell, is_small_talk, written_out
from .splitting import sentences
from .tokens import words

_SOURCE = (
    rf"(?:{PLAIN}|(?:the|this|that|these|those|my|your|our|any(?: of the)?) (?:\w+ ){{1,2}}{NOUN}{GIVEN}"
    rf"|(?:the |this |any )?(?:(?:provided|given|supplied|available|above) (?:information|data|{NOUN})"
    rf"|(?:information|data) (?:above|provided|given|available|i have)))"
)
_FACTS = (
    r"(?:(?:any|enough|sufficient|specific|the|an?|direct|explicit|relevant|clear|further|more|such"
    r"|exact|detailed|required"
    r"|necessary|that|this) ){0,3}(?:information|details?|answers?|mention|indication|evidence|specifics)"
)
_NEXT = (
    r"(?=$|[.,;!]| (?:about|on|regarding|concerning|of|for|to|in|as to|related|relating|that|whether"
    r"|how|what|which|who|when|where|why|is|available|and|but)\b)"
)
_OPEN_QUESTION = (
    r"(?:$|[.,;!]| (?:the answer|that|this|it|who|whom|what|which|when|where|why|how|if|whether|about"
    r"|anything|enough)\b)"
)

_STARTS = [
    rf"(?:i|we) (?:\w+ )?do not (?:\w+ )?know{_OPEN_QUESTION}",
    r"no idea\b|(?:i|we) have no (?:idea|clue|knowledge)\b",
    rf"(?:i|we) (?:do not|did not) (?:\w+ )?(?:have|see|find) {_FACTS}{_NEXT}",
    rf"(?:i|we) have (?:no|insufficient|not enough) (?:information|details|data){_NEXT}",
    r"i do not have (?:access to|knowledge)\b",
    r"we (?:could not|did not|cannot|are unable to|were unable to) (?:find|see|locate)\b.*\b(?:in"
    rf"|from|within) {_SOURCE}",
    r"i (?:could not|cannot|did not|am unable to|was unable to|am not able to) (?:\w+ )?(?:find|locate)\b",
    r"i (?:cannot|could not|am unable to|was unable to|am not able to) (?:\w+ )?(?:answer|determine"
    r"|tell|say|confirm|verify|infer)\b",
    r"(?:i|we) (?:cannot|could not|am unable to|are unable to|am not able to"
    rf"|are not able to) (?:\w+ )?(?:answer (?:that|this|the|your)|provide {_FACTS}|give {_FACTS})",
    r"i (?:cannot|am unable to|am not able to) (?:help|assist)(?: you)? with (?:that|this|your)\b",
    rf"unable to (?:answer|determine)\b|unable to (?:find|provide) {_FACTS}",
    r"(?:unanswerable|unknown|n/a|not (?:mentioned|specified|stated|found|provided|given|available"
    r"|answerable)|no answer(?: found)?)$",
    r"not (?:mentioned|specified|stated|found|provided|given|available|in|answerable)(?: (?:in|by"
    rf"|from))? {_SOURCE}",
]
_ANYWHERE = [
    rf"{_SOURCE} (?:do|does|did) not (?:\w+ly |actually )?(?:mention|say|specify|state|discuss|address"
    r"|indicate|answer|tell|reveal|explain)\b",
    rf"{PLAIN} (?:do|does|did) not (?:\w+ly )?(?:cover|describe)\b",
    rf"{_SOURCE} (?:do|does|did) not (?:\w+ly )?(?:provide|contain|include|give|have|offer) {_FACTS}{_NEXT}",
    rf"{_SOURCE} (?:contains?|provides?|gives?|has|have|includes?"
    rf"|offers?) no (?:\w+ ){{0,2}}(?:information|mention|details?|answer|data){_NEXT}",
    rf"{_SOURCE} (?:makes? no mention|(?:is|are) silent|says? nothing|mentions? nothing"
    r"|lacks? (?:\w+ ){0,2}(?:information|details?))\b",
    rf"(?:none of {_SOURCE}|nothing in {_SOURCE}) (?:\w+ly )?(?:mentions?|says?|answers?|provides?"
    r"|contains?|addresse?s?|specif\w+|states?|gives?|covers?)\b",
    r"(?:is|are|was|were) (?:not|never|nowhere) (?:\w+ly )?(?:mentioned|specified|stated|given"
    r"|provided|found|included|contained|covered"
    r"|discussed|described|available|listed|present|answered|addressed|indicated)\b(?: \w+)? (?:in|by"
    rf"|within|from) {_SOURCE}",
    r"(?:is|are|was|were) not (?:\w+ly )?(?:mentioned|specified|stated)(?: here| anywhere)?$",
    rf"(?:answer|information|this|that|it) (?:is|are) (?:not|nowhere) (?:in|part of|within) {_SOURCE}$",
    r"there (?:is|was|are) (?:no|not enough|insufficient|not any) (?:\w+ ){0,2}(?:information"
    r"|mention|answer|details?|data)"
    r"(?: (?:available|provided|given|found))?(?=$|[.,;]| (?:about|on|regarding|concerning|for|to"
    r"|as to|related|that|whether|how|what|which|who|when|where|why)\b| (?:in|from|within"
    rf"|of .* in) {_SOURCE})",
    r"(?:no|insufficient|not enough) (?:\w+ )?(?:information|details|data)(?: (?:about|on"
    r"|regarding) .{1,60}?)? (?:is |was |are )?"
    r"(?:available|provided|given|found)(?=$|[.,;]| (?:about|on|regarding|in|here|to answer)\b)",
    r"question (?:is (?:un|not )answerable|cannot be answered|could not be answered)\b",
    r"(?:it|this|that) (?:cannot|could not) be (?:determined|answered|inferred)\b",
    r"(?:cannot|could not) be (?:found|answered|determined|inferred) (?:in|from|within|based on|with"
    rf"|using|by) {_SOURCE}",
    rf"(?:outside|beyond) (?:the scope of {_SOURCE}|(?:of )?my knowledge)",
]
_UNSURE = [
    r"(?:i am|we are) (?:not (?:entirely |quite |completely |really )?(?:sure|certain|aware)|unsure"
    r"|uncertain)\b",
    rf"it is (?:unclear|not clear|unknown|not known)(?:$| (?:from|in) {_SOURCE})",
]
_OPENING = (
    r"(?:(?:(?:i am|we are) )?(?:very |so |really |truly )?(?:sorry|afraid)|(?:i |we |my )?apolog\w+"
    r"|for the inconvenience|unfortunately|regrettably|sadly"
    r"|hello|hi|hey|thank(?:s| you)[^,.]{0,40}|well|hmm|actually|honestly|however|answer|no|as an? [^,]{0,40}"
    r"|but|and|that"
    r"|it (?:seems|appears|looks like)|(?:based on|according to|from|given|in|within|looking at"
    rf"|after \w+ing|having \w+) {_SOURCE}[^,]{{0,40}})"
)
_REFUSES_AT_START = re.compile(rf"(?:{_OPENING}[ ,:;.-]+){{0,4}}(?:{'|'.join(_STARTS)})", re.IGNORECASE)
_REFUSES_ANYWHERE = re.compile("|".join(_ANYWHERE), re.IGNORECASE)
_IS_UNSURE = re.compile(rf"(?:{_OPENING}[ ,:;.-]+){{0,4}}(?:{'|'.join(_UNSURE)})", re.IGNORECASE)
_CONDITION = re.compile(r"(?:if|when|whenever|unless|should you|in case|where)\b", re.IGNORECASE)
_CONTRAST = re.compile(r"[,;]? (?:but|however|though|although|yet)\b[, ]*", re.IGNORECASE)
_SEEN = 400
"""Characters of a sentence that are looked at: refusals come early, and time stays bounded."""
_PREAMBLE = re.compile(r"(?:the (?:question|user|customer)|your question|you (?:are )?ask)\b", re.IGNORECASE)
_REDIRECT = re.compile(
    r"(?:(?:please|so|instead|for (?:more|further)[^,]*|to [^,]{1,40}|you (?:can|could|may|might"
    r"|should|will (?:need|have) to)|i (?:would )?(?:suggest|recommend|advise)"
    r"|we (?:suggest|recommend)|it (?:is|would be|may be) (?:best|better|recommended|advisable"
    r"|necessary|helpful)|try|perhaps|maybe)\b.*\b(?:contact|check|consult|ask|reach|"
    r"visit|refer|see|look|call|e-?mail|write|provide|rephrase|clarify|search|speak|information"
    r"|details)|contact|check|consult|ask|reach out|visit|refer to)\b",
    re.IGNORECASE,
)
_ABOUT_SOURCE = re.compile(
    rf"(?:it|they|{_SOURCE}) (?:only |mainly |just )?(?:covers?|discuss(?:es)?|describes?|focus(?:es)?"
    r"|talks?|mentions? only|only \w+|is about|are about)\b",
    re.IGNORECASE,
)
_LATER = (
    r"(?: (?:to|with|from|for|about|on|into|back|you|us|it|this|that|your|our|the|an?|and|answer|reply"
    r"|response|question|request|message|enquiry|inquiry|matter|details?|more|full|proper|information|within"
    r"|by|in|at|before|latest|next|following|same|first|working|business|days?|hours?|weeks?|morning|today"
    r"|tomorrow|soon|shortly|as soon as|as quickly as|once|when|we|i|possible|know|can|have|find|out|\d+"
    r"|one|two|three|few|couple|of|end|colleagues?|team|desk|office|experts?|specialists?|directly"
    r"|personally|right away|e-?mail|phone|again|will|let|reply|inform))*$"
)
"""What may follow a promise to answer later: a sentence with any other word says something of its own."""
_PROMISE = re.compile(
    r"(?:(?:(?:we|i|you|someone|somebody|a member)(?: (?:from|of|on) (?:our|the) \w+)?"
    r"|(?:a|our|the|one of our|another) (?:\w+ )?(?:colleagues?|team|specialists?|experts?|agents?|desk))"
    r" (?:will|shall|are going to) (?:\w+ly |then |also )?"
    r"(?:(?:have|get|receive|hear|send|give)(?: you)? (?:(?:an?|the|our|your) )?(?:\w+ )?"
    r"(?:answer|reply|response|back|from us|news|update)|answer|reply|respond|(?:get|come) back to you"
    r"|let you know|find out|look into|check|ask|be in touch|get in touch|contact you|write to you|call you"
    r"|follow up|update you|forward|pass)"
    r"|(?:your|the|this) (?:question|request|message|enquiry|inquiry) (?:has been|have been|was|is|will be) "
    r"(?:being )?(?:passed|forwarded|sent|handed|noted|answered)"
    r"|(?:we|i) (?:have|are|am) (?:now )?(?:passed|forwarded|sent|handed|noted|asked|asking|checking"
    r"|looking|passing|forwarding))" + _LATER,
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"(?:(?:we|i) (?:really |very much )?(?:appreciate|thank you for) your (?:patience|understanding|interest"
    r"|question|message|time)\b.{0,40}|(?:we|i) hope (?:you (?:will )?understand|to (?:see|hear from"
    r"|welcome) you)\b.{0,30}|(?:we|i) (?:regret|are sorry|am sorry|apologi[sz]e) (?:that|for|about|any)? ?"
    r"(?:this|that|any|the|it|inconvenience)\b.{0,30}"
    r"|(?:we|i) (?:are|am|would be|will be) (?:always )?(?:happy|glad|here) to help"
    r"(?: you)?(?: with (?:any(?:thing)? )?(?:other |further |more )?(?:questions?|else)?)?"
    r"|(?:please )?(?:bear with us|stay tuned))$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"[A-Z][\w'-]*(?: (?:[A-Z][\w'-]*|the|of|and|from|at)){0,4}")


def refuses(sentence: str) -> bool:
    """Whether one sentence says that the speaker, or the given text, does not hold the answer."""
    full = _core(sentence)
    if not full or sentence.rstrip().endswith("?") or _CONDITION.match(full):
        return False
    return _matches_refusal(full) and not _answers_after_all(full)


def _core(sentence: str) -> str:
    """The sentence written out, without its end, as far as a pattern needs to see."""
    return written_out(sentence[:_SEEN]).rstrip(" .!…\"”'")


def _matches_refusal(full: str) -> bool:
    return bool(_REFUSES_AT_START.match(full) or _REFUSES_ANYWHERE.search(full))


def _answers_after_all(full: str) -> bool:
    """Whether a clause after ``but`` is an answer: ``I don't know exactly, but it is 30 days``."""
    contrast = _CONTRAST.split(full, maxsplit=1)
    return len(contrast) == 2 and len(words(contrast[1])) > 2 and not _adds_nothing(contrast[1])


def _adds_nothing(sentence: str) -> bool:
    """Whether a sentence beside a refusal leaves it one: small talk, where to ask, a promise to answer."""
    full = _core(sentence)
    kinds = (_REDIRECT, _ABOUT_SOURCE, _PREAMBLE, _IS_UNSURE, _PROMISE, _COURTESY)
    return is_small_talk(full) or any(kind.match(full) for kind in kinds) or _matches_refusal(full)


def declines(text: str) -> bool:
    """Whether every sentence refuses or adds nothing to a refusal; see :func:`~.refusal.is_refusal`."""
    parts = _unsigned([part for part in sentences(text) if words(part)])
    refused = [refuses(part) for part in parts]
    if any(refused):
        return all(said or _adds_nothing(part) for said, part in zip(refused, parts, strict=True))
    unsure = any(_IS_UNSURE.match(_core(part)) for part in parts)
    return unsure and all(_adds_nothing(part) and not _answers_after_all(_core(part)) for part in parts)


def _unsigned(parts: list[str]) -> list[str]:
    """The sentences without a signature: the few words that follow a farewell at the end."""
    if len(parts) > 1 and is_farewell(parts[-2]) and _SIGNATURE.fullmatch(parts[-1].strip(" .!")):
        return parts[:-1]
    return parts
