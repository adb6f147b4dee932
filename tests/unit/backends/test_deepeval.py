"""deepeval's metrics as ours: the scores that deepeval gives, and none where it should give none."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.backends.deepeval import DeepEvalMetric
from pytest_ragtune.generation.endpoint import EndpointGenerator
from pytest_ragtune.protocols import Metric
from pytest_ragtune.records import Case, Prompt, Response
from tests.servers.backend_cases import expected, load_cases, scripted
from tests.servers.loopback import LoopbackServer, prompt_of
from tests.servers.scripted_judge import changed, judge

if importlib.util.find_spec("deepeval") is None:
    pytest.skip("deepeval is not installed; it has an environment of its own", allow_module_level=True)

NAMES = (
    "faithfulness", "answer_relevancy", "contextual_precision", "contextual_recall", "contextual_relevancy",
    "hallucination", "g_eval",
)  # fmt: skip
CASES, RESPONSES = load_cases()


def make(name: str, function: Callable[..., str] = judge, **settings: Any) -> DeepEvalMetric:
    return DeepEvalMetric(name, scripted(function), **(extra(name) | settings))


def extra(name: str) -> dict[str, Any]:
    return {"criteria": "Is it right?"} if name.endswith("g_eval") else {}


def values(metric: DeepEvalMetric) -> list[float | None]:
    return [score.value for score in metric.score(CASES, RESPONSES)]


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_on_file(name: str) -> None:
    metric = make(f"deepeval:{name}")
    assert isinstance(metric, Metric)
    assert metric.info.name == f"deepeval:{name}"
    assert values(metric) == pytest.approx(expected("deepeval")[name], abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_against_a_server(name: str) -> None:
    def reply(request: dict[str, Any]) -> str:
        return judge(Prompt(prompt_of(request)), request["response_format"]["json_schema"]["schema"])

    pytest.importorskip("openai")
    with LoopbackServer(reply, faults=lambda r, n: "429" if n == 0 else None) as server:
        generator = EndpointGenerator("m", base_url=server.url, concurrency=8)
        metric = DeepEvalMetric(name, generator, **extra(name))
        assert values(metric) == pytest.approx(expected("deepeval")[name], abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "broken",
    [
        lambda prompt, schema: "",
        lambda prompt, schema: "I think it is fine.",
        lambda prompt, schema: judge(prompt, schema)[:-3],
        lambda prompt, schema: "{}",
        lambda prompt, schema: "null",
        lambda prompt, schema: '{"statements": [], "claims": [], "truths": [], "verdicts": [], "steps": []}',
        lambda prompt, schema: 1 / 0,
        lambda prompt, schema: len(prompt),
    ],
    ids=["empty", "prose", "cut", "fields", "null", "lists", "raises", "type"],
)
def test_a_broken_judge_leaves_every_case_unscored(name: str, broken: Callable[..., str]) -> None:
    scores = make(name, broken).score(CASES, RESPONSES)
    assert [score.value for score in scores] == [None] * 4
    assert all(score.reason and score.applicable for score in scores)


def first_only(value: dict[str, Any]) -> dict[str, Any]:
    return {"verdicts": value["verdicts"][:1]}


def each(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda value: {"verdicts": [{**item, **changes} for item in value["verdicts"]]}


def doubled(value: dict[str, Any]) -> dict[str, Any]:
    return {"verdicts": value["verdicts"] * 2}


@pytest.mark.parametrize(
    ("name", "change", "unscored"),
    [
        ("faithfulness", first_only, [0, 3]),
        ("faithfulness", doubled, [0, 1, 2, 3]),
        ("faithfulness", each(verdict="maybe"), [0, 1, 2, 3]),
        ("faithfulness", each(verdict=None), [0, 1, 2, 3]),
        ("answer_relevancy", first_only, [0, 3]),
        ("answer_relevancy", each(verdict="YES!"), [0, 1, 2, 3]),
        ("contextual_precision", first_only, [0, 1]),
        ("contextual_precision", each(verdict="useful"), [0, 1, 2, 3]),
        ("contextual_recall", first_only, [1]),
        ("contextual_recall", each(verdict="idk"), [0, 1, 2, 3]),
        ("contextual_relevancy", each(verdict="borderline"), [0, 1, 2, 3]),
        ("contextual_relevancy", lambda value: {"verdicts": []}, [0, 1, 2, 3]),
        ("hallucination", first_only, [0, 1]),
        ("hallucination", each(verdict="no?"), [0, 1, 2, 3]),
    ],
)
def test_verdicts_that_are_none_leave_their_case_unscored(
    name: str, change: Callable[[dict[str, Any]], Any], unscored: list[int]
) -> None:
    scores = make(name, changed("verdicts", change)).score(CASES, RESPONSES)
    assert [i for i, score in enumerate(scores) if score.value is None] == unscored
    assert all(scores[i].reason for i in unscored)


@pytest.mark.parametrize("score", [11, -1, 80, "high", None])
def test_a_g_eval_score_off_its_scale_is_no_score(score: Any) -> None:
    metric = make("g_eval", changed("reason", lambda value: {**value, "score": score}))
    assert values(metric) == [None] * 4


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
    scores = DeepEvalMetric("faithfulness", generator, timeout=1.0).score(CASES, RESPONSES)
    assert [score.value for score in scores] == [0.5, 1.0, None, 1.0]
    assert "raise timeout" in scores[2].reason


def test_many_cases_at_once_do_not_mix() -> None:
    metric = make("faithfulness")
    scores = metric.score(CASES * 50, RESPONSES * 50)
    assert [score.value for score in scores] == expected("deepeval")["faithfulness"] * 50


def test_inside_a_running_loop() -> None:
    async def inside() -> list[float | None]:
        return values(make("faithfulness"))

    assert asyncio.run(inside()) == expected("deepeval")["faithfulness"]


def test_what_a_case_lacks() -> None:
    case = Case("q", "How?")
    [got] = make("contextual_recall").score([case], [Response("x", ["c"])])
    assert (got.value, got.reason, got.applicable) == (None, "the case has no reference", False)
    [got] = make("faithfulness").score([case], [Response("x")])
    assert (got.value, got.reason, got.applicable) == (None, "no context was given", True)


def test_identity_holds_version_judge_and_parameters() -> None:
    found = json.loads(make("faithfulness", truths_extraction_limit=3).info.identity)
    assert found["version"] == importlib.metadata.version("deepeval")
    assert found["judge"] == scripted().identity
    assert found["parameters"] == {"truths_extraction_limit": "3"}
    plain = make("faithfulness").info.identity
    assert make("faithfulness", threshold=0.9).info.identity == plain
    assert make("faithfulness", strict_mode=True).info.identity != plain


def test_a_metric_without_a_model_needs_none() -> None:
    metric = DeepEvalMetric("exact_match")
    assert metric.judge is None
    assert None not in values(metric)


def test_a_setting_of_the_environment_does_not_change_who_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPEVAL_EVAL_MODE", "system_one")
    assert values(make("faithfulness")) == expected("deepeval")["faithfulness"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("bias", {}),
        ("toxicity", {}),
        ("pii_leakage", {}),
        ("misuse", {"domain": "finance"}),
        ("non_advice", {"advice_types": ["medical"]}),
        ("role_violation", {"role": "clerk"}),
        ("prompt_alignment", {"prompt_instructions": ["Be brief.", "Be kind."]}),
    ],
)
@pytest.mark.parametrize("given", [0, 1, 2, 3])
def test_as_many_verdicts_as_things_to_judge(name: str, settings: dict[str, Any], given: int) -> None:
    def judging(prompt: Prompt, schema: dict[str, Any]) -> str:
        fields = list(schema["properties"])
        if fields != ["verdicts"]:
            return json.dumps({fields[0]: ["one", "two"]})
        return json.dumps({"verdicts": [{"verdict": "no", "reason": "-"}] * given})

    scores = make(name, judging, **settings).score(CASES, RESPONSES)
    assert [score.value is None for score in scores] == [given != 2] * len(CASES), scores[0]


def test_wrong_use_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"no metric 'faithfulnes': did you mean 'faithfulness'"):
        make("faithfulnes")
    with pytest.raises(ValueError, match=r"deepeval:faithfulness got no generator"):
        DeepEvalMetric("faithfulness")
    with pytest.raises(ValueError, match=r"deepeval:faithfulness does not take \['colour'\]"):
        make("faithfulness", colour="red")
    with pytest.raises(ValueError, match=r"deepeval:faithfulness does not take \['eval_mode', 'model'\]"):
        make("faithfulness", model="gpt", eval_mode="hybrid")
    with pytest.raises(ValueError, match=r"which a case does not have"):
        make("tool_correctness")
    with pytest.raises(ValueError, match=r"deepeval:misuse cannot be made: .*'domain'; pass it by name"):
        make("misuse")
    for name in ("dag", "text_to_image"):
        with pytest.raises(ValueError, match=f"deepeval:{name} takes no single answer"):
            make(name)
    for name in ("plan_adherence", "step_efficiency", "agent_loop_detection"):
        with pytest.raises(ValueError, match=f"deepeval:{name} needs the trace of an agent"):
            make(name)


def test_nothing_is_read_patched_or_sent(tmp_path: Path) -> None:
    (tmp_path / "work" / "sub").mkdir()
    (tmp_path / "work" / "sub" / ".env").write_text("OPENAI_API_KEY=from-a-file\n")
    script = (
        "import asyncio, os, sys\nrun = asyncio.run\n"
        "from pytest_ragtune.backends.deepeval import DeepEvalMetric\n"
        "assert 'deepeval' not in sys.modules\n"
        "from pytest_ragtune.fakes import ScriptedGenerator\n"
        "metric = DeepEvalMetric('faithfulness', ScriptedGenerator({'': '{}'}))\n"
        "from pytest_ragtune.records import Case, Response\n"
        "assert metric.score([Case('a', 'q')], [Response('x', ['c'])])[0].value is None\n"
        "assert asyncio.run is run and not hasattr(asyncio, '_nest_patched')\n"
        "assert 'OPENAI_API_KEY' not in os.environ\n"
        "from deepeval.telemetry.client import telemetry_opt_out\nassert telemetry_opt_out()\n"
        "assert os.listdir('.') == ['.env']\n"
    )
    folder = tmp_path / "work" / "sub"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=folder)
    (folder / ".env").unlink()
    folder.rmdir()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
