"""Lines of a golden set that look right, or parse, and are not what their writer meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ragtune.errors import GoldenSetError
from pytest_ragtune.golden import load_golden_set

FILES = {
    "golden_set.toml": "schema = 1\n",
    "cases.jsonl": '{"id": "a", "question": "When?", "relevant": ["hours.md"]}\n',
    "corpus/hours.md": "# Hours\n\nThe shop opens at nine.\n",
}
PATHS = {Path(path).stem: path for path in FILES}
UTF_8 = "expected a file saved as UTF-8"


def problems_of(root: Path, **files: str | bytes) -> list[str]:
    """The problems, without paths, of a golden set with these files (named without folder and ending)."""
    for name, place in PATHS.items():
        content, path = files.get(name, FILES[place]), root / place
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        load_golden_set(root)
    except GoldenSetError as error:
        return [str(problem).removeprefix(f"{root}/") for problem in error.problems]
    return []


def case(text: str) -> str:
    """A line of cases.jsonl with these fields beside the required ones."""
    return '{"question": "When?", ' + text + "}\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_another_unicode_encoding_is_one_problem_a_file(tmp_path: Path, encoding: str) -> None:
    files = {name: (FILES[path] * 3).encode(encoding) for name, path in PATHS.items() if name != "golden_set"}
    found = problems_of(tmp_path, **files)
    header = problems_of(tmp_path, golden_set=FILES["golden_set.toml"].encode(encoding))
    assert [p.split(":")[0] for p in found + header] == ["cases.jsonl", "corpus/hours.md", "golden_set.toml"]
    assert all("UTF-16" in problem and problem.endswith(UTF_8) for problem in found + header)


def test_a_zero_byte_is_no_text(tmp_path: Path) -> None:
    assert problems_of(tmp_path, hours=b"The shop\nopens\x00 at nine.\n") == [
        f"corpus/hours.md:2: found a zero byte at offset 14, as in UTF-16 or no text at all; {UTF_8}"
    ]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('{"id": "a", "id": "b", "question": "q"}', ["id"]),
        ('{"id": "a", "question": "q", "reference" : "x", "reference":"x"}', ["reference"]),
        (case('"id": "a", "relevant": [{"document": "hours.md", "grade": 1, "grade": 2}]'), ["grade"]),
        (case('"id": "a", "relevant": [{"document": "hours.md"}, {"document": "hours.md"}]'), []),
        ('{"id": "a", "question": "Is \\"id\\": a field, and \\"id\\": again?"}', []),
    ],
)
def test_a_field_given_twice_is_a_problem(tmp_path: Path, line: str, names: list[str]) -> None:
    assert problems_of(tmp_path, cases=line) == [
        f"cases.jsonl:1: {name}: found this field twice in one object; expected each field once"
        for name in names
    ]


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\u200b", "\ufeff \u2060", "\t\\n"])
def test_a_question_that_shows_nothing_is_blank(tmp_path: Path, text: str) -> None:
    [problem] = problems_of(tmp_path, cases=f'{{"id": "a", "question": "{text}"}}'.replace("\t", "\\t"))
    assert problem.startswith("cases.jsonl:1: question: found blank text ")


@pytest.mark.parametrize("name", ["a\\nb", " a", "a ", "a\\u2028b", "a\\u0007"])
def test_an_id_is_one_line_that_can_be_typed(tmp_path: Path, name: str) -> None:
    [problem] = problems_of(tmp_path, cases=case(f'"id": "{name}"'))
    assert problem.startswith("cases.jsonl:1: id: found ")
    assert problem.endswith("; expected one line of text without white space at its ends")


@pytest.mark.parametrize("name", ["a b", "x/y::z[1]", "Größe 3", "質問", "👩‍🔧"])
def test_an_id_may_be_anything_else(tmp_path: Path, name: str) -> None:
    assert problems_of(tmp_path, cases=case(f'"id": "{name}"')) == []


@pytest.mark.parametrize("grade", [101, 10**23])
def test_a_grade_is_small(tmp_path: Path, grade: int) -> None:
    line = case(f'"id": "a", "relevant": [{{"document": "hours.md", "grade": {grade}}}]')
    assert problems_of(tmp_path, cases=line) == [
        f"cases.jsonl:1: relevant[0].grade: found {grade}; expected 100 or less"
    ]


def test_json_s_own_words_are_used(tmp_path: Path) -> None:
    assert problems_of(tmp_path, cases="null\n") == [
        "cases.jsonl:1: found null; expected an object with named fields"
    ]
