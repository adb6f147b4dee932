"""Writing a judge's folder: model, tokenizer, and the card that says what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pytest_ragtune.judges.encoder import CARD, MODEL, SCHEMA, TOKENIZER
from pytest_ragtune.judges.features import Combiner, Head
from pytest_ragtune.judges.windows import Policy


@dataclass(frozen=True, slots=True)
class Draft:
    """What a card says beside the checksums."""

    combiners: Mapping[Head, Combiner]
    thresholds: Mapping[Head, float]
    policy: Policy
    max_tokens: int
    base: str
    seed: int
    trained_on: list[dict[str, Any]] = field(default_factory=list)
    """Sets with their licence and number of rows."""
    calibration: Mapping[str, Any] = field(default_factory=dict)
    """How the combiners were fitted and what was measured then."""
    name: str = "nli"
    version: int = 1


def write_card(folder: Path, draft: Draft) -> None:
    """Write ``judge.json`` over the files that lie in ``folder``."""
    card = {
        "schema": SCHEMA,
        "name": draft.name,
        "version": draft.version,
        "base": draft.base,
        "max_tokens": draft.max_tokens,
        "window": asdict(draft.policy),
        "files": {name: _digest(folder / name) for name in (MODEL, TOKENIZER)},
        "combiner": {head: asdict(combiner) for head, combiner in draft.combiners.items()},
        "calibration": dict(draft.calibration),
        "thresholds": dict(draft.thresholds),
        "trained_on": draft.trained_on,
        "seed": draft.seed,
    }
    (folder / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def blank_combiners(names: Mapping[Head, tuple[str, ...]]) -> dict[Head, Combiner]:
    """Combiners that weigh nothing, for a folder whose logits are needed before they are fitted."""
    return {
        head: Combiner(found, (0.0,) * len(found), (1.0,) * len(found), (0.0,) * len(found), 0.0)
        for head, found in names.items()
    }


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
