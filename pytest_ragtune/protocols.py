"""The protocols: what a part must offer to be used in a pipeline. One method each, batch-first.

Every method takes a sequence and returns a list of the same length, in the same order. ``identity``
holds everything that could change a result (kind, version, weights' fingerprint, parameters): it
becomes part of store keys, so two parts of equal identity must give equal results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .records import Case, Generation, Hit, MetricInfo, Prompt, Response, Score, Support

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class Retriever(Protocol):
    """Ranks the passages of the corpus that it was built over."""

    @property
    def identity(self) -> str:
        """Everything that could change a ranking, the corpus' fingerprint included."""
        ...

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """At most ``k`` hits a question, best first, ties by passage id."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Puts candidates into a better order."""

    @property
    def identity(self) -> str:
        """Everything that could change an order."""
        ...

    def rerank(self, questions: Sequence[str], candidates: Sequence[Sequence[Hit]]) -> list[list[Hit]]:
        """The same hits a question, best first, with new scores."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Writes answers.

    Optional members that a pipeline uses when they are there: ``context_window`` (int, tokens),
    ``count_tokens(texts) -> list[int]``, ``plan(prompts) -> list[list[int]]`` (indices of the batches
    it would like to be given, each prompt once).
    """

    @property
    def identity(self) -> str:
        """Everything that could change an answer."""
        ...

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """One generation a prompt; a prompt that fails gives a generation with ``error``."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Tells whether a context supports a claim."""

    @property
    def identity(self) -> str:
        """Everything that could change an opinion."""
        ...

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (context, claim) pair."""
        ...


@runtime_checkable
class RelevanceJudge(Protocol):
    """Tells whether a text answers a question."""

    @property
    def identity(self) -> str:
        """Everything that could change an opinion."""
        ...

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (question, answer) pair."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def identity(self) -> str:
        """Everything that could change a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Array ``(len(texts), dim)``, float32, L2-normalised rows."""
        ...


@runtime_checkable
class Metric(Protocol):
    """Scores responses."""

    @property
    def info(self) -> MetricInfo:
        """What this metric is."""
        ...

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        ...


class ContextSource(Protocol):
    """Gives a pipeline the passages that its generator sees."""

    @property
    def identity(self) -> str:
        """Everything that could change the passages."""
        ...

    def contexts(self, questions: Sequence[str], generator: Any) -> list[Any]:
        """One :class:`pytest_ragtune.context.Context` a question."""
        ...
