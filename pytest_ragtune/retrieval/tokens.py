"""Words as lexical retrieval indexes them, and the text of a passage that retrievers index."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass

from pytest_ragtune.records import Passage
from pytest_ragtune.text.tokens import stem, word_set

_COMPOUND = re.compile(r"\w+(?:[-./:@]\w+)*")
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_PART = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_VERSION = 1

ASKING_WORDS = word_set(
    """a an the what which who whom whose when where why how do does did are was were be been being am
    can could should would will shall may might must i me my we us our you your he him his she her its
    it they them their this that these those there has have had s"""
)
"""Words that ask rather than name what is asked about. Words that can be the subject of a technical
question (``is``, ``not``, ``with``, ``for``, ``while``) are left to their inverse document frequency."""


@dataclass(frozen=True, slots=True)
class WordTokenizer:
    """Cuts text into the words that BM25 counts.

    Lower case (NFKC, case-folded); runs of Unicode letters and digits; Chinese, Japanese and Korean
    characters one by one. A compound with a digit or an underscore (``E-42``, ``3.5``, ``__init__``,
    ``max_length``) gives its parts and itself, so both the exact code and a part of it are found.
    Passages are indexed whole; only questions lose :data:`ASKING_WORDS`.

    On Cranfield, XQuAD (English), MuSiQue and Vaswani, mean nDCG@10 and R@5 of BM25 were 0.582 and
    0.503 with plain words, 0.602 and 0.516 with stems, 0.606 and 0.518 with stems and without asking
    words. The Snowball stemmer instead gave 0.613 and 0.520 for one more dependency: the gain was on
    Cranfield and Vaswani, with none on the two question-answering sets.
    """

    is_stemmed: bool = True
    """True to index English words without their plural, ``-ed`` and ``-ing``."""
    drops_asking_words: bool = True
    """True to leave :data:`ASKING_WORDS` out of questions that have other words."""

    @property
    def identity(self) -> str:
        """Version and parameters."""
        return json.dumps(
            {
                "kind": "words",
                "version": _VERSION,
                "is_stemmed": self.is_stemmed,
                "drops_asking_words": self.drops_asking_words,
            },
            sort_keys=True,
        )

    def tokens(self, text: str) -> list[str]:
        """The words of a passage, in order, repeats included."""
        return self._stemmed(_words(text))

    def question_tokens(self, question: str) -> list[str]:
        """The words of a question, in order, repeats included."""
        found = _words(question)
        if self.drops_asking_words:
            found = [word for word in found if word not in ASKING_WORDS] or found
        return self._stemmed(found)

    def _stemmed(self, found: list[str]) -> list[str]:
        return [stem(word) for word in found] if self.is_stemmed else found


def _words(text: str) -> list[str]:
    found: list[str] = []
    for match in _COMPOUND.finditer(unicodedata.normalize("NFKC", text).casefold()):
        whole = match.group()
        parts = _PART.findall(whole)
        found.extend(parts)
        if parts != [whole] and ("_" in whole or any(character.isdigit() for character in whole)):
            found.append(whole)
    return found


def passage_text(passage: Passage) -> str:
    """What retrievers index of a passage: its headings, a line break, its text.

    Headings that the text itself begins with are not repeated.
    """
    own = passage.heading.rpartition(" > ")[2]
    if not own or passage.text.lstrip("# ").startswith(own):
        above = passage.heading[: -len(own)].removesuffix(" > ") if own else ""
        return f"{above}\n{passage.text}" if above else passage.text
    return f"{passage.heading}\n{passage.text}"
