"""``ragtune record``: recordings out of a store, and into one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pytest_ragtune.recording_file import RECORDING, read_recording
from pytest_ragtune.sharing import export_recording, import_recording

STORE = ".ragtune/store.sqlite3"
"""The store that pytest uses unless told otherwise."""


def add_command(commands: Any) -> None:
    """Declare the command."""
    record = commands.add_parser(
        "record",
        help="export what was recorded beside a golden set, or import a recording",
        description="A recording lets a machine without models or keys replay a golden set's latest run.",
    )
    actions = record.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = actions.add_parser("export", help=f"write {RECORDING} into a golden set's folder")
    export.add_argument("golden_set", metavar="GOLDEN_SET", type=Path, help="folder of the golden set")
    export.add_argument("--output", metavar="FILE", type=Path, help="write to FILE instead")
    export.set_defaults(run=_export)
    into = actions.add_parser("import", help="put a recording's records into the store")
    into.add_argument("recording", metavar="FILE", type=Path, help="the recording")
    into.set_defaults(run=_import)
    for action in (export, into):
        action.add_argument(
            "--store", metavar="FILE", type=Path, default=Path(STORE), help="default: %(default)s"
        )


def _export(arguments: argparse.Namespace) -> int:
    path = export_recording(arguments.golden_set, arguments.store, arguments.output)
    recording = read_recording(path)
    kinds = [record.kind for record in recording.records.values()]
    names = sorted({name.partition("/")[2] for name in recording.pipelines})
    print(
        f"{path}: {kinds.count('response')} answers of {', '.join(names)}, {kinds.count('score')} "
        f"judgements, {path.stat().st_size:,} bytes. Review it (zcat {path.name}) and commit it.",
        file=sys.stderr,
    )
    return 0


def _import(arguments: argparse.Namespace) -> int:
    count = import_recording(arguments.recording, arguments.store)
    print(f"{arguments.store}: {count} records from {arguments.recording}", file=sys.stderr)
    return 0
