"""The cases that both back ends are tested with, and judges for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ragtune.generation.endpoint_callable import CallableGenerator
from pytest_ragtune.records import Case, Prompt, Response

from .scripted_judge import judge

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "backends"


def load_cases() -> tuple[list[Case], list[Response]]:
    rows = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
    cases = [Case(row["id"], row["question"], reference=row["reference"]) for row in rows]
    responses = [
        Response(row["answer"], row["contexts"], case=case) for row, case in zip(rows, cases, strict=True)
    ]
    return cases, responses


def expected(backend: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = json.loads((FOLDER / f"{backend}.json").read_text(encoding="utf-8"))
    return found


def scripted(function: Callable[..., str] = judge, **settings: Any) -> CallableGenerator:
    async def asked(prompt: Prompt, schema: Any = None) -> str:
        return function(prompt, schema)

    fixed: dict[str, Any] = {"name": "scripted", "version": "1", "retries": 0}
    return CallableGenerator(asked, **(fixed | settings))
