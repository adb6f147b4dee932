"""Ranking metrics, computed by ir_measures under trec_eval's names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.records import Case, Hit, MetricInfo, Response, Score
from pytest_ragtune.records.golden import MAX_GRADE

from .scoring import check_lengths, identity, inapplicable, unscored

_TREC = "trec_eval as computed by ir_measures (MacAvaney et al. 2022)"
_FORMULAS = {
    "AP": "mean over the relevant passages of the precision at each one's rank, 0 where not retrieved",
    "Bpref": "mean over the relevant passages of 1 - share of judged non-relevant ones ranked above",
    "P": "relevant passages among the first k, divided by k",
    "R": "relevant passages among the first k, divided by all relevant passages",
    "RR": "1 / rank of the first relevant passage, 0 when there is none",
    "Rprec": "precision at rank R, the number of relevant passages",
    "SetF": "harmonic mean of SetP and SetR",
    "SetP": "relevant passages retrieved, divided by passages retrieved",
    "SetR": "relevant passages retrieved, divided by all relevant passages",
    "Success": "1 if a relevant passage is among the first k, else 0",
    "nDCG": "sum of grade / log2(rank + 1), divided by the same sum of the ideal ranking",
}
_NEED_CUTOFF = frozenset({"P", "R", "Success"})
_ALIASES = {
    "mrr": "RR", "map": "AP", "recall": "R", "precision": "P", "hit": "Success", "hits": "Success",
    "hitrate": "Success", "ndcg": "nDCG", "rprecision": "Rprec", "success": "Success", "bpref": "Bpref",
}  # fmt: skip
EXAMPLES = ("R@5", "P@5", "nDCG@10", "RR", "RR@10", "AP", "Success@5")
"""Names to show where a name was not understood."""


class RankingMetric:
    """A ranking metric, by its name.

    Rankings count in the order given: scores are replaced by ranks, so that trec_eval's re-sorting (by
    score, ties by passage id from z to a) changes nothing. A passage that comes twice counts where it
    comes first. A ranking shorter than the cutoff is treated as trec_eval does: ``P@5`` still divides by
    5, ``R@5`` over three passages is the recall of those three.

    Args:
        name: as ir_measures writes it, for example ``nDCG@10``, ``R@5``, ``P(rel=2)@5``, ``RR``.

    Raises:
        ValueError: the name is not one of these; the message shows examples and near matches.
    """

    def __init__(self, name: str) -> None:
        self._measure = _parse(name)
        family = type(self._measure).__name__.lstrip("_")
        self.info = MetricInfo(
            name=name,
            identity=identity(name, 1),
            formula=_FORMULAS[family],
            source=_TREC,
            undefined="not applicable without labels; None without a ranking, as for whole-corpus context",
            binary=family == "Success",
        )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        check_lengths(cases, responses)
        scores = [_unscored(case, response) for case, response in zip(cases, responses, strict=True)]
        asked = [number for number, score in enumerate(scores) if score is None]
        values = self._values(
            {str(number): dict(cases[number].relevant) for number in asked},
            {str(number): _ranks(responses[number].ranking or ()) for number in asked},
        )
        return [
            Score(values.get(str(number), 0.0)) if score is None else score
            for number, score in enumerate(scores)
        ]

    def _values(
        self, qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]]
    ) -> dict[str, float]:
        """Value by query id; a query whose ranking is empty may be left out."""
        if not any(run.values()):
            return {}
        results = extras.load("ir_measures").iter_calc([self._measure], qrels, run)
        return {result.query_id: float(result.value) for result in results}


def _unscored(case: Case, response: Response) -> Score | None:
    if not any(grade > 0 for grade in case.relevant.values()):
        why = "the case has no relevant passage" if case.answerable else "the case is unanswerable"
        return inapplicable(why)
    for name, grade in case.relevant.items():
        if grade > MAX_GRADE or grade != int(grade):
            why = f"the grade of passage {name!r} is {grade}: expected a whole number of at most {MAX_GRADE}"
            return unscored(why)
    if response.error is not None:
        return unscored(f"no answer: {response.error}")
    if response.ranking is None:
        return unscored("nothing was ranked: the whole corpus, or no context at all, is not a ranking")
    return None


def _ranks(ranking: Sequence[Hit]) -> dict[str, float]:
    """Passage id -> a score that falls with its rank, first occurrence only."""
    ids = list(dict.fromkeys(hit.passage_id for hit in ranking))
    return {passage_id: float(len(ids) - rank) for rank, passage_id in enumerate(ids)}


def is_ranking_name(name: str) -> bool:
    """Whether ``name`` is meant as a ranking metric: a known family, whatever follows."""
    family = _family(name)
    return family in _FORMULAS or _plain(family) in _ALIASES


def _family(name: str) -> str:
    return re.split(r"[@(]", name, maxsplit=1)[0]


def _plain(family: str) -> str:
    return re.sub(r"[-_\s]", "", family).lower()


def _parse(name: str) -> Any:
    ir_measures = extras.load("ir_measures")
    family = _family(name)
    if family not in _FORMULAS:
        raise ValueError(_unknown(name, family))
    try:
        measure = ir_measures.parse_measure(name)
        supported = str(measure) == name and ir_measures.DefaultPipeline.supports(measure)
    except (NameError, SyntaxError, ValueError, TypeError, AssertionError, KeyError, AttributeError):
        supported = False
    if (
        not supported
        or re.search(r"@0+$", name)
        or (family in _NEED_CUTOFF and not re.search(r"@[1-9]\d*$", name))
    ):
        hint = f"{family}@5" if family in _NEED_CUTOFF else family
        raise ValueError(f"ranking metric {name!r} cannot be computed: expected a form such as {hint!r}")
    return measure


def _unknown(name: str, family: str) -> str:
    alias = _ALIASES.get(_plain(family))
    if alias:
        near = [alias + (name[len(family) :] or ("@5" if alias in _NEED_CUTOFF else ""))]
    else:
        near = difflib.get_close_matches(name, EXAMPLES, n=2)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"ranking metric {name!r} is not known: {hint}Examples: {', '.join(EXAMPLES)}"
