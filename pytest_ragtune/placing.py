"""Errors of ours, shown where the user's code asked for what failed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

import pytest

_PACKAGE = Path(__file__).parent
_NOBODYS = {"_pytest", "pluggy", "pytest"} | sys.stdlib_module_names


def placed(error: pytest.ExceptionInfo[BaseException]) -> pytest.ExceptionInfo[BaseException]:
    """The error with a traceback that ends at the last frame of the user's own code.

    Where there is none, as when pytest itself asked for a fixture of ours, the message is all that is shown.
    An error that did not come through this package stays as it is.
    """
    frames = list(_entries(error.tb))
    if not any(_is_ours(frame) for frame in frames):
        return error
    asked = list(filter(_is_users, frames))
    _shorten_causes(error.value)
    if asked:
        asked[-1].tb_next = None
        return error
    return _message_only(error.value)


def _entries(traceback: TracebackType | None) -> list[TracebackType]:
    found = []
    while traceback is not None:
        found.append(traceback)
        traceback = traceback.tb_next
    return found


def _is_ours(entry: TracebackType) -> bool:
    return _PACKAGE in Path(entry.tb_frame.f_code.co_filename).parents


def _is_users(entry: TracebackType) -> bool:
    top = str(entry.tb_frame.f_globals.get("__name__")).partition(".")[0]
    return not _is_ours(entry) and top not in _NOBODYS


def _shorten_causes(error: BaseException) -> None:
    """Of a cause that never was in the user's code, the message alone is shown."""
    cause = error.__cause__
    while cause is not None:
        if not any(map(_is_users, _entries(cause.__traceback__))):
            cause.__traceback__ = None
        cause = cause.__cause__


def _message_only(error: BaseException) -> pytest.ExceptionInfo[BaseException]:
    name = "" if isinstance(error, pytest.UsageError) else f"{type(error).__name__}: "
    try:
        pytest.fail(f"{name}{error}", pytrace=False)
    except pytest.fail.Exception as told:
        return pytest.ExceptionInfo.from_exception(told)
