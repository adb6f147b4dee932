"""Relevance of answers and contexts, by a judge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pytest_ragtune.protocols import Judge, RelevanceJudge
from pytest_ragtune.records import Case, MetricInfo, Passage, Response, Score, Support
from pytest_ragtune.text import claims, is_refusal, statements

from .evidence import Pair, opinions_of
from .faithfulness import Request, judge_claims, passages_of, supported_share
from .scoring import (
    check_lengths,
    identity,
    inapplicable,
    no_answer,
    require,
    settled,
    threshold_of,
    unscored,
)


class AnswerRelevance:
    """How likely the answer answers the question.

    A refusal, and an empty answer, to an answerable question score 0, as RAGAS scores noncommittal answers.

    Args:
        judge: tells whether a text answers a question; asked once, for all cases together.

    Raises:
        ValueError: the judge has no ``relevance``.
    """

    def __init__(self, judge: RelevanceJudge) -> None:
        require(judge, "relevance", "answer_relevance")
        self.judge = judge
        self.info = MetricInfo(
            name="answer_relevance",
            identity=identity("answer_relevance", 1, judge=judge.identity),
            formula="the judge's probability that the answer answers the question; 0 for a refusal or ''",
            source="Es et al. 2024, RAGAS, section 3, with a local judge in the LLM's place",
            undefined="None when there is no answer, no question, or it could not be judged; "
            "not applicable to a refusal of an unanswerable case",
        )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        check_lengths(cases, responses)
        known = [_without_asking(case, response) for case, response in zip(cases, responses, strict=True)]
        pairs = [
            (case.question, response.text or "") for case, response in zip(cases, responses, strict=True)
        ]
        asked = list(dict.fromkeys(pair for pair, score in zip(pairs, known, strict=True) if score is None))
        opinions = dict(zip(asked, opinions_of(self.judge.relevance, asked), strict=True))
        return [
            _as_score(opinions[pair]) if score is None else score
            for pair, score in zip(pairs, known, strict=True)
        ]


def _without_asking(case: Case, response: Response) -> Score | None:
    missing = no_answer(response)
    if missing is not None:
        return missing
    text = response.text or ""
    if is_refusal(text):
        if case.answerable:
            return Score(0.0, "the answer is a refusal")
        return inapplicable("the case is unanswerable and the answer a refusal")
    if not case.question.strip():
        return settled("the case has no question")
    return None if text.strip() else Score(0.0, "the answer is empty")


def _as_score(opinion: Support) -> Score:
    if opinion.probability is None:
        return unscored(f"the answer was not judged: {opinion.reason or 'the judge gave no reason'}")
    return Score(opinion.probability, opinion.reason)


class ContextPrecision:
    """How well the useful passages are ranked among those that the generator saw.

    A passage is useful when it supports a claim of the reference, or answers the question.

    Args:
        judge: has ``support`` and ``relevance``; each is asked once, for all cases together.
        threshold: a passage is useful from this probability on; the judge's recommendations, or 0.5, unless
            given.

    Raises:
        ValueError: the judge lacks a method, or the threshold is no probability.
    """

    def __init__(self, judge: Judge, *, threshold: float | None = None) -> None:
        require(judge, "support", "context_precision")
        require(judge, "relevance", "context_precision")
        self.judge: Any = judge
        self._threshold = threshold_of(judge, "supports", threshold)
        self._answers = threshold_of(judge, "answers", threshold)
        self.info = MetricInfo(
            name="context_precision",
            identity=identity("context_precision", 1, judge=judge.identity, **self._bars()),
            formula="mean precision at the rank of each useful passage; useful: supports a claim of the "
            f"reference with probability >= {self._threshold:g} or answers the question with one "
            f">= {self._answers:g}; 0 if none is",
            source="RAGAS documentation, Context Precision, with a local judge in the LLM's place",
            undefined="None without context, when the context is an unranked corpus, or when it could not be "
            "judged; not applicable to an unanswerable case",
        )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        check_lengths(cases, responses)
        both = list(zip(cases, responses, strict=True))
        known = [_unranked(case, response) for case, response in both]
        wanted = [
            _pairs(case, passages_of(response)) if score is None else ([], [])
            for (case, response), score in zip(both, known, strict=True)
        ]
        support = self._ask("support", [pair for pairs, _ in wanted for pair in pairs])
        relevance = self._ask("relevance", [pair for _, pairs in wanted for pair in pairs])
        return [
            self._precision(passages_of(response), pairs, questions, support, relevance)
            if score is None
            else score
            for (_, response), score, (pairs, questions) in zip(both, known, wanted, strict=True)
        ]

    def _ask(self, method: str, pairs: Sequence[Pair]) -> dict[Pair, Support]:
        distinct = list(dict.fromkeys(pairs))
        return dict(zip(distinct, opinions_of(getattr(self.judge, method), distinct), strict=True))

    def _precision(
        self,
        passages: Sequence[Passage],
        pairs: Sequence[Pair],
        questions: Sequence[Pair],
        support: dict[Pair, Support],
        relevance: dict[Pair, Support],
    ) -> Score:
        found = [(context, support[context, claim], self._threshold) for context, claim in pairs]
        found += [(context, relevance[question, context], self._answers) for question, context in questions]
        failed = next((opinion for _, opinion, _ in found if opinion.probability is None), None)
        if failed is not None:
            return unscored(f"a passage was not judged: {failed.reason or 'the judge gave no reason'}")
        useful = {context for context, opinion, bar in found if (opinion.probability or 0.0) >= bar}
        return Score(average_precision([passage.text in useful for passage in passages]))

    def _bars(self) -> dict[str, float]:
        """The thresholds, the second only where it is another."""
        bars = {"threshold": self._threshold}
        return bars if self._answers == self._threshold else {**bars, "answers": self._answers}


def average_precision(useful: Sequence[bool]) -> float:
    """Mean of precision@k over the ranks k of useful passages; 0 when there is none."""
    precisions = [sum(useful[:rank]) / rank for rank, is_useful in enumerate(useful, start=1) if is_useful]
    return math.fsum(precisions) / len(precisions) if precisions else 0.0


def _unranked(case: Case, response: Response) -> Score | None:
    """The score of a response whose passages are in no order of usefulness; None when they are."""
    if not case.answerable:
        return inapplicable("the case is unanswerable: no passage is useful")
    if response.error is not None:
        return unscored(f"no answer: {response.error}")
    passages = passages_of(response)
    if not passages:
        return settled("no context was given")
    if response.ranking is None and any(passage.document for passage in passages):
        return settled("the context was not ranked: a corpus in reading order is not a ranking")
    return None


def _pairs(case: Case, passages: Sequence[Passage]) -> tuple[list[Pair], list[Pair]]:
    """(context, claim of the reference) pairs and (question, context) pairs."""
    contexts = list(dict.fromkeys(passage.text for passage in passages))
    stated = claims(case.reference or "")
    questions = [(case.question, context) for context in contexts] if case.question.strip() else []
    return [(context, claim) for context in contexts for claim in stated], questions


class ContextRecall:
    """Share of the reference's claims that the context supports: did retrieval bring what is needed?

    Args:
        judge: tells whether a passage supports a claim; asked once, for all cases together.
        threshold: a claim is supported from this probability on; the judge's recommendation, or 0.5,
            unless given.

    Raises:
        ValueError: the threshold is no probability.
    """

    def __init__(self, judge: Judge, *, threshold: float | None = None) -> None:
        require(judge, "support", "context_recall")
        self.judge = judge
        self._threshold = threshold_of(judge, "supports", threshold)
        self.info = MetricInfo(
            name="context_recall",
            identity=identity("context_recall", 2, judge=judge.identity, threshold=self._threshold),
            formula="share of the reference's claims that a passage supports with probability "
            f">= {self._threshold:g}",
            source="RAGAS documentation, Context Recall, with a local judge in the LLM's place",
            undefined="None without context or when a claim could not be judged; not applicable to a case "
            "that is unanswerable or whose reference is missing or claims nothing",
        )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case, with the reference's claims and their evidence."""
        check_lengths(cases, responses)
        found = [_reference_requests(case, response) for case, response in zip(cases, responses, strict=True)]
        return judge_claims(self.judge, found, lambda judged: supported_share(judged, self._threshold))


def _reference_requests(case: Case, response: Response) -> Score | list[Request]:
    if not case.answerable:
        return inapplicable("the case is unanswerable")
    if case.reference is None or not case.reference.strip():
        return inapplicable("the case has no reference")
    stated = statements(case.reference, case.question)
    if not stated:
        return inapplicable(f"the reference {case.reference!r} claims nothing that a judge could check")
    if response.error is not None:
        return unscored(f"no answer: {response.error}")
    passages = passages_of(response)
    return [(claim, passages) for claim in stated] if passages else settled("no context was given")
