"""What became of each fault under each test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["caught", "missed", "n/a", "error"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault under one test."""

    state: State
    """``caught``: an assertion failed; ``missed``: the test passed; ``n/a``: there was nowhere to plant
    it; ``error``: the test ended in something other than a failed assertion."""
    why: str = ""
    """First line of the failure or error; what is missing when it is not applicable."""
    kept: bool = False
    """True when contexts changed and the recorded answers were left as they were."""

    @classmethod
    def joined(cls, cells: Sequence[Cell]) -> Cell:
        """One cell for a test that runs once a case: caught as soon as one case catches it."""
        for state in ("caught", "error", "missed", "n/a"):
            found = [cell for cell in cells if cell.state == state]
            if found:
                return cls(found[0].state, found[0].why, any(cell.kept for cell in cells))
        raise ValueError("no cell to join: expected at least one run of the test")


@dataclass(frozen=True, slots=True)
class Matrix:
    """Faults by tests."""

    tests: tuple[str, ...]
    """Tests that pass when nothing is planted and use this plugin."""
    plants: Mapping[str, str]
    """Fault -> what it plants, in order."""
    cells: Mapping[tuple[str, str], Cell]
    """(fault, test) -> what became of it."""
    must_catch: tuple[str, ...] = ()
    """Faults that some test has to catch."""
    failed: tuple[str, ...] = ()
    """Tests left out because they do not pass when nothing is planted."""
    unused: int = 0
    """Tests left out because they ask no pipeline and no judge."""

    def row(self, fault: str) -> list[Cell]:
        """One cell a test."""
        return [self.cells[fault, test] for test in self.tests]

    def count(self, fault: str, state: State) -> int:
        """How many tests of a fault are in a state."""
        return sum(cell.state == state for cell in self.row(fault))

    @property
    def uncaught(self) -> list[str]:
        """The faults that had to be caught and were not, by any test; one that applied nowhere too."""
        return [name for name in self.must_catch if name in self.plants and not self.count(name, "caught")]
