"""What the metrics of every back end share: which cases can be scored, and what counts as a score."""

from __future__ import annotations

import importlib.metadata
import json
import math
import re
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.calls.asking import Ask, asking
from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.calls.flight import Flight, Limits
from pytest_ragtune.calls.running import run
from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Case, Generation, Prompt, Response, Score

NEEDS = {
    "question": "the case has no question",
    "answer": "the answer is empty",
    "reference": "the case has no reference",
    "contexts": "no context was given",
}
"""What a metric may need, and why a case without it has no score."""
_ROUNDING = 8  # decimals: both libraries add 1e-10 to denominators, so that 1 comes out as 0.9999999999

Measure = Callable[[Ask, Case, Response], Awaitable[float]]
"""Measures one case; raises for one that cannot be measured."""


def missing(case: Case, response: Response, needs: Sequence[str]) -> Score | None:
    """The score of a case that lacks what a metric needs; None when it lacks nothing."""
    if "reference" in needs and not (case.reference or "").strip():
        return Score(None, NEEDS["reference"], applicable=False)
    if response.error is not None:
        return Score(None, f"no answer: {response.error}")
    if response.text is None and "answer" in needs:
        return Score(None, "no answer was generated")
    there = {
        "question": case.question.strip(),
        "answer": (response.text or "").strip(),
        "reference": True,
        "contexts": contexts_of(response),
    }
    lacking = next((name for name in needs if not there[name]), None)
    return None if lacking is None else Score(None, NEEDS[lacking])


def contexts_of(response: Response) -> list[str]:
    """The texts of the contexts that hold any."""
    return [passage.text for passage in response.contexts if passage.text.strip()]


def score_cases(
    cases: Sequence[Case],
    responses: Sequence[Response],
    needs: Sequence[str],
    measure: Measure,
    *,
    generator: Generator | None,
    limits: Limits,
    bounds: tuple[float | None, float | None],
) -> list[Score]:
    """One score a case, several cases at once.

    Args:
        cases: as many as responses.
        responses: what is scored.
        needs: names from ``NEEDS``.
        measure: measures one case.
        generator: the judge; None for a metric without one.
        limits: how many cases at once, and how long each may take.
        bounds: smallest and largest possible value; None for unbounded.
    """
    if len(cases) != len(responses):
        raise ValueError(
            f"got {len(cases)} cases and {len(responses)} responses: expected one response a case"
        )
    known = [missing(case, response, needs) for case, response in zip(cases, responses, strict=True)]
    left = [i for i, score in enumerate(known) if score is None]
    if left:
        found = run(_measure_all([(cases[i], responses[i]) for i in left], measure, generator, limits))
        for i, outcome in zip(left, found, strict=True):
            known[i] = _as_score(outcome, bounds)
    return [score for score in known if score is not None]


async def _measure_all(
    items: Sequence[tuple[Case, Response]],
    measure: Measure,
    generator: Generator | None,
    limits: Limits,
) -> list[float | Fault]:
    async def fly(ask: Ask) -> list[float | Fault]:
        async def one(item: tuple[Case, Response]) -> float:
            return await measure(ask, *item)

        return await Flight(one, limits).all(items)

    if generator is None:
        return await fly(_no_generator)
    async with asking(generator) as ask:
        return await fly(ask)


async def _no_generator(prompt: Prompt, schema: Mapping[str, Any] | None = None) -> Generation:
    raise Fault("this metric asks a model, and it was given no generator: pass generator=")


def _as_score(outcome: object, bounds: tuple[float | None, float | None]) -> Score:
    if isinstance(outcome, Fault):
        return Score(None, outcome.message)
    if isinstance(outcome, bool) or not isinstance(outcome, int | float):
        return Score(None, f"the back end gave {outcome!r}: expected a number")
    if not math.isfinite(outcome):
        return Score(None, f"the back end gave {outcome}, which is no score")
    low, high = bounds
    value = round(float(outcome), _ROUNDING)
    if (low is not None and value < low) or (high is not None and value > high):
        return Score(None, f"the back end gave {value}: expected {low} to {high}")
    return Score(value)


def identity(name: str, package: str, judge: object, embedder: object, parameters: Mapping[str, Any]) -> str:
    """Metric, version of the back end, judge, embedder and parameters, as JSON."""
    parts = {
        "metric": name,
        "version": importlib.metadata.version(package),
        "judge": getattr(judge, "identity", None),
        "embedder": getattr(embedder, "identity", None),
        "parameters": {key: repr(value) for key, value in parameters.items()},
    }
    return json.dumps(parts, sort_keys=True)


def load(module: str, extra: str) -> Any:
    """Import a module of a back end without its warnings, which are not about the user's code.

    Raises:
        MissingExtra: it is absent or broken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return extras.load(module, extra=extra)


def snake(name: str) -> str:
    """``ContextPrecision`` as ``context_precision``; runs of capitals are one word."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
