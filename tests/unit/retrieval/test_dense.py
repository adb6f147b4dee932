from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_ragtune.errors import ModelError
from pytest_ragtune.records import Corpus, Passage
from pytest_ragtune.retrieval import vectors
from pytest_ragtune.retrieval.dense import DenseRetriever


class TableEmbedder:
    """Vectors from a table; counts the texts that it embeds."""

    def __init__(self, table: Mapping[str, Sequence[float]], name: str = "table") -> None:
        self.table, self.name, self.count = table, name, 0

    @property
    def identity(self) -> str:
        return json.dumps({"kind": self.name})

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.count += len(texts)
        rows = np.array([self.table[text] for text in texts], dtype=np.float32)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


TABLE = {"east": (1, 0), "north": (0, 1), "west": (-1, 0), "north east": (1, 1), "where?": (2, 1)}
CORPUS = Corpus(tuple(Passage(f"{name}#1", name) for name in list(TABLE)[:4]), {}, "compass")


def test_passages_are_ranked_by_cosine() -> None:
    hits = DenseRetriever(CORPUS, TableEmbedder(TABLE)).retrieve(["where?"], 4)[0]
    assert [hit.passage_id for hit in hits] == ["north east#1", "east#1", "north#1", "west#1"]
    assert [hit.score for hit in hits] == pytest.approx([3 / 10**0.5, 2 / 5**0.5, 1 / 5**0.5, -2 / 5**0.5])


@pytest.mark.parametrize("k", [1, 3, 20, 90])
def test_ties_beyond_the_first_search_are_found(k: int) -> None:
    corpus = Corpus(
        tuple(Passage(f"p{n:03}", "east" if n % 2 else "north") for n in range(300, 0, -1)), {}, "many"
    )
    hits = DenseRetriever(corpus, TableEmbedder(TABLE)).retrieve(["east"], k)[0]
    assert [hit.passage_id for hit in hits] == [f"p{n:03}" for n in range(1, 300, 2)][:k]


def test_agrees_with_a_plain_matrix_product() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 32))
    table = {str(n): tuple(row) for n, row in enumerate(rows)}
    corpus = Corpus(tuple(Passage(f"p{n}", str(n)) for n in range(360)), {}, "random")
    found = DenseRetriever(corpus, TableEmbedder(table)).retrieve([str(n) for n in range(360, 400)], 10)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    best = np.argsort(-unit[360:] @ unit[:360].T, axis=1)[:, :10]
    assert [[hit.passage_id for hit in hits] for hits in found] == [[f"p{n}" for n in row] for row in best]


def test_nothing_is_embedded_before_the_first_question() -> None:
    embedder = TableEmbedder(TABLE)
    retriever = DenseRetriever(CORPUS, embedder)
    assert retriever.retrieve([" "], 3) == [[]]
    assert embedder.count == 0
    retriever.retrieve(["east"], 3)
    retriever.retrieve(["east"], 3)
    assert embedder.count == len(CORPUS.passages) + 2


def test_questions_may_have_their_own_embedder() -> None:
    turned = TableEmbedder({"where?": (0, -1)}, "turned")
    hits = DenseRetriever(CORPUS, TableEmbedder(TABLE), question_embedder=turned).retrieve(["where?"], 1)[0]
    assert hits[0].passage_id == "east#1"
    narrow = TableEmbedder({"where?": (1, 0, 0)}, "narrow")
    with pytest.raises(ModelError, match="questions have 3 dimensions and passages 2"):
        DenseRetriever(CORPUS, TableEmbedder(TABLE), question_embedder=narrow).retrieve(["where?"], 1)


@pytest.mark.parametrize("wrong", [np.zeros((1, 2)), np.zeros(4), np.full((4, 2), np.nan)])
def test_an_embedder_that_breaks_its_promise_is_named(
    wrong: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TableEmbedder, "embed", lambda self, texts: wrong)
    with pytest.raises(ModelError, match=r"TableEmbedder.embed gave .* for 4 texts.*expected \(4, dim\)"):
        DenseRetriever(CORPUS, TableEmbedder(TABLE)).retrieve(["east"], 1)


def cached(folder: Path, name: str = "table", corpus: Corpus = CORPUS) -> tuple[int, Any]:
    """Texts embedded for one question, and the ranking."""
    embedder = TableEmbedder(TABLE, name)
    found = DenseRetriever(corpus, embedder, cache=folder).retrieve(["where?"], 4)
    return embedder.count, found


def test_vectors_are_kept_by_embedder_and_corpus(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "vectors"
    first = cached(folder)
    assert first[0] == 5
    assert cached(folder) == (1, first[1])
    assert cached(folder, name="other")[0] == 5
    assert cached(folder, corpus=Corpus(CORPUS.passages, {}, "other"))[0] == 5
    assert len(list(folder.iterdir())) == 3
    assert np.load(min(folder.iterdir())).shape == (4, 2)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "garbage", "rows"])
def test_a_damaged_file_is_computed_again(tmp_path: Path, damage: str) -> None:
    first = cached(tmp_path)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[140] ^= 1
    if damage == "rows":
        vectors.write(file, np.ones((3, 2), dtype=np.float32))
    else:
        file.write_bytes(
            {"cut": bytes(content[:-9]), "flip": bytes(content), "empty": b"", "garbage": b"\0" * 400}[damage]
        )
    assert cached(tmp_path) == first
    assert cached(tmp_path) == (1, first[1])


def test_pickles_are_never_read(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    objects = np.array([{"a": 1}], dtype=object)
    vectors.write(file, np.zeros((1, 1), dtype=np.float32))
    import hashlib
    import io

    buffer = io.BytesIO()
    np.save(buffer, objects, allow_pickle=True)
    file.write_bytes(buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest())
    assert vectors.read(file, 1) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.array([[3.0, 4.0]] * 4), "gave a vector of length 5: expected length 1"),
        ([["a", "b"]] * 4, "failed or gave no array of numbers"),
        ([[1.0], [1.0, 0.0]] * 2, "failed or gave no array of numbers"),
        (np.zeros((4, 0)), r"gave an array of shape \(4, 0\) for 4 texts"),
        (None, r"gave an array of shape \(1,\) for 4 texts"),
    ],
)
def test_vectors_that_are_none_are_explained(
    given: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = TableEmbedder(TABLE)
    monkeypatch.setattr(embedder, "embed", lambda texts: given)
    with pytest.raises(ModelError, match=rf"TableEmbedder\.embed {message}"):
        DenseRetriever(CORPUS, embedder).retrieve(["where?"], 4)


def test_a_vector_of_zeros_is_as_far_from_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = TableEmbedder(TABLE)
    monkeypatch.setattr(embedder, "embed", lambda texts: np.zeros((len(texts), 2)))
    hits = DenseRetriever(CORPUS, embedder).retrieve(["where?"], 2)[0]
    assert [(hit.passage_id, hit.score) for hit in hits] == [("east#1", 0.0), ("north east#1", 0.0)]


def test_a_cache_that_cannot_be_written_warns_and_works(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.warns(RuntimeWarning, match="the vectors cannot be kept in .*computed again next time"):
        count, found = cached(blocked / "vectors")
    assert count == 5
    assert found == cached(tmp_path)[1]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: object, target: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        vectors.write(tmp_path / "x.npy", np.zeros((1, 1), dtype=np.float32))
    assert list(tmp_path.iterdir()) == []
