"""A pipeline turns a case into a response: the cells of the table of approaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from .active import generate, provided_session
from .context import Context, NoContext
from .errors import RagtuneError
from .prompt import PromptTemplate
from .protocols import ContextSource, Generator, Retriever
from .records import Case, Generation, Prompt, Response
from .store import canonical

BATCH = 32
"""Cases a batch, where nothing else decides."""

Batch = list[tuple[int, Response]]


class PipelineLike(Protocol):
    """What ``evaluate`` needs of a pipeline."""

    @property
    def name(self) -> str:
        """Shown in reports; names the baseline file."""
        ...

    @property
    def identity(self) -> str | None:
        """Everything that could change an answer; None when that cannot be known, so nothing is recorded."""
        ...

    def run(self, cases: Sequence[Case]) -> Iterator[Batch]:
        """Finished batches: pairs of a case's position and its response, each position once."""
        ...


class Responds:
    """The methods that every pipeline shares."""

    def run(self, cases: Sequence[Case]) -> Iterator[Batch]:
        """Finished batches: pairs of a case's position and its response, each position once."""
        raise NotImplementedError

    def repeated(self, repeat: int) -> PipelineLike:
        """The pipeline as it answers a case once more; itself, where nothing can be told to draw anew."""
        return self  # type: ignore[return-value]

    def respond(self, case: Case | str) -> Response:
        """The response to one case, or to a plain question.

        In a pytest run the first call answers every selected case of the test in batches, and
        later calls read the recorded responses.
        """
        asked = Case(id="question", question=case) if isinstance(case, str) else case
        session = None if isinstance(case, str) else provided_session()
        if session is None:
            return self.respond_many([asked])[0]
        response: Response = session.respond(self, asked)
        return response

    def respond_many(self, cases: Sequence[Case]) -> list[Response]:
        """One response a case, in the same order; nothing is recorded."""
        found: dict[int, Response] = {}
        for batch in self.run(cases):
            found.update(batch)
        return [found[position] for position in range(len(cases))]


class Pipeline(Responds):
    """A context source, a generator and a prompt: a cell of the table of approaches.

    Args:
        name: shown in reports; names the baseline file.
        context_source: ``NoContext``, ``Retrieved`` or ``WholeCorpus``; a bare ``NoContext()`` unless given.
        generator: writes the answers; None measures retrieval alone.
        prompt: how question and passages are put to the generator.
    """

    def __init__(
        self,
        name: str,
        context_source: ContextSource | None = None,
        generator: Generator | None = None,
        prompt: PromptTemplate | None = None,
    ) -> None:
        if not name or any(character in name for character in "/\\"):
            raise ValueError(f"the pipeline's name is {name!r}: expected a word that can be a file name")
        self.name = name
        self.context_source: ContextSource = NoContext() if context_source is None else context_source
        self.generator = generator
        self.prompt = prompt or PromptTemplate()

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r})"

    @property
    def identity(self) -> str:
        """Context source, generator and prompt; not the name."""
        return canonical(
            {
                "context": self.context_source.identity,
                "generator": None if self.generator is None else self.generator.identity,
                "prompt": self.prompt.identity,
            }
        )

    def repeated(self, repeat: int) -> Pipeline:
        """The same pipeline over a generator with another seed; itself, where the generator takes none."""
        again: Callable[[int], Generator] | None = getattr(self.generator, "with_seed", None)
        if again is None or repeat == 0:
            return self
        return Pipeline(self.name, self.context_source, again(repeat), self.prompt)

    def run(self, cases: Sequence[Case]) -> Iterator[Batch]:
        """Retrieve for all cases, then generate batch by batch, in the batches the generator likes."""
        contexts: list[Context] = self.context_source.contexts([c.question for c in cases], self.generator)
        if self.generator is None:
            yield [(i, _retrieved(case, contexts[i])) for i, case in enumerate(cases)]
            return
        prompts = [
            self.prompt.render(case.question, context.passages, shared=context.shared)
            for case, context in zip(cases, contexts, strict=True)
        ]
        for indices in self._plan(self.generator, prompts):
            generations: list[Generation] = generate(self.generator, [prompts[i] for i in indices])
            if len(generations) != len(indices):
                raise RagtuneError(
                    f"{type(self.generator).__name__}.generate returned {len(generations)} generations for "
                    f"{len(indices)} prompts; expected one a prompt, in order"
                )
            yield [
                (i, _answered(cases[i], contexts[i], generation))
                for i, generation in zip(indices, generations, strict=True)
            ]

    @staticmethod
    def _plan(generator: Generator, prompts: Sequence[Prompt]) -> list[list[int]]:
        plan: Callable[[Sequence[Prompt]], list[list[int]]] | None = getattr(generator, "plan", None)
        if plan is not None:
            return plan(prompts)
        return [
            list(range(start, min(start + BATCH, len(prompts)))) for start in range(0, len(prompts), BATCH)
        ]


def _retrieved(case: Case, context: Context) -> Response:
    return Response(text=None, contexts=context.passages, ranking=context.ranking, case=case)


def _answered(case: Case, context: Context, generation: Generation) -> Response:
    return Response(
        text=generation.text,
        contexts=context.passages,
        ranking=context.ranking,
        case=case,
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=generation.completion_tokens,
        seconds=generation.seconds,
        error=generation.error,
        note="; ".join(filter(None, (context.note, generation.note))),
    )


def retrieval_pipeline(retriever: Retriever, name: str, depth: int = 10) -> Pipeline:
    """A pipeline that only ranks: for ranking metrics on a bare retriever."""
    return Pipeline(name, _RankingOnly(retriever, depth))


class _RankingOnly:
    def __init__(self, retriever: Retriever, depth: int) -> None:
        self.retriever, self.depth = retriever, depth

    @property
    def identity(self) -> str:
        return canonical({"kind": "ranking", "retriever": self.retriever.identity, "depth": self.depth})

    def contexts(self, questions: Sequence[str], generator: Generator | None) -> list[Context]:
        rankings = self.retriever.retrieve(questions, self.depth)
        return [Context(ranking=tuple(hits)) for hits in rankings]
