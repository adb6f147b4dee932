"""``ragtune gate``: decide again over a report, with other thresholds and no model call."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pytest_ragtune.gate import Demand, decide, read_report
from pytest_ragtune.reporting.failure import failure_lines


def add_command(commands: Any) -> None:
    """Declare the command."""
    gate = commands.add_parser(
        "gate",
        help="decide again over a report: other thresholds, no model call",
        description="Reads the JSON report of a run (pytest --ragtune-report=FILE.json) and decides over its "
        "scores. Exit code 0 when every verdict passes, 1 when one fails or is undecided.",
    )
    gate.add_argument("report", metavar="REPORT.json", type=Path)
    gate.add_argument("--at-least", action="append", default=[], metavar="METRIC=VALUE", type=_demand)
    gate.add_argument("--at-most", action="append", default=[], metavar="METRIC=VALUE", type=_demand)
    gate.add_argument("--no-regression", action="append", default=[], metavar="BASELINE", type=Path)
    gate.add_argument("--margin", type=float, help="largest acceptable drop; needed with --no-regression")
    gate.add_argument(
        "--common-only",
        action="store_true",
        help="of --no-regression: compare the cases that are the same in both when the golden set changed",
    )
    gate.add_argument("--metric", action="append", default=[], help="of --no-regression; all unless given")
    gate.add_argument("--pipeline", help="only this pipeline")
    gate.add_argument("--golden-set", help="only this golden set")
    gate.add_argument("--confidence", type=float, help="let the interval decide, at this confidence")
    gate.add_argument(
        "--max-unscored", type=_count, default=0, help="cases (2) or share (0.1) without a score"
    )
    gate.set_defaults(run=_gate)


def _gate(arguments: argparse.Namespace) -> int:
    if arguments.no_regression and arguments.margin is None:
        raise ValueError("--no-regression was given without --margin: expected the largest acceptable drop")
    if not (arguments.at_least or arguments.at_most or arguments.no_regression):
        raise ValueError("nothing to decide: expected --at-least, --at-most or --no-regression")
    demand = Demand(
        at_least=tuple(arguments.at_least),
        at_most=tuple(arguments.at_most),
        baselines=tuple(arguments.no_regression),
        margin=arguments.margin or 0.0,
        metrics=tuple(arguments.metric),
        pipeline=arguments.pipeline,
        golden_set=arguments.golden_set,
        confidence=arguments.confidence,
        max_unscored=arguments.max_unscored,
        common_only=arguments.common_only,
    )
    verdicts = decide(read_report(arguments.report), demand)
    for verdict in verdicts:
        first, *rest = failure_lines(verdict)
        print(f"{verdict.outcome}  {verdict.golden_set} {verdict.pipeline}  {first}")
        for line in rest:
            if verdict.outcome != "pass" or line.startswith("  note"):
                print(line)
    failed = sum(not verdict for verdict in verdicts)
    print(f"{len(verdicts) - failed} of {len(verdicts)} verdicts pass; 0 model calls", file=sys.stderr)
    return 1 if failed else 0


def _demand(text: str) -> tuple[str, float]:
    metric, sign, value = text.rpartition("=")
    if not sign or not metric:
        raise argparse.ArgumentTypeError(f"{text!r}: expected METRIC=VALUE, such as R@5=0.85")
    try:
        return metric, float(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {value!r} is no number") from error


def _count(text: str) -> int | float:
    try:
        return float(text) if "." in text else int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a count of cases (2) or a share (0.1)"
        ) from error
