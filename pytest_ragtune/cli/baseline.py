"""``ragtune baseline``: show a baseline, what differs between two, accept a candidate."""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_ragtune.baseline import Baseline, difference, read_baseline
from pytest_ragtune.errors import BaselineError
from pytest_ragtune.gate import baselines_of, read_report

_SHOWN = 10  # ids on one line, and changed scores of one metric


def add_command(commands: Any) -> None:
    """Declare the command."""
    baseline = commands.add_parser(
        "baseline", help="show baselines, what differs between two, accept a candidate"
    )
    actions = baseline.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="means and numbers of cases")
    show.add_argument("files", nargs="+", metavar="FILE", type=Path)
    show.set_defaults(run=_show)
    diff = actions.add_parser(
        "diff", help="what changed: cases, answers, scores. Exit code 1 when anything did"
    )
    accept = actions.add_parser("accept", help="show the difference and, with --yes, take the candidate over")
    accept.add_argument("--yes", action="store_true", help="replace the baseline")
    for action, run in ((diff, _diff), (accept, _accept)):
        action.add_argument("baseline", metavar="BASELINE", type=Path)
        action.add_argument(
            "other",
            metavar="OTHER",
            type=Path,
            help="another baseline (.jsonl); for diff also a report (.json)",
        )
        action.set_defaults(run=run)


def _show(arguments: argparse.Namespace) -> int:
    for path in arguments.files:
        for line in show_lines(read_baseline(path)):
            print(line)
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    before = read_baseline(arguments.baseline)
    lines = list(diff_lines(before, _other(before, arguments.other)))
    for line in lines or ["no difference"]:
        print(line)
    return 1 if lines else 0


def _accept(arguments: argparse.Namespace) -> int:
    candidate = read_baseline(arguments.other)
    if arguments.baseline.exists():
        before = read_baseline(arguments.baseline)
        if before.pipeline != candidate.pipeline or before.golden_set != candidate.golden_set:
            raise BaselineError(
                f"{arguments.other} is a baseline of {candidate.pipeline!r} over {candidate.golden_set!r}, "
                f"{arguments.baseline} one of {before.pipeline!r} over {before.golden_set!r}; expected one "
                "of the same pipeline and golden set"
            )
        lines = list(diff_lines(before, candidate))
    else:
        lines = [f"{arguments.baseline} is new", *show_lines(candidate)]
    for line in lines or ["no difference"]:
        print(line)
    if not arguments.yes:
        print("nothing written; review the above and add --yes", file=sys.stderr)
        return 1
    if os.environ.get("CI"):
        raise BaselineError(
            "--yes was given and CI is set: a baseline is reviewed by a person before it is committed; run "
            "this command on your own machine"
        )
    arguments.baseline.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(arguments.other, arguments.baseline)
    print(f"{arguments.baseline} written; commit it", file=sys.stderr)
    return 0


def _other(before: Baseline, path: Path) -> Baseline:
    if path.suffix != ".json":
        return read_baseline(path)
    found = [
        other
        for other in baselines_of(read_report(path))
        if (other.pipeline, other.golden_set) == (before.pipeline, before.golden_set)
    ]
    if not found:
        raise BaselineError(
            f"{path}: holds no evaluation of {before.pipeline!r} over {before.golden_set!r}; "
            "expected the report of a run that makes one"
        )
    return found[0]


def show_lines(baseline: Baseline) -> Iterator[str]:
    """Pipeline, golden set, and a line a metric: mean, cases scored, unscored, not applicable."""
    yield (
        f"{baseline.source}: {baseline.pipeline} over {baseline.golden_set} "
        f"({baseline.fingerprint[:12]}), {len(baseline.cases)} cases"
    )
    for name, identity in sorted(baseline.metrics.items()):
        cases = [case for case in baseline.cases.values() if name in case.scores]
        values = [value for case in cases if (value := case.scores[name]) is not None]
        apart = sum(name in case.not_applicable for case in cases)
        mean = f"{math.fsum(values) / len(values):.4f}" if values else "-"
        yield (
            f"  {name:<18} mean {mean}  n={len(values)}  unscored={len(cases) - len(values) - apart}  "
            f"not applicable={apart}  {identity}"
        )


def diff_lines(before: Baseline, now: Baseline) -> Iterator[str]:
    """What changed from one baseline to another; nothing when nothing did."""
    if before.fingerprint != now.fingerprint:
        yield f"golden set: fingerprint {before.fingerprint[:12]} -> {now.fingerprint[:12]}"
    cases = difference(now, before)
    for ids, what in (
        (cases.added, "cases added"),
        (cases.removed, "cases removed"),
        (cases.edited, "cases edited"),
        (cases.answers_changed, "answers changed"),
    ):
        if ids:
            yield f"{what}: {len(ids)} ({', '.join(ids[:_SHOWN])}{', ...' if len(ids) > _SHOWN else ''})"
    for name in sorted({*before.metrics, *now.metrics}):
        yield from _metric_lines(name, before, now)


def _metric_lines(name: str, before: Baseline, now: Baseline) -> Iterator[str]:
    if name not in now.metrics or name not in before.metrics:
        yield f"{name}: {'added' if name in now.metrics else 'removed'}"
        return
    if before.metrics[name] != now.metrics[name]:
        yield f"{name}: was {before.metrics[name]}, is {now.metrics[name]}"
    changed = []
    for case_id, case in now.cases.items():
        if case_id not in before.cases:
            continue
        old, new = before.cases[case_id].scores.get(name), case.scores.get(name)
        if old != new:
            changed.append((case_id, old, new))
    if not changed:
        return
    worse = sorted(changed, key=lambda item: (item[2] or 0.0) - (item[1] or 0.0))
    both = [(old, new) for _, old, new in changed if old is not None and new is not None]
    total = math.fsum(new - old for old, new in both)
    what = "1 score changed" if len(changed) == 1 else f"{len(changed)} scores changed"
    yield f"{name}: {what}, by {total / len(both) if both else 0.0:+.4f} on average"
    for case_id, old, new in worse[:_SHOWN]:
        yield f"  {case_id}  {_shown(old)} -> {_shown(new)}"
    if len(worse) > _SHOWN:
        yield f"  and {len(worse) - _SHOWN} more"


def _shown(value: float | None) -> str:
    return "unscored" if value is None else f"{value:.4f}"
