"""What calls cost: tokens before they are known, and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CHAT = 16  # tokens that a chat template adds to a prompt
_BYTES_A_TOKEN = 2  # a token of a usual tokenizer holds more, in any language
_ANSWER = 256  # tokens of an answer of a generator that does not say its limit
PER = 1_000_000
"""Tokens that a price is for."""


@dataclass(frozen=True, slots=True)
class Price:
    """Money a million tokens."""

    read: float
    """Of the prompt."""
    written: float
    """Of the answer."""

    def of(self, read: float, written: float) -> float:
        """Money for so many tokens."""
        return (self.read * read + self.written * written) / PER


def read_prices(lines: Sequence[str]) -> dict[str, Price]:
    """The price table of the ini value ``ragtune_prices``: ``model = input output``, one a line.

    Raises:
        ValueError: a line is no name and two numbers, or names a model twice.
    """
    found: dict[str, Price] = {}
    for line in lines:
        name, is_there, rest = (part.strip() for part in line.rpartition("="))
        try:
            read, written = map(float, rest.split())
            if not is_there or not name or not (0 <= read < float("inf") and 0 <= written < float("inf")):
                raise ValueError
        except ValueError:
            raise ValueError(
                f"ragtune_prices: found {line!r}; expected MODEL = INPUT OUTPUT, each a price per million "
                "tokens, such as gpt-4o-mini = 0.15 0.60"
            ) from None
        if name in found:
            raise ValueError(f"ragtune_prices: found {name!r} twice; expected each model once")
        found[name] = Price(read, written)
    return found


def name_of(generator: Any) -> str:
    """The name that a generator's price stands under: its model, or its own name."""
    for attribute in ("model", "name"):
        name = getattr(generator, attribute, None)
        if name:
            return str(name)
    return type(generator).__name__


def price_of(generator: Any, prices: Mapping[str, Price]) -> Price | None:
    """The price in the table; 0 for a model that runs on this machine; None when it is unknown."""
    known = prices.get(name_of(generator))
    if known is None and getattr(generator, "costs_nothing", False):
        return Price(0.0, 0.0)
    return known


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens of a batch before it is asked."""

    read: int
    """Of the prompts."""
    written: int
    """Of the answers, at most."""
    counted: bool
    """True when a tokenizer counted the prompts; else a token is taken for every two bytes."""


def estimate(generator: Any, prompts: Sequence[Any]) -> Estimate:
    """Tokens of some prompts, and the most that their answers can have."""
    texts = [str(prompt) for prompt in prompts]
    count = getattr(generator, "count_tokens", None)
    if callable(count):
        read = sum(count(texts))
    else:
        read = sum(len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN for text in texts)
    longest = getattr(generator, "max_new_tokens", None) or _ANSWER
    return Estimate(read + _CHAT * len(texts), int(longest) * len(texts), callable(count))
