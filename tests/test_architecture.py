"""The house: layers, no cycles, budgets, light import, exact public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "pytest_ragtune"

# Lower layers first. A module may import from its own block and from every block in a lower layer.
LAYERS: list[list[set[str]]] = [
    [{"records", "protocols", "errors", "extras", "active", "structured", "processor"}],
    [{"metrics"}, {"statistics"}, {"text"}, {"calls"}],
    [
        {
            "context",
            "pipeline",
            "application",
            "prompt",
            "recording",
            "store",
            "store_file",
            "redaction",
            "recording_file",
        },
        {"golden"},
        {"corpus"},
        {"baseline"},
        {"retrieval"},
        {"generation"},
        {"backends"},
        {"judges"},
        {"fakes"},
    ],
    [
        {
            "session",
            "replay",
            "misses",
            "judging",
            "ahead",
            "sharing",
            "repeats",
            "gate",
            "planning",
            "budget",
            "prices",
            "foresight",
            "evaluation",
            "checks",
            "comparison",
            "faults",
            "selfcheck",
        },
        {"logs"},
        {"calibration"},
    ],
    [{"asserts"}, {"reporting"}],
    [
        {
            "plugin",
            "options",
            "fixtures",
            "run",
            "collected",
            "parametrise",
            "progress",
            "fault_run",
            "selfcheck_run",
            "plan_run",
            "kinds",
            "case_option",
            "placing",
            "report_files",
        },
        {"cli"},
    ],
]
# Sideways imports inside a layer that are part of the design.
SIDEWAYS = {
    ("metrics", "text"),
    ("asserts", "reporting"),
    ("fakes", "store"),
    ("baseline", "store"),
    ("golden", "corpus"),
    ("cli", "reporting"),
    ("calibration", "logs"),
}
HEAVY = {
    "numpy", "scipy", "faiss", "torch", "transformers", "peft", "onnxruntime", "tokenizers", "ragas",
    "deepeval", "ray", "jinja2", "pydantic", "bm25s", "rank_bm25", "ir_measures", "rouge_score",
    "sentence_transformers", "bs4", "filelock", "platformdirs", "safetensors", "numba", "openai",
    "llguidance",
}  # fmt: skip
# Modules that are made of a heavy library's classes and are imported only inside functions.
MODELS = {"corpus/schema.py"}
FILE_LINES, FUNCTION_LINES, PLUGIN_LINES = 300, 40, 150


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def block(path: Path) -> str:
    top = path.relative_to(PACKAGE).parts[0]
    return top.removesuffix(".py")


def place(name: str) -> tuple[int, int]:
    for level, blocks in enumerate(LAYERS):
        for number, names in enumerate(blocks):
            if name in names:
                return level, number
    raise AssertionError(f"{name} stands in no layer: give it a place in tests/test_architecture.py")


def imports(path: Path, *, at_run_time: bool) -> Iterator[tuple[ast.stmt, str]]:
    """Every import of a module as a dotted name, relative ones resolved, without those for types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if not at_run_time else list(ast.walk(tree))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    package = ("pytest_ragtune", *path.relative_to(PACKAGE).parts[:-1])
    for node in nodes:
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "pytest_ragtune":
                for alias in node.names:
                    yield node, f"pytest_ragtune.{alias.name}"
            else:
                yield node, module


def own(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "pytest_ragtune" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_from_lower_layers(path: Path) -> None:
    here = block(path)
    if here == "__init__":
        pytest.skip("the public door imports every layer, lazily")
    wrong = []
    for node, name in imports(path, at_run_time=True):
        there = own(name)
        if there is None or there == here or (here, there) in SIDEWAYS:
            continue
        if place(there)[0] > place(here)[0] or (
            place(there)[0] == place(here)[0] and place(there) != place(here)
        ):
            wrong.append(f"line {node.lineno}: {here} imports {there}")
    assert not wrong


def test_modules_form_no_cycle() -> None:
    graph: dict[str, set[str]] = {}
    names = {
        ".".join(("pytest_ragtune", *p.relative_to(PACKAGE).with_suffix("").parts)): p for p in modules()
    }
    for name, path in names.items():
        found = {target for _, target in imports(path, at_run_time=False)}
        graph[name] = {t if t in names else f"{t}.__init__" for t in found} & set(names) - {name}
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if state.get(name) == 2:
            return
        assert state.get(name) != 1, f"import cycle: {' -> '.join((*trail, name))}"
        state[name] = 1
        for other in sorted(graph[name]):
            visit(other, (*trail, name))
        state[name] = 2

    for name in sorted(graph):
        visit(name, ())


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix() in MODELS:
        pytest.skip("pydantic models: imported inside a function only, as the next test shows")
    heavy = [
        f"line {n.lineno}: {name}"
        for n, name in imports(path, at_run_time=False)
        if name.split(".")[0] in HEAVY
    ]
    assert not heavy


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_keep_their_budget(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    budget = PLUGIN_LINES if path.name == "plugin.py" else FILE_LINES
    assert len(text.splitlines()) <= budget
    long = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > FUNCTION_LINES:
                long.append(f"{node.name}: {lines} lines")
    assert not long


def test_modules_made_of_heavy_classes_are_imported_inside_functions() -> None:
    names = {f"pytest_ragtune.{name.removesuffix('.py').replace('/', '.')}" for name in MODELS}
    assert not {n for path in modules() for _, n in imports(path, at_run_time=False)} & names


def only_at_top(library: str) -> list[str]:
    return sorted(
        {
            block(path)
            for path in modules()
            for _, name in imports(path, at_run_time=True)
            if name.split(".")[0] == library
        }
    )


def test_pytest_is_imported_only_at_the_two_ends() -> None:
    assert set(only_at_top("pytest")) <= LAYERS[-1][0]


def test_argparse_is_imported_only_by_the_command_line() -> None:
    assert set(only_at_top("argparse")) <= {"cli"}


def loaded(code: str) -> set[str]:
    """Top-level modules that ``code`` loads in a clean interpreter, beyond what pytest loads."""
    script = (
        f"import sys, pytest, _pytest.config, _pytest.terminal\nbefore = set(sys.modules)\n{code}\n"
        "print('\\n'.join(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_plugin_loads_nothing_but_itself() -> None:
    names = loaded("import pytest_ragtune.plugin, pytest_ragtune.fixtures")
    ours = {name for name in names if name.split(".")[0] == "pytest_ragtune"}
    foreign = {n.split(".")[0] for n in names - ours} - set(sys.stdlib_module_names)
    assert not foreign
    assert ours == {
        "pytest_ragtune", "pytest_ragtune.active", "pytest_ragtune.fixtures", "pytest_ragtune.options",
        "pytest_ragtune.plugin",
    }  # fmt: skip
