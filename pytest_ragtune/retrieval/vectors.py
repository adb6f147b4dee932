"""Vectors on disk: one checked .npy file for each (embedder, corpus)."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ragtune import extras

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MARK = 32  # bytes of the SHA-256 that stands behind the array; readers of .npy ignore what follows it


def cache_file(folder: Path, *parts: str) -> Path:
    """The file for vectors that are made from ``parts``."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return folder / f"{hashlib.sha256(joined.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}.npy"


def read(path: Path, n_rows: int) -> NDArray[np.float32] | None:
    """The array ``(n_rows, dim)``; None when there is none or the file is damaged."""
    np = extras.load("numpy")
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body, mark = content[:-_MARK], content[-_MARK:]
    if hashlib.sha256(body).digest() != mark:
        return None
    try:
        array = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError):
        return None
    is_sound = array.dtype == np.float32 and array.ndim == 2 and len(array) == n_rows
    return array if is_sound else None


def write(path: Path, vectors: NDArray[np.float32]) -> None:
    """Write the file whole or not at all; where it cannot be written, warn and go on without."""
    np = extras.load("numpy")
    buffer = io.BytesIO()
    np.save(buffer, vectors, allow_pickle=False)
    content = buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        warnings.warn(
            f"the vectors cannot be kept in {path.parent} ({error.strerror}); they are computed again next "
            "time. Make the folder writable, or choose another",
            RuntimeWarning,
            stacklevel=2,
        )


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C included: leave no half file behind
        Path(temporary).unlink(missing_ok=True)
        raise
