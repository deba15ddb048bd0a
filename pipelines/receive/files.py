"""Files of receive: each written beside its place, flushed to disk and renamed, so that a name means a whole file.

The landing place belongs to the senders: its folder and file names may hold anything, so no message repeats one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial as partial_of
from pathlib import Path
from typing import Any

from pipelines.durable import sync, write
from pipelines.errors import SystemFault
from pipelines.extract.faults import fault
from pipelines.receive.checks import Delivery
from pipelines.receive.suppression import Listed, left, write_left
from pipelines.seal.manifest import NAME, PAYLOAD, SIGNATURE
from pipelines.settings import Settings

# Folders of the landing place that are not deliveries begin with a dot.
REFUSED = ".refused"
TAKEN = ".taken-"


@contextmanager
def guarded() -> Iterator[None]:
    """Turn a file system's error into a SystemFault that quotes no path."""
    try:
        yield
    except OSError as error:
        raise SystemFault(f"the files of a delivery could not be handled: {error.strerror}") from None


def keep_payload(
    delivery: Delivery, place: Path, manifest: dict[str, Any], listed: Listed
) -> dict[str, tuple[int, str]]:
    """Copy manifest and payload, not the linkage file, to `place`; whatever a broken run left there is replaced.

    Each table is hashed as it is copied: what counts is what was kept. Then rows of records on the list are left out;
    returns, of each table that had any, how many, and the hash of the file without them. Raises DataFault `FILE-019`
    where a table changed since it was checked.
    """
    suppressed = {}
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    partial.mkdir(mode=0o700)
    (partial / PAYLOAD).mkdir(mode=0o700)
    write(partial / NAME, delivery.content)
    write(partial / SIGNATURE, (delivery.folder / SIGNATURE).read_bytes())
    for table, facts in manifest["tables"].items():
        name = f"{table}.parquet"
        if _copied(delivery.folder / PAYLOAD / name, partial / PAYLOAD / name) != facts["sha256"]:
            raise fault("FILE-019", what="A file of the folder")
        if gone := listed.in_file(partial / PAYLOAD / name):
            file = partial / PAYLOAD / name
            rows, sha256 = write_left(file, file, partial_of(left, gone=gone))
            suppressed[table] = (facts["rows"] - rows, sha256)
    sync(partial / PAYLOAD)
    sync(partial)
    shutil.rmtree(place, ignore_errors=True)
    partial.rename(place)
    sync(place.parent)
    return suppressed


def remove_taken(settings: Settings, folder: Path) -> None:
    """Take a received delivery out of the landing place: renamed first, so that a kill leaves no half delivery."""
    if not _is_landed(settings, folder):
        return
    for leftover in folder.parent.glob(f"{TAKEN}*"):
        shutil.rmtree(leftover)
    if folder.exists():
        doomed = folder.with_name(TAKEN + hashlib.sha256(os.fsencode(folder.name)).hexdigest()[:16])
        folder.rename(doomed)
        shutil.rmtree(doomed)


def set_aside(settings: Settings, folder: Path, manifest_sha256: str) -> None:
    """Move a refused delivery to `landing/.refused/<start of its manifest's hash>`, whole, where nothing looks for it.

    There it can be studied, and received by hand once what stood against it has been put right here. A delivery outside
    the landing place stays where it is.
    """
    if not _is_landed(settings, folder) or folder.parent.name == REFUSED:
        return
    shelf, name = settings.landing / REFUSED, manifest_sha256[:16]
    shelf.mkdir(mode=0o700, exist_ok=True)
    taken = sum(1 for _ in shelf.glob(f"{name}*"))
    folder.rename(shelf / (f"{name}-{taken + 1}" if taken else name))


def _is_landed(settings: Settings, folder: Path) -> bool:
    """Whether a delivery lies where senders put them; `receive` by hand may be given any folder, and leaves it."""
    return folder.resolve().parent.parent == settings.landing.resolve()


def _copied(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as reader, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as writer:
        while block := reader.read(1 << 20):
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()
