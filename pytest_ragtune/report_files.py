"""The files of ``--ragtune-report``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def write_reports(
    terminal: pytest.TerminalReporter, write: Callable[[Path], None], *, tells: bool = True
) -> None:
    """Write each report file; one that cannot be written is told of, and the run does not pass.

    Args:
        terminal: where to say so.
        write: writes one file.
        tells: False to say nothing of a file that was written.
    """
    for name in terminal.config.getoption("ragtune_report"):
        try:
            write(terminal.config.invocation_params.dir / name)
        except OSError as error:
            why = error.strerror or type(error).__name__
            terminal.write_line(
                f"report NOT written to {name}: {why}; name another file with --ragtune-report=FILE", red=True
            )
            session = terminal._session
            if session is not None and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        else:
            if tells:
                terminal.write_line(f"report written to {name}")
