"""Filters: what is left of a ranking. Each is ``filter(question, hits) -> hits``, order kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase

from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.records import Corpus, Hit

from .ranking import describe
from .tokens import WordTokenizer

_VERSION = 1
_SHINGLE = 3
_WORDS = WordTokenizer(is_stemmed=False, drops_asking_words=False)


class MinScore:
    """Keeps hits of at least a score. Scores mean something only for one kind of retriever.

    Args:
        minimum: smallest score that stays.

    Raises:
        ValueError: ``minimum`` is not finite.
    """

    def __init__(self, minimum: float) -> None:
        if not math.isfinite(minimum):
            raise ValueError(f"minimum is {minimum!r}: expected a finite number")
        self.minimum = float(minimum)

    @property
    def identity(self) -> str:
        """The minimum."""
        return describe("min_score", _VERSION, minimum=self.minimum)

    def __call__(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits that stay, in order."""
        return [hit for hit in hits if hit.score >= self.minimum]


class ByDocument:
    """Keeps hits whose document's name matches a pattern, or drops them.

    Args:
        corpus: tells which document a passage comes from.
        pattern: as in a shell, for example ``policies/*.md``; upper and lower case differ.
        is_excluded: True to drop what matches and keep the rest.

    Raises:
        RagtuneError: the pattern matches no document of the corpus.
    """

    def __init__(self, corpus: Corpus, pattern: str, *, is_excluded: bool = False) -> None:
        self.pattern, self.is_excluded = pattern, is_excluded
        self._fingerprint = corpus.fingerprint
        self._documents = {passage.id: passage.document for passage in corpus.passages}
        names = sorted(set(self._documents.values()))
        self._matching = {name for name in names if fnmatchcase(name, pattern)}
        if not self._matching:
            raise RagtuneError(
                f"the pattern {pattern!r} matches none of {len(names)} documents ({', '.join(names[:3])}, "
                "...): expected a name or a shell pattern such as '*.md'"
            )

    @property
    def identity(self) -> str:
        """Pattern, sense and corpus."""
        return describe(
            "by_document",
            _VERSION,
            pattern=self.pattern,
            is_excluded=self.is_excluded,
            corpus=self._fingerprint,
        )

    def __call__(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits that stay, in order.

        Raises:
            RagtuneError: a hit is not in the corpus.
        """
        return [hit for hit in hits if (_known(self._documents, hit) in self._matching) != self.is_excluded]


class Deduplicate:
    """Drops hits that nearly repeat a better one.

    Two passages nearly repeat each other when the Jaccard similarity of their sets of three
    consecutive words is at least ``threshold`` (resemblance: Broder 1997, section 2). Headings do not count.

    Args:
        corpus: where passage texts are looked up.
        threshold: above 0, at most 1 (the same words in the same order).

    Raises:
        ValueError: ``threshold`` out of range.
    """

    def __init__(self, corpus: Corpus, threshold: float = 0.8) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold is {threshold!r}: expected a number above 0 and at most 1")
        self.threshold = float(threshold)
        self._fingerprint = corpus.fingerprint
        self._texts = {passage.id: passage.text for passage in corpus.passages}
        self._shingles: dict[str, frozenset[tuple[str, ...]]] = {}

    @property
    def identity(self) -> str:
        """Threshold and corpus."""
        return describe("deduplicate", _VERSION, threshold=self.threshold, corpus=self._fingerprint)

    def __call__(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits that stay, in order.

        Raises:
            RagtuneError: a hit is not in the corpus.
        """
        kept: list[Hit] = []
        for hit in hits:
            if not any(self._resemblance(hit, other) >= self.threshold for other in kept):
                kept.append(hit)
        return kept

    def _resemblance(self, hit: Hit, other: Hit) -> float:
        one, two = self._of(hit), self._of(other)
        either = len(one | two)
        return len(one & two) / either if either else 1.0

    def _of(self, hit: Hit) -> frozenset[tuple[str, ...]]:
        if hit.passage_id not in self._shingles:
            words = _WORDS.tokens(_known(self._texts, hit))
            last = max(len(words) - _SHINGLE, 0)
            found = (
                frozenset(tuple(words[i : i + _SHINGLE]) for i in range(last + 1)) if words else frozenset()
            )
            self._shingles[hit.passage_id] = found
        return self._shingles[hit.passage_id]


def _known(values: dict[str, str], hit: Hit) -> str:
    if hit.passage_id not in values:
        raise RagtuneError(
            f"the hit {hit.passage_id!r} is not in the filter's corpus: expected hits of a retriever over "
            "the same corpus; build both from one corpus"
        )
    return values[hit.passage_id]
