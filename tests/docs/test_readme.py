"""The README stays true: its examples run, its tables are complete, its commands exist."""

from __future__ import annotations

import configparser
import json
import re
import sys
from pathlib import Path

import pytest

import pytest_ragtune
from pytest_ragtune import fixtures, options

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)

APPLICATION = """
class Application:
    def ask(self, question):
        passage = "Bikes can be returned within 30 days of delivery."
        return "Bikes can be returned within 30 days of delivery.", [passage]

my_application = Application()
"""


def test_python_blocks_are_python() -> None:
    found = [text for language, text in BLOCKS if language == "python"]
    assert len(found) >= 2
    for text in found:
        compile(text, "README.md", "exec")


def test_the_ten_line_example_runs_as_told(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    folder = pytester.path / "golden_sets" / "shop"
    (folder / "corpus").mkdir(parents=True)
    (folder / "golden_set.toml").write_text("schema = 1\n", encoding="utf-8")
    (folder / "corpus" / "returns.md").write_text(
        "# Returns\n\nBikes can be returned within 30 days of delivery.\n", encoding="utf-8"
    )
    case = {
        "id": "window",
        "question": "Until when can I send it back?",
        "reference": "Within 30 days.",
        "relevant": [{"document": "returns.md", "quote": "within 30 days of delivery"}],
    }
    assert f'"question": "{case["question"]}"' in README
    assert json.dumps(case["relevant"]) in README
    (folder / "cases.jsonl").write_text(
        "".join(json.dumps(case | {"id": f"window-{n}"}) + "\n" for n in range(8)), encoding="utf-8"
    )
    test = next(text for language, text in BLOCKS if language == "python")
    (folder / "test_shop.py").write_text(test + APPLICATION, encoding="utf-8")
    pytester.makeini("[pytest]\n")

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.run(
            sys.executable, "-m", "pytest", "golden_sets/shop", "-p", "no:randomly", *arguments
        )

    run().stdout.fnmatch_lines(
        ["*no baseline; make one with: pytest golden_sets/shop --ragtune-update-baselines*"]
    )
    run("--ragtune-update-baselines").assert_outcomes(failed=1)
    assert [path.name for path in (folder / "baselines").iterdir()] == ["answer.jsonl"]
    run().assert_outcomes(passed=1)


def test_every_fixture_is_in_the_table() -> None:
    names = {
        name for name, value in vars(fixtures).items() if type(value).__name__ == "FixtureFunctionDefinition"
    }
    assert len(names) >= 18
    section = README.partition("## Fixtures")[2].partition("## Assertions")[0]
    assert names == set(re.findall(r"`(\w+)`", section)) - {"rag_", "train", "conftest", "defaults"}


def test_every_assertion_is_in_the_table() -> None:
    section = README.partition("## Assertions")[2].partition("## Options")[0]
    named = set(re.findall(r"`(assert_\w+)\(", section))
    assert named == {name for name in pytest_ragtune.__all__ if name.startswith("assert_")}


def test_every_option_is_in_the_table() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.names: set[str] = set()

        def getgroup(self, *_: str) -> Recorder:
            return self

        def addoption(self, name: str, **_: object) -> None:
            self.names.add(name)

        def addini(self, name: str, *_: object, **__: object) -> None:
            self.names.add(name)

    recorder = Recorder()
    options.add_options(recorder)  # type: ignore[arg-type]
    section = README.partition("## Options")[2].partition("## Licence")[0]
    named = set(re.findall(r"`(--ragtune-[\w-]+)", section)) | set(
        re.findall(r"ini `(ragtune_\w+)`", section)
    )
    assert named == recorder.names
    assert all(name.startswith(("--ragtune-", "ragtune_")) for name in recorder.names)


def test_the_two_commands_exist() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    for name in re.findall(r"tox run -e (\w+)", README):
        assert f"testenv:{name}" in tox


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
