"""Scores that a judge makes, recorded and replayed."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, nullcontext
from typing import Any

from .calls.parts import in_parts, parts_for
from .misses import refuse_to_judge
from .protocols import Metric
from .recording import ContextDigests, read_score, score_parts, score_record
from .records import Case, MetricInfo, Response, Score
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
    """One score a case, and how many of them a judge had to make now; see :func:`scores_in_parts`.

    Of two processes on one store one judges, and the other waits and reads.
    """
    found: dict[int, Score] = {}
    judged = 0
    parts = scores_in_parts(store, metric, cases, responses, digests, judgement, is_shared=True)
    with closing(parts):
        for part in parts:
            found |= part
            judged += judged_in(part)
    return [found[position] for position in range(len(cases))], judged


class Unjudged(dict[int, Score]):
    """Scores by position that no judge had to make now."""


def judged_in(part: Mapping[int, Score]) -> int:
    """How many scores of a part a judge made now."""
    return 0 if isinstance(part, Unjudged) else len(part)


def scores_in_parts(
    store: Store,
    metric: Metric,
    cases: Sequence[Case],
    responses: Sequence[Response],
    digests: ContextDigests,
    judgement: int = 0,
    *,
    is_shared: bool = False,
) -> Generator[dict[int, Score], None, None]:
    """Scores by position: first those that need no judge now, then each part as it is judged and recorded.

    A metric without a judge is computed each time. A judge that asks a model is given a part of the cases at
    a time, and each part is recorded as soon as it is judged, so that a run that is killed keeps it. A
    judgement that failed is recorded apart (``unscored``): a run that computes tries it again, one that only
    replays shows it as it was.

    Args:
        store: where judgements are recorded.
        metric: what scores.
        cases: as many as responses.
        responses: what is scored.
        digests: of contexts.
        judgement: its number, where an answer is judged more than once.
        is_shared: wait for another process that judges by this metric, and take what it recorded. Only for
            who takes all parts at once: nothing else may be waited for meanwhile.

    Raises:
        ReplayMiss: this run only replays, and a judgement is not recorded.
        ValueError: the metric did not give one score a case.
    """
    judge = getattr(metric, "judge", None)
    if judge is None:
        yield Unjudged(enumerate(_scored(metric, cases, responses)))
        return
    info = metric.info
    parts = [score_parts(info, case, r, digests, judgement) for case, r in zip(cases, responses, strict=True)]
    keys = [record_key("score", part) for part in parts]
    known = _known(store, info, parts, keys)
    missing = [position for position, key in enumerate(keys) if key not in known]

    def judged(positions: Sequence[int]) -> list[Score]:
        return _scored(metric, [cases[i] for i in positions], [responses[i] for i in positions])

    def recorded(positions: Sequence[int], scores: Sequence[Score]) -> dict[int, Score]:
        fresh = {i: redact_score(score) for i, score in zip(positions, scores, strict=True)}
        store.put([score_record(keys[i], parts[i], score) for i, score in fresh.items()])
        return fresh

    broken = [i for i in missing if responses[i].error is not None]  # without an answer nobody is asked
    first = Unjudged({position: known[key] for position, key in enumerate(keys) if key in known})
    first |= recorded(broken, judged(broken)) if broken else {}
    yield first
    missing = [i for i in missing if i not in first]
    if not missing:
        return
    with store.single_flight(f"score {info.identity}") if is_shared else nullcontext():
        if is_shared:
            known = _read(store, [keys[i] for i in missing])
            yield Unjudged({i: known[keys[i]] for i in missing if keys[i] in known})
            missing = [i for i in missing if keys[i] not in known]
        with closing(in_parts(judged, missing, parts_for(judge))) as finished:
            for positions, scores in finished:
                yield recorded(positions, scores)


def _read(store: Store, keys: Sequence[str]) -> dict[str, Score]:
    return {key: read_score(value) for key, (value, _) in store.values(keys).items()}


def _known(
    store: Store, info: MetricInfo, parts: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> dict[str, Score]:
    """The recorded scores by key; where a run only replays, failed ones too, else a ReplayMiss."""
    known = _read(store, keys)
    missing = [position for position, key in enumerate(keys) if key not in known]
    if missing and replays_only(store):
        failed = {record_key("unscored", parts[i]): keys[i] for i in missing}
        known |= {failed[key]: score for key, score in _read(store, list(failed)).items()}
        missing = [position for position in missing if keys[position] not in known]
    if missing:
        refuse_to_judge(store, info.name, info.identity, len(missing))
    return known


def _scored(metric: Metric, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
    scores = metric.score(cases, responses)
    if len(scores) != len(cases):
        raise ValueError(
            f"{metric.info.name} returned {len(scores)} scores for {len(cases)} cases; expected one a case"
        )
    return list(scores)
