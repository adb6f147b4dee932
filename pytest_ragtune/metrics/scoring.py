"""What every metric shares: words for a missing score, identities, and the shape of a call."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence

from pytest_ragtune.records import Case, Response, Score

_JUDGE = re.compile(r"""judge=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
"""A judge's identity in a metric's: ``nli/1(...)``, or JSON with its kind."""


def require(judge: object, method: str, metric: str) -> None:
    """Refuse a judge that cannot do what a metric needs.

    Raises:
        ValueError: the judge has no such method, or no identity.
    """
    kind = type(judge).__name__
    if not callable(getattr(judge, method, None)):
        raise ValueError(
            f"{metric} needs a judge with a method {method!r}, and {kind} has none: "
            "pass LexicalJudge(), EmbeddingJudge(embedder) or your own"
        )
    if not isinstance(getattr(judge, "identity", None), str):
        raise ValueError(
            f"{metric} needs a judge with an identity, and {kind} has none: give it a property 'identity', "
            "a text that changes whenever its opinions may"
        )


def unscored(reason: str) -> Score:
    """A score that should be there and is not: a check that meets it fails."""
    return Score(None, reason)


def settled(reason: str) -> Score:
    """As :func:`unscored`, said of the answer alone: no judge was asked, so it is recorded like a value."""
    return Score(None, reason, settled=True)


def inapplicable(reason: str) -> Score:
    """A score that the case itself leaves undefined: counted apart."""
    return Score(None, reason, applicable=False)


def identity(name: str, version: int, **parameters: object) -> str:
    """Name, version and parameters in one string, for example ``faithfulness/1(aggregate='mean')``."""
    inner = ", ".join(f"{key}={value!r}" for key, value in sorted(parameters.items()))
    return f"{name}/{version}({inner})" if inner else f"{name}/{version}"


def judge_name(metric_identity: str) -> str:
    """Name of the judge in a metric's identity, for example ``nli``; empty where it has none."""
    found = _JUDGE.search(metric_identity)
    if found is None:
        return ""
    judge = str(ast.literal_eval(found.group(1)))
    if not judge.startswith("{"):
        return judge.partition("/")[0]
    try:
        return str(json.loads(judge).get("kind", ""))
    except ValueError:
        return ""


def no_answer(response: Response) -> Score | None:
    """The score of a response without text; None when it has one."""
    if response.error is not None:
        return unscored(f"no answer: {response.error}")
    return unscored("no answer was generated") if response.text is None else None


def score_each(
    cases: Sequence[Case], responses: Sequence[Response], one: Callable[[Case, Response], Score]
) -> list[Score]:
    """Score case by case.

    Raises:
        ValueError: there are not as many responses as cases.
    """
    check_lengths(cases, responses)
    return [one(case, response) for case, response in zip(cases, responses, strict=True)]


def check_lengths(cases: Sequence[Case], responses: Sequence[Response]) -> None:
    """Refuse lists of unequal length.

    Raises:
        ValueError: there are not as many responses as cases.
    """
    if len(cases) != len(responses):
        raise ValueError(
            f"got {len(cases)} cases and {len(responses)} responses: expected one response a case"
        )


def threshold_of(judge: object, head: str, given: float | None) -> float:
    """``given``, or what the judge recommends for that head, or 0.5.

    Args:
        judge: may have ``thresholds``, by head.
        head: ``supports`` or ``answers``.
        given: the user's choice; None for none.

    Raises:
        ValueError: it is not between 0 and 1.
    """
    if given is None:
        given = dict(getattr(judge, "thresholds", {})).get(head, 0.5)
    return check_threshold(given)


def check_threshold(threshold: float) -> float:
    """``threshold`` when it is a probability.

    Raises:
        ValueError: it is not between 0 and 1.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold is {threshold!r}: expected a probability between 0 and 1")
    return float(threshold)
