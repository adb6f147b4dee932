"""The errors of pytest-ragtune, drawn as a tree.

RagtuneError
├── GoldenSetError     a golden set or corpus is broken: every problem at once, with file and line
├── BaselineError      a baseline is missing, damaged, or belongs to something else
├── StoreError         the store of responses and judgements cannot be read or written
├── MissingExtra       an optional library is absent or itself broken
├── ContextOverflow    a prompt does not fit the model's context window
├── ModelError         a folder or name does not hold the model it should
└── AdapterError       a LoRA adapter is damaged, does not match, or changes nothing

A failed check raises the built-in ``AssertionError``. A wrong pytest option is a
``pytest.UsageError``. A judge in trouble is an unscored ``Score``, not an error.

Every message has three parts: what was found, what was expected, what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class RagtuneError(Exception):
    """Base of every error that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file that a person wrote."""

    file: str
    """Path of the file, as the user would open it."""
    line: int | None
    """Line number, from 1; None when the problem is the file as a whole."""
    field: str | None
    """Name of the field in question; None when no single field is to blame."""
    found: str
    """What stands there."""
    expected: str
    """What should stand there, or what to do."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        field = "" if self.field is None else f" {self.field}:"
        return f"{place}:{field} found {self.found}; expected {self.expected}"


_SHOWN = 50  # problems in one message: more is a wall nobody reads


class GoldenSetError(RagtuneError):
    """A golden set or corpus is broken; ``problems`` holds every problem, the message the first 50."""

    def __init__(self, what: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = [f"{what}: {count}", *(f"  {problem}" for problem in self.problems[:_SHOWN])]
        if len(self.problems) > _SHOWN:
            lines.append(f"  and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join(lines))


class BaselineError(RagtuneError):
    """A baseline is missing, damaged, or belongs to another golden set or metric."""


class StoreError(RagtuneError):
    """The store of responses and judgements cannot be read or written."""


class MissingExtra(RagtuneError):
    """An optional library is absent, or present but broken; ``__cause__`` holds the import error."""


class ContextOverflow(RagtuneError):
    """A prompt does not fit the context window.

    Args:
        needed: tokens the prompt needs, the room for the answer included.
        allowed: tokens the model takes.
        first_left_out: id of the first passage that did not fit; None when the question alone is too long.
    """

    def __init__(self, needed: int, allowed: int, first_left_out: str | None = None) -> None:
        self.needed, self.allowed, self.first_left_out = needed, allowed, first_left_out
        if first_left_out is None:
            todo = "shorten the question or choose a model with a larger window"
        else:
            todo = (
                f"the first passage that did not fit is {first_left_out!r}; "
                "lower k, shorten the passages, or pass overflow='truncate' to WholeCorpus"
            )
        super().__init__(f"the prompt needs {needed} tokens, the window holds {allowed}; {todo}")


class ModelError(RagtuneError):
    """A folder or name does not hold the model it should."""


class AdapterError(RagtuneError):
    """A LoRA adapter is damaged, does not match its base weights, or changes no output."""
