from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.logs import BadLine, LogRow, ScoredRow, Tally, read_log, score_log
from pytest_ragtune.logs.scoring import CHUNK

ROW: dict[str, Any] = {
    "id": "a",
    "question": "How long is the warranty?",
    "answer": "The warranty lasts two years. It covers glass and gold.",
    "context": ["We like cats.", "The warranty lasts two years."],
    "reference": "Two years.",
    "ranking": ["p1", "p2"],
    "relevant": {"p2": 2, "p3": 0},
    "model": "left alone",
}


def line(**changes: Any) -> bytes:
    return json.dumps(ROW | changes).encode()


def read(*lines: bytes) -> list[LogRow | BadLine]:
    return list(read_log(lines))


def test_a_row_is_a_case_and_a_response() -> None:
    (row,) = read(line())
    assert isinstance(row, LogRow)
    assert (row.id, row.line, row.case.question, row.case.reference) == (
        "a",
        1,
        ROW["question"],
        "Two years.",
    )
    assert row.case.relevant == {"p2": 2}
    assert [passage.text for passage in row.response.contexts] == ROW["context"]
    assert [hit.passage_id for hit in row.response.ranking or ()] == ["p1", "p2"]


def test_fields_may_be_absent_null_or_plain() -> None:
    first, second, third = read(
        b"{}", b'{"id": 7, "answer": null, "context": "one", "relevant": ["p1"]}', b"\xef\xbb\xbf{}"
    )
    assert isinstance(first, LogRow)
    assert (first.id, first.response.text, first.response.contexts, first.response.ranking) == (
        "1",
        None,
        (),
        None,
    )
    assert isinstance(second, LogRow)
    assert (second.id, second.response.contexts[0].text, second.case.relevant) == ("7", "one", {"p1": 1})
    assert isinstance(third, BadLine)  # a byte order mark belongs at the beginning only


def test_a_byte_order_mark_and_empty_lines_are_passed_over() -> None:
    rows = read(b"\xef\xbb\xbf" + line(), b"\n", b"  \r\n", line(id="b"))
    assert [(row.line, getattr(row, "id", None)) for row in rows] == [(1, "a"), (4, "b")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"not json", "found no JSON .*; expected one JSON object a line"),
        (b"[" * 100_000, "found no JSON"),
        (b"[1]", "found a list; expected a JSON object with id, question, answer, context"),
        (b"\xff\xfe", "found bytes that are not UTF-8 at column 1"),
        (line(answer=5), "answer: found a number; expected a string"),
        (line(context={"a": 1}), "context: found an object; expected a string or a list of strings"),
        (line(context=["a", None]), "context: found null in the list"),
        (line(id=True), "id: found true or false; expected a string"),
        (line(relevant={"p": 1.5}), "relevant: found the grade 1.5; expected whole numbers from 0"),
    ],
)
def test_a_bad_line_is_told_by_number_and_the_rest_goes_on(text: bytes, problem: str) -> None:
    rows = read(line(), text, line(id="c"))
    assert isinstance(rows[1], BadLine)
    assert rows[1].line == 2
    import re

    assert re.match(problem, rows[1].problem)
    assert [getattr(row, "id", None) for row in rows] == ["a", None, "c"]


def score(*lines: bytes, metrics: tuple[str, ...] = ("faithfulness", "RR")) -> list[ScoredRow | BadLine]:
    return list(score_log(lines, metrics, judge=LexicalJudge()))


def test_scores_reasons_and_claims_as_json() -> None:
    scored, empty = score(line(), line(id="b", answer="", ranking=None))
    assert isinstance(scored, ScoredRow)
    assert isinstance(empty, ScoredRow)
    found = scored.as_json()
    assert found["scores"] == {"faithfulness": 0.5, "RR": 0.5}
    assert found["reasons"] == {}
    assert [claim["text"] for claim in found["claims"]] == [
        "The warranty lasts two years.",
        "It covers glass and gold.",
    ]
    assert found["claims"][0]["passage"] == "context-2"
    assert found["claims"][0]["evidence"] == "The warranty lasts two years."
    assert found["claims"][0]["metric"] == "faithfulness"
    assert empty.as_json() == {
        "id": "b",
        "scores": {"faithfulness": None, "RR": None},
        "reasons": {"faithfulness": "no claim to judge", "RR": empty.scores["RR"].reason},
        "claims": [],
    }
    assert json.loads(json.dumps(found)) == found


def test_rows_come_out_in_order_while_they_go_in() -> None:
    taken = []

    def lines() -> Iterator[bytes]:
        for number in range(10 * CHUNK):
            taken.append(number)
            yield line(id=str(number)) if number % 3 else b"bad"

    found = score_log(lines(), ["token_f1"])
    first = next(found)
    assert isinstance(first, BadLine)
    assert len(taken) == CHUNK
    lines_read = [item.line if isinstance(item, BadLine) else item.row.line for item in found]
    assert lines_read == list(range(2, 10 * CHUNK + 1))


def test_a_tally_counts_what_became_of_the_rows() -> None:
    tally = Tally()
    for item in score(line(), line(answer=""), line(relevant=None), b"bad"):
        tally.add(item)
    assert (tally.rows, tally.bad) == (3, 1)
    assert (tally.scored, tally.unscored) == ({"faithfulness": 2, "RR": 2}, {"faithfulness": 1})
    assert tally.inapplicable == {"RR": 1}
    assert (tally.mean("faithfulness"), tally.mean("R@5")) == (0.5, None)


def test_an_unknown_metric_is_told_before_anything_is_read() -> None:
    with pytest.raises(ValueError, match="metric 'faithfullness' is not known: did you mean 'faithfulness'"):
        score_log([line()], ["faithfullness"], judge=LexicalJudge())
