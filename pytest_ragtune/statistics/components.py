"""Where the spread of repeated scores comes from: cases, generations, judgements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ragtune.extras import load


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of a nested random-effects model: judgements within generations within cases.

    A component that the design cannot tell from the one above it is None: without repeated judgements
    ``generation`` holds both, without repeated generations ``case`` holds what generation adds.
    """

    n: int
    """Cases."""
    generations: int
    """Answers a case."""
    judgements: int
    """Judgements an answer."""
    case: float
    """Variance between cases."""
    generation: float | None
    """Variance between the answers to one case; None with one answer a case."""
    judgement: float | None
    """Variance between the judgements of one answer; None with one judgement an answer."""

    @property
    def parts(self) -> dict[str, float]:
        """What each known component adds to the variance of the mean."""
        answers = self.n * self.generations
        found = {"cases": self.case / self.n}
        if self.generation is not None:
            found["generations"] = self.generation / answers
        if self.judgement is not None:
            found["judgements"] = self.judgement / (answers * self.judgements)
        return found

    def standard_error(self, cases: float = 1, generations: float = 1, judgements: float = 1) -> float:
        """Standard error of the mean, with so many times the cases, answers a case, judgements an answer."""
        factors = {
            "cases": cases,
            "generations": cases * generations,
            "judgements": cases * generations * judgements,
        }
        return math.sqrt(math.fsum(part / factors[name] for name, part in self.parts.items()))

    @property
    def dominant(self) -> str | None:
        """The component that adds most to the variance of the mean; None when nothing varies."""
        name = max(self.parts, key=lambda part: self.parts[part])
        return name if self.parts[name] > 0 else None


def variance_components(values: Sequence[Sequence[Sequence[float]]]) -> Components | None:
    """Estimate the three variances by the analysis of variance of a balanced nested design.

    Mean squares between cases, between answers within cases and between judgements within answers are
    set equal to their expectations and solved (Searle, Casella and McCulloch 1992, Variance Components,
    chapter 4; Snedecor and Cochran 1989, Statistical Methods, section 13.6). A negative solution is set
    to 0, so that small components are overestimated on average.

    Args:
        values: ``[case][answer][judgement]``, the same number of answers and judgements everywhere.

    Returns:
        None with fewer than two cases, or when nothing was repeated.

    Raises:
        ValueError: the numbers of answers or judgements differ, or a value is not finite.

    Example:
        >>> found = variance_components([[[0.0, 0.0], [1.0, 1.0]], [[4.0, 4.0], [5.0, 5.0]]])
        >>> found.case, found.generation, found.judgement
        (7.75, 0.5, 0.0)
    """
    np = load("numpy")
    sizes = {(len(case), len(answer)) for case in values for answer in case or [()]}
    if len(sizes) > 1:
        raise ValueError(f"cases have {sorted(sizes)} answers and judgements: expected the same for each")
    if len(values) < 2 or sizes == {(1, 1)}:
        return None
    table = np.asarray(values, dtype=float)
    if not np.isfinite(table).all():
        raise ValueError("a value is not finite: leave out the cases that have an unscored repeat")
    n, answers, judgements = table.shape
    by_answer, by_case = table.mean(axis=2), table.mean(axis=(1, 2))
    between_cases = answers * judgements * float(((by_case - by_case.mean()) ** 2).sum()) / (n - 1)
    generation = judgement = None
    above = below = 0.0
    if judgements > 1:
        squares = float(((table - by_answer[..., None]) ** 2).sum())
        judgement = above = below = squares / (n * answers * (judgements - 1))
    if answers > 1:
        squares = judgements * float(((by_answer - by_case[:, None]) ** 2).sum())
        above = squares / (n * (answers - 1))
        generation = max((above - below) / judgements, 0.0)
    case = max((between_cases - above) / (answers * judgements), 0.0)
    return Components(n, answers, judgements, case, generation, judgement)
