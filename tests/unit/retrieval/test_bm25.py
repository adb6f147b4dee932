from __future__ import annotations

import gzip
import json
import logging
import math
import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.errors import MissingExtra, RagtuneError
from pytest_ragtune.records import Corpus, Passage
from pytest_ragtune.retrieval import bm25 as module
from pytest_ragtune.retrieval.bm25 import BM25Retriever
from pytest_ragtune.retrieval.tokens import WordTokenizer


def corpus_of(*texts: str) -> Corpus:
    passages = tuple(Passage(f"d#{number}", text) for number, text in enumerate(texts, start=1))
    return Corpus(passages, {}, repr(texts))


def skewed_corpus(n: int, seed: int = 3) -> Corpus:
    """Words drawn so that some are in most passages and many in one: the shape of real text."""
    rng = random.Random(seed)
    words = [f"w{int(rng.paretovariate(0.7))}" for _ in range(n * 30)]
    return corpus_of(*[" ".join(words[i * 30 : i * 30 + rng.randint(1, 30)]) for i in range(n)])


PLAIN = WordTokenizer(is_stemmed=False, drops_asking_words=False)


def test_the_score_is_the_documented_formula() -> None:
    retriever = BM25Retriever(corpus_of("cat cat dog", "dog", "bird bird"), k1=1.2, b=0.5, tokenizer=PLAIN)
    hit = retriever.retrieve(["cat cat"], 3)[0]
    once = math.log(4 / 1) * 2 * 2.2 / (2 + 1.2 * (0.5 + 0.5 * 3 / 2))
    assert [h.passage_id for h in hit] == ["d#1"]
    assert hit[0].score == pytest.approx(2 * once, rel=1e-6)


def test_a_word_in_every_passage_still_finds_them() -> None:
    hits = BM25Retriever(corpus_of("refund now", "refund refund refund")).retrieve(["refund"], 5)[0]
    assert [hit.passage_id for hit in hits] == ["d#2", "d#1"]
    assert [len(hits) for hits in BM25Retriever(corpus_of("refund")).retrieve(["refund", "parcel"], 5)] == [
        1,
        0,
    ]


def test_passages_that_share_no_word_are_no_hits() -> None:
    hits = BM25Retriever(corpus_of("refund", "parcel", "")).retrieve(["refund"], 3)[0]
    assert [hit.passage_id for hit in hits] == ["d#1"]


@pytest.mark.parametrize("engine", ["bm25s", "rank_bm25"])
def test_indexing_logs_and_prints_nothing(
    engine: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    BM25Retriever(corpus_of("first"), engine=engine)  # the library sets its logger's level when imported
    level = logging.getLogger("bm25s").level
    BM25Retriever(corpus_of("refund", "parcel"), engine=engine).retrieve(["refund", ""], 2)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("bm25s").level == level


def test_headings_are_indexed() -> None:
    corpus = Corpus(
        (Passage("a#1", "Within 14 days.", heading="Returns"), Passage("b#1", "In May.")), {}, "x"
    )
    assert [hit.passage_id for hit in BM25Retriever(corpus).retrieve(["returns"], 5)[0]] == ["a#1"]


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.0, 0.75), (1.2, 1.0), (2.0, 0.0)])
def test_the_engines_give_the_same_ranking(k1: float, b: float) -> None:
    corpus = corpus_of(*(passage.text for passage in skewed_corpus(150).passages), "", "!!")
    questions = [" ".join(f"w{n}" for n in range(start, start + 4)) for start in range(1, 25)]
    rankings = [
        BM25Retriever(corpus, engine=engine, k1=k1, b=b).retrieve(questions, 20)
        for engine in ("bm25s", "rank_bm25")
    ]
    assert rankings[0] == rankings[1]
    assert all(rankings[0])


def test_the_engines_agree_before_rounding() -> None:
    corpus = skewed_corpus(120)
    one, two = BM25Retriever(corpus), BM25Retriever(corpus, engine="rank_bm25")
    words = ["w1", "w2", "w9", "w2"]
    assert one._index.scores(words) == pytest.approx(two._index.scores(words), rel=1e-12)


@pytest.mark.slow
def test_numba_gives_the_same_ranking() -> None:
    pytest.importorskip("numba", reason="numba is not installed (extra fast)")
    corpus = skewed_corpus(100)
    questions = ["w1 w2", "w7", "w3 w3 w50"]
    compiled = BM25Retriever(corpus, backend="numba")
    assert compiled.retrieve(questions, 9) == BM25Retriever(corpus, backend="numpy").retrieve(questions, 9)
    assert compiled.identity == BM25Retriever(corpus).identity


def test_auto_takes_numba_only_for_a_large_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba", reason="numba is not installed (extra fast)")
    assert module._resolved("auto", module.NUMBA_PASSAGES - 1) == "numpy"
    assert module._resolved("auto", module.NUMBA_PASSAGES) == "numba"
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert module._resolved("auto", module.NUMBA_PASSAGES) == "numpy"
    with pytest.raises(MissingExtra, match=r"pytest-ragtune\[fast\]"):
        module._resolved("numba", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "lucene"}, "engine is 'lucene': expected 'bm25s' or 'rank_bm25'"),
        ({"backend": "jax"}, "backend is 'jax': expected 'auto', 'numpy' or 'numba'"),
        ({"engine": "rank_bm25", "backend": "numba"}, "only the engine 'bm25s' has back ends"),
        ({"k1": -1}, "k1 is -1: expected a finite number of at least 0"),
        ({"k1": float("nan")}, "k1 is nan"),
        ({"b": 1.5}, "b is 1.5: expected a number from 0 to 1"),
    ],
)
def test_parameters_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BM25Retriever(corpus_of("refund"), **options)


@pytest.mark.parametrize("engine", ["bm25s", "rank_bm25"])
def test_a_corpus_without_words_is_refused(engine: Any) -> None:
    with pytest.raises(RagtuneError, match="2 passages without a single word"):
        BM25Retriever(corpus_of("...", ""), engine=engine)


def load_shared(name: str) -> tuple[Corpus, dict[str, str], list[list[str]]]:
    folder = Path(os.environ["RAGTUNE_DATA"]) / "retrieval" / name
    lines = gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8").read().splitlines()  # noqa: SIM115
    passages = tuple(Passage(entry["id"], entry["text"]) for entry in map(json.loads, lines))
    asked = map(json.loads, (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    labels = [line.split() for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    return Corpus(passages, {}, name), {entry["id"]: entry["text"] for entry in asked}, labels


@pytest.mark.slow
@pytest.mark.skipif("RAGTUNE_DATA" not in os.environ, reason="RAGTUNE_DATA names no folder of shared data")
def test_quality_and_engines_on_cranfield() -> None:
    import ir_measures

    corpus, questions, labels = load_shared("cranfield")
    found = BM25Retriever(corpus).retrieve(list(questions.values()), 20)
    some = list(questions.values())[:40]
    assert BM25Retriever(corpus, engine="rank_bm25").retrieve(some, 20) == found[:40]
    run = [
        ir_measures.ScoredDoc(name, hit.passage_id, hit.score)
        for name, hits in zip(questions, found, strict=True)
        for hit in hits
    ]
    qrels = [ir_measures.Qrel(query, doc, int(grade)) for query, doc, grade in labels]
    score = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run)[ir_measures.nDCG @ 10]
    assert score == pytest.approx(0.371, abs=0.005)
