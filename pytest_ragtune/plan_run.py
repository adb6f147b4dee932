"""Runs the tests without asking or deciding anything, and prints what a run would ask."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from . import active, asserts
from .budget import read_budget
from .checks import no_regression
from .foresight import Foresight, foresee_all
from .planning import PLANNED, PlanMeter, PlanSession
from .prices import read_prices
from .records import Evaluation, Verdict
from .replay import ReplayStore
from .report_files import write_reports
from .reporting.plan import plan_lines, plan_value
from .reporting.sections import add_section
from .selfcheck import Made

if TYPE_CHECKING:
    from .plugin import RagtunePlugin


class PlanRun:
    """The hooks of ``--ragtune-plan``."""

    def __init__(self, plugin: RagtunePlugin) -> None:
        self.plugin, self.config = plugin, plugin.config
        self.meter = PlanMeter(read_prices(self.config.getini("ragtune_prices")))
        self.plan: PlanSession | None = None
        self.made: list[Made] = []
        self.early: dict[str, str] = {}
        self.foresights: list[Foresight] = []
        self._test = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """The tests, over a session that counts."""
        if session.config.option.collectonly:
            return (yield)
        with self._in_force():
            result = yield
            self.foresights = foresee_all(self.made)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """The phases of a test, unreported: it neither passes nor fails."""
        self._test = item.nodeid
        runtestprotocol(item, log=False, nextitem=nextitem)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note which tests ended before they had asked all that they ask."""
        report = yield
        ended = None if call.excinfo is None else call.excinfo.value
        if ended is not None and not isinstance(ended, pytest.skip.Exception):
            line = (str(ended).splitlines() or [""])[0]
            self.early.setdefault(
                item.nodeid, f"{type(ended).__name__}: {line}" if line else type(ended).__name__
            )
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the plan, and add it to the report files."""
        if self.plan is None:
            return
        rows = list(self.plan.rows.values())
        limits = read_budget(self.config.getini("ragtune_budget"))
        lines = list(plan_lines(rows, self.meter.elsewhere, self.foresights, self.early, limits))
        terminalreporter.write_sep("=", "ragtune: plan, nothing was asked")
        for line in lines:
            terminalreporter.write_line(line)
        value = plan_value(rows, self.meter.elsewhere, self.foresights, self.early)
        markdown = ["## Plan", "", "```text", *lines, "```"]
        section = partial(add_section, name="plan", value=value, markdown=markdown)
        write_reports(terminalreporter, section, tells=False)

    @contextmanager
    def _in_force(self) -> Iterator[None]:
        run = self.plugin.run
        base = run.session
        self.plan = PlanSession(
            ReplayStore(base.store.path, "only"),
            self.meter,
            judge=run.default_judge,
            reads=self.config.getoption("ragtune_replay") != "off",
            companions=base.companions,
        )
        run.session = self.plan
        token = asserts.planner.set(self._heard)
        active.meter_with(self.meter)
        try:
            yield
        finally:
            active.meter_no_more(self.meter)
            asserts.planner.reset(token)
            self.plan.store.close()
            run.session = base

    def _heard(self, check: Any, evaluation: Evaluation, *arguments: Any, **options: Any) -> Any:
        """Note a check, and give verdicts that decide nothing in its place."""
        self.made.append(Made(self._test, check, evaluation, arguments, options))
        if check is not no_regression:
            return _undecided(check.__name__, evaluation, str(arguments[-1] if arguments else ""))
        names = [arguments[0]] if isinstance(arguments[0], str) else list(dict.fromkeys(arguments[0]))
        return [_undecided(check.__name__, evaluation, name) for name in names]


def _undecided(check: str, evaluation: Evaluation, metric: str) -> Verdict:
    return Verdict(
        outcome="undecided",
        check=check,
        metric=metric,
        pipeline=evaluation.pipeline,
        golden_set=evaluation.golden_set,
        value=None,
        threshold=0.0,
        n=0,
        unscored=0,
        note=PLANNED,
    )
