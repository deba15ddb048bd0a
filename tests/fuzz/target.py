"""What must hold for every input, whatever it is.

A fault is told in a sentence that quotes nothing of the file; nothing else is raised; what is read is read the same
again; every row comes out or is rejected by its number; and what can be read can be sealed.
"""

import logging
import zlib
from pathlib import Path

import pyarrow as pa

from pipelines import seal
from pipelines.errors import DataFault
from pipelines.extract import Recognised, TextTable, open_tables, recognise
from pipelines.registry import Registry
from tests.fuzz.seeds import MARKER, as_file

# Sealing takes ten times as long as reading.
SEALED_ONE_IN = 10


class Heard(logging.Handler):
    """Everything that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Target:
    """The way of a file through the door. folder: an empty one, which stays empty but for the file of the moment."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self._registry = registry
        self._file = folder / "extract"
        self._heard = Heard()
        logging.getLogger().addHandler(self._heard)
        logging.captureWarnings(True)

    def __call__(self, data: bytes) -> None:
        """Try one input; raises AssertionError, or what should not have been raised."""
        self._file.write_bytes(as_file(data))
        self._heard.lines.clear()
        try:
            found = recognise([self._file], self._registry)
            self._read(found)
            if zlib.crc32(data) % SEALED_ONE_IN == 0:
                self._seal(found)
        except DataFault as fault:
            told = f"{fault} {fault.tell_supplier} {fault.__cause__}"
            assert MARKER.casefold() not in told.casefold(), "a message quotes the file"
        assert not any(MARKER in line for line in self._heard.lines), "a log quotes the file"

    def _read(self, found: Recognised) -> None:
        tables = open_tables(found, self._registry)
        for table in tables.values():
            first = _rows(table)
            numbers = [*first.column("source_row").to_pylist(), *table.rejected]
            assert len(numbers) == len(set(numbers)), "two rows have one number"
            assert all(number > 0 for number in numbers)
            rejected = list(table.rejected)
            assert _rows(table).equals(first) and table.rejected == rejected, "read again, it is another table"

    def _seal(self, found: Recognised) -> None:
        with seal.throwaway(found, registry=self._registry, period="2026-03") as sealed:
            for table in sealed.manifest["tables"].values():
                assert table["rows_in"] == table["rows"] + len(table["rejected_rows"])


def _rows(table: TextTable) -> pa.Table:
    """The rows of a table; a fault that it must have rows is none here."""
    schema = pa.schema([(name, pa.string()) for name in table.columns] + [("source_row", pa.int32())])
    return pa.Table.from_batches(table.batches(), schema)
