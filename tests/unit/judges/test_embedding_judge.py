from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_ragtune.judges.embedding import EmbeddingJudge
from pytest_ragtune.records import Support
from pytest_ragtune.text import content_words

if TYPE_CHECKING:
    from numpy.typing import NDArray


class HashedWords:
    """A small real embedder: signed hashed counts of content words; counts what it was asked."""

    identity = "hashed-words"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.extend(texts)
        self.calls += 1
        rows = np.stack([self._row(text) for text in texts])
        unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def _row(self, text: str) -> NDArray[np.float64]:
        row = np.full(64, 1e-3)
        for word in content_words(text):
            digest = hashlib.sha256(word.encode()).digest()
            row[digest[0] % 64] += 1.0 if digest[1] % 2 else -1.0
        return row


CONTEXT = "Cats sleep. Delivery costs 5 euros. Anna leads the team."


def test_the_nearest_sentence_is_the_evidence() -> None:
    judge = EmbeddingJudge(HashedWords())
    (found,) = judge.best_support([("Delivery costs 5 euros", ["Dogs bark.", CONTEXT])])
    assert (found.context, found.sentence) == (1, "Delivery costs 5 euros.")
    assert (found.support.probability or 0.0) >= 0.5


def test_numbers_names_and_negation_count_as_in_the_lexical_judge() -> None:
    judge = EmbeddingJudge(HashedWords())
    claims = ["Delivery costs 5 euros", "Delivery costs 9 euros", "Delivery doesn't cost 5 euros"]
    right, number, negation = (o.probability or 0.0 for o in judge.support([(CONTEXT, c) for c in claims]))
    assert number < right / 2
    assert negation < right - 0.2


def test_best_support_equals_the_best_of_support() -> None:
    judge = EmbeddingJudge(HashedWords())
    contexts = [CONTEXT, "Delivery is free.", "", "Anna. Costs 5.", "Cats bark. Dogs sleep."]
    for claim in ("Delivery costs 5 euros", "Anna leads", "Cats do not sleep", "x"):
        (found,) = judge.best_support([(claim, contexts)])
        opinions = [o.probability or 0.0 for o in judge.support([(context, claim) for context in contexts])]
        assert found.support.probability == max(opinions)
        assert found.context == opinions.index(max(opinions))


def test_each_distinct_text_is_embedded_once() -> None:
    embedder = HashedWords()
    judge = EmbeddingJudge(embedder)
    judge.best_support([("Dogs bark", [CONTEXT, CONTEXT]), ("Dogs bark", [CONTEXT, "Dogs bark."])])
    judge.support([(CONTEXT, "Dogs bark")])
    assert embedder.calls == 1
    assert sorted(embedder.asked) == sorted(
        {"Dogs bark", "Cats sleep.", "Delivery costs 5 euros.", "Anna leads the team.", "Dogs bark."}
    )


def test_old_vectors_are_dropped_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_ragtune.judges.embedding._CACHED_VECTORS", 3)
    embedder = HashedWords()
    judge = EmbeddingJudge(embedder)
    judge.support([("Dogs bark.", "Dogs bark")])
    first = judge.support([(CONTEXT, "Dogs bark")])
    assert embedder.asked.count("Dogs bark") == 1
    judge.support([("Dogs bark.", "Dogs bark")])
    assert embedder.asked.count("Dogs bark.") == 2
    assert judge.support([(CONTEXT, "Dogs bark")]) == first


def test_what_cannot_be_judged() -> None:
    judge = EmbeddingJudge(HashedWords())
    assert judge.support([(CONTEXT, "🙂"), ("", "Dogs bark"), ("---", "Dogs bark")]) == [
        Support(None, "the claim has no words"),
        Support(0.0, "the context has no words"),
        Support(0.0, "the context has no words"),
    ]
    assert judge.best_support([("Dogs", [])])[0].context is None
    assert judge.relevance([("?", "yes"), ("Who?", "")]) == [
        Support(None, "the question has no words"),
        Support(0.0, "the answer has no words"),
    ]
    assert judge.support([]) == []


def test_relevance_prefers_what_was_asked_for() -> None:
    judge = EmbeddingJudge(HashedWords())
    question = "How much does delivery cost?"
    better, worse = judge.relevance([(question, "Delivery costs 5 euros"), (question, "Cats sleep")])
    assert (better.probability or 0.0) > (worse.probability or 0.0)


def test_identity_holds_the_embedder() -> None:
    assert EmbeddingJudge(HashedWords()).identity == "embedding/3(embedder='hashed-words')"


@pytest.mark.models
def test_a_paraphrase_is_nearer_with_the_packaged_embedder() -> None:
    from pytest_ragtune.retrieval.embedding import SentenceEmbedder

    judge = EmbeddingJudge(SentenceEmbedder())
    context = "Shipping is free of charge above 50 euros. Our office is in Lisbon."
    paraphrase, other = judge.best_support(
        [("Delivery costs nothing over 50 euros", [context]), ("Penguins like cold water", [context])]
    )
    assert paraphrase.sentence == "Shipping is free of charge above 50 euros."
    assert (paraphrase.support.probability or 0.0) > (other.support.probability or 0.0) + 0.2
