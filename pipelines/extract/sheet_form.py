"""Tables on the sheets of a workbook: one sheet for each, or blocks one below the other, each under its title.

A table begins at its header, which may stand below titles and blank rows, and a row's number counts from there, blank
rows included, so that it is found in the sheet. A table that has a sheet to itself goes on to the end. A block of a
template ends at a blank row or at the next title; rows that follow the blank row all the same are rejected by their
numbers, and what stands below a line of its own is a note. Where a template has no column for a key, the row's number
is its key (`@row`); a row without a column for its parent belongs to the parent's first row (`@parent`): a header.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from pipelines.contracts import Table
from pipelines.extract import ooxml
from pipelines.extract.faults import fault
from pipelines.extract.headers import Match, named, read_columns, squash
from pipelines.extract.ooxml import Row
from pipelines.extract.spill import Spill

# The part that every workbook has, and no other archive of tables.
TYPES = "[Content_Types].xml"
# Among how many filled rows of a sheet its header is looked for; and among how many below the title of a block.
HEADER_WITHIN = 25
HEADER_BELOW_TITLE = 3


@dataclass(frozen=True)
class Start:
    """A row that may be the header of a table.

    sheet: blank where there is but one table. row: its number in the sheet; in text the number of lines it ends.
    title: of the block it may begin, squashed; title_row: where that is.
    """

    sheet: str
    row: int
    header: tuple[str, ...]
    title: str | None = None
    title_row: int = 0

    @cached_property
    def names(self) -> dict[str, list[int]]:
        """The names in it, squashed, and where each stands."""
        return named(self.header)


@dataclass(frozen=True)
class Place:
    """Where a table stands. ends: rows of its sheet at which other tables begin; None where it has a sheet alone."""

    start: Start
    match: Match
    ends: frozenset[int] | None = None


class SheetTable:
    """One table of a workbook; filled by `read`."""

    def __init__(self, name: str, table: Table, place: Place, scratch: Path | None) -> None:
        self.name = name
        self.columns = read_columns(table)
        self.rejected: list[int] = []
        self._place = place
        self._rows = Spill(self.columns, scratch)
        self._places = [place.match.positions.get(column, ()) for column in self.columns]
        made = {at: table.columns[self.columns[at]].path for at, places in enumerate(self._places) if not places}
        self._numbered = [at for at, path in made.items() if path == "@row"]
        self._first = [at for at, path in made.items() if path == "@parent"]
        self._last = place.start.row
        self._is_over = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Blocks of rows: the contract's kept columns as trimmed text, blank as NULL, and `source_row` (INTEGER)."""
        yield from self._rows.batches()

    def take(self, row: Row) -> None:
        """Look at a row of the table's sheet; they come from top to bottom."""
        number, cells = row
        place = self._place
        if number <= place.start.row or self._is_over:
            return
        if place.ends is not None:
            is_after_gap = number > self._last + 1 and self._last > place.start.row
            self._is_over = number in place.ends or (is_after_gap and len(cells) == 1)
            if self._is_over:
                return
            if is_after_gap:
                self.rejected.append(number - place.start.row)
                return
        self._last = number
        self._keep(number - place.start.row, cells)

    def _keep(self, number: int, cells: Mapping[int, str]) -> None:
        found = []
        for column, places in zip(self.columns, self._places, strict=True):
            values = [cells.get(place) for place in places]
            if len(set(values)) > 1:
                raise fault("FILE-011", table=self.name, columns=column)
            found.append(values[0] if values else None)
        if any(found):
            for at in self._numbered:
                found[at] = str(number)
            for at in self._first:
                found[at] = "1"
            self._rows.add(number, found)

    def close(self) -> None:
        """The sheet has ended."""
        self._rows.close()


def outline(path: Path, titles: Container[str]) -> tuple[Start, ...]:
    """Every row of a workbook that may be the header of a table. titles: of all blocks that are known, squashed.

    Raises DataFault `FILE-032` and `FILE-033`.
    """
    with ooxml.opened(path) as book:
        return tuple(start for sheet in book.sheets for start in _starts(sheet, book.rows(sheet), titles))


def _starts(sheet: str, rows: Iterable[Row], titles: Container[str]) -> Iterator[Start]:
    title: str | None = None
    title_row = below = 0
    for filled, (number, cells) in enumerate(rows):
        first = squash(cells[min(cells)])
        if first in titles:
            title, title_row, below = first, number, 0
            yield Start(sheet, number, (), title, title_row)  # ends the block above, though nothing may follow
            continue
        below += 1
        if title and below <= HEADER_BELOW_TITLE:
            yield Start(sheet, number, _dense(cells), title, title_row)
        elif filled < HEADER_WITHIN:
            yield Start(sheet, number, _dense(cells))


def _dense(cells: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(cells.get(place, "") for place in range(max(cells) + 1))


def read(path: Path, tables: Mapping[str, tuple[Table, Place]], scratch: Path | None = None) -> dict[str, SheetTable]:
    """Tables of a workbook, each from its place. Raises DataFault `FILE-011`, `FILE-032` and `FILE-033`."""
    found = {name: SheetTable(name, table, place, scratch) for name, (table, place) in tables.items()}
    with ooxml.opened(path) as book:
        for sheet in book.sheets:
            here = [found[name] for name, (_, place) in tables.items() if place.start.sheet == sheet]
            for row in book.rows(sheet) if here else ():
                for table in here:
                    table.take(row)
    for table in found.values():
        table.close()
    return found
