"""BM25 over two engines that agree."""

from __future__ import annotations

import importlib.util
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from pytest_ragtune import extras
from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.records import Corpus, Hit

from .ranking import checked, describe, leaders, passage_ids, ranked
from .tokens import WordTokenizer, passage_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Engine = Literal["bm25s", "rank_bm25"]
Backend = Literal["auto", "numpy", "numba"]
NUMBA_PASSAGES = 400_000
"""Corpus size from which ``backend="auto"`` takes numba when it is installed: compiling takes about 4 s and
saves 0.02 ms a question for each 1,000 passages, so here it is repaid after some 500 questions."""
_VERSION = 1


class Tokenizer(Protocol):
    """Cuts text into the words that are counted."""

    @property
    def identity(self) -> str:
        """Everything that could change a word."""
        ...

    def tokens(self, text: str) -> list[str]:
        """The words of a passage."""
        ...

    def question_tokens(self, question: str) -> list[str]:
        """The words of a question."""
        ...


class BM25Retriever:
    """Ranks passages by the words that they share with the question.

    The score of passage d (length ``|d|`` words, mean length L, N passages, n(t) of them with word t)
    is the sum over the question's words t, repeats included, of::

        ln((N + 1) / n(t)) * tf(t, d) * (k1 + 1) / (tf(t, d) + k1 * (1 - b + b * |d| / L))

    This is Okapi BM25 (Robertson and Zaragoza 2009, section 3) with the idf of BM25+ (Lv and Zhai 2011),
    which stays positive for a word in every passage: the classic idf is zero or negative for words in
    half of the passages, which leaves nothing of a small corpus. It is ``BM25Plus(delta=0)`` of
    rank_bm25 and ``method="atire", idf_method="bm25+"`` in double precision of bm25s: the two agree to
    1e-12, scores are rounded to seven significant digits, and so both engines give the same ranking.

    Hits share at least one word with the question; ties are broken by passage id.

    Args:
        corpus: what is indexed, headings included.
        engine: ``bm25s`` (fast) or ``rank_bm25`` (the reference; every query reads the whole corpus).
        k1: how slowly repeats of a word saturate; 0 counts a word once.
        b: how much long passages are held back, 0 (not) to 1 (in proportion).
        backend: of bm25s: ``numpy``, ``numba`` (extra ``fast``), or ``auto``: numba when it is installed
            and the corpus is large enough (:data:`NUMBA_PASSAGES`) to repay its compilation.
        tokenizer: cuts passages and questions into words.

    Raises:
        RagtuneError: no passage, or none with a word in it.
        ValueError: a parameter out of range.
        MissingExtra: ``backend="numba"`` without numba.
    """

    name = "bm25"
    """What a report calls it."""

    def __init__(
        self,
        corpus: Corpus,
        *,
        engine: Engine = "bm25s",
        k1: float = 1.5,
        b: float = 0.75,
        backend: Backend = "auto",
        tokenizer: Tokenizer | None = None,
    ) -> None:
        _check_parameters(engine, backend, k1, b)
        self.engine, self.k1, self.b = engine, float(k1), float(b)
        self.tokenizer: Tokenizer = WordTokenizer() if tokenizer is None else tokenizer
        self._ids = passage_ids(corpus, "BM25Retriever")
        self._fingerprint = corpus.fingerprint
        words = [self.tokenizer.tokens(passage_text(passage)) for passage in corpus.passages]
        distinct = dict.fromkeys(word for found in words for word in found)
        self._vocabulary = {word: number for number, word in enumerate(distinct)}
        if not self._vocabulary:
            raise RagtuneError(
                f"BM25Retriever got {len(self._ids)} passages without a single word: expected text with "
                "letters or digits; check what the corpus holds"
            )
        self._index: _Index = (
            _Bm25s(words, self._vocabulary, self.k1, self.b, backend)
            if engine == "bm25s"
            else _RankBm25(words, self.k1, self.b)
        )

    @property
    def identity(self) -> str:
        """Engine, parameters, tokenizer and corpus; not the back end, which changes nothing."""
        return describe(
            "bm25",
            _VERSION,
            engine=self.engine,
            k1=self.k1,
            b=self.b,
            tokenizer=self.tokenizer.identity,
            corpus=self._fingerprint,
        )

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """At most ``k`` hits a question, best first, ties by passage id.

        Raises:
            ValueError: ``k`` is below 1.
        """
        k = checked(questions, k)
        return [self._ranking(question, k) for question in questions]

    def _ranking(self, question: str, k: int) -> list[Hit]:
        words = [word for word in self.tokenizer.question_tokens(question) if word in self._vocabulary]
        if not words:
            return []
        scores = self._index.scores(words)
        found = leaders(scores, k)
        found = found[scores[found] > 0]
        return ranked(((self._ids[i], float(scores[i])) for i in found), k)


class _Index(Protocol):
    def scores(self, words: list[str]) -> NDArray[np.float64]:
        """Score of every passage, ``(n_passages,)``; every word is in the vocabulary."""
        ...


class _Bm25s:
    def __init__(
        self, words: list[list[str]], vocabulary: dict[str, int], k1: float, b: float, backend: Backend
    ) -> None:
        bm25s = extras.load("bm25s")
        self._vocabulary = vocabulary
        self._model: Any = bm25s.BM25(k1=k1, b=b, method="atire", idf_method="bm25+", dtype="float64")
        if _resolved(backend, len(words)) == "numba":
            self._model.compile()
        numbers = [[vocabulary[word] for word in found] for found in words]
        with _without_debug_lines():
            self._model.index((numbers, dict(vocabulary)), create_empty_token=False, show_progress=False)

    def scores(self, words: list[str]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._model.get_scores_from_ids(
            [self._vocabulary[word] for word in words]
        )
        return found


class _RankBm25:
    def __init__(self, words: list[list[str]], k1: float, b: float) -> None:
        self._model: Any = extras.load("rank_bm25").BM25Plus(words, k1=k1, b=b, delta=0)

    def scores(self, words: list[str]) -> NDArray[np.float64]:
        np = extras.load("numpy")
        total = np.zeros(self._model.corpus_size)
        for word in words:
            with np.errstate(invalid="ignore"):  # an empty passage at b=1, or any at k1=0, divides 0 by 0
                total += np.nan_to_num(self._model.get_scores([word]), nan=0.0)
        return total  # type: ignore[no-any-return]


@contextmanager
def _without_debug_lines() -> Iterator[None]:
    """bm25s logs at DEBUG whatever the user's settings: pytest would show it below every failed test."""
    logger = logging.getLogger("bm25s")
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)


def _resolved(backend: Backend, n_passages: int) -> str:
    if backend == "numba":
        extras.load("numba", extra="fast")
    if backend != "auto":
        return backend
    has_numba = importlib.util.find_spec("numba") is not None
    return "numba" if has_numba and n_passages >= NUMBA_PASSAGES else "numpy"


def _check_parameters(engine: str, backend: str, k1: float, b: float) -> None:
    if engine not in get_args(Engine):
        raise ValueError(f"engine is {engine!r}: expected 'bm25s' or 'rank_bm25'")
    if backend not in get_args(Backend):
        raise ValueError(f"backend is {backend!r}: expected 'auto', 'numpy' or 'numba'")
    if engine == "rank_bm25" and backend == "numba":
        raise ValueError("backend is 'numba' and engine 'rank_bm25': only the engine 'bm25s' has back ends")
    if not (math.isfinite(k1) and k1 >= 0):
        raise ValueError(f"k1 is {k1!r}: expected a finite number of at least 0; 1.2 to 2 is usual")
    if not 0 <= b <= 1:
        raise ValueError(f"b is {b!r}: expected a number from 0 to 1; 0.75 is usual")
