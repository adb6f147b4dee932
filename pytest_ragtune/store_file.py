"""The store's file: how it is opened, and what is wrong with it, in words."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path

_PATIENCE = 60.0  # seconds to wait for another process' lock
_SHOWN = 200  # characters of SQLite's message, which may quote a whole record
_DAMAGED = "it is damaged or no store at all; move it away (a new one is made) or choose another file"
_ADVICE = (
    (("not a database", "malformed", "could not decode", "no such table", "no such column"), _DAMAGED),
    (
        ("full", "no space", "disk i/o error", "quota", "too large"),
        "the disk is full or failing, or a limit is reached; batches recorded so far are kept; free some "
        "space and run again, or choose another file",
    ),
    (
        ("readonly", "read-only", "permission"),
        "it cannot be written; make the file and its folder writable or choose another file",
    ),
    (
        ("locked",),
        "another process has kept it locked for a minute; end that process or choose another file",
    ),
    ((), "check the path and its permissions or choose another file"),
)
"""Words of a cause, in lower case, and what to do about it; the first that fits."""


def connect(path: Path | None) -> sqlite3.Connection:
    """A connection to the file; one that only reads where nothing can be written beside the file.

    A file in write-ahead mode needs two more beside it, unless it is read as one that never changes.
    """
    name, is_uri = ":memory:" if path is None else str(path), False
    if path is not None and path.is_file() and not os.access(path.parent, os.W_OK):
        log = path.with_name(f"{path.name}-wal")
        is_whole = not log.exists() or log.stat().st_size == 0
        name, is_uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if is_whole else ''}", True
    return sqlite3.connect(name, timeout=_PATIENCE, isolation_level=None, uri=is_uri)


def explain(error: Exception, path: Path | None) -> tuple[str, str]:
    """What went wrong with the store at ``path``, and what to do about it."""
    cause = str(error)
    if len(cause) > _SHOWN:
        cause = f"{cause[:_SHOWN]} ..."
    todo = next(todo for words, todo in _ADVICE if not words or any(w in cause.lower() for w in words))
    if isinstance(error, json.JSONDecodeError):
        todo = _DAMAGED
    elif path is not None and path.is_dir():
        todo = "it is a folder; name a file in it"
    return cause, todo


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the journal; SQLite does not wait by itself for another process that is doing the same."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return
