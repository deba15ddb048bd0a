"""A sealed submission as one file, for ways that carry files and not folders: a plain tar of the folder's files.

Unpacking trusts nothing: only files, only names that a sealed submission has, no more of them and no larger than any
submission would be.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

from pipelines import durable
from pipelines.extract.faults import fault
from pipelines.seal.manifest import NAME, PAYLOAD, SIGNATURE

SUFFIX = ".tar"
MOST_FILES = 500
MOST_BYTES = 16 * 2**30
# The paths of the files of a sealed submission.
NAMES = re.compile(
    rf"{re.escape(NAME)}|{re.escape(SIGNATURE)}|linkage\.[0-9]{{4}}[a-z]\.age|{PAYLOAD}/[a-z][a-z0-9_]{{0,62}}\.parquet"
)


def pack(folder: Path) -> Path:
    """Write `<folder>.tar` beside a sealed folder; its path."""
    target = folder.with_name(folder.name + SUFFIX)

    def write(path: Path) -> None:
        path.touch(mode=0o600)
        with tarfile.open(path, "w") as archive:
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.add(file, file.relative_to(folder).as_posix(), filter=_nameless)

    durable.replace(target, write)
    return target


def unpack(packed: BinaryIO, into: Path) -> None:
    """Write the files of a packed submission into an empty folder. Raises DataFault `FILE-037` where it is none."""
    (into / PAYLOAD).mkdir(mode=0o700)
    seen, size = set(), 0
    try:
        with tarfile.open(fileobj=packed, mode="r|") as archive:
            for member in archive:
                seen.add(member.name)
                size += member.size
                content = archive.extractfile(member) if member.isreg() and NAMES.fullmatch(member.name) else None
                if content is None or size > MOST_BYTES or len(seen) > MOST_FILES:
                    raise fault("FILE-037")
                with (into / member.name).open("xb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
    except (tarfile.TarError, EOFError, FileExistsError):
        raise fault("FILE-037") from None


def _nameless(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Who made a file, and when, is nobody's business."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member
