"""A GGUF file to a folder of safetensors, so that it loads in a second afterwards."""

from __future__ import annotations

from contextlib import redirect_stderr
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.errors import ModelError

from .folders import new_folder
from .loading import quiet
from .models import Progress


def convert_gguf(source: Path, target: Path, progress: Progress | None = None) -> None:
    """Dequantise ``source`` into ``target``: tokenizer with chat template, configuration, bfloat16 weights.

    Args:
        source: a ``.gguf`` file.
        target: folder to make; a second process waits for the first and then finds it made.
        progress: called before and after.

    Raises:
        ModelError: the file is damaged or of an unknown architecture, or the folder cannot be written.
        MissingExtra: torch, transformers or gguf is absent.
    """
    extras.load("gguf", extra="models")
    torch = extras.load("torch", extra="models")
    transformers = extras.load("transformers", extra="models")
    what = f"convert {source.name}"
    try:
        with new_folder(target, "config.json") as folder:
            if folder is None:
                return
            if progress is not None:
                progress(0, 1, what)
            # gguf draws its own bar on stderr, which nothing but a redirection silences
            with quiet(), redirect_stderr(StringIO()):
                _convert(source, folder, torch, transformers)
            if progress is not None:
                progress(1, 1, what)
    except OSError as error:
        raise ModelError(
            f"{source} could not be converted into {target} ({error}); expected a readable GGUF file and a "
            "writable folder with room for the weights: check both, or set RAGTUNE_CACHE to another folder"
        ) from error
    except (ValueError, KeyError, NotImplementedError, RuntimeError, IndexError) as error:
        raise ModelError(
            f"{source} could not be read as a model ({type(error).__name__}: {error}); expected a GGUF "
            "file of an architecture that transformers can dequantise: download it again, or use the "
            "safetensors release"
        ) from error


def _convert(source: Path, folder: Path, torch: Any, transformers: Any) -> None:
    place, file = source.parent, source.name
    tokenizer = transformers.AutoTokenizer.from_pretrained(place, gguf_file=file)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(place, gguf_file=file, dtype=torch.float32)
    config = deepcopy(loaded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    # A fresh model of the same configuration: the loaded one is marked as quantised and would be saved so.
    with torch.random.fork_rng(devices=[]):
        plain = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(loaded.state_dict())
    tokenizer.save_pretrained(folder)
    plain.to(torch.bfloat16).save_pretrained(folder)
