"""Weights into memory: precision, device, and the refusal of everything that is not plain weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.errors import ModelError
from pytest_ragtune.processor import has_fast_bfloat16

_DTYPES = ("float32", "bfloat16", "float16")


def resolve_dtype(dtype: str, device: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name of the precision to compute in.

    ``auto`` is bfloat16 on an accelerator and on processors that multiply it natively (AMX, AVX512-BF16),
    else float32: elsewhere bfloat16 is emulated, several times slower.

    Raises:
        ModelError: ``dtype`` is no known precision.
    """
    if dtype in _DTYPES:
        return dtype
    if dtype != "auto":
        raise ModelError(
            f"dtype {dtype!r} is unknown; expected 'auto', {', '.join(map(repr, _DTYPES))}: choose one"
        )
    if device != "cpu":
        return "bfloat16"
    return "bfloat16" if has_fast_bfloat16(cpuinfo) else "float32"


def resolve_device(device: str, driver: Path = Path("/dev/nvidiactl")) -> str:
    """Name of the device; ``auto`` is ``cuda`` where a driver and a torch with CUDA are, else ``cpu``."""
    if device != "auto":
        return device
    return "cuda" if driver.exists() and not installed_version("torch").endswith("+cpu") else "cpu"


def installed_version(package: str) -> str:
    """Version of an installed package, without importing it; ``absent`` when it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars, notes and warnings off the terminal for a while."""
    logging = extras.load("transformers", extra="models").utils.logging
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


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder.

    Raises:
        ModelError: the folder holds none that can be read.
        MissingExtra: transformers is absent.
    """
    transformers = extras.load("transformers", extra="models")
    try:
        with quiet():
            return transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds for a damaged folder
        raise ModelError(
            f"the tokenizer of {folder} cannot be loaded ({_first_line(error)}); expected tokenizer.json and "
            "tokenizer_config.json: restore them or download the model again"
        ) from error


def load_weights(folder: Path, *, dtype: str, device: str, attention: str) -> Any:
    """The model of a folder, ready to compute.

    Args:
        folder: ``config.json`` and safetensors.
        dtype: ``float32``, ``bfloat16`` or ``float16``.
        device: ``cpu``, ``cuda``, ...
        attention: name of the attention implementation, as transformers registers it.

    Raises:
        ModelError: the weights are damaged, incomplete or of an unknown kind, or the device is absent.
        MissingExtra: torch or transformers is absent.
    """
    torch = extras.load("torch", extra="models")
    transformers = extras.load("transformers", extra="models")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError(
            f"device {device!r} is not usable by the installed torch; expected 'cpu': pass device='cpu'"
        )
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            model, report = transformers.AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                attn_implementation=attention,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
    except Exception as error:  # transformers and safetensors raise many kinds for a damaged folder
        raise ModelError(
            f"the model in {folder} cannot be loaded ({_first_line(error)}); expected a causal language "
            "model that transformers knows, in safetensors: restore the folder or download the model again"
        ) from error
    missing = sorted(report.get("missing_keys", ()))
    if missing:
        raise ModelError(
            f"the model in {folder} lacks {len(missing)} of its weights, {missing[0]!r} for one; expected "
            "all of them: download the model again"
        )
    return model.to(device).eval()


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200]}" if text else type(error).__name__
