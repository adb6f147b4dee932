"""A budget of calls, tokens and money: stops before the batch that would exceed it.

What was spent is kept in a small file beside the store, one line a run, so that all workers of a run
spend from one purse. Before a batch its most is set aside; afterwards what it really took is put in
its place.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import RagtuneError
from .prices import Estimate, Price, estimate, name_of, price_of
from .records import Generation

KINDS = ("calls", "tokens", "money")
_TABLE = (
    "CREATE TABLE IF NOT EXISTS spent "
    "(run TEXT PRIMARY KEY, calls REAL, tokens REAL, money REAL, stopped TEXT)"
)
_KEPT_RUNS = 20
_PATIENCE = 60.0


class BudgetError(RagtuneError):
    """A budget that cannot be kept: the price or the size of a call is unknown."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls, tokens and money."""

    calls: float = 0
    """Prompts asked, of judges too."""
    tokens: float = 0
    """Read and written."""
    money: float = 0
    """In the currency of the price table."""

    def plus(self, other: Spent, sign: int = 1) -> Spent:
        """The sum, or with ``sign`` -1 the difference."""
        return Spent(*(getattr(self, kind) + sign * getattr(other, kind) for kind in KINDS))


def read_budget(lines: Sequence[str]) -> dict[str, float]:
    """The limits of the ini value ``ragtune_budget``: ``calls = 500``, one a line or with commas between.

    Raises:
        ValueError: a limit is unknown, named twice, or no number above 0.
    """
    found: dict[str, float] = {}
    for part in (part.strip() for line in lines for part in line.split(",")):
        if not part:
            continue
        name, _, text = (piece.strip() for piece in part.partition("="))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if name not in KINDS or not 0 < value < math.inf or name in found:
            raise ValueError(
                f"ragtune_budget: found {part!r}; expected calls = N, tokens = N or money = X, each at most "
                "once and above 0"
            )
        found[name] = value
    return found


class Ledger:
    """What the processes of a run have spent together.

    Args:
        path: the file; None for one process.
        run: names the run.
    """

    def __init__(self, path: Path | None, run: str) -> None:
        self.path, self.run = path, run
        self._lock = threading.Lock()
        self._alone = (Spent(), "")

    def change(self, amount: Spent, limits: Mapping[str, float] | None = None) -> str:
        """Add ``amount``; with limits, unless one would be exceeded: then say so, now and ever after."""
        with self._lock, self._opened() as state:
            spent, stopped = state[0]
            if limits is not None:
                stopped = stopped or _excess(spent, amount, limits)
            state[0] = (spent if limits is not None and stopped else spent.plus(amount), stopped)
            return stopped

    def spent(self) -> Spent:
        """What was spent so far."""
        with self._lock, self._opened() as state:
            return state[0][0]

    @contextmanager
    def _opened(self) -> Iterator[list[tuple[Spent, str]]]:
        """The state in a list of one; what stands there afterwards is kept."""
        if self.path is None:
            alone = [self._alone]
            yield alone
            self._alone = alone[0]
            return
        if not self.path.parent.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            (self.path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous=OFF")
            file.execute("BEGIN IMMEDIATE")
            file.execute(_TABLE)
            names = ", ".join((*KINDS, "stopped"))
            row = file.execute(f"SELECT {names} FROM spent WHERE run = ?", (self.run,)).fetchone()
            state = [(Spent(*row[:3]), row[3]) if row else (Spent(), "")]
            yield state
            spent, stopped = state[0]
            values = (self.run, *(getattr(spent, kind) for kind in KINDS), stopped)
            if row is None:
                oldest = f"SELECT rowid FROM spent ORDER BY rowid DESC LIMIT -1 OFFSET {_KEPT_RUNS}"
                file.execute(f"DELETE FROM spent WHERE rowid IN ({oldest})")
                file.execute("INSERT INTO spent VALUES (?, ?, ?, ?, ?)", values)
            else:
                changes = ", ".join(f"{name} = ?" for name in (*KINDS, "stopped"))
                file.execute(f"UPDATE spent SET {changes} WHERE run = ?", (*values[1:], self.run))
            file.execute("COMMIT")


def _excess(spent: Spent, amount: Spent, limits: Mapping[str, float]) -> str:
    for kind, limit in limits.items():
        have, wanted = getattr(spent, kind), getattr(amount, kind)
        if have + wanted > limit + 1e-9:
            return (
                f"not asked: the next batch needs up to {shown(wanted, kind)}, {shown(have, kind)} of "
                f"{shown(limit, kind)} are spent (ragtune_budget)"
            )
    return ""


def shown(value: float, kind: str) -> str:
    """``1,200 calls``, ``0.35 money``."""
    return f"{value:,.4g} money" if kind == "money" else f"{value:,.0f} {kind}"


class BudgetMeter:
    """Lets calls through while the budget lasts; afterwards every prompt gets an error that says so.

    Args:
        limits: as from :func:`read_budget`.
        prices: as from :func:`pytest_ragtune.prices.read_prices`.
        ledger: keeps what was spent.
    """

    def __init__(self, limits: Mapping[str, float], prices: Mapping[str, Price], ledger: Ledger) -> None:
        self.limits, self.prices, self.ledger = dict(limits), dict(prices), ledger
        self._open: dict[int, Spent] = {}

    def begin(self, generator: Any, prompts: Sequence[Any]) -> list[Generation] | None:
        """Set the most that a batch can take aside; when that exceeds the budget, errors in its place.

        Raises:
            BudgetError: a budget of money meets a model without a price.
        """
        most = self._cost(generator, len(prompts), self._most(generator, prompts))
        stopped = self.ledger.change(most, self.limits)
        if stopped:
            return [Generation(None, error=stopped) for _ in prompts]
        self._open[id(prompts)] = most
        return None

    def end(self, generator: Any, prompts: Sequence[Any], answers: Sequence[Any]) -> None:
        """Put what a batch really took in the place of what was set aside.

        Raises:
            BudgetError: a budget of tokens or money meets an application that does not count them.
        """
        most = self._open.pop(id(prompts))
        tokens = [(answer.prompt_tokens, answer.completion_tokens) for answer in answers]
        known = [pair for pair in tokens if None not in pair]
        if len(known) < len(tokens) and not hasattr(generator, "generate"):
            self._need_counts(generator, answers)
        read, written = (sum(pair[side] or 0 for pair in known) for side in (0, 1))
        share = (len(prompts) - len(known)) / max(len(prompts), 1)  # what was not counted stays at its most
        took = self._cost(generator, 0, Estimate(read, written, True))
        rest = Spent(most.calls, share * most.tokens, share * most.money)
        self.ledger.change(took.plus(rest).plus(most, -1))

    def _most(self, generator: Any, prompts: Sequence[Any]) -> Estimate:
        is_application = not hasattr(generator, "generate")
        return Estimate(0, 0, False) if is_application else estimate(generator, prompts)

    def _cost(self, generator: Any, calls: int, tokens: Estimate) -> Spent:
        price = price_of(generator, self.prices)
        if price is None and "money" in self.limits:
            name = name_of(generator)
            raise BudgetError(
                f"ragtune_budget limits money, but the price of {name!r} is unknown; expected a line in the "
                f"ini file, per million tokens read and written:\n  ragtune_prices =\n      {name} = INPUT "
                "OUTPUT"
            )
        money = 0.0 if price is None else price.of(tokens.read, tokens.written)
        return Spent(calls, tokens.read + tokens.written, money)

    def _need_counts(self, application: Any, answers: Sequence[Any]) -> None:
        uncounted = [a for a in answers if a.error is None and None in (a.prompt_tokens, a.completion_tokens)]
        if uncounted and {"tokens", "money"} & set(self.limits):
            raise BudgetError(
                f"ragtune_budget limits tokens or money, but {name_of(application)} does not say how many "
                "tokens an answer took; expected Response(text, prompt_tokens=..., completion_tokens=...), "
                "or a budget of calls"
            )

    def status(self) -> dict[str, list[float]]:
        """Limit -> what was spent, and the limit."""
        spent = self.ledger.spent()
        return {kind: [getattr(spent, kind), limit] for kind, limit in self.limits.items()}
