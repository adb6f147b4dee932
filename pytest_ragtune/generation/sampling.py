"""From logits to the next token."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from pytest_ragtune import extras


def greedy(logits: Any) -> int:
    """The most probable token; the lowest number among equals."""
    return int(logits.argmax())


def sampler(temperature: float, top_p: float, seed: int, tokens: tuple[int, ...]) -> Callable[[Any], int]:
    """A choice by chance that depends on the seed and the prompt alone, never on other rows.

    Args:
        temperature: divides the logits; greater than 0.
        top_p: the smallest set of tokens with at least this probability is drawn from (Holtzman et al.
            2020, section 3.1).
        seed: any whole number.
        tokens: the prompt.
    """
    torch = extras.load("torch", extra="models")
    warpers = extras.load("transformers", extra="models")
    steps = [warpers.TemperatureLogitsWarper(float(temperature))]
    if top_p < 1.0:
        steps.append(warpers.TopPLogitsWarper(top_p))
    digest = hashlib.sha256(f"{seed}:{','.join(map(str, tokens))}".encode()).digest()
    chance = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    def choose(logits: Any) -> int:
        scores = logits.float().cpu()[None]
        for step in steps:
            scores = step(None, scores)
        return int(torch.multinomial(torch.softmax(scores, dim=-1), 1, generator=chance))

    return choose
