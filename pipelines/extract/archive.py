"""Zip archives that nobody vouches for: what they claim to hold is judged before anything is unpacked.

`zipfile` gives out no more bytes of an entry than it claims and checks their sum, so the claims can be relied on.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipelines.extract.faults import fault

MAGIC = b"PK\x03\x04"
MOST_ENTRIES = 4_096
MOST_BYTES = 4 << 30
# How many times its packed size an entry may claim; text of long repetitive tables comes to 10 or 30. Small entries may
# be of one letter.
DENSEST = 200
_SMALL = 4 << 20


def opened(path: Path, what: str) -> zipfile.ZipFile:
    """An archive whose claims are within bounds. what: what to call it to the supplier.

    Raises DataFault `FILE-032` where it would grow too large, `FILE-033` where it cannot be opened or has a password.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise fault("FILE-033", what=what) from None
    entries = archive.infolist()
    dense = any(e.file_size > _SMALL and e.file_size > DENSEST * e.compress_size for e in entries)
    if dense or len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        archive.close()
        raise fault("FILE-032", what=what)
    if any(entry.flag_bits & 0x1 for entry in entries):
        archive.close()
        raise fault("FILE-033", what=what)
    return archive
