"""The metrics of deepeval as metrics of ours."""

from __future__ import annotations

import copy
import difflib
import importlib.metadata
import inspect
import os
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pytest_ragtune.calls.asking import Ask
from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.calls.flight import Limits
from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Case, MetricInfo, Response, Score
from pytest_ragtune.text import sentences

from .bridge import Transcript, ask_model
from .scoring import contexts_of, identity, load, score_cases, snake

_FIELDS = {
    "input": "question",
    "actual_output": "answer",
    "expected_output": "reference",
    "retrieval_context": "contexts",
    "context": "contexts",
}
_OFF = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DEEPEVAL_DISABLE_LEGACY_KEYFILE": "1",
    "DEEPEVAL_UPDATE_WARNING_OPT_IN": "0",
}
_VERDICTS: dict[str, Callable[[Any, Any], tuple[str, list[Any] | None, range]]] = {
    "faithfulness": lambda m, asked: ("claims", m.verdicts, _just(m.claims)),
    "answer_relevancy": lambda m, asked: ("statements", m.verdicts, _just(m.statements)),
    "contextual_precision": lambda m, asked: ("passages", m.verdicts, _just(asked.retrieval_context)),
    "contextual_recall": lambda m, asked: ("sentences", m.verdicts, _from(asked.expected_output)),
    "contextual_relevancy": lambda m, asked: ("passages", m.verdicts_list, _just(asked.retrieval_context)),
    "hallucination": lambda m, asked: ("passages", m.verdicts, _just(asked.context)),
    "summarization": lambda m, asked: ("claims", m.alignment_verdicts, _just(m.claims)),
    "bias": lambda m, asked: ("opinions", m.verdicts, _just(m.opinions)),
    "toxicity": lambda m, asked: ("opinions", m.verdicts, _just(m.opinions)),
    "pii_leakage": lambda m, asked: ("personal details", m.verdicts, _just(m.extracted_pii)),
    "misuse": lambda m, asked: ("misuses", m.verdicts, _just(m.misuses)),
    "non_advice": lambda m, asked: ("pieces of advice", m.verdicts, _just(m.advices)),
    "role_violation": lambda m, asked: ("violations", m.verdicts, _just(m.role_violations)),
    "prompt_alignment": lambda m, asked: ("instructions", m.verdicts, _just(m.prompt_instructions)),
}
"""Metric -> what was judged, the verdicts, and how many there may be."""
_MANY = 10_000
_OURS = frozenset({"model", "eval_mode", "system_one_model", "async_mode"})
"""Parameters that are not the user's: who judges, and how it is asked."""
_WITHOUT_EFFECT = frozenset({"threshold", "verbose_mode", "flaky"})
"""Parameters that do not change a score: not in the identity."""


class DeepEvalMetric:
    """A metric of deepeval.

    Cases are measured several at once in one event loop; deepeval's own runner, cache, retries, telemetry,
    ``.env`` reading, folders and console output are not used, and nest_asyncio is not applied. A judge's
    answer that is malformed, empty, of unknown verdicts or short of verdicts leaves its case unscored.

    Args:
        name: such as ``faithfulness``, ``answer_relevancy``, ``contextual_precision``, ``contextual_recall``,
            ``contextual_relevancy``, ``hallucination``, ``g_eval``; may begin with ``deepeval:``.
        generator: the judge, for a metric that asks a model.
        concurrency: most cases at once.
        timeout: seconds that one case may take.
        parameters: of the deepeval class. ``g_eval`` needs ``criteria`` or ``evaluation_steps``; its
            ``evaluation_params`` are names such as ``["input", "actual_output"]`` and those two unless given.

    Raises:
        MissingExtra: deepeval is absent, or it is there and cannot be imported.
        ValueError: there is no such metric, it lacks a generator, or it does not take a parameter.
    """

    def __init__(
        self,
        name: str,
        generator: Generator | None = None,
        *,
        concurrency: int = 16,
        timeout: float = 600.0,
        **parameters: Any,
    ) -> None:
        self.name = name.removeprefix("deepeval:")
        self._class = _find(self.name)
        asks = "model" in inspect.signature(self._class.__init__).parameters
        if generator is None and asks:
            raise ValueError(f"deepeval:{self.name} got no generator, which it needs: pass generator=")
        self.judge = generator if asks else None
        self._parameters = parameters
        self._limits = Limits(concurrency, timeout, retries=0)
        self._params = [str(param.value) for param in self._needed()]
        unknown = [param for param in self._params if param not in _FIELDS]
        if unknown:
            raise ValueError(f"deepeval:{self.name} needs {unknown}, which a case does not have")
        if getattr(self._prototype, "requires_trace", False):  # a wrong parameter is told now
            raise ValueError(
                f"deepeval:{self.name} needs the trace of an agent, which a response does not have"
            )
        self.info = self._info()

    def __repr__(self) -> str:
        return f"DeepEvalMetric({self.name!r})"

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        return score_cases(
            cases,
            responses,
            list(dict.fromkeys(_FIELDS[param] for param in self._params)),
            self._measure,
            generator=self.judge,
            limits=self._limits,
            bounds=(0.0, 1.0),
        )

    async def _measure(self, ask: Ask, case: Case, response: Response) -> float:
        transcript = Transcript()
        metric = copy.copy(self._prototype)
        metric.model = _model_class()(ask, transcript)
        contexts = contexts_of(response)
        values = {
            "input": case.question,
            "actual_output": response.text,
            "expected_output": case.reference,
            "retrieval_context": contexts,
            "context": contexts,
        }
        test_case = load("deepeval.test_case", "deepeval").LLMTestCase
        asked = test_case(**{"input": case.question, **{name: values[name] for name in self._params}})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            await metric.a_measure(asked, _show_indicator=False)
        if transcript.fault is not None:
            raise transcript.fault
        check_verdicts(self.name, metric, asked)
        value: float = metric.score
        return value

    def _needed(self) -> list[Any]:
        if self.name != "g_eval":
            found = self._class._required_params
            if not isinstance(found, list):
                raise ValueError(f"deepeval:{self.name} takes no single answer: choose another metric")
            return found
        params = load("deepeval.test_case", "deepeval").SingleTurnParams
        names = self._parameters.get("evaluation_params", ["input", "actual_output"])
        return [params(str(getattr(name, "value", name))) for name in names]

    @cached_property
    def _prototype(self) -> Any:
        wanted = inspect.signature(self._class.__init__).parameters
        ours: dict[str, Any] = {
            "async_mode": False, "include_reason": False, "model": _model_class()(), "eval_mode": "llm",
        }  # fmt: skip
        parts = {name: value for name, value in ours.items() if name in wanted} | self._parameters
        if self.name == "g_eval":
            parts = {"name": "G-Eval", **parts, "evaluation_params": self._needed()}
        wrong = sorted(set(self._parameters) & _OURS or set(self._parameters) - set(wanted))
        if wrong:
            raise ValueError(f"deepeval:{self.name} does not take {wrong}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._class(**parts)
        except (TypeError, ValueError) as error:
            said = str(error).replace(f"{self._class.__name__}.__init__() ", "")
            raise ValueError(f"deepeval:{self.name} cannot be made: {said}; pass it by name") from error

    def _info(self) -> MetricInfo:
        name = f"deepeval:{self.name}"
        named = {key: value for key, value in self._parameters.items() if key not in _WITHOUT_EFFECT}
        return MetricInfo(
            name=name,
            identity=identity(name, "deepeval", self.judge, None, named),
            formula=f"as deepeval computes {self._class.__name__}",
            source=f"deepeval {importlib.metadata.version('deepeval')}, {self._class.__module__}",
            undefined="None when the case or the response lacks a field, when deepeval fails, or when an "
            "answer of the judge is malformed, empty, of unknown verdicts or short of verdicts",
        )


def quiet() -> None:
    """Turn off what deepeval does on import: telemetry, ``.env`` files, key files, update checks."""
    os.environ.update(_OFF)


def _find(name: str) -> Any:
    quiet()
    metrics = load("deepeval.metrics", "deepeval")
    base = metrics.BaseMetric
    known = {
        snake(label).removesuffix("_metric"): found
        for label, found in vars(metrics).items()
        if inspect.isclass(found) and issubclass(found, base) and found is not base
    }
    if name not in known:
        near = difflib.get_close_matches(name, known, n=2)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"deepeval has no metric {name!r}: {hint}known are {', '.join(sorted(known))}")
    return known[name]


def _just(items: Sequence[Any]) -> range:
    return range(len(items), len(items) + 1)


def _from(text: str) -> range:
    """As many as there are sentences, or more: a judge may cut them finer."""
    return range(len(sentences(text)), _MANY)


def check_verdicts(name: str, metric: Any, asked: Any) -> None:
    """Refuse a score over fewer verdicts than there were things to judge.

    Raises:
        Fault: there are none, or not as many as asked for.
    """
    look = _VERDICTS.get(name)
    if look is None:
        return
    judged, verdicts, expected = look(metric, asked)
    if not verdicts or None in verdicts:
        raise Fault(f"the judge gave no verdict on the {judged}")
    if len(verdicts) not in expected:
        raise Fault(f"the judge gave {len(verdicts)} verdicts on {expected.start} {judged}")
    if name == "summarization":
        _check_coverage(metric.coverage_verdicts, len(metric.assessment_questions))


def _check_coverage(answers: Sequence[Any], questions: int) -> None:
    """Refuse answers about a text and its summary that are too few, or neither yes nor no."""
    if len(answers) != questions:
        raise Fault(f"the judge gave {len(answers)} answers to {questions} questions about the summary")
    words = [word.strip().lower() for one in answers for word in (one.original_verdict, one.summary_verdict)]
    odd = next((word for word in words if word not in ("yes", "no")), None)
    if odd is not None:
        raise Fault(f"the judge answered {odd!r} to a question about the summary: expected yes or no")
    if "yes" not in words[::2]:
        raise Fault(
            "the text answers none of the questions about the summary, so that its coverage is unknown"
        )


def _model_class() -> Any:
    """A deepeval model that asks the generator of the case in hand."""
    base = load("deepeval.models", "deepeval").DeepEvalBaseLLM

    class GeneratorModel(base):  # type: ignore[misc, valid-type]
        def __init__(self, ask: Ask | None = None, transcript: Transcript | None = None) -> None:
            self.ask, self.transcript = ask, transcript
            super().__init__("ragtune")

        def load_model(self) -> Any:
            return self

        def get_model_name(self) -> str:
            return "ragtune"

        def generate(self, prompt: str, schema: Any = None) -> Any:
            raise Fault("deepeval asked its model from plain code: expected only coroutines")

        async def a_generate(self, prompt: str, schema: Any = None) -> Any:
            if self.ask is None or self.transcript is None:
                raise Fault("deepeval asked its model outside of a measurement")
            if schema is None:
                fault = Fault("deepeval asked for an answer without a schema, which cannot be checked")
                self.transcript.fault = self.transcript.fault or fault
                raise fault
            return await ask_model(self.ask, prompt, schema, self.transcript)

    return GeneratorModel
