"""Runs the tests once as they are and once under each planted fault, in one pytest run."""

from __future__ import annotations

import difflib
import itertools
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from . import asserts
from .faults import FAULTS, Cell, Fault, Ledger, Matrix, Notes, PlantedSession, faults_named, versions_of
from .parametrise import case_of, golden_set_at, loaded_golden_sets
from .records import Case, Corpus
from .report_files import write_reports
from .reporting.matrix import matrix_lines, matrix_markdown, matrix_value
from .reporting.sections import add_section
from .session import Session

if TYPE_CHECKING:
    from .plugin import RagtunePlugin

_CAUGHT = (AssertionError, pytest.fail.Exception)


class FaultRun:
    """The hooks of ``--ragtune-faults``."""

    def __init__(self, plugin: RagtunePlugin) -> None:
        self.plugin, self.config = plugin, plugin.config
        self.faults = chosen_faults(self.config)
        self.must_catch = tuple(_known(self.config.getini("ragtune_must_catch"), "ragtune_must_catch"))
        self.ledger = Ledger()
        self.fault: Fault | None = None
        self.matrix: Matrix | None = None
        self._older = versions_of(
            lambda: loaded_golden_sets(self.config),
            lambda folder, version: golden_set_at(self.config, folder, version),
        )
        self._ends: dict[str, dict[str, BaseException | str | None]] = defaultdict(dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """The tests as they are, watched; then again under each fault."""
        if session.config.option.collectonly:
            return (yield)
        base = self.plugin.run.session
        with self._in_force(self._session(base, None)):
            result = yield
        notes = {item.nodeid: self.ledger.of(*_owners(item)) for item in session.items}
        passed = [item for item in session.items if not self._why(item)]
        used = [item for item in passed if not notes[item.nodeid].is_empty]
        failed = [item for item in session.items if item not in passed]
        cells = self._plant_all(base, used, notes)
        self.matrix = Matrix(
            tests=_labels(used),
            plants={fault.name: fault.plants for fault in self.faults},
            cells=cells,
            must_catch=self.must_catch,
            failed=_partly(failed, passed),
            unused=len(_labels([item for item in passed if item not in used])),
        )
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Note what a test does under its name."""
        with self.ledger.owned_by(item.nodeid, _label(item)):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Note what a fixture of wider scope does under its own name too: every test that uses it did it."""
        if fixturedef.scope == "function":
            return (yield)
        with self.ledger.owned_by(fixturedef):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep how each phase of a test ended."""
        report = yield
        if call.when == "setup":
            self._ends[item.nodeid].clear()
        ended: BaseException | str | None = None if call.excinfo is None else call.excinfo.value
        if self.fault is None and (not report.passed or hasattr(report, "wasxfail")):
            ended = ended or report.outcome
        self._ends[item.nodeid][call.when] = ended
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail the run when a fault that must be caught was not."""
        if exitstatus == pytest.ExitCode.OK and self.matrix is not None and self.matrix.uncaught:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the matrix, and add it to the report files."""
        if self.matrix is None:
            return
        terminalreporter.write_sep("=", "ragtune: planted faults")
        for line in matrix_lines(self.matrix, detail=self.config.get_verbosity() > 0):
            terminalreporter.write_line(line)
        value, markdown = matrix_value(self.matrix), list(matrix_markdown(self.matrix))
        section = partial(add_section, name="faults", value=value, markdown=markdown)
        write_reports(terminalreporter, section, tells=False)

    def _session(self, base: Session, fault: Fault | None) -> PlantedSession:
        return PlantedSession(
            base,
            self.ledger,
            fault,
            reask=self.config.getini("ragtune_faults_reask"),
            corpus_of=self._corpus_of,
            older=self._older,
        )

    def _corpus_of(self, case: Case) -> Corpus | None:
        found = (g.corpus for g in loaded_golden_sets(self.config) if any(case == own for own in g.cases))
        return next(found, None)

    @contextmanager
    def _in_force(self, session: Session) -> Iterator[None]:
        run = self.plugin.run
        before, run.session = run.session, session
        try:
            yield
        finally:
            run.session = before

    def _plant_all(
        self, base: Session, items: Sequence[pytest.Item], notes: dict[str, Notes]
    ) -> dict[tuple[str, str], Cell]:
        found: dict[tuple[str, str], list[Cell]] = defaultdict(list)
        for number, fault in enumerate(self.faults):
            self.plugin.run.progress(number, len(self.faults), f"planted faults, {fault.name}")
            chosen = [item for item in items if notes[item.nodeid].can_hold(fault)]
            for item in items:
                if item not in chosen:
                    found[fault.name, _label(item)].append(Cell("n/a", f"needs {fault.needs}"))
            with self._planted(base, fault):
                for item, nextitem in itertools.zip_longest(chosen, chosen[1:]):
                    found[fault.name, _label(item)].append(self._run(item, nextitem))
        return {key: Cell.joined(cells) for key, cells in found.items()}

    @contextmanager
    def _planted(self, base: Session, fault: Fault) -> Iterator[None]:
        """A pass over the tests with a fault in force: nothing of it is reported or written."""
        self.ledger.forget()
        self.fault = fault
        listener = asserts.verdict_listener.set(lambda verdict: None)
        try:
            with self._in_force(self._session(base, fault)):
                yield
        finally:
            asserts.verdict_listener.reset(listener)
            self.fault = None

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None) -> Cell:
        kept = list(item.user_properties)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        item.user_properties[:] = kept
        notes = self.ledger.of(*_owners(item))
        ends = [end for end in self._ends[item.nodeid].values() if isinstance(end, BaseException)]
        ended = next((end for end in ends if not isinstance(end, pytest.skip.Exception)), None)
        why = "" if ended is None else (str(ended).splitlines() or [""])[0]
        if isinstance(ended, _CAUGHT) and notes.planted:
            return Cell("caught", why, notes.kept)
        if ended is not None:
            where = "" if notes.planted else " (and nothing was planted: does the test depend on others?)"
            return Cell("error", f"{type(ended).__name__}: {why}{where}", notes.kept)
        if not notes.planted:
            return Cell("n/a", "nothing was planted: the test asked something else this time")
        return Cell("missed", "skipped" if ends else "", notes.kept)

    def _why(self, item: pytest.Item) -> bool:
        """Whether a test did not pass when nothing was planted."""
        ends = self._ends[item.nodeid]
        return not ends or any(end is not None for end in ends.values())


class Rerun:
    """Runs a test without telling the reporters, while a fault is planted.

    A plugin of its own, since it stands in for pytest's own way of running a test; the wrappers of
    other plugins (warnings, time limits, assertion rewriting) stay around it.
    """

    def __init__(self, faults: FaultRun) -> None:
        self._faults = faults

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """The phases of a test, unreported."""
        if self._faults.fault is None:
            return None
        runtestprotocol(item, log=False, nextitem=nextitem)
        return True


def chosen_faults(config: pytest.Config) -> list[Fault]:
    """The faults that ``--ragtune-faults`` names; all of them without a name.

    Raises:
        pytest.UsageError: a name is unknown.
    """
    given: str = config.getoption("ragtune_faults")
    if given == "all":
        return faults_named(FAULTS)
    names = [name.strip() for name in given.split(",") if name.strip()]
    if Path(given.partition("::")[0]).exists():
        raise pytest.UsageError(
            f"--ragtune-faults took {given!r} for the name of a fault: write --ragtune-faults=all, or put "
            "the paths first"
        )
    return faults_named(_known(names, "--ragtune-faults"))


def _known(given: Sequence[str], where: str) -> list[str]:
    """The names in what was given, which commas and spaces may part."""
    names = [name for text in given for name in text.replace(",", " ").split()]
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        close = difflib.get_close_matches(unknown[0], FAULTS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise pytest.UsageError(f"{where}: {unknown[0]!r} is no fault; {hint}Known are {', '.join(FAULTS)}")
    return list(dict.fromkeys(names))


def _owners(item: pytest.Item) -> list[Any]:
    """A test and the fixtures of wider scope that it uses."""
    info = getattr(item, "_fixtureinfo", None)
    groups = () if info is None else info.name2fixturedefs.values()
    return [item.nodeid, *(fixture for group in groups for fixture in group if fixture.scope != "function")]


def _label(item: pytest.Item) -> str:
    """What a column is called: the test, without the case that it runs on."""
    case = case_of(item)
    if case is None:
        return item.nodeid
    head, _, rest = item.nodeid.partition("[")
    others = [part for part in rest.removesuffix("]").split(case.id) if part.strip("-")]
    return f"{head}[{'-'.join(part.strip('-') for part in others)}]" if others else head


def _labels(items: Sequence[pytest.Item]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_label(item) for item in items))


def _partly(failed: Sequence[pytest.Item], passed: Sequence[pytest.Item]) -> tuple[str, ...]:
    """The tests that did not pass; of one that runs once a case, how many of its runs."""
    bad, good = Counter(map(_label, failed)), Counter(map(_label, passed))
    return tuple(
        f"{name} ({count} of {count + good[name]} runs)" if good[name] else name
        for name, count in bad.items()
    )
