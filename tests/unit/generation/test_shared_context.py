"""A shared beginning is computed once and changes no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ragtune.generation.causal import CausalGenerator
from pytest_ragtune.generation.decoding import capacity
from pytest_ragtune.generation.reading import PIECE, WHOLE, read
from pytest_ragtune.records import Prompt

CORPUS = "".join(f"Rule {n}: parcels of kind {n * 13 % 97} leave on day {n % 7}. " for n in range(40))
QUESTIONS = [f"Question: when do parcels of kind {n} leave{'?' * n}" for n in range(1, 13)]
SHARED = [Prompt(CORPUS + question, "Be brief.", CORPUS) for question in QUESTIONS]


def texts(generator: CausalGenerator, prompts: list[Prompt]) -> list[str | None]:
    return [generation.text for generation in generator.generate(prompts)]


@pytest.mark.models
def test_sharing_changes_neither_answers_nor_counts(tiny_model: Path) -> None:
    generator = CausalGenerator(tiny_model, max_new_tokens=10, dtype="float32")
    shared = generator.generate(SHARED)
    plain = generator.generate([Prompt(prompt.user, prompt.system) for prompt in SHARED])
    assert len(CORPUS) > WHOLE
    assert [(g.text, g.prompt_tokens) for g in shared] == [(g.text, g.prompt_tokens) for g in plain]


@pytest.mark.models
def test_logits_behind_a_prefix_are_those_of_the_whole_prompt(tiny_model: Path) -> None:
    import torch

    generator = CausalGenerator(tiny_model, dtype="float32")
    encoded = generator.chat.encode(SHARED[0])
    assert len(encoded.shared) > WHOLE
    model = generator.decoder.model
    with torch.inference_mode():
        prefix, _ = read(model, encoded.shared, None)
        _, ours = read(model, encoded.own, prefix)
        _, pieces = read(model, encoded.shared + encoded.own, None)
        model.set_attn_implementation("eager")
        wanted = model(torch.tensor([encoded.shared + encoded.own])).logits[0, -1]
        model.set_attn_implementation("ragtune")
    assert prefix[0][0].shape == (2, len(encoded.shared), 8)
    assert torch.allclose(ours, wanted, atol=1e-4)
    assert torch.allclose(pieces, wanted, atol=1e-4)


@pytest.mark.models
def test_an_answer_behind_a_prefix_does_not_depend_on_its_batch(tiny_model: Path) -> None:
    generator = CausalGenerator(tiny_model, max_new_tokens=8, batch_size=4)
    together = texts(generator, SHARED)
    assert texts(generator, SHARED[::-1])[::-1] == together
    assert [texts(generator, [one])[0] for one in SHARED] == together
    mixed = [Prompt("alone"), *SHARED[:2], Prompt(CORPUS[:900] + "x", shared=CORPUS[:900]), SHARED[2]]
    found = texts(generator, mixed)
    assert [found[1], found[2], found[4]] == together[:3]
    assert len(set(together)) > 3, "the answers should differ, or nothing is shown"


@pytest.mark.models
def test_a_prefix_is_read_once_and_two_are_kept(tiny_model: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    generator = CausalGenerator(tiny_model, max_new_tokens=2, progress=lambda *step: seen.append(step))

    def reads() -> int:
        return sum(what == "read shared context" for _, _, what in seen)

    generator.generate(SHARED[:2])
    total = len(generator.chat.encode(SHARED[0]).shared)
    assert seen[0] == (PIECE, total, "read shared context")
    once = reads()
    assert once == -(-total // PIECE)
    generator.generate(SHARED[2:4])
    assert reads() == once
    for number in range(2):
        other = f"{number}{CORPUS}"
        generator.generate([Prompt(other + "?", shared=other)])
    assert reads() == 3 * once
    generator.generate(SHARED[:1])
    assert reads() == 4 * once


@pytest.mark.models
def test_a_short_shared_beginning_is_read_with_the_rest(tiny_model: Path) -> None:
    generator = CausalGenerator(tiny_model)
    encoded = generator.chat.encode(Prompt("short beginning, rest", shared="short beginning"))
    assert encoded.shared == ()
    assert encoded == generator.chat.encode(Prompt("short beginning, rest"))
    assert generator.chat.encode(Prompt("text", shared="not in it")).shared == ()


def test_table_lengths_hold_the_prompt_and_grow_in_steps() -> None:
    assert [capacity(n) for n in (1, 128, 129, 256, 257, 1000, 1025, 4096, 4097)] == [
        *(128, 128, 256, 256, 512, 1024, 1536, 4096, 5120)
    ]
    assert all(capacity(n) >= n for n in range(1, 9000))
