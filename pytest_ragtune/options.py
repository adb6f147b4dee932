"""Command-line options and ini values. Loaded in every pytest run, so it imports pytest only."""

from __future__ import annotations

import pytest

STORE = ".ragtune/store.sqlite3"
MARKER = (
    "golden_set(path, tags=(), cases=(), version=None): the golden set of a test, as a folder relative to "
    "the test file or to pytest's root; any of the tags, only the ids in cases, at that corpus version"
)
INI = (
    "ragtune_store",
    "ragtune_judge",
    "ragtune_undecided",
    "ragtune_budget",
    "ragtune_prices",
    "ragtune_must_catch",
    "ragtune_faults_reask",
)
_KINDS = ("--ragtune-faults", "--ragtune-selfcheck", "--ragtune-plan")


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and ini value."""
    group = parser.getgroup("ragtune", "evaluation of LLM pipelines (pytest-ragtune)")
    group.addoption(
        "--ragtune-case",
        action="append",
        default=[],
        metavar="ID",
        help="run only this case of the golden sets; may be given several times",
    )
    group.addoption(
        "--ragtune-store",
        metavar="FILE",
        help=f"record answers and judgements in this SQLite file (default: {STORE} in pytest's root folder)",
    )
    group.addoption(
        "--ragtune-replay",
        choices=("auto", "only", "off"),
        default="auto",
        help="auto: take recorded answers and judgements, compute and record the rest; only: what is not "
        "recorded is an error, nothing is computed; off: compute everything anew and record nothing",
    )
    group.addoption(
        "--ragtune-update-baselines",
        action="store_true",
        help="rewrite the baseline files that assert_no_regression reads; the tests still fail, so that "
        "nobody lands a baseline unseen; refused when CI is set",
    )
    group.addoption(
        "--ragtune-report",
        action="append",
        default=[],
        metavar="FILE",
        help="also write the table and the verdicts to FILE (.md or .json)",
    )
    _add_proofs(parser, group)
    _add_settings(parser)


def _add_settings(parser: pytest.Parser) -> None:
    """The ini values."""
    parser.addini("ragtune_store", "the store's file; --ragtune-store overrides it", default="")
    parser.addini(
        "ragtune_judge",
        "default judge of faithfulness and relevance: nli (the embedded model), "
        "lexical, embedding, or a folder made by ragtune train-judge",
        default="",
    )
    parser.addini(
        "ragtune_undecided",
        "what an undecided check does: fail, warn or pass; by default thresholds fail, regressions warn",
        default="",
    )
    parser.addini(
        "ragtune_budget",
        "most that one run may ask: calls = N, tokens = N, money = X; it stops before the batch that would "
        "exceed it",
        type="linelist",
        default=[],
    )
    parser.addini(
        "ragtune_prices",
        "prices per million tokens, one model a line: MODEL = INPUT OUTPUT",
        type="linelist",
        default=[],
    )


def _add_proofs(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    """The options that put the suite itself to the proof."""
    group.addoption(
        "--ragtune-faults",
        nargs="?",
        const="all",
        metavar="NAME,...",
        help="also run the tests under planted faults (all, or those named): which test catches which",
    )
    group.addoption(
        "--ragtune-plan",
        action="store_true",
        help="ask nothing: count what the tests would ask, what it would cost, and the smallest drop that "
        "each check could detect",
    )
    group.addoption(
        "--ragtune-selfcheck",
        type=int,
        metavar="N",
        help="also decide every check again N times over cases drawn anew: how often would it cry wolf?",
    )
    parser.addini(
        "ragtune_must_catch",
        "faults that a test has to catch, one a line: --ragtune-faults fails when none does",
        type="linelist",
        default=[],
    )
    parser.addini(
        "ragtune_faults_reask",
        "whether generators answer again when a planted fault changes their context: yes, ranked (not over a "
        "whole corpus) or no (the recorded answers are left as they were)",
        default="yes",
    )


def check_options(config: pytest.Config) -> None:
    """Refuse wrong use before anything runs."""
    import os

    if config.getoption("ragtune_update_baselines") and os.environ.get("CI"):
        raise pytest.UsageError(
            "--ragtune-update-baselines was given and CI is set: a baseline is reviewed by a person before "
            "it is committed; run this command on your own machine"
        )
    _check_budget(config)
    for option in given_kinds(config):
        _check_alone(config, option)
    _check_names(config)
    for name in config.getoption("ragtune_report"):
        if not name.endswith((".md", ".json")) or (config.invocation_params.dir / name).is_dir():
            raise pytest.UsageError(f"--ragtune-report={name}: expected a file that ends in .md or .json")
    for ini, allowed in (
        ("ragtune_judge", ("", "nli", "lexical", "embedding")),
        ("ragtune_undecided", ("", "fail", "warn", "pass")),
        ("ragtune_faults_reask", ("yes", "ranked", "no")),
    ):
        if config.getini(ini) not in allowed and not (ini == "ragtune_judge" and judge_folder(config)):
            wanted = ", ".join(value for value in allowed if value)
            raise pytest.UsageError(
                f"{ini} = {config.getini(ini)!r} in the ini file: expected one of {wanted}"
            )


def is_report_due(config: pytest.Config) -> bool:
    """Whether a report of the tests was asked for, whatever they measured."""
    return bool(config.getoption("ragtune_report")) and not (given_kinds(config) or config.option.collectonly)


def _check_names(config: pytest.Config) -> None:
    """Refuse an ini value of ours that does not exist: it would be left out in silence."""
    overridden = [text.partition("=")[0] for text in config.getoption("override_ini") or ()]
    own = vars(config)  # pytest tells the names in no other way; the attribute is another from version 9 on
    for name in (*own.get("_inicfg", own.get("inicfg", ())), *overridden):
        if name.startswith("ragtune") and name not in INI:
            import difflib

            close = difflib.get_close_matches(name, INI, n=1)
            advice = f"did you mean {close[0]}?" if close else f"known are {', '.join(INI)}"
            raise pytest.UsageError(f"{name} in the ini file: there is no such value; {advice}")


def _check_budget(config: pytest.Config) -> None:
    """Refuse a budget or a price table that cannot be read."""
    lines, prices = config.getini("ragtune_budget"), config.getini("ragtune_prices")
    if not lines and not prices:
        return
    from .budget import read_budget
    from .prices import read_prices

    try:
        read_budget(lines)
        read_prices(prices)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def judge_folder(config: pytest.Config) -> str:
    """The folder that ``ragtune_judge`` names, from pytest's root folder; empty where it names none."""
    folder = config.rootpath / config.getini("ragtune_judge")
    return str(folder) if (folder / "judge.json").is_file() else ""


def _check_alone(config: pytest.Config, option: str) -> None:
    """Refuse what a run of another kind cannot go with."""
    other_kinds = [name for name in given_kinds(config) if name != option]
    for other, is_given, why in (
        ("-n", config.getoption("numprocesses", None), "it runs in one process: leave -n out, or give -n 0"),
        (
            "--ragtune-update-baselines",
            config.getoption("ragtune_update_baselines"),
            "baselines are never written under a fault or from a plan: update them first",
        ),
        (" ".join(other_kinds), other_kinds, "each is a run of its own"),
        ("--pdb", config.getoption("usepdb", False), "it would stop at every test that it makes fail"),
    ):
        if is_given:
            raise pytest.UsageError(f"{option} does not go with {other}: {why}")


def given_kinds(config: pytest.Config) -> list[str]:
    """The options given that make a run one of another kind."""
    given = {name: config.getoption(name) for name in _KINDS}
    return [name for name, value in given.items() if value is not None and value is not False]
