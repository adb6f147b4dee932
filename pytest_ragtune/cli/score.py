"""``ragtune score``: scores for answers that an application already gave."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from pytest_ragtune.logs import BadLine, ScoredRow, Tally, score_log
from pytest_ragtune.logs.reading import FIELDS, open_lines
from pytest_ragtune.reporting.log_page import LogPage

from .telling import Telling, warnings_once


def add_command(commands: Any) -> None:
    """Declare the command."""
    score = commands.add_parser(
        "score",
        help="score the answers in a log: faithfulness, relevance and any other metric",
        description=f"Reads one JSON object a line ({', '.join(FIELDS)}; .gz as well, - for the standard "
        "input) and writes one a row, in order: id, scores, reasons, claims with their nearest evidence. "
        "Exit code 0 when every row has every score, 1 when one is unscored, 2 when a line is no row.",
    )
    score.add_argument("file", metavar="FILE.jsonl", help="the log")
    score.add_argument(
        "--metric", action="append", required=True, metavar="NAME", help="may be given several times"
    )
    score.add_argument(
        "--judge", default="", metavar="NAME", help="nli, lexical, embedding, or a judge's folder"
    )
    score.add_argument("--out", type=Path, metavar="OUT.jsonl", help="write the rows here; default: stdout")
    score.add_argument(
        "--html",
        nargs="?",
        type=Path,
        const=Path(),
        metavar="PAGE.html",
        help="also write a page for people; beside OUT.jsonl, or the log, unless a file is named",
    )
    score.add_argument("--allow-unscored", action="store_true", help="exit code 0 in spite of unscored rows")
    score.set_defaults(run=_score)


def _score(arguments: argparse.Namespace) -> int:
    out, page_path = _places(arguments)
    tally, telling = Tally(), Telling("rows")
    page = LogPage(f"{Path(arguments.file).name}: {', '.join(arguments.metric)}") if page_path else None
    with ExitStack() as stack:
        stack.enter_context(warnings_once())
        items = score_log(
            stack.enter_context(open_lines(arguments.file)), arguments.metric, judge=_judge(arguments.judge)
        )
        stream = stack.enter_context(out.open("w", encoding="utf-8", errors="replace")) if out else sys.stdout
        for item in items:
            tally.add(item)
            _write(item, stream)
            if page is not None:
                page.add(item)
            telling(tally.rows)
    if page is not None and page_path is not None:
        with page_path.open("w", encoding="utf-8", errors="replace") as stream:
            stream.writelines(page.lines(tally))
        print(f"{page_path}", file=sys.stderr)
    return _conclude(tally, arguments)


def _judge(name: str) -> Any:
    """The judge of that name; None for the default one, which is made only when a metric needs it."""
    if not name:
        return None
    from pytest_ragtune.judges.choosing import named_judge

    return named_judge(name, embedder=_embedder)


def _embedder() -> Any:
    from pytest_ragtune.retrieval.embedding import SentenceEmbedder

    return SentenceEmbedder()


def _places(arguments: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Where rows and page go; neither may be the log itself."""
    out, page = arguments.out, arguments.html
    if page == Path():
        page = Path(f"{out or Path(arguments.file).name}").with_suffix(".html")
    for path in (out, page):
        if (
            path is not None
            and path.exists()
            and Path(arguments.file).exists()
            and path.samefile(arguments.file)
        ):
            raise ValueError(f"{path} is the log itself: expected another file to write to")
        if path is not None and not path.parent.is_dir():
            raise ValueError(f"{path} cannot be written: there is no folder {path.parent}")
    return out, page


def _write(item: ScoredRow | BadLine, stream: TextIO) -> None:
    if isinstance(item, BadLine):
        print(f"line {item.line}: {item.problem}", file=sys.stderr)
        return
    text = json.dumps(item.as_json(), ensure_ascii=False, allow_nan=False)
    stream.write(text.encode("utf-8", "replace").decode("utf-8") + "\n")


def _conclude(tally: Tally, arguments: argparse.Namespace) -> int:
    """Say how it went; returns the exit code."""
    for name in arguments.metric:
        mean = tally.mean(name)
        shown = "no score" if mean is None else f"mean {mean:.3f}"
        print(
            f"{name}: {shown}, {tally.scored.get(name, 0)} scored, {tally.unscored.get(name, 0)} unscored, "
            f"{tally.inapplicable.get(name, 0)} not applicable",
            file=sys.stderr,
        )
    print(f"{tally.rows} rows, {tally.bad} lines that are no row", file=sys.stderr)
    if tally.bad:
        return 2
    if not tally.rows:
        raise ValueError(f"{arguments.file} holds no row: expected one JSON object a line")
    is_whole = not tally.unscored and all(tally.scored.get(name) for name in arguments.metric)
    return 0 if is_whole or arguments.allow_unscored else 1
