"""The cells of an Excel workbook (.xlsx) as the text a person sees, row by row.

Streamed: a workbook is somebody else's file, and readers that fill the rectangle up to the farthest cell can be made to
ask for a terabyte by a few bytes. Number formats are followed as far as dates; a whole number has no `.0`.
"""

from __future__ import annotations

import io
import math
import posixpath
import re
import string
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.errors import DataFault
from pipelines.extract.faults import fault
from pipelines.extract.hardened import EndElement, StartElement, walk
from pipelines.extract.source import Entry, unpacked

# One row of a sheet: its number in the sheet (from 1), and the text of its filled cells by position (from 0).
Row = tuple[int, dict[int, str]]

LARGEST_ROW, LARGEST_COLUMN = 1_048_576, 16_384
# Bytes of the parts that are held in memory whole: texts, formats, the list of sheets.
MOST_HELD = 128 << 20
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
# What is not a letter of the format itself: quoted or escaped text, colours and locales in brackets.
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_CONTROL = re.compile("_x00([01][0-9A-Fa-f])_")
_LAST_DAY = 2_958_465


class Workbook:
    """An open workbook: its visible sheets, and what all of them share."""

    def __init__(self, parts: zipfile.ZipFile) -> None:
        self._parts = parts
        self._names = {name.lstrip("/").casefold(): name for name in parts.namelist()}
        self._epoch = datetime(1899, 12, 30)
        self._texts: list[str] = []
        self._is_date: list[bool] = []
        main = dict(self._targets("_rels/.rels", "").values()).get("officedocument", "")
        folder, name = posixpath.split(main)
        targets = self._targets(f"{folder}/_rels/{name}.rels", folder)
        self.sheets = self._list_sheets(main, targets)
        kinds = dict(targets.values())
        for kind, read in (("sharedstrings", self._read_texts), ("styles", self._read_formats)):
            if kind in kinds:
                read(kinds[kind])

    def rows(self, sheet: str) -> Iterator[Row]:
        """The rows of a sheet that have a filled cell, top to bottom."""
        reader = _SheetReader(self._text_of)
        for _ in self._walk(self.sheets[sheet], reader.start, reader.end):
            yield from reader.take()

    def _targets(self, part: str, folder: str) -> dict[str, tuple[str, str]]:
        """Relationship id -> the kind of a part and its name."""
        found: dict[str, tuple[str, str]] = {}

        def start(name: str, about: dict[str, str]) -> None:
            if name == "relationship" and about.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, about.get("Target", ""))).lstrip("/")
                found[about.get("Id", "")] = (about.get("Type", "").rpartition("/")[2].casefold(), target)

        self._hold(part, start, _nothing)
        return found

    def _list_sheets(self, main: str, targets: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """Name of each visible sheet -> its part. Whether dates count from 1904 stands beside."""
        found: dict[str, str] = {}

        def start(name: str, about: dict[str, str]) -> None:
            if name == "workbookpr" and about.get("date1904", "0") in ("1", "true"):
                self._epoch = datetime(1904, 1, 1)
            if name == "sheet" and about.get("state", "visible") == "visible":
                number = next((value for key, value in about.items() if key.rpartition(":")[2] == "id"), "")
                kind, target = targets.get(number, ("", ""))
                if kind == "worksheet":
                    found[about.get("name", "")] = target

        self._hold(main, start, _nothing)
        return found

    def _read_texts(self, part: str) -> None:
        pieces: list[str] = []
        aside = 0

        def start(name: str, _: dict[str, str]) -> None:
            nonlocal aside
            if name == "si":
                pieces.clear()
            aside += name == "rph"

        def end(name: str, text: str) -> None:
            nonlocal aside
            if name == "t" and not aside:
                pieces.append(text)
            elif name == "si":
                self._texts.append(_unescaped("".join(pieces)))
            aside -= name == "rph"

        self._hold(part, start, end)

    def _read_formats(self, part: str) -> None:
        own: dict[str, str] = {}
        stack: list[str] = []

        def start(name: str, about: dict[str, str]) -> None:
            if name == "numfmt":
                own[about.get("numFmtId", "")] = about.get("formatCode", "")
            elif name == "xf" and stack[-1:] == ["cellxfs"]:
                number = about.get("numFmtId", "0")
                self._is_date.append(_shows_date(own[number]) if number in own else _is_one_of_dates(number))
            stack.append(name)

        self._hold(part, start, lambda *_: stack.__delitem__(-1))

    def _hold(self, part: str, start: StartElement, end: EndElement) -> None:
        """Walk through a part of which something is kept."""
        entry = self._names.get(part.casefold())
        if entry and self._parts.getinfo(entry).file_size > MOST_HELD:
            raise fault("FILE-032")
        for _ in self._walk(part, start, end):
            pass

    def _walk(self, part: str, start: StartElement, end: EndElement) -> Iterator[None]:
        entry = self._names.get(part.casefold())
        if entry is None:
            raise fault("FILE-033")
        try:
            with io.BufferedReader(Entry(self._parts, entry)) as file:
                yield from walk(file, start, end)
        except DataFault:
            raise fault("FILE-033") from None

    def _text_of(self, kind: str, style: str, value: str) -> str:
        """What a person sees in a cell; an error is blank."""
        if kind == "s":
            place = _counted(value)
            return self._texts[place] if place is not None and place < len(self._texts) else ""
        if kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, "")
        if kind == "e":
            return ""
        if kind in ("str", "inlinestr"):
            return _unescaped(value)
        if kind == "d":
            return re.sub("T00:00:00(?:[.]0+)?Z?$", "", value)
        look = _counted(style)
        is_date = look is not None and look < len(self._is_date) and self._is_date[look]
        return _number_text(value, self._epoch if is_date else None)


class _SheetReader:
    """The walk through one sheet."""

    def __init__(self, text_of: Callable[[str, str, str], str]) -> None:
        self._text_of = text_of
        self._done: list[Row] = []
        self._is_in_row = False
        # Positions of columns by their letters, as far as they were met.
        self._columns: dict[str, int] = {}
        self._number = 0
        self._place = -1
        self._cells: dict[int, str] = {}
        self._kind = self._style = self._value = ""
        self._aside = 0

    def take(self) -> list[Row]:
        """The rows that have been read since the last time."""
        done, self._done = self._done, []
        return done

    def start(self, name: str, about: dict[str, str]) -> None:
        """An element opens."""
        if name == "c":
            self._open(about)
        elif name == "row":
            if self._is_in_row:
                raise fault("FILE-033")  # a row in a row: whose the cells are nobody can say
            self._is_in_row = True
            # A number that does not grow is no place in a sheet.
            self._number = max(_counted(about.get("r", "")) or 0, self._number + 1)
            self._place = -1
            self._cells = {}
        elif name == "rph":
            self._aside += 1

    def _open(self, about: dict[str, str]) -> None:
        reference = about.get("r", "")
        letters = reference.rstrip(string.digits)
        if letters in self._columns and 0 < len(reference) - len(letters) < 8:
            self._place = self._columns[letters]
        elif found := _REFERENCE.fullmatch(reference):
            self._place = self._columns[found[1]] = _position(found[1])
        else:
            self._place += 1
        self._kind, self._style, self._value = about.get("t", "n").casefold(), about.get("s", ""), ""

    def end(self, name: str, text: str) -> None:
        """An element closes."""
        if name == "v":
            self._value = text
        elif name == "t" and not self._aside:
            self._value += text
        elif name == "c":
            shown = self._text_of(self._kind, self._style, self._value) if self._value else ""
            if shown.strip() and self._place < LARGEST_COLUMN:
                self._cells[self._place] = shown
        elif name == "row":
            if self._cells and self._number <= LARGEST_ROW:
                self._done.append((self._number, self._cells))
            self._cells = {}
            self._is_in_row = False
        elif name == "rph":
            self._aside -= 1


@contextmanager
def opened(path: Path) -> Iterator[Workbook]:
    """An open workbook. Raises DataFault `FILE-032` and `FILE-033`."""
    with unpacked(path) as parts:
        yield Workbook(parts)


def _nothing(_: str, __: str) -> None:
    """Nothing is kept of an element's text."""


def _unescaped(text: str) -> str:
    """Text with the control characters that XML cannot hold and Excel writes as `_x000D_`."""
    return _CONTROL.sub(lambda found: chr(int(found[1], 16)), text) if "_x00" in text else text


def _counted(text: str) -> int | None:
    """A number that counts something; None for what is none, or none that a workbook could reach."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _position(letters: str) -> int:
    """A is 0, Z 25, AA 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _is_one_of_dates(number: str) -> bool:
    return _counted(number) in _DATE_FORMATS


def _shows_date(code: str) -> bool:
    """Whether a format of the workbook's own shows a day or a time of day. Hours elapsed are a number."""
    if _ELAPSED.search(code):
        return False
    return re.search("[ymdhs]", _ASIDE.sub("", code), re.IGNORECASE) is not None


def _number_text(value: str, epoch: datetime | None) -> str:
    """A number as Excel shows it: a date where its format says so, at most 15 digits, no `.0`."""
    if epoch is None and value.isdecimal():
        return value
    try:
        number = float(value)
        if epoch is not None and 0 <= number <= _LAST_DAY:
            return _day_text(number, epoch)
        if not math.isfinite(number):
            return value
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"
    except (ValueError, OverflowError):
        return value


def _day_text(number: float, epoch: datetime) -> str:
    moment = epoch + timedelta(seconds=round(number * 86_400))
    if number < 1:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%Y-%m-%d}" if moment.time() == datetime.min.time() else f"{moment:%Y-%m-%d %H:%M:%S}"
