"""Bytes to text tables: one reader per physical form, none per dataset.

`recognise` says what files are by what stands in them; `open_tables` reads them as text, under the contract's column
names, every row with its own number. Nothing here casts, corrects or drops a value, but that a number which serves as
a key loses the `.0` that it got on its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.agencies import Agency
from pipelines.contracts import Contract
from pipelines.extract import recognition, sheet_form, xml_form
from pipelines.extract.csv_form import CsvTable
from pipelines.extract.faults import catalogue, fault
from pipelines.extract.headers import read_columns
from pipelines.extract.recognition import Recognised, recognise
from pipelines.extract.sheet_form import SheetTable
from pipelines.extract.source import Source
from pipelines.extract.xml_form import XmlTable
from pipelines.registry import Registry

__all__ = ["Recognised", "TextTable", "catalogue", "fault", "open_tables", "recognise", "recognise_all"]


@dataclass
class TextTable:
    """A table of a delivery as text, with the checks that concern the whole file.

    rows: how many came out; rejected: the numbers of those that could not be read. Both are complete when `batches` is
    exhausted; it can be read again.
    """

    name: str
    source: CsvTable | XmlTable | SheetTable
    contract: Contract
    agency: Agency | None
    keys: tuple[str, ...] = ()
    rows: int = 0
    rejected: list[int] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """The contract's columns that are read, in contract order."""
        return self.source.columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Blocks of rows: trimmed text, blank as NULL, and `source_row` (INTEGER, the first row of data is 1).

        Raises DataFault with a `FILE-` code (faults.yaml).
        """
        self.rows = 0
        for batch in self.source.batches():
            self._check_sender(batch)
            batch = self._whole_keys(batch)
            self.rows += batch.num_rows
            yield batch
        self.rejected = self.source.rejected
        needs_rows = (
            self.name == self.contract.record_table
            if self.contract.people
            else not self.contract.tables[self.name].optional
        )
        if needs_rows and not self.rows and not self.rejected:
            raise fault("FILE-003", table=self.name)

    def _whole_keys(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Keys as before a blank among them made a column decimal: `12.0` in one table is `12` in another."""
        for name in self.keys:
            column = batch.column(name)
            if pc.any(pc.ends_with(column, ".0")).as_py():
                place = batch.schema.get_field_index(name)
                whole = pc.replace_substring_regex(column, r"^([0-9]+)\.0$", r"\1")
                batch = batch.set_column(place, batch.schema.field(place), whole)
        return batch

    def _check_sender(self, batch: pa.RecordBatch) -> None:
        """The file must be this sender's and of this collection, where the contract names a cell that says so."""
        for check in self.contract.header_checks:
            if check.table != self.name or (check.agency and self.agency is None):
                continue
            wanted = check.equals or getattr(self.agency, check.agency or "")
            if not pc.all(pc.fill_null(pc.equal(batch.column(check.column), wanted), False), min_count=0).as_py():
                expected = wanted if check.equals else f"this sender's {check.agency}"
                raise fault("FILE-007", table=self.name, column=check.column, expected=expected)


def recognise_all(files: Sequence[Path], registry: Registry) -> tuple[list[Recognised], list[Path]]:
    """Take files of any datasets apart: what each group is, and the files that are nothing known.

    Raises DataFault only where not a single file is known, or a recognised group is incomplete.
    """
    groups: list[Recognised] = []
    rest = list(files)
    inside: list[Path] = []  # of archives, which are deliveries of their own
    while rest and (not groups or recognition.is_any_known(rest, registry)):
        groups.append(recognise(rest, registry))
        unknown = groups[-1].unknown_files
        inside += [path for path in unknown if not path.is_file()]
        rest = [path for path in unknown if path.is_file()]
    return groups, rest + inside


def open_tables(
    found: Recognised, registry: Registry, agency: Agency | None = None, *, scratch: Path | None = None
) -> dict[str, TextTable]:
    """The tables of a recognised delivery, ready to read, in contract order.

    agency: the sender, whose codes the files must carry; None checks only what holds for every sender. scratch: the
    folder in which rows of XML and workbooks wait, in files without a name; the system's own unless given.
    Raises DataFault for XML and workbooks that cannot be read; CSV faults come while reading.
    """
    contract = registry.contract(found.dataset)
    sources: dict[str, CsvTable | XmlTable | SheetTable] = {}
    for file in dict.fromkeys(at.file.source for at in found.places.values()):
        here = {name: at for name, at in found.places.items() if at.file.source == file}
        places = {name: (contract.tables[name], at.place) for name, at in here.items() if at.place}
        sniffed = next(iter(here.values())).file
        if sniffed.form == "xml":
            sources |= _xml_tables(file, contract, scratch)
        elif sniffed.form == "workbook":
            sources |= sheet_form.read(file.path, places, scratch)
        else:
            sources |= {name: CsvTable(name, table, sniffed, place) for name, (table, place) in places.items()}
    return {
        name: TextTable(name, sources[name], contract, agency, _keys(registry, contract, name))
        for name in contract.tables
        if name in sources
    }


def _keys(registry: Registry, contract: Contract, table: str) -> tuple[str, ...]:
    """The columns of a table by which rows are found again."""
    views = registry.columns(contract.dataset, table)
    kept = set(read_columns(contract.tables[table]))
    own = contract.tables[table].key
    return tuple(v.name for v in views if v.name in kept and (v.name in own or v.type in ("key", "parent_key")))


def _xml_tables(source: Source, contract: Contract, scratch: Path | None) -> dict[str, XmlTable]:
    """The tables of an XML return, none of which lacks a mandatory element.

    An optional part has no element where there is nothing to say; keys are the reader's own.
    """
    tables = xml_form.read(source, contract, scratch)
    for name, found in tables.items():
        table = contract.tables[name]
        needed = [n for n, c in table.columns.items() if c.required and c.path and c.path[0] != "@"]
        lacking = [n for n in needed if n not in found.found_columns and not table.optional]
        if lacking:
            raise fault("FILE-004", table=name, columns=", ".join(lacking))
    return tables
