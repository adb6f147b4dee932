"""A session: what the evaluations of one test run or script share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from .active import provided_session
from .ahead import Ahead, Batch, can_wait
from .ahead import Companions as Companions
from .ahead import Outcome as Outcome
from .judging import scores_in_parts
from .misses import refuse_to_ask
from .pipeline import PipelineLike
from .protocols import Judge, Metric
from .recording import ContextDigests, read_responses, response_keys, response_records
from .records import Case, Evaluation, MetricInfo, Response, Score
from .records.responses import NOT_ASKED
from .redaction import redact_response
from .repeats import repeated, score_repeatedly
from .replay import identity_of, made_or_absent, noted, open_recording, remember
from .store import Store, digest

Progress = Callable[[int, int, str], None]
"""Called with how much is done, how much there is in all, and what is being done."""


class Session:
    """What evaluations share: a store, a default judge, progress, and who asks together.

    A pytest run has one; a script gets one of its own that keeps everything in memory.

    Args:
        store: where answers and judgements are recorded.
        judge: makes the judge of metrics that need one and were given none.
        progress: told how far long work is.
        on_evaluation: told of every finished evaluation.
        companions: the cases to answer together with a case; only the case itself unless given.
        alone: False when another process may run the same tests (a pytest-xdist worker).
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        judge: Callable[[], Judge] | None = None,
        progress: Progress | None = None,
        on_evaluation: Callable[[Evaluation], None] | None = None,
        companions: Callable[[Case], Companions | None] | None = None,
        alone: bool = True,
    ) -> None:
        self.store = Store() if store is None else store
        self.progress = progress
        self.on_evaluation = on_evaluation
        self.companions = companions
        self.alone = alone
        self._make_judge = judge
        self._judge: Judge | None = None
        self._memory = Store()
        self._functions: list[Any] = []
        self._batches: dict[tuple[str, str], tuple[Batch, int]] = {}
        self._failed: set[tuple[str, str]] = set()
        self._by_response: dict[int, tuple[Batch, int]] = {}
        self._unfinished: list[tuple[Batch, Ahead]] = []
        self._named: dict[str, tuple[Judge | None, str | None, Metric]] = {}
        self._digests = ContextDigests()
        self._fingerprint = ""

    @property
    def judge(self) -> Judge:
        """The default judge, made when it is first needed."""
        if self._judge is None:
            make = self._make_judge or _default_judge
            self._judge = made_or_absent(self.store, "judge", "default", make)
        return self._judge

    def concerning(self, fingerprint: str, folder: Path | None, name: str = "") -> None:
        """Say which golden set the next questions are from; its recording is replayed too."""
        self._fingerprint = fingerprint
        open_recording(self.store, folder)

    def apart(self, store: Store | None, progress: Progress | None) -> Session:
        """A session like this one with a store or a progress of its own."""
        return Session(
            self.store if store is None else store,
            judge=lambda: self.judge,
            progress=progress or self.progress,
            on_evaluation=self.on_evaluation,
        )

    def ask(self, pipeline: PipelineLike, cases: Sequence[Case], repeat: int = 0) -> Outcome:
        """The responses to ``cases``: recorded ones from the store, the others computed and recorded."""
        store, identity, _ = self._recorder(pipeline)
        remember(store, pipeline, self._fingerprint, identity)
        keys = response_keys(identity, [case.question for case in cases], repeat)
        found = read_responses(store, list(dict.fromkeys(keys)))
        computed: dict[str, Response] = {}
        if any(key not in found for key in keys):
            with store.single_flight(identity):
                found = read_responses(store, list(dict.fromkeys(keys)))
                missing = {key: case for key, case in zip(keys, cases, strict=True) if key not in found}
                computed = self._compute(pipeline, store, identity, missing, repeat)
        both = {**found, **computed}
        responses = [_of_case(both[key], case) for key, case in zip(keys, cases, strict=True)]
        responses = noted(store, pipeline.name, responses)
        replayed = sum(key in found for key in keys)
        unasked = sum((response.error or "").startswith(NOT_ASKED) for response in responses)
        known = "" if store is self._memory else digest(identity)[:16]
        return Outcome(responses, len(keys) - replayed - unasked, replayed, known)

    def respond(self, pipeline: PipelineLike, case: Case) -> Response:
        """The response to one case; its companions are answered in the same batches."""
        together = None if self.companions is None else self.companions(case)
        if together is not None:
            self.concerning(together.fingerprint, together.path, together.golden_set)
        _, identity, seen = self._recorder(pipeline)
        key = (identity, case.id)
        known = self._batches.get(key)
        if known is None or key in self._failed or known[0].companions.cases[known[1]] != case:
            if known is not None and key in self._failed:
                self._failed.discard(key)
                self._mend(pipeline, *known)
            else:
                self._ask_together(pipeline, identity, (together if seen else None) or Companions([case]))
        batch, position = self._batches[key]
        return batch.responses[position]

    def ask_again(self, case: Case) -> None:
        """Take failed answers to a case for unknown, so that it alone is asked once more."""
        for key, (batch, position) in self._batches.items():
            if batch.companions.cases[position] == case and batch.responses[position].error is not None:
                self._failed.add(key)

    def _ask_together(self, pipeline: PipelineLike, identity: str, together: Companions) -> None:
        outcome = self.ask(pipeline, together.cases)
        batch = Batch(pipeline.name, together, outcome.responses, identity=outcome.identity)
        for position, (case, response) in enumerate(zip(together.cases, batch.responses, strict=True)):
            self._batches[identity, case.id] = (batch, position)
            self._by_response[id(response)] = (batch, position)
        self._report(batch, {}, outcome.computed, outcome.replayed)

    def _mend(self, pipeline: PipelineLike, batch: Batch, position: int) -> None:
        """Ask for one answer of a batch once more; the batch is scored anew, from the record where it can."""
        outcome = self.ask(pipeline, [batch.companions.cases[position]])
        batch.mend(position, outcome.responses[0])
        self._by_response[id(outcome.responses[0])] = (batch, position)
        self._unfinished = [entry for entry in self._unfinished if entry[0] is not batch]
        self._report(batch, {}, outcome.computed, outcome.replayed)

    def score(
        self,
        metric: Metric,
        cases: Sequence[Case],
        responses: Sequence[Response],
        judgements: Sequence[int] = (0,),
    ) -> tuple[list[Score], int]:
        """One score a case, the mean of the judgements of these numbers; and how many were made now."""
        return score_repeatedly(self.store, metric, cases, responses, self._digests, judgements)

    def named(self, name: str, judge: Judge | None, make: Callable[[], Metric]) -> Metric:
        """The metric that ``make`` gives, made again when the judge is another or has changed."""
        state = getattr(judge, "identity", None)
        known = self._named.get(name)
        if known is None or known[0] is not judge or known[1] != state:
            known = self._named[name] = (judge, state, make())
        return known[2]

    def score_one(self, metric: Metric, response: Response) -> Score:
        """The score of one response; responses answered together are scored together."""
        if response.case is None:
            case = Case(id="response", question="", answerable=True)
            return self.score(metric, [case], [response])[0][0]
        batch, position = self._by_response.get(id(response), (None, 0))
        if batch is None or batch.responses[position] is not response:
            return self.score(metric, [response.case], [response])[0][0]
        known = batch.scores.get(metric.info.identity)
        if known is None or known.is_broken:
            known = batch.scores[metric.info.identity] = self._begun(metric, batch)
            self._unfinished.append((batch, known))
        score = known[position]
        if known.is_complete:
            self._tell_of(batch, known)
        return score

    def _begun(self, metric: Metric, batch: Batch) -> Ahead:
        cases, responses = batch.companions.cases, batch.responses
        if self.alone and can_wait(metric) and type(self).score is Session.score:
            parts = scores_in_parts(self.store, metric, cases, responses, self._digests)
            return Ahead(metric.info, len(cases), parts)
        return Ahead.whole(metric.info, *self.score(metric, cases, responses))

    def finish(self) -> None:
        """Make the scores that a test function has not asked for, and tell of all of them."""
        unfinished, self._unfinished = self._unfinished, []
        for batch, ahead in unfinished:
            if not ahead.is_broken:
                self._tell_of(batch, ahead)

    def give_up(self) -> None:
        """End what is still being judged; what is finished is recorded."""
        for _, ahead in self._unfinished:
            ahead.close()

    def _tell_of(self, batch: Batch, ahead: Ahead) -> None:
        if not ahead.is_told:
            scores, ahead.is_told = ahead.all(), True
            self._report(batch, {ahead.info.name: ahead.info}, judge_calls=ahead.judged, scores=scores)

    def _report(
        self,
        batch: Batch,
        metrics: Mapping[str, MetricInfo],
        computed: int = 0,
        replayed: int = 0,
        judge_calls: int = 0,
        scores: Sequence[Score] = (),
    ) -> None:
        """Tell of what a test function has measured so far, as an evaluation over its companions."""
        if self.on_evaluation is None or not batch.companions.golden_set:
            return
        self.on_evaluation(
            Evaluation(
                pipeline=batch.pipeline,
                golden_set=batch.companions.golden_set,
                fingerprint=batch.companions.fingerprint,
                cases=tuple(batch.companions.cases),
                responses=tuple(batch.responses),
                scores={name: tuple(scores) for name in metrics},
                metrics=metrics,
                path=batch.companions.path,
                pipeline_identity=batch.identity,
                model_calls=computed,
                replayed=replayed,
                judge_calls=judge_calls,
                notes=tuple(dict.fromkeys(r.note for r in batch.responses if r.note)),
            )
        )

    def _recorder(self, pipeline: PipelineLike) -> tuple[Store, str, bool]:
        """Where a pipeline's answers go, under which identity, and whether to ask ahead.

        A pipeline that cannot say what it depends on is remembered for this session only, by the
        very function it wraps; it is asked ahead only once that function has been seen before.
        """
        identity = identity_of(self.store, pipeline, self._fingerprint)
        if identity is not None:
            return self.store, identity, True
        function = getattr(pipeline, "function", pipeline)
        for number, known in enumerate(self._functions):
            if known == function:
                return self._memory, f"unversioned {number} {pipeline.name}", self.alone
        self._functions.append(function)
        return self._memory, f"unversioned {len(self._functions) - 1} {pipeline.name}", False

    def _compute(
        self, pipeline: PipelineLike, store: Store, identity: str, missing: Mapping[str, Case], repeat: int
    ) -> dict[str, Response]:
        if not missing:
            return {}
        refuse_to_ask(store, pipeline.name, identity, [c.question for c in missing.values()], repeat)
        store.check_writable()
        keys, cases = list(missing), list(missing.values())
        computed: dict[str, Response] = {}
        self._tell(0, len(cases), pipeline.name)
        for batch in repeated(pipeline, repeat).run(cases):
            responses = [redact_response(_of_case(r, cases[position])) for position, r in batch]
            store.put(response_records(identity, responses, self._digests, repeat))
            computed.update(zip([keys[position] for position, _ in batch], responses, strict=True))
            self._tell(len(computed), len(cases), pipeline.name)
        return computed

    def _tell(self, done: int, total: int, what: str) -> None:
        if self.progress is not None:
            self.progress(done, total, what)


def _of_case(response: Response, case: Case) -> Response:
    return response if response.case is case else replace(response, case=case)


@cache
def _script_session() -> Session:
    return Session()


def session() -> Session:
    """The session in force, or this process' own in-memory one."""
    found: Session | None = provided_session()
    return _script_session() if found is None else found


def _default_judge() -> Judge:
    from .judges.choosing import named_judge

    judge: Judge = named_judge()
    return judge
