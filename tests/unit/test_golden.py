"""Golden sets: what is read, how labels become qrels, what a fingerprint sees."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ragtune.corpus.chunking import Chunking
from pytest_ragtune.golden import case_fingerprint, load_golden_set
from pytest_ragtune.records import Case, Example, GoldenSet

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


def passages(golden_set: GoldenSet, case: int = 0) -> list[str]:
    return [golden_set.corpus.passage(name).text for name in golden_set.cases[case].relevant]


def test_everything_is_read(tmp_path: Path) -> None:
    header = """schema = 1
name = "shop"
description = "A small shop."
licence = "Apache-2.0"
[corpus]
folder = "texts"
version = "v2"
[chunking]
by = "window"
max_words = 4
overlap = 1
[defaults]
k = 3
system = "Be brief."
"""
    case = {
        "id": "q1",
        "question": "How long?",
        "reference": "30 days",
        "references": {"v1": "14 days"},
        "aliases": ["thirty days"],
        "relevant": [{"document": "a.md", "quote": "thirty days", "grade": 2}],
        "tags": ["refunds"],
    }
    files = {
        "golden_set.toml": header,
        "cases.jsonl": lines(case, "", {"id": "q2", "question": "Who?", "answerable": False}) + "\n",
        "train.jsonl": lines({"question": "Hello?", "answer": "Hi."}),
        "texts/v1/a.md": "We give fourteen days.",
        "texts/v2/a.md": "Now you have thirty days.",
    }
    golden_set = load_golden_set(write(tmp_path, files))
    assert golden_set.name == "shop"
    assert (golden_set.description, golden_set.licence) == ("A small shop.", "Apache-2.0")
    assert (golden_set.versions, golden_set.corpus.version) == (("v1", "v2"), "v2")
    assert dict(golden_set.defaults) == {"k": 3, "system": "Be brief."}
    assert golden_set.path == tmp_path
    assert golden_set.train == (Example("Hello?", "Hi."),)
    assert [p.text for p in golden_set.corpus.passages] == ["Now you have thirty", "thirty days."]
    assert golden_set.cases == (
        Case(
            "q1",
            "How long?",
            "30 days",
            ("thirty days",),
            {"a.md#1": 2, "a.md#2": 2},
            True,
            ("refunds",),
            {"v1": "14 days"},
        ),
        Case("q2", "Who?", answerable=False),
    )
    assert pickle.loads(pickle.dumps(golden_set)) == golden_set


def test_smallest_golden_set_is_named_after_its_folder(tmp_path: Path) -> None:
    root = write(tmp_path / "handbook", {"golden_set.toml": "schema = 1"})
    golden_set = load_golden_set(str(root))
    assert (golden_set.name, golden_set.versions, golden_set.corpus.version) == ("handbook", (), None)
    assert golden_set.train == ()


def test_byte_order_marks_and_foreign_line_ends_are_read(tmp_path: Path) -> None:
    bom = "\ufeff"
    quoted = {**CASE, "relevant": [{"document": "returns.md", "quote": "thirty days from"}]}
    files = {
        "golden_set.toml": bom + HEADER.replace("\n", "\r\n"),
        "cases.jsonl": bom + lines(quoted, {"id": "q2", "question": "a\u2028b?"}).replace("\n", "\r\n\r\n"),
        "corpus/returns.md": bom + RETURNS.replace("\n", "\r\n"),
    }
    golden_set = load_golden_set(write(tmp_path, files))
    assert [case.id for case in golden_set.cases] == ["q1", "q2"]
    assert golden_set.cases[1].question == "a\u2028b?"
    assert dict(golden_set.cases[0].relevant) == {"returns.md#2": 1}


def test_the_header_s_chunking_is_used_unless_another_is_given(tmp_path: Path) -> None:
    write(tmp_path, {"golden_set.toml": HEADER + '[chunking]\nby = "window"\nmax_words = 500\n'})
    assert len(load_golden_set(tmp_path).corpus.passages) == 2
    assert len(load_golden_set(tmp_path, chunking=Chunking()).corpus.passages) == 4


VERSIONED = {
    "golden_set.toml": HEADER + '[corpus]\nversion = "v2"\n',
    "corpus/v1/a.md": "Fourteen days.",
    "corpus/v2/a.md": "Thirty days.",
    "corpus/v10/a.md": "Sixty days.",
}


def write_versioned(root: Path, files: Mapping[str, str] | None = None) -> Path:
    write(root, {**VERSIONED, **(files or {})})
    for name in ("returns.md", "shipping.md"):
        (root / "corpus" / name).unlink()
    return root


def test_labels_and_references_follow_the_version_in_force(tmp_path: Path) -> None:
    case = {
        **CASE,
        "reference": "30",
        "references": {"v1": "14"},
        "relevant": [
            {"document": "a.md", "quote": "Fourteen", "version": "v1"},
            {"document": "a.md", "quote": "days", "version": ["v2", "v10"], "grade": 2},
        ],
    }
    write_versioned(tmp_path, {"cases.jsonl": lines(case)})
    seen = {version: load_golden_set(tmp_path, version=version) for version in (None, "v1", "v2", "v10")}
    assert {
        v: (g.corpus.version, g.cases[0].reference, dict(g.cases[0].relevant)) for v, g in seen.items()
    } == {
        None: ("v2", "30", {"a.md#1": 2}),
        "v1": ("v1", "14", {"a.md#1": 1}),
        "v2": ("v2", "30", {"a.md#1": 2}),
        "v10": ("v10", "30", {"a.md#1": 2}),
    }
    assert seen["v1"].versions == ("v1", "v2", "v10")
    assert seen[None].fingerprint == seen["v2"].fingerprint != seen["v1"].fingerprint


def test_documents_of_a_module(tmp_path: Path) -> None:
    header = 'schema = 1\n[corpus]\nmodule = "pydoc_data.topics"\nattribute = "topics"\n'
    label = {"document": "assert", "quote": "Assignments to"}
    root = write(tmp_path, {"golden_set.toml": header, "cases.jsonl": lines({**CASE, "relevant": [label]})})
    [text] = passages(load_golden_set(root))
    assert "Assignments to" in text


def test_fingerprint_sees_content_and_not_formatting(tmp_path: Path) -> None:
    second = {"id": "q2", "question": "B?", "relevant": ["shipping.md"]}
    first = load_golden_set(write(tmp_path, {"cases.jsonl": lines(CASE, second)}))
    reordered = "\n" + json.dumps(dict(reversed(second.items())), indent=None) + "\n\n" + lines(CASE)
    train = lines({"question": "T?", "answer": "x"})
    again = load_golden_set(write(tmp_path, {"cases.jsonl": reordered, "train.jsonl": train}))
    assert again.fingerprint == first.fingerprint
    assert again.select(cases=["q1"]).fingerprint == first.fingerprint
    by_passage = {**second, "relevant": [{"document": "shipping.md#1", "version": None}]}
    write(tmp_path, {"cases.jsonl": lines(CASE, by_passage)})
    assert load_golden_set(tmp_path).fingerprint == first.fingerprint
    changes: list[dict[str, Any]] = [{"question": "C?"}, {"tags": ["t"]}, {"relevant": []}, {"id": "q3"}]
    for change in changes:
        changed = load_golden_set(write(tmp_path, {"cases.jsonl": lines(CASE, {**second, **change})}))
        assert changed.fingerprint != first.fingerprint
    write(tmp_path, {"cases.jsonl": lines(CASE, second), "corpus/shipping.md": "# Shipping\n\nThree days.\n"})
    assert load_golden_set(tmp_path).fingerprint != first.fingerprint


def test_case_fingerprint_is_stable_and_sees_every_field() -> None:
    case = Case("q1", "Why?", "r", ("a",), {"d#1": 1}, True, ("t",), {"v1": "s"})
    assert case_fingerprint(case) == "858dee236a5438fdedbc3b9340d23e221b9a1fcdf0d2705685145f9ce755ecce"
    changes: list[dict[str, Any]] = [
        {"id": "q2"},
        {"question": "What?"},
        {"reference": None},
        {"aliases": ()},
        {"relevant": {"d#1": 2}},
        {"answerable": False},
        {"tags": ()},
        {"references": {}},
    ]
    others = [replace(case, **change) for change in changes]
    assert len({case_fingerprint(other) for other in (case, *others)}) == 9


def test_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    load_golden_set(tmp_path)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


def test_import_is_light() -> None:
    code = (
        "import sys, pytest_ragtune.golden, pytest_ragtune.corpus;"
        "print(sorted({'pydantic', 'bs4', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
