"""Golden sets by marker: finding, selecting, and one test a case."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from .errors import GoldenSetError
from .golden import load_golden_set
from .records import Case, GoldenSet
from .session import Companions

_ASKED = pytest.StashKey[dict[str, GoldenSet]]()
_MARKED = pytest.StashKey[dict[tuple[Path, int], tuple[pytest.Mark | None, GoldenSet]]]()
_LOADED = pytest.StashKey[dict[tuple[Path, str | None], GoldenSet]]()


def parametrise_cases(metafunc: pytest.Metafunc) -> None:
    """Parametrise ``golden_case`` over the cases that the test's marker selects.

    Raises:
        pytest.Collector.CollectError: as :func:`marked_golden_set`.
    """
    if any("golden_case" in _argnames(mark) for mark in metafunc.definition.iter_markers("parametrize")):
        return
    try:
        golden_set = marked_golden_set(metafunc.definition)
    except pytest.UsageError as error:
        raise pytest.Collector.CollectError(str(error)) from None  # shown without our own frames
    metafunc.config.stash.setdefault(_ASKED, {})[metafunc.definition.nodeid] = golden_set
    metafunc.parametrize("golden_case", golden_set.cases, ids=[case.id for case in golden_set.cases])


def marked_golden_set(node: pytest.Item) -> GoldenSet:
    """The golden set of a test: by its marker, or the folder that the test file lies in.

    Raises:
        pytest.UsageError: neither is there, the marker is misused, or the golden set is broken.
    """
    mark = node.get_closest_marker("golden_set")
    known = node.config.stash.setdefault(_MARKED, {})
    key = (node.path.parent, id(mark))
    if key not in known:
        known[key] = (mark, _marked(node, mark))  # the mark is kept, so that its id stays its own
    return known[key][1]


def _marked(node: pytest.Item, mark: pytest.Mark | None) -> GoldenSet:
    folder, tags, cases, version = _read(node, mark)
    golden_set = _load(node.config, folder, version)
    only = node.config.getoption("ragtune_case")
    known = {case.id for case in golden_set.cases}
    if missing := [name for name in cases if name not in known]:
        raise pytest.UsageError(
            f"golden set {folder}: cases={missing!r} are not among its {len(known)} cases"
            f"{_advice(missing[0], known)}"
        )
    tagged = {tag for case in golden_set.cases for tag in case.tags}
    if unknown := [tag for tag in tags if tag not in tagged]:
        raise pytest.UsageError(
            f"golden set {folder}: no case has any of the tags {unknown!r}; "
            f"its tags are {', '.join(sorted(tagged)) or 'none'}"
        )
    selected = golden_set.select(tags=tags, cases=cases)
    if not selected.cases:
        raise pytest.UsageError(
            f"golden set {folder}: none of cases={list(cases)!r} has any of the tags {list(tags)!r}"
        )
    return selected.select(cases=only) if only else selected


def check_known_cases(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Refuse a ``--ragtune-case`` that no golden set of the collected tests holds.

    Raises:
        pytest.UsageError: an id is unknown; names the closest ones.
    """
    for item in items:
        if "golden_set" in getattr(item, "fixturenames", ()):
            try:
                marked_golden_set(item)
            except (
                pytest.UsageError
            ):  # the test itself says so, and this set may be the one that has the case
                return
    loaded = config.stash.get(_LOADED, {}).values()
    known = sorted({case.id for golden_set in loaded for case in golden_set.cases})
    for name in config.getoption("ragtune_case"):
        if known and name not in known:
            raise pytest.UsageError(
                f"--ragtune-case={name}: none of the {len(known)} cases of the golden sets has this id"
                f"{_advice(name, known)}"
            )


def _advice(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _argnames(mark: pytest.Mark) -> list[str]:
    names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def _read(
    node: pytest.Item, mark: pytest.Mark | None
) -> tuple[Path, Sequence[str], Sequence[str], str | None]:
    if mark is None:
        if (node.path.parent / "golden_set.toml").is_file():
            return node.path.parent, (), (), None
        raise pytest.UsageError(
            f"{node.nodeid} uses a golden set but names none: mark it with "
            "@pytest.mark.golden_set('path/to/folder'), or put it beside a golden_set.toml"
        )
    options: dict[str, Any] = {"tags": (), "cases": (), "version": None}
    paths = [*mark.args, *(value for name, value in mark.kwargs.items() if name == "path")]
    options |= {name: value for name, value in mark.kwargs.items() if name != "path" and value is not None}
    for name in ("tags", "cases"):
        if isinstance(options[name], str):
            options[name] = [options[name]]
    if not _is_understood(paths, **options):
        given = [*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())]
        raise pytest.UsageError(
            f"{node.nodeid}: golden_set({', '.join(given)}) is not understood; expected "
            "golden_set(path, tags=[...], cases=[...], version=...), all of them texts"
        )
    return _folder(node, Path(paths[0])), tuple(options["tags"]), tuple(options["cases"]), options["version"]


def _is_understood(
    paths: Sequence[Any], tags: object = (), cases: object = (), version: object = None, **unknown: object
) -> bool:
    """Whether a marker was given one path, texts to select by, and nothing else."""
    texts = all(
        isinstance(names, Collection) and all(isinstance(name, str) for name in names)
        for names in (tags, cases)
    )
    is_path = len(paths) == 1 and isinstance(paths[0], str | Path) and bool(str(paths[0]))
    return is_path and texts and isinstance(version, str | None) and not unknown


def _folder(node: pytest.Item, path: Path) -> Path:
    places = [node.path.parent / path, node.config.rootpath / path, node.config.invocation_params.dir / path]
    for place in places:
        if place.is_dir():
            return place.resolve()
    tried = ", ".join(str(place) for place in dict.fromkeys(places))
    raise pytest.UsageError(f"{node.nodeid}: golden set {str(path)!r} is no folder; looked for {tried}")


def _load(config: pytest.Config, folder: Path, version: str | None) -> GoldenSet:
    loaded = config.stash.setdefault(_LOADED, {})
    if (folder, version) not in loaded:
        try:
            loaded[folder, version] = load_golden_set(folder, version=version)
        except GoldenSetError as error:
            raise pytest.UsageError(str(error)) from error
    return loaded[folder, version]


def case_of(item: pytest.Item) -> Case | None:
    """The case that a collected test is parametrised with; None for another kind of test."""
    callspec = getattr(item, "callspec", None)
    case = None if callspec is None else callspec.params.get("golden_case")
    return case if isinstance(case, Case) else None


def companions_of(item: pytest.Item, items: Sequence[pytest.Item]) -> Companions:
    """The selected cases of the test function that ``item`` belongs to."""
    function = function_of(item)
    cases = [case for other in items if function_of(other) == function and (case := case_of(other))]
    golden_set = item.config.stash.get(_ASKED, {}).get(function[0])
    if golden_set is None:
        return Companions(cases)
    return Companions(cases, golden_set.name, golden_set.fingerprint, golden_set.path)


def function_of(item: pytest.Item) -> tuple[str, str]:
    """What tests of one function with equal other parameters share."""
    callspec: Any = getattr(item, "callspec", None)
    indices = {} if callspec is None else callspec.indices
    others = sorted((name, index) for name, index in indices.items() if name != "golden_case")
    end = (
        -1 if callspec is None else item.nodeid.rfind(f"[{callspec.id}]")
    )  # a folder may have a [ in its name
    return item.nodeid if end < 0 else item.nodeid[:end], repr(others)


def loaded_golden_sets(config: pytest.Config) -> list[GoldenSet]:
    """The golden sets that tests have named so far, each version once."""
    return list(config.stash.get(_LOADED, {}).values())


def golden_set_at(config: pytest.Config, folder: Path, version: str) -> GoldenSet:
    """The golden set in ``folder`` at a corpus version, read once."""
    return _load(config, folder, version)
