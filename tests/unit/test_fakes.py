from __future__ import annotations

from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge, ScriptedRetriever
from pytest_ragtune.protocols import Generator, Judge, RelevanceJudge, Retriever
from pytest_ragtune.records import Hit, Prompt, Support


def unsure(context: str, claim: str) -> float | None:
    return 0.75 if claim in context else None


def test_they_keep_the_protocols() -> None:
    assert isinstance(ScriptedGenerator({}), Generator)
    assert isinstance(ScriptedRetriever({}), Retriever)
    assert isinstance(ScriptedJudge(unsure), Judge)
    assert isinstance(ScriptedJudge(unsure), RelevanceJudge)


def test_a_generator_answers_by_any_part_of_the_prompt() -> None:
    generator = ScriptedGenerator({"fee": "12 euros", "hours": "until 20:00"}, default="I do not know.")
    texts = [
        g.text for g in generator.generate([Prompt("What is the fee?"), Prompt("hours?"), Prompt("else")])
    ]
    assert texts == ["12 euros", "until 20:00", "I do not know."]
    assert generator.calls == 3


def test_identities_follow_the_script() -> None:
    assert ScriptedGenerator({"a": "b"}).identity != ScriptedGenerator({"a": "c"}).identity
    assert ScriptedGenerator({}).identity != ScriptedGenerator({}, default="x").identity
    assert ScriptedRetriever({"q": ["a"]}).identity != ScriptedRetriever({"q": ["b"]}).identity
    assert ScriptedJudge(unsure).identity != ScriptedJudge(unsure, version="2").identity


def test_a_retriever_cuts_at_k_and_knows_no_other_question() -> None:
    retriever = ScriptedRetriever({"q": ["a", "b", "c"]})
    assert retriever.retrieve(["q", "other"], 2) == [[Hit("a", 1.0), Hit("b", 0.5)], []]


def test_a_judge_may_have_no_opinion() -> None:
    judge = ScriptedJudge(unsure)
    assert judge.support([("a b", "a"), ("a b", "c")]) == [
        Support(0.75),
        Support(None, "the scripted judge gave no opinion"),
    ]
    assert judge.relevance([("a", "a")]) == [Support(0.75)]
    assert judge.calls == 3
