from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_ragtune.fakes import ScriptedRetriever
from pytest_ragtune.records import Hit
from pytest_ragtune.retrieval.query import ExpandAbbreviations, MultiQuery, Router, function_identity

EXPAND = ExpandAbbreviations({"PTO": "paid time off", "IT": "help desk", "faq": "frequent questions"})


class Counting(ScriptedRetriever):
    """A scripted retriever that notes what it was asked."""

    def __init__(self, rankings: dict[str, Sequence[str]]) -> None:
        super().__init__(rankings)
        self.asked: list[list[str]] = []

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        self.asked.append(list(questions))
        return super().retrieve(questions, k)


def names(rankings: list[list[Hit]]) -> list[list[str]]:
    return [[hit.passage_id for hit in hits] for hits in rankings]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much PTO do I get?", "How much PTO (paid time off) do I get?"),
        ("Is it in IT?", "Is it in IT (help desk)?"),
        (
            "Where is the FAQ, the faq?",
            "Where is the FAQ (frequent questions), the faq (frequent questions)?",
        ),
        ("PTO (paid time off) again", "PTO (paid time off) again"),
        ("PTOs and XPTO", "PTOs and XPTO"),
        ("", ""),
    ],
)
def test_abbreviations_are_written_out(question: str, expected: str) -> None:
    assert EXPAND(question) == expected


def test_expanding_twice_changes_nothing_more() -> None:
    once = EXPAND("PTO and FAQ")
    assert EXPAND(once) == once


def test_the_longest_abbreviation_wins() -> None:
    expand = ExpandAbbreviations({"R&D": "research and development", "R": "the language R"})
    assert expand("R&D") == "R&D (research and development)"


@pytest.mark.parametrize("mapping", [{}, {"": "x"}, {"PTO": "  "}])
def test_a_mapping_that_expands_nothing_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected abbreviations and long forms"):
        ExpandAbbreviations(mapping)


def test_expansion_identity_is_the_mapping() -> None:
    assert EXPAND.identity != ExpandAbbreviations({"PTO": "paid time off"}).identity
    assert (
        ExpandAbbreviations({"a": "b", "c": "d"}).identity
        == ExpandAbbreviations({"c": "d", "a": "b"}).identity
    )


def test_several_wordings_are_fused_in_one_call() -> None:
    inner = Counting({"q": ["a", "b"], "sub one": ["b", "c"], "sub two": ["b"]})
    found = MultiQuery(inner, lambda question: ["sub one", "sub two", "sub one", " "]).retrieve(["q", ""], 2)
    assert names(found) == [["b", "a"], []]
    assert inner.asked == [["q", "sub one", "sub two"]]


def test_one_wording_passes_the_ranking_on() -> None:
    inner = Counting({"q": ["a", "b"]})
    assert MultiQuery(inner, lambda question: []).retrieve(["q"], 1) == [[Hit("a", 1.0)]]


def test_the_question_can_be_left_out() -> None:
    inner = Counting({"q": ["a"], "other": ["b"]})
    assert names(MultiQuery(inner, lambda q: ["other"], includes_question=False).retrieve(["q"], 5)) == [
        ["b"]
    ]


def test_a_function_that_gives_one_string_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gave one string .*expected a list of questions"):
        MultiQuery(Counting({}), lambda question: "q2").retrieve(["q"], 5)


def test_the_first_rule_that_holds_routes() -> None:
    money, code, rest = Counting({"pay E-1": ["m"]}), Counting({"E-2": ["c"]}), Counting({"hello": ["r"]})
    router = Router([("(?i)PAY", money), (re.compile(r"E-\d"), code), (lambda q: q.isupper(), code)], rest)
    assert names(router.retrieve(["hello", "E-2", "pay E-1", "E-2", "LOUD"], 3)) == [
        ["r"],
        ["c"],
        ["m"],
        ["c"],
        [],
    ]
    assert (money.asked, code.asked, rest.asked) == ([["pay E-1"]], [["E-2", "E-2"], ["LOUD"]], [["hello"]])


def test_a_rule_that_does_not_compile_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no regular expression"):
        Router([("(", Counting({}))], Counting({}))


def test_functions_are_told_apart_by_name_and_source() -> None:
    def one(question: str) -> list[str]:
        return [question, "1"]

    def two(question: str) -> list[str]:
        return [question, "2"]

    two.__qualname__ = one.__qualname__
    assert function_identity(one) != function_identity(two)
    assert function_identity(one) == function_identity(one)


def test_a_function_without_source_is_identified_by_its_code() -> None:
    def compiled(text: str) -> Callable[..., object]:
        space: dict[str, Any] = {"__name__": "typed"}
        exec(f"def f(question): return {text}", space)
        function: Callable[..., object] = space["f"]
        return function

    assert function_identity(compiled("['a']")) != function_identity(compiled("['b']"))
    assert function_identity(len).startswith("builtins.len:")


def test_an_object_may_state_its_identity() -> None:
    assert function_identity(EXPAND) == EXPAND.identity
