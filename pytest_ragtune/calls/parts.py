"""Long work in parts, so that what is finished can be kept before the rest is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from .flight import Limits
from .running import one_loop

T = TypeVar("T")
R = TypeVar("R")

_LOCAL_PART = 16  # items a local model answers before they are kept
_LEAST_PART = 8
_AT_ONCE = 3  # while one part ends and the next begins, the third keeps the server busy


@dataclass(frozen=True, slots=True)
class Parts:
    """How long work is cut."""

    size: int | None = None
    """Items in a part; None for everything in one."""
    at_once: int = 1
    """Parts that are worked on at the same time, from threads."""


def parts_for(judge: object) -> Parts:
    """How to cut the work of a judge: whole for one that asks no generator, which is quick.

    A generator that bounds its own calls (``limits``) is asked from several threads; any other, a local
    model for example, by one part at a time.
    """
    several = getattr(judge, "judges", None)
    if several:
        plans = [parts_for(one) for one in several]
        sizes = [plan.size for plan in plans if plan.size is not None]
        return Parts(min(sizes, default=None), min(plan.at_once for plan in plans))
    generator = getattr(judge, "generator", judge)
    limits = getattr(generator, "limits", None)
    if isinstance(limits, Limits):
        return Parts(max(_LEAST_PART, limits.concurrency), _AT_ONCE)
    return Parts(_LOCAL_PART) if callable(getattr(generator, "generate", None)) else Parts()


def in_parts(
    work: Callable[[Sequence[T]], R], items: Sequence[T], plan: Parts
) -> Generator[tuple[Sequence[T], R], None, None]:
    """Each part with what ``work`` made of it, as soon as it is finished.

    Parts that are under way go on while the last one given is looked at; no other begins meanwhile. When a
    part fails, those that were under way come first; then its error is raised.
    """
    size = plan.size or max(1, len(items))
    parts = [items[at : at + size] for at in range(0, len(items), size)]
    if plan.at_once == 1 or len(parts) < 2:
        for part in parts:
            yield part, work(part)
        return
    with ThreadPoolExecutor(plan.at_once, "ragtune-parts") as pool, one_loop() as context:
        yield from _several(lambda part: pool.submit(context.copy().run, work, part), parts, plan.at_once)


def _several(
    begin: Callable[[Sequence[T]], Future[Any]], parts: Sequence[Sequence[T]], at_once: int
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
