"""The pytest plugin: translates pytest into the domain and back, and decides nothing itself.

Loaded in every pytest run of the environment, so it imports pytest and two tiny modules; the rest
comes when a test uses it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from . import active, options

if TYPE_CHECKING:
    from .collected import Collected
    from .run import Run


class RagtunePlugin:
    """The hooks that need to know about one pytest run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.item: pytest.Item | None = None
        self.items: list[pytest.Item] = []
        self._run: Run | None = None
        self._collected: Collected | None = None

    @property
    def run(self) -> Run:
        """The run's state, made when something of this plugin is first used."""
        if self._run is None:
            from .run import Run

            self._run = Run(self)
        return self._run

    def session(self) -> object:
        """The session of this run, for code that knows nothing of pytest."""
        return self.run.session

    def close(self) -> None:
        """Take the session back and close the store."""
        active.uninstall(self.session)
        if self._run is not None:
            self._run.close()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember what was selected: a deselected case is not computed."""
        self.items = list(session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Know which test is running, so that what it measures travels with its report."""
        self.item = item
        try:
            return (yield)
        finally:
            self.item = None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show an error of ours where the test asked for it, not where we noticed it."""
        error = call.excinfo
        if error is None or self.config.getoption("fulltrace") or self.config.getoption("usepdb"):
            return (yield)
        if isinstance(error.value, pytest.UsageError) or type(error.value).__module__.startswith(
            "pytest_ragtune."
        ):
            from .placing import placed

            call.excinfo = placed(error)
        report = yield
        call.excinfo = error
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin afresh when a test is tried once more."""
        if self._run is not None:
            self._run.begun(item)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Let what a test function has measured be whole when its last case is done."""
        if self._run is not None:
            self._run.ended(item, nextitem)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a finished test, here or on a worker, has measured."""
        if report.when == "teardown" and any(n.startswith("ragtune") for n, _ in report.user_properties):
            self._gathered().keep(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table and the verdicts that did not pass, and write the report files."""
        # where nothing was measured too: an older report would pass for one of this run
        if self._collected is not None or options.is_report_due(self.config):
            self._gathered().show(terminalreporter)

    def _gathered(self) -> Collected:
        if self._collected is None:
            from .collected import Collected

            self._collected = Collected()
        return self._collected


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, offer the fixtures, stand ready to give a session."""
    from . import fixtures

    options.check_options(config)
    config.addinivalue_line("markers", options.MARKER)
    plugin = RagtunePlugin(config)
    active.install(plugin.session)
    config.pluginmanager.register(plugin, "ragtune-run")
    config.pluginmanager.register(fixtures, "ragtune-fixtures")
    if config.getoption("ragtune_case"):
        from .case_option import CaseOption

        config.pluginmanager.register(CaseOption(), "ragtune-case")
    if options.given_kinds(config):
        from .kinds import register_kind

        register_kind(plugin)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close what was opened."""
    plugin = config.pluginmanager.getplugin("ragtune-run")
    if isinstance(plugin, RagtunePlugin):
        plugin.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case for a test that asks for ``golden_case``."""
    if "golden_case" in metafunc.fixturenames:
        from .parametrise import parametrise_cases

        parametrise_cases(metafunc)
