"""A warning where a judge that was trained on English reads something else."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable
from itertools import islice

from pytest_ragtune.text import words
from pytest_ragtune.text.tokens import STOP_WORDS, word_set

_FOREIGN = word_set(
    """der die das und ist nicht ein eine mit für auf von zu den dem im sind werden
    le la les et est une un des du dans pour que qui pas sur avec sont
    el los las y es una por con para del se su al
    il lo gli di che non per è sono della nel
    o os as e é um uma não do da em com dos
    de het een van en op dat niet zijn voor
    og er det som på til av med ikke att är på inte och
    jest nie się na w z że oraz"""
)
"""Frequent words of languages written in Latin letters."""
_ENGLISH = STOP_WORDS - _FOREIGN
_FEWEST = 6
"""Words from which on function words tell the language."""
_SEEN = 2000
_LOOKED_AT = 500
"""Texts of one call that are looked at."""


class LanguageWarning(UserWarning):
    """A text is not in the language that the judge was trained on."""


def is_english(text: str) -> bool:
    """Whether ``text`` may be English: True unless its letters or function words say otherwise."""
    letters = [character for character in text[:_SEEN] if character.isalpha()]
    foreign_letters = sum("LATIN" not in unicodedata.name(letter, "") for letter in letters)
    if len(letters) >= 3 and foreign_letters > 0.3 * len(letters):
        return False
    found = words(text[:_SEEN])
    if len(found) < _FEWEST:
        return True
    different = set(found)  # a list of rates says "per" in every item
    english, foreign = len(different & _ENGLISH), len(different & _FOREIGN)
    if foreign >= 2 and foreign > english:
        return False
    return english > 0 or len(found) < 2 * _FEWEST or text.isascii()


def warn_of_other_languages(texts: Iterable[str]) -> bool:
    """Warn of the first text that is not English; whether there was one."""
    for text in islice(texts, _LOOKED_AT):
        if not is_english(text):
            shown = " ".join(text.split())[:60]
            warnings.warn(
                f"the judge was trained on English, and {shown!r} is not: its scores are less certain there",
                LanguageWarning,
                stacklevel=4,
            )
            return True
    return False
