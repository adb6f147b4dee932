"""A cache of what was read, bounded by how much text it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_CHARACTERS = 1_000_000
_TEXTS = 4096


class Shelf(Generic[T]):
    """What ``read`` made of each text, until too much is kept: then the longest unused goes first.

    Args:
        read: from a text to what is kept of it.
        characters: most characters of all texts together; one longer text is kept alone.
        texts: most texts.
    """

    def __init__(
        self, read: Callable[[str], T], *, characters: int = _CHARACTERS, texts: int = _TEXTS
    ) -> None:
        self._read, self._characters, self._texts = read, characters, texts
        self._kept: dict[str, T] = {}
        self._size = 0

    def __call__(self, text: str) -> T:
        """What ``read`` makes of ``text``."""
        if text in self._kept:
            found = self._kept.pop(text)
        else:
            found = self._read(text)
            self._size += len(text)
        self._kept[text] = found  # the last in order is the last used
        while len(self._kept) > 1 and (self._size > self._characters or len(self._kept) > self._texts):
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._size -= len(oldest)
        return found
