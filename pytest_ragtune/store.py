"""The store of responses and judgements: content-addressed, shared by processes, safe under kill.

One SQLite file in write-ahead mode. A batch is written in one transaction before the next batch
begins, so a run that is killed loses at most the batch in hand. A key is the hash of everything
that could change the value; thresholds are no part of it. Wall times are kept beside the value,
not in it, so the same run twice writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import extras
from .errors import StoreError
from .redaction import redact, redact_json, redact_value
from .store_file import connect, explain, use_write_ahead_log

SCHEMA = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, parts TEXT NOT NULL, value TEXT NOT NULL, seconds REAL
) WITHOUT ROWID;
"""
_CHUNK = 500  # keys asked for in one statement; SQLite's oldest limit is 999 variables


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

_LONE = re.compile("[\ud800-\udfff]")  # half a character, which SQLite does not take
_DECODER = json.JSONDecoder().decode


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal text exactly when the values are equal."""
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of ``value``, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the store."""

    key: str
    """Hash of ``parts``."""
    kind: str
    """``response``, ``contexts`` or ``score``."""
    parts: Mapping[str, Any]
    """What the key is the hash of, so that a miss can be explained."""
    value: Any
    """The recorded value, as JSON."""
    seconds: float | None = None
    """How long it took to make, where that is known."""

    @classmethod
    def of(cls, kind: str, parts: Mapping[str, Any], value: Any, seconds: float | None = None) -> Record:
        """A record whose key is made from ``kind`` and ``parts``."""
        return cls(record_key(kind, parts), kind, parts, value, seconds)


def record_key(kind: str, parts: Mapping[str, Any]) -> str:
    """The key under which a value made from ``parts`` is stored."""
    return digest([SCHEMA, kind, dict(parts)])


class Store:
    """Responses and judgements by key.

    Args:
        path: the SQLite file; made on the first write together with its folder. None keeps
            everything in memory.

    Raises:
        StoreError: the file is no store, belongs to a newer version, or cannot be opened.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._connection: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"Store({str(self.path) if self.path else None!r})"

    def get(self, keys: Sequence[str]) -> dict[str, Record]:
        """The records found under ``keys``; a key without a record is simply absent."""
        if self.path is not None and self._connection is None and not self.path.exists():
            return {}
        found: dict[str, Record] = {}
        with self._explained("read"):
            for start in range(0, len(keys), _CHUNK):
                part = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, kind, parts, value, seconds FROM records WHERE key IN ({marks})"
                for key, kind, parts, value, seconds in self._open().execute(query, part):
                    found[key] = Record(key, kind, json.loads(parts), json.loads(value), seconds)
        return found

    def values(self, keys: Sequence[str]) -> dict[str, tuple[Any, float | None]]:
        """Value and seconds of the records found under ``keys``: :meth:`get` without ``parts``, faster."""
        if self.path is not None and self._connection is None and not self.path.exists():
            return {}
        rows: list[tuple[str, str, float | None]] = []
        with self._explained("read"):
            for start in range(0, len(keys), _CHUNK):
                part = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value, seconds FROM records WHERE key IN ({marks})"
                rows += self._open().execute(query, part).fetchall()
            return {key: (_DECODER(value), seconds) for key, value, seconds in rows}

    def put(self, records: Sequence[Record]) -> None:
        """Write all of ``records`` or none; a key that is already there keeps its first value.

        Secrets are redacted on the way; a key is the hash of the parts before that.
        """
        texts = [canonical(part) for r in records for part in (dict(r.parts), r.value)]
        whole = "\n".join(texts)
        if redact(whole) != whole:  # what is found in one text is found in all of them joined
            texts = [_clean(text) for text in texts]
        if not whole.isascii():
            texts = [_LONE.sub(lambda half: f"\\u{ord(half[0]):04x}", text) for text in texts]
        rows = [
            (r.key, r.kind, parts, value, r.seconds)
            for r, parts, value in zip(records, texts[::2], texts[1::2], strict=True)
        ]
        with self._explained("write"), self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?)", rows)

    def note(self, name: str, text: str) -> None:
        """Keep a remark about the records; a later one under the same name replaces it."""
        clean = redact_json(text) if text.startswith("{") else redact(text)
        with self._explained("write"), self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, clean))

    def notes(self, start: str) -> dict[str, str]:
        """The remarks whose name begins with ``start``."""
        if self.path is not None and self._connection is None and not self.path.exists():
            return {}
        query = "SELECT name, value FROM meta WHERE substr(name, 1, ?) = ? ORDER BY name"
        with self._explained("read"):
            return dict(self._open().execute(query, (len(start), start)).fetchall())

    def check_writable(self) -> None:
        """Raise StoreError now if nothing could be written: before work is done, not after."""
        with self._explained("write"):
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('writable', '1')")
            connection.rollback()

    def records(self, kind: str) -> list[Record]:
        """Every record of one kind, by key."""
        if self.path is not None and self._connection is None and not self.path.exists():
            return []
        query = "SELECT key, kind, parts, value, seconds FROM records WHERE kind = ? ORDER BY key"
        with self._explained("read"):
            rows = self._open().execute(query, (kind,)).fetchall()
            return [Record(k, kd, json.loads(p), json.loads(v), s) for k, kd, p, v, s in rows]

    def single_flight(self, name: str) -> AbstractContextManager[Any]:
        """A lock between processes: who holds ``name`` computes, who waits finds the result recorded.

        The operating system frees the lock of a process that is killed.
        """
        if self.path is None:
            return nullcontext()
        filelock = extras.load("filelock")
        folder = self.path.parent / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(self._explain("write", error)) from error
        lock: AbstractContextManager[Any] = filelock.FileLock(
            folder / f"{digest(name)[:32]}.lock", is_singleton=True
        )  # one object a file: a process that holds it may take it again
        return lock

    def close(self) -> None:
        """Close the file; the store opens it again when it is used again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if self.path is not None and not self.path.parent.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            (self.path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        connection = connect(self.path)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        if tables and "records" not in tables:
            raise StoreError(
                f"{self.path} is a SQLite file with the tables {sorted(tables)}, not a ragtune store; "
                "expected a store or no file; choose another file with --ragtune-store=FILE"
            )
        if not tables:
            use_write_ahead_log(connection)
            mark = f"INSERT OR IGNORE INTO meta VALUES ('schema', '{SCHEMA}');"
            connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} {mark} COMMIT;")
        connection.execute("PRAGMA synchronous=NORMAL")
        row = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        if row and row[0] != str(SCHEMA):
            raise StoreError(
                f"{self.path} has store schema {row[0][:20]}; this version reads schema {SCHEMA}; "
                "upgrade pytest-ragtune or choose another file with --ragtune-store=FILE"
            )

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, json.JSONDecodeError) as error:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.rollback()
            raise StoreError(self._explain(doing, error)) from error

    def _explain(self, doing: str, error: Exception) -> str:
        cause, todo = explain(error, self.path)
        return f"cannot {doing} the store {self.path}: {cause}; {todo} (--ragtune-store=FILE)"


def _clean(text: str) -> str:
    """Canonical JSON without secrets; a replacement never breaks the JSON."""
    return text if redact(text) == text else canonical(redact_value(_DECODER(text)))
