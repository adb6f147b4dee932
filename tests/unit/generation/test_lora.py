"""Adapters over a tiny random model: training, loading, refusing, merging, verifying."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ragtune.errors import AdapterError
from pytest_ragtune.generation.causal import CausalGenerator
from pytest_ragtune.generation.loading import quiet
from pytest_ragtune.generation.lora import (
    Adapter,
    LoraGenerator,
    load_adapter,
    train_adapter,
    verify_adapter,
)
from pytest_ragtune.generation.models import cache_folder
from pytest_ragtune.records import Example, Prompt

EXAMPLES = tuple(Example(f"What is {n}?", f"It is {n * 7}. Ahoy.") for n in range(12))
Train = Callable[..., Adapter]


@pytest.fixture(scope="module")
def trained(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one adapter, trained once for this file."""
    cache = tmp_path_factory.mktemp("adapters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGTUNE_CACHE", str(cache))
        return train_adapter(
            EXAMPLES, model=tiny_model, rank=8, epochs=6, learning_rate=5e-3, system="Talk."
        ).folder


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "copied"))


@pytest.mark.models
def test_training_lowers_the_loss_and_is_noted(trained: Path, tiny_model: Path) -> None:
    notes = json.loads((trained / "training.json").read_text())
    losses = notes["losses"]
    assert len(losses) == 6 * 2
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    assert notes["recipe"] == {
        "rank": 8,
        "alpha": 32,
        "epochs": 6,
        "learning_rate": 5e-3,
        "batch_size": 8,
        "seed": 0,
    }
    names = {file.name for file in trained.iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors", "training.json"}
    assert str(tiny_model) not in (trained / "adapter_config.json").read_text()
    modules = json.loads((trained / "adapter_config.json").read_text())["target_modules"]
    assert modules == sorted(modules), "the same bytes from every process"
    assert len(modules) > 1
    adapter = load_adapter(trained)
    assert adapter.base == CausalGenerator(tiny_model).base_fingerprint
    assert adapter.system == "Talk."
    assert len(adapter.questions) == 12


@pytest.mark.models
def test_the_same_training_gives_the_same_adapter(tiny_model: Path, tmp_path: Path) -> None:
    import torch

    before = torch.random.get_rng_state()
    one = train_adapter(EXAMPLES, model=tiny_model, epochs=1, learning_rate=0.02, cache=tmp_path / "one")
    two = train_adapter(EXAMPLES, model=tiny_model, epochs=1, learning_rate=0.02, cache=tmp_path / "two")
    other = train_adapter(EXAMPLES, model=tiny_model, epochs=1, learning_rate=0.02, seed=1)
    assert one.fingerprint == two.fingerprint
    assert one.fingerprint != other.fingerprint
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.models
def test_a_trained_adapter_is_taken_from_the_cache(tiny_model: Path) -> None:
    steps: list[tuple[int, int, str]] = []

    def train(examples: tuple[Example, ...] = EXAMPLES, rank: int = 16) -> Adapter:
        return train_adapter(
            examples,
            model=tiny_model,
            rank=rank,
            epochs=1,
            learning_rate=0.02,
            progress=lambda *step: steps.append(step),
        )

    first = train()
    assert steps == [(1, 2, "train adapter"), (2, 2, "train adapter")]
    assert train() == first
    assert len(steps) == 2
    assert train(rank=4).folder != first.folder
    assert train(EXAMPLES[:-1]).folder != first.folder
    assert len(steps) == 6


@pytest.mark.models
def test_an_interrupt_leaves_no_half_adapter(tiny_model: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_adapter(EXAMPLES, model=tiny_model, epochs=1, progress=interrupt, cache=tmp_path / "adapters")
    assert [path.name for path in (tmp_path / "adapters").iterdir() if path.is_dir()] == []
    adapter = train_adapter(
        EXAMPLES, model=tiny_model, epochs=1, learning_rate=0.02, cache=tmp_path / "adapters"
    )
    assert adapter.folder.is_dir()


@pytest.mark.models
def test_an_adapter_changes_answers_and_the_identity(trained: Path, tiny_model: Path) -> None:
    prompts = [Prompt(example.question, "Talk.") for example in EXAMPLES]
    plain = CausalGenerator(tiny_model, max_new_tokens=12)
    adapted = LoraGenerator(trained, tiny_model, max_new_tokens=12)
    before = [generation.text for generation in plain.generate(prompts)]
    after = [generation.text for generation in adapted.generate(prompts)]
    assert before != after
    assert [adapted.generate([one])[0].text for one in prompts] == after
    assert json.loads(adapted.identity)["adapter"] == load_adapter(trained).fingerprint
    assert adapted.identity != plain.identity


@pytest.mark.models
def test_merged_weights_answer_as_peft_does(trained: Path, tiny_model: Path) -> None:
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    adapted = LoraGenerator(trained, tiny_model, dtype="float32")
    tokens = torch.tensor([adapted.chat.encode(Prompt("What is 3?", "Talk.")).own])
    with torch.inference_mode(), quiet():
        base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
        wanted = peft.PeftModel.from_pretrained(base, trained).eval()(tokens).logits
        adapted.decoder.model.set_attn_implementation("eager")
        merged = adapted.decoder.model(tokens).logits
    assert torch.allclose(merged, wanted, atol=1e-4)


@pytest.mark.models
def test_an_adapter_that_changes_nothing_is_refused(copied: Path, tiny_model: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = copied / "adapter_model.safetensors"
    state = load_file(file)
    save_file({key: part * 0 if "lora_B" in key else part for key, part in state.items()}, file)
    with pytest.raises(AdapterError, match="changes no weight: every B matrix is zero"):
        verify_adapter(load_adapter(copied), model=tiny_model)
    save_file({key: part * 1e-4 if "lora_B" in key else part for key, part in state.items()}, file)
    with pytest.raises(AdapterError) as caught:
        LoraGenerator(copied, tiny_model).generate([Prompt("What is 3?")])
    assert str(caught.value) == (
        f"the adapter in {copied} changes none of the answers to 12 of its own training questions; "
        "expected at least one to change: train it for longer or with a higher learning_rate"
    )


@pytest.mark.models
def test_verification_is_done_once_for_a_pair_of_weights(copied: Path, tiny_model: Path) -> None:
    adapter = load_adapter(copied)
    verify_adapter(adapter, model=tiny_model)
    (record,) = (cache_folder() / "verified").iterdir()
    assert json.loads(record.read_text())["changed"] > 0
    (copied / "adapter_model.safetensors").unlink()
    verify_adapter(adapter, model=tiny_model)


@pytest.mark.models
def test_an_adapter_of_unknown_origin_is_verified_by_its_weights(copied: Path, tiny_model: Path) -> None:
    (copied / "training.json").unlink()
    adapter = load_adapter(copied)
    assert (adapter.base, adapter.questions) == ("", ())
    verify_adapter(adapter, model=tiny_model)
    verify_adapter(replace(adapter, fingerprint="f" * 64), EXAMPLES, model=tiny_model)
    records = [json.loads(file.read_text()) for file in (cache_folder() / "verified").iterdir()]
    assert sorted(record["questions"] for record in records) == [0, 12]


@pytest.mark.models
def test_another_base_is_refused(copied: Path, make_model: Callable[..., Path], tmp_path: Path) -> None:
    other = make_model(tmp_path / "other", seed=5)
    with pytest.raises(AdapterError, match=r"was trained on weights \w{12}; expected \w{12}, the weights"):
        verify_adapter(load_adapter(copied), model=other)
    (copied / "training.json").unlink()
    wide = make_model(tmp_path / "wide", head_dim=16)
    with pytest.raises(AdapterError, match=r"does not fit the model: size mismatch for .*; expected"):
        verify_adapter(load_adapter(copied), model=wide)
    config = json.loads((copied / "adapter_config.json").read_text())
    (copied / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["c_attn"]}))
    with pytest.raises(AdapterError, match=r"does not fit the model: .*c_attn.*; expected an adapter"):
        verify_adapter(load_adapter(copied), model=other)


@pytest.mark.models
def test_damaged_folders_are_refused(copied: Path, tmp_path: Path) -> None:
    wanted = "expected a folder with adapter_config.json and adapter_model.safetensors, as PEFT saves it"
    with pytest.raises(AdapterError, match=f"does not exist; {wanted}: check the path or train one"):
        load_adapter(tmp_path / "absent")
    with pytest.raises(AdapterError, match=f"is a file; {wanted}"):
        load_adapter(copied / "training.json")
    weights = copied / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    with pytest.raises(AdapterError, match=r"is damaged \(the file ends too early\); expected safetensors"):
        load_adapter(copied)
    weights.write_bytes(b"\x80\x04pickle")
    with pytest.raises(AdapterError, match=r"is damaged \(the header is longer than the file\)"):
        load_adapter(copied)
    weights.rename(copied / "adapter_model.bin")
    with pytest.raises(AdapterError, match=r"holds adapter_model\.bin; expected .*pickled weights are never"):
        load_adapter(copied)
    (copied / "adapter_model.bin").unlink()
    with pytest.raises(AdapterError, match=rf"lacks adapter_model\.safetensors; {wanted}: save or train it"):
        load_adapter(copied)
    weights.write_bytes(whole)
    (copied / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    with pytest.raises(AdapterError, match="has peft_type 'IA3'; expected 'LORA'"):
        load_adapter(copied)
    (copied / "adapter_config.json").write_text("{")
    with pytest.raises(AdapterError, match=r"adapter_config\.json cannot be read"):
        load_adapter(copied)


def test_examples_are_checked_before_anything_is_loaded() -> None:
    with pytest.raises(AdapterError, match=r"no training examples; expected at least one: add lines"):
        train_adapter([])
    with pytest.raises(AdapterError, match="training example 2 has an empty answer; expected text"):
        train_adapter([Example("a", "b"), Example("c", "  ")])
    with pytest.raises(AdapterError, match="rank is 0; expected a number above 0: change it"):
        train_adapter([Example("a", "b")], rank=0)


@pytest.mark.models
def test_an_example_beyond_the_window_is_named(make_model: Callable[..., Path], tmp_path: Path) -> None:
    small = make_model(tmp_path / "small", window=64)
    with pytest.raises(AdapterError, match=r"training example 2 \('Why\?'\) has \d+ tokens; expected at"):
        train_adapter([Example("a", "b"), Example("Why?", "x" * 80)], model=small)


@pytest.mark.models
def test_a_cache_that_cannot_be_written_is_an_error(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AdapterError, match=r"could not be written to .*; expected a writable folder"):
        train_adapter(EXAMPLES, model=tiny_model, cache=tmp_path / "file" / "adapters")
