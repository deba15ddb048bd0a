"""Which sequence number a delivery gets: rising for good, whatever became of earlier folders.

The numbers used are kept beside the partner's keys, `sequences.json`, and not read off the landing place, which the hub
empties. A number is taken before the files are sealed: one that was never used is a gap, and a gap is no harm.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines import durable
from pipelines.errors import UsageFault

NAME = "sequences.json"


def take(keys: Path, dataset: str, period: str, out: Path, wanted: int | None = None) -> int:
    """Take the next number of a dataset and period, or the one that is wanted; two at once never get the same.

    keys: the partner's key folder. out: where sealed folders go; numbers in use there count as used.

    Raises UsageFault where the wanted number does not rise, or where the file cannot be read.
    """
    with _alone(keys):
        used = _read(keys / NAME)
        name = f"{dataset}/{period}"
        last = max(used.get(name, 0), _highest(out, f"{dataset}__{period}__"))
        if wanted is not None and wanted <= last:
            raise UsageFault(f"number {wanted} of {name} was used already; the next is {last + 1}")
        used[name] = wanted or last + 1
        durable.write(keys / NAME, json.dumps(used, indent=1, sort_keys=True).encode())
        return used[name]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else takes a number from this folder meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
        return {str(name): int(number) for name, number in found.items()}
    except (ValueError, AttributeError, TypeError):
        raise UsageFault(
            f"{path} cannot be read; restore it from a backup, or give --sequence above the hub's"
        ) from None


def _highest(out: Path, start: str) -> int:
    numbers = (re.fullmatch(re.escape(start) + r"([0-9]+)", path.name) for path in (out.glob(f"{start}*")))
    return max((int(found[1]) for found in numbers if found), default=0)
