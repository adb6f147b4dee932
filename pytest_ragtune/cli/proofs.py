"""``ragtune plan``, ``faults`` and ``selfcheck``: pytest runs of another kind."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

PROOFS = {
    "plan": ("--ragtune-plan", "ask nothing: count what the tests would ask and what checks could see"),
    "faults": ("--ragtune-faults=all", "plant faults under the tests and show which test catches which"),
    "selfcheck": (
        "--ragtune-selfcheck=1000",
        "decide every check again over other cases: would it cry wolf?",
    ),
}
"""Command -> the option that it gives pytest, and what it is for."""


def add_command(commands: Any) -> None:
    """Declare the commands."""
    for name, (option, purpose) in PROOFS.items():
        proof = commands.add_parser(
            name,
            help=purpose,
            description=f"Runs pytest with {option} and whatever arguments follow: {purpose}.",
            usage=f"ragtune {name} [pytest arguments]",
        )
        proof.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    option = PROOFS[arguments.command][0]
    name = option.partition("=")[0]
    given = any(word.partition("=")[0] == name for word in arguments.rest)
    command = [sys.executable, "-m", "pytest", *([] if given else [option]), *arguments.rest]
    return min(subprocess.run(command, check=False).returncode, 2)
