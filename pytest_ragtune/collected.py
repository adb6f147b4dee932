"""What finished tests have measured, gathered on the process that reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .budget import shown
from .gate import merged_scores
from .records import Verdict
from .report_files import write_reports
from .reporting.json import report_value, verdict_from_value
from .reporting.markdown import markdown_lines
from .reporting.summary import SummaryRow
from .reporting.table import summary_lines


class Collected:
    """Figures and verdicts of a whole run, from this process or from workers."""

    def __init__(self) -> None:
        self.rows: list[SummaryRow] = []
        self._verdicts: dict[str, list[Verdict]] = {}
        self.scores: list[dict[str, Any]] = []
        self.budget: dict[str, list[float]] = {}

    def keep(self, report: pytest.TestReport) -> None:
        """Take what a finished test has measured; of its verdicts those of the last attempt count."""
        self._verdicts[report.nodeid] = []
        for name, text in report.user_properties:
            if name == "ragtune_evaluation":
                self.rows.append(SummaryRow.from_json(str(text)))
            elif name == "ragtune_scores":
                self.scores.append(json.loads(str(text)))
            elif name == "ragtune_budget":
                self.budget = max(self.budget, json.loads(str(text)), key=_used)
            elif name == "ragtune_verdict":
                self._verdicts[report.nodeid].append(verdict_from_value(json.loads(str(text))))

    @property
    def verdicts(self) -> list[Verdict]:
        """Of every test, in order."""
        return [verdict for verdicts in self._verdicts.values() for verdict in verdicts]

    def show(self, terminal: pytest.TerminalReporter) -> None:
        """Print the table and the verdicts that did not pass, and write the report files."""
        width = terminal._tw.fullwidth if terminal.isatty else 120
        lines = list(summary_lines(self.rows, self.verdicts, width=max(80, width)))
        if lines:
            terminal.write_sep("=", "ragtune")
            for line in lines:
                terminal.write_line(line)
            if self.budget:
                terminal.write_line(f"budget: {', '.join(_spent(*entry) for entry in self.budget.items())}")
        write_reports(terminal, self._write)

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".json":
            value = report_value(self.rows, self.verdicts) | {"scores": merged_scores(self.scores)}
            text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        else:
            text = "\n".join(markdown_lines(self.rows, self.verdicts))
        path.write_text(text + "\n", encoding="utf-8")


def _used(status: dict[str, list[float]]) -> float:
    return sum(spent for spent, _ in status.values())


def _spent(kind: str, status: list[float]) -> str:
    return f"{shown(status[0], kind)} of {shown(status[1], kind)} spent"
