"""CSV files as text tables: every cell as it was written, every row under its own number.

A row whose number of fields differs from the header's has shifted columns: nobody knows which cell is which, so it is
rejected by its number alone. Rows are read in blocks, so memory does not follow the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from pipelines.contracts import Table
from pipelines.extract.blanks import trimmed
from pipelines.extract.encoding import encoding_of
from pipelines.extract.faults import fault
from pipelines.extract.headers import read_columns
from pipelines.extract.sheet_form import Place
from pipelines.extract.sniff import Sniffed

# The reader keeps some twenty blocks ahead.
BLOCK_BYTES = 2 << 20
# More line breaks than this in one ragged row, or in one cell that is kept, are not an address on several lines but
# a quotation mark that swallowed rows.
MOST_LINE_BREAKS = 3


class CsvTable:
    """One CSV file read as one contract table."""

    def __init__(self, name: str, table: Table, sniffed: Sniffed, place: Place) -> None:
        self.name = name
        self.rejected: list[int] = []
        self._sniffed = sniffed
        self._start = place.start
        self._positions = place.match.positions
        self._encoding: str | None = None
        self.columns = read_columns(table)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Blocks of rows: the contract's kept columns as trimmed text, blank as NULL, and `source_row` (INTEGER).

        A contract column that the file lacks is NULL throughout. `rejected` is complete when the last block is out.
        Raises DataFault `FILE-009`, `FILE-010`, `FILE-011`, `FILE-016`.
        """
        self.rejected = []
        ragged: list[int] = []
        swallowed: list[int] = []
        rows = 0
        number = 0
        reader = self._open(ragged, swallowed)
        while (block := self._next(reader, number)) is not None:
            numbers, number = _numbers(number, block.num_rows, ragged)
            batch, broken = self._kept(block, numbers)
            if swallowed or broken.any():
                self._check_quotes(batch, broken, swallowed)
                self.rejected += numbers[broken].tolist()
                batch = batch.filter(pa.array(~broken))
            rows += batch.num_rows
            yield batch
        self.rejected = sorted({*self.rejected, *ragged})
        if swallowed:
            raise fault("FILE-010", table=self.name, row=swallowed[0])
        if self.rejected and not rows:
            raise fault("FILE-009", table=self.name)

    def _open(self, ragged: list[int], swallowed: list[int]) -> pcsv.CSVStreamingReader | None:
        """A streaming reader; numbers of ragged rows go to `ragged`, of those that took others along to `swallowed`."""
        above, source = self._start.row, self._sniffed.source
        self._encoding = self._encoding or encoding_of(source, self._sniffed.encoding)

        def skip(row: pcsv.InvalidRow) -> str:
            ragged.append(row.number - above)
            if row.text.count("\n") > MOST_LINE_BREAKS:
                swallowed.append(row.number - above)
            return "skip"

        names = [f"c{position}" for position in range(len(self._start.header))]
        needed = sorted({place for name in self.columns for place in self._positions.get(name, ())})
        try:
            return pcsv.open_csv(
                source.path if source.entry is None else source.open(),
                read_options=pcsv.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK_BYTES,
                    column_names=names,
                    skip_rows=above,
                    encoding=self._encoding,
                ),
                parse_options=pcsv.ParseOptions(
                    delimiter=self._sniffed.separator, newlines_in_values=True, invalid_row_handler=skip
                ),
                convert_options=pcsv.ConvertOptions(
                    column_types={name: pa.string() for name in names},
                    include_columns=[names[place] for place in needed],
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if str(error).startswith("Could not skip initial"):
                return None  # a header without even a line end after it
            raise fault("FILE-010", table=self.name, row=1) from None

    def _next(self, reader: pcsv.CSVStreamingReader | None, number: int) -> pa.RecordBatch | None:
        try:
            return reader.read_next_batch() if reader else None
        except StopIteration:
            return None
        except pa.ArrowInvalid:
            raise fault("FILE-010", table=self.name, row=number + 1) from None

    def _kept(self, block: pa.RecordBatch, numbers: np.ndarray) -> tuple[pa.RecordBatch, np.ndarray]:
        """The contract's columns of a block, and which rows hold a line break in a cell that must have none."""
        columns: list[pa.Array] = []
        broken = np.zeros(block.num_rows, dtype=bool)
        may_break = any(_holds_break(column) for column in block.columns)
        for name in self.columns:
            places = self._positions.get(name, ())
            if not places:
                columns.append(pa.nulls(block.num_rows, pa.string()))
                continue
            first, *others = (trimmed(block.column(f"c{place}")) for place in places)
            if any(not first.equals(other) for other in others):
                raise fault("FILE-011", table=self.name, columns=name)
            if may_break:
                holds_break = pc.fill_null(pc.match_substring_regex(first, "[\r\n]"), False)
                broken |= holds_break.to_numpy(zero_copy_only=False)
            columns.append(first)
        columns.append(pa.array(numbers, pa.int32()))
        return pa.record_batch(columns, names=[*self.columns, "source_row"]), broken

    def _check_quotes(self, batch: pa.RecordBatch, broken: np.ndarray, swallowed: list[int]) -> None:
        """Refuse the file where one quotation mark took several rows along: those would be lost unseen."""
        suspects = batch.filter(pa.array(broken))
        for name in self.columns:
            breaks = pc.max(pc.count_substring(suspects.column(name), "\n")).as_py() or 0
            if breaks > MOST_LINE_BREAKS:
                swallowed.append(suspects.column("source_row")[0].as_py())
        if swallowed:
            raise fault("FILE-010", table=self.name, row=swallowed[0])


def _holds_break(column: pa.Array) -> bool:
    """Whether a line break is anywhere in the memory of a text column: quicker to say than in which cell."""
    memory = column.buffers()[2]
    held = memory.to_pybytes() if memory else b""
    return b"\n" in held or b"\r" in held


def _numbers(last: int, rows: int, ragged: list[int]) -> tuple[np.ndarray, int]:
    """Numbers of the next `rows` good rows after number `last`, without the ragged ones; and the last of them."""
    between = [number for number in ragged if number > last]
    candidates = np.arange(last + 1, last + 1 + rows + len(between), dtype=np.int32)
    good = candidates[~np.isin(candidates, between)][:rows]
    return good, int(good[-1]) if rows else last
