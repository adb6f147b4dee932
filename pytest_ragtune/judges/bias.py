"""Two known biases of prompted judges, measured: the place of an answer, and its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .prompted import PromptedJudge

PADDING = (
    " To put this differently, the above is what can be said in reply to what was asked. "
    "In other words, the reply given here is the reply to the question, and it stands as it was given."
)
"""Sentences that add length and no content."""


@dataclass(frozen=True, slots=True)
class Bias:
    """How a judge decides between answers where nothing but place, or nothing but length, differs."""

    n: int
    """Comparisons with both orders answered."""
    unusable: int
    """Comparisons without."""
    favoured: float | None
    """Share decided for the favoured side: shown first, or longer; None without a comparison."""
    disfavoured: float | None
    """Share decided for the other side: shown second, or shorter."""

    @property
    def lean(self) -> float | None:
        """``favoured - disfavoured``, between -1 and 1; 0 for a judge without this bias."""
        if self.favoured is None or self.disfavoured is None:
            return None
        return self.favoured - self.disfavoured


def position_bias(judge: PromptedJudge, items: Sequence[tuple[str, str, str]]) -> Bias:
    """How often the place decides: both orders of (question, first, second) give the win to one place.

    ``favoured`` is the share of comparisons won by whatever is shown first, ``disfavoured`` by whatever is
    shown second (Zheng et al. 2023, section 3.3: conflicting judgements after a swap).
    """
    found = [c.orders for c in judge.compare(items)]
    known = [(one, two) for one, two in found if one is not None and two is not None]
    first = sum(one > 0.5 and two < 0.5 for one, two in known)
    second = sum(one < 0.5 and two > 0.5 for one, two in known)
    return _bias(len(known), len(found) - len(known), first, second)


def verbosity_bias(judge: PromptedJudge, items: Sequence[tuple[str, str]], padding: str = PADDING) -> Bias:
    """How often length decides: each (question, answer) against the same answer with ``padding``.

    ``favoured`` is the share of comparisons that the longer text wins in both orders, ``disfavoured`` the
    shorter (Zheng et al. 2023, section 3.3, where a repetitive list is added).
    """
    found = judge.compare([(question, answer + padding, answer) for question, answer in items])
    known = [c for c in found if c.preferred is not None]
    longer = sum(c.preferred == "first" for c in known)
    shorter = sum(c.preferred == "second" for c in known)
    return _bias(len(known), len(found) - len(known), longer, shorter)


def _bias(n: int, unusable: int, favoured: int, disfavoured: int) -> Bias:
    if not n:
        return Bias(0, unusable, None, None)
    return Bias(n, unusable, favoured / n, disfavoured / n)
