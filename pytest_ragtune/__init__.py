"""pytest-ragtune: evaluation as tests for RAG, LoRA, hybrid and long-context pipelines.

The public names are below; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import CallablePipeline as CallablePipeline
    from .asserts import assert_at_least as assert_at_least
    from .asserts import assert_at_most as assert_at_most
    from .asserts import assert_better as assert_better
    from .asserts import assert_faithful as assert_faithful
    from .asserts import assert_no_regression as assert_no_regression
    from .asserts import assert_relevant as assert_relevant
    from .asserts import assert_retrieves as assert_retrieves
    from .backends.deepeval import DeepEvalMetric as DeepEvalMetric
    from .backends.ragas import RagasMetric as RagasMetric
    from .checks import at_least as at_least
    from .checks import at_most as at_most
    from .checks import better_than as better_than
    from .checks import no_regression as no_regression
    from .context import NoContext as NoContext
    from .context import Retrieved as Retrieved
    from .context import WholeCorpus as WholeCorpus
    from .corpus import load_corpus as load_corpus
    from .errors import RagtuneError as RagtuneError
    from .evaluation import evaluate as evaluate
    from .generation.causal import CausalGenerator as CausalGenerator
    from .generation.endpoint import EndpointGenerator as EndpointGenerator
    from .generation.endpoint_callable import CallableGenerator as CallableGenerator
    from .generation.lora import LoraGenerator as LoraGenerator
    from .generation.lora import train_adapter as train_adapter
    from .golden import load_golden_set as load_golden_set
    from .judges.embedding import EmbeddingJudge as EmbeddingJudge
    from .judges.lexical import LexicalJudge as LexicalJudge
    from .judges.majority import MajorityJudge as MajorityJudge
    from .judges.prompted import PromptedJudge as PromptedJudge
    from .pipeline import Pipeline as Pipeline
    from .prompt import PromptTemplate as PromptTemplate
    from .records import Evaluation as Evaluation
    from .records import GoldenSet as GoldenSet
    from .records import Response as Response
    from .retrieval.bm25 import BM25Retriever as BM25Retriever
    from .retrieval.dense import DenseRetriever as DenseRetriever
    from .retrieval.embedding import SentenceEmbedder as SentenceEmbedder
    from .retrieval.fusion import HybridRetriever as HybridRetriever
    from .store import Store as Store

_HOMES = {
    "BM25Retriever": "retrieval.bm25",
    "CallableGenerator": "generation.endpoint_callable",
    "CallablePipeline": "application",
    "CausalGenerator": "generation.causal",
    "DeepEvalMetric": "backends.deepeval",
    "DenseRetriever": "retrieval.dense",
    "EmbeddingJudge": "judges.embedding",
    "EndpointGenerator": "generation.endpoint",
    "Evaluation": "records",
    "GoldenSet": "records",
    "HybridRetriever": "retrieval.fusion",
    "LexicalJudge": "judges.lexical",
    "LoraGenerator": "generation.lora",
    "MajorityJudge": "judges.majority",
    "NoContext": "context",
    "Pipeline": "pipeline",
    "PromptTemplate": "prompt",
    "PromptedJudge": "judges.prompted",
    "RagasMetric": "backends.ragas",
    "RagtuneError": "errors",
    "Response": "records",
    "Retrieved": "context",
    "SentenceEmbedder": "retrieval.embedding",
    "Store": "store",
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
    "CallableGenerator",
    "CallablePipeline",
    "CausalGenerator",
    "DeepEvalMetric",
    "DenseRetriever",
    "EmbeddingJudge",
    "EndpointGenerator",
    "Evaluation",
    "GoldenSet",
    "HybridRetriever",
    "LexicalJudge",
    "LoraGenerator",
    "MajorityJudge",
    "NoContext",
    "Pipeline",
    "PromptTemplate",
    "PromptedJudge",
    "RagasMetric",
    "RagtuneError",
    "Response",
    "Retrieved",
    "SentenceEmbedder",
    "Store",
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
