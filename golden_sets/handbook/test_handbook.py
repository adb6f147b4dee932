"""Which way of giving a model the handbook answers its questions, and does it still work today?

Each threshold stands below what was measured when it was written, far enough that noise does not trip
it, close enough that a broken part does. The baselines hold the approaches to what they did then.
"""

from __future__ import annotations

import re

import pytest

from pytest_ragtune import (
    Evaluation,
    GoldenSet,
    Pipeline,
    assert_at_least,
    assert_at_most,
    assert_better,
    assert_no_regression,
    evaluate,
)
from pytest_ragtune.metrics.answer import Matches
from pytest_ragtune.protocols import Metric

HOUSE_STYLE = Matches(r"Take care, Marlpit Desk\.\s*$", name="house_style")
"""Every written reply closes with the house's words (house-style.md)."""

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
DATE = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\d{1,2}:\d\d)\b"
)
NEGATION = re.compile(r"\b(?:no|not|never|none|cannot|nothing|without)\b|n't", re.IGNORECASE)
CLOSING = "Take care, Marlpit Desk."

RANKING = ["R@5", "nDCG@10", "RR"]
CLOSED: list[str | Metric] = ["token_f1", "rouge_l", "abstention", "answer_relevance", HOUSE_STYLE, "seconds"]
OPEN: list[str | Metric] = [*CLOSED, "faithfulness"]


@pytest.mark.parametrize(("name", "floor"), [("bm25", 0.5), ("dense", 0.5), ("hybrid", 0.5)])
def test_the_passages_are_found(
    request: pytest.FixtureRequest, golden_set: GoldenSet, name: str, floor: float
) -> None:
    evaluation = evaluate(request.getfixturevalue(f"{name}_retriever"), golden_set, RANKING)
    assert_at_least(evaluation, "R@5", floor)
    assert_no_regression(evaluation, RANKING, margin=0.02)


@pytest.mark.golden_set(".", version="v1")
def test_they_are_found_in_the_older_edition_too(golden_set: GoldenSet, bm25_retriever: Pipeline) -> None:
    assert golden_set.corpus.version == "v1"
    assert_at_least(evaluate(bm25_retriever, golden_set, ["R@5"]), "R@5", 0.5)


def test_a_closed_book_cannot_know(golden_set: GoldenSet, closed_book: Pipeline) -> None:
    evaluation = evaluate(closed_book, golden_set, CLOSED)
    assert_at_most(evaluation, "token_f1", 0.25)


def test_rag_beats_the_closed_book(golden_set: GoldenSet, rag: Pipeline, closed_book: Pipeline) -> None:
    with_passages = evaluate(rag, golden_set, ["R@5", *OPEN])
    without = evaluate(closed_book, golden_set, CLOSED)
    assert_better(with_passages, without, "token_f1")
    assert_at_least(with_passages, "token_f1", 0.1)
    assert_at_least(with_passages, "faithfulness", 0.05, max_unscored=0.1)
    # a model of this size invents: a judge that supports all of it has stopped reading
    assert_at_most(with_passages, "faithfulness", 0.9, max_unscored=0.1)
    assert_at_most(with_passages, "seconds", 5.0)
    assert_no_regression(with_passages, ["R@5", "token_f1"], margin=0.03)


def test_lora_speaks_in_the_house_style(golden_set: GoldenSet, lora: Pipeline, closed_book: Pipeline) -> None:
    tuned = evaluate(lora, golden_set, CLOSED)
    assert_at_least(tuned, "house_style", 0.9)
    assert_better(tuned, evaluate(closed_book, golden_set, CLOSED), "house_style")
    assert_no_regression(tuned, ["house_style", "token_f1"], margin=0.03)


@pytest.mark.golden_set(".", tags=["trained"])
def test_lora_learned_the_trained_topics(
    golden_set: GoldenSet, lora: Pipeline, closed_book: Pipeline
) -> None:
    tuned, base = (evaluate(pipeline, golden_set, ["token_f1"]) for pipeline in (lora, closed_book))
    assert_better(tuned, base, "token_f1")


def test_the_hybrid_keeps_both(golden_set: GoldenSet, rag_lora: Pipeline, closed_book: Pipeline) -> None:
    both = evaluate(rag_lora, golden_set, ["R@5", *OPEN])
    assert_at_least(both, "house_style", 0.5)
    assert_better(both, evaluate(closed_book, golden_set, CLOSED), "token_f1")
    assert_no_regression(both, ["house_style", "token_f1"], margin=0.03)


def test_the_whole_handbook_fits_the_window(golden_set: GoldenSet, long_context: Pipeline) -> None:
    evaluation = evaluate(long_context, golden_set, OPEN)
    assert all(len(response.contexts) == len(golden_set.corpus.passages) for response in evaluation.responses)
    assert_no_regression(evaluation, ["token_f1"], margin=0.03)


def test_rag_shows_the_handbook_in_force(golden_set: GoldenSet, rag: Pipeline) -> None:
    in_force = {passage.text for passage in golden_set.corpus.passages}
    responses = evaluate(rag, golden_set, ["R@5"]).responses
    shown = {passage.text for response in responses for passage in response.contexts}
    assert not shown - in_force, f"{len(shown - in_force)} of {len(shown)} passages are not of this version"


def invented(evaluation: Evaluation, pattern: re.Pattern[str]) -> tuple[int, int]:
    """Answers that say something of this kind, and those of them that neither question nor context says."""
    said = unknown = 0
    for case, response in zip(evaluation.cases, evaluation.responses, strict=True):
        given = " ".join([case.question, *(passage.text for passage in response.contexts)])
        found = set(pattern.findall((response.text or "").replace(CLOSING, "")))
        said += bool(found)
        unknown += any(text not in given for text in found)
    return said, unknown


@pytest.mark.parametrize(
    ("kind", "pattern", "most"),
    [("number", NUMBER, 0.7), ("name", NAME, 0.4), ("date", DATE, 0.5)],
    ids=["number", "name", "date"],
)
def test_little_is_invented(
    golden_set: GoldenSet, rag: Pipeline, rag_lora: Pipeline, kind: str, pattern: re.Pattern[str], most: float
) -> None:
    """A model of this size invents half of its numbers; when all are wrong, something broke."""
    for pipeline in (rag, rag_lora):
        said, unknown = invented(evaluate(pipeline, golden_set, ["token_f1"]), pattern)
        assert unknown <= most * said, f"{pipeline.name}: {unknown} of {said} answers invent a {kind}"


def test_no_means_no(golden_set: GoldenSet, rag: Pipeline, rag_lora: Pipeline) -> None:
    """Answers negate where the reference does, more often than chance would have it."""
    for pipeline in (rag, rag_lora):
        evaluation = evaluate(pipeline, golden_set, ["token_f1"])
        same = [
            bool(NEGATION.search(response.text or "")) == bool(NEGATION.search(case.reference))
            for case, response in zip(evaluation.cases, evaluation.responses, strict=True)
            if case.reference
        ]
        assert sum(same) >= 0.55 * len(same)


def test_lora_admits_what_it_does_not_know(golden_set: GoldenSet, lora: Pipeline) -> None:
    """Its examples say so of some questions; it has learned that it may."""
    responses = evaluate(lora, golden_set, ["token_f1"]).responses
    assert sum("do not know" in (response.text or "") for response in responses) >= 3
