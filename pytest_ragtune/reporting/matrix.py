"""The fault matrix as lines: for a terminal, as Markdown, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_ragtune.faults import Cell, Matrix

_GAP = "  "
_NOWHERE = "- there is nowhere to plant the fault in what the test asks; -v says what is missing"
_KEPT = "* contexts changed and the recorded answers were left as they were, not asked again"


def matrix_lines(matrix: Matrix, *, detail: bool = False) -> Iterator[str]:
    """The matrix for a terminal: faults by numbered tests, then the tests, then what is wrong.

    Args:
        matrix: what became of each fault under each test.
        detail: also say what each fault plants and why each test caught it or could not hold it.
    """
    if not matrix.tests:
        yield "no test that passes asks a pipeline or a judge: there is nothing to plant a fault under"
    else:
        yield from _grid(matrix)
        yield ""
        for number, test in enumerate(matrix.tests, start=1):
            yield f"{number:>3}  {test}"
        if not detail and any(cell.state == "n/a" for cell in matrix.cells.values()):
            yield _NOWHERE
        if any(cell.kept for cell in matrix.cells.values()):
            yield _KEPT
        if detail:
            yield ""
            yield from _details(matrix)
    yield from _remarks(matrix)


def summary_of(matrix: Matrix, fault: str) -> str:
    """``caught by 2 tests``, ``missed by all 3 tests``, ``not applicable``, with errors counted."""
    caught, missed = matrix.count(fault, "caught"), matrix.count(fault, "missed")
    errors = matrix.count(fault, "error")
    if caught:
        text = f"caught by {_tests(caught)}"
    elif missed:
        text = f"missed by {_tests(missed)}"
    else:
        text = "" if errors else "not applicable"
    broken = f"{errors} ended in an error" if errors else ""
    return ", ".join(part for part in (text, broken) if part)


def matrix_markdown(matrix: Matrix) -> Iterator[str]:
    """The matrix as a Markdown table, with what each fault plants."""
    yield "## Planted faults"
    yield ""
    heads = [f"[{number}]" for number in range(1, len(matrix.tests) + 1)]
    yield f"| fault | what is planted | {' | '.join([*heads, 'outcome'])} |"
    yield "|" + " --- |" * (len(heads) + 3)
    for fault, plants in matrix.plants.items():
        marks = [_mark(cell) for cell in matrix.row(fault)]
        yield f"| `{fault}` | {plants} | {' | '.join([*marks, summary_of(matrix, fault)])} |"
    yield ""
    for number, test in enumerate(matrix.tests, start=1):
        yield f"- [{number}] `{test}`"
    for remark in _remarks(matrix):
        yield f"- {remark}"
    if any(cell.kept for cell in matrix.cells.values()):
        yield f"- {_KEPT}"


def matrix_value(matrix: Matrix) -> dict[str, Any]:
    """The matrix as a value that JSON can carry."""
    return {
        "tests": list(matrix.tests),
        "faults": {
            fault: {
                "plants": plants,
                "must_catch": fault in matrix.must_catch,
                "outcome": summary_of(matrix, fault),
                "tests": {
                    test: {"state": cell.state, "why": cell.why, "answers_kept": cell.kept}
                    for test, cell in zip(matrix.tests, matrix.row(fault), strict=True)
                },
            }
            for fault, plants in matrix.plants.items()
        },
        "uncaught": matrix.uncaught,
        "left_out": {"failed": list(matrix.failed), "unused": matrix.unused},
    }


def _grid(matrix: Matrix) -> Iterator[str]:
    numbers = [str(number) for number in range(1, len(matrix.tests) + 1)]
    rows: list[Sequence[str]] = [["fault", *numbers, ""]]
    for fault in matrix.plants:
        name = f"{fault} !" if fault in matrix.must_catch else fault
        rows.append([name, *map(_mark, matrix.row(fault)), summary_of(matrix, fault)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(numbers) + 2)]
    for row in rows:
        yield _GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _mark(cell: Cell) -> str:
    return ("-" if cell.state == "n/a" else cell.state) + ("*" if cell.kept else "")


def _details(matrix: Matrix) -> Iterator[str]:
    for fault, plants in matrix.plants.items():
        yield f"{fault}: {plants}"
        for number, cell in enumerate(matrix.row(fault), start=1):
            why = f": {cell.why}" if cell.why else ""
            yield f"  {number:>3}  {_mark(cell)}{why}"


def _remarks(matrix: Matrix) -> Iterator[str]:
    for test in matrix.failed:
        yield f"left out, since it does not pass when nothing is planted: {test}"
    if matrix.unused:
        yield f"left out, since no pipeline or judge is asked: {_tests(matrix.unused)}"
    for fault in matrix.uncaught:
        outcome = summary_of(matrix, fault) if matrix.tests else "no test"
        yield f"ragtune_must_catch: no test catches {fault} ({outcome}): {matrix.plants[fault]}"


def _tests(number: int) -> str:
    return "1 test" if number == 1 else f"{number} tests"
