"""A further section in a report file that a run has just written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def add_section(path: Path, name: str, value: Any, markdown: Iterable[str]) -> None:
    """Add a section to a report, or begin one.

    Args:
        path: ends in ``.json`` or ``.md``.
        name: the section's key in JSON.
        value: what stands there.
        markdown: the section's lines in Markdown.
    """
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if path.suffix == ".json":
        whole = {**(json.loads(before) if before else {}), name: value}
        text = json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    else:
        text = "\n".join([*([before] if before else []), *markdown])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
