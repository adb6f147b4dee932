"""The packaged SmolLM2: converted once, sensible, and indifferent to its batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ragtune.generation.causal import CausalGenerator
from pytest_ragtune.generation.models import packaged_model
from pytest_ragtune.records import Prompt

pytestmark = [pytest.mark.models, pytest.mark.slow]
Step = tuple[int, int, str]
SYSTEM = "Answer in one short sentence."
QUESTIONS = [
    "What is the capital of France?",
    "Name a colour of the rainbow.",
    "The parcel weighs nine kilograms and left on Monday. " * 12 + "How much does the parcel weigh?",
    "Which season comes after winter, and which one comes after that?",
    "Our shop opens at eight and closes at six on weekdays. " * 20 + "When does the shop open?",
]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Step]]]:
    """The converted model in a cache of its own, and the progress of the conversion."""
    steps: list[Step] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGTUNE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield packaged_model(lambda *step: steps.append(step)), steps


def test_it_is_converted_once(packaged: tuple[Path, list[Step]]) -> None:
    folder, steps = packaged
    assert steps == [(n, 1, "convert SmolLM2-135M-Instruct.Q4_1.gguf") for n in (0, 1)]
    names = {file.name for file in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
    assert "quantization_config" not in (folder / "config.json").read_text()
    assert packaged_model(lambda *step: steps.append(step)) == folder
    assert len(steps) == 2


def test_counts_need_no_chat_template_and_agree_with_transformers(packaged: tuple[Path, list[Step]]) -> None:
    generator = CausalGenerator(packaged[0])
    text = "Prices: $1,234.50 on 2024-01-02; naïve café, don't\n\n  x = 3 日本語"
    known = generator.chat.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert generator.count_tokens([text]) == [len(known)]
    assert generator.context_window == 8192


def test_answers_are_sensible_and_do_not_depend_on_their_batch(packaged: tuple[Path, list[Step]]) -> None:
    generator = CausalGenerator(packaged[0], max_new_tokens=10, batch_size=4, dtype="float32")
    prompts = [Prompt(question, SYSTEM) for question in QUESTIONS]
    together = [generation.text for generation in generator.generate(prompts)]
    assert "Paris" in (together[0] or "")
    assert [generation.text for generation in generator.generate(prompts[::-1])][::-1] == together
    assert [generator.generate([prompt])[0].text for prompt in prompts] == together


def test_a_shared_corpus_gives_the_answers_of_the_whole_prompt(packaged: tuple[Path, list[Step]]) -> None:
    generator = CausalGenerator(packaged[0], max_new_tokens=10, batch_size=4, dtype="float32")
    corpus = "".join(f"Shelf {n} holds {n * 37 % 101} boxes of tea. " for n in range(60))
    asked = [f"How many boxes does shelf {n} hold?" for n in (3, 9, 27)]
    shared = [Prompt(corpus + question, SYSTEM, corpus) for question in asked]
    plain = [Prompt(corpus + question, SYSTEM) for question in asked]
    assert len(generator.chat.encode(shared[0]).shared) > 500
    assert [g.text for g in generator.generate(shared)] == [g.text for g in generator.generate(plain)]
