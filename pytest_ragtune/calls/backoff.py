"""When to try again."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

FIRST_SECONDS = 0.5
"""Wait before the first repetition; each further one waits twice as long."""
LONGEST_SECONDS = 30.0
"""Longest wait that is chosen here; a server may ask for more."""
LONGEST_ASKED_SECONDS = 120.0
"""Longest wait that a server may ask for: beyond it a quota is used up and waiting is no help."""


class Fault(Exception):
    """Why a call gave nothing.

    Args:
        message: what happened and, where the user can change it, which setting.
        again: True when the same call may succeed later.
        wait: seconds that the server asked to wait; None when it did not say.
        everywhere: True when every other call would fail in the same way (a wrong key, a wrong address).
    """

    def __init__(
        self, message: str, *, again: bool = False, wait: float | None = None, everywhere: bool = False
    ) -> None:
        super().__init__(message)
        self.again, self.wait, self.everywhere = again, wait, everywhere

    @property
    def message(self) -> str:
        """What happened."""
        return str(self.args[0])

    @message.setter
    def message(self, message: str) -> None:
        self.args = (message,)


def backoff(attempt: int, seed: str, *, first: float = FIRST_SECONDS) -> float:
    """Seconds to wait after failure number ``attempt`` (from 0).

    ``first * 2 ** attempt``, at most 30 seconds, times a factor between 0.5 and 1 that is drawn from
    ``seed``: so calls that failed together do not come back together.
    """
    jitter = random.Random(f"{seed}:{attempt}").uniform(0.5, 1.0)
    return float(min(LONGEST_SECONDS, first * 2.0**attempt) * jitter)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a server asks to wait (``retry-after-ms``, ``Retry-After``); None if it does not say.

    ``Retry-After`` is a number of seconds or an HTTP date (RFC 9110, section 10.2.3).

    Args:
        headers: of the reply, with names in any case if the mapping ignores case, else in lower case.
        now: seconds since 1970; the clock's unless given.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = (headers.get(name) or "").strip()
        if not text:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            pass
        else:
            if math.isfinite(seconds):
                return max(0.0, seconds)
        try:
            moment = parsedate_to_datetime(text).timestamp()
        except (TypeError, ValueError):
            continue
        return max(0.0, moment - (time.time() if now is None else now))
    return None
