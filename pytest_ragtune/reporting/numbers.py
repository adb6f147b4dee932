"""Numbers as people read them: two decimals between 0 and 1, seconds and tokens with their unit."""

from __future__ import annotations

from pytest_ragtune.records import Interval

MOST_DECIMALS = 6
"""More are never shown."""


def unit(metric: str) -> str:
    """Unit of a metric by its name: ``s``, ``tokens`` or none."""
    if "seconds" in metric:
        return "s"
    return "tokens" if "tokens" in metric else ""


def number(value: float, metric: str = "", *, decimals: int | None = None, signed: bool = False) -> str:
    """One value of a metric.

    Args:
        value: the number.
        metric: its name, which tells the unit.
        decimals: digits after the point; left out, as many as a reader needs.
        signed: show a plus sign too.
    """
    if decimals is None:
        decimals = _decimals(value, unit(metric))
    value = round(value, decimals) + 0.0  # no "-0.00"
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    return f"{text} s" if unit(metric) == "s" else text


def _decimals(value: float, unit_name: str) -> int:
    if unit_name == "tokens":
        return 0 if abs(value) >= 10 else 1
    if abs(value) < 10:
        return 2
    return 1 if abs(value) < 100 else 0


def apart(value: float, other: float, metric: str = "", *, signed: bool = False) -> tuple[str, str]:
    """Both numbers with as many decimals as it takes to tell them apart: never ``0.80 < 0.80``."""
    decimals = max(_decimals(value, unit(metric)), _decimals(other, unit(metric)))
    if abs(value - other) > 0.5 * 10**-MOST_DECIMALS:
        while decimals < MOST_DECIMALS and round(value, decimals) == round(other, decimals):
            decimals += 1
    return (
        number(value, metric, decimals=decimals, signed=signed),
        number(other, metric, decimals=decimals, signed=signed),
    )


def ends(interval: Interval, metric: str = "", *, signed: bool = False) -> str:
    """``0.60..0.81``."""
    low, high = (number(end, metric, signed=signed) for end in (interval.low, interval.high))
    return f"{low.removesuffix(' s')}..{high}"


def p_value(p: float) -> str:
    """``p=0.004``, ``p<0.001``."""
    if p < 0.001:
        return "p<0.001"
    return f"p={p:.3f}" if p < 0.1 else f"p={p:.2f}"
