"""Folders that appear whole or not at all, made once by whichever process comes first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_ragtune import extras


@contextmanager
def new_folder(target: Path, done: str) -> Iterator[Path | None]:
    """Give a temporary folder to fill, and rename it to ``target`` at the end.

    A lock file beside the target lets one process work while others wait. Whatever interrupts the
    work, Ctrl-C included, removes the temporary folder; one left by a killed process is removed by
    the next that holds the lock.

    Args:
        target: the folder to make.
        done: name of a file whose presence tells that ``target`` is complete.

    Yields:
        The folder to fill; None when another process has made ``target`` meanwhile.

    Raises:
        OSError: the parent folder cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with extras.load("filelock").FileLock(f"{target}.lock"):
        if (target / done).is_file():
            yield None
            return
        temporary = target.with_name(f"{target.name}.part")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
            if target.exists():
                shutil.rmtree(target)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
