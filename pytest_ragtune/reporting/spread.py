"""Which repeats are worth their calls: where the spread of a metric comes from, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_ragtune.statistics import Components

from .summary import SummaryRow

_ADVICE = {
    "cases": "more cases",
    "generations": "more answers a case (repeats=)",
    "judgements": "more judgements an answer (judge_repeats=)",
}


def spread_lines(rows: Iterable[SummaryRow]) -> Iterator[str]:
    """One block for each metric of a row that was repeated."""
    for row in rows:
        for metric, found in row.spread.items():
            yield f"spread of {row.pipeline} {metric} over {row.golden_set}: {_design(found)}"
            yield f"  {_shares(found)}"
            if found.dominant is not None:
                yield f"  spend on {_ADVICE[found.dominant]}: {_doubled(found)}"


def _design(found: Components) -> str:
    design = f"{found.n} cases"
    if found.generations > 1:
        design += f" x {found.generations} answers"
    return f"{design} x {found.judgements} judgements" if found.judgements > 1 else design


def _shares(found: Components) -> str:
    """Standard deviation of each component and its share in the variance of the mean."""
    whole = sum(found.parts.values())
    if not whole:
        return "nothing varies: every answer and judgement of every case has the same score"
    deviations = {
        "cases": found.case,
        "generations": found.generation or 0.0,
        "judgements": found.judgement or 0.0,
    }
    texts = [
        f"between {_named(found, name)} sd {deviations[name] ** 0.5:.3g}, {part / whole:.0%} of the variance"
        for name, part in found.parts.items()
    ]
    return "; ".join(texts)


def _named(found: Components, name: str) -> str:
    """The component's name, with what it cannot be told from."""
    if name == "cases" and found.generation is None:
        return "cases (with generations)"
    if name == "generations" and found.judgement is None:
        return "generations (with judgements)"
    return name


def _doubled(found: Components) -> str:
    error = found.standard_error()
    options = [("cases", found.standard_error(cases=2))]
    if found.generation is not None:
        options.append(("answers", found.standard_error(generations=2)))
    if found.judgement is not None:
        options.append(("judgements", found.standard_error(judgements=2)))
    doubled = ", ".join(f"{value:.3g} with twice the {name}" for name, value in options)
    return f"the mean's standard error is {error:.3g}; {doubled}"
