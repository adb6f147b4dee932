"""Chunking: headings found, sections cut at gentle places, offsets that hold."""

from __future__ import annotations

import pydoc_data.topics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ragtune.corpus.chunking import Chunking, chunk_document
from pytest_ragtune.corpus.cutting import cut
from pytest_ragtune.corpus.headings import find_headings


def chunks(text: str, **parameters: object) -> list[tuple[str, str]]:
    chunking = Chunking(**parameters)  # type: ignore[arg-type]
    return [(passage.heading, passage.text) for passage in chunk_document("d", text, chunking)]


def test_sections_become_passages_with_their_heading_path() -> None:
    text = "Before.\n\n# Returns\n\nIntro.\n\n## How long\n\nThirty days.\n\n# Delivery ##\nTwo days.\n"
    assert chunks(text) == [
        ("", "Before."),
        ("Returns", "Intro."),
        ("Returns > How long", "Thirty days."),
        ("Delivery", "Two days."),
    ]


def test_ids_count_from_one_in_reading_order() -> None:
    passages = chunk_document("a/returns.md", "# A\nx\n# B\ny\n", Chunking())
    assert [passage.id for passage in passages] == ["a/returns.md#1", "a/returns.md#2"]
    assert {passage.document for passage in passages} == {"a/returns.md"}


def test_heading_without_text_lives_on_in_the_path_below_it() -> None:
    assert chunks("# Returns\n\n## How long\n\nThirty days.\n") == [("Returns > How long", "Thirty days.")]


def test_heading_without_text_joins_the_next_section_beside_it() -> None:
    assert chunks("# A\n\n# B\n\nbody\n") == [("B", "# A\n\n# B\n\nbody")]


def test_headings_without_text_at_the_end_make_a_passage_of_their_own() -> None:
    assert chunks("# A\n\nbody\n\n# B\n\n## C\n") == [("A", "body"), ("B > C", "## C")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n## B\n# C\nbody\n", [("C", "# A\n## B\n# C\nbody")]),
        ("# A\n## B\n### C\n## D\nbody\n", [("A > D", "## B\n### C\n## D\nbody")]),
        ("# A\n## B\n# C\n", [("C", "# A\n## B\n# C")]),
        ("# A\nx\n## B\n# C\ny\n", [("A", "x"), ("C", "## B\n# C\ny")]),
    ],
)
def test_no_heading_is_lost(text: str, expected: list[tuple[str, str]]) -> None:
    assert chunks(text) == expected


def test_document_of_white_space_has_no_passage() -> None:
    assert chunks(" \n\t\n") == []
    assert chunks("", by="window") == []


def test_number_signs_in_code_fences_and_without_space_are_no_headings() -> None:
    text = "# A\n\n```sh\n# not a heading\n```\n~~~\n# nor this\n```\n~~~\n#hashtag\n    # indented\n"
    assert [heading.title for heading in find_headings(text)] == ["A"]


def test_fence_that_never_closes_runs_to_the_end() -> None:
    assert [heading.title for heading in find_headings("# A\n```\n# B\n")] == ["A"]


def test_front_matter_is_text_not_a_heading() -> None:
    assert chunks("---\ntitle: x\n---\n# A\nbody\n") == [("", "---\ntitle: x\n---"), ("A", "body")]


def test_toml_front_matter_too() -> None:
    text = "+++\n# title\n+++\n# A\nbody\n"
    assert chunks(text) == [("", "+++\n# title\n+++"), ("A", "body")]


def test_what_is_commented_out_is_no_heading() -> None:
    text = "<!--\n# Licence\n-->\n# A\nbody <!-- one\n# B\n```\n<!--\n```\n# C\n<!-- open\n# D\n"
    assert [heading.title for heading in find_headings(text)] == ["A", "B", "C"]


def test_underlined_headings_take_their_depth_from_the_order_of_styles() -> None:
    text = "Top\n***\n\nintro\n\nOne\n===\n\nfirst\n\nDeep\n~~~~\n\ndeep\n\nTwo\n===\n\nsecond\n"
    assert chunks(text) == [
        ("Top", "intro"),
        ("Top > One", "first"),
        ("Top > One > Deep", "deep"),
        ("Top > Two", "second"),
    ]


def test_overline_belongs_to_its_heading() -> None:
    assert chunks("=====\n Top\n=====\n\nbody\n\nSub\n===\n\nmore\n") == [
        ("Top", "body"),
        ("Top > Sub", "more"),
    ]


def test_markdown_underlines_have_fixed_depth_beside_number_signs() -> None:
    text = "Top\n===\nintro\n\nSub title\n---\nbody\n\n### Deep\nx\n\nNot one\n*******\n"
    headings = [(heading.level, heading.title) for heading in find_headings(text)]
    assert headings == [(1, "Top"), (2, "Sub title"), (3, "Deep")]


@pytest.mark.parametrize(
    "text",
    [
        "a paragraph\nof two lines\n------------\n",
        "- an item\n---\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "text\n\n---\n\ntext\n",
        "A long line of text\n***\n",
        "   >>> code\n   ...\n",
        "1. first\n---\n",
        "=== \n===\n",
    ],
)
def test_lines_that_only_look_like_underlines_are_left_alone(text: str) -> None:
    assert find_headings(text) == []


def test_long_section_is_cut_at_paragraph_ends_into_similar_lengths() -> None:
    paragraphs = [f"p{number} " + "word " * 39 for number in range(4)]
    texts = [text for _, text in chunks("# A\n\n" + "\n\n".join(paragraphs), max_words=120)]
    assert [len(text.split()) for text in texts] == [80, 80]
    assert texts[1].startswith("p2")


def test_long_paragraph_is_cut_at_sentence_ends() -> None:
    text = "One two three four. Five six seven eight! Nine ten, e.g. Eleven twelve?"
    assert [piece for _, piece in chunks(text, max_words=6)] == [
        "One two three four.",
        "Five six seven eight!",
        "Nine ten, e.g. Eleven twelve?",
    ]


def test_long_sentence_is_cut_between_words() -> None:
    assert [piece for _, piece in chunks("a b c d e f g", max_words=3)] == ["a b c", "d e f", "g"]


def test_long_list_is_cut_between_items() -> None:
    text = "- one two three\n- four five six\n- seven eight nine"
    assert [piece for _, piece in chunks(text, max_words=8)] == [
        "- one two three\n- four five six",
        "- seven eight nine",
    ]


def test_code_block_with_blank_lines_is_not_broken_while_it_fits() -> None:
    code = "```py\na = 1\n\nb = 2\n```"
    filler = "word " * 9 + "end."
    pieces = [piece for _, piece in chunks(f"{filler}\n\n{code}\n\n{filler}", max_words=12)]
    assert code in pieces


def test_what_a_colon_announces_stays_with_it() -> None:
    text = "one two three four five six\n\nThe rule is:\n\n   a_rule ::= b\n\nseven eight nine ten"
    pieces = [piece for _, piece in chunks(text, max_words=9)]
    assert any("The rule is:\n\n   a_rule ::= b" in piece for piece in pieces)


def test_indented_text_stays_under_its_signature() -> None:
    body = (
        "object.__len__(self)\n\n   Called to implement len.\n\nobject.__bool__(self)\n\n   Called for truth."
    )
    assert [piece for _, piece in chunks(body, max_words=6)] == [
        "object.__len__(self)\n\n   Called to implement len.",
        "object.__bool__(self)\n\n   Called for truth.",
    ]


def test_staircase_of_indentation_does_not_exhaust_the_stack() -> None:
    text = "\n\n".join(" " * depth + "word" for depth in range(300))
    assert sum(len(piece.split()) for _, piece in chunks(text, max_words=2)) == 300


def test_windows_share_words_and_know_their_heading() -> None:
    text = "# A\n\none two three\n\n# B\n\nfour five six seven"
    assert chunks(text, by="window", max_words=5, overlap=1) == [
        ("A", "# A\n\none two three"),
        ("A", "three\n\n# B\n\nfour five"),
        ("B", "five six seven"),
    ]


def test_last_window_is_not_repeated_by_the_overlap() -> None:
    assert [piece for _, piece in chunks("a b c d", by="window", max_words=3, overlap=2)] == [
        "a b c",
        "b c d",
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"by": "page"}, "by is 'page': expected 'heading' or 'window'"),
        ({"max_words": 0}, "max_words is 0: expected 1 or more"),
        ({"max_words": True}, "max_words is True: expected a whole number of words"),
        ({"max_words": 2.5}, "max_words is 2.5: expected a whole number of words"),
        (
            {"by": "window", "max_words": 5, "overlap": 5},
            "overlap is 5: expected 0 or more and less than max_words (5)",
        ),
        ({"overlap": 3}, "overlap is 3: expected 0 with by='heading'; windows overlap"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        Chunking(**parameters)  # type: ignore[arg-type]
    assert str(caught.value) == message


_SAMPLES = [
    *("", "", "# A", "## B", "Title", "=====", "-----", "~~~~~", "```", "---", "- item one", "   deep:"),
    *("One two three. Four five!", "a b c d e f g h i j k l m", "\tx", "| a | b |", "word\r"),
]
_LINES = st.lists(st.sampled_from(_SAMPLES), max_size=25).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(
    text=st.one_of(_LINES, st.text(max_size=80)),
    by=st.sampled_from(["heading", "window"]),
    max_words=st.integers(1, 12),
)
def test_passages_are_exact_short_and_ordered_parts_of_any_document(
    text: str, by: str, max_words: int
) -> None:
    passages = chunk_document("d", text, Chunking(by=by, max_words=max_words))  # type: ignore[arg-type]
    assert bool(passages) == bool(text.strip())
    for passage in passages:
        assert passage.text == text[passage.start : passage.end] == passage.text.strip() != ""
        assert len(passage.text.split()) <= max_words
    assert all(a.end <= b.start for a, b in pairwise(passages))


@settings(max_examples=200, deadline=None)
@given(text=_LINES, max_words=st.integers(1, 12))
def test_a_cut_loses_no_word(text: str, max_words: int) -> None:
    pieces = cut(text, (0, len(text)), max_words)
    assert [word for start, end in pieces for word in text[start:end].split()] == text.split()


def test_python_reference_is_cut_by_its_underlined_headings() -> None:
    topics = pydoc_data.topics.topics
    passages = [p for name, text in topics.items() for p in chunk_document(name, text, Chunking())]
    assert all(topics[p.document][p.start : p.end] == p.text for p in passages)
    assert all(p.heading and "***" not in p.heading for p in passages)
    assert max(len(p.text.split()) for p in passages) <= 120
    assert not any(
        line.strip("*=-~") == "" and len(line) > 9 for p in passages for line in p.text.split("\n")[1:2]
    )
    by_heading = {p.heading for p in passages if p.document == "typesseq"}
    assert any(heading.endswith(" > Common Sequence Operations") for heading in by_heading)
