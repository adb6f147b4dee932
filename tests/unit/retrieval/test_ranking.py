from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ragtune.retrieval.ranking import describe, leaders, ranked, settled


def test_describe_nests_identities_and_is_canonical() -> None:
    inner = describe("inner", 1, a=1)
    outer = json.loads(describe("outer", 2, parts=[inner, "{not json"], name="x"))
    assert outer == {
        "kind": "outer",
        "version": 2,
        "parts": [{"kind": "inner", "version": 1, "a": 1}, "{not json"],
        "name": "x",
    }
    assert describe("x", 1, a=1, b=2) == describe("x", 1, b=2, a=1)


@pytest.mark.parametrize(
    ("score", "expected"), [(1.23456789, 1.234568), (1234567.89, 1234568.0), (-0.0, 0.0)]
)
def test_scores_settle_at_seven_digits(score: float, expected: float) -> None:
    assert settled(score) == expected
    assert math.copysign(1, settled(score)) == 1


def test_noise_breaks_no_tie() -> None:
    hits = ranked([("b", 0.1 + 0.2), ("a", 0.3), ("c", 0.30001)])
    assert [hit.passage_id for hit in hits] == ["c", "a", "b"]
    assert hits[1].score == hits[2].score


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60), st.integers(1, 20))
def test_leaders_hold_the_first_k_with_all_their_ties(values: list[int], k: int) -> None:
    rng = random.Random(0)
    scores = np.array([value / 7 + rng.uniform(-1e-13, 1e-13) for value in values])
    found = set(leaders(scores, k).tolist())
    best = sorted(values, reverse=True)[:k][-1]
    assert {i for i, value in enumerate(values) if value >= best} == found or k >= len(values)
