from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from pytest_ragtune import active

pytest_plugins = ["pytester"]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the many processes of plugin tests would each compile anew
settings.register_profile("no deadline", deadline=None)  # no test here measures time
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def no_session_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests see the library as a script does; the session of the run that tests it is out of sight."""
    monkeypatch.setattr(active, "_providers", [])


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every connection that is not to loopback fails, and the test with it."""
    refused: list[Any] = []

    def guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
        def connected(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(str(address[0])):
                refused.append(address)
                raise OSError(f"a test tried to reach {address}")
            return connect(self, address)

        return connected

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    yield
    assert not refused


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
