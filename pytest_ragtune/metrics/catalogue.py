"""Metrics by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

from pytest_ragtune.protocols import Metric

from .answer import Abstention, ExactMatch, RougeL, TokenF1
from .cost import Seconds, Tokens
from .faithfulness import Faithfulness
from .ranking import EXAMPLES, RankingMetric, is_ranking_name
from .relevance import AnswerRelevance, ContextPrecision, ContextRecall

_PLAIN: dict[str, Callable[[], Metric]] = {
    "abstention": Abstention,
    "exact_match": ExactMatch,
    "rouge_l": RougeL,
    "seconds": Seconds,
    "token_f1": TokenF1,
    "tokens": Tokens,
}
_JUDGED: dict[str, Callable[[Any], Metric]] = {
    "answer_relevance": AnswerRelevance,
    "context_precision": ContextPrecision,
    "context_recall": ContextRecall,
    "faithfulness": Faithfulness,
}
NAMES = tuple(sorted([*_PLAIN, *_JUDGED]))
"""The names known besides those of ranking metrics."""


def metric(name: str, *, judge: Any = None) -> Metric:
    """The metric of that name, with its default parameters.

    Args:
        name: ``faithfulness``, ``token_f1`` ... or a ranking metric such as ``nDCG@10``.
        judge: for the metrics that need one.

    Raises:
        ValueError: the name is unknown (the message lists the known ones and near matches), or the
            metric needs a judge and there is none.
    """
    if name in _PLAIN:
        return _PLAIN[name]()
    if name in _JUDGED:
        if judge is None:
            raise ValueError(
                f"metric {name!r} needs a judge and there is none: "
                "pass judge=LexicalJudge(), judge=EmbeddingJudge(embedder) or your own"
            )
        return _JUDGED[name](judge)
    if is_ranking_name(name):
        return RankingMetric(name)
    near = difflib.get_close_matches(name.lower(), [*NAMES, *EXAMPLES], n=2)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise ValueError(
        f"metric {name!r} is not known: {hint}Known are {', '.join(NAMES)} "
        f"and ranking metrics such as {', '.join(EXAMPLES)}"
    )


def needs_judge(metrics: Sequence[str | Metric]) -> bool:
    """Whether any of ``metrics`` is given by name and scored by a judge."""
    return any(item in _JUDGED for item in metrics if isinstance(item, str))


def resolve(metrics: Sequence[str | Metric], judge: Any = None) -> list[Metric]:
    """Metrics from names and objects, in the order given.

    Args:
        metrics: names, or objects with ``info`` and ``score``; no two of one name.
        judge: for those given by name that need one.

    Raises:
        ValueError: there is none, two have one name, a name is unknown, or a judge is missing.
        TypeError: one is neither a name nor a metric.
    """
    if not metrics:
        raise ValueError("no metric was given: expected at least one, for example 'faithfulness' or 'R@5'")
    resolved = [_resolve_one(item, judge) for item in metrics]
    names = [item.info.name for item in resolved]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"metric {twice[0]!r} was given more than once: name each metric once")
    return resolved


def _resolve_one(item: str | Metric, judge: Any) -> Metric:
    if isinstance(item, str):
        return metric(item, judge=judge)
    if isinstance(item, type) or not isinstance(item, Metric):
        raise TypeError(f"got {item!r} as a metric: expected a name or an object with info and score")
    return item
