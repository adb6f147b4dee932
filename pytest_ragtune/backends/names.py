"""Metrics of back ends by name: ``ragas:faithfulness``, ``deepeval:answer_relevancy``."""

from __future__ import annotations

from typing import Any

from pytest_ragtune.protocols import Metric

PREFIXES = ("ragas:", "deepeval:")


def is_backend_name(name: str) -> bool:
    """Whether ``name`` is that of a back end's metric."""
    return name.startswith(PREFIXES)


def backend_metric(name: str, judge: Any = None) -> Metric:
    """The metric of that name, with its default parameters.

    Args:
        name: ``ragas:`` or ``deepeval:`` and the metric's name.
        judge: a ``PromptedJudge``, whose generator becomes the back end's model, or a generator; only needed
            by metrics that ask a model. A judge with an ``embedder`` lends it.

    Raises:
        MissingExtra: the back end is absent or broken.
        ValueError: the name is unknown, or the metric needs a model and ``judge`` is none.
    """
    if not is_backend_name(name):
        raise ValueError(f"metric {name!r} belongs to no back end: expected ragas:NAME or deepeval:NAME")
    generator = judge if hasattr(judge, "generate") else getattr(judge, "generator", None)
    try:
        return _make(name, generator, getattr(judge, "embedder", None))
    except ValueError as error:
        if judge is None or generator is not None:
            raise
        hint = f"{type(judge).__name__} asks no model; pass judge=PromptedJudge(generator)"
        raise ValueError(f"{error} ({hint})") from error


def _make(name: str, generator: Any, embedder: Any) -> Metric:
    if name.startswith("ragas:"):
        from .ragas import RagasMetric

        return RagasMetric(name, generator, embedder=embedder)
    from .deepeval import DeepEvalMetric

    return DeepEvalMetric(name, generator)
