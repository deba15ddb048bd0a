"""The landing place: what lies there, what is not yet whole, and what belongs to nobody.

Names of folders may hold anything: they are said as the start of their hash alone.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from pipelines import durable
from pipelines.registry import Registry
from pipelines.seal.manifest import is_whole
from pipelines.settings import Settings

UNFINISHED_NAMES = (".partial", ".tmp", ".filepart")
# A delivery that has not become whole in so long will not do so by itself.
OVERDUE = timedelta(hours=6)
_WAITING = ".waiting-"


def is_unfinished_name(name: str) -> bool:
    """Whether a folder is called as something that is still being written, or is not a delivery."""
    return name.startswith(".") or name.endswith(UNFINISHED_NAMES)


def deliveries(place: Path) -> list[Path]:
    """The folders of an agency's landing folder that may be deliveries."""
    folders = (path for path in place.iterdir() if not is_unfinished_name(path.name)) if place.is_dir() else ()
    return sorted(path for path in folders if path.is_dir() and not path.is_symlink())


def is_ready(folder: Path) -> bool:
    """Whether a delivery may be taken: it is whole, or has not changed for so long that a refusal has to say why."""
    return is_whole(folder) or _age(folder, time.time()) > OVERDUE.total_seconds()


def unfinished(settings: Settings, registry: Registry, now: datetime) -> list[str]:
    """`agency: delivery <hash>` of what has stood unfinished for hours, in the landing place or on a route."""
    found = []
    for agency in sorted(registry.agencies):
        place = settings.landing / agency
        for path in sorted(place.iterdir()) if place.is_dir() else []:
            if path.name.startswith(_WAITING):
                is_late, name = _is_late_mark(path, now.timestamp()), path.name.removeprefix(_WAITING)
            else:
                is_late, name = _is_late(path, now.timestamp()), _hash(path.name)
            if is_late:
                found.append(f"{agency}: delivery {name[:12]}")
    return found


def _is_late(path: Path, now: float) -> bool:
    if path.name.startswith(".") or _age(path, now) <= OVERDUE.total_seconds():
        return False
    return is_unfinished_name(path.name) or not (path.is_dir() and is_whole(path))


def _is_late_mark(path: Path, now: float) -> bool:
    return now - path.stat().st_mtime > OVERDUE.total_seconds()


def of_nobody(settings: Settings, registry: Registry) -> list[str]:
    """`landing place: <hash>` of what lies there under a name that is no agency's."""
    there = sorted(settings.landing.iterdir()) if settings.landing.is_dir() else []
    names = (path.name for path in there if not path.name.startswith(".") and path.name not in registry.agencies)
    return [f"landing place: {_hash(name)[:12]}" for name in names]


def keep_marks(place: Path, names: Iterable[str]) -> None:
    """Leave a mark for each unfinished delivery of a route, as old as its first sight; take others away.

    names: hashes of the deliveries' names on the route.
    """
    wanted = {_WAITING + name for name in names}
    for path in place.glob(f"{_WAITING}*"):
        if path.name not in wanted:
            path.unlink()
    for name in wanted:
        if not (place / name).exists():
            (place / name).touch()


def is_overdue(place: Path, name: str) -> bool:
    """Whether a delivery of a route has been seen unfinished for hours. name: the hash of its name."""
    mark = place / (_WAITING + name)
    return mark.exists() and _is_late_mark(mark, time.time())


def settle(partial: Path, place: Path) -> None:
    """Give a folder that was brought its name, once all of it is on the disk."""
    for path in (*partial.rglob("*"), partial):
        durable.sync(path)
    partial.rename(place)
    durable.sync(place.parent)


def _age(path: Path, now: float) -> float:
    """Seconds since anything at or below a path changed, by times that whoever copies a file cannot set."""
    return now - max(found.lstat().st_ctime for found in (path, *path.rglob("*")))


def _hash(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()
