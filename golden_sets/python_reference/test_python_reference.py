"""The language reference that ships with Python: many close passages, more than a window holds.

Each threshold stands below what was measured when it was written, far enough that noise does not trip
it, close enough that a broken part does.
"""

from __future__ import annotations

import pytest

from pytest_ragtune import GoldenSet, Pipeline, assert_at_least, assert_better, assert_no_regression, evaluate

RANKING = ["R@5", "Success@5", "nDCG@10", "RR"]
CLOSED = ["token_f1", "rouge_l", "abstention", "answer_relevance", "seconds"]
OPEN = [*CLOSED, "faithfulness"]


@pytest.mark.parametrize(("name", "floor"), [("bm25", 0.4), ("dense", 0.4), ("hybrid", 0.4)])
def test_the_passages_are_found(
    request: pytest.FixtureRequest, golden_set: GoldenSet, name: str, floor: float
) -> None:
    evaluation = evaluate(request.getfixturevalue(f"{name}_retriever"), golden_set, RANKING)
    assert_at_least(evaluation, "Success@5", floor)
    assert_no_regression(evaluation, ["R@5", "nDCG@10"], margin=0.02)


def test_rag_beats_the_closed_book(golden_set: GoldenSet, rag: Pipeline, closed_book: Pipeline) -> None:
    with_passages = evaluate(rag, golden_set, ["R@5", *OPEN])
    without = evaluate(closed_book, golden_set, CLOSED)
    assert_no_regression(with_passages, ["R@5", "token_f1"], margin=0.03)
    assert_at_least(with_passages, "token_f1", 0.1)
    assert_at_least(without, "token_f1", 0.02)


@pytest.mark.golden_set(".", tags=["trained"])
def test_lora_learned_the_trained_topics(
    golden_set: GoldenSet, lora: Pipeline, closed_book: Pipeline
) -> None:
    tuned, base = (evaluate(pipeline, golden_set, ["token_f1"]) for pipeline in (lora, closed_book))
    assert_better(tuned, base, "token_f1")


def test_lora_on_every_question(golden_set: GoldenSet, lora: Pipeline) -> None:
    assert_no_regression(evaluate(lora, golden_set, CLOSED), ["token_f1"], margin=0.03)


def test_the_hybrid(golden_set: GoldenSet, rag_lora: Pipeline) -> None:
    assert_no_regression(evaluate(rag_lora, golden_set, ["R@5", *OPEN]), ["token_f1"], margin=0.03)


def test_a_window_holds_only_a_part(golden_set: GoldenSet, long_context: Pipeline) -> None:
    evaluation = evaluate(long_context, golden_set, OPEN)
    assert len(evaluation.responses[0].contexts) < len(golden_set.corpus.passages)
    assert evaluation.notes
    assert_no_regression(evaluation, ["token_f1"], margin=0.03)
