"""Who provides the session in force. Kept apart and tiny: the plugin loads it in every pytest run."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

session_provider: ContextVar[Callable[[], Any] | None] = ContextVar("ragtune_session_provider", default=None)
"""Gives the :class:`pytest_ragtune.session.Session` of a test run; made when it is first asked for."""
