"""Progress of long work, shown past pytest's capture."""

from __future__ import annotations

import sys
import time

import pytest

_QUIET_SECONDS = 5.0  # shorter work is not worth a line
_PAUSE_SECONDS = 15.0  # between two lines where no terminal redraws them
_REDRAW_SECONDS = 0.5


class ProgressLines:
    """Says how far long work is, without drowning a log.

    A terminal gets one line that is redrawn; anything else gets a line every 15 seconds. A pipeline
    opens its work with 0 done; what its generator then counts within a batch is shown as the pipeline's.

    Args:
        config: of the pytest run.
        silent: True to say nothing, as on a worker, which has no terminal.
    """

    def __init__(self, config: pytest.Config, *, silent: bool = False) -> None:
        self._capture = config.pluginmanager.getplugin("capturemanager")
        self._silent = silent or config.get_verbosity() < -1
        self._what, self._started, self._said = "", 0.0, 0.0
        self._ended = (0, "")
        self._open: tuple[int, int, str] | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        """Take note of progress, and say so when it is time."""
        done, total, what = self._placed(done, total, what)
        now = time.monotonic()
        if what != self._what:
            self._what, self._started, self._said = what, now, now
        stream = sys.__stderr__
        if self._silent or total <= 1 or stream is None:
            return
        if done < total:
            self._ended = (0, "")
        elif (done, what) == self._ended:
            return
        is_live, is_last, spent = stream.isatty(), done >= total, now - self._started
        pause = _REDRAW_SECONDS if is_live else _PAUSE_SECONDS
        if spent < _QUIET_SECONDS or (now - self._said < pause and not is_last):
            return
        self._said, self._ended = now, (done, what) if is_last else (0, "")
        left = "" if is_last or not done else f", about {spent / done * (total - done):.0f} s left"
        line = f"ragtune: {what} {done}/{total} in {spent:.0f} s{left}"
        self._write(f"\r{line:<78}" + ("\n" if is_last else "") if is_live else f"\n{line}")

    def _placed(self, done: int, total: int, what: str) -> tuple[int, int, str]:
        """The same step, seen from the work that is open around it."""
        if what == "generate" and self._open is not None:
            before, all_of_it, name = self._open
            return min(before + done, all_of_it), all_of_it, name
        if (done == 0 and total > 1) or (self._open is not None and self._open[2] == what):
            self._open = (done, total, what) if done < total else None
        return done, total, what

    def _write(self, text: str) -> None:
        if self._capture is None:
            self._print(text)
            return
        with self._capture.global_and_fixture_disabled():
            self._print(text)

    @staticmethod
    def _print(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
