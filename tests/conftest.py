from __future__ import annotations

import pytest

from pytest_ragtune import active

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def no_session_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests see the library as a script does; the session of the run that tests it is out of sight."""
    monkeypatch.setattr(active, "_providers", [])
