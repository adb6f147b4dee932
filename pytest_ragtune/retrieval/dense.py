"""Exact nearest-neighbour search over embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ragtune import extras
from pytest_ragtune.errors import ModelError
from pytest_ragtune.protocols import Embedder
from pytest_ragtune.records import Corpus, Hit

from . import vectors
from .ranking import checked, describe, passage_ids, ranked
from .tokens import passage_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Nearest = tuple[NDArray[np.float32], NDArray[np.int64]]  # float32 scores, best first, and their rows

_VERSION = 1
_SLACK = 1e-5  # float32 inner products of unit vectors are off by less
_MORE = 16
_LENGTH_SLACK = 1e-2  # a unit vector rounded to eight bits is off by less


class DenseRetriever:
    """Ranks passages by the cosine of their vector and the question's.

    Passages are embedded at the first question, and searched exactly (FAISS ``IndexFlatIP``). The
    candidates' cosines are then computed again in double precision and rounded to seven significant
    digits, so a question's ranking depends neither on the other questions nor on noise; ties are
    broken by passage id. A question of nothing but white space has an empty ranking.

    Args:
        corpus: what is indexed, headings included.
        embedder: turns passages into vectors.
        question_embedder: turns questions into vectors, for models that treat the two differently;
            ``embedder`` unless given.
        cache: folder in which the passages' vectors are kept, by embedder and corpus; nothing is kept
            unless given. A damaged file is computed again.

    Raises:
        RagtuneError: the corpus has no passages.
    """

    name = "dense"
    """What a report calls it."""

    def __init__(
        self,
        corpus: Corpus,
        embedder: Embedder,
        *,
        question_embedder: Embedder | None = None,
        cache: Path | None = None,
    ) -> None:
        self.embedder, self.cache = embedder, cache
        self.question_embedder = embedder if question_embedder is None else question_embedder
        self._ids = passage_ids(corpus, "DenseRetriever")
        self._corpus = corpus
        self._built: tuple[Any, NDArray[np.float32]] | None = None

    @property
    def identity(self) -> str:
        """Both embedders and the corpus."""
        return describe(
            "dense",
            _VERSION,
            embedder=self.embedder.identity,
            question_embedder=self.question_embedder.identity,
            corpus=self._corpus.fingerprint,
        )

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """At most ``k`` hits a question, best first, ties by passage id.

        Raises:
            ValueError: ``k`` is below 1.
            MissingExtra: faiss is absent.
            ModelError: an embedder gives something other than one finite vector a text.
        """
        k = min(checked(questions, k), len(self._ids))
        asked = [question for question in questions if question.strip()]
        if not asked:
            return [[] for _ in questions]
        index, passages = self._index()
        found = embedded(self.question_embedder, asked)
        if found.shape[1] != passages.shape[1]:
            raise ModelError(
                f"questions have {found.shape[1]} dimensions and passages {passages.shape[1]}: expected the "
                "same; use two embedders of one model"
            )
        nearest = zip(*index.search(found, min(len(self._ids), k + _MORE)), strict=True)
        pairs = zip(found, nearest, strict=True)
        rankings = iter([self._ranking(index, passages, vector, near, k) for vector, near in pairs])
        return [next(rankings) if question.strip() else [] for question in questions]

    def _index(self) -> tuple[Any, NDArray[np.float32]]:
        if self._built is None:
            faiss = _load_faiss()
            passages = self._passage_vectors()
            index = faiss.IndexFlatIP(passages.shape[1])
            index.add(passages)
            self._built = index, passages
        return self._built

    def _passage_vectors(self) -> NDArray[np.float32]:
        texts = [passage_text(passage) for passage in self._corpus.passages]
        if self.cache is None:
            return embedded(self.embedder, texts)
        path = vectors.cache_file(
            Path(self.cache), f"dense-{_VERSION}", self.embedder.identity, self._corpus.fingerprint
        )
        found = vectors.read(path, len(texts))
        if found is None:
            found = embedded(self.embedder, texts)
            vectors.write(path, found)
        return found

    def _ranking(
        self,
        index: Any,
        passages: NDArray[np.float32],
        vector: NDArray[np.float32],
        nearest: _Nearest,
        k: int,
    ) -> list[Hit]:
        np = extras.load("numpy")
        scores, rows = nearest
        while len(rows) < len(self._ids) and scores[-1] >= scores[k - 1] - _SLACK:
            # what comes next may tie with the k-th
            (scores,), (rows,) = index.search(vector[None], min(len(self._ids), 2 * len(rows)))
        rows = rows[scores >= scores[k - 1] - _SLACK]
        cosines = (passages[rows].astype(np.float64) * vector.astype(np.float64)).sum(axis=1)
        return ranked(((self._ids[row], float(cosine)) for row, cosine in zip(rows, cosines, strict=True)), k)


def embedded(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """``embedder.embed(texts)`` as a contiguous float32 array, checked.

    Raises:
        ModelError: it is not one finite vector of length 1 (or 0) a text.
    """
    np = extras.load("numpy")
    name = f"{type(embedder).__name__}.embed"
    try:
        found = np.ascontiguousarray(embedder.embed(texts), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{name} failed or gave no array of numbers ({error}): expected shape ({len(texts)}, dim)"
        ) from error
    if found.ndim != 2 or len(found) != len(texts) or not found.shape[1] or not np.isfinite(found).all():
        raise ModelError(
            f"{name} gave an array of shape {found.shape} for {len(texts)} texts"
            f"{'' if np.isfinite(found).all() else ', not all of it finite'}: expected ({len(texts)}, dim) "
            "finite numbers; correct the embedder"
        )
    lengths = np.linalg.norm(found, axis=1)
    wrong = lengths[(np.abs(lengths - 1) > _LENGTH_SLACK) & (lengths > 0)]
    if len(wrong):
        raise ModelError(
            f"{name} gave a vector of length {float(wrong[0]):.4g}: expected length 1, since scores are "
            "cosines; divide each vector by its length"
        )
    return found  # type: ignore[no-any-return]


def _load_faiss() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SWIG's own types, on Python 3.12 and later
        return extras.load("faiss", extra="dense")
