"""What a pipeline may rely on in an embedder, shown on the packaged model."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pytest_ragtune.protocols import Embedder
from pytest_ragtune.retrieval.embedding import SentenceEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

pytestmark = pytest.mark.models

TEXTS = [
    "When is a refund paid?",
    "The warranty lasts two years.",
    "",
    " ",
    "何日かかりますか",
    "a",
    "Parcels leave twice a day, at noon and at six, from the depot behind the station.",
    "refund " * 40,
    "deposit " * 900,
    "The warranty lasts two years.",
    "Is a voucher valid for ever?",
]


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    return SentenceEmbedder()


@pytest.fixture(scope="module")
def vectors(embedder: SentenceEmbedder) -> NDArray[np.float32]:
    return embedder.embed(TEXTS)


def test_is_an_embedder(embedder: SentenceEmbedder) -> None:
    assert isinstance(embedder, Embedder)


def test_one_unit_row_a_text(embedder: SentenceEmbedder, vectors: NDArray[np.float32]) -> None:
    import numpy as np

    assert vectors.shape == (len(TEXTS), embedder.dim) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_no_text_no_row(embedder: SentenceEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_a_vector_does_not_depend_on_its_batch(
    embedder: SentenceEmbedder, vectors: NDArray[np.float32]
) -> None:
    order = list(range(len(TEXTS)))
    random.Random(4).shuffle(order)
    shuffled = embedder.embed([TEXTS[place] for place in order])
    assert all((shuffled[row] == vectors[place]).all() for row, place in enumerate(order))
    assert all((embedder.embed([text])[0] == row).all() for text, row in zip(TEXTS, vectors, strict=True))
    assert (vectors[1] == vectors[9]).all()


def test_near_texts_have_near_vectors(embedder: SentenceEmbedder) -> None:
    near, same, far = embedder.embed(["How long is the guarantee?", TEXTS[1], TEXTS[6]])
    assert near @ same > near @ far + 0.2


def test_text_beyond_the_window_is_cut_off(embedder: SentenceEmbedder, vectors: NDArray[np.float32]) -> None:
    assert embedder.max_tokens == 256
    assert (embedder.embed(["deposit " * 900 + "refund"])[0] == vectors[8]).all()


def test_a_single_string_is_refused(embedder: SentenceEmbedder) -> None:
    with pytest.raises(ValueError, match="put it in brackets"):
        embedder.embed("refund")
