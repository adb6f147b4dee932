from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from pytest_ragtune.metrics.answer import Matches, TokenF1
from pytest_ragtune.metrics.catalogue import NAMES, metric, resolve
from pytest_ragtune.records import Support


class AnyJudge:
    identity = "any"

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [Support(1.0) for _ in pairs]

    relevance = support


class SupportOnly:
    identity = "support-only"

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [Support(1.0) for _ in pairs]


@pytest.mark.parametrize("name", [*NAMES, "R@5", "nDCG@10", "RR"])
def test_every_name_gives_the_metric_of_that_name(name: str) -> None:
    assert metric(name, judge=AnyJudge()).info.name == name


@pytest.mark.parametrize("name", ["faithfulness", "answer_relevance", "context_precision", "context_recall"])
def test_a_judged_metric_without_a_judge_says_what_to_do(name: str) -> None:
    with pytest.raises(ValueError, match=rf"metric '{name}' needs a judge and there is none: pass judge="):
        metric(name)


@pytest.mark.parametrize("name", ["answer_relevance", "context_precision"])
def test_a_judge_without_relevance_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} needs a judge with a method 'relevance', and SupportOnly"):
        metric(name, judge=SupportOnly())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("faithfullness", "did you mean 'faithfulness'? Known are abstention, answer_relevance"),
        ("Token_F1", "did you mean 'token_f1'"),
        ("zzz", "metric 'zzz' is not known: Known are abstention"),
        ("MRR@10", "did you mean 'RR@10'?"),
        ("hit_rate@3", "did you mean 'Success@3'?"),
        ("precision", "did you mean 'P@5'?"),
        ("R", "expected a form such as 'R@5'"),
        ("", "ranking metrics such as R@5"),
    ],
)
def test_an_unknown_name_lists_known_ones_and_near_matches(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        metric(name)
    assert hint in str(caught.value)


def test_resolve_keeps_order_and_objects() -> None:
    own = Matches("a", name="own")
    found = resolve(["R@5", own, "token_f1", "faithfulness"], AnyJudge())
    assert [item.info.name for item in found] == ["R@5", "own", "token_f1", "faithfulness"]
    assert found[1] is own


def test_resolve_refuses_two_of_one_name() -> None:
    with pytest.raises(ValueError, match="metric 'token_f1' was given more than once"):
        resolve(["token_f1", "R@5", TokenF1()])


def test_resolve_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="no metric was given: expected at least one"):
        resolve([])


@pytest.mark.parametrize("wrong", [5, None, TokenF1, object()])
def test_resolve_refuses_what_is_no_metric(wrong: object) -> None:
    with pytest.raises(TypeError, match="as a metric: expected a name or an object with info and score"):
        resolve([wrong])  # type: ignore[list-item]


def test_importing_the_metrics_loads_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); import pytest_ragtune.metrics.catalogue, "
        "pytest_ragtune.judges.lexical, pytest_ragtune.judges.embedding; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['pytest_ragtune']"
