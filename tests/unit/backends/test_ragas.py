"""ragas' metrics as ours: the scores that ragas gives, and none where it should give none."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pytest_ragtune.backends.ragas import RagasMetric
from pytest_ragtune.generation.endpoint import EndpointGenerator
from pytest_ragtune.protocols import Metric
from pytest_ragtune.records import Case, Prompt, Response
from tests.servers.backend_cases import expected, load_cases, scripted
from tests.servers.letters import Letters
from tests.servers.loopback import LoopbackServer, prompt_of
from tests.servers.scripted_judge import changed, judge

pytest.importorskip(
    "ragas", reason="ragas is not installed; it has an environment of its own", exc_type=ImportError
)

JUDGED = (
    "faithfulness", "answer_relevancy", "context_precision", "context_utilization", "context_recall",
    "factual_correctness", "noise_sensitivity",
)  # fmt: skip
PLAIN = (
    "semantic_similarity", "non_llm_string_similarity", "rouge_score", "exact_match", "string_presence",
    "bleu_score", "chrf_score",
)  # fmt: skip
CASES, RESPONSES = load_cases()


def values(metric: RagasMetric) -> list[float | None]:
    return [score.value for score in metric.score(CASES, RESPONSES)]


def make(name: str, function: Callable[..., str] = judge, **settings: Any) -> RagasMetric:
    return RagasMetric(name, scripted(function), embedder=Letters(), **settings)


@pytest.mark.parametrize("name", [*JUDGED, *PLAIN])
def test_scores_are_those_on_file(name: str) -> None:
    metric = make(f"ragas:{name}")
    assert isinstance(metric, Metric)
    assert metric.info.name == f"ragas:{name}"
    assert (metric.judge is None) == (name in PLAIN)
    assert values(metric) == pytest.approx(expected("ragas")[name], abs=1e-6)


@pytest.mark.parametrize("name", JUDGED)
def test_against_a_server(name: str) -> None:
    def reply(request: dict[str, Any]) -> str:
        return judge(Prompt(prompt_of(request)), request["response_format"]["json_schema"]["schema"])

    pytest.importorskip("openai")
    with LoopbackServer(reply, faults=lambda r, n: "429" if n == 0 else None) as server:
        generator = EndpointGenerator("m", base_url=server.url, concurrency=8)
        metric = RagasMetric(name, generator, embedder=Letters())
        assert values(metric) == pytest.approx(expected("ragas")[name], abs=1e-6)
        assert server.most_busy <= 8


def test_parameters_reach_ragas() -> None:
    precision = make("factual_correctness", mode="precision")
    assert values(precision) == [0.5, 1.0, 0.0, 0.5]
    assert precision.info.identity != make("factual_correctness").info.identity


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize(
    "broken",
    [
        lambda prompt, schema: "",
        lambda prompt, schema: "I think it is fine.",
        lambda prompt, schema: judge(prompt, schema)[:-3],
        lambda prompt, schema: "{}",
        lambda prompt, schema: "null",
        lambda prompt, schema: '{"statements": [], "claims": [], "classifications": [], "verdicts": []}',
        lambda prompt, schema: 1 / 0,
        lambda prompt, schema: [][0],
    ],
    ids=["empty", "prose", "cut", "fields", "null", "lists", "raises", "index"],
)
def test_a_broken_judge_leaves_every_case_unscored(name: str, broken: Callable[..., str]) -> None:
    scores = make(name, broken).score(CASES, RESPONSES)
    assert [score.value for score in scores] == [None] * 4
    assert all(score.reason and score.applicable for score in scores)


def first_only(field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda value: {field: value[field][:1]}


def each(field: str, **changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda value: {field: [{**item, **changes} for item in value[field] if isinstance(item, dict)]}


def first_again(field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda value: {field: value[field][:1] * len(value[field])}


def only_verdicts(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda value: change(value) if isinstance(value["statements"][0], dict) else value


@pytest.mark.parametrize(
    ("name", "kind", "change", "unscored"),
    [
        ("faithfulness", "statements", only_verdicts(first_only("statements")), [0, 3]),
        ("faithfulness", "statements", only_verdicts(each("statements", verdict=7)), [0, 1, 2, 3]),
        ("faithfulness", "statements", only_verdicts(each("statements", verdict="maybe")), [0, 1, 2, 3]),
        ("factual_correctness", "statements", only_verdicts(first_only("statements")), [0, 1, 3]),
        ("noise_sensitivity", "statements", only_verdicts(first_only("statements")), [0, 1, 3]),
        ("faithfulness", "statements", only_verdicts(first_again("statements")), [0, 3]),
        ("factual_correctness", "statements", only_verdicts(first_again("statements")), [0, 1, 3]),
        ("noise_sensitivity", "statements", only_verdicts(first_again("statements")), [0, 1, 3]),
        ("context_recall", "classifications", first_again("classifications"), [1]),
        ("context_recall", "classifications", first_only("classifications"), [1]),
        ("context_recall", "classifications", each("classifications", attributed=2), [0, 1, 2, 3]),
        ("context_precision", "reason", lambda value: {**value, "verdict": 5}, [0, 1, 2, 3]),
        ("answer_relevancy", "question", lambda value: {**value, "noncommittal": 3}, [0, 1, 2, 3]),
        ("answer_relevancy", "question", lambda value: {**value, "question": ""}, [0, 1, 2, 3]),
    ],
)
def test_verdicts_that_are_none_leave_their_case_unscored(
    name: str, kind: str, change: Callable[[dict[str, Any]], Any], unscored: list[int]
) -> None:
    scores = make(name, changed(kind, change)).score(CASES, RESPONSES)
    assert [i for i, score in enumerate(scores) if score.value is None] == unscored
    assert all(scores[i].reason for i in unscored)


def test_one_case_in_trouble_leaves_the_others_as_they_are() -> None:
    def sometimes(prompt: Prompt, schema: Any) -> str:
        return "?" if "green" in prompt.user else judge(prompt, schema)

    assert values(make("faithfulness", sometimes)) == [0.5, 1.0, None, 1.0]


def test_a_case_that_hangs_ends_at_its_time_limit() -> None:
    async def slow(prompt: Prompt, schema: Any = None) -> str:
        await asyncio.sleep(30 if "green" in prompt.user else 0)
        return judge(prompt, schema)

    generator = scripted()
    generator.function = slow
    scores = RagasMetric("faithfulness", generator, timeout=1.0).score(CASES, RESPONSES)
    assert [score.value for score in scores] == [0.5, 1.0, None, 1.0]
    assert "raise timeout" in scores[2].reason


def test_inside_a_running_loop() -> None:
    async def inside() -> list[float | None]:
        return values(make("faithfulness"))

    assert asyncio.run(inside()) == expected("ragas")["faithfulness"]


def test_what_a_case_lacks() -> None:
    case = Case("q", "How?")
    [got] = make("context_recall").score([case], [Response("x", ["c"])])
    assert (got.value, got.reason, got.applicable) == (None, "the case has no reference", False)
    [got] = make("faithfulness").score([case], [Response("x")])
    assert (got.value, got.reason, got.applicable) == (None, "no context was given", True)


def test_identity_holds_version_judge_embedder_and_parameters() -> None:
    found = json.loads(make("answer_relevancy", strictness=2).info.identity)
    assert found["version"] == importlib.metadata.version("ragas")
    assert found["judge"] == scripted().identity
    assert found["embedder"] == "letters"
    assert found["parameters"] == {"strictness": "2"}
    assert make("noise_sensitivity").info.higher_is_better is False


def test_wrong_use_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"no metric 'faithfulnes': did you mean 'faithfulness'"):
        make("faithfulnes")
    with pytest.raises(ValueError, match=r"ragas:faithfulness got no generator"):
        RagasMetric("faithfulness")
    with pytest.raises(ValueError, match=r"ragas:semantic_similarity got no embedder"):
        RagasMetric("semantic_similarity")
    with pytest.raises(ValueError, match=r"ragas:faithfulness does not take \['colour'\]"):
        make("faithfulness", colour="red")
    with pytest.raises(ValueError, match=r"needs \['.*'\], which a case does not have"):
        make("topic_adherence")


def test_nothing_is_patched_or_sent() -> None:
    script = (
        "import asyncio, sys, os\nrun = asyncio.run\nfrom pytest_ragtune.backends.ragas import RagasMetric\n"
        "assert 'ragas' not in sys.modules\nRagasMetric('exact_match')\n"
        "assert asyncio.run is run and not hasattr(asyncio, '_nest_patched')\n"
        "from ragas._analytics import do_not_track\nassert do_not_track()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
