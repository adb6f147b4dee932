"""Progress of long work reaches the person, past pytest's capture, without drowning a log."""

from __future__ import annotations

import io
import sys

import pytest

from pytest_ragtune.progress import ProgressLines


class Stream(io.StringIO):
    def __init__(self, is_live: bool) -> None:
        super().__init__()
        self.is_live = is_live

    def isatty(self) -> bool:
        return self.is_live


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("pytest_ragtune.progress.time.monotonic", lambda: now[0])
    return now


def said(
    monkeypatch: pytest.MonkeyPatch,
    config: pytest.Config,
    clock: list[float],
    is_live: bool,
    silent: bool = False,
) -> str:
    """What 100 steps of one second each write."""
    stream = Stream(is_live)
    monkeypatch.setattr(sys, "__stderr__", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    lines = ProgressLines(config, silent=silent)
    lines._capture = None
    for step in range(101):
        clock[0] = float(step)
        lines(step, 100, "rag")
    return stream.getvalue()


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, clock: list[float]
) -> None:
    lines = said(monkeypatch, pytestconfig, clock, is_live=False).strip().splitlines()
    assert lines[0] == "ragtune: rag 15/100 in 15 s, about 85 s left"
    assert lines[-1] == "ragtune: rag 100/100 in 100 s"
    assert len(lines) == 7


def test_a_terminal_gets_one_line_redrawn(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, clock: list[float]
) -> None:
    text = said(monkeypatch, pytestconfig, clock, is_live=True)
    assert text.count("\n") == 1
    assert text.count("\r") > 50
    assert text.rstrip().endswith("ragtune: rag 100/100 in 100 s")


def test_short_work_and_workers_say_nothing(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, clock: list[float]
) -> None:
    assert said(monkeypatch, pytestconfig, clock, is_live=False, silent=True) == ""
    stream = Stream(False)
    monkeypatch.setattr(sys, "__stderr__", stream)
    lines = ProgressLines(pytestconfig)
    for step in range(5):
        clock[0] = 1000.0 + step
        lines(step, 4, "quick")
    assert stream.getvalue() == ""


def test_a_generator_s_steps_count_for_its_pipeline(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, clock: list[float]
) -> None:
    stream = Stream(False)
    monkeypatch.setattr(sys, "__stderr__", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    lines = ProgressLines(pytestconfig)
    lines._capture = None
    steps = [
        (0, 40, "rag"),
        (10, 20, "generate"),
        (20, 20, "generate"),
        (20, 40, "rag"),
        (10, 20, "generate"),
    ]
    for number, step in enumerate([*steps, (20, 20, "generate"), (40, 40, "rag"), (1, 2, "generate")]):
        clock[0] = 20.0 * number
        lines(*step)
    assert [line.split(" in ")[0] for line in stream.getvalue().split("\n") if line] == [
        "ragtune: rag 10/40",
        "ragtune: rag 20/40",
        "ragtune: rag 20/40",
        "ragtune: rag 30/40",
        "ragtune: rag 40/40",
    ]


def test_an_end_is_told_once(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, clock: list[float]
) -> None:
    stream = Stream(False)
    monkeypatch.setattr(sys, "__stderr__", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    lines = ProgressLines(pytestconfig)
    lines._capture = None
    for done in (0, 1, 2, 2, 2):
        clock[0] += 20.0
        lines(done, 2, "train adapter")
    assert stream.getvalue().count("2/2") == 1
