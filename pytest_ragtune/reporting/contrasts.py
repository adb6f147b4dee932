"""A comparison as text."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ragtune.comparison import Comparison, Contrast

from .numbers import ends, number, p_value


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """One line a pipeline: its mean, the difference to the reference with interval and corrected p value."""
    name = comparison.metric.name
    direction = "higher" if comparison.metric.higher_is_better else "lower"
    sides = f"{name} on {comparison.golden_set} against {comparison.reference}"
    yield f"{sides}, paired by case, {direction} is better"
    rows = [_row(contrast, name) for contrast in comparison.contrasts]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(["", *(text.ljust(width) for text, width in zip(row, widths, strict=True))]).rstrip()


def _row(contrast: Contrast, metric: str) -> list[str]:
    if contrast.mean is None or contrast.reference_mean is None or contrast.change is None:
        return [contrast.pipeline, "no case has a score on both sides", "", "", "", ""]
    interval = contrast.interval
    return [
        contrast.pipeline,
        f"{number(contrast.mean, metric)} - {number(contrast.reference_mean, metric)}",
        number(contrast.change, metric, signed=True),
        ""
        if interval is None
        else f"{interval.confidence * 100:g}% CI {ends(interval, metric, signed=True)}",
        "" if contrast.p_value is None else p_value(contrast.p_value),
        f"n={contrast.n}" + (f" ({contrast.unscored} unscored)" if contrast.unscored else ""),
    ]
