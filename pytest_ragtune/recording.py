"""Responses and scores as store records, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .records import Case, Claim, Hit, MetricInfo, Passage, Response, Score
from .store import SCHEMA, Record, Store, canonical, digest, record_key


def response_parts(identity: str, question: str, repeat: int = 0) -> dict[str, Any]:
    """What could change an answer: the pipeline, the question, the repeat."""
    return {"pipeline": identity, "question": question, "repeat": repeat}


def response_key(identity: str, question: str, repeat: int = 0) -> str:
    """The store key of an answer."""
    return response_keys(identity, [question], repeat)[0]


def response_keys(identity: str, questions: Sequence[str], repeat: int = 0) -> list[str]:
    """The store keys of answers, one a question.

    Equal to ``record_key("response", response_parts(...))``; the long identity, which all share, is
    hashed once.
    """
    start, end = canonical([SCHEMA, "response", response_parts(identity, "?", repeat)]).split('"?"')
    begun = hashlib.sha256(start.encode("utf-8", "surrogatepass"))
    keys = []
    for question in questions:
        one = begun.copy()
        one.update(f"{canonical(question)}{end}".encode("utf-8", "surrogatepass"))
        keys.append(one.hexdigest())
    return keys


_REMEMBERED = 4096
"""Most cases and responses whose digests are kept."""


class ContextDigests:
    """Digests of passage tuples, each tuple hashed once however many responses share it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Passage, ...], str]] = {}
        self._judged: dict[int, tuple[Case | Response, str]] = {}

    def of(self, passages: tuple[Passage, ...]) -> str:
        """SHA-256 over every passage, in order."""
        known = self._known.get(id(passages))
        if known is None:
            known = (passages, digest([_passage_value(passage) for passage in passages]))
            self._known[id(passages)] = known
        return known[1]

    def once(self, item: Case | Response, make: Callable[[], str]) -> str:
        """The digest of a case or a response, made once for all the metrics that look at it."""
        known = self._judged.get(id(item))
        if known is None or known[0] is not item:
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            known = self._judged[id(item)] = (item, make())
        return known[1]


def response_records(
    identity: str, responses: Iterable[Response], digests: ContextDigests, repeat: int = 0
) -> list[Record]:
    """Records of the responses that are answers; an error is not recorded, so a rerun tries again."""
    records: dict[str, Record] = {}
    for response in responses:
        if response.error is not None or response.case is None:
            continue
        context = digests.of(response.contexts) if response.contexts else None
        if context is not None:
            record = (
                Record.of(
                    "contexts",
                    {"passages": context},
                    [_passage_value(passage) for passage in response.contexts],
                )
                if context not in records
                else records[context]
            )
            records[context] = record
        value = {
            "text": response.text,
            "contexts": context,
            "ranking": None
            if response.ranking is None
            else [[hit.passage_id, float(hit.score)] for hit in response.ranking],
            "prompt_tokens": response.prompt_tokens,
            "completion_tokens": response.completion_tokens,
            "note": response.note,
        }
        parts = response_parts(identity, response.case.question, repeat)
        record = Record.of("response", parts, value, response.seconds)
        records[record.key] = record
    return list(records.values())


def read_responses(store: Store, keys: Sequence[str]) -> dict[str, Response]:
    """The recorded responses under ``keys``, without their case."""
    found = store.values(keys)
    digests = {value["contexts"] for value, _ in found.values() if value["contexts"]}
    context_keys = {d: record_key("contexts", {"passages": d}) for d in sorted(digests)}
    stored = store.values(list(context_keys.values()))
    contexts = {
        d: tuple(Passage(**value) for value in stored[key][0])
        for d, key in context_keys.items()
        if key in stored
    }
    return {
        key: _response(value, seconds, contexts)
        for key, (value, seconds) in found.items()
        if not value["contexts"] or value["contexts"] in contexts
    }


def score_parts(
    info: MetricInfo, case: Case, response: Response, digests: ContextDigests, judgement: int = 0
) -> dict[str, Any]:
    """What could change a score: metric and judge, case, response, number of the judgement."""
    parts: dict[str, Any] = {
        "metric": info.identity,
        "case": digests.once(case, lambda: case_digest(case)),
        "response": digests.once(response, lambda: response_digest(response, digests)),
    }
    return parts | {"judgement": judgement} if judgement else parts


def case_digest(case: Case) -> str:
    """Hash of what a metric may look at in a case."""
    return digest([case.question, case.reference, case.aliases, dict(case.relevant), case.answerable])


def response_digest(response: Response, digests: ContextDigests) -> str:
    """Hash of what a metric may look at in a response."""
    ranking = response.ranking
    hits = None if ranking is None else [[hit.passage_id, float(hit.score)] for hit in ranking]
    return digest([response.text, digests.of(response.contexts), hits])


def score_record(key: str, parts: Mapping[str, Any], score: Score) -> Record:
    """The record of one score under its key; of the kind ``unscored`` when a judge could not measure it."""
    value: dict[str, Any] = {
        "value": score.value,
        "reason": score.reason,
        "applicable": score.applicable,
        "claims": [[c.text, c.probability, c.passage_id, c.evidence] for c in score.claims],
    }
    if score.settled:
        value["settled"] = True
    failed = score.value is None and score.applicable and not score.settled
    return Record.of("unscored", parts, value) if failed else Record(key, "score", parts, value)


def read_score(value: Mapping[str, Any]) -> Score:
    """The score in the value of a record."""
    claims = tuple(Claim(*claim) for claim in value["claims"])
    settled = value.get("settled", False)
    return Score(value["value"], value["reason"], claims, value["applicable"], settled=settled)


def check_value(kind: str, value: Any) -> None:
    """Refuse a value that is not what a record of that kind holds, as somebody who edits one may leave it.

    Raises:
        TypeError, KeyError, ValueError: what reading it ends in.
    """
    if kind == "response":
        _response(value, None, {})
        if not (value["contexts"] is None or isinstance(value["contexts"], str)):
            raise TypeError(
                f"contexts is {value['contexts']!r:.60}: expected the digest of passages, or null"
            )
    elif kind == "contexts":
        for passage in value:
            Passage(**passage)
    elif kind in ("score", "unscored"):
        read_score(value)


def _passage_value(passage: Passage) -> dict[str, Any]:
    return {
        "id": passage.id,
        "text": passage.text,
        "document": passage.document,
        "start": passage.start,
        "end": passage.end,
        "heading": passage.heading,
    }


def _response(
    value: Mapping[str, Any], seconds: float | None, contexts: Mapping[str, tuple[Passage, ...]]
) -> Response:
    ranking = value["ranking"]
    return Response(
        text=value["text"],
        contexts=contexts.get(value["contexts"], ()),
        ranking=None if ranking is None else tuple(Hit(name, score) for name, score in ranking),
        prompt_tokens=value["prompt_tokens"],
        completion_tokens=value["completion_tokens"],
        seconds=seconds,
        note=value["note"],
    )
