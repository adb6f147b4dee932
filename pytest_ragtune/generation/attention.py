"""Attention whose result for a row does not depend on where the row stands in the batch.

Plain matrix products are used rather than ``scaled_dot_product_attention``: on CPU the fused kernel
gives other last bits to the same row at another place of a batch, or under another number of
threads, and a greedy answer can turn on one bit. With ``s = q k^T / sqrt(d)``, the result is
``softmax(s + mask) v`` as in Vaswani et al. 2017, section 3.2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_ragtune import extras

NAME = "ragtune"
"""Under which transformers knows this attention."""

_SCORES, _LEAST, _MOST = 1_600_000, 16, 128
KeyValues = Sequence[tuple[Any, Any]]
"""For each layer the keys and values, ``(n_kv_heads, length, head_dim)`` each."""


def register() -> str:
    """Make this attention known to transformers; returns the name to load a model with."""
    modeling = extras.load("transformers.modeling_utils", extra="models")
    modeling.ALL_ATTENTION_FUNCTIONS.register(NAME, attend)
    return NAME


def attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any | None,
    *,
    scaling: float,
    prefix: KeyValues | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """Attention in the form that transformers calls.

    Args:
        module: the attention layer; its ``layer_idx`` selects the prefix.
        query: ``(batch, n_heads, q, head_dim)``.
        key: ``(batch, n_kv_heads, length, head_dim)``.
        value: ``(batch, n_kv_heads, length, head_dim)``.
        attention_mask: additive ``(batch, 1, 1, length)``; None for causal attention over equal lengths.
        scaling: factor on the scores.
        prefix: keys and values that come before ``key`` in every row, all visible.

    Returns:
        ``(batch, q, n_heads, head_dim)`` and None for the weights.
    """
    torch = extras.load("torch", extra="models")
    before = None if prefix is None else prefix[module.layer_idx]
    length = query.shape[2]
    if attention_mask is not None or length == 1:
        return _attend(torch, query, key, value, attention_mask, scaling, before), None
    size = _block(query.shape[1], length + (0 if before is None else before[0].shape[1]))
    parts = []
    for start in range(0, length, size):
        end = min(start + size, length)
        mask = torch.full((end - start, end), -torch.inf, dtype=query.dtype, device=query.device)
        block = query[:, :, start:end], key[:, :, :end], value[:, :, :end]
        parts.append(_attend(torch, *block, mask.triu_(start + 1), scaling, before))
    return torch.cat(parts, dim=1), None


def _block(heads: int, length: int) -> int:
    """Queries at a time, so that their scores stay in the processor's cache."""
    return max(_LEAST, min(_MOST, _SCORES // (heads * length)))


def _attend(
    torch: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any | None,
    scaling: float,
    prefix: tuple[Any, Any] | None,
) -> Any:
    batch, heads, length, dim = query.shape
    grouped = query.reshape(batch, key.shape[1], -1, dim)
    scores = torch.matmul(grouped, key.transpose(-1, -2)).mul_(scaling)
    if mask is not None:
        scores.view(batch, heads, length, -1).add_(mask)
    if prefix is None:
        mixed = torch.matmul(_softmax(torch, scores), value)
    else:
        mixed = _with_prefix(torch, grouped, scores, value, prefix, scaling)
    return mixed.reshape(batch, heads, length, dim).transpose(1, 2).contiguous()


def _softmax(torch: Any, scores: Any) -> Any:
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(scores.dtype)


def _with_prefix(
    torch: Any, grouped: Any, scores: Any, value: Any, prefix: tuple[Any, Any], scaling: float
) -> Any:
    """Joint softmax over prefix and own positions; the prefix is multiplied once for all rows."""
    keys, values = prefix
    batch, kv_heads, rows, dim = grouped.shape
    length = keys.shape[1]
    folded = grouped.transpose(0, 1).reshape(kv_heads, batch * rows, dim)
    before = torch.matmul(folded, keys.transpose(-1, -2)).mul_(scaling)
    own = scores.transpose(0, 1).reshape(kv_heads, batch * rows, -1)
    weights = _softmax(torch, torch.cat((before, own), dim=-1))
    mixed = torch.matmul(weights[..., :length], values).view(kv_heads, batch, rows, dim).transpose(0, 1)
    kept = weights[..., length:].reshape(kv_heads, batch, rows, -1).transpose(0, 1)
    return mixed + torch.matmul(kept, value)
