"""The records: frozen, slotted, comparable values that every layer hands to the next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Outcome = Literal["pass", "fail", "undecided"]
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document: what is indexed, retrieved and shown to a model."""

    id: str
    """Unique in the corpus, for example ``returns.md#2``."""
    text: str
    """The passage's own text."""
    document: str = ""
    """Name of the document that it comes from."""
    start: int = 0
    """Offset of its first character in the document's text."""
    end: int = 0
    """Offset after its last character."""
    heading: str = ""
    """Headings above it, outermost first, joined by `` > ``; empty when there are none."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents cut into passages, at one version."""

    passages: tuple[Passage, ...]
    """In reading order."""
    documents: Mapping[str, str]
    """Document name -> its whole text."""
    fingerprint: str
    """Hash of every passage's id and text: equal exactly when the passages are."""
    version: str | None = None
    """Name of the version (``v2``); None for a corpus that has only one."""

    def passage(self, passage_id: str) -> Passage:
        """The passage with that id; KeyError when there is none."""
        for passage in self.passages:
            if passage.id == passage_id:
                return passage
        raise KeyError(passage_id)


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a golden set, with what a good answer needs."""

    id: str
    """Unique in the golden set."""
    question: str
    """What is asked, word for word."""
    reference: str | None = None
    """A correct answer, for the corpus version in force."""
    aliases: tuple[str, ...] = ()
    """Other wordings of the reference that are as correct."""
    relevant: Mapping[str, int] = field(default_factory=lambda: _EMPTY)
    """The qrels: passage id -> grade (1 or more)."""
    answerable: bool = True
    """False when the corpus does not hold the answer, so that a good system abstains."""
    tags: tuple[str, ...] = ()
    """Free words to select cases by."""
    references: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """Corpus version -> the reference at that version, where it differs."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training example of a LoRA adapter."""

    question: str
    """What is asked."""
    answer: str
    """What the model should learn to say."""


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """Cases, the corpus they are asked of, and examples to train on."""

    name: str
    """Name from the header, or the folder's name."""
    cases: tuple[Case, ...]
    """In the file's order."""
    corpus: Corpus
    """The documents, cut into passages."""
    fingerprint: str
    """Hash of every case and of the corpus; a selection keeps its parent's."""
    path: Path | None = None
    """The folder; None for a golden set built in memory."""
    train: tuple[Example, ...] = ()
    """Examples for a LoRA adapter; none of their questions is a case's."""
    description: str = ""
    """One or two sentences from the header."""
    licence: str = ""
    """SPDX name from the header."""
    versions: tuple[str, ...] = ()
    """Corpus versions that exist, oldest first."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    """The header's ``[defaults]``: ``k``, ``max_new_tokens``, ``system`` and so on."""

    def select(self, *, tags: Sequence[str] = (), cases: Sequence[str] = ()) -> GoldenSet:
        """The part with any of ``tags`` and an id among ``cases``; an empty argument selects all."""
        wanted, ids = set(tags), set(cases)
        kept = tuple(
            case
            for case in self.cases
            if (not wanted or wanted & set(case.tags)) and (not ids or case.id in ids)
        )
        return replace(self, cases=kept)


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry of a ranking."""

    passage_id: str
    """Which passage."""
    score: float
    """The retriever's own score: higher is better, comparable only within one ranking."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a generator is asked."""

    user: str
    """The user's turn."""
    system: str = ""
    """The system turn; empty for none."""
    shared: str = ""
    """Leading part of ``user`` that many prompts of a run share (a whole corpus); a generator may compute it once."""

    def __str__(self) -> str:
        return f"{self.system}\n\n{self.user}" if self.system else self.user


@dataclass(frozen=True, slots=True)
class Generation:
    """What a generator gave for one prompt."""

    text: str | None
    """The answer; None when there is an error."""
    prompt_tokens: int | None = None
    """Tokens read, chat template included."""
    completion_tokens: int | None = None
    """Tokens written."""
    seconds: float | None = None
    """Wall time: the batch's, shared evenly, where cases were batched."""
    error: str | None = None
    """Why there is no text."""


@dataclass(frozen=True, slots=True)
class Response:
    """A pipeline's answer to one case, with what it saw on the way.

    ``contexts`` may be given as plain strings and ``ranking`` as passage ids, best first; both are
    turned into records.
    """

    text: str | None
    """The answer; None when nothing was generated."""
    contexts: tuple[Passage, ...] = ()
    """Passages that the generator saw, in the order it saw them."""
    ranking: tuple[Hit, ...] | None = None
    """What the retriever returned, best first; None when nothing was ranked."""
    case: Case | None = None
    """The case that was asked; a pipeline fills it in."""
    prompt_tokens: int | None = None
    """Tokens read."""
    completion_tokens: int | None = None
    """Tokens written."""
    seconds: float | None = None
    """Wall time of the answer."""
    error: str | None = None
    """Why there is no answer."""

    def __post_init__(self) -> None:
        contexts = tuple(
            Passage(id=f"context-{number}", text=item) if isinstance(item, str) else item
            for number, item in enumerate(self.contexts, start=1)
        )
        object.__setattr__(self, "contexts", contexts)
        if self.ranking is not None:
            hits = tuple(
                Hit(item, 1.0 / rank) if isinstance(item, str) else item
                for rank, item in enumerate(self.ranking, start=1)
            )
            object.__setattr__(self, "ranking", hits)


@dataclass(frozen=True, slots=True)
class Support:
    """A judge's opinion of one (context, claim) or (question, answer) pair."""

    probability: float | None
    """Between 0 and 1; None when the judge could not tell."""
    reason: str = ""
    """Why it could not, or what it saw."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of an answer and the evidence found for it."""

    text: str
    """The statement."""
    probability: float | None
    """How likely the best evidence supports it; None when it was not judged."""
    passage_id: str | None = None
    """Passage of the nearest evidence."""
    evidence: str = ""
    """The nearest sentence."""


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value for one response, or why there is none."""

    value: float | None
    """The value; None when it is undefined or could not be measured."""
    reason: str = ""
    """Why it is None, or a remark."""
    claims: tuple[Claim, ...] = ()
    """The claims judged, where the metric judges claims."""
    applicable: bool = True
    """False when the case itself leaves the metric undefined (no label, no reference): it is counted apart and shown."""

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a score is {self.value!r}: expected a finite number, or None with a reason")
        if self.value is None and not self.reason:
            raise ValueError("a score of None needs a reason")
        if self.value is not None and not self.applicable:
            raise ValueError("a score that is not applicable has no value")


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a metric is: enough to read its scores without its code."""

    name: str
    """The standard name, for example ``nDCG@10``."""
    identity: str
    """Name, version, parameters, judge and the judge's version: scores compare only under equal identities."""
    formula: str
    """How the value of one case comes about."""
    source: str
    """Paper and section, or the library that computes it."""
    undefined: str
    """When the value is None."""
    low: float | None = 0.0
    """Smallest possible value; None for unbounded."""
    high: float | None = 1.0
    """Largest possible value; None for unbounded."""
    higher_is_better: bool = True
    """Direction."""
    binary: bool = False
    """True when the only values are 0 and 1."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""
    confidence: float = 0.95
    """Nominal coverage."""
    method: str = ""
    """How it was made, for example ``BCa bootstrap``."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A pipeline's responses to a golden set, scored."""

    pipeline: str
    """Name of the pipeline."""
    golden_set: str
    """Name of the golden set."""
    fingerprint: str
    """Fingerprint of the golden set."""
    cases: tuple[Case, ...]
    """Every case that was asked."""
    responses: tuple[Response, ...]
    """One a case, in the same order."""
    scores: Mapping[str, tuple[Score, ...]]
    """Metric name -> one score a case, in the same order."""
    metrics: Mapping[str, MetricInfo]
    """Metric name -> what it is."""
    path: Path | None = None
    """The golden set's folder, where its baselines lie; None for one built in memory."""
    model_calls: int = 0
    """Answers that were computed for this evaluation."""
    replayed: int = 0
    """Answers that came from the store."""

    def values(self, metric: str) -> list[float | None]:
        """One value a case, in case order.

        Raises:
            KeyError: the metric was not computed; the message lists those that were.
        """
        if metric not in self.scores:
            raise KeyError(f"{metric!r} was not computed; this evaluation has {sorted(self.scores)}")
        return [score.value for score in self.scores[metric]]

    def mean(self, metric: str) -> float | None:
        """Mean over the scored cases; None when no case is scored."""
        known = [value for value in self.values(metric) if value is not None]
        return math.fsum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case's part in a verdict."""

    case_id: str
    """Which case."""
    score: Score
    """Its score; for a change, the score now."""
    before: float | None = None
    """The other side's value, where two are compared."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check, with the evidence."""

    outcome: Outcome
    """``pass``, ``fail`` or ``undecided``."""
    check: str
    """Name of the check, for example ``at_least``."""
    metric: str
    """Name of the metric."""
    pipeline: str
    """Name of the pipeline."""
    golden_set: str
    """Name of the golden set."""
    value: float | None
    """What was measured: a mean, or a mean change; None when nothing was."""
    threshold: float
    """What it was held against: a threshold, or a margin."""
    n: int
    """Cases in the denominator."""
    unscored: int
    """Cases without a score."""
    interval: Interval | None = None
    """Interval of ``value``; None when it cannot be made."""
    p_value: float | None = None
    """Of the test that decided, corrected for the metrics of one call; None where no test was made."""
    baseline_value: float | None = None
    """The other side's mean over the same cases: a baseline's or another pipeline's."""
    baseline: str = ""
    """Where the other side comes from: a file, or a pipeline's name."""
    higher_is_better: bool = True
    """Direction of the metric."""
    worst: tuple[CaseScore, ...] = ()
    """The cases that pulled the value down most, worst first."""
    unscored_cases: tuple[CaseScore, ...] = ()
    """The cases without a score, with the reason in each."""
    note: str = ""
    """One more sentence: why nothing was decided, or how many cases would decide it."""

    def __bool__(self) -> bool:
        return self.outcome == "pass"
