"""Decoding in which a row's arithmetic depends on that row alone.

Each prompt is read alone, at its own length. Answers are then written in a table of slots whose
shape (rows, capacity) is a function of the prompt's length only: a finished row leaves its slot to
the next one, an empty slot computes on padding. So the same prompt goes through the same matrix
shapes whatever else is in the batch, and its answer cannot depend on the company it keeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_ragtune import extras

from .attention import KeyValues
from .reading import forward, read

TABLE_BYTES = 1_600_000_000
"""Most memory that the keys and values of one table may take."""
_STEPS = ((256, 128), (1024, 256), (4096, 512))


@dataclass(slots=True)
class Row:
    """One prompt on its way to an answer."""

    index: int
    """Place in the caller's list."""
    tokens: tuple[int, ...]
    """The prompt's own tokens, after the prefix."""
    choose: Callable[[Any], int]
    """From logits ``(n_vocabulary,)`` to the next token."""
    written: list[int] = field(default_factory=list)
    """The answer so far, without the token that ends it."""
    seconds: float = 0.0
    """Own reading time, and an even share of each step taken with others."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """A model with what the loop needs to know of it."""

    model: Any
    """A causal language model that was loaded with the attention of :mod:`.attention`."""
    stops: frozenset[int]
    """Tokens that end an answer."""
    max_new_tokens: int
    """Longest answer."""
    batch_size: int
    """Most rows of a table."""

    def rows(self, length: int) -> int:
        """Rows of the table of a given length: a power of two within the memory allowed."""
        config = self.model.config.get_text_config()
        return table_rows(config, length, self.batch_size, self.model.dtype.itemsize)

    def run(self, rows: Sequence[Row], prefix: KeyValues | None, done: Callable[[Row], None]) -> None:
        """Write the answers of ``rows``, which all have the same capacity and the same prefix.

        Args:
            rows: filled in as the work goes on.
            prefix: keys and values of the tokens before each row's own; None for none.
            done: called with each row as it ends.
        """
        torch = extras.load("torch", extra="models")
        with torch.inference_mode():
            table = _Table(self, capacity(max(len(row.tokens) for row in rows) + self.max_new_tokens), prefix)
            waiting = list(reversed(rows))
            while waiting or table.busy:
                while waiting and table.free:
                    row = waiting.pop()
                    layers, token = self._read(row, prefix)
                    if self.ended(row, token):
                        done(row)
                    else:
                        table.seat(row, layers, token)
                for row, token in table.step():
                    if self.ended(row, token):
                        table.release(row)
                        done(row)

    def _read(self, row: Row, prefix: KeyValues | None) -> tuple[KeyValues, int]:
        begun = time.perf_counter()
        layers, logits = read(self.model, row.tokens, prefix)
        token = row.choose(logits)
        row.seconds += time.perf_counter() - begun
        return layers, token

    def ended(self, row: Row, token: int) -> bool:
        """Take a token into a row's answer; True when the answer is complete."""
        if token in self.stops:
            return True
        row.written.append(token)
        return len(row.written) >= self.max_new_tokens


def capacity(tokens: int) -> int:
    """Smallest table length that holds ``tokens``; the lengths grow in steps that grow with them."""
    for limit, step in _STEPS:
        if tokens <= limit:
            return -(-tokens // step) * step
    return -(-tokens // 1024) * 1024


def table_rows(config: Any, length: int, most: int, itemsize: int) -> int:
    """Rows of a table of ``length``: the largest power of two up to ``most`` that fits the memory."""
    kv_heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    a_token = 2 * config.num_hidden_layers * kv_heads * head_dim * itemsize
    fitting = max(1, min(most, TABLE_BYTES // (a_token * length)))
    return 1 << (int(fitting).bit_length() - 1)


class _Table:
    """Slots of fixed shape; also the cache that the model's layers write to."""

    def __init__(self, decoder: Decoder, length: int, prefix: KeyValues | None) -> None:
        self.torch = extras.load("torch", extra="models")
        self.model, self.prefix = decoder.model, prefix
        self.offset = 0 if prefix is None else prefix[0][0].shape[1]
        self.length, self.size = length, decoder.rows(length)
        self.seats: list[Row | None] = [None] * self.size
        self.layers: list[tuple[Any, Any]] = []
        device = self.model.device
        self.every = self.torch.arange(self.size, device=device)
        self.mask = self.torch.full(
            (self.size, 1, 1, length), -self.torch.inf, dtype=self.model.dtype, device=device
        )
        self.mask[..., 0] = 0.0  # an empty slot sees one position of zeros, so that no row is all masked
        self.at = self.torch.zeros(self.size, dtype=self.torch.long, device=device)
        self.token = self.torch.zeros(self.size, dtype=self.torch.long, device=device)

    @property
    def busy(self) -> bool:
        """Whether any slot holds a row."""
        return any(row is not None for row in self.seats)

    @property
    def free(self) -> bool:
        """Whether any slot is empty."""
        return any(row is None for row in self.seats)

    def seat(self, row: Row, layers: KeyValues, token: int) -> None:
        """Copy what reading gave into an empty slot."""
        slot = self.seats.index(None)
        length = len(row.tokens)
        if not self.layers:
            self.layers = [(self._blank(keys), self._blank(values)) for keys, values in layers]
        for mine, read_ones in zip(self.layers, layers, strict=True):
            for whole, part in zip(mine, read_ones, strict=True):
                whole[slot, :, :length] = part
        self.mask[slot] = -self.torch.inf
        self.mask[slot, ..., :length] = 0.0
        self.at[slot], self.token[slot] = length, token
        self.seats[slot] = row

    def release(self, row: Row) -> None:
        """Empty a slot; what it holds stays masked to the next row."""
        slot = self.seats.index(row)
        self.seats[slot] = None
        self.mask[slot] = -self.torch.inf
        self.mask[slot, ..., 0] = 0.0
        self.at[slot] = self.token[slot] = 0

    def step(self) -> list[tuple[Row, int]]:
        """One more token for every row; empty slots compute along."""
        seated = [(slot, row) for slot, row in enumerate(self.seats) if row is not None]
        if not seated:
            return []
        begun = time.perf_counter()
        self.mask[self.every, 0, 0, self.at] = 0.0
        logits = forward(
            self.model, self.token[:, None], (self.offset + self.at)[:, None], self, self.mask, self.prefix
        )
        chosen = [(row, row.choose(logits[slot, -1])) for slot, row in seated]
        for (slot, _), (_, token) in zip(seated, chosen, strict=True):
            self.token[slot] = token
            self.at[slot] += 1
        share = (time.perf_counter() - begun) / len(seated)
        for row, _ in chosen:
            row.seconds += share
        return chosen

    def update(self, key: Any, value: Any, layer: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Write one position a row and return the whole table of a layer."""
        keys, values = self.layers[layer]
        keys[self.every, :, self.at] = key[:, :, 0]
        values[self.every, :, self.at] = value[:, :, 0]
        return keys, values

    def _blank(self, part: Any) -> Any:
        return part.new_zeros((self.size, part.shape[0], self.length, part.shape[2]))
