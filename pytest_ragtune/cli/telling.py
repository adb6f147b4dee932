"""Progress and warnings of a command, on stderr."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PAUSE_SECONDS = 15.0
"""Between two lines of progress."""


class Telling:
    """Says how far long work is, from time to time.

    Args:
        what: what is counted, in the plural.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._started = self._said = time.monotonic()

    def __call__(self, done: int, total: int | None = None, _: str = "") -> None:
        """Say so when it is time; the total is None where it is not known."""
        now = time.monotonic()
        if now - self._said < _PAUSE_SECONDS:
            return
        self._said = now
        spent = now - self._started
        of_all = "" if total is None else f" of {total}"
        print(
            f"ragtune: {done}{of_all} {self._what} in {spent:.0f} s, {done / spent:.1f} a second",
            file=sys.stderr,
        )


@contextmanager
def warnings_once() -> Iterator[None]:
    """Warnings as lines on stderr, each kind once."""
    shown: set[type[Warning]] = set()

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if category not in shown:
            shown.add(category)
            print(f"warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield
