"""The command line: ``ragtune``.

Exit codes: 0 pass, 1 a check failed or something is unscored, 2 wrong use or broken input. What a
program reads goes to stdout; everything for people goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from .errors import RagtuneError
from .golden import load_golden_set
from .records import GoldenSet

_PROOFS = {
    "faults": ("--ragtune-faults=all", "plant faults under the tests and show which test catches which"),
    "selfcheck": (
        "--ragtune-selfcheck=1000",
        "decide every check again over other cases: would it cry wolf?",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    if arguments.command in _PROOFS:
        arguments.rest = rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        code: int = arguments.run(arguments)
    except RagtuneError as error:
        print(f"ragtune {arguments.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ragtune: interrupted", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ragtune",
        description="Evaluation as tests for RAG, LoRA, hybrid and long-context pipelines. "
        "The tests themselves run under pytest: see 'pytest --help', group ragtune.",
    )
    parser.add_argument(
        "--version", action="version", version=f"pytest-ragtune {metadata.version('pytest-ragtune')}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    lint = commands.add_parser(
        "lint",
        help="check golden sets: every problem with file and line",
        description="Load golden sets and report every problem with file and line. "
        "A sound one is summed up as one JSON object a line on stdout.",
    )
    lint.add_argument("folders", nargs="+", metavar="FOLDER", help="folder of a golden set")
    lint.set_defaults(run=_lint)
    for name, (option, purpose) in _PROOFS.items():
        proof = commands.add_parser(
            name,
            help=purpose,
            description=f"Runs pytest with {option} and whatever arguments follow: {purpose}.",
            usage=f"ragtune {name} [pytest arguments]",
        )
        proof.set_defaults(run=_under_pytest)
    return parser


def _under_pytest(arguments: argparse.Namespace) -> int:
    option = _PROOFS[arguments.command][0]
    name = option.partition("=")[0]
    given = any(word.partition("=")[0] == name for word in arguments.rest)
    command = [sys.executable, "-m", "pytest", *([] if given else [option]), *arguments.rest]
    return min(subprocess.run(command, check=False).returncode, 2)


def _lint(arguments: argparse.Namespace) -> int:
    code = 0
    for folder in arguments.folders:
        try:
            golden_set = load_golden_set(folder)
            for version in golden_set.versions:
                load_golden_set(folder, version=version)
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
