from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pytest_ragtune.checks import at_least
from pytest_ragtune.fakes import ScriptedGenerator
from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.judges.majority import MajorityJudge
from pytest_ragtune.judges.nli import NliJudge
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.metrics.faithfulness import Faithfulness
from pytest_ragtune.metrics.relevance import ContextPrecision, ContextRecall
from pytest_ragtune.metrics.scoring import judge_name
from pytest_ragtune.records import Case, CaseScore, Claim, Evaluation, Response, Score, Support, Verdict
from pytest_ragtune.reporting.failure import failure_lines, headline

COUNTING = Path(__file__).resolve().parents[3] / "fixtures" / "judges" / "overlap"
CASE = Case("q1", "How long?", reference="It lasts long.")
RESPONSE = Response("It lasts long.", contexts=("It lasts long.",), ranking=("context-1",))


def test_a_judge_s_name_is_in_the_metric_s_identity() -> None:
    judges: dict[str, Any] = {
        "lexical": LexicalJudge(),
        "nli": NliJudge(COUNTING),
        "prompted": PromptedJudge(ScriptedGenerator(lambda prompt: "{}")),
        "majority": MajorityJudge([LexicalJudge(), NliJudge(COUNTING)]),
    }
    assert {name: judge_name(Faithfulness(judge).info.identity) for name, judge in judges.items()} == {
        name: name for name in judges
    }
    assert judge_name("token_f1/1") == ""


def test_the_first_line_of_a_failure_names_the_judge() -> None:
    metric = Faithfulness(LexicalJudge())
    score = Score(0.0, "", (Claim("a", 0.1, "p", "b"), Claim("c", 0.2), Claim("d", 0.3), Claim("e", 0.9)))
    evaluation = Evaluation(
        "rag", "g", "f", (CASE,), (RESPONSE,), {"faithfulness": (score,)}, {"faithfulness": metric.info}
    )
    verdict = at_least(evaluation, "faithfulness", 0.8)
    assert verdict.judge == "lexical"
    assert headline(verdict).startswith("faithfulness[lexical] 0.00 < 0.80")
    assert list(failure_lines(verdict))[1:4] == [
        '  worst  q1 0.00  not supported: "a"',
        '                  nearest      : p "b" (0.10)',
        '                  not supported: "c"',
    ]


def test_a_claim_below_a_high_threshold_is_named_too() -> None:
    score = Score(0.0, "", (Claim("a", 0.6, "p", "b"), Claim("c", 0.7)))
    verdict = Verdict("fail", "at_least", "m", "p", "g", 0.0, 0.8, 1, 0, worst=(CaseScore("q", score),))
    assert list(failure_lines(verdict))[1].endswith('not supported: "a"')


class Strict:
    """Recommends thresholds; supports all with 0.6, answers nothing."""

    identity = "strict"
    thresholds: ClassVar[dict[str, float]] = {"supports": 0.7, "answers": 0.05}

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [Support(0.6) for _ in pairs]

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [Support(0.1) for _ in pairs]


@pytest.mark.parametrize(("threshold", "expected"), [(None, 0.0), (0.5, 1.0)])
def test_the_judge_s_own_threshold_counts_unless_one_is_given(
    threshold: float | None, expected: float
) -> None:
    for kind in (Faithfulness, ContextRecall):
        (found,) = kind(Strict(), threshold=threshold).score([CASE], [RESPONSE])
        assert found.value == expected
    assert "threshold=0.7" in Faithfulness(Strict()).info.identity


def test_each_head_has_its_threshold_in_context_precision() -> None:
    (found,) = ContextPrecision(Strict()).score([CASE], [RESPONSE])
    assert found.value == 1.0  # it does not support with 0.7, but answers with 0.05
    (found,) = ContextPrecision(Strict(), threshold=0.65).score([CASE], [RESPONSE])
    assert found.value == 0.0
    assert "answers=0.05" in ContextPrecision(Strict()).info.identity
    assert "answers=" not in ContextPrecision(LexicalJudge()).info.identity
