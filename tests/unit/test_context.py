from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ragtune.context import NoContext, Retrieved, WholeCorpus
from pytest_ragtune.errors import ContextOverflow, RagtuneError
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedRetriever
from pytest_ragtune.prompt import PromptTemplate
from pytest_ragtune.records import Corpus, Hit, Passage

CORPUS = Corpus(
    passages=tuple(Passage(f"d#{n}", f"passage number {n}", "d", heading=f"H{n}") for n in range(1, 5)),
    documents={"d": ""},
    fingerprint="f",
)
RETRIEVER = ScriptedRetriever({"q": ["d#3", "d#1", "d#2", "d#4"]}, CORPUS)


class Small(ScriptedGenerator):
    context_window = 300
    max_new_tokens = 20


class Upper:
    identity = "upper"

    def __call__(self, question: str) -> str:
        return question.lower()


class DropFirst:
    identity = "drop first"

    def __call__(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        return list(hits[1:])


class Backwards:
    identity = "backwards"

    def rerank(self, questions: Sequence[str], candidates: Sequence[Sequence[Hit]]) -> list[list[Hit]]:
        return [list(hits[::-1]) for hits in candidates]


def test_a_closed_book_shows_nothing() -> None:
    assert [(c.passages, c.ranking) for c in NoContext().contexts(["a", "b"], None)] == [((), None)] * 2


def test_the_generator_sees_k_and_the_ranking_is_deeper() -> None:
    [context] = Retrieved(CORPUS, RETRIEVER, k=2).contexts(["q"], None)
    assert [p.id for p in context.passages] == ["d#3", "d#1"]
    assert context.ranking is not None
    assert [h.passage_id for h in context.ranking] == ["d#3", "d#1", "d#2", "d#4"]


def test_every_stage_takes_its_turn() -> None:
    source = Retrieved(
        CORPUS, RETRIEVER, k=2, transforms=[Upper()], filters=[DropFirst()], reranker=Backwards()
    )
    [context] = source.contexts(["Q"], None)
    assert [p.id for p in context.passages] == ["d#4", "d#2"]


def test_identity_names_every_stage() -> None:
    plain = Retrieved(CORPUS, RETRIEVER, k=2)
    others = [
        Retrieved(CORPUS, RETRIEVER, k=3),
        Retrieved(CORPUS, RETRIEVER, k=2, depth=20),
        Retrieved(CORPUS, RETRIEVER, k=2, transforms=[Upper()]),
        Retrieved(CORPUS, RETRIEVER, k=2, filters=[DropFirst()]),
        Retrieved(CORPUS, RETRIEVER, k=2, reranker=Backwards()),
        Retrieved(CORPUS, ScriptedRetriever({}, CORPUS), k=2),
    ]
    assert len({plain.identity, *(other.identity for other in others)}) == len(others) + 1


def test_a_hit_outside_the_corpus_is_a_clear_error() -> None:
    with pytest.raises(RagtuneError, match="'elsewhere#1', which the corpus does not hold"):
        Retrieved(CORPUS, ScriptedRetriever({"q": ["elsewhere#1"]})).contexts(["q"], None)


def test_k_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="k is 0: expected at least 1 passage"):
        Retrieved(CORPUS, RETRIEVER, k=0)


def test_the_whole_corpus_is_shared_and_not_a_ranking() -> None:
    first, second = WholeCorpus(CORPUS).contexts(["a", "b"], ScriptedGenerator({}))
    assert first.passages == CORPUS.passages
    assert first.ranking is None
    assert first.shared
    assert first == second


def test_order_can_be_reversed() -> None:
    [context] = WholeCorpus(CORPUS, order="reverse").contexts(["a"], None)
    assert [p.id for p in context.passages] == ["d#4", "d#3", "d#2", "d#1"]


def test_overflow_names_the_first_passage_that_did_not_fit() -> None:
    with pytest.raises(ContextOverflow, match=r"needs 16 tokens, the window holds 10; .*'d#3'"):
        WholeCorpus(CORPUS, budget=10).contexts(["a"], ScriptedGenerator({}))


def test_truncation_keeps_what_fits_and_says_so() -> None:
    [context] = WholeCorpus(CORPUS, budget=10, overflow="truncate").contexts(["a"], ScriptedGenerator({}))
    assert [p.id for p in context.passages] == ["d#1", "d#2"]
    assert context.note == "the context holds the first 2 of 4 passages"


def test_the_budget_is_what_the_window_leaves() -> None:
    # 300 tokens less 20 for the answer and 256 kept free: 24 left, and the corpus takes 16.
    [context] = WholeCorpus(CORPUS).contexts(["a"], Small({}))
    assert len(context.passages) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "random"}, "order is 'random'"),
        ({"overflow": "ignore"}, "overflow is 'ignore'"),
        ({"budget": 0}, "budget is 0"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WholeCorpus(CORPUS, **options)  # type: ignore[arg-type]


def test_a_prompt_puts_passages_first_and_marks_the_shared_part() -> None:
    template = PromptTemplate(system_with_context="Use the context.", question="Question: {question}")
    prompt = template.render("Why?", CORPUS.passages[:1], shared=True)
    assert prompt.system == "Use the context."
    assert prompt.user == "Context:\nH1\npassage number 1\n\nQuestion: Why?"
    assert prompt.user.startswith(prompt.shared)
    assert prompt.shared == "Context:\nH1\npassage number 1\n\n"
    assert template.render("Why?", CORPUS.passages[:1]).shared == ""


def test_a_closed_book_prompt_is_the_question() -> None:
    template = PromptTemplate(system="Be brief.")
    assert (template.render("Why?", ()).user, template.render("Why?", ()).system) == ("Why?", "Be brief.")
    assert template.identity != PromptTemplate().identity
