"""Index and query time of every BM25 engine, and of exact dense search beside a plain matrix product.

Run: ``python tests/benchmarks/bench_retrieval.py [PASSAGES ...]`` (10000 unless given;
100000 is the large one). It exits with 1 when two engines disagree on a ranking.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_ragtune.protocols import Retriever
from pytest_ragtune.records import Corpus, Hit, Passage
from pytest_ragtune.retrieval.bm25 import BM25Retriever
from pytest_ragtune.retrieval.dense import DenseRetriever

T = TypeVar("T")
WORDS, QUESTION_WORDS, VOCABULARY, DIM, K, QUESTIONS, REFERENCE_QUESTIONS = 60, 8, 50_000, 384, 10, 200, 5
ENGINES: dict[str, dict[str, Any]] = {
    "rank_bm25": {"engine": "rank_bm25"},
    "bm25s numpy": {"backend": "numpy"},
    "bm25s numba": {"backend": "numba"},
}


class RandomEmbedder:
    """A fixed random unit vector for each text: search without the cost of a model."""

    identity = "random"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Array ``(len(texts), DIM)``."""
        rows = np.stack([np.random.default_rng(len(t) + hash_of(t)).standard_normal(DIM) for t in texts])
        unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


def hash_of(text: str) -> int:
    """A number that is the same in every run."""
    return int.from_bytes(text.encode()[:24], "big")


def make_texts(n: int) -> tuple[Corpus, list[str]]:
    """Passages and questions of words by Zipf's law."""
    rng = random.Random(0)
    names = [f"w{number:x}q" for number in range(VOCABULARY)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(VOCABULARY)))
    passages = tuple(
        Passage(f"d#{number:06}", " ".join(rng.choices(names, cum_weights=weights, k=WORDS)))
        for number in range(n)
    )
    questions = [
        " ".join(rng.choices(names, cum_weights=weights, k=QUESTION_WORDS)) for _ in range(QUESTIONS)
    ]
    return Corpus(passages, {}, f"zipf-{n}"), questions


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that one call takes, and what it gives."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def row(name: str, index: float, first: float, each: float, base: float) -> str:
    """One line of the table."""
    return f"{name:<26}{index:>10.2f}{first * 1000:>14.1f}{each * 1000:>14.2f}{base / each:>10.1f}"


def measure(
    make: Callable[[], Retriever], questions: list[str]
) -> tuple[float, float, float, list[list[Hit]]]:
    """Seconds to build, for the first question, for each other question; and the rankings."""
    index, retriever = timed(make)
    first, found = timed(lambda: retriever.retrieve(questions[:1], K))
    rest, more = timed(lambda: retriever.retrieve(questions[1:], K))
    return index, first, rest / (len(questions) - 1), found + more


def bench_bm25(corpus: Corpus, questions: list[str]) -> bool:
    """Print a line for each engine; True when their rankings are equal."""
    rankings, base = [], 0.0
    for name, options in ENGINES.items():
        asked = questions[:REFERENCE_QUESTIONS] if name == "rank_bm25" else questions
        BM25Retriever(
            corpus, **options | {"backend": "numpy"}
        )  # words cut, library loaded: not what is compared
        index, first, each, found = measure(partial(BM25Retriever, corpus, **options), asked)
        base = base or each
        print(row(name, index, first, each, base))
        rankings.append(found[:REFERENCE_QUESTIONS])
    return rankings[0] == rankings[1] == rankings[2]


def bench_dense(corpus: Corpus, questions: list[str]) -> bool:
    """Print a line for a matrix product and for the retriever; True when their rankings are equal."""
    embedder = RandomEmbedder()
    embedding, vectors = timed(lambda: embedder.embed([passage.text for passage in corpus.passages]))
    asked = embedder.embed(questions)
    first, _ = timed(lambda: nearest(vectors, asked[0]))
    rest, plain = timed(lambda: [nearest(vectors, question) for question in asked])
    base = rest / len(asked)
    print(row("numpy, one by one", 0.0, first, base, base))
    whole, _ = timed(lambda: np.argpartition(-(asked @ vectors.T), K, axis=1))
    print(row("numpy, all at once", 0.0, whole, whole / len(asked), base))
    index, first, each, found = measure(lambda: DenseRetriever(corpus, embedder), questions)
    print(row("DenseRetriever (FAISS)", index, first - embedding, each, base))
    return [[hit.passage_id for hit in hits] for hits in found] == [
        [corpus.passages[place].id for place in places] for places in plain
    ]


def nearest(vectors: NDArray[np.float32], question: NDArray[np.float32]) -> list[int]:
    """Places of the K best, best first."""
    scores = vectors @ question
    best = np.argpartition(-scores, K)[:K]
    return [int(place) for place in best[np.argsort(-scores[best])]]


def main(arguments: Sequence[str]) -> int:
    """Print one table a size; 1 when rankings differ."""
    agree = True
    for size in map(int, arguments or ["10000"]):
        corpus, questions = make_texts(size)
        print(f"\n{size} passages of {WORDS} words, {len(questions)} questions of {QUESTION_WORDS}, k={K}")
        print(f"{'':<26}{'index, s':>10}{'first, ms':>14}{'each, ms':>14}{'ratio':>10}")
        agree = bench_bm25(corpus, questions) and agree
        agree = bench_dense(corpus, questions) and agree
    print(f"\nrankings {'agree' if agree else 'DIFFER'}")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
