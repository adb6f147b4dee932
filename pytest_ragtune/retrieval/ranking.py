"""What every retriever shares: checked arguments, reproducible order, identities."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pytest_ragtune import extras
from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.records import Corpus, Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DIGITS = 7


def describe(kind: str, version: int, **parts: Any) -> str:
    """An identity: JSON with sorted keys of what could change a result.

    Args:
        kind: what it is, for example ``bm25``.
        version: raised whenever the same parts would give another result.
        parts: parameters, fingerprints, and identities of other parts (nested as JSON where they are JSON).
    """
    value = {"kind": kind, "version": version, **{name: _nested(part) for name, part in parts.items()}}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _nested(part: Any) -> Any:
    if isinstance(part, list | tuple):
        return [_nested(item) for item in part]
    if isinstance(part, str) and part.startswith("{"):
        try:
            return json.loads(part)
        except ValueError:
            return part
    return part


def checked(questions: Sequence[str], k: int) -> int:
    """``k`` as an int, once the arguments of ``retrieve`` are known to make sense.

    Raises:
        ValueError: ``k`` is below 1 or no whole number, or ``questions`` is a single string.
    """
    check_questions(questions)
    try:
        number = operator.index(k)
    except TypeError:
        number = 0
    if number < 1 or isinstance(k, bool):
        raise ValueError(
            f"k is {k!r}: expected a whole number of at least 1; pass how many passages you want, "
            "for example k=5"
        )
    return number


def check_questions(questions: Sequence[str]) -> None:
    """Refuse a single string, which would be read letter by letter.

    Raises:
        ValueError: ``questions`` is a string.
    """
    if isinstance(questions, str):
        raise ValueError(
            f"questions is one string ({questions[:40]!r}): expected a list of questions; put it in brackets"
        )


def passage_ids(corpus: Corpus, kind: str) -> list[str]:
    """The ids of a corpus that can be indexed.

    Raises:
        RagtuneError: the corpus is empty, or two passages share an id.
    """
    ids = [passage.id for passage in corpus.passages]
    if not ids:
        raise RagtuneError(
            f"{kind} got a corpus without passages: expected at least one; check the corpus folder "
            "and its chunking"
        )
    if len(set(ids)) < len(ids):
        seen: set[str] = set()
        twice = next(name for name in ids if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise RagtuneError(
            f"{kind} got a corpus in which the passage id {twice!r} stands twice: expected unique ids; "
            "build the corpus with load_corpus"
        )
    return ids


def settled(score: float) -> float:
    """``score`` at seven significant digits, so that noise in the last bits cannot break a tie."""
    return float(f"{score:.{_DIGITS - 1}e}") + 0.0


def ranked(scored: Iterable[tuple[str, float]], k: int | None = None) -> list[Hit]:
    """Hits by settled score, best first, ties by passage id; the first ``k``, or all."""
    hits = [Hit(name, settled(score)) for name, score in scored]
    hits.sort(key=lambda hit: (-hit.score, hit.passage_id))
    return hits[:k]


def leaders(scores: NDArray[np.floating[Any]], k: int, slack: float = 1e-6) -> NDArray[np.intp]:
    """Indices of every score that can be among the first ``k``, all that tie with the last of them included.

    Args:
        scores: ``(n,)``.
        k: how many are wanted.
        slack: relative distance to the k-th best within which two scores may still tie.
    """
    np = extras.load("numpy")
    if k >= len(scores):
        return np.arange(len(scores))  # type: ignore[no-any-return]
    cut = float(np.partition(scores, len(scores) - k)[len(scores) - k])
    return np.flatnonzero(scores >= cut - slack * max(abs(cut), slack))  # type: ignore[no-any-return]
