"""The one door to optional and heavy libraries.

Nothing heavy is imported when a module of this package is. Functions call :func:`load` instead, so
that a missing or broken library is one clear message, at the moment it is needed, and no concern
of a run that does not need it.
"""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingExtra


def load(module: str, *, extra: str | None = None) -> Any:
    """Import ``module`` and return it.

    Args:
        module: dotted name of the module.
        extra: the extra of pytest-ragtune that installs it; None for a core dependency.

    Raises:
        MissingExtra: the module is absent, or it is there and an import inside it failed. The
            message says which of the two, the command to run, and the cause.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:  # a broken library raises anything: ImportError, OSError, AttributeError
        raise MissingExtra(_explain(module, extra, error)) from error


def _explain(module: str, extra: str | None, error: Exception) -> str:
    top = module.partition(".")[0]
    package = "pytest-ragtune" if extra is None else f"pytest-ragtune[{extra}]"
    command = f"pip install '{package}'"
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == top:
        return f"{top!r} is not installed; it is needed here. Run: {command}"
    cause = f"{type(error).__name__}: {error}"
    return f"{top!r} is installed but cannot be imported ({cause}). Reinstall it with: {command}"
