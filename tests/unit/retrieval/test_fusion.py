from __future__ import annotations

from typing import Any

import pytest

from pytest_ragtune.fakes import ScriptedRetriever
from pytest_ragtune.records import Hit
from pytest_ragtune.retrieval.fusion import HybridRetriever, fuse

ONE = ScriptedRetriever({"q": ["a", "b", "c"]})
TWO = ScriptedRetriever({"q": ["b", "d"], "only two": ["d"]})


def hits(*names: str) -> list[Hit]:
    return [Hit(name, 1.0) for name in names]


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    found = {hit.passage_id: hit.score for hit in fuse([hits("a", "b"), hits("b", "d")])}
    assert found == {
        "a": pytest.approx(1 / 61, rel=1e-6),
        "b": pytest.approx(1 / 62 + 1 / 61, rel=1e-6),
        "d": pytest.approx(1 / 62, rel=1e-6),
    }


def test_ties_are_broken_by_id_and_the_order_of_the_rankings_does_not_matter() -> None:
    rankings = [hits("z", "a"), hits("a", "z"), hits("m")]
    assert fuse(rankings) == fuse(rankings[::-1])
    assert [hit.passage_id for hit in fuse(rankings)] == ["a", "z", "m"]


def test_weights_shift_and_silence() -> None:
    rankings = [hits("a"), hits("b")]
    assert [hit.passage_id for hit in fuse(rankings, weights=[1, 2])] == ["b", "a"]
    assert [hit.passage_id for hit in fuse(rankings, weights=[0, 2])] == ["b"]


def test_the_hybrid_joins_its_retrievers() -> None:
    found = HybridRetriever([ONE, TWO]).retrieve(["q", "only two", "neither"], 3)
    assert [[hit.passage_id for hit in ranking] for ranking in found] == [["b", "a", "d"], ["d"], []]


def test_depth_limits_what_each_retriever_gives() -> None:
    shallow = HybridRetriever([ONE, TWO], depth=1)
    assert [hit.passage_id for hit in shallow.retrieve(["q"], 1)[0]] == ["a"]
    assert [hit.passage_id for hit in shallow.retrieve(["q"], 3)[0]] == ["b", "a", "d"]


@pytest.mark.parametrize(
    ("retrievers", "options", "message"),
    [
        ([], {}, "retrievers is empty: expected at least one"),
        ([ONE, TWO], {"weights": [1]}, "weights has 1 numbers for 2 retrievers"),
        ([ONE, TWO], {"weights": [1, -1]}, "expected numbers of at least 0"),
        ([ONE, TWO], {"weights": [0, 0]}, "not all of them 0"),
        ([ONE], {"rank_constant": -1}, "rank_constant is -1"),
        ([ONE], {"rank_constant": float("inf")}, "rank_constant is inf"),
        ([ONE], {"depth": 0}, "depth is 0: expected at least 1"),
    ],
)
def test_parameters_out_of_range_are_refused(
    retrievers: list[ScriptedRetriever], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        HybridRetriever(retrievers, **options)
