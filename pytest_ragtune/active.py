"""Who provides the session in force. Kept apart and tiny: the plugin loads it in every pytest run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_providers: list[Callable[[], Any]] = []


def install(provider: Callable[[], Any]) -> None:
    """Let ``provider`` give the session; it is called when a session is first asked for."""
    _providers.append(provider)


def uninstall(provider: Callable[[], Any]) -> None:
    """Take ``provider`` back; the one installed before it is in force again."""
    if provider in _providers:
        _providers.remove(provider)


def provided_session() -> Any | None:
    """The :class:`pytest_ragtune.session.Session` of the test run; None outside of one."""
    return _providers[-1]() if _providers else None
