"""Judges by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ragtune.errors import ModelError
from pytest_ragtune.protocols import Embedder

from .encoder import CARD, WEIGHTS
from .nli import NliJudge, has_weights

NAMES = ("nli", "lexical", "embedding")
"""The names of judges that need nothing but a name."""


def default_name() -> str:
    """The judge used unless one is named: ``nli`` where the package holds its weights, else ``lexical``."""
    return "nli" if has_weights() else "lexical"


def named_judge(name: str = "", *, embedder: Callable[[], Embedder] | None = None) -> Any:
    """The judge of that name, or of that folder; the default one for an empty name.

    Args:
        name: ``nli``, ``lexical``, ``embedding``, or the folder of a judge made by ``ragtune train-judge``.
        embedder: makes the embedder of ``embedding``.

    Raises:
        ValueError: there is no such judge.
        ModelError: a folder's files are damaged, or the package holds no weights.
    """
    chosen = name or default_name()
    if chosen == "nli":
        if not has_weights():
            raise ModelError(
                f"the judge 'nli' has no weights in {WEIGHTS}: expected those of the package; choose lexical "
                "or embedding, or a folder made by ragtune train-judge"
            )
        return NliJudge()
    if chosen == "lexical":
        from .lexical import LexicalJudge

        return LexicalJudge()
    if chosen == "embedding" and embedder is not None:
        from .embedding import EmbeddingJudge

        return EmbeddingJudge(embedder())
    if (Path(chosen) / CARD).is_file():
        return NliJudge(chosen)
    raise ValueError(
        f"judge {chosen!r} is not known: expected one of {', '.join(NAMES)}, or a folder that holds {CARD}"
    )
