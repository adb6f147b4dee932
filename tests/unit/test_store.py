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


def test_half_a_character_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite3")
    cut = Record.of("response", {"question": "\ud83d?"}, {"text": "grüß \udcff \\ud83d"})
    store.put([cut])
    store.close()
    assert store.get([cut.key]) == {cut.key: cut}


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


def change(path: Path, statement: str, *values: object) -> None:
    """Do something to a closed store behind its back."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


def closed(path: Path) -> Path:
    """A store with one record, closed."""
    store = Store(path)
    store.put([record(1)])
    store.close()
    return path


def test_a_schema_that_is_no_number_is_refused(tmp_path: Path) -> None:
    path = closed(tmp_path / "store.sqlite3")
    change(path, "UPDATE meta SET value = 'newest' WHERE name = 'schema'")
    with pytest.raises(StoreError, match=f"schema newest; this version reads schema {SCHEMA}"):
        Store(path).get([record(1).key])


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE records SET value = CAST(? AS TEXT)", b'{"text": "' + b"long " * 1000 + b'\xff"}'),
        ("UPDATE records SET value = ?", "{" * 1000),
        ("ALTER TABLE records RENAME COLUMN value TO worth -- ?", ""),
        ("DROP TABLE meta -- ?", ""),
    ],
)
def test_damage_is_told_of_in_a_line(tmp_path: Path, statement: str, value: object) -> None:
    path = closed(tmp_path / "store.sqlite3")
    change(path, statement.removesuffix(" -- ?"), *([value] if value else []))
    with pytest.raises(StoreError, match="it is damaged or no store at all; move it away") as caught:
        Store(path).get([record(1).key])
    assert len(str(caught.value)) < 600 + len(str(path))


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    for act in (lambda: Store(tmp_path).get(["k"]), Store(tmp_path).check_writable):
        with pytest.raises(StoreError, match="it is a folder; name a file in it"):
            act()


def test_a_limit_on_files_is_a_full_disk(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="limits of files are not on this system")
    code = f"""
import resource, signal
from pytest_ragtune.errors import StoreError
from pytest_ragtune.store import Record, Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store({str(tmp_path / "store.sqlite3")!r})
store.put([Record.of("response", {{"n": 0}}, "kept")])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.put([Record.of("response", {{"n": n}}, "x" * 5000) for n in range(1, 60)])
except StoreError as error:
    print(error)
print([found.value for found in store.records("response")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "a limit is reached; batches recorded so far are kept" in done.stdout
    assert done.stdout.endswith("['kept']\n")


def test_a_store_in_a_folder_that_nothing_can_be_written_to_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = closed(tmp_path / "store.sqlite3")
    monkeypatch.setattr("os.access", lambda *_: False)  # a super-user may write anywhere
    before = sorted(tmp_path.iterdir())
    store = Store(path)
    assert record(1).key in store.get([record(1).key])
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(StoreError, match="cannot be written; make the file and its folder writable"):
        store.put([record(2)])
    assert [found.value for found in store.records("response")] == [record(1).value]


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = closed(tmp_path / "store.sqlite3")
    change(path, "UPDATE meta SET value = ? WHERE name = 'schema'", str(SCHEMA + 1))
    with pytest.raises(StoreError, match=f"schema {SCHEMA + 1}; this version reads schema {SCHEMA}"):
        Store(path).get([record(1).key])


def test_a_full_disk_keeps_what_was_recorded(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite3")
    store.put([record(1)])
    connection = store._open()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match=r"disk is full or failing.*batches recorded so far are kept"):
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
        sqlite3, "connect", lambda _, **options: connect(f"file:{path}?mode=ro", **{**options, "uri": True})
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
