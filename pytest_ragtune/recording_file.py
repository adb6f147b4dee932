"""Recordings: the records of one golden set as a reviewed, compressed file beside it.

A recording is gzipped JSON Lines: a header, then a record a line, sorted. The same store gives the same
bytes. ``zcat recording.jsonl.gz`` shows it; so does ``git diff`` with ``textconv``.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import StoreError
from .recording import check_value
from .redaction import REDACTED
from .store import Record, canonical, record_key

RECORDING = "recording.jsonl.gz"
"""Name of the file in a golden set's folder."""
SCHEMA = 1
_KIND = "pytest-ragtune recording"
_AGAIN = "restore it from version control, or write it again with 'ragtune record export'"


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recording holds."""

    golden_set: str
    """Name of the golden set."""
    pipelines: Mapping[str, Sequence[str]]
    """``fingerprint of the golden set/pipeline`` -> identities."""
    judges: Sequence[str]
    """Identities of the default judge."""
    records: Mapping[str, Record] = field(default_factory=dict)
    """By key."""

    def identities(self, kind: str, name: str) -> Sequence[str]:
        """The identities recorded for a pipeline, or for the default judge."""
        return self.judges if kind == "judge" else self.pipelines.get(name, ())


def write_recording(recording: Recording, path: Path) -> int:
    """Write a recording, whole or not at all; returns the number of bytes.

    Raises:
        StoreError: the file cannot be written.
    """
    lines = [
        {
            "kind": _KIND,
            "schema": SCHEMA,
            "golden_set": recording.golden_set,
            "pipelines": {name: list(found) for name, found in recording.pipelines.items()},
            "judges": list(recording.judges),
        },
        *(_line(record) for record in sorted(recording.records.values(), key=lambda r: (r.kind, r.key))),
    ]
    text = "".join(f"{canonical(line)}\n" for line in lines)
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(buffer.getvalue())
        os.chmod(temporary, 0o644)  # mkstemp makes it private; a reviewed file is not
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(f"cannot write the recording {path}: {error}; expected a writable folder") from error
    return len(buffer.getvalue())


def _line(record: Record) -> dict[str, Any]:
    line = {"key": record.key, "kind": record.kind, "parts": dict(record.parts), "value": record.value}
    return line if record.seconds is None else line | {"seconds": round(record.seconds, 3)}


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        StoreError: the file is missing, damaged, of a newer schema, or a key does not belong to its
            parts; the message names the line.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="surrogatepass") as file:
            lines = file.read().splitlines()
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such recording; write one with 'ragtune record export'") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: is no recording, or a damaged one ({error}); {_AGAIN}") from error
    header = _object(path, 1, lines[0] if lines else "")
    schema = header.get("schema")
    if header.get("kind") != _KIND or type(schema) is not int:
        raise StoreError(f'{path}:1: found no header; expected "kind": "{_KIND}"; {_AGAIN}')
    if schema > SCHEMA:
        raise StoreError(
            f"{path}: has schema {schema}; this version reads up to {SCHEMA}; upgrade pytest-ragtune to the "
            "version that wrote it"
        )
    records = _records(path, lines[1:])
    return Recording(
        str(header.get("golden_set", "")), header.get("pipelines", {}), header.get("judges", []), records
    )


def _records(path: Path, lines: Iterable[str]) -> dict[str, Record]:
    records: dict[str, Record] = {}
    for number, line in enumerate(lines, start=2):
        value = _object(path, number, line)
        try:
            record = Record(value["key"], value["kind"], value["parts"], value["value"], value.get("seconds"))
        except KeyError as error:
            raise StoreError(
                f"{path}:{number}: found no {error}; expected key, kind, parts and value; {_AGAIN}"
            ) from error
        redacted = REDACTED in canonical(record.parts)  # the key was made before that
        if not redacted and record.key != record_key(record.kind, record.parts):
            raise StoreError(
                f"{path}:{number}: found a key that its parts do not make; expected a record as it was "
                f"written; {_AGAIN}"
            )
        if record.key in records:
            raise StoreError(f"{path}:{number}: found the key {record.key[:12]} a second time; {_AGAIN}")
        try:
            check_value(record.kind, record.value)
        except (TypeError, KeyError, ValueError) as error:
            cause = f"{type(error).__name__}: {error}"
            raise StoreError(
                f"{path}:{number}: found a {record.kind} that cannot be read ({cause}); "
                f"expected a record as it was written; {_AGAIN}"
            ) from error
        records[record.key] = record
    return records


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{path}:{number}: found broken JSON ({error}); expected one object; {_AGAIN}"
        ) from error
    if not isinstance(value, dict):
        raise StoreError(f"{path}:{number}: found {value!r:.60}; expected one object; {_AGAIN}")
    return value
