from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_ragtune.errors import ModelError, RagtuneError
from pytest_ragtune.protocols import Reranker
from pytest_ragtune.records import Corpus, Hit, Passage
from pytest_ragtune.retrieval.rerank import CrossEncoderReranker, EmbeddingReranker

CORPUS = Corpus(
    (
        Passage("mixed#1", "Parcels leave at noon. Refunds take five days. Vouchers expire in May."),
        Passage("half#1", "Refunds and parcels."),
        Passage("far#1", "Vouchers expire in May."),
        Passage("empty#1", ""),
    ),
    {},
    "rerank",
)
ALL = [Hit(passage.id, 1.0) for passage in CORPUS.passages]


class TopicEmbedder:
    """Counts three topics; remembers the texts that it embedded."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.identity = json.dumps({"kind": "topics"})

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts.extend(texts)
        topics = ("refund", "parcel", "voucher", "")
        counts = [[text.lower().count(topic) if topic else 0.01 for topic in topics] for text in texts]
        rows = np.array(counts, dtype=np.float32)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def names(hits: list[Hit]) -> list[str]:
    return [hit.passage_id for hit in hits]


def test_the_best_sentence_lifts_a_long_passage() -> None:
    question = ["When is a refund paid?"]
    by_sentence = EmbeddingReranker(CORPUS, TopicEmbedder(), blend=0).rerank(question, [ALL])[0]
    by_passage = EmbeddingReranker(CORPUS, TopicEmbedder(), blend=1).rerank(question, [ALL])[0]
    assert names(by_sentence)[:2] == ["mixed#1", "half#1"]
    assert names(by_passage)[:2] == ["half#1", "mixed#1"]
    assert by_sentence[0].score == pytest.approx(1, abs=1e-3)
    assert by_passage[1].score == pytest.approx(3**-0.5, abs=1e-3)
    half = EmbeddingReranker(CORPUS, TopicEmbedder(), blend=0.5).rerank(question, [ALL[:1]])[0]
    assert half[0].score == pytest.approx((1 + 3**-0.5) / 2, abs=1e-3)


def test_passages_are_embedded_once() -> None:
    embedder = TopicEmbedder()
    reranker = EmbeddingReranker(CORPUS, embedder)
    reranker.rerank(["refund"], [ALL[:2]])
    first = len(embedder.texts)
    reranker.rerank(["voucher"], [ALL[:2]])
    assert embedder.texts[first:] == ["voucher"]


@pytest.mark.parametrize("blend", [-0.1, 1.1, float("nan")])
def test_a_blend_out_of_range_is_refused(blend: float) -> None:
    with pytest.raises(ValueError, match=r"expected 0 .* to 1"):
        EmbeddingReranker(CORPUS, TopicEmbedder(), blend=blend)


def train_tiny_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A cross-encoder with random weights, small, in the files of a real one."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "refunds",
        "refund",
        "parcels",
        "vouchers",
        "may",
        "days",
        ".",
    ]
    raw = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(
        tokenizer_object=raw,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=48,
    )
    options: dict[str, Any] = {
        "vocab_size": len(words),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 48,
        "num_labels": labels,
        "initializer_range": 1.0,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForSequenceClassification(BertConfig(**options)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny-cross-encoder")


@pytest.mark.models
def test_a_cross_encoder_gives_the_models_own_scores(tiny: Path) -> None:
    from sentence_transformers import CrossEncoder
    from torch import nn

    found = {
        h.passage_id: h.score for h in CrossEncoderReranker(CORPUS, tiny).rerank(["Refunds may"], [ALL])[0]
    }
    model = CrossEncoder(str(tiny), device="cpu")
    expected = model.predict([("Refunds may", p.text) for p in CORPUS.passages], activation_fn=nn.Identity())
    assert [found[passage.id] for passage in CORPUS.passages] == pytest.approx(expected.tolist(), abs=1e-5)
    assert len(set(found.values())) > 2


@pytest.mark.models
def test_a_question_longer_than_the_window_is_cut(tiny: Path) -> None:
    assert len(CrossEncoderReranker(CORPUS, tiny).rerank(["refund " * 500], [ALL])[0]) == 4


@pytest.mark.models
def test_a_cross_encoder_reports_progress_and_is_quiet(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, int, str]] = []
    reranker = CrossEncoderReranker(CORPUS, tiny, progress=lambda *step: seen.append(step))
    reranker.rerank(["refund"], [ALL])
    assert seen[-1] == (4, 4, "reranking")
    assert capfd.readouterr() == ("", "")


@pytest.mark.models
def test_a_model_with_several_outputs_is_refused(tmp_path: Path) -> None:
    folder = train_tiny_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(ModelError, match="'three' has 3 outputs: expected a cross-encoder with one"):
        CrossEncoderReranker(CORPUS, folder).rerank(["refund"], [ALL])


@pytest.mark.models
def test_a_damaged_cross_encoder_is_named(tmp_path: Path) -> None:
    folder = train_tiny_cross_encoder(tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"garbage" * 9)
    with pytest.raises(ModelError, match=r"broken cannot be loaded .*restore the folder"):
        CrossEncoderReranker(CORPUS, folder).rerank(["refund"], [ALL])


@pytest.fixture(params=["embedding", pytest.param("cross", marks=pytest.mark.models)])
def reranker(request: pytest.FixtureRequest) -> Any:
    if request.param == "embedding":
        return EmbeddingReranker(CORPUS, TopicEmbedder())
    return CrossEncoderReranker(CORPUS, request.getfixturevalue("tiny"))


QUESTIONS = ["refund", "", "vouchers in may", "refund"]


def test_every_reranker_keeps_the_hits_and_settles_their_order(reranker: Any) -> None:
    assert isinstance(reranker, Reranker)
    candidates = [ALL, ALL[1:3], [], ALL[::-1]]
    found = reranker.rerank(QUESTIONS, candidates)
    assert [sorted(names(hits)) for hits in found] == [sorted(names(hits)) for hits in candidates]
    assert found[0] == found[3]
    for hits in found:
        assert [(-hit.score, hit.passage_id) for hit in hits] == sorted(
            (-h.score, h.passage_id) for h in hits
        )
    alone = [
        reranker.rerank([question], [hits])[0] for question, hits in zip(QUESTIONS, candidates, strict=True)
    ]
    assert alone == found
    assert reranker.rerank([], []) == []
    assert reranker.rerank(["refund"], [[]]) == [[]]


def test_every_reranker_refuses_what_does_not_fit(reranker: Any) -> None:
    with pytest.raises(ValueError, match="2 questions and 1 lists of candidates"):
        reranker.rerank(["a", "b"], [ALL])
    with pytest.raises(RagtuneError, match="'x#9' is not in the reranker's corpus"):
        reranker.rerank(["a"], [[Hit("x#9", 1.0)]])
    with pytest.raises(ValueError, match="put it in brackets"):
        reranker.rerank("a", [ALL])


def test_rerankers_follow_corpus_and_parameters(reranker: Any) -> None:
    assert isinstance(json.loads(reranker.identity), dict)
    assert '"corpus":"rerank"' in reranker.identity
    identities = {EmbeddingReranker(CORPUS, TopicEmbedder(), blend=b).identity for b in (0, 0.5, 1)}
    assert len(identities) == 3
