"""Models that are not plain full attention throughout: one prompt at a time, in transformers' own cache."""

from __future__ import annotations

import time
from typing import Any

from pytest_ragtune import extras

from .decoding import Decoder, Row
from .reading import cache_word


def can_share_tables(model: Any) -> bool:
    """Whether every layer is full attention that :mod:`.attention` can compute.

    Sliding windows, state-space layers, soft-capped scores and attention sinks are not.
    """
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ())
    is_windowed = bool(getattr(config, "sliding_window", None)) and getattr(
        config, "use_sliding_window", True
    )
    is_capped = getattr(config, "attn_logit_softcapping", None) is not None
    is_plain = bool(
        getattr(model, "_supports_attention_backend", False) and getattr(model, "_supports_sdpa", False)
    )
    return is_plain and not is_windowed and not is_capped and kinds <= {"full_attention"}


def decode_alone(decoder: Decoder, row: Row) -> None:
    """Write one answer, by itself; so no other prompt can touch it."""
    torch = extras.load("torch", extra="models")
    begun = time.perf_counter()
    word, cache = cache_word(decoder.model), None
    tokens = torch.tensor([row.tokens], device=decoder.model.device)
    with torch.inference_mode():
        while True:
            result = decoder.model(input_ids=tokens, use_cache=True, logits_to_keep=1, **{word: cache})
            cache = getattr(result, word)
            token = row.choose(result.logits[0, -1])
            if decoder.ended(row, token):
                break
            tokens = torch.tensor([[token]], device=decoder.model.device)
    row.seconds += time.perf_counter() - begun
