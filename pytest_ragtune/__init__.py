"""pytest-ragtune: evaluation as tests for RAG, LoRA, hybrid and long-context pipelines.

The public names are below; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import CallablePipeline as CallablePipeline
    from .asserts import (
        assert_at_least as assert_at_least,
    )
    from .asserts import (
        assert_at_most as assert_at_most,
    )
    from .asserts import (
        assert_better as assert_better,
    )
    from .asserts import (
        assert_faithful as assert_faithful,
    )
    from .asserts import (
        assert_no_regression as assert_no_regression,
    )
    from .asserts import (
        assert_relevant as assert_relevant,
    )
    from .asserts import (
        assert_retrieves as assert_retrieves,
    )
    from .checks import (
        at_least as at_least,
    )
    from .checks import (
        at_most as at_most,
    )
    from .checks import (
        better_than as better_than,
    )
    from .checks import (
        no_regression as no_regression,
    )
    from .context import NoContext as NoContext
    from .context import Retrieved as Retrieved
    from .context import WholeCorpus as WholeCorpus
    from .corpus import load_corpus as load_corpus
    from .corpus.chunking import Chunking as Chunking
    from .errors import RagtuneError as RagtuneError
    from .evaluation import evaluate as evaluate
    from .generation.causal import CausalGenerator as CausalGenerator
    from .generation.lora import LoraGenerator as LoraGenerator
    from .generation.lora import train_adapter as train_adapter
    from .golden import load_golden_set as load_golden_set
    from .judges.embedding import EmbeddingJudge as EmbeddingJudge
    from .judges.lexical import LexicalJudge as LexicalJudge
    from .pipeline import Pipeline as Pipeline
    from .prompt import PromptTemplate as PromptTemplate
    from .records import (
        Case as Case,
    )
    from .records import (
        Corpus as Corpus,
    )
    from .records import (
        Evaluation as Evaluation,
    )
    from .records import (
        GoldenSet as GoldenSet,
    )
    from .records import (
        Passage as Passage,
    )
    from .records import (
        Response as Response,
    )
    from .records import (
        Score as Score,
    )
    from .records import (
        Verdict as Verdict,
    )
    from .retrieval.bm25 import BM25Retriever as BM25Retriever
    from .retrieval.dense import DenseRetriever as DenseRetriever
    from .retrieval.embedding import SentenceEmbedder as SentenceEmbedder
    from .retrieval.fusion import HybridRetriever as HybridRetriever
    from .store import Store as Store

_HOMES = {
    "BM25Retriever": "retrieval.bm25",
    "CallablePipeline": "application",
    "Case": "records",
    "CausalGenerator": "generation.causal",
    "Chunking": "corpus.chunking",
    "Corpus": "records",
    "DenseRetriever": "retrieval.dense",
    "EmbeddingJudge": "judges.embedding",
    "Evaluation": "records",
    "GoldenSet": "records",
    "HybridRetriever": "retrieval.fusion",
    "LexicalJudge": "judges.lexical",
    "LoraGenerator": "generation.lora",
    "NoContext": "context",
    "Passage": "records",
    "Pipeline": "pipeline",
    "PromptTemplate": "prompt",
    "RagtuneError": "errors",
    "Response": "records",
    "Retrieved": "context",
    "Score": "records",
    "SentenceEmbedder": "retrieval.embedding",
    "Store": "store",
    "Verdict": "records",
    "WholeCorpus": "context",
    "assert_at_least": "asserts",
    "assert_at_most": "asserts",
    "assert_better": "asserts",
    "assert_faithful": "asserts",
    "assert_no_regression": "asserts",
    "assert_relevant": "asserts",
    "assert_retrieves": "asserts",
    "at_least": "checks",
    "at_most": "checks",
    "better_than": "checks",
    "evaluate": "evaluation",
    "load_corpus": "corpus",
    "load_golden_set": "golden",
    "no_regression": "checks",
    "train_adapter": "generation.lora",
}

__all__ = [
    "BM25Retriever",
    "CallablePipeline",
    "Case",
    "CausalGenerator",
    "Chunking",
    "Corpus",
    "DenseRetriever",
    "EmbeddingJudge",
    "Evaluation",
    "GoldenSet",
    "HybridRetriever",
    "LexicalJudge",
    "LoraGenerator",
    "NoContext",
    "Passage",
    "Pipeline",
    "PromptTemplate",
    "RagtuneError",
    "Response",
    "Retrieved",
    "Score",
    "SentenceEmbedder",
    "Store",
    "Verdict",
    "WholeCorpus",
    "assert_at_least",
    "assert_at_most",
    "assert_better",
    "assert_faithful",
    "assert_no_regression",
    "assert_relevant",
    "assert_retrieves",
    "at_least",
    "at_most",
    "better_than",
    "evaluate",
    "load_corpus",
    "load_golden_set",
    "no_regression",
    "train_adapter",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
