"""Who provides the session in force. Kept apart and tiny: the plugin loads it in every pytest run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

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


class Meter(Protocol):
    """Hears of every call of a generator before it is made, and may answer in its place."""

    def begin(self, generator: Any, prompts: Sequence[Any]) -> list[Any] | None:
        """Generations to take in place of asking; None to ask."""
        ...

    def end(self, generator: Any, prompts: Sequence[Any], answers: Sequence[Any]) -> None:
        """The generator was asked and gave these answers."""
        ...


_meters: list[Meter] = []


def meter_with(meter: Meter) -> None:
    """Let ``meter`` hear of calls until :func:`meter_no_more`."""
    _meters.append(meter)


def meter_no_more(meter: Meter) -> None:
    """Take ``meter`` back."""
    if meter in _meters:
        _meters.remove(meter)


def meter() -> Meter | None:
    """Who hears of calls; None in most runs."""
    return _meters[-1] if _meters else None


def generate(generator: Any, prompts: Sequence[Any]) -> list[Any]:
    """Ask a generator; every pipeline and judge asks through here."""
    if not _meters:
        found: list[Any] = generator.generate(prompts)
        return found
    hears = _meters[-1]
    instead = hears.begin(generator, prompts)
    if instead is not None:
        return instead
    answers = list(generator.generate(prompts))
    hears.end(generator, prompts, answers)
    return answers


_exclusions: list[Callable[[], AbstractContextManager[Any]]] = []


def exclude_with(lock: Callable[[], AbstractContextManager[Any]]) -> None:
    """Let ``lock`` keep local models of several processes from computing at once."""
    _exclusions.append(lock)


def include_again(lock: Callable[[], AbstractContextManager[Any]]) -> None:
    """Take ``lock`` back."""
    if lock in _exclusions:
        _exclusions.remove(lock)


def exclusively() -> AbstractContextManager[Any]:
    """Hold this while a local model computes.

    Two processes that share a few cores slow each other down many times over, because each spins
    while it waits for its own threads. Workers of one test run therefore take turns; a process of
    its own waits for nobody.
    """
    return _exclusions[-1]() if _exclusions else nullcontext()
