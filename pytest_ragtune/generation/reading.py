"""Reading a prompt: one forward pass over it alone, or in pieces where it is long."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pytest_ragtune import extras

from .attention import KeyValues

WHOLE = 1024
"""Prompts up to this many tokens are read in one pass."""
PIECE = 512
"""Longer ones are read in pieces of this many, so that the scores of a pass stay small."""


class Reading:
    """Cache for one forward pass: keeps what each layer computed."""

    def __init__(self) -> None:
        self.layers: list[tuple[Any, Any]] = []

    def update(self, key: Any, value: Any, layer: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Keep the keys and values of a layer, ``(1, n_kv_heads, length, head_dim)``, in their order."""
        self.layers.append((key[0], value[0]))
        return key, value


def read(
    model: Any,
    tokens: tuple[int, ...],
    prefix: KeyValues | None,
    progress: Callable[[int], None] | None = None,
) -> tuple[list[tuple[Any, Any]], Any]:
    """Read ``tokens`` behind ``prefix``.

    Args:
        model: a causal language model with the attention of :mod:`.attention`.
        tokens: what to read; not empty.
        prefix: keys and values of what comes before; None for nothing.
        progress: called with the number of tokens read after each piece.

    Returns:
        Keys and values of ``tokens`` a layer, ``(n_kv_heads, n_tokens, head_dim)`` each, and the logits
        ``(n_vocabulary,)`` behind the last of them.
    """
    torch = extras.load("torch", extra="models")
    offset = 0 if prefix is None else prefix[0][0].shape[1]
    size = len(tokens) if len(tokens) <= WHOLE else PIECE
    grown: list[tuple[Any, Any]] | None = None
    logits = None
    for start in range(0, len(tokens), size):
        piece = torch.tensor([tokens[start : start + size]], device=model.device)
        end = start + piece.shape[1]
        places = torch.arange(offset + start, offset + end, device=model.device)[None]
        behind = (
            prefix if grown is None else [(k[:, : offset + start], v[:, : offset + start]) for k, v in grown]
        )
        reading = Reading()
        logits = forward(model, piece, places, reading, None, behind)[0, -1]
        if end == len(tokens) and grown is None:
            return reading.layers, logits
        grown = grown or _room(torch, reading.layers, prefix, offset + len(tokens))
        for whole, part in zip(grown, reading.layers, strict=True):
            whole[0][:, offset + start : offset + end] = part[0]
            whole[1][:, offset + start : offset + end] = part[1]
        if progress is not None:
            progress(end)
    return [(k[:, offset:], v[:, offset:]) for k, v in grown or []], logits


def forward(
    model: Any, tokens: Any, places: Any, cache: Any, mask: Any | None, prefix: KeyValues | None
) -> Any:
    """Logits ``(batch, 1, n_vocabulary)`` of the last position."""
    more = {} if prefix is None else {"prefix": prefix}
    result = model(
        input_ids=tokens,
        position_ids=places,
        attention_mask=mask,
        use_cache=True,
        logits_to_keep=1,
        **{cache_word(model): cache},
        **more,
    )
    return result.logits


def cache_word(model: Any) -> str:
    """What a model calls its cache: ``cache`` from transformers 5.24 on, ``past_key_values`` before."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "cache" if "cache" in inspect.signature(base.forward).parameters else "past_key_values"


def _room(
    torch: Any, layers: list[tuple[Any, Any]], prefix: KeyValues | None, length: int
) -> list[tuple[Any, Any]]:
    """Empty keys and values for prefix and prompt together, the prefix filled in."""
    room = []
    for number, layer in enumerate(layers):
        pair = tuple(part.new_empty((part.shape[0], length, part.shape[2])) for part in layer)
        for whole, before in zip(pair, prefix[number] if prefix is not None else (), strict=False):
            whole[:, : before.shape[1]] = before
        room.append((pair[0], pair[1]))
    return room
