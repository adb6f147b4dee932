"""CausalGenerator over a tiny random model; the packaged one at the end."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ragtune.errors import ModelError
from pytest_ragtune.generation.causal import CausalGenerator
from pytest_ragtune.records import Generation, Prompt

MakeModel = Callable[..., Path]
WORDS = [
    "refund",
    "parcel",
    "thirty",
    "days",
    "courier",
    "label",
    "stock",
    "invoice",
    "Monday",
    "return",
    "warranty",
    "battery",
]


def prompts(n: int, *, longest: int = 60, seed: int = 1) -> list[Prompt]:
    chance = random.Random(seed)
    return [
        Prompt(" ".join(chance.choices(WORDS, k=chance.randint(1, longest))), "Be brief." if i % 2 else "")
        for i in range(n)
    ]


def essence(generations: list[Generation]) -> list[tuple[str | None, int | None, int | None, str | None]]:
    return [(g.text, g.prompt_tokens, g.completion_tokens, g.error) for g in generations]


@pytest.mark.models
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_answer_does_not_depend_on_its_batch(tiny_model: Path, dtype: str) -> None:
    asked = prompts(24)
    generator = CausalGenerator(tiny_model, max_new_tokens=12, batch_size=8, dtype=dtype)
    together = essence(generator.generate(asked))
    order = random.Random(2).sample(range(24), 24)
    shuffled = essence(generator.generate([asked[i] for i in order]))
    assert [shuffled[order.index(i)] for i in range(24)] == together
    assert essence(generator.generate(asked[5:11])) == together[5:11]
    assert [essence(generator.generate([one]))[0] for one in asked] == together
    assert len({text for text, *_ in together}) > 12, "the answers should differ, or nothing is shown"


@pytest.mark.models
def test_greedy_answers_are_those_of_transformers(tiny_model: Path) -> None:
    import torch

    generator = CausalGenerator(tiny_model, max_new_tokens=12, dtype="float32")
    model = generator.decoder.model
    for prompt, generation in zip(prompts(6), generator.generate(prompts(6)), strict=True):
        tokens = torch.tensor([generator.chat.encode(prompt).own])
        model.set_attn_implementation("eager")
        written = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=12, do_sample=False
        )
        model.set_attn_implementation("ragtune")
        assert generation.text == generator.chat.decode(written[0, tokens.shape[1] :].tolist())


@pytest.mark.models
def test_token_counts_and_times_are_real(tiny_model: Path) -> None:
    generator = CausalGenerator(tiny_model, max_new_tokens=7)
    (generation,) = generator.generate([Prompt("abc")])
    assert generation.prompt_tokens == len("user\nabc") + len("\n") + len("assistant\n") + 3
    assert generation.completion_tokens is not None
    assert 0 < generation.completion_tokens <= 7
    assert generation.seconds is not None
    assert generation.seconds > 0
    assert generator.count_tokens(["abc", "", "<|im_end|>é"]) == [3, 0, 3]


@pytest.mark.models
def test_a_prompt_beyond_the_window_fails_alone(tiny_model: Path) -> None:
    generator = CausalGenerator(tiny_model, max_new_tokens=8)
    short, long, other = generator.generate([Prompt("abc"), Prompt("x" * 4090), Prompt("def")])
    assert short.error is None
    assert other.error is None
    assert long.text is None
    assert long.error == (
        "the prompt needs 4117 tokens, the window holds 4096; shorten the question or choose a model "
        "with a larger window"
    )
    assert long.prompt_tokens == 4109
    assert essence([short, other]) == essence(generator.generate([Prompt("abc"), Prompt("def")]))


@pytest.mark.models
def test_no_prompts_no_answers(tiny_model: Path) -> None:
    generator = CausalGenerator(tiny_model)
    assert generator.generate([]) == []
    assert generator.plan([]) == []


@pytest.mark.models
def test_a_plan_names_each_prompt_once_and_like_lengths_together(tiny_model: Path) -> None:
    asked = prompts(40, longest=90)
    generator = CausalGenerator(tiny_model, batch_size=4, max_new_tokens=4)
    plan = generator.plan(asked)
    assert sorted(index for batch in plan for index in batch) == list(range(40))
    assert max(map(len, plan)) == 8
    lengths = [[generator.chat.encode(asked[i]).length for i in batch] for batch in plan]
    assert max(lengths[0]) < min(lengths[-1])


@pytest.mark.models
def test_sampling_depends_on_the_seed_and_the_prompt_alone(tiny_model: Path) -> None:
    asked = prompts(10)
    generator = CausalGenerator(tiny_model, max_new_tokens=10, temperature=0.9, top_p=0.95, seed=3)
    together = essence(generator.generate(asked))
    assert essence(generator.generate(asked[::-1]))[::-1] == together
    other = CausalGenerator(tiny_model, max_new_tokens=10, temperature=0.9, top_p=0.95, seed=4)
    assert essence(other.generate(asked)) != together
    cold = CausalGenerator(tiny_model, max_new_tokens=10, temperature=1e-4, dtype="float32")
    greedy = CausalGenerator(tiny_model, max_new_tokens=10, dtype="float32")  # no equal logits
    assert essence(cold.generate(asked)) == essence(greedy.generate(asked))


@pytest.mark.models
def test_no_global_random_state_is_changed(tiny_model: Path) -> None:
    import torch

    before = torch.random.get_rng_state()
    CausalGenerator(tiny_model, max_new_tokens=4, temperature=1.0).generate(prompts(2))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.models
def test_progress_counts_every_answer(tiny_model: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    generator = CausalGenerator(tiny_model, max_new_tokens=4, progress=lambda *step: seen.append(step))
    generator.generate(prompts(5))
    assert seen == [(n, 5, "generate") for n in range(1, 6)]


@pytest.mark.models
def test_an_interrupt_leaves_a_generator_that_works(tiny_model: Path) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    asked = prompts(8)
    generator = CausalGenerator(tiny_model, max_new_tokens=6, batch_size=2)
    wanted = essence(generator.generate(asked))
    generator.progress = interrupt
    with pytest.raises(KeyboardInterrupt):
        generator.generate(asked)
    generator.progress = None
    assert essence(generator.generate(asked)) == wanted


@pytest.mark.models
def test_a_sliding_window_model_is_decoded_one_prompt_at_a_time(
    make_model: MakeModel, tmp_path: Path
) -> None:
    import torch

    folder = make_model(tmp_path / "windowed", sliding_window=16)
    generator = CausalGenerator(folder, max_new_tokens=6, dtype="float32")
    asked = prompts(3)
    answers = generator.generate(asked)
    assert essence(generator.generate(asked[1:2])) == essence(answers[1:2])
    tokens = torch.tensor([generator.chat.encode(asked[0]).own])
    written = generator.decoder.model.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=6
    )
    assert answers[0].text == generator.chat.decode(written[0, tokens.shape[1] :].tolist())


@pytest.mark.models
def test_identity_names_what_could_change_an_answer(tiny_model: Path) -> None:
    identity = CausalGenerator(tiny_model).identity
    assert identity == CausalGenerator(str(tiny_model), top_p=0.5, seed=9).identity, "greedy draws nothing"
    assert set(json.loads(identity)) == {
        *(
            "kind",
            "decoding",
            "weights",
            "torch",
            "transformers",
            "max_new_tokens",
            "batch_size",
            "dtype",
            "device",
        )
    }
    others = [
        CausalGenerator(tiny_model, max_new_tokens=3),
        CausalGenerator(tiny_model, dtype="float16"),
        CausalGenerator(tiny_model, batch_size=3),
        CausalGenerator(tiny_model, temperature=0.5),
        CausalGenerator(tiny_model, temperature=0.5, seed=1),
        CausalGenerator(tiny_model, temperature=0.5, top_p=0.9),
    ]
    assert len({identity, *(other.identity for other in others)}) == 7


@pytest.mark.models
def test_identity_and_token_counts_import_neither_torch_nor_transformers(tiny_model: Path) -> None:
    code = (
        "import sys; from pytest_ragtune.generation.causal import CausalGenerator as G\n"
        f"g = G({str(tiny_model)!r}); g.identity; print(g.count_tokens(['abcd']), g.context_window)\n"
        "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[4] 4096\n[]\n"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens is 0; expected at least 1: change it"),
        ({"temperature": -1.0}, "temperature is -1.0; expected 0 or more: change it"),
        ({"top_p": 0.0}, "top_p is 0.0; expected above 0 and at most 1: change it"),
        ({"batch_size": 0}, "batch_size is 0; expected at least 1: change it"),
        (
            {"dtype": "int8"},
            "dtype 'int8' is unknown; expected 'auto', 'float32', 'bfloat16', 'float16': choose one",
        ),
    ],
)
def test_a_wrong_setting_is_refused_at_once(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        CausalGenerator("nowhere", **setting)  # type: ignore[arg-type]
    assert str(caught.value) == message
