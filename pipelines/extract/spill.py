"""Rows set aside on the disk until they are asked for, so that memory does not follow the size of a file.

They lie in a file without a name: it is gone when the rows are no longer needed, and when the process dies.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa

from pipelines.extract.blanks import trimmed

ROWS_PER_BATCH = 8_192


class Spill:
    """The rows of one table: taken one by one, given back in blocks as often as needed."""

    def __init__(self, columns: Sequence[str], folder: Path | None) -> None:
        self._schema = pa.schema([(name, pa.string()) for name in columns] + [("source_row", pa.int32())])
        self._folder = folder
        self._rows: list[list[str | None]] = []
        self._numbers: list[int] = []
        self._file: IO[bytes] | None = None
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    def add(self, number: int, cells: list[str | None]) -> None:
        """Take a row. cells: text of each column, as written."""
        self._rows.append(cells)
        self._numbers.append(number)
        if len(self._rows) >= ROWS_PER_BATCH:
            self._flush()

    def close(self) -> None:
        """No more rows will come."""
        self._flush()
        if self._writer:
            self._writer.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Blocks of trimmed text, blank as NULL, and `source_row` (INTEGER). Only after `close`."""
        if self._file:
            reader = pa.ipc.open_file(pa.PythonFile(self._file, mode="r"))
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it is closed with its last row
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writer = pa.ipc.new_file(pa.PythonFile(self._file, mode="w"), self._schema, options=options)
        cells = [trimmed(pa.array(column, pa.string())) for column in zip(*self._rows, strict=True)]
        self._writer.write_batch(pa.record_batch([*cells, pa.array(self._numbers, pa.int32())], schema=self._schema))
        self._rows, self._numbers = [], []
