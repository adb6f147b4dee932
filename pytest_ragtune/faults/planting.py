"""A session that plants a fault between the pipelines and the checks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from pytest_ragtune.context import Context
from pytest_ragtune.metrics.ranking import RankingMetric
from pytest_ragtune.metrics.relevance import ContextPrecision, ContextRecall
from pytest_ragtune.pipeline import Pipeline, PipelineLike
from pytest_ragtune.protocols import Judge, Metric
from pytest_ragtune.recording import read_responses, response_key, response_records
from pytest_ragtune.records import Case, Corpus, Response, Score
from pytest_ragtune.redaction import redact_response
from pytest_ragtune.replay import identity_of
from pytest_ragtune.session import Outcome, Progress, Session
from pytest_ragtune.store import Store, canonical

from .base import Fault, Scene
from .ledger import Asked, Ledger, Notes

__all__ = ["Ledger", "Notes", "PlantedSession", "Reask"]

Reask = Literal["yes", "ranked", "no"]
_READ_NO_ANSWER = (RankingMetric, ContextPrecision, ContextRecall)


class PlantedSession(Session):
    """A session over another's store that changes what pipelines and judges say.

    Sound answers come from the store. Only where a fault changes what the generator sees is it asked
    again, and such answers are recorded under a key that names the fault, the generator, the prompt
    and the changed passages. Nothing that a judge said under a fault is recorded.

    Args:
        base: the session of the run.
        ledger: takes note of who asks what.
        fault: what to plant; None to watch only.
        reask: whether generators answer again when their context changed; ``ranked`` leaves out
            contexts that are no ranking, such as a whole corpus. Never in a run that only replays.
        corpus_of: the corpus that a case is asked of, for pipelines that do not say.
        older: the corpus version before a given one.
    """

    def __init__(
        self,
        base: Session,
        ledger: Ledger,
        fault: Fault | None = None,
        *,
        reask: Reask = "yes",
        corpus_of: Callable[[Case], Corpus | None] = lambda case: None,
        older: Callable[[Corpus], Corpus | None] = lambda corpus: None,
    ) -> None:
        super().__init__(
            base.store,
            judge=lambda: base.judge,
            progress=base.progress,
            on_evaluation=base.on_evaluation if fault is None else None,
            companions=base.companions,
            alone=base.alone,
        )
        self._ledger, self._fault = ledger, fault
        is_replay = getattr(base.store, "mode", "auto") == "only"
        self._reask: Reask = "no" if is_replay else reask
        self._corpus_of, self._older = corpus_of, older
        self._memory = ledger.memory
        self._changed: dict[int, tuple[Response, bool]] = {}
        self._whose: dict[int, tuple[Response, str]] = {}
        self._is_together = False

    def apart(self, store: Store | None, progress: Progress | None) -> Session:
        """The same fault over another store."""
        other = copy.copy(self)
        other.store = self.store if store is None else store
        other.progress = progress or self.progress
        return other

    @property
    def judge(self) -> Judge:
        """The default judge, or what the fault puts in its place."""
        self._ledger.note(judged=True)
        judge: Judge = self._instead(super().judge)
        return judge

    def ask(self, pipeline: PipelineLike, cases: Sequence[Case], repeat: int = 0) -> Outcome:
        """The responses to ``cases`` with the fault in them."""
        swapped = None if self._fault is None else self._fault.pipeline(pipeline)
        sound = super().ask(swapped or pipeline, cases, repeat)
        if self._fault is None:
            return self._watched(pipeline, cases, sound)
        if swapped is not None:
            return self._noted(sound, range(len(cases)), kept=False)
        scene = self._scene(pipeline, cases)
        altered = [
            self._fault.alter(case, response, scene)
            for case, response in zip(cases, sound.responses, strict=True)
        ]
        touched = [i for i, response in enumerate(altered) if response is not sound.responses[i]]
        seen = [i for i in touched if altered[i].contexts != sound.responses[i].contexts]
        seen = seen if self._fault.place == "context" and self._reads_answers(pipeline) else []
        can_ask = self._can_ask(pipeline, [sound.responses[i] for i in seen])
        if can_ask and isinstance(pipeline, Pipeline):
            self._ask_again(pipeline, altered, seen, repeat)
        return self._noted(replace(sound, responses=altered), touched, kept=bool(seen) and not can_ask)

    def respond(self, pipeline: PipelineLike, case: Case) -> Response:
        """The response to one case with the fault in it."""
        self._ledger.read_answers.add(self._recorder(pipeline)[1])
        self._is_together = True
        try:
            response = super().respond(pipeline, case)
        finally:
            self._is_together = False
        if self._fault is None:
            self._ledger.note(Asked(pipeline, [case], [response], self._scene(pipeline, [case])))
        elif id(response) in self._changed:
            self._ledger.note(planted=1, kept=self._changed[id(response)][1])
        return response

    def score(
        self,
        metric: Metric,
        cases: Sequence[Case],
        responses: Sequence[Response],
        judgements: Sequence[int] = (0,),
    ) -> tuple[list[Score], int]:
        """One score a case, by the judge that the fault puts in place."""
        judge = getattr(metric, "judge", None)
        if judge is not None:
            self._ledger.note(judged=True)
        if not isinstance(metric, _READ_NO_ANSWER):
            known = (self._whose.get(id(response)) for response in responses)
            self._ledger.read_answers.update(found[1] for found in known if found is not None)
        faulty = None if judge is None else self._instead(judge)
        if faulty is judge:
            return super().score(metric, cases, responses, judgements)
        twin: Any = copy.copy(metric)
        twin.judge = faulty
        return list(twin.score(cases, responses)), 0

    def score_one(self, metric: Metric, response: Response) -> Score:
        """The score of one response, by the judge that the fault puts in place."""
        score = super().score_one(metric, response)
        if getattr(metric, "judge", None) is not None:
            is_planted = self._fault is not None and self._fault.place == "judge"
            self._ledger.note(judged=True, planted=int(is_planted))
        return score

    def _recorder(self, pipeline: PipelineLike) -> tuple[Store, str, bool]:
        """As in any session, but a function that a test makes anew each time is known by its place."""
        if identity_of(self.store, pipeline, self._fingerprint) is not None:
            return super()._recorder(pipeline)
        number, is_same = self._ledger.number(getattr(pipeline, "function", pipeline))
        return self._memory, f"unversioned {self._ledger.scope} {number} {pipeline.name}", is_same

    def _instead(self, judge: Any) -> Any:
        """The judge that the fault puts in the place of ``judge``; the same one when it does not."""
        faulty = None if self._fault is None else self._fault.judge(judge)
        if faulty is None:
            return judge
        faulty.on_call = lambda: self._ledger.note(planted=1)
        return faulty

    def _scene(self, pipeline: PipelineLike, cases: Sequence[Case]) -> Scene:
        corpus = getattr(getattr(pipeline, "context_source", None), "corpus", None)
        if corpus is None and cases:
            corpus = self._corpus_of(cases[0])
        known = self._ledger.known.setdefault(self._recorder(pipeline)[1], {})
        return Scene(corpus, known, self._older)

    def _watched(self, pipeline: PipelineLike, cases: Sequence[Case], sound: Outcome) -> Outcome:
        """Remember what was asked and answered while nothing is planted."""
        scene, identity = self._scene(pipeline, cases), self._recorder(pipeline)[1]
        known = self._ledger.known.setdefault(identity, {})
        for case, response in zip(cases, sound.responses, strict=True):
            known[case.id] = response
            self._whose[id(response)] = response, identity
        if not self._is_together:
            self._ledger.note(Asked(pipeline, cases, sound.responses, scene))
        return sound

    def _noted(self, outcome: Outcome, touched: Sequence[int], *, kept: bool) -> Outcome:
        """Remember which responses hold the fault."""
        for position in touched:
            response = outcome.responses[position]
            self._changed[id(response)] = response, kept
        if not self._is_together:
            self._ledger.note(planted=len(touched), kept=kept)
        return outcome

    def _reads_answers(self, pipeline: PipelineLike) -> bool:
        return self._recorder(pipeline)[1] in self._ledger.read_answers

    def _can_ask(self, pipeline: PipelineLike, sound: Sequence[Response]) -> bool:
        """Whether the generator is to answer again over other passages."""
        if getattr(pipeline, "generator", pipeline) is None:
            return True  # nothing answers, so there is nothing to ask
        if not isinstance(pipeline, Pipeline) or self._reask == "no":
            return False
        return self._reask == "yes" or all(response.ranking is not None for response in sound)

    def _ask_again(
        self, pipeline: Pipeline, altered: list[Response], seen: Sequence[int], repeat: int
    ) -> None:
        """Put the answers over the changed passages into ``altered``, recorded ones where there are any."""
        if self._fault is None or pipeline.generator is None:
            return
        parts = {
            "fault": self._fault.identity,
            "generator": pipeline.generator.identity,
            "prompt": pipeline.prompt.identity,
        }
        identities = {i: canonical(parts | {"contexts": self._digests.of(altered[i].contexts)}) for i in seen}
        keys = {i: response_key(identities[i], _case(altered[i]).question, repeat) for i in seen}
        found = read_responses(self.store, list(dict.fromkeys(keys.values())))
        missing = [i for i in seen if keys[i] not in found]
        if missing:
            self.store.check_writable()
            contexts = [Context(altered[i].contexts, altered[i].ranking) for i in missing]
            again = Pipeline(pipeline.name, _Given(contexts), pipeline.generator, pipeline.prompt)
            again = again.repeated(repeat)
            done, what = 0, f"{pipeline.name}, {self._fault.name}"
            self._tell(done, len(missing), what)
            for batch in again.run([_case(altered[i]) for i in missing]):
                fresh = {missing[position]: redact_response(response) for position, response in batch}
                records = [
                    response_records(identities[i], [response], self._digests, repeat)
                    for i, response in fresh.items()
                ]
                self.store.put([record for group in records for record in group])
                found.update({keys[i]: response for i, response in fresh.items()})
                done += len(batch)
                self._tell(done, len(missing), what)
        for i in seen:
            altered[i] = replace(found[keys[i]], case=altered[i].case, ranking=altered[i].ranking)


class _Given:
    """A context source that gives what it was given, in order."""

    identity = "given"

    def __init__(self, contexts: Sequence[Context]) -> None:
        self._contexts = list(contexts)

    def contexts(self, questions: Sequence[str], generator: Any) -> list[Context]:
        """The contexts, one a question."""
        if len(questions) != len(self._contexts):
            raise ValueError(f"got {len(questions)} questions for {len(self._contexts)} contexts")
        # A generator may compute the prompt's beginning once where every question sees the same passages.
        is_shared = len(questions) > 1 and len({context.passages for context in self._contexts}) == 1
        return [replace(context, shared=is_shared) for context in self._contexts]


def _case(response: Response) -> Case:
    if response.case is None:
        raise ValueError("a response without its case cannot be asked again")
    return response.case
