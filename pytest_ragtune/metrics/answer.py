"""Metrics of the answer's text: against references, a pattern, or the duty to abstain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from pytest_ragtune import extras
from pytest_ragtune.records import Case, MetricInfo, Response, Score
from pytest_ragtune.text import is_refusal, normalise

from .scoring import identity, inapplicable, no_answer, score_each, unscored

_NO_REFERENCE = (
    "not applicable where the case has no reference or is unanswerable; None when there is no answer"
)
_SQUAD = "Rajpurkar et al. 2016, SQuAD, section 6.1; normalisation: pytest_ragtune.text.normalise"


class _ReferenceMetric:
    """Compares the answer with each accepted wording; the best one counts."""

    info: MetricInfo

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        return score_each(cases, responses, self._score_one)

    def _score_one(self, case: Case, response: Response) -> Score:
        missing = _without_reference(case) or no_answer(response)
        if missing is not None:
            return missing
        references = [case.reference or "", *case.aliases]
        return self._best([reference for reference in references if reference.strip()], response.text or "")

    def _best(self, references: Sequence[str], answer: str) -> Score:
        return Score(max(self._compare(reference, answer) for reference in references))

    def _compare(self, reference: str, answer: str) -> float:
        raise NotImplementedError


def _without_reference(case: Case) -> Score | None:
    if not case.answerable:
        return inapplicable("the case is unanswerable")
    if case.reference is None or not case.reference.strip():
        return inapplicable("the case has no reference")
    return None


_MINUS = re.compile(r"(?<![\w)\]])[-\u2212](?=[$€£]?\.?\d)")


class ExactMatch(_ReferenceMetric):
    """1 when the normalised answer equals the normalised reference or an alias, else 0.

    Normalised text has no minus signs; ``-5`` and ``5`` differ all the same.
    """

    info = MetricInfo(
        name="exact_match",
        identity=identity("exact_match", 2),
        formula="1 if normalise(answer) equals normalise(r), with as many minus signs before numbers, "
        "for the reference or an alias r, else 0",
        source=_SQUAD,
        undefined=_NO_REFERENCE,
        binary=True,
    )

    def _compare(self, reference: str, answer: str) -> float:
        is_same = normalise(reference) == normalise(answer)
        return float(is_same and len(_MINUS.findall(reference)) == len(_MINUS.findall(answer)))


class TokenF1(_ReferenceMetric):
    """Harmonic mean of precision and recall over shared words, best of reference and aliases."""

    info = MetricInfo(
        name="token_f1",
        identity=identity("token_f1", 1),
        formula="max over r of 2PR/(P+R); P, R: share of the answer's and of r's words that the other has",
        source=_SQUAD,
        undefined=_NO_REFERENCE,
    )

    def _compare(self, reference: str, answer: str) -> float:
        wanted, given = normalise(reference).split(), normalise(answer).split()
        shared = (Counter(wanted) & Counter(given)).total()
        return 2.0 * shared / (len(wanted) + len(given)) if shared else 0.0


class RougeL(_ReferenceMetric):
    """F-measure of the longest common subsequence of stemmed words, best of reference and aliases."""

    info = MetricInfo(
        name="rouge_l",
        identity=identity("rouge_l", 1, stemmer="porter"),
        formula="max over r of the F-measure (beta 1) of the longest common subsequence of answer and r",
        source="Lin 2004, ROUGE, section 3; computed by rouge-score with its Porter stemmer",
        undefined=f"{_NO_REFERENCE} or the reference has no Latin letter or digit, all rouge-score reads",
    )

    def __init__(self) -> None:
        self._compared: Callable[[str, str], float] | None = None

    def _best(self, references: Sequence[str], answer: str) -> Score:
        readable = [reference for reference in references if re.search("[a-z0-9]", reference.lower())]
        if not readable:
            return unscored("rouge-score reads Latin letters and digits only; the reference has none")
        return super()._best(readable, answer)

    def _compare(self, reference: str, answer: str) -> float:
        if self._compared is None:
            scorer = extras.load("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=True)
            self._compared = lambda target, text: float(scorer.score(target, text)["rougeL"].fmeasure)
        return self._compared(reference, answer)


class Abstention:
    """Whether the system abstains exactly when it should."""

    info = MetricInfo(
        name="abstention",
        identity=identity("abstention", 1),
        formula="1 if the answer refuses and the case is unanswerable, or neither; else 0; 0 if it is empty",
        source="Rajpurkar et al. 2018, SQuAD 2.0, section 5; refusals: pytest_ragtune.text.is_refusal",
        undefined="None when there is no answer",
        binary=True,
    )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        return score_each(cases, responses, self._score_one)

    def _score_one(self, case: Case, response: Response) -> Score:
        missing = no_answer(response)
        if missing is not None:
            return missing
        text = response.text or ""
        if not text.strip():
            return Score(0.0, "the answer is empty: neither an answer nor a refusal")
        return Score(float(is_refusal(text) is not case.answerable))


class Matches:
    """Whether the answer matches a pattern: for rules of house style.

    Args:
        pattern: a regular expression, sought anywhere in the answer.
        name: the metric's name in reports and baselines.
        flags: of the :mod:`re` module.

    Raises:
        ValueError: the pattern is no regular expression, or the name is empty.
    """

    def __init__(self, pattern: str, *, name: str = "matches", flags: int = 0) -> None:
        if not name.strip():
            raise ValueError(f"the name of a metric is {name!r}: expected a word such as 'signs_off'")
        try:
            self._pattern = re.compile(pattern, flags)
        except re.error as error:
            raise ValueError(
                f"{pattern!r} is no regular expression ({error}): escape it or correct it"
            ) from error
        self.info = MetricInfo(
            name=name,
            identity=identity(name, 1, pattern=pattern, flags=int(flags)),
            formula=f"1 if the answer matches {pattern!r}, else 0",
            source="Python's re module",
            undefined="None when there is no answer",
            binary=True,
        )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        return score_each(cases, responses, self._score_one)

    def _score_one(self, case: Case, response: Response) -> Score:
        return no_answer(response) or Score(float(bool(self._pattern.search(response.text or ""))))
