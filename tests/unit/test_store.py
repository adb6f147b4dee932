from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ragtune.errors import StoreError
from pytest_ragtune.store import SCHEMA, Record, Store, canonical, digest, record_key


def record(number: int, value: object = None) -> Record:
    return Record.of("response", {"number": number}, {"text": value or f"answer {number}"}, seconds=0.5)


def test_what_is_put_is_got(tmp_path: Path) -> None:
    with_file, in_memory = Store(tmp_path / "a" / "store.sqlite3"), Store()
    for store in (with_file, in_memory):
        store.put([record(1), record(2)])
        found = store.get([record(1).key, record(2).key, record(3).key])
        assert found == {record(1).key: record(1), record(2).key: record(2)}
        store.close()


def test_asking_makes_no_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "sub" / "store.sqlite3")
    assert store.get([record(1).key]) == {}
    assert store.records("response") == []
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_kept_out_of_version_control(tmp_path: Path) -> None:
    Store(tmp_path / ".ragtune" / "store.sqlite3").put([record(1)])
    assert (tmp_path / ".ragtune" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_the_first_value_of_a_key_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite3")
    store.put([record(1, "first")])
    store.put([record(1, "second")])
    assert store.get([record(1).key])[record(1).key].value == {"text": "first"}


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite3")
    with pytest.raises(ValueError, match="Out of range float values"):
        store.put([record(1), Record.of("response", {"number": 2}, float("nan"))])
    assert store.records("response") == []


def test_more_keys_than_sqlite_takes_in_one_statement() -> None:
    store = Store()
    records = [record(number) for number in range(1_203)]
    store.put(records)
    assert len(store.get([r.key for r in records])) == 1_203


def test_keys_depend_on_kind_and_parts_only() -> None:
    assert record_key("a", {"x": 1, "y": 2}) == record_key("a", {"y": 2, "x": 1})
    assert record_key("a", {"x": 1}) != record_key("b", {"x": 1})
    assert record_key("a", {"x": 1}) != record_key("a", {"x": "1"})
    assert digest("ä") != digest("a\u0308")
    assert canonical({"b": 1, "a": None}) == '{"a":null,"b":1}'


@pytest.mark.parametrize(
    "content", [b"not a database at all, " * 100, b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_garbage_file_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store\.sqlite3.*--ragtune-store=FILE"):
        Store(path).get([record(1).key])
    with pytest.raises(StoreError, match="move it away"):
        Store(path).check_writable()
    assert path.read_bytes() == content


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cookies.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE cookies (name TEXT)")
    connection.close()
    with pytest.raises(StoreError, match=r"tables \['cookies'\], not a ragtune store"):
        Store(path).put([record(1)])


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = Store(path)
    store.put([record(1)])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (str(SCHEMA + 1),))
    connection.close()
    with pytest.raises(StoreError, match=f"schema {SCHEMA + 1}; this version reads schema {SCHEMA}"):
        Store(path).get([record(1).key])


def test_a_full_disk_keeps_what_was_recorded(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite3")
    store.put([record(1)])
    connection = store._open()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match=r"disk is full; batches recorded so far are kept"):
        store.put([record(number, "x" * 4_000) for number in range(2, 50)])
    connection.execute("PRAGMA max_page_count = 1000000")
    assert [r.value for r in store.records("response")] == [record(1).value]
    store.put([record(2)])
    assert len(store.records("response")) == 2


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot write the store"):
        Store(tmp_path / "file" / "store.sqlite3").check_writable()


def test_a_read_only_store_can_be_read_but_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.sqlite3"
    Store(path).put([record(1)])
    connect = sqlite3.connect
    # A super-user may write anything, so the open itself is made read-only.
    monkeypatch.setattr(
        sqlite3, "connect", lambda _, **options: connect(f"file:{path}?mode=ro", uri=True, **options)
    )
    store = Store(path)
    assert record(1).key in store.get([record(1).key])
    with pytest.raises(StoreError, match="cannot be written; make the file and its folder writable"):
        store.check_writable()
    assert record(1).key in store.get([record(1).key])


_HOLDER = """
import sys, time
from pytest_ragtune.store import Store
with Store({path!r}).single_flight("job"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER.format(path=str(path))], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "held\n"
    lock = Store(path).single_flight("job")
    with pytest.raises(TimeoutError), lock.acquire(timeout=0.05):  # type: ignore[attr-defined]
        pass
    holder.kill()
    holder.wait()
    with lock:
        pass
