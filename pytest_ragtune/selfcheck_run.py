"""Runs the tests once and decides their checks again and again, in one pytest run."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from . import asserts
from .records import Evaluation
from .report_files import write_reports
from .reporting.alarms import alarm_lines, alarms_markdown, alarms_value
from .reporting.sections import add_section
from .selfcheck import Alarm, Check, Made, recheck

if TYPE_CHECKING:
    from .plugin import RagtunePlugin


class SelfCheckRun:
    """The hooks of ``--ragtune-selfcheck``."""

    def __init__(self, plugin: RagtunePlugin) -> None:
        self.plugin, self.config = plugin, plugin.config
        self.runs: int = self.config.getoption("ragtune_selfcheck")
        if self.runs < 1:
            raise pytest.UsageError(
                f"--ragtune-selfcheck={self.runs}: expected how often to decide each check, such as 1000"
            )
        self.made: list[Made] = []
        self.alarms: list[Alarm] | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Hear of the checks that a test makes."""

        def heard(check: Check, evaluation: Evaluation, *arguments: Any, **options: Any) -> None:
            self.made.append(Made(item.nodeid, check, evaluation, arguments, options))

        token = asserts.check_listener.set(heard)
        try:
            return (yield)
        finally:
            asserts.check_listener.reset(token)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """The tests, then their checks again."""
        result = yield
        if not session.config.option.collectonly:
            self.alarms = []
            for number, made in enumerate(self.made):
                self.plugin.run.progress(number, len(self.made), "self-check")
                self.alarms += recheck(made, self.runs)
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how often each check would have failed, and add it to the report files."""
        if self.alarms is None:
            return
        terminalreporter.write_sep("=", "ragtune: self-check")
        for line in alarm_lines(self.alarms, self.runs):
            terminalreporter.write_line(line)
        value, markdown = alarms_value(self.alarms), list(alarms_markdown(self.alarms, self.runs))
        section = partial(add_section, name="selfcheck", value=value, markdown=markdown)
        write_reports(terminalreporter, section, tells=False)
