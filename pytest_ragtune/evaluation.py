"""Evaluate: ask a pipeline every case once, record the answers, score them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .application import CallablePipeline
from .backends.names import backend_metric, is_backend_name
from .golden import load_golden_set
from .metrics.catalogue import needs_judge, resolve
from .pipeline import PipelineLike, retrieval_pipeline
from .protocols import Judge, Metric, Retriever
from .records import Evaluation, GoldenSet, Response, Score
from .repeats import check_repeats, numbers_of
from .session import Progress, Session, session
from .store import Store


def evaluate(
    pipeline: PipelineLike | Retriever | Callable[[str], Any],
    golden_set: GoldenSet | str | Path,
    metrics: Sequence[str | Metric],
    *,
    judge: Judge | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
    repeats: int = 1,
    judge_repeats: int = 1,
) -> Evaluation:
    """Ask a pipeline every case of a golden set and score the responses.

    Answers that the store holds are not asked again. Every finished batch is in the store before
    the next one begins, so an interrupted run goes on where it stopped.

    Args:
        pipeline: a pipeline, a bare retriever (ranking metrics only), or a function from question to answer.
        golden_set: a golden set, or its folder.
        metrics: names (``"R@5"``, ``"faithfulness"``) or metric objects, each once.
        judge: for the metrics that need one; the session's default unless given.
        store: a store or its file; the session's unless given.
        progress: called with done, total and what is being done.
        repeats: answers a case, for generation by chance: each is drawn with another seed and recorded by
            itself. Checks take a case's mean.
        judge_repeats: judgements an answer, for a judge that does not always say the same. With both, the
            report says how much of the spread comes from cases, generations and judgements.

    Returns:
        One response and, for every metric, one score for every case asked (for each repeat).

    Raises:
        GoldenSetError: the golden set is broken.
        ValueError: no metric, no case, an unknown metric name, or repeats of what cannot differ.
        StoreError: the store cannot be read or written.
    """
    active = _session(store, progress)
    golden_set = _loaded(golden_set)
    if isinstance(metrics, str):
        raise ValueError(f"metrics is the string {metrics!r}: expected a list such as [{metrics!r}]")
    resolved = _resolved(metrics, judge, active)
    asked = _as_pipeline(pipeline)
    active.concerning(golden_set.fingerprint, golden_set.path, golden_set.name)
    check_repeats(asked, resolved, repeats, judge_repeats)
    outcomes = [active.ask(asked, golden_set.cases, repeat) for repeat in range(repeats)]
    responses = [response for outcome in outcomes for response in outcome.responses]
    answers = getattr(asked, "generator", asked) is not None  # a bare retriever asks no model
    scored = {
        m.info.name: [
            active.score(m, golden_set.cases, outcome.responses, numbers_of(repeat, judge_repeats))
            for repeat, outcome in enumerate(outcomes)
        ]
        for m in resolved
    }
    evaluation = Evaluation(
        pipeline=asked.name,
        golden_set=golden_set.name,
        fingerprint=golden_set.fingerprint,
        cases=golden_set.cases * repeats,
        responses=tuple(responses),
        scores={name: tuple(s for scores, _ in rounds for s in scores) for name, rounds in scored.items()},
        metrics={metric.info.name: metric.info for metric in resolved},
        path=golden_set.path,
        model_calls=sum(outcome.computed for outcome in outcomes) if answers else 0,
        replayed=sum(outcome.replayed for outcome in outcomes) if answers else 0,
        judge_calls=sum(calls for rounds in scored.values() for _, calls in rounds),
        notes=tuple(dict.fromkeys(r.note for r in responses if r.note)),
        repeats=repeats,
        version=golden_set.corpus.version or "",
        pipeline_identity=outcomes[0].identity,
    )
    if active.on_evaluation is not None:
        active.on_evaluation(evaluation)
    return evaluation


def _loaded(golden_set: GoldenSet | str | Path) -> GoldenSet:
    """The golden set, which has a case to ask."""
    if isinstance(golden_set, str | Path):
        golden_set = load_golden_set(golden_set)
    if not golden_set.cases:
        raise ValueError(f"golden set {golden_set.name!r} has no case left to ask: check tags= and cases=")
    return golden_set


def score_response(response: Response, metric: str | Metric, judge: Judge | None = None) -> Score:
    """Score one response with one metric.

    In a pytest run the responses of one test function are scored in one batch, at the first call.
    """
    active = session()

    def made() -> Metric:
        return _resolved([metric], judge, active)[0]

    known = active.named(metric, judge, made) if isinstance(metric, str) else made()
    return active.score_one(known, response)


def _resolved(metrics: Sequence[str | Metric], judge: Judge | None, active: Session) -> list[Metric]:
    """Metrics from names; the default judge is made only when a name needs one."""
    if judge is None and needs_judge(metrics):
        judge = active.judge
    named = [
        backend_metric(item, judge) if isinstance(item, str) and is_backend_name(item) else item
        for item in metrics
    ]
    return resolve(named, judge)


def _session(store: Store | str | Path | None, progress: Progress | None) -> Session:
    active = session()
    if store is None and progress is None:
        return active
    return active.apart(
        None if store is None else store if isinstance(store, Store) else Store(store), progress
    )


def _as_pipeline(pipeline: Any) -> PipelineLike:
    if hasattr(pipeline, "run") and hasattr(pipeline, "name"):
        return pipeline  # type: ignore[no-any-return]
    if isinstance(pipeline, Retriever):
        return retrieval_pipeline(pipeline, getattr(pipeline, "name", type(pipeline).__name__))
    if callable(pipeline):
        return CallablePipeline(pipeline)
    raise TypeError(
        f"evaluate got {pipeline!r}: expected a pipeline, a retriever, or a function from question to answer"
    )
