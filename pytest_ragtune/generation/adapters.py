"""LoRA adapters as folders: what one must hold, and how it is merged into its base weights."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.errors import AdapterError, ModelError

from .loading import quiet
from .models import read_json, weights_fingerprint

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
TRAINING = "training.json"
_PICKLES = ("adapter_model.bin", "adapter_model.pt", "adapter_model.pth")
_WANTED = f"a folder with {CONFIG} and {WEIGHTS}, as PEFT saves it"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter on disk."""

    folder: Path
    """Holds ``adapter_config.json`` and ``adapter_model.safetensors``."""
    fingerprint: str
    """SHA-256 over both files."""
    base: str = ""
    """Fingerprint of the weights that it was trained on; empty when the folder does not say."""
    questions: tuple[str, ...] = ()
    """Some of its training questions, to see that it changes their answers; empty when unknown."""
    system: str = ""
    """System turn that it was trained under."""


def load_adapter(folder: str | os.PathLike[str]) -> Adapter:
    """Look into an adapter's folder and check it, without loading any library.

    Raises:
        AdapterError: the folder is absent or damaged, is no LoRA adapter, or holds pickled weights.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        found = "is a file" if path.exists() else "does not exist"
        raise AdapterError(f"{str(path)!r} {found}; expected {_WANTED}: check the path or train one")
    names = {file.name for file in path.iterdir()}
    pickled = sorted(names.intersection(_PICKLES))
    if WEIGHTS not in names and pickled:
        raise AdapterError(
            f"{path} holds {pickled[0]}; expected {WEIGHTS}: pickled weights are never loaded, since they "
            "can run "
            "code; save the adapter again with safe_serialization=True"
        )
    absent = sorted({CONFIG, WEIGHTS} - names)
    if absent:
        raise AdapterError(f"{path} lacks {' and '.join(absent)}; expected {_WANTED}: save or train it again")
    kind = _json(path / CONFIG).get("peft_type")
    if kind != "LORA":
        raise AdapterError(f"{path / CONFIG} has peft_type {kind!r}; expected 'LORA': train a LoRA adapter")
    _check_safetensors(path / WEIGHTS)
    notes = _json(path / TRAINING) if TRAINING in names else {}
    asked = notes.get("questions")
    return Adapter(
        folder=path,
        fingerprint=_fingerprint(path),
        base=str(notes.get("base", "")),
        questions=tuple(map(str, asked)) if isinstance(asked, list) else (),
        system=str(notes.get("system", "")),
    )


def merge_adapter(model: Any, adapter: Adapter) -> Any:
    """Add an adapter's change to the weights of ``model`` in place: ``W + scale * B A``.

    Merged weights cost nothing at generation (Hu et al. 2021, section 4.1). Works best in float32, where the
    sum loses nothing that matters.

    Returns:
        The model without any trace of PEFT.

    Raises:
        AdapterError: the adapter does not fit the model, or changes no weight.
        MissingExtra: peft is absent.
    """
    torch = extras.load("torch", extra="lora")
    peft = extras.load("peft", extra="lora")
    state = extras.load("safetensors.torch", extra="lora").load_file(adapter.folder / WEIGHTS)
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            config = peft.PeftConfig.from_pretrained(str(adapter.folder))
            config.inference_mode = True
            wrapped = peft.get_peft_model(model, config)
            result = peft.set_peft_model_state_dict(wrapped, state)
    except Exception as error:  # peft raises many kinds where names or shapes do not match
        message = str(error).strip().splitlines() or [type(error).__name__]
        raise _mismatch(adapter, message[min(1, len(message) - 1)].strip()) from error
    strange = sorted(result.unexpected_keys)
    lacking = sorted(key for key in result.missing_keys if "lora_" in key)
    if strange or lacking:
        named = f"a weight for {strange[0]!r}" if strange else f"no weight for {lacking[0]!r}"
        raise _mismatch(adapter, f"it holds {named}")
    if not any("lora_B" in key and bool(part.any()) for key, part in state.items()):
        raise AdapterError(
            f"the adapter in {adapter.folder} changes no weight: every B matrix is zero; expected a "
            "trained adapter: "
            "train it for longer, or check which file was saved"
        )
    with quiet():
        return wrapped.merge_and_unload()


def _mismatch(adapter: Adapter, found: str) -> AdapterError:
    return AdapterError(
        f"the adapter in {adapter.folder} does not fit the model: {found}; expected an adapter trained on "
        "these base "
        "weights: name the model that it was trained on, or train it again"
    )


def _fingerprint(folder: Path) -> str:
    # Only what PEFT reads: notes beside it may hold times.
    parts = "\n".join(weights_fingerprint(folder / name) for name in (CONFIG, WEIGHTS))
    return hashlib.sha256(parts.encode()).hexdigest()


def _json(file: Path) -> dict[str, object]:
    try:
        return read_json(file)
    except ModelError as error:
        raise AdapterError(str(error)) from error


def _check_safetensors(file: Path) -> None:
    """The header of a safetensors file says how long the file is."""
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 0 < length <= size - 8:
                raise ValueError("the header is longer than the file")
            header = json.loads(stream.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        if not ends or max(ends) != size - 8 - length:
            raise ValueError("the file ends too early" if ends else "the file holds no weights")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise AdapterError(
            f"{file} is damaged ({error}); expected safetensors: copy the file again or train the adapter "
            "again"
        ) from error
