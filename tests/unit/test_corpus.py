"""Corpora: which files are read, under which names, and what is refused."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from pytest_ragtune.corpus import build_corpus, load_corpus
from pytest_ragtune.corpus.chunking import Chunking
from pytest_ragtune.corpus.documents import ModuleSourceError, corpus_versions, read_module
from pytest_ragtune.corpus.html_text import html_to_text
from pytest_ragtune.errors import GoldenSetError


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def problems_of(folder: Path, **parameters: str) -> list[str]:
    """The problems of a corpus, with paths relative to it."""
    with pytest.raises(GoldenSetError) as caught:
        load_corpus(folder, **parameters)  # type: ignore[arg-type]
    return [
        str(problem).replace(f"{folder}{os.sep}", "").replace(str(folder), "FOLDER")
        for problem in caught.value.problems
    ]


def test_documents_are_read_with_posix_names_in_order(tmp_path: Path) -> None:
    files = {"b.txt": "bee", "a/deep.MD": "# D\nin", "c.markdown": "sea", "page.html": "<h1>H</h1><p>text"}
    corpus = load_corpus(write(tmp_path, dict(files)))
    assert list(corpus.documents) == ["a/deep.MD", "b.txt", "c.markdown", "page.html"]
    assert [(p.id, p.heading, p.text) for p in corpus.passages] == [
        ("a/deep.MD#1", "D", "in"),
        ("b.txt#1", "", "bee"),
        ("c.markdown#1", "", "sea"),
        ("page.html#1", "H", "text"),
    ]
    assert corpus.version is None
    assert corpus.passage("b.txt#1").text == "bee"


def test_corpus_jsonl_takes_either_name_key(tmp_path: Path) -> None:
    lines = [{"id": "one", "text": "x"}, {"document": "two.md", "text": "# T\ny"}]
    content = "\n\n".join(map(json.dumps, lines))
    corpus = load_corpus(write(tmp_path, {"corpus.jsonl": content, "three.txt": "z"}))
    assert list(corpus.documents) == ["one", "three.txt", "two.md"]


def test_byte_order_mark_and_foreign_line_ends_are_read(tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path, {"a.md": b"\xef\xbb\xbf# A\r\n\r\nbody\rmore"}))
    assert corpus.documents["a.md"] == "# A\n\nbody\nmore"


def test_files_about_the_corpus_are_left_alone(tmp_path: Path) -> None:
    files = {"a.md": "x", "LICENSE": "l", "README": "r", ".hidden.pdf": "h", ".git/config.ini": "g"}
    assert list(load_corpus(write(tmp_path, dict(files))).documents) == ["a.md"]


def test_other_formats_are_refused_by_name(tmp_path: Path) -> None:
    assert problems_of(write(tmp_path, {"a.md": "x", "b.pdf": "%PDF", "c.docx": "z", "noending": "n"})) == [
        "b.pdf: found a file ending in '.pdf'; expected .md, .txt, .html or corpus.jsonl; "
        "the media extra of a later version reads this format",
        "c.docx: found a file ending in '.docx'; expected .md, .markdown, .txt, .html, .htm or corpus.jsonl; "
        "move other files out of the corpus",
        "noending: found a file ending in ''; expected .md, .markdown, .txt, .html, .htm or corpus.jsonl; "
        "move other files out of the corpus",
    ]


def test_bad_encoding_names_line_byte_and_offset(tmp_path: Path) -> None:
    assert problems_of(write(tmp_path, {"a.md": b"one\ncaf\xe9\n"})) == [
        "a.md:2: found byte 0xE9 at offset 7, which is not UTF-8; expected a file saved as UTF-8"
    ]


def test_every_problem_of_corpus_jsonl_is_found(tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "text": "x"}',
        '{"text": "x"}',
        '{"id": "a", "text": "y"}',
        "[1]",
        '{"id": "b"',
        "\xff",
    ]
    content = "\n".join(lines).encode("latin-1")
    assert problems_of(write(tmp_path, {"corpus.jsonl": content})) == [
        "corpus.jsonl:2: found ['text']; expected exactly one of 'id' and 'document', the document's name",
        "corpus.jsonl:3: found document 'a' again; expected a name of its own; corpus.jsonl:1 has it first",
        "corpus.jsonl:4: found [1]; expected an object with named fields",
        "corpus.jsonl:5: found broken JSON (EOF while parsing an object at column 10); "
        "expected one whole JSON object on the line",
        f"corpus.jsonl:6: found byte 0xFF at offset {len(content) - 1}, which is not UTF-8; "
        "expected a file saved as UTF-8",
    ]


@pytest.mark.parametrize("files", [{}, {"a.md": " \n"}, {"README": "x"}])
def test_empty_corpus_is_a_problem(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    assert problems_of(write(tmp_path, files)) == [
        "FOLDER: found an empty corpus; expected at least one document with text "
        "(.md, .txt, .html or corpus.jsonl)"
    ]


def test_missing_folder_is_a_problem(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none") == ["FOLDER: found no such folder; expected a folder of documents"]


def test_versions_are_sub_folders_oldest_first(tmp_path: Path) -> None:
    write(tmp_path, {"v10/a.md": "ten", "v2/a.md": "two", ".cache/x.md": "no"})
    assert corpus_versions(tmp_path) == ("v2", "v10")
    corpus = load_corpus(tmp_path, version="v2")
    assert (corpus.version, dict(corpus.documents)) == ("v2", {"a.md": "two"})
    assert problems_of(tmp_path, version="v1") == [
        "FOLDER: version: found version 'v1'; expected one of v2, v10 (did you mean 'v10'?)"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights")
def test_links_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"secret.md": "s", "corpus/a.md": "x", "corpus/sub/c.md": "y"})
    corpus = tmp_path / "corpus"
    (corpus / "leak.md").symlink_to(tmp_path / "secret.md")
    (corpus / "gone.md").symlink_to(corpus / "nothing.md")
    (corpus / "loop.md").symlink_to(corpus / "loop.md")
    (corpus / "linked").symlink_to(corpus / "sub")
    (corpus / "same.md").symlink_to(corpus / "a.md")
    found = problems_of(corpus)
    assert [line.split(";")[0] for line in found[:2]] == [
        "linked: found a link to a folder",
        "gone.md: found a link to nothing",
    ]
    assert found[2] == "leak.md: found a link that leads out of the folder; expected a file inside FOLDER"
    assert found[3].startswith("loop.md: found a file that cannot be read (")


def test_fingerprint_changes_exactly_with_the_passages() -> None:
    documents = {"a": "# H\none two three", "b": "four"}
    corpus = build_corpus(documents)
    assert corpus.fingerprint == build_corpus(dict(reversed(documents.items()))).fingerprint
    assert corpus.fingerprint == build_corpus({**documents, "a": "# H\n\n\none two three\n"}).fingerprint
    others = [
        build_corpus({**documents, "a": "# G\none two three"}),
        build_corpus({**documents, "b": "Four"}),
        build_corpus({**documents, "c": "five"}),
        build_corpus(documents, chunking=Chunking(max_words=2)),
    ]
    assert len({corpus.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_build_corpus_refuses_what_is_no_text() -> None:
    with pytest.raises(GoldenSetError, match="found NoneType; expected a name and a text, both strings"):
        build_corpus({"a": None})  # type: ignore[dict-item]
    with pytest.raises(GoldenSetError, match="found an empty corpus"):
        build_corpus({})


def test_html_keeps_structure_and_drops_what_is_not_read() -> None:
    page = """<!doctype html><html><head><title>Shop</title><style>p {}</style></head><body>
    <nav><a href="/">Home</a></nav><script>var x = "<p>no</p>";</script><!-- no -->
    <h2>Returns <em>now</em></h2><p>Send it   back,
    <code>RMA-1</code>.<br>Soon.</p><ul><li>one<ul><li>inner</li></ul></li><li><p>two</p></li></ul>
    <table><tr><th>Item<th>Fee</tr><tr><td>Box<!-- no --></td><td>2<br>EUR</td></tr><tr></tr></table>
    <table><tr><td><h3>Laid out</h3><p>by table</td></tr></table>
    <pre>\n  a\n\n  b\n</pre><div>tail<p>para</div></body></html>"""
    assert html_to_text(page) == (
        "# Shop\n\n## Returns now\n\nSend it back, `RMA-1`. Soon.\n\n- one\n- inner\n- two\n\n"
        "| Item | Fee |\n| Box | 2 EUR |\n\n### Laid out\n\nby table\n\n```\n  a\n\n  b\n```\n\ntail\n\npara"
    )


def test_html_code_with_fences_in_it_stays_code() -> None:
    text = html_to_text("<pre>```\n# no\n```</pre><h1>R</h1>r")
    assert text == "````\n```\n# no\n```\n````\n\n# R\n\nr"
    assert [p.heading for p in build_corpus({"a": text}).passages] == ["", "R"]


def test_html_title_without_a_head_stands_once() -> None:
    assert html_to_text("<title>T</title><p>x") == "# T\n\nx"


def test_html_of_any_depth_and_kind_is_read() -> None:
    assert html_to_text("<div>" * 3000 + "deep") == "deep"
    assert html_to_text('<?xml version="1.0"?><html><body><h1>T</h1>x</body></html>') == "# T\n\nx"
    assert html_to_text("") == ""


def test_module_is_read_without_being_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        {
            "texts_pkg/__init__.py": "raise RuntimeError('imported')",
            "texts_pkg/data.py": "raise RuntimeError\n"
            "other = 1\ndocs: dict = {'b': 'x', 'a': '# A\\ny'}\nbad = {1: 2}\nrun = f()",
        },
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    reading = read_module("texts_pkg.data", "docs")
    assert (reading.documents, reading.problems) == ({"a": "# A\ny", "b": "x"}, [])
    assert "texts_pkg" not in sys.modules
    source = "a module with Python source in this environment"
    expected = {
        ("texts_pkg.data", "bad"): ("attribute", "{1: 2}", "a dictionary of document name -> text"),
        ("texts_pkg.data", "gone"): (
            "attribute",
            "'gone' in texts_pkg.data: it is not assigned at the top level of the module",
            "a dictionary literal",
        ),
        ("texts_pkg.none", "docs"): ("module", "'texts_pkg.none'", source),
        ("texts_pkg.data.more", "docs"): ("module", "'texts_pkg.data.more'", source),
        ("", "docs"): ("module", "''", source),
    }
    for arguments, texts in expected.items():
        with pytest.raises(ModuleSourceError) as caught:
            read_module(*arguments)
        assert caught.value.texts == texts
    with pytest.raises(ModuleSourceError, match="a dictionary literal"):
        read_module("texts_pkg.data", "run")


def test_python_reference_is_found_in_the_standard_library() -> None:
    reading = read_module("pydoc_data.topics", "topics")
    assert len(reading.documents) > 60
    assert reading.documents["assert"].startswith('The "assert" statement\n***')
