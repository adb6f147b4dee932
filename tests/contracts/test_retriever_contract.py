"""One suite over every retriever: what a pipeline may rely on."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.protocols import Embedder, Retriever
from pytest_ragtune.records import Corpus, Passage
from pytest_ragtune.retrieval.bm25 import BM25Retriever
from pytest_ragtune.retrieval.dense import DenseRetriever
from pytest_ragtune.retrieval.fusion import HybridRetriever
from pytest_ragtune.retrieval.query import MultiQuery, Router

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORDS = [
    "invoice", "refund", "parcel", "courier", "deposit", "warranty", "voucher", "address", "password",
    "discount", "stock", "delay",
]  # fmt: skip
QUESTIONS = [
    "When is a refund paid after a delay?",
    "courier and parcel",
    "Which voucher gives a discount on the deposit?",
    "warranty",
    "zzz unheard-of qqq",
    "",
    "   \n",
    "password " * 600,
    "Wie lange dauert das? 何日かかりますか",
]


class HashEmbedder:
    """Sums a fixed random direction for each word: real vectors without a model."""

    def __init__(self, dim: int = 24, salt: str = "") -> None:
        self.dim, self.salt = dim, salt

    @property
    def identity(self) -> str:
        return json.dumps({"kind": "hash", "dim": self.dim, "salt": self.salt})

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split() or [""]:
                seed = hashlib.sha256((self.salt + word).encode()).digest()
                row += np.frombuffer((seed * 4)[: self.dim], dtype=np.uint8).astype(np.float32) - 127.3
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def make_corpus(texts: Sequence[str], names: Sequence[str] | None = None) -> Corpus:
    ids = names or [f"doc.md#{number}" for number in range(1, len(texts) + 1)]
    passages = tuple(Passage(name, text, "doc.md") for name, text in zip(ids, texts, strict=True))
    content = json.dumps([[p.id, p.heading, p.text] for p in passages])
    return Corpus(passages, {"doc.md": "\n".join(texts)}, hashlib.sha256(content.encode()).hexdigest())


def random_corpus(n: int = 60) -> Corpus:
    rng = random.Random(5)
    return make_corpus([" ".join(rng.choices(WORDS, k=rng.randint(2, 14))) for _ in range(n)])


def hash_embedder() -> Embedder:
    return HashEmbedder()


def bm25(corpus: Corpus) -> Retriever:
    return BM25Retriever(corpus)


def rank_bm25(corpus: Corpus) -> Retriever:
    return BM25Retriever(corpus, engine="rank_bm25")


def dense(corpus: Corpus) -> Retriever:
    return DenseRetriever(corpus, hash_embedder())


def hybrid(corpus: Corpus) -> Retriever:
    return HybridRetriever([bm25(corpus), dense(corpus)])


def routed(corpus: Corpus) -> Retriever:
    return Router([(r"refund|parcel", bm25(corpus))], dense(corpus))


def halves(question: str) -> list[str]:
    words = question.split()
    return [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]


def multi_query(corpus: Corpus) -> Retriever:
    return MultiQuery(bm25(corpus), halves)


@cache
def packaged_embedder() -> Embedder:
    from pytest_ragtune.retrieval.embedding import SentenceEmbedder

    return SentenceEmbedder()


def minilm(corpus: Corpus) -> Retriever:
    return DenseRetriever(corpus, packaged_embedder())


Make = Callable[[Corpus], Retriever]
LIGHT: list[Make] = [bm25, rank_bm25, dense, hybrid, routed, multi_query]
EVERY = [*LIGHT, pytest.param(minilm, marks=pytest.mark.models)]
every = pytest.mark.parametrize("make", EVERY)


@every
def test_is_a_retriever(make: Make) -> None:
    assert isinstance(make(random_corpus(3)), Retriever)


@every
def test_rankings_have_the_promised_form(make: Make) -> None:
    corpus = random_corpus()
    found = make(corpus).retrieve(QUESTIONS, 7)
    known = {passage.id for passage in corpus.passages}
    assert len(found) == len(QUESTIONS)
    for hits in found:
        assert len(hits) <= 7
        assert {hit.passage_id for hit in hits} <= known
        assert len({hit.passage_id for hit in hits}) == len(hits)
        assert [(-hit.score, hit.passage_id) for hit in hits] == sorted(
            (-h.score, h.passage_id) for h in hits
        )
    assert found[0]
    assert found[5] == found[6] == []


@every
def test_no_question_no_ranking(make: Make) -> None:
    assert make(random_corpus(4)).retrieve([], 3) == []


@every
def test_equal_passages_are_ordered_by_id_and_cut_reproducibly(make: Make) -> None:
    names = [f"doc.md#{number}" for number in range(1, 41)]
    random.Random(1).shuffle(names)
    retriever = make(make_corpus(["refund of the deposit"] * 40, names))
    hits = retriever.retrieve(["refund deposit"], 9)[0]
    assert [hit.passage_id for hit in hits] == sorted(names)[:9]


@every
def test_the_order_of_the_passages_does_not_matter(make: Make) -> None:
    corpus = random_corpus()
    mixed = list(corpus.passages)
    random.Random(2).shuffle(mixed)
    other = make(replace(corpus, passages=tuple(mixed))).retrieve(QUESTIONS, 10)
    assert other == make(corpus).retrieve(QUESTIONS, 10)


@every
def test_k_beyond_the_corpus_is_clamped(make: Make) -> None:
    retriever = make(random_corpus(5))
    assert retriever.retrieve(QUESTIONS, 10_000) == retriever.retrieve(QUESTIONS, 5)


@every
def test_a_smaller_k_gives_the_beginning_of_the_ranking(make: Make) -> None:
    retriever = make(random_corpus())
    long = retriever.retrieve(QUESTIONS, 30)
    assert [hits[:4] for hits in long] == retriever.retrieve(QUESTIONS, 4)


@every
@pytest.mark.parametrize("k", [0, -3, 2.5, True, None])
def test_a_senseless_k_is_refused_with_advice(make: Make, k: int) -> None:
    with pytest.raises(ValueError, match=r"k is .*expected a whole number of at least 1; .*k=5"):
        make(random_corpus(3)).retrieve(["refund"], k)


@every
def test_a_single_string_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="expected a list of questions"):
        make(random_corpus(3)).retrieve("refund", 2)


@every
def test_a_question_does_not_depend_on_its_companions(make: Make) -> None:
    retriever = make(random_corpus())
    together = retriever.retrieve(QUESTIONS, 8)
    assert [retriever.retrieve([question], 8)[0] for question in QUESTIONS] == together
    assert retriever.retrieve(QUESTIONS[::-1], 8) == together[::-1]


@every
def test_the_same_again_gives_the_same(make: Make) -> None:
    one, two = make(random_corpus()), make(random_corpus())
    assert one.retrieve(QUESTIONS, 8) == one.retrieve(QUESTIONS, 8) == two.retrieve(QUESTIONS, 8)
    assert one.identity == two.identity


@every
def test_identity_is_json_and_follows_the_corpus(make: Make) -> None:
    one, other = make(random_corpus(5)), make(random_corpus(6))
    assert isinstance(json.loads(one.identity), dict)
    assert one.identity != other.identity


@every
def test_an_empty_corpus_is_refused(make: Make) -> None:
    with pytest.raises(RagtuneError, match="corpus without passages: expected at least one"):
        make(make_corpus([]))


@every
def test_an_id_that_stands_twice_is_refused(make: Make) -> None:
    with pytest.raises(RagtuneError, match="'a#1' stands twice"):
        make(make_corpus(["refund", "parcel"], ["a#1", "a#1"]))


def variants() -> list[Retriever]:
    corpus = random_corpus(8)
    base, other = bm25(corpus), dense(corpus)
    return [
        base,
        other,
        rank_bm25(corpus),
        BM25Retriever(corpus, k1=1.2),
        BM25Retriever(corpus, b=0.5),
        DenseRetriever(corpus, HashEmbedder(salt="x")),
        DenseRetriever(corpus, HashEmbedder(), question_embedder=HashEmbedder(salt="x")),
        HybridRetriever([base, other]),
        HybridRetriever([other, base]),
        HybridRetriever([base, other], rank_constant=10),
        HybridRetriever([base, other], depth=50),
        HybridRetriever([base, other], weights=[2, 1]),
        MultiQuery(base, halves),
        MultiQuery(base, halves, version="2"),
        MultiQuery(base, halves, includes_question=False),
        MultiQuery(other, halves),
        Router([("a", base)], other),
        Router([("b", base)], other),
        Router([("a", other)], base),
    ]


def test_every_parameter_is_in_the_identity() -> None:
    identities = [retriever.identity for retriever in variants()]
    assert len(set(identities)) == len(identities)
