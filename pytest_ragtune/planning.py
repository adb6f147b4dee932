"""A plan: what a run would ask, counted without asking."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .application import CallablePipeline
from .errors import RagtuneError
from .metrics.ranking import RankingMetric
from .pipeline import Pipeline, PipelineLike
from .prices import Price, estimate, name_of, price_of
from .protocols import Judge, Metric
from .recording import read_responses, read_score, response_keys, score_parts
from .records import Case, Generation, Response, Score
from .repeats import can_differ, pooled, repeated
from .replay import identity_of
from .session import Companions, Outcome, Progress, Session
from .store import Store, record_key

PLANNED = "not asked: this run is only planned"
"""The error of an answer that a plan did not ask for."""
_OWN_RUNS = (Pipeline.run, CallablePipeline.run)
_OWN_METRICS = "pytest_ragtune.metrics."


@dataclass(slots=True)
class Need:
    """What is still to be asked of generators."""

    calls: int = 0
    """Prompts."""
    read: int = 0
    """Tokens of the prompts."""
    written: int = 0
    """Tokens of the answers, at most."""
    money: float = 0.0
    """What that costs at most."""
    is_counted: bool = True
    """False when a tokenizer was missing, so that tokens were taken from the prompts' bytes."""
    unknown: list[str] = field(default_factory=list)
    """What cannot be known before it is asked, each once."""
    unpriced: list[str] = field(default_factory=list)
    """Models without a price, each once."""

    def remark(self, text: str) -> None:
        """Take note of something that cannot be known."""
        if text not in self.unknown:
            self.unknown.append(text)


@dataclass(slots=True)
class Judged:
    """The judgements of one metric."""

    recorded: int = 0
    """Judgements in the store."""
    to_make: int = 0
    """Judgements of recorded answers that are not."""
    later: int = 0
    """At most so many more, once the answers are there."""
    need: Need = field(default_factory=Need)
    """What the judge is asked for those to make."""


@dataclass(slots=True)
class PlanRow:
    """One pipeline over one golden set."""

    golden_set: str
    """Name of the golden set."""
    pipeline: str
    """Name of the pipeline."""
    cases: set[str] = field(default_factory=set)
    """Ids of the cases asked."""
    recorded: int = 0
    """Answers in the store."""
    to_make: int = 0
    """Answers that are not."""
    need: Need = field(default_factory=Need)
    """What the generator is asked for those to make."""
    judged: dict[str, Judged] = field(default_factory=dict)
    """Metric name -> its judgements."""


class PlanMeter:
    """Counts what generators would be asked, and answers in their place.

    Args:
        prices: the price table.
    """

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self.prices = prices
        self.elsewhere = Need()
        self._need = self.elsewhere

    @contextmanager
    def charging(self, need: Need) -> Iterator[None]:
        """Count into ``need``."""
        before, self._need = self._need, need
        try:
            yield
        finally:
            self._need = before

    def begin(self, generator: Any, prompts: Sequence[Any]) -> list[Generation] | None:
        """Count the prompts; every one gets an error in the place of an answer."""
        need = self._need
        need.calls += len(prompts)
        price = price_of(generator, self.prices)
        if price is None and name_of(generator) not in need.unpriced:
            need.unpriced.append(name_of(generator))
        if hasattr(generator, "generate"):
            found = estimate(generator, prompts)
            need.read, need.written = need.read + found.read, need.written + found.written
            need.is_counted = need.is_counted and found.counted
            need.money += 0.0 if price is None else price.of(found.read, found.written)
        else:
            need.remark("the tokens of an application are unknown until it has answered")
        return [Generation(None, error=PLANNED) for _ in prompts]

    def end(self, generator: Any, prompts: Sequence[Any], answers: Sequence[Any]) -> None:
        """Nothing: nobody is asked."""


class PlanSession(Session):
    """A session that counts instead of asking: recorded answers are replayed, others are errors.

    Args:
        store: only read.
        meter: counts prompts.
        judge: makes the default judge.
        reads: False when the run would take nothing from the store.
        companions: as for :class:`Session`.
    """

    def __init__(
        self,
        store: Store,
        meter: PlanMeter,
        *,
        judge: Callable[[], Judge] | None = None,
        reads: bool = True,
        companions: Callable[[Case], Companions | None] | None = None,
    ) -> None:
        super().__init__(store, judge=judge, companions=companions)
        self.meter, self.reads = meter, reads
        self.rows: dict[tuple[str, str, str], PlanRow] = {}
        self._golden_set = ""
        self._foreseen: dict[str, Response] = {}
        self._seen: set[str] = set()
        self._whose: dict[int, tuple[Response, PlanRow]] = {}
        self._scored: dict[tuple[str, int], list[Score]] = {}

    def concerning(self, fingerprint: str, folder: Path | None, name: str = "") -> None:
        """Say which golden set the next questions are from."""
        super().concerning(fingerprint, folder, name)
        self._golden_set = name or (folder.name if folder else fingerprint[:12])

    def apart(self, store: Store | None, progress: Progress | None) -> Session:
        """The same plan over another store."""
        other = copy.copy(self)
        other.store = self.store if store is None else store
        return other

    def ask(self, pipeline: PipelineLike, cases: Sequence[Case], repeat: int = 0) -> Outcome:
        """Recorded responses; an error in the place of each that would have to be made."""
        row = self._row(pipeline.name)
        row.cases.update(case.id for case in cases)
        identity, is_known = self._known(pipeline, row)
        keys = response_keys(identity, [case.question for case in cases], repeat)
        found = read_responses(self.store, list(dict.fromkeys(keys))) if is_known and self.reads else {}
        row.recorded += len({*found} - self._seen)
        self._seen |= {*found}
        fresh = {
            key: case
            for key, case in zip(keys, cases, strict=True)
            if key not in found and key not in self._foreseen
        }
        if fresh:
            row.to_make += len(fresh) if getattr(pipeline, "generator", pipeline) is not None else 0
            self._foreseen |= self._rehearsed(pipeline, fresh, repeat, row)
        both = {**self._foreseen, **found}
        responses = [replace(both[key], case=case) for key, case in zip(keys, cases, strict=True)]
        self._whose |= {id(response): (response, row) for response in responses}
        return Outcome(responses)

    def score(
        self,
        metric: Metric,
        cases: Sequence[Case],
        responses: Sequence[Response],
        judgements: Sequence[int] = (0,),
    ) -> tuple[list[Score], int]:
        """Recorded judgements, and what is computed without a model; no score in the place of others."""
        if getattr(metric, "judge", None) is None:
            if type(metric).__module__.startswith(_OWN_METRICS):
                seen = responses
                if isinstance(metric, RankingMetric):  # what was retrieved is known without an answer
                    seen = [replace(r, error=None) if r.error == PLANNED else r for r in responses]
                return list(metric.score(cases, seen)), 0
            return [Score(None, PLANNED) for _ in cases], 0
        numbers = judgements if can_differ(metric) else (0,)
        rounds = [self._judged(metric, cases, responses, number) for number in numbers]
        return [group[0] if len(group) == 1 else pooled(group) for group in zip(*rounds, strict=True)], 0

    def score_one(self, metric: Metric, response: Response) -> Score:
        """The score of one response, counted together with its companions."""
        case = response.case or Case(id="response", question="", answerable=True)
        batch, position = self._by_response.get(id(response), (None, 0))
        if batch is None:
            return self.score(metric, [case], [response])[0][0]
        key = metric.info.identity, id(batch)
        if key not in self._scored:
            self._scored[key] = self.score(metric, batch.companions.cases, batch.responses)[0]
        return self._scored[key][position]

    def _row(self, pipeline: str) -> PlanRow:
        key = (self._golden_set, self._fingerprint, pipeline)
        return self.rows.setdefault(key, PlanRow(self._golden_set, pipeline))

    def _recorder(self, pipeline: PipelineLike) -> tuple[Store, str, bool]:
        return self.store, self._known(pipeline, self._row(pipeline.name))[0], True

    def _known(self, pipeline: PipelineLike, row: PlanRow) -> tuple[str, bool]:
        """A pipeline's identity, and whether answers can be recorded under it."""
        function = getattr(pipeline, "function", None)
        try:
            if function is not None and pipeline.identity is None:
                return f"unversioned {id(function)} {pipeline.name}", False
            identity = identity_of(self.store, pipeline, self._fingerprint)
        except RagtuneError as error:
            row.need.remark(f"{_first_line(error)}: what is recorded is unknown")
            identity = None
        return (f"unknown {pipeline.name}", False) if identity is None else (identity, True)

    def _rehearsed(
        self, pipeline: PipelineLike, fresh: Mapping[str, Case], repeat: int, row: PlanRow
    ) -> dict[str, Response]:
        """Retrieve and write prompts, as far as that can be done without a generator's answer."""
        keys, cases = list(fresh), list(fresh.values())
        found = {key: Response(None, case=case, error=PLANNED) for key, case in fresh.items()}
        before = row.need.calls
        is_own = getattr(type(pipeline), "run", None) in _OWN_RUNS
        try:
            with self.meter.charging(row.need):
                for batch in repeated(pipeline, repeat).run(cases) if is_own else ():
                    found |= {keys[position]: response for position, response in batch}
        except Exception as error:  # a part that cannot do without an answer, or that is not there
            row.need.remark(f"{_first_line(error)}: its prompts are unknown")
        if getattr(pipeline, "generator", pipeline) is not None:
            if not is_own:
                row.need.remark("the prompts of a pipeline of another kind are unknown")
            row.need.calls = max(row.need.calls, before + len(cases))
        return found

    def _judged(
        self, metric: Metric, cases: Sequence[Case], responses: Sequence[Response], number: int
    ) -> list[Score]:
        whose = self._whose.get(id(responses[0])) if responses else None
        row = self._row("responses of a test's own") if whose is None else whose[1]
        plan = row.judged.setdefault(metric.info.name, Judged())
        parts = [
            score_parts(metric.info, case, response, self._digests, number)
            for case, response in zip(cases, responses, strict=True)
        ]
        keys = [record_key("score", part) for part in parts]
        values = self.store.values(keys) if self.reads else {}
        known = {key: read_score(value) for key, (value, _) in values.items()}
        plan.recorded += len({*known} - self._seen)
        missing = [i for i, key in enumerate(keys) if key not in known and key not in self._seen]
        now = [i for i in missing if responses[i].error is None]
        plan.to_make += len(now)
        plan.later += sum(responses[i].error == PLANNED for i in missing)
        self._seen |= {keys[i] for i in missing} | {*known}
        if now and _asks_a_model(metric):
            try:
                with self.meter.charging(plan.need):
                    metric.score([cases[i] for i in now], [responses[i] for i in now])
            except Exception as error:
                plan.need.remark(f"{_first_line(error)}: what the judge is asked is unknown")
        return [known.get(key, Score(None, PLANNED)) for key in keys]


def _asks_a_model(metric: Metric) -> bool:
    """Whether a metric's judge asks through generators alone, so that nothing but counting happens."""
    judge: Any = getattr(metric, "judge", None)
    several = getattr(judge, "judges", None) or (judge,)
    return all(callable(getattr(getattr(j, "generator", j), "generate", None)) for j in several)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
