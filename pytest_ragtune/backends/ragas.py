"""The metrics of ragas (its ``ragas.metrics.collections``) as metrics of ours."""

from __future__ import annotations

import difflib
import importlib.metadata
import inspect
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from pytest_ragtune.calls.asking import Ask
from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.calls.flight import Limits
from pytest_ragtune.protocols import Embedder, Generator
from pytest_ragtune.records import Case, MetricInfo, Response, Score
from pytest_ragtune.text import sentences

from .bridge import Transcript, ask_model
from .scoring import contexts_of, identity, load, score_cases, snake

_FIELDS = {
    "user_input": "question",
    "response": "answer",
    "reference": "reference",
    "retrieved_contexts": "contexts",
}
_LOWER_IS_BETTER = frozenset({"noise_sensitivity"})
_SIGNED = frozenset({"answer_relevancy", "semantic_similarity"})  # a cosine
_JUDGED = {"statements": "statements", "classifications": "answer"}
"""Verdicts in an answer -> what they are about in its prompt: statements, or a text of sentences."""
_INPUT = re.compile(r"following input\ninput: (?P<input>.*)\nOutput: \Z", re.DOTALL)
_case: ContextVar[tuple[Ask, Transcript]] = ContextVar("ragtune_ragas_case")


class RagasMetric:
    """A metric of ragas.

    Cases are measured several at once in one event loop; ragas' own executor, retries, cache and telemetry
    are not used. A judge's answer that is malformed, empty, of unknown verdicts or short of verdicts leaves
    its case unscored, and so does NaN.

    Args:
        name: such as ``faithfulness``, ``answer_relevancy``, ``context_precision``, ``context_recall``,
            ``factual_correctness``, ``noise_sensitivity``, ``rouge_score``; may begin with ``ragas:``.
        generator: the judge, for a metric that asks a model.
        embedder: for a metric that compares vectors.
        concurrency: most cases at once.
        timeout: seconds that one case may take.
        parameters: of the ragas class, for example ``mode="precision"``.

    Raises:
        MissingExtra: ragas is absent, or it is there and cannot be imported.
        ValueError: there is no such metric, or it lacks a generator, an embedder or a field of the case.
    """

    def __init__(
        self,
        name: str,
        generator: Generator | None = None,
        *,
        embedder: Embedder | None = None,
        concurrency: int = 16,
        timeout: float = 600.0,
        **parameters: Any,
    ) -> None:
        self.name = name.removeprefix("ragas:")
        self._class = _find(self.name)
        takes = inspect.signature(self._class.__init__).parameters
        _require("generator", generator, "llm" in takes, self.name)
        _require("embedder", embedder, "embeddings" in takes, self.name)
        self.judge = generator if "llm" in takes else None
        self.embedder = embedder if "embeddings" in takes else None
        self._parameters = parameters
        self._limits = Limits(concurrency, timeout, retries=0)
        self._arguments = _arguments(self._class, self.name)
        unknown = set(parameters) - (set(takes) - {"self", "llm", "embeddings", "name", "kwargs"})
        if unknown:
            raise ValueError(f"ragas:{self.name} does not take {sorted(unknown)}")
        self._metric  # a wrong parameter is told now  # noqa: B018
        self.info = self._info()

    def __repr__(self) -> str:
        return f"RagasMetric({self.name!r})"

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        return score_cases(
            cases,
            responses,
            [_FIELDS[name] for name in self._arguments],
            self._measure,
            generator=self.judge,
            limits=self._limits,
            bounds=(self.info.low, self.info.high),
        )

    async def _measure(self, ask: Ask, case: Case, response: Response) -> float:
        transcript = Transcript()
        _case.set((ask, transcript))
        values = {
            "user_input": case.question,
            "response": response.text,
            "reference": case.reference,
            "retrieved_contexts": contexts_of(response),
        }
        result = await self._metric.ascore(**{name: values[name] for name in self._arguments})
        if transcript.fault is not None:
            raise transcript.fault
        value: float = result.value
        return value

    @cached_property
    def _metric(self) -> Any:
        parts: dict[str, Any] = dict(self._parameters)
        if self.judge is not None:
            parts["llm"] = _llm_class()()
        if self.embedder is not None:
            parts["embeddings"] = _embedding_class()(self.embedder)
        try:
            return self._class(**parts)
        except ImportError as error:
            raise ValueError(f"ragas:{self.name} needs another library: {error}") from error
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"ragas:{self.name} does not take {sorted(self._parameters)}: {error}"
            ) from error

    def _info(self) -> MetricInfo:
        name = f"ragas:{self.name}"
        return MetricInfo(
            name=name,
            identity=identity(name, "ragas", self.judge, self.embedder, self._parameters),
            formula=f"as ragas computes {self._class.__name__}",
            source=f"ragas {importlib.metadata.version('ragas')}, {self._class.__module__}",
            undefined="None when the case or the response lacks a field, when ragas gives NaN or fails, or "
            "when an answer of the judge is malformed, empty, of unknown verdicts or short of verdicts",
            low=-1.0 if self.name in _SIGNED else 0.0,
            higher_is_better=self.name not in _LOWER_IS_BETTER,
        )


def quiet() -> None:
    """Turn ragas' telemetry off, whether or not it is imported already."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    analytics = sys.modules.get("ragas._analytics")
    if analytics is not None:
        analytics.do_not_track.cache_clear()


def _find(name: str) -> Any:
    quiet()
    collections = load("ragas.metrics.collections", "ragas")
    base = collections.BaseMetric
    known = {
        snake(label): found
        for label, found in vars(collections).items()
        if inspect.isclass(found) and issubclass(found, base) and found is not base
    }
    known["non_llm_string_similarity"] = collections.NonLLMStringSimilarity
    if name not in known:
        near = difflib.get_close_matches(name, known, n=2)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"ragas has no metric {name!r}: {hint}known are {', '.join(sorted(known))}")
    return known[name]


def _arguments(found: Any, name: str) -> list[str]:
    """The fields that a metric is given, after checking that a case has them."""
    wanted = {k: p for k, p in inspect.signature(found.ascore).parameters.items() if k != "self"}
    unknown = [k for k, p in wanted.items() if k not in _FIELDS and p.default is inspect.Parameter.empty]
    if unknown:
        raise ValueError(f"ragas:{name} needs {unknown}, which a case does not have: choose another metric")
    return [k for k, p in wanted.items() if k in _FIELDS and p.default is inspect.Parameter.empty]


def _require(part: str, given: object, is_needed: bool, name: str) -> None:
    if is_needed and given is None:
        raise ValueError(f"ragas:{name} got no {part}, which it needs: pass {part}=")


def _llm_class() -> Any:
    """A ragas model that asks the generator of the case in hand."""
    base = load("ragas.llms.base", "ragas").InstructorBaseRagasLLM

    class GeneratorLLM(base):  # type: ignore[misc, valid-type]
        is_async = True

        def generate(self, prompt: str, response_model: Any) -> Any:
            raise Fault("ragas asked its model from plain code: expected only coroutines")

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            ask, transcript = _case.get()
            found = await ask_model(ask, prompt, response_model, transcript)
            short = too_few(prompt, found)
            if short:
                transcript.fault = transcript.fault or Fault(short)
                raise transcript.fault
            return found

    return GeneratorLLM


def too_few(prompt: str, found: Any) -> str | None:
    """What is wrong with the number of verdicts: it must be that of the statements, each judged once."""
    asked = _INPUT.search(prompt)
    try:
        given = json.loads(asked["input"]) if asked else {}
    except ValueError:
        return None
    for field, source in _JUDGED.items():
        verdicts, subject = getattr(found, field, None), given.get(source)
        if not isinstance(verdicts, list) or not subject:
            continue
        expected = len(subject) if isinstance(subject, list) else len(sentences(subject))
        is_wrong = len(verdicts) < expected if isinstance(subject, str) else len(verdicts) != expected
        if is_wrong:
            return f"the judge gave {len(verdicts)} verdicts on {expected} statements"
        named = [verdict.statement for verdict in verdicts if hasattr(verdict, "statement")]
        about = _distinct(named)
        expected = _distinct(subject if isinstance(subject, list) else sentences(subject))
        if named and about < expected:
            return f"the judge gave verdicts on {about} of {expected} statements, some of them twice"
    return None


def _distinct(texts: Iterable[str]) -> int:
    """How many texts there are that differ in more than case and space."""
    return len({" ".join(str(text).casefold().split()) for text in texts})


def _embedding_class() -> Any:
    """A ragas embedding over one of our embedders."""
    base = load("ragas.embeddings.base", "ragas").BaseRagasEmbedding

    class EmbedderEmbedding(base):  # type: ignore[misc, valid-type]
        def __init__(self, embedder: Embedder) -> None:
            super().__init__()
            self.embedder = embedder

        def embed_text(self, text: str, **kwargs: Any) -> list[float]:
            return self.embed_texts([text])[0]

        def embed_texts(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
            return [[float(x) for x in row] for row in self.embedder.embed(texts)]

        async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
            return self.embed_text(text)

        async def aembed_texts(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
            return self.embed_texts(texts)

    return EmbedderEmbedding
