"""A file as it was sent, or one inside an archive: what can be opened and read from the beginning."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines.extract.faults import fault

MAGIC = b"PK\x03\x04"
MOST_ENTRIES = 4_096
MOST_BYTES = 4 << 30
# How many times its packed size an entry may claim; text of long repetitive tables comes to 10 or 30. Small entries may
# be of one letter.
DENSEST = 200
_SMALL = 4 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Source:
    """A file, or the entry of a zip archive that lies there."""

    path: Path
    entry: str | None = None

    @property
    def place(self) -> Path:
        """Where it is, for people: an entry as if its archive were a folder."""
        return self.path / self.entry if self.entry else self.path

    def open(self) -> IO[bytes]:
        """A stream of its bytes. Raises DataFault `FILE-033` for an archive that is damaged, also while reading."""
        if self.entry is None:
            return self.path.open("rb")
        with unpacked(self.path) as archive:
            return io.BufferedReader(Entry(archive, self.entry))


class Entry(io.RawIOBase):
    """The bytes of an archive's entry; damage is the sender's fault, told as such."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        try:
            self._stream = archive.open(name)
        except (KeyError, *_DAMAGED):
            raise fault("FILE-033") from None

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; returns how many bytes there were. Raises DataFault `FILE-033`."""
        try:
            block = self._stream.read(len(buffer))
        except _DAMAGED:
            raise fault("FILE-033") from None
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Nothing more is read."""
        self._stream.close()
        super().close()


def unpacked(path: Path) -> zipfile.ZipFile:
    """An archive whose claims are judged before anything is unpacked.

    `zipfile` gives out no more bytes of an entry than it claims and checks their sum, so the claims can be relied on.
    Raises DataFault `FILE-032` where it would grow too large, `FILE-033` where it cannot be opened or has a password.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED:
        raise fault("FILE-033") from None
    entries = archive.infolist()
    dense = any(e.file_size > _SMALL and e.file_size > DENSEST * e.compress_size for e in entries)
    too_large = dense or len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES
    usual = all(
        e.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not e.flag_bits & 1 and e.header_offset >= 0
        for e in entries
    )
    if too_large or not usual:
        archive.close()
        raise fault("FILE-032" if too_large else "FILE-033")
    return archive
