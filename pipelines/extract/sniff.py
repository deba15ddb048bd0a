"""What a file is before anybody reads it: its form, its characters, its separator, its first line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipelines.errors import DataFault
from pipelines.extract import archive, sheet_form, xml_form
from pipelines.extract.faults import fault
from pipelines.extract.sheet_form import Start

SEPARATORS = (",", "\t", ";", "|")
_HEAD = 1 << 16
_BLOCK = 1 << 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Sniffed:
    """The outside of one file. `form` is `empty` for no content and `other` for what cannot be read.

    header: the cells of the first record of a CSV; header_lines: how many physical lines it takes. elements: the
    beginning of an XML, path -> text. starts: rows of a workbook that may be headers. refused: why it cannot be read.
    """

    path: Path
    form: Literal["csv", "xml", "workbook", "empty", "other"]
    encoding: str = "utf-8"
    separator: str = ","
    header: tuple[str, ...] = ()
    header_lines: int = 1
    elements: Mapping[str, str] = field(default_factory=dict)
    starts: tuple[Start, ...] = ()
    refused: DataFault | None = None


def sniff(path: Path, titles: Container[str] = ()) -> Sniffed:
    """Look at the beginning of a file; at every row of a workbook. titles: of the blocks of templates, squashed."""
    try:
        return _look(path, titles)
    except DataFault as refused:
        return Sniffed(path, "other", refused=refused)


def _look(path: Path, titles: Container[str]) -> Sniffed:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    mark, encoding = next((pair for pair in _BYTE_ORDER_MARKS if head.startswith(pair[0])), (b"", ""))
    if not head[len(mark) :].strip():
        return Sniffed(path, "empty")
    if head.startswith(archive.MAGIC):
        return Sniffed(path, "workbook", starts=sheet_form.outline(path, titles))
    if encoding != "utf-16" and b"\0" in head:
        return Sniffed(path, "other")
    text = _decode_head(head, encoding or "utf-8")
    if text.lstrip().startswith("<"):
        elements = xml_form.peek(path)
        if not elements:
            raise fault("FILE-013", line=1)
        return Sniffed(path, "xml", elements=elements)
    header, separator, lines = _first_record(text)
    return Sniffed(path, "csv", encoding or "utf-8", separator, header, lines)


def encoding_of(path: Path, sniffed: str) -> str:
    """The encoding in which the whole file can be read: as sniffed, else Windows-1252. Raises `FILE-016`."""
    for encoding in dict.fromkeys((sniffed, "cp1252")):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise fault("FILE-016", what="A file")


def _decode_head(head: bytes, encoding: str) -> str:
    """The head as text; its last character may be cut in two, and a wrong guess must not stop recognition."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head).lstrip("\ufeff")
    except UnicodeDecodeError:
        return head.decode("cp1252", errors="replace")


def _first_record(text: str) -> tuple[tuple[str, ...], str, int]:
    """Header cells, separator and physical lines of the first record, with the separator that splits it most."""
    best: tuple[tuple[str, ...], str, int] = ((), ",", 1)
    for separator in SEPARATORS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            cells = tuple(next((row for row in reader if any(cell.strip() for cell in row)), ()))
        except csv.Error:
            continue
        if len(cells) > len(best[0]):
            best = (cells, separator, reader.line_num)
    return best
