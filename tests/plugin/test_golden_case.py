"""``golden_case``: one test a case, answered in one batch, and only what was selected."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
Calls = Callable[[], list[str]]

EACH_CASE = """
import pytest
from pytest_ragtune import assert_retrieves

@pytest.mark.golden_set("tiny")
def test_answers(golden_case, rag):
    response = rag.respond(golden_case)
    assert response.text
    assert response.case == golden_case
"""


def test_readable_ids_and_one_batch(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_each=EACH_CASE)
    result = run("-v")
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["*test_each.py::test_answers?thursday-hours? PASSED*"])
    assert len(calls()) == 12


def test_nothing_is_asked_again(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_each=EACH_CASE)
    run()
    run().assert_outcomes(passed=12)
    assert len(calls()) == 12


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--ragtune-case=thursday-hours",), 1),
        (("-k", "thursday-hours or not_there"), 1),
        (("--ragtune-case=thursday-hours", "--ragtune-case=no-parking"), 2),
    ],
)
def test_a_deselected_case_is_not_computed(
    project: pytest.Pytester, run: Run, calls: Calls, arguments: tuple[str, ...], expected: int
) -> None:
    project.makepyfile(test_each=EACH_CASE)
    run(*arguments).assert_outcomes(passed=expected)
    assert len(calls()) == expected


def test_an_unknown_case_is_refused(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_each=EACH_CASE)
    result = run("--ragtune-case=thursday-hour")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*none of the 12 cases*has this id; did you mean thursday-hours?*"])
    assert calls() == []


def test_collecting_computes_nothing(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_each=EACH_CASE)
    result = run("--collect-only", "-q")
    result.stdout.fnmatch_lines(["test_each.py::test_answers?thursday-hours?"])
    assert calls() == []
    assert not (project.path / ".ragtune").exists()


def test_workers_ask_each_question_once(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_each=EACH_CASE)
    run("-n", "2").assert_outcomes(passed=12)
    assert len(calls()) == len(set(calls())) == 12


def test_it_works_without_xdist(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(test_each=EACH_CASE)
    run("-p", "no:xdist").assert_outcomes(passed=12)
    assert len(calls()) == 12


def test_tags_and_cases_select(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.golden_set("tiny", tags=["hours"])
        def test_by_tag(golden_case, rag):
            assert "hours" in golden_case.tags
            rag.respond(golden_case)

        @pytest.mark.golden_set("tiny", cases=["thursday-hours"])
        def test_by_id(golden_case, golden_set, rag):
            assert [case.id for case in golden_set.cases] == ["thursday-hours"]
            rag.respond(golden_case)
        """
    )
    run().assert_outcomes(passed=3)


def test_a_test_beside_a_golden_set_needs_no_marker(project: pytest.Pytester, run: Run) -> None:
    (project.path / "tiny" / "test_here.py").write_text(
        "def test_here(golden_set):\n    assert golden_set.name == 'tiny'\n", encoding="utf-8"
    )
    run("tiny").assert_outcomes(passed=1)


WRONG_MARKERS = [
    ("", "uses a golden set but names none"),
    ("@pytest.mark.golden_set", "is not understood; expected"),
    ("@pytest.mark.golden_set('nowhere')", "golden set 'nowhere' is no folder; looked for"),
    ("@pytest.mark.golden_set('tiny', tag='hours')", "is not understood; expected"),
    ("@pytest.mark.golden_set('tiny', tags=['nonsense'])", "no case has any of the tags"),
    ("@pytest.mark.golden_set('tiny', tags=['hours', 'hourz'])", "any of the tags ['hourz']; its tags are"),
    ("@pytest.mark.golden_set('tiny', tags=3)", "golden_set('tiny', tags=3) is not understood"),
    ("@pytest.mark.golden_set('tiny', path='tiny')", "is not understood; expected"),
    (
        "@pytest.mark.golden_set('tiny', tags=['hours'], cases=['no-parking'])",
        "none of cases=['no-parking'] has any of the tags ['hours']",
    ),
    ("@pytest.mark.golden_set('tiny', cases=['nonsense'])", "are not among its 12 cases"),
    ("@pytest.mark.golden_set('tiny', version='v9')", "v9"),
]


def test_wrong_markers_are_explained(project: pytest.Pytester, run: Run) -> None:
    for number, (marker, _) in enumerate(WRONG_MARKERS):
        text = f"import pytest\n\n{marker}\ndef test_x(golden_set):\n    pass\n"
        (project.path / f"test_wrong{number:02}.py").write_text(text, encoding="utf-8")
    result = run()
    result.assert_outcomes(errors=len(WRONG_MARKERS))
    told = result.stdout.str().split("ERROR at setup of test_x")[1:]
    for (_, message), text in zip(WRONG_MARKERS, told, strict=True):
        assert message in text
        assert "Traceback" not in text


def test_a_broken_golden_set_lists_its_problems(project: pytest.Pytester, run: Run, calls: Calls) -> None:
    (project.path / "tiny" / "cases.jsonl").write_text('{"id": "a", "question": ""}\n{', encoding="utf-8")
    project.makepyfile(test_each=EACH_CASE)
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*2 problems*", "*cases.jsonl:1: question:*", "*cases.jsonl:2:*"])


@pytest.mark.parametrize(
    "plugin", [("-p", "randomly"), ("--reruns", "1"), ("--timeout", "60"), ("--lf",), ("-x",)]
)
def test_it_gets_on_with_other_plugins(
    project: pytest.Pytester, run: Run, calls: Calls, plugin: tuple[str, ...]
) -> None:
    if plugin == ("-p", "randomly"):
        plugin = ("-p", "pytest_randomly")
    project.makepyfile(test_each=EACH_CASE)
    run(*plugin).assert_outcomes(passed=12)
    assert len(calls()) == 12


def test_an_override_in_one_folder_does_not_leak(project: pytest.Pytester, run: Run) -> None:
    test = (
        "import pytest\n@pytest.mark.golden_set('tiny')\n"
        "def test_hits(bm25_retriever):\n"
        "    hits = bm25_retriever.retrieve(['library card fee'], 3)[0]\n"
        "    assert bool(hits) is {found}\n"
    )
    for folder, found in (("a", True), ("b", False)):
        (project.path / folder).mkdir()
        (project.path / folder / f"test_{folder}.py").write_text(test.format(found=found), encoding="utf-8")
    (project.path / "b" / "conftest.py").write_text(
        "import pytest\nfrom pytest_ragtune.corpus import build_corpus\n"
        "@pytest.fixture\ndef corpus():\n    return build_corpus({'x.md': 'nothing else'})\n",
        encoding="utf-8",
    )
    run().assert_outcomes(passed=2)
