"""The fixtures. Each can be overridden in a conftest.py; what depends on it follows.

Every fixture is function-scoped over a memo of the run, keyed by what it is made from: an override
for one folder cannot leak into another, and nothing is built twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .generation.lora import Adapter
    from .pipeline import Pipeline
    from .prompt import PromptTemplate
    from .protocols import Embedder, Generator, Judge, Reranker, Retriever
    from .records import Case, Corpus, GoldenSet
    from .run import Run

RETRIEVERS = ("bm25", "dense", "hybrid")
NEEDS_CASE = (
    "golden_case is filled in by parametrisation: ask for it in a test, not in a fixture of wider scope"
)


def _run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.config.pluginmanager.getplugin("ragtune-run").run
    return found


@pytest.fixture
def golden_set(request: pytest.FixtureRequest) -> GoldenSet:
    """The golden set named by the test's marker, or the one whose folder the test lies in."""
    from .parametrise import marked_golden_set

    selected = marked_golden_set(request.node)
    if not selected.cases:
        pytest.skip(f"--ragtune-case selects none of the cases of {selected.name}")
    return selected


@pytest.fixture
def golden_case(request: pytest.FixtureRequest) -> Case:
    """One case of the golden set: a test that asks for it runs once a case."""
    found: Case = getattr(request, "param", None)  # type: ignore[assignment]
    if found is None:
        raise pytest.UsageError(NEEDS_CASE)
    return found


@pytest.fixture
def corpus(golden_set: GoldenSet) -> Corpus:
    """The golden set's corpus, cut into passages."""
    return golden_set.corpus


@pytest.fixture
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Sentence embeddings: the packaged MiniLM-L6."""
    from .retrieval.embedding import SentenceEmbedder

    run = _run(request)
    return run.made(lambda: run.memo(("embedder",), lambda: SentenceEmbedder(progress=run.progress)))


@pytest.fixture
def bm25_retriever(request: pytest.FixtureRequest, corpus: Corpus) -> Retriever:
    """BM25 over the corpus."""
    from .retrieval.bm25 import BM25Retriever

    return _run(request).memo(("bm25", corpus.fingerprint), lambda: BM25Retriever(corpus))


@pytest.fixture
def dense_retriever(request: pytest.FixtureRequest, corpus: Corpus, embedder: Embedder) -> Retriever:
    """Nearest passages by embedding, exact search."""
    from .generation.models import cache_folder
    from .retrieval.dense import DenseRetriever

    run = _run(request)
    return run.made(
        lambda: run.memo(
            ("dense", corpus.fingerprint, embedder.identity),
            lambda: DenseRetriever(corpus, embedder, cache=cache_folder() / "vectors"),
        )
    )


@pytest.fixture
def hybrid_retriever(
    request: pytest.FixtureRequest, bm25_retriever: Retriever, dense_retriever: Retriever
) -> Retriever:
    """BM25 and dense, joined by reciprocal rank fusion."""
    from .retrieval.fusion import HybridRetriever

    parts = [bm25_retriever, dense_retriever]
    run = _run(request)
    return run.made(
        lambda: run.memo(("hybrid", *(part.identity for part in parts)), lambda: HybridRetriever(parts))
    )


@pytest.fixture
def reranker(request: pytest.FixtureRequest, corpus: Corpus, embedder: Embedder) -> Reranker:
    """Re-orders candidates by their best sentence."""
    from .retrieval.rerank import EmbeddingReranker

    run = _run(request)
    return run.made(
        lambda: run.memo(
            ("reranker", corpus.fingerprint, embedder.identity), lambda: EmbeddingReranker(corpus, embedder)
        )
    )


@pytest.fixture
def retriever(request: pytest.FixtureRequest, golden_set: GoldenSet) -> Retriever:
    """What the ``rag`` pipelines retrieve with: the golden set's ``defaults.retriever``, else the hybrid."""
    name = golden_set.defaults.get("retriever", "hybrid")
    if name not in RETRIEVERS:
        raise pytest.UsageError(
            f"golden set {golden_set.name!r}: defaults.retriever is {name!r}; expected one of "
            f"{', '.join(RETRIEVERS)}, or override the retriever fixture"
        )
    found: Retriever = request.getfixturevalue(f"{name}_retriever")
    return found


@pytest.fixture
def prompt_template(golden_set: GoldenSet) -> PromptTemplate:
    """The prompt's wording: the golden set's ``system`` and ``system_with_context``, or the default."""
    from .prompt import PromptTemplate

    names = ("system", "system_with_context")
    return PromptTemplate(
        **{name: str(golden_set.defaults[name]) for name in names if name in golden_set.defaults}
    )


@pytest.fixture
def generator(request: pytest.FixtureRequest, golden_set: GoldenSet) -> Generator:
    """The language model: the packaged SmolLM2-135M-Instruct, greedy."""
    from .generation.causal import CausalGenerator

    run = _run(request)
    options = _generation_options(golden_set)
    key = ("generator", *sorted(options.items()))
    return run.made(lambda: run.memo(key, lambda: CausalGenerator(progress=run.progress, **options)))


@pytest.fixture
def lora_adapter(
    request: pytest.FixtureRequest, golden_set: GoldenSet, prompt_template: PromptTemplate
) -> Adapter:
    """A LoRA adapter trained on the golden set's ``train.jsonl``, once for each state of it."""
    from .generation.lora import train_adapter, trained_before

    run = _run(request)
    if not golden_set.train:
        raise pytest.UsageError(
            f"golden set {golden_set.name!r} has no train.jsonl: the lora fixtures train on its examples; "
            "add them, or override the lora_adapter fixture with load_adapter(folder)"
        )

    def trained() -> Adapter:
        run.refuse_training()
        if run.is_plan:
            return trained_before(golden_set.train, system=prompt_template.system)
        return train_adapter(golden_set.train, system=prompt_template.system, progress=run.progress)

    return run.made(lambda: run.memo(("adapter", golden_set.train, prompt_template.system), trained))


@pytest.fixture
def lora_generator(request: pytest.FixtureRequest, golden_set: GoldenSet, lora_adapter: Adapter) -> Generator:
    """The language model with the adapter."""
    from .generation.lora import LoraGenerator

    run = _run(request)
    options = _generation_options(golden_set)
    return run.made(
        lambda: run.memo(
            ("lora", lora_adapter.fingerprint, *sorted(options.items())),
            lambda: LoraGenerator(lora_adapter, progress=run.progress, **options),
        )
    )


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """The default judge of faithfulness and relevance, as the ini value ``ragtune_judge`` says."""
    return _run(request).session.judge


@pytest.fixture
def closed_book(generator: Generator, prompt_template: PromptTemplate) -> Pipeline:
    """No passages, base weights: the floor that every other approach must clear."""
    return _pipeline("closed_book", None, generator, prompt_template)


@pytest.fixture
def lora(lora_generator: Generator, prompt_template: PromptTemplate) -> Pipeline:
    """No passages, LoRA weights."""
    return _pipeline("lora", None, lora_generator, prompt_template)


@pytest.fixture
def rag(
    request: pytest.FixtureRequest,
    golden_set: GoldenSet,
    corpus: Corpus,
    retriever: Retriever,
    generator: Generator,
    prompt_template: PromptTemplate,
) -> Pipeline:
    """Retrieved passages, base weights."""
    return _pipeline("rag", _retrieved(request, golden_set, corpus, retriever), generator, prompt_template)


@pytest.fixture
def rag_lora(
    request: pytest.FixtureRequest,
    golden_set: GoldenSet,
    corpus: Corpus,
    retriever: Retriever,
    lora_generator: Generator,
    prompt_template: PromptTemplate,
) -> Pipeline:
    """Retrieved passages, LoRA weights: the hybrid of both."""
    source = _retrieved(request, golden_set, corpus, retriever)
    return _pipeline("rag_lora", source, lora_generator, prompt_template)


@pytest.fixture
def long_context(
    golden_set: GoldenSet, corpus: Corpus, generator: Generator, prompt_template: PromptTemplate
) -> Pipeline:
    """The whole corpus in the prompt, base weights."""
    return _pipeline("long_context", _whole(golden_set, corpus, prompt_template), generator, prompt_template)


@pytest.fixture
def long_context_lora(
    golden_set: GoldenSet, corpus: Corpus, lora_generator: Generator, prompt_template: PromptTemplate
) -> Pipeline:
    """The whole corpus in the prompt, LoRA weights."""
    source = _whole(golden_set, corpus, prompt_template)
    return _pipeline("long_context_lora", source, lora_generator, prompt_template)


def _generation_options(golden_set: GoldenSet) -> dict[str, Any]:
    names = ("max_new_tokens",)
    return {name: golden_set.defaults[name] for name in names if name in golden_set.defaults}


def _retrieved(
    request: pytest.FixtureRequest, golden_set: GoldenSet, corpus: Corpus, retriever: Retriever
) -> Any:
    from .context import Retrieved

    k = int(golden_set.defaults.get("k", 5))
    key = ("retrieved", id(corpus), id(retriever), k)  # what is kept holds both, so their ids stay their own
    return _run(request).memo(key, lambda: Retrieved(corpus, retriever, k=k))


def _whole(golden_set: GoldenSet, corpus: Corpus, template: PromptTemplate) -> Any:
    from .context import WholeCorpus

    overflow = golden_set.defaults.get("overflow", "error")
    return WholeCorpus(corpus, overflow=overflow, template=template)


def _pipeline(name: str, source: Any, generator: Generator, template: PromptTemplate) -> Pipeline:
    from .pipeline import Pipeline

    return Pipeline(name, source, generator, template)


def make_judge(run: Run) -> Judge:
    """The judge that ``ragtune_judge`` names."""
    from .judges.choosing import named_judge
    from .options import judge_folder

    def embedder() -> Embedder:
        from .retrieval.embedding import SentenceEmbedder

        return run.memo(("embedder",), lambda: SentenceEmbedder(progress=run.progress))

    name = judge_folder(run.config) or run.config.getini("ragtune_judge")
    judge: Judge = named_judge(name, embedder=embedder)
    return judge
