"""A back end that is absent or broken is one clear message, and no concern of anything else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_ragtune.backends.deepeval import DeepEvalMetric
from pytest_ragtune.backends.ragas import RagasMetric
from pytest_ragtune.errors import MissingExtra
from pytest_ragtune.evaluation import evaluate
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.records import Case, Corpus, GoldenSet, Response

METRICS = {"ragas": RagasMetric, "deepeval": DeepEvalMetric}


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is imported of the back ends is out of sight during the test."""
    for name in [name for name in sys.modules if name.partition(".")[0] in METRICS]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in METRICS]:
        sys.modules.pop(name)


@pytest.mark.parametrize("backend", METRICS)
def test_broken(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: None) -> None:
    folder = tmp_path / "site" / backend
    (folder / "metrics" / "collections").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "metrics" / "__init__.py").write_text("from langchain_community.gone import Thing\n")
    (folder / "metrics" / "collections" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "site")
    generator = ScriptedGenerator({"": "{}"})
    with pytest.raises(MissingExtra, match=rf"'{backend}' is installed but cannot be imported") as caught:
        METRICS[backend]("faithfulness", generator)
    assert "langchain_community" in str(caught.value)
    assert f"pip install 'pytest-ragtune[{backend}]'" in str(caught.value)
    case = Case("q", "How long?")
    response = Response("It lasts two years.", ["It lasts two years."], case=case)
    judge = ScriptedJudge(lambda context, claim: 1.0)
    assert Faithfulness(judge).score([case], [response])[0].value == 1.0
    golden_set = GoldenSet("one", (Case("q", "How long?", "It lasts two years."),), Corpus((), {}, "c"), "f")
    evaluation = evaluate(lambda question: response, golden_set, ["exact_match", "faithfulness"], judge=judge)
    assert (evaluation.mean("exact_match"), evaluation.mean("faithfulness")) == (1.0, 1.0)
    with pytest.raises(MissingExtra, match=f"'{backend}' is installed but cannot be imported"):
        evaluate(
            lambda question: response,
            golden_set,
            [f"{backend}:faithfulness"],
            judge=PromptedJudge(generator),
        )


@pytest.mark.parametrize("backend", METRICS)
def test_absent(backend: str) -> None:
    if find_spec(backend) is not None:
        pytest.skip(f"{backend} is installed")
    with pytest.raises(MissingExtra, match=rf"'{backend}' is not installed.*pytest-ragtune\[{backend}\]"):
        METRICS[backend]("faithfulness")
