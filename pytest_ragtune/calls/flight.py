"""Many calls at once: so many and no more, each in its time, each with an outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from .backoff import FIRST_SECONDS, LONGEST_ASKED_SECONDS, Fault, backoff

T = TypeVar("T")
R = TypeVar("R")

_IN_A_ROW = 4
"""Least number of calls that must fail in a row before the rest is not tried."""

_UNPROVEN_RETRIES = 2
"""Repetitions of a failure that would meet every call, while nothing has ever succeeded."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How calls are made; none of it changes what they give."""

    concurrency: int = 8
    """Most calls at once."""
    timeout: float | None = 60.0
    """Seconds that one attempt may take, from the first byte sent to the last byte read."""
    deadline: float | None = None
    """Seconds that all calls together may take."""
    retries: int = 6
    """Repetitions of a call that may succeed later."""
    first_wait: float = FIRST_SECONDS
    """Seconds before the first repetition."""
    seed: int = 0
    """Of the jitter between repetitions."""

    def __post_init__(self) -> None:
        for name, is_right, expected in (
            ("concurrency", _is_whole(self.concurrency, 1), "at least 1"),
            ("timeout", _is_time(self.timeout), "seconds above 0, or None"),
            ("deadline", _is_time(self.deadline), "seconds above 0, or None"),
            ("retries", _is_whole(self.retries, 0), "0 or more"),
        ):
            if not is_right:
                raise ValueError(f"{name} is {getattr(self, name)!r}: expected {expected}")


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_time(seconds: object) -> bool:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return seconds is None
    return seconds > 0


@dataclass(slots=True)
class Health:
    """What is known of the other side; outlives one flight."""

    has_answered: bool = False
    """Whether any call ever succeeded."""
    failed_in_a_row: int = 0
    """Calls that failed for good since the last success, the other side being at fault."""
    stopped: Fault | None = None
    """Why nothing more is tried."""
    paused_until: float = 0.0
    """Until when the other side asks to be left alone, on the monotonic clock."""
    gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = field(
        default_factory=WeakKeyDictionary
    )
    """Bounds the calls of all flights on one loop together."""

    def gate(self, concurrency: int) -> asyncio.Semaphore:
        """The bound on the running loop."""
        return self.gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(concurrency))


class Flight(Generic[T, R]):
    """One round of calls.

    A call that fails in a way that may pass is repeated, after the wait that the server asked for or an
    exponential back-off with jitter. A server that asks to wait is left alone by every call until then. When
    nothing has ever succeeded and a failure would meet every call, or when many calls in a row have failed
    for good, the calls that are left are not tried: each still gets a fault that says so.

    Args:
        work: makes one call; raises :class:`Fault`, or anything else for a fault that is not repeated.
        limits: how many at once, and how long.
        health: what earlier flights found; a fresh one unless given.
    """

    def __init__(
        self, work: Callable[[T], Awaitable[R]], limits: Limits, health: Health | None = None
    ) -> None:
        self.work, self.limits = work, limits
        self.health = Health() if health is None else health
        self._end = float("inf") if limits.deadline is None else time.monotonic() + limits.deadline
        self._asked = 0

    @property
    def _gate(self) -> asyncio.Semaphore:
        return self.health.gate(self.limits.concurrency)

    async def all(self, items: Sequence[T]) -> list[R | Fault]:
        """One result or fault an item, in order; never raises for an item."""
        outcomes: dict[int, R | Fault] = {}
        waiting = iter(enumerate(items))

        async def worker() -> None:
            for index, item in waiting:
                async with self._gate:
                    outcomes[index] = await self._one(index, item)

        if self.health.stopped is not None and items:  # one call without repetition tells whether it is back
            self.health.stopped = None
            index, item = next(waiting)
            async with self._gate:
                outcomes[index] = await self._one(index, item, retries=0, is_probe=True)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.limits.concurrency, len(items))):
                group.create_task(worker())
        return [outcomes[index] for index in range(len(items))]

    async def one(self, item: T) -> R | Fault:
        """The result or fault of one item, within the bounds that all items of this flight share."""
        async with self._gate:
            self._asked += 1
            return await self._one(self._asked, item)

    async def _one(
        self, index: int, item: T, *, retries: int | None = None, is_probe: bool = False
    ) -> R | Fault:
        retries = self.limits.retries if retries is None else retries
        for attempt in range(retries + 1):
            await self._pause()
            if self.health.stopped is not None:
                return Fault(f"not asked, since an earlier call failed: {self.health.stopped.message}")
            outcome = await self._attempt(item)
            if not isinstance(outcome, Fault):
                self.health.has_answered, self.health.failed_in_a_row = True, 0
                return outcome
            fault = outcome
            if not fault.again or attempt >= self._patience(fault, retries):
                break
            wait = self._wait(fault, attempt, index)
            if wait is None:
                break
            await asyncio.sleep(wait)
        return self._failed(fault, is_probe, attempt + 1)

    async def _attempt(self, item: T) -> R | Fault:
        left = self._end - time.monotonic()
        if left <= 0:
            return Fault(f"the deadline of {self.limits.deadline} s for all calls has passed: raise deadline")
        allowed = left if self.limits.timeout is None else min(left, self.limits.timeout)
        limit = None if allowed == float("inf") else asyncio.timeout(allowed)
        try:
            if limit is None:
                return await self.work(item)
            async with limit:
                return await self.work(item)
        except Fault as fault:
            return fault
        except TimeoutError as error:
            if limit is None or not limit.expired():
                return Fault(f"TimeoutError: {error}", again=True)
            is_deadline = allowed == left
            name, seconds = ("deadline", self.limits.deadline) if is_deadline else ("timeout", allowed)
            return Fault(
                f"no complete answer within {seconds} s: raise {name}, or lower concurrency",
                again=not is_deadline,
            )
        except (Exception, SystemExit) as error:
            return Fault(f"{type(error).__name__}: {error}")
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return Fault(f"CancelledError: the call was cancelled from within: {error}", again=True)

    def _patience(self, fault: Fault, retries: int) -> int:
        is_unproven = fault.everywhere and not self.health.has_answered
        return min(retries, _UNPROVEN_RETRIES) if is_unproven else retries

    async def _pause(self) -> None:
        while (left := min(self.health.paused_until, self._end) - time.monotonic()) > 0:
            await asyncio.sleep(left)

    def _wait(self, fault: Fault, attempt: int, index: int) -> float | None:
        """Seconds until the next attempt; None when it is not worth waiting, and ``fault`` says why."""
        own = backoff(attempt, f"{self.limits.seed}:{index}", first=self.limits.first_wait)
        wait = own if fault.wait is None else max(fault.wait, min(own, self.limits.first_wait))
        now = time.monotonic()
        if fault.wait is not None and fault.wait > LONGEST_ASKED_SECONDS:
            fault.message += f"; the server asks to wait {fault.wait:.0f} s: run again later"
            fault.everywhere = True
            return None
        if now + wait >= self._end:
            fault.message += (
                f"; no time is left to try again: raise deadline (it is {self.limits.deadline} s)"
            )
            return None
        if fault.wait is not None:
            self.health.paused_until = max(self.health.paused_until, now + fault.wait)
        return wait

    def _failed(self, fault: Fault, is_probe: bool, attempts: int) -> Fault:
        health = self.health
        if fault.again and attempts > 1:
            fault.message += f" (tried {attempts} times)"
        if not fault.again and not fault.everywhere:  # this call is to blame, not the other side
            return fault
        health.failed_in_a_row += 1
        is_hopeless = fault.everywhere and not health.has_answered
        if is_probe or is_hopeless or health.failed_in_a_row >= max(_IN_A_ROW, self.limits.concurrency):
            health.stopped = health.stopped or fault
        return fault
