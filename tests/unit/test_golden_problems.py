"""Broken golden sets: every problem in one error, with file, line and field."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.errors import GoldenSetError
from pytest_ragtune.golden import check_golden_set, load_golden_set

RETURNS = """# Returns

Send anything back.

## How long

You have thirty days
from the day of delivery. After that we cannot help.

## Costs

Returns cost nothing. The label is in the box.
"""
HEADER = 'schema = 1\nname = "shop"\n'
CASE: dict[str, Any] = {"id": "q1", "question": "How long can I return?"}


def lines(*objects: Mapping[str, Any] | str) -> str:
    return "\n".join(item if isinstance(item, str) else json.dumps(item) for item in objects)


def write(root: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """A golden set that is right, with ``files`` instead of or beside its own."""
    standard: dict[str, str | bytes] = {
        "golden_set.toml": HEADER,
        "cases.jsonl": lines(CASE),
        "corpus/returns.md": RETURNS,
        "corpus/shipping.md": "# Shipping\n\nTwo days by post.\n",
    }
    for name, content in {**standard, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def problems_of(root: Path, **parameters: Any) -> list[str]:
    """The problems of a golden set, with paths relative to it."""
    with pytest.raises(GoldenSetError) as caught:
        load_golden_set(root, **parameters)
    return [str(p).replace(f"{root}{os.sep}", "").replace(str(root), "ROOT") for p in caught.value.problems]


def write_versioned(root: Path, files: Mapping[str, str]) -> Path:
    header = HEADER + '[corpus]\nversion = "v2"\n'
    texts = {f"corpus/{version}/a.md": "text" for version in ("v1", "v2", "v10")}
    write(root, {"golden_set.toml": header, **texts, **files})
    for name in ("returns.md", "shipping.md"):
        (root / "corpus" / name).unlink()
    return root


def test_unknown_versions_are_named(tmp_path: Path) -> None:
    case = {**CASE, "references": {"v3": "x"}, "relevant": [{"document": "a.md", "version": ["v2", "v4"]}]}
    write_versioned(tmp_path, {"cases.jsonl": lines(case), "corpus/stray.md": "s"})
    assert problems_of(tmp_path) == [
        "cases.jsonl:1: references: found version 'v3'; expected one of v1, v2, v10",
        "cases.jsonl:1: relevant[0].version: found version 'v4'; expected one of v1, v2, v10",
        "corpus/stray.md: found a document beside the version folders; "
        "expected every document inside a version's folder",
    ]
    assert problems_of(tmp_path, version="v11") == [
        "golden_set.toml:4: corpus.version: found version 'v11'; "
        "expected one of v1, v2, v10 (did you mean 'v1'?)"
    ]


def test_every_version_is_checked_at_once(tmp_path: Path) -> None:
    quotes = [{"document": "a.md", "quote": f"only in {v}", "version": v} for v in ("v1", "v2", "v10")]
    write_versioned(tmp_path, {"cases.jsonl": lines({**CASE, "relevant": quotes}, {"id": "q2"})})
    with pytest.raises(GoldenSetError) as caught:
        check_golden_set(tmp_path)
    assert [(p.line, p.field) for p in caught.value.problems] == [
        (1, "relevant[1].quote"),
        (2, "question"),
        (1, "relevant[0].quote"),
        (1, "relevant[2].quote"),
    ]
    assert check_golden_set(write_versioned(tmp_path, {})).corpus.version == "v2"


def test_a_field_that_a_line_has_twice_is_a_problem(tmp_path: Path) -> None:
    label = '{"document": "a", "document": "returns.md"}'
    twice = f'{{"id": "a", "question": "Who?", "id": "b", "relevant": [{label}]}}'
    assert problems_of(write(tmp_path, {"cases.jsonl": lines(CASE, twice)})) == [
        "cases.jsonl:2: document: found this field twice in one object; expected each field once",
        "cases.jsonl:2: id: found this field twice in one object; expected each field once",
    ]
    training = '{"question": "Why?", "answer": "a", "answer": "b"}'
    assert problems_of(write(tmp_path, {"cases.jsonl": lines(CASE), "train.jsonl": training})) == [
        "train.jsonl:1: answer: found this field twice in one object; expected each field once"
    ]


def test_a_corpus_without_versions_has_none_to_ask_for(tmp_path: Path) -> None:
    write(tmp_path, {"cases.jsonl": lines({**CASE, "references": {"v1": "x"}})})
    assert problems_of(tmp_path) == [
        "cases.jsonl:1: references: found version 'v1'; expected none: there are no versions"
    ]
    assert problems_of(tmp_path, version="v1") == [
        "golden_set.toml: corpus.version: found version 'v1'; expected none: there are no versions"
    ]


def test_module_without_the_dictionary_is_a_problem(tmp_path: Path) -> None:
    header = 'schema = 1\n[corpus]\nmodule = "pydoc_data.topics"\nattribute = "topic"\n'
    assert problems_of(write(tmp_path, {"golden_set.toml": header}), version="v1") == [
        "golden_set.toml: corpus.version: found version 'v1'; expected none: there are no versions",
        "golden_set.toml:4: corpus.attribute: found 'topic' in pydoc_data.topics: it is not assigned "
        "at the top level of the module; expected a dictionary literal",
    ]


def test_every_problem_of_the_cases_is_found_at_once(tmp_path: Path) -> None:
    content = lines(
        {"id": "q1", "question": "Fine?"},
        '{"id": "q2", "question": ',
        "[]",
        "",
        {"id": "q1", "question": "Again?"},
        {"question": "No id?", "refrence": "typo"},
        {"id": "q3", "question": " \t"},
        {"id": 4, "question": "n?", "answerable": "no", "aliases": "one"},
        {"id": "q5", "question": "l?", "relevant": [{"document": "returns.md", "qoute": "x", "grade": 0}, 7]},
        {"id": "q6", "question": "u?", "answerable": False, "relevant": ["returns.md"]},
        {"id": "q7", "question": "d?", "relevant": ["return.md", "returns.md#9", "../../etc/passwd"]},
        {
            "id": "q8",
            "question": "m?",
            "relevant": [{"document": "returns.md", "quote": "You have forty days"}],
        },
        {"id": "q9", "question": "o?", "relevant": [{"document": "returns.md", "quote": "Two days by post"}]},
    )
    assert problems_of(write(tmp_path, {"cases.jsonl": content})) == [
        "cases.jsonl:2: found broken JSON (EOF while parsing a value at column 25); "
        "expected one whole JSON object on the line",
        "cases.jsonl:3: found []; expected an object with named fields",
        "cases.jsonl:5: id: found 'q1' again; expected an id of its own; line 1 has it first",
        "cases.jsonl:6: id: found nothing; expected this field, it is required",
        "cases.jsonl:6: refrence: found an unknown field (did you mean 'reference'?); expected one of "
        "id, question, reference, aliases, relevant, answerable, tags, references",
        "cases.jsonl:7: question: found blank text ' \\t'; expected some text",
        "cases.jsonl:8: id: found 4; expected text",
        "cases.jsonl:8: aliases: found 'one'; expected a list",
        "cases.jsonl:8: answerable: found 'no'; expected true or false",
        "cases.jsonl:9: relevant[0].grade: found 0; expected 1 or more",
        "cases.jsonl:9: relevant[0].qoute: found an unknown field (did you mean 'quote'?); expected one of "
        "document, quote, grade, version",
        "cases.jsonl:9: relevant[1]: found 7; expected an object with named fields",
        "cases.jsonl:10: relevant: found labels on a case that is not answerable; "
        "expected no label, or an answerable case",
        "cases.jsonl:11: relevant[0]: found document 'return.md', which does not exist; "
        "expected a document of the corpus (did you mean 'returns.md'?)",
        "cases.jsonl:11: relevant[1]: found passage 'returns.md#9', which does not exist; "
        "expected a passage from returns.md#1 to returns.md#3",
        "cases.jsonl:11: relevant[2]: found document '../../etc/passwd', which does not exist; "
        "expected a document of the corpus, named relative to its folder",
        "cases.jsonl:12: relevant[0].quote: found a quote that 'returns.md' does not hold: "
        "'You have forty days'; "
        "expected words of that document, copied exactly; "
        "nearest is 'You have thirty days from the day of delivery.'",
        "cases.jsonl:13: relevant[0].quote: found a quote that 'returns.md' does not hold: "
        "'Two days by post'; "
        "expected words of that document, copied exactly; 'shipping.md' has it",
    ]


def test_a_label_on_a_document_without_text_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, {"corpus/blank.md": "\n", "cases.jsonl": lines({**CASE, "relevant": ["blank.md"]})})
    assert problems_of(tmp_path) == [
        "cases.jsonl:1: relevant[0]: found document 'blank.md', which holds no text; "
        "expected a document with text"
    ]


def test_header_corpus_cases_and_training_are_reported_together(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "golden_set.toml": 'schema = 1\ndescripton = "x"\nname = ""\n\n[chunking]\nmax_words = 0\n',
        "cases.jsonl": lines({**CASE, "relevant": ["bad.md", "none.md"]}).encode() + b'\n{"id": "\xe9"}\n',
        "corpus/bad.md": b"\xff",
        "train.jsonl": lines(
            {"question": "how long, can I\tRETURN", "answer": "x"}, {"question": "y?", "answr": "z"}
        ),
    }
    assert problems_of(write(tmp_path, files)) == [
        "cases.jsonl:1: relevant[1]: found document 'none.md', which does not exist; "
        "expected a document of the corpus, named relative to its folder",
        "cases.jsonl:2: found byte 0xE9 at offset 94, which is not UTF-8; expected a file saved as UTF-8",
        "corpus/bad.md:1: found byte 0xFF at offset 0, which is not UTF-8; expected a file saved as UTF-8",
        "golden_set.toml:2: descripton: found an unknown field (did you mean 'description'?); "
        "expected one of "
        "schema, name, description, licence, corpus, chunking, defaults",
        "golden_set.toml:3: name: found blank text ''; expected some text",
        "golden_set.toml:5: chunking: found max_words is 0; expected 1 or more",
        "train.jsonl:1: question: found the question of case 'q1' (cases.jsonl:1); "
        "expected a question of its own, training must not see golden questions",
        "train.jsonl:2: answer: found nothing; expected this field, it is required",
        "train.jsonl:2: answr: found an unknown field (did you mean 'answer'?); "
        "expected one of question, answer",
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "golden_set.toml: schema: found nothing; expected this field, it is required"),
        ("schema = 1\nx = @", "golden_set.toml:2: found broken TOML (Invalid value); expected valid TOML"),
        ("schema = 0", "golden_set.toml:1: schema: found 0; expected 1"),
        (
            "schema = 1\n[corpus]\nfoldr = 'x'",
            "golden_set.toml:3: corpus.foldr: found an unknown field (did you mean 'folder'?); "
            "expected one of folder, version, module, attribute",
        ),
        (
            "schema = 1\n[corpus]\nmodule = 'x'",
            "golden_set.toml:2: corpus: found ['module']; expected 'module' and 'attribute' together",
        ),
        (
            "schema = 1\n[corpus]\nmodule = 'x'\nattribute = 'y'\nfolder = 'z'",
            "golden_set.toml:2: corpus: found ['attribute', 'folder', 'module']; "
            "expected 'folder' (with or without 'version') or 'module', not both",
        ),
        (
            "schema = 1\n[chunking]\nby = 'page'",
            "golden_set.toml:3: chunking.by: found 'page'; expected 'heading' or 'window'",
        ),
        (
            "schema = 1\n[corpus]\nfolder = '../corpus'",
            "golden_set.toml:3: corpus.folder: found '../corpus', which leads out of the folder; "
            "expected a folder inside the golden set's, written with / and without ..",
        ),
        (
            "schema = 1\n[corpus]\nfolder = 'texts'",
            "texts: found no such folder; expected a folder of documents",
        ),
    ],
)
def test_wrong_headers_are_refused(tmp_path: Path, header: str, message: str) -> None:
    assert problems_of(write(tmp_path, {"golden_set.toml": header})) == [message]


@pytest.mark.parametrize("folder", ["/etc", "C:\\\\texts", "a/../../b", "a\\\\..\\\\..\\\\b"])
def test_corpus_folders_outside_are_refused(tmp_path: Path, folder: str) -> None:
    [problem] = problems_of(
        write(tmp_path, {"golden_set.toml": f'schema = 1\n[corpus]\nfolder = "{folder}"'})
    )
    assert "which leads out of the folder" in problem


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights")
def test_links_that_leave_the_golden_set_are_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "cases.jsonl").write_text(lines(CASE))
    root = write(tmp_path / "set", {"golden_set.toml": 'schema = 1\n[corpus]\nfolder = "linked"'})
    (root / "linked").symlink_to(tmp_path / "outside")
    (root / "cases.jsonl").unlink()
    (root / "cases.jsonl").symlink_to(tmp_path / "outside" / "cases.jsonl")
    (root / "train.jsonl").symlink_to(root / "nothing")
    assert problems_of(root) == [
        "cases.jsonl: found a link that leads out of the folder; expected a file inside ROOT",
        "golden_set.toml:3: corpus.folder: found 'linked', which leads out of the folder; "
        "expected a folder inside the golden set's, written with / and without ..",
        "train.jsonl: found a link to nothing; expected a file with a JSON object a line",
    ]


def test_newer_format_is_the_only_problem(tmp_path: Path) -> None:
    write(tmp_path, {"golden_set.toml": "name = 'x'\nschema = 2\nnew = 1", "cases.jsonl": "?"})
    assert problems_of(tmp_path) == [
        "golden_set.toml:2: schema: found schema 2; "
        "expected schema 1; install a newer pytest-ragtune to read this golden set"
    ]


def test_missing_parts_are_named(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none") == [
        "ROOT: found no such folder; expected the folder of a golden set"
    ]
    assert problems_of(tmp_path) == [
        "cases.jsonl: found no such file; expected a file with a JSON object a line",
        "golden_set.toml: found no such file; expected a header with at least 'schema = 1'",
    ]


def test_empty_cases_and_empty_corpus_are_problems(tmp_path: Path) -> None:
    write(tmp_path, {"cases.jsonl": "\n\n", "corpus/returns.md": "", "corpus/shipping.md": " "})
    assert problems_of(tmp_path) == [
        "cases.jsonl: found no case; expected at least one case, a JSON object a line",
        "corpus: found an empty corpus; "
        "expected at least one document with text (.md, .txt, .html or corpus.jsonl)",
    ]


def test_the_message_shows_fifty_problems_and_counts_the_rest(tmp_path: Path) -> None:
    missing = {"document": "returns.md", "quote": "never said at all"}
    content = lines(*({"id": f"q{n}", "question": "x?", "relevant": [missing]} for n in range(2000)))
    started = time.process_time()
    with pytest.raises(GoldenSetError) as caught:
        load_golden_set(write(tmp_path, {"cases.jsonl": content}))
    assert time.process_time() - started < 5
    message = str(caught.value).split("\n")
    assert message[0] == f"golden set {tmp_path}: 2000 problems"
    assert len(message) == 52
    assert message[-1] == "  and 1950 more"
    assert len(caught.value.problems) == 2000


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ('{"document": "hours.md", "grade": "high"}', "found 'high'; expected a whole number"),
        ('{"document": "hours.md", "grade": null}', "found null; expected a whole number"),
        ('{"passage": "hours.md#1"}', "a passage is named by its document: 'FILE#NUMBER'"),
    ],
)
def test_a_wrong_label_is_told_in_plain_words(tmp_path: Path, label: str, expected: str) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "hours.md").write_text("# Hours\n\nThe shop opens at nine.\n", encoding="utf-8")
    (tmp_path / "golden_set.toml").write_text("schema = 1\n", encoding="utf-8")
    line = '{"id": "a", "question": "When?", "reference": "At nine.", "relevant": [' + label + "]}\n"
    (tmp_path / "cases.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(GoldenSetError) as caught:
        load_golden_set(tmp_path)
    assert expected in str(caught.value)
