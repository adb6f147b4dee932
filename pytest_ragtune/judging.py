"""Scores that a judge makes, recorded and replayed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from .calls.parts import in_parts, parts_for
from .misses import refuse_to_judge
from .protocols import Metric
from .recording import ContextDigests, read_score, score_parts, score_record
from .records import Case, Response, Score
from .redaction import redact_score
from .replay import replays_only
from .store import Store, record_key


def score_recorded(
    store: Store,
    metric: Metric,
    cases: Sequence[Case],
    responses: Sequence[Response],
    digests: ContextDigests,
    judgement: int = 0,
) -> tuple[list[Score], int]:
    """One score a case, and how many of them a judge had to make now; see :func:`scores_in_parts`."""
    found: dict[int, Score] = {}
    judged = 0
    for number, part in enumerate(scores_in_parts(store, metric, cases, responses, digests, judgement)):
        found |= part
        judged += len(part) if number else 0
    return [found[position] for position in range(len(cases))], judged


def scores_in_parts(
    store: Store,
    metric: Metric,
    cases: Sequence[Case],
    responses: Sequence[Response],
    digests: ContextDigests,
    judgement: int = 0,
) -> Generator[dict[int, Score], None, None]:
    """Scores by position: first those that need no judge now, then each part as it is judged and recorded.

    A metric without a judge is computed each time. A judge that asks a model is given a part of the cases at
    a time, and each part is recorded as soon as it is judged, so that a run that is killed keeps it. A
    judgement that failed is recorded apart (``unscored``): a run that computes tries it again, one that only
    replays shows it as it was.

    Raises:
        ReplayMiss: this run only replays, and a judgement is not recorded.
        ValueError: the metric did not give one score a case.
    """
    judge = getattr(metric, "judge", None)
    if judge is None:
        yield dict(enumerate(_scored(metric, cases, responses)))
        return
    info = metric.info
    parts = [score_parts(info, case, r, digests, judgement) for case, r in zip(cases, responses, strict=True)]
    keys = [record_key("score", part) for part in parts]
    known = {key: read_score(value) for key, (value, _) in store.values(keys).items()}
    missing = [position for position, key in enumerate(keys) if key not in known]
    if missing and replays_only(store):
        failed = {record_key("unscored", parts[i]): keys[i] for i in missing}
        known |= {failed[key]: read_score(value) for key, (value, _) in store.values(list(failed)).items()}
        missing = [position for position, key in enumerate(keys) if key not in known]
    if missing:
        refuse_to_judge(store, info.name, info.identity, len(missing))
    yield {position: known[key] for position, key in enumerate(keys) if key in known}

    def judged(positions: Sequence[int]) -> list[Score]:
        return _scored(metric, [cases[i] for i in positions], [responses[i] for i in positions])

    with closing(in_parts(judged, missing, parts_for(judge))) as finished:
        for positions, scores in finished:
            fresh = {i: redact_score(score) for i, score in zip(positions, scores, strict=True)}
            store.put([score_record(keys[i], parts[i], score) for i, score in fresh.items()])
            yield fresh


def _scored(metric: Metric, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
    scores = metric.score(cases, responses)
    if len(scores) != len(cases):
        raise ValueError(
            f"{metric.info.name} returned {len(scores)} scores for {len(cases)} cases; expected one a case"
        )
    return list(scores)
