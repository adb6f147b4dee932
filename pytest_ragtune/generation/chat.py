"""Prompts to tokens: one format for generation and for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ragtune.records import Prompt

from .loading import load_tokenizer

SHARED_MINIMUM = 256
"""Tokens from which a shared beginning is computed apart; a shorter one costs more to keep than to repeat."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt in tokens, chat template included."""

    own: tuple[int, ...]
    """Tokens of this prompt alone; never empty."""
    shared: tuple[int, ...] = ()
    """Tokens before them that come from ``Prompt.shared`` and what the template puts in front of it."""

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.shared) + len(self.own)


class Chat:
    """A model's tokenizer and chat template.

    A model without a template is asked in plain text: system, blank line, user, blank line.
    """

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = load_tokenizer(folder)
        self._has_template = bool(self.tokenizer.chat_template)
        self._last: tuple[str, tuple[int, ...]] = ("", ())

    def render(self, prompt: Prompt) -> str:
        """The prompt as the text that the model reads, up to where its answer begins."""
        if not self._has_template:
            return f"{prompt}\n\n"
        user = {"role": "user", "content": prompt.user}
        if not prompt.system:
            return self._apply([user])
        try:
            return self._apply([{"role": "system", "content": prompt.system}, user])
        except Exception:  # some templates know no system role: it then goes in front of the user's turn
            return self._apply([{"role": "user", "content": str(prompt)}])

    def encode(self, prompt: Prompt) -> Encoded:
        """The prompt as tokens.

        The shared beginning is cut into tokens apart from the rest, so that its tokens are the same in
        every prompt.
        """
        text = self.render(prompt)
        at = text.find(prompt.shared) if prompt.shared else -1
        cut = at + len(prompt.shared) if at >= 0 else 0
        shared = self._beginning(text[:cut]) if cut else ()
        own = self._tokens(text[cut:], start=not cut)
        if len(shared) < SHARED_MINIMUM or not own:
            return Encoded(shared + own)
        return Encoded(own, shared)

    def encode_answer(self, answer: str) -> tuple[int, ...]:
        """An answer as tokens, with the token that ends a turn."""
        return (*self._tokens(answer, start=False), int(self.tokenizer.eos_token_id))

    def decode(self, tokens: list[int]) -> str:
        """Tokens as text, special tokens and outer white space removed."""
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return text.strip()

    def _beginning(self, text: str) -> tuple[int, ...]:
        """Tokens of a shared beginning; the last one is remembered, since a run asks for it often."""
        if self._last[0] != text:
            self._last = (text, self._tokens(text, start=True))
        return self._last[1]

    def _apply(self, messages: list[dict[str, str]]) -> str:
        text: str = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    def _tokens(self, text: str, *, start: bool) -> tuple[int, ...]:
        # A template writes its own beginning-of-text token; plain text needs the tokenizer's.
        special = start and not self._has_template
        return tuple(self.tokenizer(text, add_special_tokens=special)["input_ids"])
