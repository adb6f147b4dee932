from __future__ import annotations

import pytest

from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.records import Corpus, Hit, Passage
from pytest_ragtune.retrieval.filters import ByDocument, Deduplicate, MinScore

LONG = "The warranty lasts two years from the day of delivery and covers faults of material."
CORPUS = Corpus(
    (
        Passage("policies/a.md#1", LONG, "policies/a.md"),
        Passage("policies/b.md#1", LONG.replace("faults", "defects"), "policies/b.md"),
        Passage("faq.md#1", LONG.upper(), "faq.md"),
        Passage("faq.md#2", "Parcels leave twice a day.", "faq.md"),
        Passage("faq.md#3", "!", "faq.md"),
        Passage("faq.md#4", "", "faq.md"),
    ),
    {},
    "f",
)
HITS = [Hit(passage.id, 1 - i / 10) for i, passage in enumerate(CORPUS.passages)]


def names(hits: list[Hit]) -> list[str]:
    return [hit.passage_id for hit in hits]


def test_min_score_keeps_what_reaches_it() -> None:
    assert names(MinScore(0.8)("q", HITS)) == names(HITS[:3])
    assert MinScore(0.8).identity != MinScore(0.7).identity
    with pytest.raises(ValueError, match="minimum is nan"):
        MinScore(float("nan"))


def test_by_document_keeps_or_drops() -> None:
    assert names(ByDocument(CORPUS, "policies/*")("q", HITS)) == ["policies/a.md#1", "policies/b.md#1"]
    assert names(ByDocument(CORPUS, "policies/*", is_excluded=True)("q", HITS)) == names(HITS[2:])
    assert ByDocument(CORPUS, "faq.md").identity != ByDocument(CORPUS, "faq.md", is_excluded=True).identity


def test_a_pattern_without_a_document_is_refused() -> None:
    with pytest.raises(RagtuneError, match=r"'\*.txt' matches none of 3 documents"):
        ByDocument(CORPUS, "*.txt")


def test_near_repeats_of_a_better_hit_go() -> None:
    assert names(Deduplicate(CORPUS, 1.0)("q", HITS)) == names([HITS[0], HITS[1], HITS[3], HITS[4]])
    assert names(Deduplicate(CORPUS, 0.6)("q", HITS)) == names([HITS[0], HITS[3], HITS[4]])
    assert names(Deduplicate(CORPUS, 0.6)("q", HITS[::-1])) == names([HITS[5], HITS[3], HITS[2]])


def test_the_threshold_is_the_jaccard_similarity_of_word_triples() -> None:
    triples = 15 - 2  # LONG has 15 words; one changed word touches three triples
    value = (triples - 3) / (triples + 3)
    pair = HITS[:2]
    assert len(Deduplicate(CORPUS, value - 0.001)("q", pair)) == 1
    assert len(Deduplicate(CORPUS, value + 0.001)("q", pair)) == 2


@pytest.mark.parametrize("threshold", [0, -1, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="expected a number above 0 and at most 1"):
        Deduplicate(CORPUS, threshold)


def test_a_hit_of_another_corpus_is_refused() -> None:
    for stage in (ByDocument(CORPUS, "*"), Deduplicate(CORPUS)):
        with pytest.raises(RagtuneError, match="'x#1' is not in the filter's corpus"):
            stage("q", [HITS[0], Hit("x#1", 0.1)])
