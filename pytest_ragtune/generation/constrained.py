"""Answers that cannot be anything but JSON under a schema: tokens that would leave it are not in the choice.

llguidance compiles the schema together with the model's tokenizer; before each token it tells which tokens
can still lead to a valid answer. Each row has a matcher of its own, so an answer still does not depend on
what shares its batch.
"""

from __future__ import annotations

import copy
import json
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ragtune import extras
from pytest_ragtune.errors import ModelError

from .chat import Chat
from .loading import installed_version

if TYPE_CHECKING:
    from .causal import CausalGenerator
    from .decoding import Decoder

    AnyCausal = TypeVar("AnyCausal", bound=CausalGenerator)

_ESCAPED = 6
"""Most bytes of one character in JSON (``\\u00e9``), and so most tokens."""
_WHOLE_ANSWER = 1024
"""Bytes up to which room is made for the longest answer that a schema allows."""
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_TOKENIZERS: weakref.WeakKeyDictionary[Chat, Any] = weakref.WeakKeyDictionary()


class Grammar:
    """A schema, ready to guide the choice of tokens.

    Args:
        schema: JSON Schema of the whole answer.
        owner: the generator whose model writes.
    """

    def __init__(self, schema: Mapping[str, Any], owner: CausalGenerator) -> None:
        self.schema, self.owner = dict(schema), owner

    @property
    def identity(self) -> dict[str, object]:
        """The schema, the layout and the version of llguidance."""
        return {"schema": self.schema, "layout": _LAYOUT, "llguidance": installed_version("llguidance")}

    def guide(self, choose: Callable[[Any], int]) -> Callable[[Any], int]:
        """``choose``, among the tokens that the schema allows at this point of one answer."""
        matcher = self._matcher.deep_copy()
        size = (self._tokenizer.vocab_size + 31) // 32
        numpy, torch = extras.load("numpy"), extras.load("torch", extra="models")
        fill = extras.load("llguidance.numpy", extra="constrained").fill_next_token_bitmask
        mask = numpy.zeros((1, size), dtype=numpy.int32)

        def guided(logits: Any) -> int:
            fill(matcher, mask)
            bits = numpy.unpackbits(mask.view(numpy.uint8)[0], bitorder="little")
            allowed = torch.zeros(logits.shape[-1], dtype=torch.bool)
            known = min(len(bits), logits.shape[-1])
            allowed[:known] = torch.from_numpy(bits[:known]).bool()
            token = choose(logits.masked_fill(~allowed.to(logits.device), float("-inf")))
            if not matcher.consume_token(token):
                cause = matcher.get_error()
                raise ModelError(f"the grammar took no token {token}: {cause}; simplify the schema")
            return token

        return guided

    @cached_property
    def _tokenizer(self) -> Any:
        chat = self.owner.chat
        if chat not in _TOKENIZERS:
            make = extras.load("llguidance.hf", extra="constrained").from_tokenizer
            stops = sorted(self.owner.decoder.stops)
            try:
                _TOKENIZERS[chat] = make(chat.tokenizer, eos_token=stops)
            except ValueError as error:
                raise ModelError(
                    f"the tokenizer of {self.owner.source} cannot be constrained ({error}): expected a model "
                    "with tokenizer.json"
                ) from error
        return _TOKENIZERS[chat]

    @cached_property
    def _matcher(self) -> Any:
        matcher = extras.load("llguidance", extra="constrained").LLMatcher
        grammar = matcher.grammar_from_json_schema(json.dumps(self.schema), overrides=_LAYOUT)
        made = matcher(self._tokenizer, grammar, log_level=0)
        if made.is_error():
            raise ModelError(f"the schema cannot be used for decoding: {made.get_error().splitlines()[0]}")
        return made


def constrain(generator: AnyCausal, schema: Mapping[str, Any]) -> AnyCausal:
    """A generator over the same loaded model that writes only JSON under ``schema``.

    Where the longest answer that the schema allows is short, ``max_new_tokens`` is raised to make room for
    it; else an answer can still be cut off.
    """
    other = copy.copy(generator)
    for name in ("decoder", "grammar"):
        other.__dict__.pop(name, None)
    longest = longest_answer(schema)
    if longest is not None and longest <= _WHOLE_ANSWER:
        other.max_new_tokens = max(generator.max_new_tokens, longest)
    other.shared_with = generator
    other.grammar = Grammar(schema, generator)
    return other


def shared_decoder(generator: CausalGenerator, owner: CausalGenerator) -> Decoder:
    """The owner's loaded model, with the answer length of ``generator``."""
    return replace(owner.decoder, max_new_tokens=generator.max_new_tokens)


def longest_answer(schema: Mapping[str, Any]) -> int | None:
    """Bytes of the longest JSON under ``schema``; None when there is no bound that is known here."""
    if "const" in schema:
        return _size(schema["const"])
    if "enum" in schema:
        return max(_size(value) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "string":
        return _ESCAPED * int(schema["maxLength"]) + 2 if "maxLength" in schema else None
    if kind in ("boolean", "null"):
        return 5
    if kind == "array" and "maxItems" in schema:
        item = longest_answer(schema.get("items", {}))
        return None if item is None else 2 + int(schema["maxItems"]) * (item + 2)
    if kind == "object" and schema.get("additionalProperties") is False:
        sizes = {name: longest_answer(inner) for name, inner in schema.get("properties", {}).items()}
        known = [_size(name) + 4 + size for name, size in sizes.items() if size is not None]
        return 2 + sum(known) if len(known) == len(sizes) else None
    return None


def _size(value: object) -> int:
    return len(json.dumps(value).encode())
