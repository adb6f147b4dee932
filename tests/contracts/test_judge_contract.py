"""What every judge keeps to, however it judges."""

from __future__ import annotations

import math
import random
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_ragtune.judges.embedding import EmbeddingJudge
from pytest_ragtune.judges.language import LanguageWarning
from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.judges.nli import NliJudge, has_weights
from pytest_ragtune.metrics.evidence import EvidenceJudge
from pytest_ragtune.protocols import Judge, RelevanceJudge
from pytest_ragtune.records import Support

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXTS = [
    "Items can be returned within 30 days. Opened items cannot be returned.",
    "Anna leads the team, and the office is in Lisbon.",
    "How long does delivery take?",
    "Delivery takes 3 days.",
    "delivery TAKES three days",
    "- one\n- two\n\n# Three\n```\nx = 1\n```",
    "It is so.",
    "你好。我很好！",
    "Ünïcödé naïve café",
    "",
    " \n",
    "🙂",
    "\x00\x07 control",
    "word " * 3000,
]
PAIRS = [(one, other) for one in TEXTS for other in TEXTS]


class SeededWords:
    """A small real embedder: the sum of one seeded random vector a word."""

    identity = "seeded-words"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.stack([self._row(text) for text in texts])
        unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def _row(self, text: str) -> NDArray[np.float64]:
        seeds = [zlib.crc32(word.encode()) for word in text.lower().split()] or [0]
        return np.sum([np.random.default_rng(seed).normal(size=32) for seed in seeds], axis=0)  # type: ignore[no-any-return]


COUNTING = Path(__file__).resolve().parents[2] / "fixtures" / "judges" / "overlap"
JUDGES: dict[str, Callable[[], Any]] = {
    "lexical": LexicalJudge,
    "embedding": lambda: EmbeddingJudge(SeededWords()),
    "nli-counting": lambda: NliJudge(COUNTING),
}
if has_weights():
    JUDGES["nli"] = NliJudge


@pytest.fixture(scope="module", params=sorted(JUDGES))
def made(request: pytest.FixtureRequest) -> Any:
    return JUDGES[request.param]()


@pytest.fixture
def judge(made: Any) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LanguageWarning)
        yield made


@pytest.fixture(params=["support", "relevance"])
def ask(request: pytest.FixtureRequest, judge: Any) -> Callable[[Sequence[tuple[str, str]]], list[Support]]:
    method: Callable[[Sequence[tuple[str, str]]], list[Support]] = getattr(judge, request.param)
    return method


Ask = Callable[[Sequence[tuple[str, str]]], list[Support]]


def test_it_keeps_the_protocols(judge: Any) -> None:
    assert isinstance(judge, Judge)
    assert isinstance(judge, RelevanceJudge)
    assert isinstance(judge, EvidenceJudge)
    assert judge.identity


def test_an_embedded_judge_says_that_it_never_varies(judge: Any) -> None:
    assert judge.is_deterministic


def test_one_opinion_a_pair_each_a_probability_or_a_reason(ask: Ask) -> None:
    opinions = ask(PAIRS)
    assert len(opinions) == len(PAIRS)
    for opinion in opinions:
        if opinion.probability is None:
            assert opinion.reason
        else:
            assert math.isfinite(opinion.probability)
            assert 0.0 <= opinion.probability <= 1.0


def test_the_order_of_pairs_does_not_matter(ask: Ask) -> None:
    order = list(range(len(PAIRS)))
    random.Random(3).shuffle(order)
    straight = ask(PAIRS)
    assert ask([PAIRS[number] for number in order]) == [straight[number] for number in order]


def test_the_company_of_a_pair_does_not_matter(ask: Ask) -> None:
    together = ask(PAIRS)
    assert [ask([pair])[0] for pair in PAIRS] == together


def test_nothing_asked_is_nothing_answered(ask: Ask) -> None:
    assert ask([]) == []


def test_a_text_supports_itself_more_than_another(judge: Any) -> None:
    text, other = TEXTS[1], TEXTS[0]
    same, different = judge.support([(text, text), (other, text)])
    assert same.probability >= 0.5 > different.probability


def test_best_support_is_the_best_of_support(judge: Any) -> None:
    for claim in TEXTS:
        (found,) = judge.best_support([(claim, TEXTS)])
        opinions = judge.support([(context, claim) for context in TEXTS])
        values = [opinion.probability for opinion in opinions]
        if None in values:
            assert found.support.probability is None
            continue
        assert found.support.probability == values[found.context]
        # of more than eight contexts a judge may leave out those that share least: where none supports the
        # claim, one of them may be less unlikely than those that it reads
        assert found.support.probability == max(values) or max(values) < 0.01
        assert " ".join(found.sentence.split()) in " ".join(TEXTS[found.context].split())


def test_a_context_may_come_in_several_requests(judge: Any) -> None:
    requests = [(TEXTS[3], TEXTS), (TEXTS[1], TEXTS[:2]), (TEXTS[3], TEXTS[:2]), (TEXTS[1], TEXTS)]
    assert judge.best_support(requests) == [judge.best_support([request])[0] for request in requests]
