"""Rerankers: candidates of a retriever, looked at more closely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ragtune import extras
from pytest_ragtune.errors import ModelError, RagtuneError
from pytest_ragtune.protocols import Embedder
from pytest_ragtune.records import Corpus, Hit
from pytest_ragtune.text import sentences

from . import batching
from .dense import embedded
from .folders import find_model, fingerprint, quiet
from .ranking import check_questions, describe, passage_ids, ranked
from .tokens import passage_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VERSION = 1


class EmbeddingReranker:
    """Orders candidates by the best of their sentences.

    The score of a passage is ``blend * cos(question, passage) + (1 - blend) * max over its sentences of
    cos(question, sentence)``: a long passage is not held back by the sentences that say something
    else. Vectors of passages and sentences are computed once each and kept in memory.

    With MiniLM, 0.5 was the best of the blends 0, 0.25, 0.5, 0.75 and 1 by nDCG@10: on the handbook golden
    set (0.776 with the hybrid's candidates), on python_reference (0.663) and on XQuAD (0.960).

    Args:
        corpus: where passage texts are looked up.
        embedder: turns texts into vectors.
        blend: weight of the whole passage, 0 to 1.

    Raises:
        ValueError: ``blend`` out of range.
        RagtuneError: the corpus has no passages.
    """

    def __init__(self, corpus: Corpus, embedder: Embedder, *, blend: float = 0.5) -> None:
        if not 0 <= blend <= 1:
            raise ValueError(
                f"blend is {blend!r}: expected 0 (best sentence alone) to 1 (whole passage alone)"
            )
        passage_ids(corpus, "EmbeddingReranker")
        self.embedder, self.blend = embedder, float(blend)
        self._fingerprint = corpus.fingerprint
        self._texts = {passage.id: passage_text(passage) for passage in corpus.passages}
        self._sentences = {passage.id: sentences(passage.text) for passage in corpus.passages}
        self._vectors: dict[str, NDArray[np.float32]] = {}

    @property
    def identity(self) -> str:
        """Embedder, blend and corpus."""
        return describe(
            "embedding_reranker",
            _VERSION,
            embedder=self.embedder.identity,
            blend=self.blend,
            corpus=self._fingerprint,
        )

    def rerank(self, questions: Sequence[str], candidates: Sequence[Sequence[Hit]]) -> list[list[Hit]]:
        """The same hits a question, best first, ties by passage id.

        Raises:
            ValueError: not one list of candidates a question.
            RagtuneError: a candidate is not in the corpus.
        """
        check_candidates(questions, candidates, self._texts)
        if not any(candidates):
            return [[] for _ in questions]
        self._prepare({hit.passage_id for hits in candidates for hit in hits})
        asked = embedded(self.embedder, list(questions))
        return [
            ranked((hit.passage_id, self._score(vector, hit.passage_id)) for hit in hits)
            for vector, hits in zip(asked, candidates, strict=True)
        ]

    def _prepare(self, wanted: set[str]) -> None:
        """Embed the passages that are new, each followed by its sentences."""
        np = extras.load("numpy")
        new = sorted(wanted - self._vectors.keys())
        if not new:
            return
        parts = [[self._texts[name], *self._sentences[name]] for name in new]
        found = embedded(self.embedder, [text for part in parts for text in part])
        ends = np.cumsum([len(part) for part in parts])[:-1]
        self._vectors.update(zip(new, np.split(found, ends), strict=True))

    def _score(self, question: NDArray[np.float32], name: str) -> float:
        np = extras.load("numpy")
        cosines = (self._vectors[name].astype(np.float64) * question.astype(np.float64)).sum(axis=1)
        best = float(cosines[1:].max()) if len(cosines) > 1 else float(cosines[0])
        return self.blend * float(cosines[0]) + (1 - self.blend) * best


class CrossEncoderReranker:
    """Orders candidates by a cross-encoder, which reads question and passage together.

    The score is the model's own output for the pair, before any activation (a logit; the order is the
    same). It does not depend on the other candidates of the call: see :mod:`.batching`.

    Args:
        corpus: where passage texts are looked up.
        model: a local folder or a hub name of a cross-encoder with one output, in safetensors.
        device: ``cpu``, or a torch device such as ``cuda``.
        progress: called after each batch with (pairs done, pairs in all, ``reranking``).

    Raises:
        ModelError: there is no such model, or it cannot be loaded, or it has several outputs.
        MissingExtra: torch or sentence-transformers is absent.
        RagtuneError: the corpus has no passages.
    """

    def __init__(
        self,
        corpus: Corpus,
        model: str | Path,
        *,
        device: str = "cpu",
        progress: batching.Progress | None = None,
    ) -> None:
        passage_ids(corpus, "CrossEncoderReranker")
        self.name, self.folder = find_model(model)
        self.device, self.progress = device, progress
        self._fingerprint = corpus.fingerprint
        self._texts = {passage.id: passage_text(passage) for passage in corpus.passages}
        self._loaded: Any = None

    @property
    def identity(self) -> str:
        """Name and hash of the model's files, kind of device, and corpus."""
        return describe(
            "cross_encoder_reranker",
            _VERSION,
            model=self.name,
            files=fingerprint(self.folder),
            device=self.device.partition(":")[0],
            corpus=self._fingerprint,
        )

    def rerank(self, questions: Sequence[str], candidates: Sequence[Sequence[Hit]]) -> list[list[Hit]]:
        """The same hits a question, best first, ties by passage id.

        Raises:
            ValueError: not one list of candidates a question.
            RagtuneError: a candidate is not in the corpus.
        """
        check_candidates(questions, candidates, self._texts)
        pairs = [
            (question, self._texts[hit.passage_id])
            for question, hits in zip(questions, candidates, strict=True)
            for hit in hits
        ]
        scores = iter(self._scores(pairs) if pairs else ())
        return [ranked((hit.passage_id, next(scores)) for hit in hits) for hits in candidates]

    def _scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        model, report = self._model(), self.progress
        found = batching.run(
            pairs,
            lambda part: dict(
                model.tokenizer(
                    part, padding=True, truncation=True, max_length=self._window(), return_tensors="pt"
                )
            ),
            lambda batch: (
                model.model(**{name: value.to(self.device) for name, value in batch.items()}).logits
            ),
            limit=self._window(),
            padding_side=model.tokenizer.padding_side,
            progress=None if report is None else lambda done, total: report(done, total, "reranking"),
        )
        return [float(row[0]) for row in found]

    def _window(self) -> int:
        known = getattr(self._model(), "max_seq_length", None) or self._model().max_length
        return int(known or self._model().model.config.max_position_embeddings)

    def _model(self) -> Any:
        if self._loaded is None:
            library = extras.load("sentence_transformers", extra="dense")
            try:
                with quiet():
                    model = library.CrossEncoder(
                        str(self.folder), device=self.device, trust_remote_code=False, local_files_only=True
                    )
            except Exception as error:  # transformers and safetensors raise many kinds for a damaged folder
                raise ModelError(
                    f"the model in {self.folder} cannot be loaded ({type(error).__name__}: {error}): "
                    "expected a cross-encoder; restore the folder or choose another"
                ) from error
            if model.model.config.num_labels != 1:
                raise ModelError(
                    f"{self.name!r} has {model.model.config.num_labels} outputs: expected a "
                    "cross-encoder with one, the relevance; choose a reranking model"
                )
            model.model.float().eval()
            self._loaded = model
        return self._loaded


def check_candidates(
    questions: Sequence[str], candidates: Sequence[Sequence[Hit]], texts: dict[str, str]
) -> None:
    """Refuse candidates that do not belong to the questions or to the corpus.

    Raises:
        ValueError: not one list of candidates a question.
        RagtuneError: a candidate is not among ``texts``.
    """
    check_questions(questions)
    if len(questions) != len(candidates):
        raise ValueError(
            f"{len(questions)} questions and {len(candidates)} lists of candidates: "
            "expected one list a question"
        )
    for hits in candidates:
        for hit in hits:
            if hit.passage_id not in texts:
                raise RagtuneError(
                    f"the candidate {hit.passage_id!r} is not in the reranker's corpus: expected "
                    "candidates of a retriever over the same corpus; build both from one corpus"
                )
