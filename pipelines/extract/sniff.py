"""What a file is before anybody reads it: its form, its characters, its separator, the rows that may be its header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipelines.errors import DataFault
from pipelines.extract import sheet_form, xml_form
from pipelines.extract.encoding import guessed
from pipelines.extract.sheet_form import HEADER_WITHIN, Start
from pipelines.extract.source import MAGIC, Source, unpacked

SEPARATORS = (",", "\t", ";", "|")
_HEAD = 1 << 16
# The line by which a spreadsheet is told the separator.
_TOLD = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


@dataclass(frozen=True)
class Sniffed:
    """The outside of one file. `form` is `empty` for no content and `other` for what cannot be read.

    starts: rows of a CSV or workbook that may be headers. elements: the beginning of an XML, path -> text. refused: why
    it cannot be read.
    """

    source: Source
    form: Literal["csv", "xml", "workbook", "empty", "other"]
    encoding: str = "utf-8"
    separator: str = ","
    starts: tuple[Start, ...] = ()
    elements: Mapping[str, str] = field(default_factory=dict)
    refused: DataFault | None = None


def sniff(path: Path, titles: Container[str] = ()) -> list[Sniffed]:
    """Look at a file, or at each file of an archive. titles: of the blocks of templates, squashed.

    Of text the beginning is read, of a workbook every row.
    """
    try:
        return [_look(source, titles) for source in _sources(path)]
    except DataFault as refused:
        return [Sniffed(Source(path), "other", refused=refused)]


def _sources(path: Path) -> list[Source]:
    """The file itself; of an archive that is no workbook, the files in it."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return [Source(path)]
    with unpacked(path) as archive:
        names = [name for name in archive.namelist() if name and not name.endswith("/")]
    if sheet_form.TYPES in names:
        return [Source(path)]
    return [Source(path, name) for name in names if not name.startswith("__MACOSX/")]


def _look(source: Source, titles: Container[str]) -> Sniffed:
    try:
        return _looked_at(source, titles)
    except DataFault as refused:
        return Sniffed(source, "other", refused=refused)


def _looked_at(source: Source, titles: Container[str]) -> Sniffed:
    with source.open() as file:
        head = file.read(_HEAD)
    if head.startswith(MAGIC):
        # An archive inside an archive is not unpacked.
        return Sniffed(source, "other") if source.entry else _workbook(source, titles)
    encoding = guessed(head)
    if encoding is None:
        return Sniffed(source, "other")
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    if not text.strip():
        return Sniffed(source, "empty")
    if text.lstrip().startswith("<"):
        return Sniffed(source, "xml", elements=xml_form.peek(source))
    separator, starts = _records(text, is_whole=len(head) < _HEAD)
    return Sniffed(source, "csv", encoding, separator, starts)


def _workbook(source: Source, titles: Container[str]) -> Sniffed:
    return Sniffed(source, "workbook", starts=sheet_form.outline(source.path, titles))


def _records(text: str, *, is_whole: bool) -> tuple[str, tuple[Start, ...]]:
    """The separator under which most records are equally wide, and the first records, each with the lines it ends."""
    if told := _TOLD.match(text):
        return told[1], tuple(_parsed(text, told[1], is_whole=is_whole))
    best = (",", tuple(_parsed(text, ",", is_whole=is_whole)), (0, 0))
    for separator in SEPARATORS:
        starts = tuple(_parsed(text, separator, is_whole=is_whole))
        widths = Counter(len(start.header) for start in starts if len(start.header) > 1)
        rank = max(((count, width) for width, count in widths.items()), default=(0, 0))
        if rank > best[2]:
            best = (separator, starts, rank)
    return best[0], best[1]


def _parsed(text: str, separator: str, *, is_whole: bool) -> Iterator[Start]:
    """The first records that are not blank. The last one of a cut text may itself be cut."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator)
    found = 0
    try:
        for cells in reader:
            if found == HEADER_WITHIN or (found and not is_whole and lines.tell() == len(text)):
                return
            if any(cell.strip() for cell in cells):
                found += 1
                yield Start("", reader.line_num, tuple(cells))
    except csv.Error:
        return
