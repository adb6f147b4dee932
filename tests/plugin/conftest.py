"""Every plugin test runs a real pytest in its own process, over a small golden set with a scripted model."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

WITHOUT = ["-p", "no:randomly", "-p", "no:cov", "-p", "no:hypothesispytest"]
"""Plugins that only this project's own tests need; Hypothesis alone costs a process a third of a second."""
TINY = Path(__file__).resolve().parents[2] / "fixtures" / "tiny"

CONFTEST = '''
import os
import pytest
from pytest_ragtune.fakes import ScriptedGenerator

CALLS = os.path.join(os.path.dirname(__file__), "calls.txt")

def question(prompt):
    lines = [line for line in prompt.user.splitlines() if line.startswith("Question: ")]
    return lines[-1].removeprefix("Question: ") if lines else prompt.user

class Counted(ScriptedGenerator):
    def generate(self, prompts):
        with open(CALLS, "a") as stream:
            stream.writelines(f"{question(prompt)}\\n" for prompt in prompts)
        return super().generate(prompts)

def answer(prompt):
    """The first passage, as a parrot would; nothing without passages."""
    lines = prompt.user.splitlines()
    return lines[2] if len(lines) > 2 else "I do not know."

@pytest.fixture
def generator():
    return Counted(answer)

@pytest.fixture
def retriever(bm25_retriever):
    return bm25_retriever
'''


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with the tiny golden set and a scripted generator that counts its calls."""
    for name in [name for name in os.environ if name.startswith(("RAGTUNE_", "PYTEST_"))] + ["CI"]:
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(TINY, pytester.path / "tiny")
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


@pytest.fixture
def run(project: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run pytest in a process of its own."""

    def go(*arguments: str) -> pytest.RunResult:
        return project.run(sys.executable, "-m", "pytest", *WITHOUT, *arguments)

    return go


@pytest.fixture
def calls(project: pytest.Pytester) -> Callable[[], list[str]]:
    """The questions that the model was asked so far, in order."""

    def read() -> list[str]:
        path = project.path / "calls.txt"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    return read
