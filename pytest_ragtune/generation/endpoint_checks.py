"""The settings of a request, checked before the first one is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pytest_ragtune.errors import ModelError


def check_sampling(temperature: object, top_p: object, seed: object, max_new_tokens: object) -> None:
    """Refuse what no server takes.

    Raises:
        ModelError: a setting is of the wrong type or out of range.
    """
    for name, value, is_right, expected in (
        ("temperature", temperature, _is_number(temperature, 0.0, math.inf), "a number from 0, or None"),
        ("top_p", top_p, _is_number(top_p, 0.0, 1.0), "a number from 0 to 1, or None"),
        ("seed", seed, seed is None or _is_whole(seed), "a whole number, or None"),
        (
            "max_new_tokens",
            max_new_tokens,
            _is_whole(max_new_tokens) and _is_number(max_new_tokens, 1, math.inf),
            "at least 1",
        ),
    ):
        if not is_right:
            raise ModelError(f"{name} is {value!r}: expected {expected}: change it")


def check_fields(**fields: Mapping[str, Any] | None) -> None:
    """Refuse fields of the body that are no JSON objects.

    Raises:
        ModelError: one is no mapping, or holds something that JSON cannot.
    """
    for name, value in fields.items():
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise ModelError(f"{name} is {value!r}: expected a dictionary, or None: change it")
        try:
            json.dumps(dict(value), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ModelError(f"{name} cannot be sent as JSON ({error}): change it") from error


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object, low: float, high: float) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and low <= value <= high
