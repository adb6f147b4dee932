from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ragtune import active
from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedRetriever
from pytest_ragtune.pipeline import Pipeline, retrieval_pipeline
from pytest_ragtune.prompt import PromptTemplate
from pytest_ragtune.records import Case, Generation, Prompt
from pytest_ragtune.session import Session

CASES = [Case(f"c{n}", f"question {n}?") for n in range(3)]


def echo(prompt: Prompt) -> str:
    return prompt.user.upper()


def test_a_closed_book_answers_from_the_question() -> None:
    response = Pipeline("closed", None, ScriptedGenerator(echo)).respond("why?")
    assert (response.text, response.contexts, response.ranking, response.error) == ("WHY?", (), None, None)
    assert (response.prompt_tokens, response.completion_tokens) == (10, 1)


def test_an_error_of_one_prompt_is_that_case_s_error() -> None:
    generator = ScriptedGenerator({"question 1?": "one"})
    responses = Pipeline("p", None, generator).respond_many(CASES)
    assert [r.text for r in responses] == [None, "one", None]
    assert responses[0].error == "no scripted answer for 'question 0?'"


def test_a_generator_that_loses_prompts_is_refused() -> None:
    class Loses(ScriptedGenerator):
        def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
            return super().generate(prompts)[1:]

    with pytest.raises(RagtuneError, match="returned 2 generations for 3 prompts; expected one a prompt"):
        Pipeline("p", None, Loses(echo)).respond_many(CASES)


def test_identity_is_what_could_change_an_answer_and_not_the_name() -> None:
    plain = Pipeline("a", None, ScriptedGenerator({"x": "y"}))
    assert plain.identity == Pipeline("b", None, ScriptedGenerator({"x": "y"})).identity
    assert plain.identity != Pipeline("a", None, ScriptedGenerator({"x": "z"})).identity
    assert (
        plain.identity
        != Pipeline("a", None, ScriptedGenerator({"x": "y"}), PromptTemplate(system="s")).identity
    )
    assert plain.identity != Pipeline("a").identity


@pytest.mark.parametrize("name", ["", "a/b", "a\\b"])
def test_the_name_must_do_as_a_file_name(name: str) -> None:
    with pytest.raises(ValueError, match="expected a word that can be a file name"):
        Pipeline(name)


def test_a_bare_retriever_only_ranks() -> None:
    retriever = ScriptedRetriever({"question 0?": ["a", "b"]})
    [response] = retrieval_pipeline(retriever, "bm25").respond_many(CASES[:1])
    assert response.ranking is not None
    assert [hit.passage_id for hit in response.ranking] == ["a", "b"]
    assert (response.text, response.contexts, response.error) == (None, (), None)


def test_a_case_is_answered_through_the_session_in_force() -> None:
    session, generator = Session(), ScriptedGenerator(echo)
    pipeline = Pipeline("p", None, generator)

    def provide() -> Session:
        return session

    active.install(provide)
    try:
        assert pipeline.respond(CASES[0]) is pipeline.respond(CASES[0])
        assert generator.calls == 1
        pipeline.respond("a plain question is not recorded")
        assert generator.calls == 2
    finally:
        active.uninstall(provide)
    pipeline.respond(CASES[0])
    assert generator.calls == 3
