"""``ragtune train-judge``: adapt the embedded judge to own labels, or train it again from the public sets."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_ragtune.judges.encoder import WEIGHTS
from pytest_ragtune.judges.nli import NliJudge, has_weights
from pytest_ragtune.judges.training.adapting import Adapted, adapt
from pytest_ragtune.judges.training.labels import read_labels
from pytest_ragtune.judges.training.network import Recipe
from pytest_ragtune.judges.training.reporting import evidence_agreement, planted_table, write_held_out
from pytest_ragtune.judges.training.rows import Row
from pytest_ragtune.judges.training.shipped import has_sets, train_shipped
from pytest_ragtune.statistics.agreement import Measured

_DESCRIPTION = (
    "Learn from labelled rows, beginning with the judge that comes with the package, and show how well the "
    "judge agrees with them before and after, on folds that it did not learn from. A row is "
    '{"context": ..., "claim": ..., "label": 0 or 1} or the same with "question" and "answer". Given a '
    "folder of public sets (with nli and faithfulness in it), the judge is trained from the sentence encoder "
    "instead, as the one in the package was."
)
_TOKENS = 1024
"""Tokens a step when adapting: few labels make few steps."""


def add_command(commands: Any) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "train-judge",
        help="adapt the embedded judge to your own labels",
        description=_DESCRIPTION,
    )
    command.add_argument("data", type=Path, metavar="DATA", help="JSON Lines file, or a folder of them")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to write")
    command.add_argument(
        "--start", type=Path, action="append", default=None, metavar="FOLDER",
        help="judge to begin with (default: the package's; for the public sets the sentence encoder). With "
        "the public sets it may be given several times, for the mean of their weights",
    )  # fmt: skip
    command.add_argument(
        "--epochs", type=float, default=None, metavar="N",
        help="passes over the rows that train the network; 0 fits only the combiner behind it, which for own "
        "labels needs no torch (default: 0 for own labels, 1 for the public sets, where 0 needs --start)",
    )  # fmt: skip
    command.add_argument(
        "--rate", type=float, default=None, metavar="X",
        help="learning rate of the network (default: 2e-5 for own labels, 1e-4 for the public sets)",
    )  # fmt: skip
    command.add_argument("--folds", type=int, default=5, metavar="K", help="folds to measure on (default: 5)")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="seed (default: 1)")
    command.add_argument(
        "--report", action="store_true",
        help="train nothing: measure the judge in FOLDER on planted errors and evidence, and write the rows "
        "that no training saw to FOLDER/held_out.jsonl for ragtune calibrate; DATA holds the public sets",
    )  # fmt: skip
    command.add_argument("--name", default="nli", help="name of the judge in reports (default: nli)")
    command.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> int:
    if not arguments.data.exists():
        raise ValueError(f"{arguments.data} does not exist: expected labelled rows")
    if arguments.report:
        return _report(arguments)
    if (arguments.epochs or 0) < 0 or (arguments.rate is not None and arguments.rate <= 0):
        raise ValueError(
            "--epochs and --rate cannot be negative: expected 0 or more passes at a rate above 0"
        )
    starts: list[Path] = arguments.start or []
    for start in starts or [WEIGHTS]:
        if not has_weights(start):
            raise ValueError(f"{start} holds no judge to begin with: give a judge's folder with --start")
    if has_sets(arguments.data):
        return _from_sets(arguments, starts)
    if len(starts) > 1:
        raise ValueError(f"--start is given {len(starts)} times: expected one judge to adapt to own labels")
    rows = read_labels(arguments.data)
    recipe = None
    if arguments.epochs:
        rate = arguments.rate or 2e-5
        recipe = Recipe(arguments.epochs, rate, 2 * rate, _TOKENS, seed=arguments.seed)
    adapted = adapt(
        rows,
        arguments.out,
        starts[0] if starts else WEIGHTS,
        recipe=recipe,
        folds=arguments.folds,
        name=arguments.name,
        tell=_tell,
    )
    _show(rows, adapted, arguments.out)
    return 0


def _from_sets(arguments: argparse.Namespace, starts: Sequence[Path]) -> int:
    if arguments.epochs == 0 and not starts:
        raise ValueError(
            "--epochs is 0: expected more, for the public sets train a network, or a judge's folder with "
            "--start, whose network stays as it is"
        )
    recipe = Recipe(
        1.0 if arguments.epochs is None else arguments.epochs, arguments.rate or 1e-4, seed=arguments.seed
    )
    fitted = train_shipped(arguments.data, arguments.out, recipe, starts=starts, tell=_tell)
    for head, found in fitted.items():
        print(json.dumps({"head": head, "threshold": found.threshold, **found.report}))
    return 0


def _report(arguments: argparse.Namespace) -> int:
    if not has_sets(arguments.data):
        raise ValueError(f"{arguments.data} holds no public sets: expected the folders nli and faithfulness")
    judge = NliJudge(arguments.out)
    for rate in [*planted_table(arguments.data, judge), evidence_agreement(arguments.data, judge)]:
        print(json.dumps(asdict(rate), ensure_ascii=False), flush=True)
        _tell(f"{rate.kind:<26} {rate.share:6.1%} of {rate.claims} (95% CI {rate.low:.1%}..{rate.high:.1%})")
    counts = write_held_out(arguments.data, arguments.out / "held_out.jsonl")
    _tell(f"held out: {', '.join(f'{name} {count}' for name, count in counts.items())}")
    return 0


def _show(rows: list[Row], adapted: Adapted, out: Path) -> None:
    """One JSON object a head on stdout; a table for people on stderr."""
    for head, variants in adapted.agreements.items():
        kept = adapted.chosen[head]
        found: Mapping[str, Any] = {name: asdict(value) for name, value in variants.items()}
        print(json.dumps({"head": head, "kept": kept, "held_out": found}))
        _tell(f"{head}: {sum(row.head == head for row in rows)} rows, on held-out folds")
        for name, value in variants.items():
            mark = " <- kept" if name == kept else ""
            balanced = _figure(value.balanced_accuracy)
            _tell(f"  {name:<21} AUROC {_figure(value.auroc)}  balanced accuracy {balanced}{mark}")
    _tell(f"written to {out}")


def _figure(measured: Measured) -> str:
    if measured.value is None or measured.interval is None:
        return "undefined"
    return f"{measured.value:.3f} (95% CI {measured.interval.low:.3f}..{measured.interval.high:.3f})"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
