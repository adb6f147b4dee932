"""Prompts to text and tokens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_ragtune.errors import ModelError
from pytest_ragtune.generation.chat import Chat
from pytest_ragtune.records import Prompt

pytestmark = pytest.mark.models
NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    "[{{ m.content }}]{% endfor %}"
)


def with_template(model: Path, folder: Path, template: str | None) -> Chat:
    shutil.copytree(model, folder)
    (folder / "chat_template.jinja").unlink()
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return Chat(folder)


def test_a_prompt_goes_through_the_models_template(tiny_model: Path) -> None:
    assert Chat(tiny_model).render(Prompt("Why?", "Be brief.")) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_model_without_a_template_reads_plain_text(tiny_model: Path, tmp_path: Path) -> None:
    chat = with_template(tiny_model, tmp_path / "plain", None)
    assert chat.render(Prompt("Why?", "Be brief.")) == "Be brief.\n\nWhy?\n\n"
    assert chat.render(Prompt("Why?")) == "Why?\n\n"
    assert chat.decode(list(chat.encode(Prompt("Why?")).own)) == "Why?"


def test_a_template_without_a_system_role_gets_it_in_the_users_turn(tiny_model: Path, tmp_path: Path) -> None:
    chat = with_template(tiny_model, tmp_path / "strict", NO_SYSTEM)
    assert chat.render(Prompt("Why?", "Be brief.")) == "[Be brief.\n\nWhy?]"


def test_a_shared_beginning_is_cut_off_where_it_ends(tiny_model: Path) -> None:
    chat = Chat(tiny_model)
    shared = "The corpus. " * 30
    encoded = chat.encode(Prompt(f"{shared}Why?", "Be brief.", shared))
    assert chat.tokenizer.decode(encoded.shared).endswith("The corpus. ")
    assert chat.tokenizer.decode(encoded.own) == "Why?<|im_end|>\n<|im_start|>assistant\n"
    other = chat.encode(Prompt(f"{shared}Who?", "Be brief.", shared))
    assert other.shared == encoded.shared
    assert encoded.length == len(encoded.shared) + len(encoded.own)


def test_an_answer_ends_with_the_token_that_ends_a_turn(tiny_model: Path) -> None:
    chat = Chat(tiny_model)
    tokens = chat.encode_answer("Yes.")
    assert chat.tokenizer.decode(list(tokens)) == "Yes.<|im_end|>"
    assert chat.decode([*tokens, *chat.encode_answer("  ")]) == "Yes."


def test_a_folder_without_a_tokenizer_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match=r"the tokenizer of .* cannot be loaded .*; expected tokenizer"):
        Chat(tmp_path)
