"""Baseline files: JSON Lines in UTF-8, read strictly, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytest_ragtune.errors import BaselineError
from pytest_ragtune.records import Evaluation

from .contents import Baseline, BaselineCase, baseline_of

SCHEMA = 1
"""The schema that this version writes, and the newest that it reads."""
UPDATE = "--ragtune-update-baselines"
"""The option of the pytest plugin that writes baselines."""
_KIND = "pytest-ragtune baseline"
_HEADER = {"pipeline": str, "golden_set": str, "fingerprint": str, "metrics": dict}
_OPTIONAL = {"pipeline_identity": str}
_CASE = {"id": str, "scores": dict}
_LARGEST = 1e300  # a larger number is no score
_REPAIR = f"restore the file from version control, or write it again with pytest and {UPDATE}"


def write_baseline(
    evaluation: Evaluation, path: Path | str, *, metrics: Iterable[str] | None = None, merge: bool = True
) -> Baseline:
    """Write an evaluation's scores as a baseline, whole or not at all.

    Args:
        evaluation: what was measured.
        path: the file; folders above it are made.
        metrics: the metrics to write; None for all.
        merge: keep what the file already holds about other cases and other metrics, where it is of
            the same pipeline, golden set and metric identity (and, for other metrics of a case, of
            the same response). A file that cannot be read is replaced.

    Returns:
        What was written.

    Raises:
        BaselineError: the file cannot be written.
        KeyError: a metric was not computed.
    """
    path, baseline = Path(path), baseline_of(evaluation, metrics)
    if merge and path.is_file():
        baseline = _merged(path, baseline)
    text = "".join(f"{json.dumps(line, sort_keys=True, ensure_ascii=False)}\n" for line in _lines(baseline))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise BaselineError(f"{path}: cannot be written ({error}); expected a writable folder") from error
    return baseline


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)  # mkstemp makes it private; a reviewed file is not
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _lines(baseline: Baseline) -> Iterator[dict[str, Any]]:
    yield {
        "kind": _KIND,
        "schema": SCHEMA,
        "version": _version(),
        "pipeline": baseline.pipeline,
        "golden_set": baseline.golden_set,
        "fingerprint": baseline.fingerprint,
        "metrics": dict(baseline.metrics),
    } | ({"pipeline_identity": baseline.pipeline_identity} if baseline.pipeline_identity else {})
    for _, case in sorted(baseline.cases.items()):
        line: dict[str, Any] = {"id": case.id, "scores": dict(case.scores)}
        extra = {"reasons": dict(case.reasons), "not_applicable": sorted(case.not_applicable)}
        extra |= {"case": case.case, "response": case.response}
        yield line | {name: value for name, value in extra.items() if value}


def _version() -> str:
    try:
        return version("pytest-ragtune")
    except PackageNotFoundError:
        return "unknown"


def _merged(path: Path, new: Baseline) -> Baseline:
    """The new baseline, with what still holds of the one on disk."""
    try:
        old = read_baseline(path)
    except BaselineError:
        return new
    if (old.pipeline, old.fingerprint) != (new.pipeline, new.fingerprint):
        return new
    kept = {name: identity for name, identity in old.metrics.items() if name not in new.metrics}
    holds = kept | {
        name: identity for name, identity in old.metrics.items() if new.metrics.get(name) == identity
    }
    cases = {case_id: _only(case, holds) for case_id, case in old.cases.items()}
    for case_id, case in new.cases.items():
        before = cases.get(case_id)
        is_same = before is not None and before.response == case.response
        cases[case_id] = _joined(_only(before, kept), case) if before is not None and is_same else case
    cases = {case_id: case for case_id, case in cases.items() if case.scores}
    used = {name for case in cases.values() for name in case.scores}
    metrics = {name: identity for name, identity in {**kept, **new.metrics}.items() if name in used}
    same = all(case_id in new.cases for case_id in cases) or old.pipeline_identity == new.pipeline_identity
    identity = new.pipeline_identity if same else ""
    return Baseline(new.pipeline, new.golden_set, new.fingerprint, metrics, cases, new.source, identity)


def _only(case: BaselineCase, names: Container[str]) -> BaselineCase:
    return BaselineCase(
        case.id,
        {name: value for name, value in case.scores.items() if name in names},
        {name: reason for name, reason in case.reasons.items() if name in names},
        tuple(name for name in case.not_applicable if name in names),
        case.case,
        case.response,
    )


def _joined(old: BaselineCase, new: BaselineCase) -> BaselineCase:
    return BaselineCase(
        new.id,
        {**old.scores, **new.scores},
        {**old.reasons, **new.reasons},
        tuple(sorted({*old.not_applicable, *new.not_applicable})),
        new.case,
        new.response,
    )


def read_baseline(path: Path | str) -> Baseline:
    """Read a baseline.

    Raises:
        BaselineError: the file is missing, cannot be read, or is damaged; the message names file and
            line, what was found, what was expected and what to do.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise BaselineError(f"{path}: no such baseline; run the tests once with {UPDATE}") from error
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read ({error}); {_REPAIR}") from error
    except UnicodeDecodeError as error:
        raise BaselineError(f"{path}: is not UTF-8 ({error}); {_REPAIR}") from error
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise BaselineError(f"{path}: is empty; expected a header line and one line a case; {_REPAIR}")
    header = _header(path, *lines[0])
    cases: dict[str, BaselineCase] = {}
    places: dict[str, int] = {}
    for number, line in lines[1:]:
        case = _case(path, number, line, header["metrics"])
        if case.id in cases:
            raise _damage(
                path,
                number,
                f"case {case.id!r} a second time (first on line {places[case.id]})",
                "each case once",
            )
        cases[case.id], places[case.id] = case, number
    fields = {name: header[name] for name in (*_HEADER, *_OPTIONAL) if name in header}
    return Baseline(**fields, cases=cases, source=shown(path))


def shown(path: Path) -> str:
    """The path as a person at the current folder would write it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _damage(path: Path, number: int, found: str, expected: str) -> BaselineError:
    return BaselineError(f"{path}:{number}: found {found}; expected {expected}; {_REPAIR}")


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise _damage(path, number, constant, "a finite number, or null with a reason")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise _damage(path, number, f"{name!r} twice in one object", "each name once")
        return dict(pairs)

    if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        raise _damage(path, number, f"the mark of an unfinished merge ({line[:20]!r})", "one side of it")
    try:
        value = json.loads(line, parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise _damage(path, number, f"broken JSON ({error})", "one JSON object") from error
    if not isinstance(value, dict):
        raise _damage(path, number, f"{value!r:.60}", "one JSON object")
    return value


def _header(path: Path, number: int, line: str) -> dict[str, Any]:
    header = _object(path, number, line)
    if header.get("kind") != _KIND:
        raise _damage(path, number, f"no header ({line[:60]!r})", f'a first line with "kind": "{_KIND}"')
    schema = header.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise BaselineError(
            f"{path}:{number}: found schema {schema}; this version reads up to {SCHEMA}; "
            "upgrade pytest-ragtune to the version that wrote the file"
        )
    if type(schema) is not int or schema < 1:
        raise _damage(
            path, number, f"schema {schema!r}", "1" if SCHEMA == 1 else f"a whole number from 1 to {SCHEMA}"
        )
    _typed(path, number, header, _HEADER | {n: kind for n, kind in _OPTIONAL.items() if n in header})
    for name, identity in header["metrics"].items():
        if not isinstance(identity, str):
            raise _damage(path, number, f"identity {identity!r} of metric {name!r}", "a string")
    return header


def _typed(path: Path, number: int, value: Mapping[str, Any], wanted: Mapping[str, type]) -> None:
    for name, kind in wanted.items():
        if not isinstance(value.get(name), kind):
            found = f"{name} {value[name]!r:.60}" if name in value else f"no {name!r}"
            raise _damage(path, number, found, f"{name!r} as {'an object' if kind is dict else 'a string'}")


def _case(path: Path, number: int, line: str, metrics: Mapping[str, str]) -> BaselineCase:
    value = _object(path, number, line)
    _typed(path, number, value, _CASE)
    optional = {"reasons": dict, "case": str, "response": str}
    _typed(path, number, value, {name: kind for name, kind in optional.items() if name in value})
    not_applicable = value.get("not_applicable", [])
    if not isinstance(not_applicable, list):
        raise _damage(path, number, f"not_applicable {not_applicable!r:.60}", "a list of metric names")
    reasons, scores = value.get("reasons", {}), value["scores"]
    for name, reason in reasons.items():
        if not isinstance(reason, str):
            raise _damage(path, number, f"reason {reason!r:.60} for {name!r}", "a string")
    for name, score in scores.items():
        _check_score(path, number, name, score, reasons, metrics)
    return BaselineCase(
        value["id"],
        scores,
        reasons,
        tuple(map(str, not_applicable)),
        value.get("case", ""),
        value.get("response", ""),
    )


def _check_score(
    path: Path, number: int, name: str, score: Any, reasons: Mapping[str, str], metrics: Mapping[str, str]
) -> None:
    if name not in metrics:
        raise _damage(path, number, f"a score of {name!r}", f"a metric of the header: {sorted(metrics)}")
    if score is None and not reasons.get(name):
        raise _damage(
            path, number, f"null for {name!r} without a reason", f'"reasons" to say why {name!r} is null'
        )
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    if score is not None and not (is_number and abs(score) <= _LARGEST):
        raise _damage(path, number, f"{score!r:.60} for {name!r}", "a finite number, or null with a reason")
