"""Claims: the statements of an answer that evidence could support or not."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from .attribution import without_attribution
from .refusal import is_refusal
from .smalltalk import is_farewell, is_small_talk
from .splitting import MARKER, sentences
from .tokens import has_words, normalise, word_set, words

_VERBS = word_set(
    """is are was were been has have had does do did can could will would may might must shall should isn't
    aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't can't cannot couldn't won't
    wouldn't shouldn't mustn't it's that's there's they're you're we're he's she's i'm you'll we'll
    it'll they'll you've we've i've they've need needs get gets got give gives gave take takes took make
    makes made go goes went come comes came cost costs include includes contain contains apply applies
    require requires allow allows offer offers provide provides cover covers last lasts pay pays paid
    receive receives send sends sent keep keeps kept begin begins began start starts started end ends
    ended open opens opened close closes become becomes became show shows returns use uses used call
    calls called raise raises raised mean means meant say says know knows knew work works worked run
    runs ran live lives lived win wins won write writes wrote hold holds held leave leaves left lose
    loses lost remain remains seem seems serve serves served play plays played ship ships arrive arrives
    arrived expire expires change changes changed stay stays help helps support supports want wants asks
    find finds found sets let lets puts see sees saw sell sells sold buys bought builds built brings
    brought meets met leads led died born moved joined released directed received reached added"""
)
_SUBJECT = re.compile(
    r"(?:i|you|he|she|it|we|they|this|that|these|those|there|the|a|an|our|your|my|his|her|its|their"
    r"|each|every"
    r"|all|some|any|no|both|one|most|many)\b|[A-Z0-9]",
)
_MARKS = re.compile(r"[()\[\]{}“”\"]")
_SEEN = 300
"""Characters of a clause in which its subject and verb are sought."""
_CLAUSES = re.compile(r";\s+|,\s+(?:and|but)\s+(?=\S)")
_GOVERNS_BOTH = re.compile(
    r"\b(?:if|unless|whether|although|though|because|since|while|when|whenever|before|after|until|once"
    r"|provided"
    r"|so that|either|neither|not only|both|between|said|says|claims?|believes?|according to)\b",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"(?:here (?:is|are)|here's|below|the following|as follows|follow (?:these|the)|sure|certainly"
    r"|of course|answer|note"
    r"|(?:the )?steps?|for example|in summary|in short|to summari[sz]e|based on)\b.*:$",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"(?:(?:and|but|also|however|therefore|then|in addition|moreover|furthermore|additionally|besides"
    r"|as a result|instead|similarly|for example|for instance),? )?"
    r"(?:it|its|it's|they|they're|their|he|he's|his|she|she's|her|this|that|these|those|such|both|neither"
    r"|the (?:former|latter|same|other|others))\b",
    re.IGNORECASE,
)
"""How a claim begins that refers to the one before it."""
_FRAGMENT_WORDS = 6
_SIGNATURE_WORDS = 4
"""A line as short as this after a farewell is a signature."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim, and what it refers back to."""

    text: str
    """The claim in the answer's words."""
    before: str = ""
    """The statement before it, or the question, where it cannot be understood without; else empty."""


def claims(answer: str) -> list[str]:
    """The statements of ``answer`` that evidence could support or not, in order, each once.

    A claim is a sentence, a list item, or a clause: sentences are cut at ``"; "``, ``", and "`` and
    ``", but "`` where both sides have a subject and a verb after it, and no word (``if``, ``because``)
    governs both. A list item that is not a sentence carries the line that introduces the list
    (``Included: 5 GB``). Headings, questions, greetings, sign-offs, hedges alone and refusals are not claims.
    """
    return [statement.text for statement in statements(answer)]


def statements(answer: str, question: str = "") -> list[Statement]:
    """The claims of ``answer``, each with what it refers back to.

    A claim that opens with a pronoun (``It costs $5``) refers to the one before it; a fragment without a verb
    (``Within 30 days.``) to the one before it or, as the answer's first, to ``question``.
    """
    found: dict[str, Statement] = {}
    lead, signing, before = "", False, ""
    for sentence in sentences(answer):
        signing = is_farewell(sentence) or (signing and len(words(sentence)) <= _SIGNATURE_WORDS)
        if signing:
            continue
        is_item = bool(MARKER.match(sentence))
        body = _bare(MARKER.sub("", sentence, count=1) if is_item else sentence)
        if body.endswith(":") or sentence.startswith(("#", "```", "~~~")):
            lead = body if body.endswith(":") and not _LEAD_IN.match(body) else ""
            continue
        lead = lead if is_item else ""
        for clause in _clauses(body):
            text = f"{lead} {clause}" if lead and not _is_clause(clause) else clause
            if is_claim(clause):
                needed = _referred(text, before, "" if is_item else question)
                found.setdefault(normalise(text), Statement(text, needed))
                before = text
    return list(found.values())


def _referred(claim: str, before: str, question: str) -> str:
    """What ``claim`` cannot be understood without, if that is short enough to be read along."""
    found = words(claim[:_SEEN])
    if before and _REFERS.match(without_attribution(claim)):
        needed = before
    elif len(found) <= _FRAGMENT_WORDS and ":" not in claim and _VERBS.isdisjoint(found):
        needed = before or question
    else:
        needed = ""
    return needed if len(needed) <= _SEEN else ""


def is_claim(sentence: str) -> bool:
    """Whether one sentence states something: no question, small talk, bare hedge or refusal."""
    bare = _bare(sentence)
    if not has_words(bare) or bare.endswith(("?", "？")):
        return False
    return not is_small_talk(bare) and not is_refusal(bare)


def _bare(sentence: str) -> str:
    """Without marks of emphasis around it."""
    text = sentence.strip()
    for mark in ("**", "__", "*", "_"):
        if text.startswith(mark) and text.endswith(mark) and len(text) > 2 * len(mark):
            text = text[len(mark) : -len(mark)].strip()
    return text


def _clauses(sentence: str) -> list[str]:
    """``sentence`` cut where both sides can stand alone; never inside brackets or quotation marks."""
    if _GOVERNS_BOTH.search(sentence):
        return [sentence]
    marks: Counter[str] = Counter()
    clauses, start, read = [], 0, 0
    for match, after in _with_next(list(_CLAUSES.finditer(sentence)), len(sentence)):
        marks.update(_MARKS.findall(sentence[read : match.start()]))
        read = match.start()
        if (
            _is_balanced(marks)
            and _is_clause(sentence[start:read])
            and _is_clause(sentence[match.end() : after])
        ):
            clauses.append(sentence[start:read])
            start = match.end()
    return [*clauses, sentence[start:]]


def _with_next(matches: list[re.Match[str]], end: int) -> list[tuple[re.Match[str], int]]:
    """Each match with where the next one begins."""
    starts = [match.start() for match in matches[1:]]
    return list(zip(matches, [*starts, end], strict=False))


def _is_clause(text: str) -> bool:
    """Whether ``text`` begins with a subject and has a verb after it: at least three words."""
    found = words(text[:_SEEN])
    return len(found) >= 3 and bool(_SUBJECT.match(text.strip())) and not _VERBS.isdisjoint(found[1:])


def _is_balanced(marks: Counter[str]) -> bool:
    return marks['"'] % 2 == 0 and all(
        marks[left] == marks[right] for left, right in ("()", "[]", "{}", "“”")
    )
