"""Files that are there whole or not at all, whatever is killed when: written beside, forced to disk, renamed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `target`, then put it in its place."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    write(beside)
    sync(beside)
    beside.rename(target)
    sync(target.parent)


def write(target: Path, content: bytes) -> None:
    """Write a file that its owner alone can read, from its first byte."""

    def private(path: Path) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)

    replace(target, private)
