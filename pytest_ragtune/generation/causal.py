"""A causal language model as a generator, whose answers do not depend on what shares their batch."""

from __future__ import annotations

import copy
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pytest_ragtune import extras
from pytest_ragtune.active import exclusively
from pytest_ragtune.errors import ContextOverflow, ModelError
from pytest_ragtune.records import Generation, Prompt

from .attention import KeyValues, register
from .chat import Chat, Encoded
from .constrained import Grammar, constrain, shared_decoder
from .decoding import Decoder, Row, capacity
from .loading import installed_version, load_weights, resolve_device, resolve_dtype
from .models import Progress, context_window, prepare_model, resolve_model, weights_fingerprint
from .reading import read
from .sampling import greedy, sampler
from .single import can_share_tables, decode_alone

DECODING = 2
"""Version of the arithmetic: raised when a change here could change an answer."""
_KEPT_PREFIXES = 2


class CausalGenerator:
    """Answers prompts with a causal language model through transformers.

    Nothing is loaded before the first prompt. Decoding is greedy unless ``temperature`` is above 0.
    Sampling settings that come with a model (``generation_config.json``) are ignored, except for the
    tokens that end an answer.

    Args:
        model: a folder with ``config.json`` and safetensors, a ``.gguf`` file or a hub name; None for the
            packaged SmolLM2-135M-Instruct.
        max_new_tokens: longest answer, in tokens.
        dtype: ``auto`` (bfloat16 where the processor is fast at it, else float32), ``float32``, ``bfloat16``
            or ``float16``.
        batch_size: most rows that are written at once; less where memory asks for it.
        temperature: 0 for greedy; above it, each answer is drawn with a seed of its own.
        top_p: probability mass that is drawn from.
        seed: of the draws.
        device: ``auto``, ``cpu``, ``cuda``, ...
        progress: called with (done, total, what) as answers end.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        max_new_tokens: int = 64,
        dtype: str = "auto",
        batch_size: int = 32,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        device: str = "auto",
        progress: Progress | None = None,
    ) -> None:
        _check("max_new_tokens", max_new_tokens, max_new_tokens >= 1, "at least 1")
        _check("batch_size", batch_size, batch_size >= 1, "at least 1")
        _check("temperature", temperature, temperature >= 0.0, "0 or more")
        _check("top_p", top_p, 0.0 < top_p <= 1.0, "above 0 and at most 1")
        self.model = model
        self.max_new_tokens, self.batch_size = max_new_tokens, batch_size
        self.temperature, self.top_p, self.seed = temperature, top_p, seed
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(dtype, self.device)
        self.progress = progress
        self.grammar: Grammar | None = None
        self.shared_with: Self | None = None
        self._prefixes: OrderedDict[tuple[int, ...], KeyValues] = OrderedDict()

    def __repr__(self) -> str:
        name = "SmolLM2-135M-Instruct" if self.model is None else os.fspath(self.model)
        return f"{type(self).__name__}({name!r}, max_new_tokens={self.max_new_tokens}, dtype={self.dtype!r})"

    @property
    def identity(self) -> str:
        """Weights' fingerprint, versions and every parameter that could change an answer, as JSON."""
        return json.dumps(self._identity(), sort_keys=True)

    def _identity(self) -> dict[str, object]:
        parts: dict[str, object] = {
            "kind": "causal",
            "decoding": DECODING,
            "weights": self.base_fingerprint,
            "torch": installed_version("torch"),
            "transformers": installed_version("transformers"),
            "max_new_tokens": self.max_new_tokens,
            "batch_size": self.batch_size,
            "dtype": self.dtype,
            "device": self.device.partition(":")[0],
        }
        if self.temperature > 0:
            parts |= {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        if self.grammar is not None:
            parts["grammar"] = self.grammar.identity
        return parts

    costs_nothing = True

    @property
    def is_deterministic(self) -> bool:
        """Whether the same prompt always gets the same answer."""
        return self.temperature == 0

    def with_schema(self, schema: Mapping[str, Any], name: str = "answer") -> Self:
        """A generator over the same loaded model that writes only JSON under ``schema``."""
        return constrain(self, schema)

    def with_seed(self, seed: int) -> Self:
        """A generator over the same loaded model with a seed of its own."""
        other = copy.copy(self)
        other.shared_with, other.seed = self, self.seed + seed
        return other

    @cached_property
    def source(self) -> Path:
        """The folder or GGUF file that the model comes from."""
        return resolve_model(self.model)

    @cached_property
    def base_fingerprint(self) -> str:
        """Fingerprint of the weights, configuration and tokenizer."""
        return weights_fingerprint(self.source)

    @cached_property
    def folder(self) -> Path:
        """The folder that is loaded; a GGUF file is converted when this is first asked for."""
        return prepare_model(self.source, self.progress)

    @cached_property
    def context_window(self) -> int:
        """Tokens that the model takes, the answer included."""
        return context_window(self.folder)

    @cached_property
    def chat(self) -> Chat:
        """Tokenizer and chat template."""
        if self.shared_with is not None:
            return self.shared_with.chat
        return Chat(self.folder)

    @cached_property
    def decoder(self) -> Decoder:
        """The loaded model."""
        if self.shared_with is not None:
            return shared_decoder(self, self.shared_with)
        model = self._load()
        if not can_share_tables(model):
            model.set_attn_implementation("eager")
        stops = model.generation_config.eos_token_id
        ends = {*(stops if isinstance(stops, list) else [stops]), self.chat.tokenizer.eos_token_id} - {None}
        return Decoder(model, frozenset(ends), self.max_new_tokens, self.batch_size)

    def _load(self) -> Any:
        return load_weights(self.folder, dtype=self.dtype, device=self.device, attention=register())

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text alone, without special ones; needs no torch."""
        encode = self._encode_plain
        return [encode(text) for text in texts]

    @cached_property
    def _encode_plain(self) -> Callable[[str], int]:
        file = self.folder / "tokenizer.json"
        if not file.is_file():
            return lambda text: len(self.chat.tokenizer(text, add_special_tokens=False)["input_ids"])
        tokenizer = extras.load("tokenizers").Tokenizer.from_file(str(file))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)

    def plan(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Indices of the batches that this generator would like to be given, each prompt once.

        Prompts of like length and equal beginning come together; two tables' worth make a batch, so
        that a slot which falls free is taken by the next prompt.
        """
        batches = []
        for _, members in self._groups(enumerate(map(self.chat.encode, prompts))):
            size = 2 * self.batch_size
            batches += [
                [index for index, _ in members[at : at + size]] for at in range(0, len(members), size)
            ]
        return batches

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """One generation a prompt; a prompt too long for the window gives one with ``error``.

        ``seconds`` of an answer is the time to read its prompt, and an even share of each step that it
        was written in together with others.

        Raises:
            ModelError: the model cannot be loaded.
            MissingExtra: torch or transformers is absent.
        """
        results: dict[int, Generation] = {}
        fitting: list[tuple[int, Encoded]] = []
        for index, prompt in enumerate(prompts):
            encoded = self.chat.encode(prompt)
            needed = encoded.length + self.max_new_tokens
            if needed > self.context_window:
                error = str(ContextOverflow(needed, self.context_window))
                results[index] = Generation(None, prompt_tokens=encoded.length, error=error)
            else:
                fitting.append((index, encoded))
        for _, members in self._groups(fitting):
            with exclusively():
                self._answer(members, results, len(prompts))
        return [results[index] for index in range(len(prompts))]

    def _groups(
        self, encoded: Iterable[tuple[int, Encoded]]
    ) -> list[tuple[tuple[tuple[int, ...], int], list[tuple[int, Encoded]]]]:
        """Prompts of equal prefix and equal table, shortest table first."""
        groups: dict[tuple[tuple[int, ...], int], list[tuple[int, Encoded]]] = {}
        for index, one in encoded:
            key = (one.shared, capacity(len(one.own) + self.max_new_tokens))
            groups.setdefault(key, []).append((index, one))
        return sorted(groups.items(), key=lambda item: item[0])

    def _answer(self, members: list[tuple[int, Encoded]], results: dict[int, Generation], total: int) -> None:
        lengths = {index: one.length for index, one in members}

        def done(row: Row) -> None:
            results[row.index] = Generation(
                self.chat.decode(row.written), lengths[row.index], len(row.written), row.seconds
            )
            self._report(len(results), total, "generate")

        rows = [Row(index, one.own, self._chooser(one)) for index, one in members]
        shared = members[0][1].shared
        if can_share_tables(self.decoder.model):
            self.decoder.run(rows, self._prefix(shared) if shared else None, done)
        else:
            for row in rows:
                row.tokens = shared + row.tokens
                decode_alone(self.decoder, row)
                done(row)

    def _chooser(self, encoded: Encoded) -> Callable[[Any], int]:
        choose: Callable[[Any], int] = greedy
        if self.temperature > 0:
            choose = sampler(self.temperature, self.top_p, self.seed, encoded.shared + encoded.own)
        return choose if self.grammar is None else self.grammar.guide(choose)

    def _prefix(self, tokens: tuple[int, ...]) -> KeyValues:
        """Keys and values of a shared beginning; the last two are kept."""
        known = self._prefixes.get(tokens)
        if known is None:
            with extras.load("torch", extra="models").inference_mode():
                known, _ = read(
                    self.decoder.model,
                    tokens,
                    None,
                    lambda n: self._report(n, len(tokens), "read shared context"),
                )
            self._prefixes[tokens] = known
            while len(self._prefixes) > _KEPT_PREFIXES:
                self._prefixes.popitem(last=False)
        self._prefixes.move_to_end(tokens)
        return known

    def _report(self, done: int, total: int, what: str) -> None:
        if self.progress is not None:
            self.progress(done, total, what)


def _check(name: str, value: object, is_right: bool, expected: str) -> None:
    if not is_right:
        raise ModelError(f"{name} is {value!r}; expected {expected}: change it")
