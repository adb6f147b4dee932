"""Faithfulness: does the context support what the answer claims?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from pytest_ragtune.protocols import Judge
from pytest_ragtune.records import Case, Claim, MetricInfo, Passage, Response, Score
from pytest_ragtune.text import Statement, is_refusal, statements

from .evidence import find_evidence
from .scoring import check_lengths, identity, inapplicable, no_answer, require, settled, threshold_of

Aggregate = Literal["mean", "min"]
Request = tuple[str | Statement, Sequence[Passage]]


class Faithfulness:
    """Share of the answer's claims that the context supports, or the probability of the least supported one.

    Every claim is held against every passage; the best one counts. A refusal claims nothing: it is not
    applicable to an unanswerable case, where it is right, and unscored for an answerable one.

    Args:
        judge: tells whether a passage supports a claim; asked once, for all cases together.
        threshold: a claim is supported from this probability on; the judge's recommendation, or 0.5,
            unless given.
        aggregate: ``mean`` for the share of supported claims, ``min`` for the lowest probability of any.

    Raises:
        ValueError: the threshold is no probability, the aggregate unknown, or the judge has no ``support``.
    """

    def __init__(
        self, judge: Judge, *, threshold: float | None = None, aggregate: Aggregate = "mean"
    ) -> None:
        if aggregate not in get_args(Aggregate):
            raise ValueError(f"aggregate is {aggregate!r}: expected 'mean' or 'min'")
        require(judge, "support", "faithfulness")
        self.judge = judge
        self._threshold = threshold_of(judge, "supports", threshold)
        self._aggregate = aggregate
        parameters = {"aggregate": aggregate, "judge": judge.identity, "threshold": self._threshold}
        share = (
            f"share of the answer's claims that a passage supports with probability >= {self._threshold:g}"
        )
        self.info = MetricInfo(
            name="faithfulness",
            identity=identity("faithfulness", 2, **parameters),
            formula=share if aggregate == "mean" else "lowest best-passage probability of any claim",
            source="Es et al. 2024, RAGAS, section 3 (faithfulness), with a local judge in the LLM's place",
            undefined="None without context, without a claim, for a refusal, or when a claim could not be "
            "judged; not applicable to a refusal of an unanswerable case",
        )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case, with its claims and their evidence."""
        check_lengths(cases, responses)
        found = [_requests(case, response) for case, response in zip(cases, responses, strict=True)]
        return judge_claims(self.judge, found, self._value)

    def _value(self, judged: Sequence[Claim]) -> float:
        if self._aggregate == "min":
            return min(claim.probability or 0.0 for claim in judged)
        return supported_share(judged, self._threshold)


def _requests(case: Case, response: Response) -> Score | list[Request]:
    """What to ask the judge about a response, or why there is nothing to ask."""
    missing = no_answer(response)
    if missing is not None:
        return missing
    text = response.text or ""
    if is_refusal(text):
        reason = "the answer is a refusal: no claim to judge"
        return settled(reason) if case.answerable else inapplicable(reason)
    stated = statements(text, case.question)
    if not stated:
        return settled("no claim to judge")
    passages = passages_of(response)
    return [(claim, passages) for claim in stated] if passages else settled("no context was given")


def passages_of(response: Response) -> tuple[Passage, ...]:
    """The contexts that hold any text, in their order."""
    return tuple(passage for passage in response.contexts if passage.text.strip())


def supported_share(judged: Sequence[Claim], threshold: float) -> float:
    """Share of the claims whose probability reaches the threshold."""
    return math.fsum((claim.probability or 0.0) >= threshold for claim in judged) / len(judged)


def judge_claims(
    judge: Judge, found: Sequence[Score | list[Request]], value: Callable[[Sequence[Claim]], float]
) -> list[Score]:
    """Scores from claims: all requests of all cases go to the judge in one call.

    Args:
        judge: asked once.
        found: for each case its requests, or the score it has without asking.
        value: from the judged claims of one case to its value.
    """
    asked = [request for item in found if not isinstance(item, Score) for request in item]
    judged = iter(find_evidence(judge, asked))
    return [
        item if isinstance(item, Score) else _scored([next(judged) for _ in item], value) for item in found
    ]


def _scored(judged: list[Claim], value: Callable[[Sequence[Claim]], float]) -> Score:
    failed = next((claim for claim in judged if claim.probability is None), None)
    if failed is not None:
        reason = f"the claim {failed.text!r} was not judged: {failed.evidence}"
        return Score(None, reason, claims=tuple(judged))
    return Score(value(judged), claims=tuple(judged))
