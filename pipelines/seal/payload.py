"""The tables that leave the door, block by block: pseudonyms, checked cells, what is derived before it is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.extract import TextTable
from pipelines.registry import ColumnView
from pipelines.seal.cells import BLANKED, SENTINELS, cells_of
from pipelines.seal.geography import Geography
from pipelines.seal.identifiers import Evidence, evidence, is_identifier, states
from pipelines.seal.identity import Identities, Scope, parent_key
from pipelines.seal.normalise import EXPLAINED, FUTURE, INVALID, MISSING, SHARED, TEMPORARY, TEST, VALID, packed
from pipelines.seal.tokens import day_unknown, over_distinct, pseudonyms, subkey

# Rows whose parents are looked up in one go.
LOOKED_UP_TOGETHER = 1 << 17
# States that identifiers of some kinds may have besides.
_FURTHER_STATES = {"birth_date": (FUTURE,), "birth_month": (FUTURE,), "upn": (EXPLAINED, SHARED)}


@dataclass
class Counts:
    """What became of the cells of a table, by column; states of identifiers by column."""

    rows: int = 0
    cells: dict[str, Counter[str]] = field(default_factory=dict)
    identifiers: dict[str, Counter[str]] = field(default_factory=dict)

    def of(self, sentinel: str) -> dict[str, int]:
        """Columns with cells that became this sentinel."""
        return {name: found[sentinel] for name, found in self.cells.items() if found[sentinel]}


@dataclass(frozen=True)
class Lineage:
    """Rows of a table that others hang on: their keys as they came, the record of each, the pseudonyms of the keys."""

    keys: pa.Array
    records: np.ndarray
    pseudonyms: pa.Array


class TableSealer:
    """Seals one table. `records` of a row is the number of its record, -1 for none."""

    def __init__(
        self, scope: Scope, name: str, table: TextTable, known: Identities | None, geography: Geography | None
    ) -> None:
        contract = scope.registry.contract(scope.dataset)
        self.name = name
        self.counts = Counts()
        # The rows written, for the tables that hang on this one.
        self._written: list[Lineage] = []
        self._scope = scope
        self._table = table
        self._known = known
        self._geography = geography
        # The number of the first record, where the rows of this table are records.
        self._first = known.starts.get(name) if known else None
        self._definition = contract.tables[name]
        self._views = scope.views(name)
        self._parent_key = parent_key(self._views)
        self._cells = {
            view.name: cells_of(view, scope.registry.code_lists.get(view.codes or ""))
            for view in self._views
            if view.passes == "text"
        }

    def write(self, path: Path, parent: TableSealer | None) -> None:
        """Read the table and write its payload. parent: the sealed table that its rows hang on."""
        writer: pq.ParquetWriter | None = None
        parents = parent.lineage() if parent else None
        try:
            for batch, place in self._blocks(parents):
                sealed = self._seal(batch, parents, place)
                writer = writer or pq.ParquetWriter(path, sealed.schema, compression="zstd")
                writer.write_batch(sealed)
            if writer is None:
                empty = self._seal(self._empty(), None, pa.nulls(0, pa.int32()))
                writer = pq.ParquetWriter(path, empty.schema, compression="zstd")
        finally:
            if writer is not None:
                writer.close()

    def lineage(self) -> Lineage | None:
        """What the tables below ask of this one; None where its rows belong to no record."""
        if not self._written:
            return None
        return Lineage(
            pa.concat_arrays([part.keys for part in self._written]),
            np.concatenate([part.records for part in self._written]),
            pa.concat_arrays([part.pseudonyms for part in self._written]),
        )

    def _blocks(self, parents: Lineage | None) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        """The blocks of the table, and for each row the place of its parent in the lineage; NULL for none.

        Looked up for many blocks together: a lookup begins with reading all keys.
        """
        waiting: list[pa.RecordBatch] = []
        for batch in self._table.batches():
            waiting.append(batch)
            if parents is None or sum(block.num_rows for block in waiting) >= LOOKED_UP_TOGETHER:
                yield from self._placed(waiting, parents)
                waiting = []
        yield from self._placed(waiting, parents)

    def _placed(
        self, blocks: Sequence[pa.RecordBatch], parents: Lineage | None
    ) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        rows = sum(block.num_rows for block in blocks)
        places = pa.nulls(rows, pa.int32())
        if rows and parents and self._parent_key:
            keys = pa.concat_arrays([block.column(self._parent_key) for block in blocks])
            places = pc.index_in(keys, value_set=parents.keys)
        start = 0
        for block in blocks:
            yield block, places.slice(start, block.num_rows)
            start += block.num_rows

    def _empty(self) -> pa.RecordBatch:
        schema = pa.schema([(name, pa.string()) for name in self._table.columns] + [("source_row", pa.int32())])
        return pa.RecordBatch.from_pylist([], schema)

    def _seal(self, batch: pa.RecordBatch, parents: Lineage | None, place: pa.Array) -> pa.RecordBatch:
        records = self._records_of(batch, parents, place)
        index = pa.array(records, mask=records < 0)
        nobody = pa.nulls(batch.num_rows, pa.string())
        columns: dict[str, pa.Array] = {
            "record_pseudonym": self._known.pseudonyms.take(index) if self._known else nobody,
            "source_row": batch.column("source_row"),
        }
        derived: dict[str, pa.Array] = {}
        births = self._known.births.take(index) if self._known else None
        for view in self._views:
            if view.passes is None:
                continue
            raw = batch.column(view.name)
            if view.passes == "pseudonym":
                is_parents = view.name == self._parent_key and not view.column.key_of
                known = parents.pseudonyms.take(place) if parents and is_parents else None
                columns[view.name] = self._pseudonyms(view, raw, known)
                continue
            columns[view.name] = cells = self._checked(view, raw, records)
            if view.column.after_birth:
                derived[f"{view.name}_before_birth"] = _before_birth(self._dates(view, raw), births)
            self._count(self.counts.cells, view.name, cells, SENTINELS)
        columns |= self._derived(batch) | derived
        self.counts.rows += batch.num_rows
        self._keep(batch, records, columns)
        return pa.record_batch(list(columns.values()), names=list(columns))

    def _records_of(self, batch: pa.RecordBatch, parents: Lineage | None, place: pa.Array) -> np.ndarray:
        """Which record each row belongs to: its own in a record table, else its parent's."""
        if self._first is not None:
            return self._first + np.arange(self.counts.rows, self.counts.rows + batch.num_rows)
        if parents is None:
            return np.full(batch.num_rows, -1, dtype=np.int64)
        found = pc.fill_null(place, -1).to_numpy(zero_copy_only=False)
        return np.where(found < 0, -1, parents.records[found])

    def _keep(self, batch: pa.RecordBatch, records: np.ndarray, columns: Mapping[str, pa.Array]) -> None:
        tables = self._scope.registry.contract(self._scope.dataset).tables.values()
        if any(table.parent == self.name for table in tables) and (records >= 0).any():
            key = next(view for view in self._views if view.name == self._definition.key[0])
            is_its_own = key.passes == "pseudonym" and key.type != "parent_key" and not key.column.key_of
            named = columns[key.name] if is_its_own else pa.nulls(batch.num_rows, pa.string())
            self._written.append(Lineage(batch.column(key.name), records, named))

    def _pseudonyms(self, view: ColumnView, raw: pa.Array, known: pa.Array | None) -> pa.Array:
        """Keyed pseudonyms of a key column, under the subkey of the table that owns the key.

        known: those that the rows' parents have already; the rest is worked out.
        """
        if known is not None:
            if known.null_count == raw.null_count:
                return known
            rest = pc.if_else(pc.is_null(known), raw, None)
            return pc.coalesce(known, self._pseudonyms(view, rest, None))
        owner, column = self.name, view.name
        other = view.column.key_of or (self._definition.parent if view.type == "parent_key" else None)
        if other:
            owner = other
            column = self._scope.registry.contract(self._scope.dataset).tables[owner].key[0]
        key = subkey(self._scope.keys.record_key, "key", self._scope.agency, self._scope.dataset, owner, column)
        return pseudonyms(key, raw)

    def _checked(self, view: ColumnView, raw: pa.Array, records: np.ndarray) -> pa.Array:
        """The cells of a kept column, uniform, or the word that stands for what may not pass."""
        cells = self._cells[view.name]
        text = over_distinct(raw, cells.uniform)
        if self._known is None:
            return text
        hit = self._known.own.holds(records, raw, cells.words)
        return pc.if_else(pa.array(hit), BLANKED, text) if hit.any() else text

    def _dates(self, view: ColumnView, raw: pa.Array) -> pa.Array:
        """The dates of a column, whether they may pass or not; NULL where there is none."""
        uniform = self._cells[view.name].uniform
        return over_distinct(raw, lambda text: iso if not (iso := uniform(text)).startswith("#") else None).cast(
            pa.date32()
        )

    def _derived(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """What the identifiers of a table leave behind: their states, and coarser facts."""
        found = self._evidence(batch)
        facts: dict[str, pa.Array] = {}
        shown: dict[str, pa.Array] = {}
        for view in filter(is_identifier, self._views):
            ours = [one for one in found if one.column == view.name]
            column = states(ours, batch.column(view.name))
            if self._known and self._first is not None and view.column.field == "upn":
                column = pc.if_else(pc.is_in(ours[0].valid, value_set=self._known.shared), SHARED, column)
            shown[f"{view.name}_state"] = column
            expected = (VALID, INVALID, MISSING, TEMPORARY, TEST, *_FURTHER_STATES.get(view.token or "", ()))
            self._count(self.counts.identifiers, view.name, column, expected)
            derive = view.meaning.derive if view.meaning else ()
            if "birth_month" in derive:
                found_here = _birth_facts(ours[0].valid, self._scope.latest)
                facts |= {name: fact for name, fact in found_here.items() if name in derive}
            if "lsoa21_code" in derive:
                valid = ours[0].valid
                none = pa.nulls(len(valid), pa.string())
                facts["lsoa21_code"] = self._geography.area_of(valid) if self._geography else none
        for view in self._views:
            if view.column.km_from:
                facts[f"{view.name}_km"] = self._way(batch, view)
        return facts | shown

    def _evidence(self, batch: pa.RecordBatch) -> list[Evidence]:
        """The identifiers of some rows; those of records were read before."""
        if self._known and self._first is not None:
            start = self._first + self.counts.rows
            return [one.slice(start, batch.num_rows) for one in self._known.read]
        return list(evidence(batch, self._views, self._scope.fields, self._scope.latest))

    def _way(self, batch: pa.RecordBatch, view: ColumnView) -> pa.Array:
        """Whole kilometres from a child's home to another place of the row; NULL where either place is not known."""
        if self._geography is None:
            return pa.nulls(batch.num_rows, pa.string())
        home, place = (over_distinct(batch.column(str(name)), packed) for name in (view.column.km_from, view.name))
        return self._geography.km_between(home, place)

    def _count(self, into: dict[str, Counter[str]], name: str, column: pa.Array, expected: Sequence[str]) -> None:
        counter = into.setdefault(name, Counter(dict.fromkeys(expected, 0)))
        places = pc.drop_null(pc.index_in(column, value_set=pa.array(expected))).to_numpy(zero_copy_only=False)
        for value, count in zip(expected, np.bincount(places, minlength=len(expected)).tolist(), strict=True):
            counter[value] += count


def _before_birth(dates: pa.Array, births: pa.Array | None) -> pa.Array:
    """`true` where an event lies before the child's birth; NULL where either date is not known."""
    if births is None:
        return pa.nulls(len(dates), pa.string())
    return _flag(pc.less(dates, births))


def _birth_facts(births: pa.Array, latest: date) -> dict[str, pa.Array]:
    """Month of birth, age in whole years on 31 August, school year of birth, and whether the day may be unknown.

    The day is the last 31 August at or before the end of the period; a child born after it is 0. A school year runs
    from September to August: born 2015-09-01 to 2016-08-31 is 2015.
    """
    august = latest.year if (latest.month, latest.day) >= (8, 31) else latest.year - 1

    def school_year(iso: str) -> str:
        return str(int(iso[:4]) - (iso[5:7] < "09"))

    def age(iso: str) -> str:
        return str(max(0, august - int(iso[:4]) - (iso[5:7] > "08")))

    return {
        "birth_month": over_distinct(births, lambda iso: f"{iso[:7]}-01"),
        "age_31_aug": over_distinct(births, age),
        "school_year": over_distinct(births, school_year),
        "is_birth_day_unknown": _flag(day_unknown(births)),
    }


def _flag(column: pa.Array) -> pa.Array:
    return pc.if_else(column, "true", "false")


def seal_tables(
    scope: Scope,
    tables: Mapping[str, TextTable],
    known: Identities | None,
    geography: Geography | None,
    folder: Path,
) -> dict[str, TableSealer]:
    """Write `<table>.parquet` of every table into a folder, parents before children."""
    contract = scope.registry.contract(scope.dataset)
    sealed: dict[str, TableSealer] = {}
    waiting = list(tables)
    while waiting:
        name = next(n for n in waiting if contract.tables[n].parent not in waiting)
        waiting.remove(name)
        sealer = TableSealer(scope, name, tables[name], known, geography)
        sealer.write(folder / f"{name}.parquet", sealed.get(contract.tables[name].parent or ""))
        sealed[name] = sealer
    return {name: sealed[name] for name in tables}
