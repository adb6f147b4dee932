"""Where a pipeline's generator gets its passages: nowhere, from a retriever, or the whole corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .errors import ContextOverflow, RagtuneError
from .prompt import PromptTemplate
from .protocols import Generator, Reranker, Retriever
from .records import Corpus, Hit, Passage
from .store import canonical

_RESERVE = 256  # tokens kept free for the chat template, the system turn and the question


@dataclass(frozen=True, slots=True)
class Context:
    """What one question gets to see."""

    passages: tuple[Passage, ...] = ()
    """Passages for the generator, in order."""
    ranking: tuple[Hit, ...] | None = None
    """What was retrieved, best first; None when nothing was ranked."""
    shared: bool = False
    """True when every question of a run sees the same passages."""
    note: str = ""
    """A remark for the report, for example how much of a corpus fitted."""


class HitFilter(Protocol):
    """Drops or re-orders hits after retrieval."""

    @property
    def identity(self) -> str:
        """Everything that could change the outcome."""
        ...

    def __call__(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits that stay, best first."""
        ...


class QueryTransform(Protocol):
    """Rewrites a question before retrieval; the generator still sees the original."""

    @property
    def identity(self) -> str:
        """Everything that could change the outcome."""
        ...

    def __call__(self, question: str) -> str:
        """The question to retrieve with."""
        ...


class NoContext:
    """A closed book: the model answers from its weights."""

    name = "no context"
    identity = "no_context"

    def contexts(self, questions: Sequence[str], generator: Generator | None) -> list[Context]:
        """An empty context a question."""
        return [Context() for _ in questions]


class Retrieved:
    """Passages that a retriever finds for the question.

    The stages in order: every query transform, the retriever (the one a router picks, if one is
    given, in the retriever's place), every filter, the reranker, the cut at ``k``. Ranking metrics
    see the order after the last stage, ``depth`` hits deep; the generator sees the first ``k``.

    Args:
        corpus: where passage texts are looked up.
        retriever: ranks passages; a router is itself a retriever.
        k: passages shown to the generator.
        depth: hits asked of the retriever; the larger of ``k`` and 10 unless given.
        transforms: applied to the question, first to last.
        filters: applied to the hits, first to last.
        reranker: re-orders the hits that are left.
    """

    def __init__(
        self,
        corpus: Corpus,
        retriever: Retriever,
        *,
        k: int = 5,
        depth: int | None = None,
        transforms: Sequence[QueryTransform] = (),
        filters: Sequence[HitFilter] = (),
        reranker: Reranker | None = None,
    ) -> None:
        if k < 1:
            raise ValueError(f"k is {k}: expected at least 1 passage; for none use NoContext()")
        self.corpus, self.retriever, self.k = corpus, retriever, k
        self.depth = max(k, 10) if depth is None else max(k, depth)
        self.transforms, self.filters, self.reranker = tuple(transforms), tuple(filters), reranker
        self._passages = {passage.id: passage for passage in corpus.passages}

    @property
    def identity(self) -> str:
        """Corpus, retriever, every stage, ``k`` and ``depth``."""
        return canonical(
            {
                "kind": "retrieved",
                "corpus": self.corpus.fingerprint,
                "retriever": self.retriever.identity,
                "k": self.k,
                "depth": self.depth,
                "transforms": [transform.identity for transform in self.transforms],
                "filters": [stage.identity for stage in self.filters],
                "reranker": self.reranker.identity if self.reranker else None,
            }
        )

    def contexts(self, questions: Sequence[str], generator: Generator | None) -> list[Context]:
        """The ranking and the first ``k`` passages a question."""
        queries = [self._transformed(question) for question in questions]
        rankings = self.retriever.retrieve(queries, self.depth)
        for stage in self.filters:
            rankings = [
                list(stage(question, hits)) for question, hits in zip(questions, rankings, strict=True)
            ]
        if self.reranker is not None:
            rankings = self.reranker.rerank(queries, rankings)
        return [self._context(hits) for hits in rankings]

    def _transformed(self, question: str) -> str:
        for transform in self.transforms:
            question = transform(question)
        return question

    def _context(self, hits: Sequence[Hit]) -> Context:
        try:
            passages = tuple(self._passages[hit.passage_id] for hit in hits[: self.k])
        except KeyError as error:
            raise RagtuneError(
                f"the retriever returned the passage {error.args[0]!r}, which the corpus does not hold; "
                "expected a retriever built over the same corpus; build it from the `corpus` fixture"
            ) from error
        return Context(passages, tuple(hits))


class WholeCorpus:
    """Every passage of the corpus, in one long context.

    Args:
        corpus: what is shown.
        budget: most tokens that the passages may take; what the generator's window leaves unless given.
        order: ``corpus`` (reading order) or ``reverse``.
        overflow: ``error`` raises ContextOverflow when the corpus does not fit; ``truncate`` shows
            the passages that fit, in order, and says so in the report.
        template: the prompt whose passages are measured.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        budget: int | None = None,
        order: Literal["corpus", "reverse"] = "corpus",
        overflow: Literal["error", "truncate"] = "error",
        template: PromptTemplate | None = None,
    ) -> None:
        if order not in ("corpus", "reverse"):
            raise ValueError(f"order is {order!r}: expected 'corpus' or 'reverse'")
        if overflow not in ("error", "truncate"):
            raise ValueError(f"overflow is {overflow!r}: expected 'error' or 'truncate'")
        if budget is not None and budget < 1:
            raise ValueError(f"budget is {budget}: expected a number of tokens, at least 1")
        self.corpus, self.budget, self.order, self.overflow = corpus, budget, order, overflow
        self.template = template or PromptTemplate()

    @property
    def identity(self) -> str:
        """Corpus, budget, order and what happens when it does not fit."""
        return canonical(
            {
                "kind": "whole_corpus",
                "corpus": self.corpus.fingerprint,
                "budget": self.budget,
                "order": self.order,
                "overflow": self.overflow,
                "template": self.template.identity,
            }
        )

    def contexts(self, questions: Sequence[str], generator: Generator | None) -> list[Context]:
        """The same passages for every question."""
        passages = self.corpus.passages if self.order == "corpus" else self.corpus.passages[::-1]
        kept = self._fitting(passages, generator)
        note = ""
        if len(kept) < len(passages):
            note = f"the context holds the first {len(kept)} of {len(passages)} passages"
        return [Context(kept, None, shared=True, note=note) for _ in questions]

    def _fitting(self, passages: Sequence[Passage], generator: Generator | None) -> tuple[Passage, ...]:
        count: Callable[[Sequence[str]], list[int]] | None = getattr(generator, "count_tokens", None)
        allowed = self._allowed(generator)
        if count is None or allowed is None:
            return tuple(passages)
        sizes = count([self.template.block(passage) for passage in passages])
        used = 0
        for position, size in enumerate(sizes):
            used += size
            if used > allowed:
                if self.overflow == "error":
                    raise ContextOverflow(sum(sizes), allowed, passages[position].id)
                return tuple(passages[:position])
        return tuple(passages)

    def _allowed(self, generator: Any) -> int | None:
        if self.budget is not None:
            return self.budget
        window = getattr(generator, "context_window", None)
        if window is None:
            return None
        return int(window) - int(getattr(generator, "max_new_tokens", 0)) - _RESERVE
