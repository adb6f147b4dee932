from __future__ import annotations

import subprocess
import sys

import pytest

import pytest_ragtune

NAMES = sorted(pytest_ragtune._HOMES)


def test_the_list_is_exact_sorted_and_short() -> None:
    assert list(pytest_ragtune.__all__) == NAMES == sorted(set(NAMES))
    assert dir(pytest_ragtune) == NAMES
    assert len(NAMES) <= 40


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert (getattr(pytest_ragtune, name).__doc__ or "").strip()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'assert_perfect'"):
        _ = pytest_ragtune.assert_perfect


def test_loading_every_public_name_loads_no_heavy_library() -> None:
    code = (
        "import sys, pytest_ragtune\n"
        "for name in pytest_ragtune.__all__: getattr(pytest_ragtune, name)\n"
        "heavy = {'numpy', 'scipy', 'torch', 'transformers', 'faiss', 'pydantic', 'bm25s', 'ir_measures'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
