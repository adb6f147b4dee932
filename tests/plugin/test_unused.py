"""A pytest run that does not use the plugin pays nothing for it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ragtune import options


def test_no_file_no_line_no_module(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            ours = sorted(name for name in sys.modules if name.split(".")[0] == "pytest_ragtune")
            assert ours == [
                "pytest_ragtune",
                "pytest_ragtune.active",
                "pytest_ragtune.fixtures",
                "pytest_ragtune.options",
                "pytest_ragtune.plugin",
            ]
            heavy = {"numpy", "pydantic", "scipy", "torch", "transformers"} & set(sys.modules)
            assert not heavy
        """
    )
    before = {path.name for path in pytester.path.iterdir()}
    result = pytester.run(
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-p",
        "no:hypothesispytest",
    )
    result.assert_outcomes(passed=1)
    assert "ragtune" not in "\n".join(
        line for line in result.outlines if not line.startswith(("plugins:", "rootdir:"))
    )
    assert {path.name for path in pytester.path.iterdir()} - before <= {"__pycache__", "stdout", "stderr"}


def test_loading_costs_at_most_five_milliseconds(tmp_path: Path) -> None:
    """By -X importtime, in one of many runs: what the machine can do, not what else it was doing."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}  # compiled, as an installed package is
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    found: list[float] = []
    while len(found) < 60 and min(found, default=math.inf) > 5.0:
        found.append(_import_milliseconds(environment))
    assert min(found) <= 5.0


def _import_milliseconds(environment: dict[str, str]) -> float:
    code = "import pytest, _pytest.config; import pytest_ragtune.plugin, pytest_ragtune.fixtures"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    own = [line for line in done.stderr.splitlines() if "pytest_ragtune" in line]
    assert own
    return sum(int(line.split("|")[0].split(":")[1]) for line in own) / 1000


def test_help_lists_every_option_with_its_prefix(pytester: pytest.Pytester) -> None:
    result = pytester.run(sys.executable, "-m", "pytest", "--help")
    result.stdout.fnmatch_lines(
        [
            "evaluation of LLM pipelines*",
            "*--ragtune-case=ID*",
            "*--ragtune-store=FILE*",
            "*--ragtune-update-baselines*",
        ]
    )


def test_the_known_ini_values_are_those_declared(pytester: pytest.Pytester) -> None:
    assert set(options.INI) == {name for name in pytester.parseconfig()._parser._inidict if "ragtune" in name}
