"""What every generator promises, held against every implementation."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Example, Generation, Prompt

Make = Callable[[], Generator]
PROMPTS = [Prompt("How long is the warranty?", "Be brief."), Prompt("Who pays?"), Prompt("é ☂ 日本")]
build_model = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "generation" / "conftest.py"))[
    "build_model"
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(build_model(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("RAGTUNE_CACHE", str(tmp_path))
    made: Make = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def causal(folder: Path) -> Make:
    from pytest_ragtune.generation.causal import CausalGenerator

    return lambda: CausalGenerator(folder, max_new_tokens=6)


@pytest.fixture
def sampled(folder: Path) -> Make:
    from pytest_ragtune.generation.causal import CausalGenerator

    return lambda: CausalGenerator(folder, max_new_tokens=6, temperature=0.8, seed=2)


@pytest.fixture
def lora(folder: Path) -> Make:
    from pytest_ragtune.generation.lora import LoraGenerator, train_adapter

    examples = [Example(prompt.user, "Ahoy.") for prompt in PROMPTS]
    adapter = train_adapter(examples, model=folder, epochs=4, learning_rate=0.02)
    return lambda: LoraGenerator(adapter, folder, max_new_tokens=6)


def essence(generations: list[Generation]) -> list[tuple[str | None, int | None, int | None, str | None]]:
    return [(g.text, g.prompt_tokens, g.completion_tokens, g.error) for g in generations]


every_generator = pytest.mark.parametrize("make", ["causal", "sampled", "lora"], indirect=True)
pytestmark = [pytest.mark.models, every_generator]


def test_it_follows_the_protocol(make: Make) -> None:
    assert isinstance(make(), Generator)


def test_one_generation_a_prompt_in_order(make: Make) -> None:
    generator = make()
    together = generator.generate(PROMPTS)
    assert len(together) == len(PROMPTS)
    assert essence(generator.generate(PROMPTS[::-1]))[::-1] == essence(together)
    assert generator.generate([]) == []


def test_equal_identity_gives_equal_answers(make: Make) -> None:
    one, two = make(), make()
    assert one.identity == two.identity
    assert essence(one.generate(PROMPTS)) == essence(two.generate(PROMPTS))


def test_an_answer_does_not_depend_on_its_company(make: Make) -> None:
    generator = make()
    together = essence(generator.generate(PROMPTS))
    assert [essence(generator.generate([prompt]))[0] for prompt in PROMPTS] == together


def test_a_generation_has_a_text_or_an_error(make: Make) -> None:
    for generation in make().generate([*PROMPTS, Prompt("x" * 5000)]):
        assert (generation.text is None) == (generation.error is not None)
        assert generation.prompt_tokens is None or generation.prompt_tokens > 0


def test_the_identity_is_text_that_can_be_stored(make: Make) -> None:
    assert isinstance(json.loads(make().identity), dict)


def test_a_plan_names_every_prompt_once(make: Make) -> None:
    generator = make()
    plan = generator.plan(PROMPTS)  # type: ignore[attr-defined]
    assert sorted(index for batch in plan for index in batch) == [0, 1, 2]
