"""Long work in parts, so that what is finished can be kept before the rest is."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from .flight import Limits
from .running import one_loop

T = TypeVar("T")
R = TypeVar("R")

_LOCAL_PART = 16  # items a local model answers before they are kept
_LEAST_PART = 8
_GROWTH = 16  # so many times as large a part may become
_INSTANT = 0.04  # seconds in which a part as large as the first is finished by a judge that does not wait
_LONG_PART = 0.25  # seconds of work that a killed run may lose in a part
_AT_ONCE = 3  # while one part ends and the next begins, the third keeps the server busy


@dataclass(frozen=True, slots=True)
class Parts:
    """How long work is cut."""

    size: int | None = None
    """Items in a part; None for everything in one."""
    at_once: int = 1
    """Parts that are worked on at the same time, from threads."""
    most: int | None = None
    """Items in a part once parts turn out to take next to no time; None for never more than ``size``."""


def parts_for(judge: object) -> Parts:
    """How to cut the work of a judge: whole for one that asks no generator, which is quick.

    A generator that bounds its own calls (``limits``) is asked from several threads; any other, a local
    model for example, by one part at a time.
    """
    several = getattr(judge, "judges", None)
    if several:
        plans = [parts_for(one) for one in several]
        sizes = [plan.size for plan in plans if plan.size is not None]
        size, at_once = min(sizes, default=None), min(plan.at_once for plan in plans)
        return Parts(size, at_once, None if size is None or at_once == 1 else _GROWTH * size)
    generator = getattr(judge, "generator", judge)
    limits = getattr(generator, "limits", None)
    if isinstance(limits, Limits):
        size = max(_LEAST_PART, limits.concurrency)
        return Parts(size, _AT_ONCE, _GROWTH * size)
    return Parts(_LOCAL_PART) if callable(getattr(generator, "generate", None)) else Parts()


def in_parts(
    work: Callable[[Sequence[T]], R], items: Sequence[T], plan: Parts
) -> Generator[tuple[Sequence[T], R], None, None]:
    """Each part with what ``work`` made of it, as soon as it is finished.

    Parts that are under way go on while the last one given is looked at; no other begins meanwhile. When a
    part fails, those that were under way come first; then its error is raised.
    """
    cut = _Cut(items, plan)
    if plan.at_once == 1 or len(items) <= cut.size:
        for part in cut:
            yield part, work(part)
        return

    def timed(part: Sequence[T]) -> R:
        begun = time.perf_counter()
        found = work(part)
        cut.took(time.perf_counter() - begun, len(part))
        return found

    with ThreadPoolExecutor(plan.at_once, "ragtune-parts") as pool, one_loop() as context:
        yield from _several(lambda part: pool.submit(context.copy().run, timed, part), cut, plan.at_once)


class _Cut(Generic[T]):
    """Items in parts, larger ones as long as a part is finished at once.

    To hand a part to a thread, a loop and back costs more than an answer that is there already; where
    there is something to wait for, small parts are recorded and used sooner.
    """

    def __init__(self, items: Sequence[T], plan: Parts) -> None:
        self.size = self._first = plan.size or max(1, len(items))
        self._items, self._at, self._most = items, 0, plan.most or self.size

    def __iter__(self) -> Iterator[Sequence[T]]:
        while self._at < len(self._items):
            part = self._items[self._at : self._at + self.size]
            self._at += len(part)
            yield part

    def took(self, seconds: float, n: int) -> None:
        """A part of ``n`` items was finished."""
        if seconds < _LONG_PART and seconds * self._first / n < _INSTANT and n >= self.size:
            self.size = min(self._most, 2 * self.size)


def _several(
    begin: Callable[[Sequence[T]], Future[Any]], parts: Iterable[Sequence[T]], at_once: int
) -> Iterator[tuple[Sequence[T], Any]]:
    waiting = iter(parts)
    begun = {begin(part): part for part in islice(waiting, at_once)}
    failed: BaseException | None = None
    while begun:
        finished, _ = wait(begun, return_when=FIRST_COMPLETED)
        for future in finished:
            part = begun.pop(future)
            failed = failed or future.exception()
            if future.exception() is None:
                yield part, future.result()
        if failed is None:
            begun |= {begin(part): part for part in islice(waiting, len(finished))}
    if failed is not None:
        raise failed
