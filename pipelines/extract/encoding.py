"""Which characters a text file is written in.

UTF-8 says of itself whether it is; UTF-16 has its mark, or its zeros. What is neither comes from a Western code page,
nearly always Windows-1252. Where that gives what nobody writes, charset-normalizer is asked about the older pages of
DOS and of the Macintosh, and what makes most sense is taken. A file that mixes them is refused: half of its names would
be other names.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from charset_normalizer import from_bytes

from pipelines.extract.faults import fault
from pipelines.extract.source import Source

_BLOCK = 1 << 20
# How many bytes of lines with special characters are looked at.
_SAMPLE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLDER = ["cp850", "mac_roman"]
# What nobody writes: characters but letters, quotation marks, dashes, pounds, degrees, fractions; a capital after a
# small letter; a mark in the middle of a word.
_ODD = re.compile(
    "[^\\x00-\\x7f\u00a0-\u00bf\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ffŠšŽžŒœŸ‘’“”–—…•€]|[¡¢¤¥¦¨ª«¬¯´¶¸»]"
    "|[a-z][ŽŸŠŒ]|[A-Za-z][‘“”—…•£][A-Za-z]"
)
_ZEROS = 0.3


def guessed(head: bytes) -> str | None:
    """The encoding by which the beginning of a file is looked at; None for what is no text."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            half = head[offset::2]
            if half.count(0) > _ZEROS * len(half) and not head[1 - offset :: 2].count(0):
                return encoding
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def encoding_of(source: Source, sniffed: str) -> str:
    """The encoding in which the whole file can be read. Raises DataFault `FILE-016` where there is none."""
    if sniffed.startswith("utf") and _reads(source, sniffed):
        return sniffed
    if sniffed.startswith("utf-16"):
        raise fault("FILE-016", what="A file")
    sample = b"".join(_special_lines(source))
    found = {"cp1252": _oddities(sample, "cp1252")}
    if found["cp1252"]:
        ranked = from_bytes(sample, cp_isolation=_OLDER, threshold=1, enable_fallback=False)
        found |= {likely.encoding: _oddities(sample, likely.encoding) for likely in ranked}
    for encoding in sorted(found, key=lambda name: found[name]):
        if _reads(source, encoding):
            return encoding
    raise fault("FILE-016", what="A file")


def _oddities(sample: bytes, encoding: str) -> int:
    """How many things a text would hold that nobody writes."""
    return len(_ODD.findall(sample.decode(encoding, errors="replace")))


def _reads(source: Source, encoding: str) -> bool:
    """Whether every byte of a file is text in an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with source.open() as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _special_lines(source: Source) -> Iterator[bytes]:
    """Lines that are not ASCII, from the beginning; raises `FILE-016` where most of them are UTF-8 and some are not."""
    size = good = bad = 0
    with source.open() as file:
        while size < _SAMPLE and (line := file.readline(_BLOCK)):
            if line.isascii():
                continue
            size += len(line)
            try:
                line.decode("utf-8")
                good += 1
            except UnicodeDecodeError:
                bad += 1
            yield line
    if good > bad:
        raise fault("FILE-016", what="A file")
