"""``ragtune_judge``: which judge the metrics use unless given one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ragtune.judges.choosing import default_name

Run = Callable[..., pytest.RunResult]
COUNTING = Path(__file__).resolve().parents[2] / "fixtures" / "judges" / "overlap"

SUITE = """
import sys
import pytest
from pytest_ragtune import assert_at_least, evaluate

@pytest.mark.golden_set("tiny")
def test_judge(golden_set, rag, judge):
    print("JUDGE", judge.identity)
    evaluation = evaluate(rag, golden_set, ["faithfulness", "answer_relevance"])
    assert judge.identity.partition("/")[0] + "/" in evaluation.metrics["faithfulness"].identity
    assert "torch" not in sys.modules
    assert_at_least(evaluation, "answer_relevance", 0.999)
"""


@pytest.mark.parametrize(
    ("setting", "name"), [("", default_name()), ("lexical", "lexical"), ("judges/own", "nli")]
)
def test_the_ini_value_names_the_judge(project: pytest.Pytester, run: Run, setting: str, name: str) -> None:
    shutil.copytree(COUNTING, project.path / "judges" / "own")
    project.makeini(f"[pytest]\nfilterwarnings = error\nragtune_judge = {setting}\n")
    project.makepyfile(test_suite=SUITE)
    result = run("-rA")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [f"E * AssertionError: answer_relevance?{name}? 0.* < 1.00  n=12*", f"JUDGE {name}/*"]
    )


def test_damaged_weights_are_named(project: pytest.Pytester, run: Run) -> None:
    folder = Path(shutil.copytree(COUNTING, project.path / "own"))
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    project.makeini("[pytest]\nragtune_judge = own\n")
    project.makepyfile(test_suite=SUITE)
    result = run()
    result.stdout.fnmatch_lines(["*ModelError: *own/tokenizer.json is damaged: its SHA-256 is *"])


def test_a_folder_that_holds_no_judge_is_refused(project: pytest.Pytester, run: Run) -> None:
    project.makeini("[pytest]\nragtune_judge = tiny\n")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*ragtune_judge = 'tiny' in the ini file: expected one of nli, lexical*"])
