"""The command line: ``ragtune``.

Exit codes: 0 pass, 1 a check failed or something is unscored, 2 wrong use or broken input. What a
program reads goes to stdout; everything for people goes to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import metadata

from pytest_ragtune.errors import RagtuneError

from . import baseline, calibrate, gate, lint, proofs, record, score, train_judge


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    if arguments.command in proofs.PROOFS:
        arguments.rest = rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        code: int = arguments.run(arguments)
    except (RagtuneError, ValueError) as error:
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
    for module in (lint, baseline, record, gate, score, calibrate, train_judge, proofs):
        module.add_command(commands)
    return parser
