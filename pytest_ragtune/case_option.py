"""``--ragtune-case``: an id that no golden set holds is refused, on workers too."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from .parametrise import check_known_cases


class CaseOption:
    """The hooks of ``--ragtune-case``."""

    def __init__(self) -> None:
        self._refused = ""

    @pytest.hookimpl(tryfirst=True)  # before xdist tells the controller what there is to run
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Refuse an unknown id; a worker, whom nobody hears, runs nothing and hands the reason on."""
        try:
            check_known_cases(session.config, session.items)
        except pytest.UsageError as error:
            output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
            if output is None:
                raise
            output["ragtune_refused"] = str(error)
            session.items.clear()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear what a worker has refused to run."""
        self._refused = getattr(node, "workeroutput", {}).get("ragtune_refused", self._refused)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        """End as a run without workers does when one of them has refused to run."""
        result = yield
        if self._refused:
            raise pytest.UsageError(self._refused)
        return result
