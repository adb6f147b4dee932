from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ragtune.errors import MissingExtra
from pytest_ragtune.extras import load


def test_a_library_that_is_there_is_returned() -> None:
    assert load("json.decoder").JSONDecoder


def test_a_missing_library_names_the_command() -> None:
    with pytest.raises(MissingExtra) as caught:
        load("surely_not_installed.part", extra="dense")
    assert str(caught.value) == (
        "'surely_not_installed' is not installed; it is needed here. Run: pip install 'pytest-ragtune[dense]'"
    )


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("import surely_not_installed", "ModuleNotFoundError: No module named 'surely_not_installed'"),
        ("from json import nonsense", "ImportError: cannot import name 'nonsense' from 'json'"),
        ("raise OSError('libfoo.so: cannot open shared object file')", "OSError: libfoo.so"),
        ("import json; json.nonsense", "AttributeError: module 'json' has no attribute 'nonsense'"),
    ],
)
def test_a_broken_library_is_told_from_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, cause: str
) -> None:
    name = f"broken_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(body, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingExtra, match="is installed but cannot be imported") as caught:
        load(name, extra="ragas")
    assert cause in str(caught.value)
    assert str(caught.value).endswith("Reinstall it with: pip install 'pytest-ragtune[ragas]'")
    assert caught.value.__cause__ is not None
