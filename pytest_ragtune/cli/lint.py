"""``ragtune lint``: every problem of a golden set, with file and line."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import Any

from pytest_ragtune.errors import RagtuneError
from pytest_ragtune.golden import check_golden_set
from pytest_ragtune.records import GoldenSet


def add_command(commands: Any) -> None:
    """Declare the command."""
    lint = commands.add_parser(
        "lint",
        help="check golden sets: every problem with file and line",
        description="Load golden sets and report every problem with file and line. "
        "A sound one is summed up as one JSON object a line on stdout.",
    )
    lint.add_argument("folders", nargs="+", metavar="FOLDER", help="folder of a golden set")
    lint.set_defaults(run=_lint)


def _lint(arguments: argparse.Namespace) -> int:
    code = 0
    for folder in arguments.folders:
        try:
            golden_set = check_golden_set(folder)
        except RagtuneError as error:
            print(error, file=sys.stderr)
            code = 2
            continue
        print(json.dumps(summary(golden_set), ensure_ascii=False))
        for remark in remarks(golden_set):
            print(f"{folder}: {remark}", file=sys.stderr)
    return code


def summary(golden_set: GoldenSet) -> dict[str, Any]:
    """What a golden set holds, in numbers."""
    tags = Counter(tag for case in golden_set.cases for tag in case.tags)
    return {
        "name": golden_set.name,
        "fingerprint": golden_set.fingerprint,
        "cases": len(golden_set.cases),
        "answerable": sum(case.answerable for case in golden_set.cases),
        "labelled": sum(bool(case.relevant) for case in golden_set.cases),
        "documents": len(golden_set.corpus.documents),
        "passages": len(golden_set.corpus.passages),
        "versions": list(golden_set.versions),
        "train": len(golden_set.train),
        "tags": dict(sorted(tags.items())),
    }


def remarks(golden_set: GoldenSet) -> list[str]:
    """What is allowed but may not be meant."""
    found = []
    unlabelled = [case.id for case in golden_set.cases if case.answerable and not case.relevant]
    if unlabelled:
        found.append(
            f"{len(unlabelled)} answerable cases have no relevant passage; ranking metrics leave them out: "
            f"{', '.join(unlabelled[:5])}{', ...' if len(unlabelled) > 5 else ''}"
        )
    unreferenced = [case.id for case in golden_set.cases if case.answerable and case.reference is None]
    if unreferenced:
        found.append(
            f"{len(unreferenced)} answerable cases have no reference, so answer metrics leave them out: "
            f"{', '.join(unreferenced[:5])}{', ...' if len(unreferenced) > 5 else ''}"
        )
    texts = Counter(passage.text for passage in golden_set.corpus.passages)
    copies = sum(count - 1 for count in texts.values())
    if copies:
        found.append(f"{copies} of {len(golden_set.corpus.passages)} passages repeat the text of another")
    return found
