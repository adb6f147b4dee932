"""A tiny random Llama, made on the spot, so that decoding is tested in seconds and without a download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tokenizer(folder: Path, *, template: str | None = TEMPLATE) -> None:
    """A byte-level tokenizer: one token a byte, and the two chat tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([AddedToken(t, special=True) for t in ("<|im_start|>", "<|im_end|>")])
    make: Any = PreTrainedTokenizerFast
    outer = make(tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|im_end|>")
    outer.chat_template = template
    outer.save_pretrained(folder)


def build_model(folder: Path, *, seed: int = 0, window: int = 4096, **config: Any) -> Path:
    """Two layers, hidden size 32, four heads over two key heads, weights wide enough for varied answers."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig

    kind = MistralConfig if "sliding_window" in config else LlamaConfig
    settings = kind(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        initializer_range=0.25,
        bos_token_id=None,
        eos_token_id=257,
        pad_token_id=257,
        **config,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        auto: Any = AutoModelForCausalLM
        auto.from_config(settings).save_pretrained(folder)
    build_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def make_model() -> Callable[..., Path]:
    return build_model


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "packaged" not in request.fixturenames:
        monkeypatch.setenv("RAGTUNE_CACHE", str(tmp_path / "cache"))
