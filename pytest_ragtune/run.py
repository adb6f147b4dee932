"""The state of one pytest run that uses the plugin."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from . import options
from .parametrise import case_of, function_of
from .protocols import Judge
from .records import Case, Evaluation, Verdict
from .session import Session
from .store import Store, canonical

if TYPE_CHECKING:
    from .plugin import RagtunePlugin

T = TypeVar("T")
_QUIET_SECONDS = 5.0  # shorter work is not worth a progress line
_PAUSE_SECONDS = 15.0  # between two progress lines where no terminal redraws them


class Run:
    """Session, memo of fixtures, companions and progress of one pytest run."""

    def __init__(self, plugin: RagtunePlugin) -> None:
        config = plugin.config
        self.config, self._plugin = config, plugin
        self.is_worker = hasattr(config, "workerinput")
        self.progress = ProgressLines(config, silent=self.is_worker)
        self._memo: dict[tuple[Any, ...], Any] = {}
        self._companions: dict[tuple[str, str], list[Case]] | None = None
        self.session = Session(
            Store(store_path(config)),
            judge=self._default_judge,
            progress=self.progress,
            on_evaluation=self._on_evaluation,
            companions=self._together,
            alone=not self.is_worker,
        )
        self._connect_asserts()

    def memo(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What ``make`` gave for this key earlier in the run, or gives now."""
        if key not in self._memo:
            self._memo[key] = make()
        found: T = self._memo[key]
        return found

    def close(self) -> None:
        """Close the store and take the listeners back."""
        from . import asserts

        asserts.verdict_listener.reset(self._listener)
        self.session.store.close()

    def _connect_asserts(self) -> None:
        from . import asserts

        self._listener = asserts.verdict_listener.set(self._on_verdict)

    def _default_judge(self) -> Judge:
        from .fixtures import make_judge

        return make_judge(self)

    def _together(self, case: Case) -> Sequence[Case]:
        item = self._plugin.item
        if item is None or case_of(item) != case:
            return [case]
        if self._companions is None:
            self._companions = {}
            for other in self._plugin.items:
                found = case_of(other)
                if found is not None:
                    self._companions.setdefault(function_of(other), []).append(found)
        return self._companions.get(function_of(item), [case])

    def _on_evaluation(self, evaluation: Evaluation) -> None:
        from .reporting.table import summarise

        self._travel("ragtune.evaluation", summarise(evaluation).to_json())

    def _on_verdict(self, verdict: Verdict) -> None:
        from .reporting.json import verdict_value

        self._travel("ragtune.verdict", canonical(verdict_value(verdict)))

    def _travel(self, name: str, text: str) -> None:
        if self._plugin.item is not None:
            self._plugin.item.user_properties.append((name, text))


def store_path(config: pytest.Config) -> Path:
    """The store's file: the option, the ini value, or the default, relative to pytest's root."""
    option = config.getoption("ragtune_store")
    if option:
        return config.invocation_params.dir / option
    return config.rootpath / (config.getini("ragtune_store") or options.STORE)


class ProgressLines:
    """Says how far long work is, past pytest's capture, without drowning a log.

    A terminal gets one line that is redrawn; anything else gets a line every 15 seconds.
    """

    def __init__(self, config: pytest.Config, *, silent: bool = False) -> None:
        self._capture = config.pluginmanager.getplugin("capturemanager")
        self._silent = silent or config.get_verbosity() < -1 or os.environ.get("TERM") == "dumb-silent"
        self._what, self._started, self._said = "", 0.0, 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        """Take note of progress, and say so when it is time."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._started, self._said = what, now, now
        if self._silent or total <= 1:
            return
        live = sys.__stderr__ is not None and sys.__stderr__.isatty()
        pause = 0.5 if live else _PAUSE_SECONDS
        spent = now - self._started
        is_last = done >= total
        if spent < _QUIET_SECONDS or (now - self._said < pause and not is_last):
            return
        self._said = now
        left = "" if is_last or not done else f", about {spent / done * (total - done):.0f} s left"
        self._write(f"ragtune: {what} {done}/{total} in {spent:.0f} s{left}", live, is_last)

    def _write(self, line: str, live: bool, is_last: bool) -> None:
        stream = sys.__stderr__
        if stream is None:
            return
        text = f"\r{line:<78}" + ("\n" if is_last else "") if live else f"\n{line}"
        if self._capture is None:
            stream.write(text)
            stream.flush()
            return
        with self._capture.global_and_fixture_disabled():
            sys.stderr.write(text)
            sys.stderr.flush()
