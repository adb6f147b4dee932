"""The state of one pytest run that uses the plugin."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from . import active, asserts, options
from .budget import BudgetMeter, Ledger, read_budget
from .errors import AdapterError
from .gate import scores_value
from .parametrise import case_of, companions_of, function_of
from .prices import read_prices
from .progress import ProgressLines
from .protocols import Judge
from .records import Case, Evaluation, Verdict
from .redaction import redact_json
from .replay import ReplayStore, or_absent
from .reporting.json import told_value
from .reporting.summary import summarise
from .session import Companions, Session
from .store import canonical

if TYPE_CHECKING:
    from .plugin import RagtunePlugin

T = TypeVar("T")
_ATTEMPTED = pytest.StashKey[Session]()


class Run:
    """Session, memo of fixtures and companions of one pytest run."""

    def __init__(self, plugin: RagtunePlugin) -> None:
        self.config, self._plugin = plugin.config, plugin
        is_worker = hasattr(self.config, "workerinput")
        self.progress = ProgressLines(self.config, silent=is_worker)
        self._memo: dict[tuple[Any, ...], Any] = {}
        self._companions: dict[tuple[str, str], Companions] = {}
        self.session = Session(
            ReplayStore(
                store_path(self.config), self.config.getoption("ragtune_replay"), _run_id(self.config)
            ),
            judge=self.default_judge,
            progress=self.progress,
            on_evaluation=self._on_evaluation,
            companions=self._together,
            alone=not is_worker,
        )
        self._settings = ExitStack()
        if is_worker:
            os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when a local model's threads start
            active.exclude_with(self._turn)
            self._settings.callback(active.include_again, self._turn)
        self._budget = self._spend_from_budget()
        self._set(asserts.verdict_listener, self._on_verdict)
        self._set(asserts.rerun_command, self.rerun)
        self._set(asserts.updates_baselines, self.config.getoption("ragtune_update_baselines"))
        self._set(asserts.undecided_policy, self.config.getini("ragtune_undecided") or None)

    def memo(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What ``make`` gave for this key earlier in the run, or gives now."""
        if key not in self._memo:
            self._memo[key] = make()
        found: T = self._memo[key]
        return found

    def made(self, make: Callable[[], T]) -> T:
        """What ``make`` gives; a stand-in where a run that only replays cannot make it."""
        return or_absent(self.session.store, make)

    def refuse_training(self) -> None:
        """Raise AdapterError in a run that only replays: training is no replay."""
        if self.config.getoption("ragtune_replay") == "only" and not self.is_plan:
            raise AdapterError("no adapter is trained in a run that only replays")

    @property
    def is_plan(self) -> bool:
        """Whether nothing is asked, only counted."""
        planned: bool = self.config.getoption("ragtune_plan")
        return planned

    def begun(self, item: pytest.Item) -> None:
        """Forget what an earlier attempt at a test has measured; what failed in it is asked again."""
        if item.stash.get(_ATTEMPTED, None) is not self.session:
            return
        item.user_properties[:] = [own for own in item.user_properties if not own[0].startswith("ragtune")]
        case = case_of(item)
        if case is not None:
            self.session.ask_again(case)

    def ended(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Finish what a test function has begun to measure, once another function follows or none."""
        item.stash[_ATTEMPTED] = self.session
        if nextitem is None or function_of(nextitem) != function_of(item):
            self.session.finish()

    def close(self) -> None:
        """Close the store and take the settings back."""
        self._settings.close()
        self.session.give_up()
        self.session.store.close()

    def rerun(self) -> str:
        """The command that runs the current test function again."""
        item = self._plugin.item
        if item is None:
            return ""
        path = item.path
        root = self.config.invocation_params.dir
        name = getattr(item, "originalname", None) or item.name
        place = path.relative_to(root) if path.is_relative_to(root) else path
        return f"pytest {shlex.quote(place.as_posix())} -k {name}"

    def _spend_from_budget(self) -> BudgetMeter | None:
        """Stop at the limits of ``ragtune_budget``, counted over all workers of the run."""
        limits = read_budget(self.config.getini("ragtune_budget"))
        store = self.session.store
        if not limits or store.path is None:
            return None
        ledger = Ledger(store.path.parent / "budget.sqlite3", _run_id(self.config))
        meter = BudgetMeter(limits, read_prices(self.config.getini("ragtune_prices")), ledger)
        active.meter_with(meter)
        self._settings.callback(active.meter_no_more, meter)
        return meter

    def _turn(self) -> AbstractContextManager[Any]:
        return self.session.store.single_flight("local models")

    def _set(self, setting: ContextVar[T], value: T) -> None:
        token = setting.set(value)
        self._settings.callback(setting.reset, token)

    def default_judge(self) -> Judge:
        """The judge that ``ragtune_judge`` names, made now."""
        from .fixtures import make_judge

        return make_judge(self)

    def _together(self, case: Case) -> Companions | None:
        item = self._plugin.item
        if item is None or case_of(item) != case:
            return None
        function = function_of(item)
        if function not in self._companions:
            self._companions[function] = companions_of(item, self._plugin.items)
        return self._companions[function]

    def _on_evaluation(self, evaluation: Evaluation) -> None:
        self._travel("ragtune_evaluation", summarise(evaluation).to_json())
        if self._budget is not None:
            self._travel("ragtune_budget", canonical(self._budget.status()))
        if any(name.endswith(".json") for name in self.config.getoption("ragtune_report")):
            self._travel("ragtune_scores", canonical(scores_value(evaluation)))

    def _on_verdict(self, verdict: Verdict) -> None:
        self._travel("ragtune_verdict", canonical(told_value(verdict)))

    def _travel(self, name: str, text: str) -> None:
        """Verdicts and figures travel in the report: to the xdist controller and into the JUnit file."""
        if self._plugin.item is not None:
            self._plugin.item.user_properties.append((name, redact_json(text)))


def store_path(config: pytest.Config) -> Path:
    """The store's file: the option, the ini value, or the default, relative to pytest's root."""
    option: str | None = config.getoption("ragtune_store")
    if option:
        return config.invocation_params.dir / option
    ini: str = config.getini("ragtune_store")
    return config.rootpath / (ini or options.STORE)


def _run_id(config: pytest.Config) -> str:
    """One name for all processes of a run."""
    worker: dict[str, str] = getattr(config, "workerinput", {})
    return worker.get("testrunuid") or os.urandom(8).hex()
