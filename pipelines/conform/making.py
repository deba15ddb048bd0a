"""Canonical tables made of the lake: only those whose inputs changed, and of their rows only those that changed.

A table is made anew where a file, a contract or a query that it is made of is another than last time. A row that says
what it said before keeps the submission that first said so: a delivery changes the rows it changes, and no other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.conform import lake, state
from pipelines.conform.shape import CoreTable
from pipelines.errors import SystemFault
from pipelines.ledger import trouble
from pipelines.registry import Registry
from pipelines.settings import Settings, shipped


def queries() -> dict[str, str]:
    """The files of `sql/conform/` by name; a lookup's name starts with `_`."""
    return {path.stem: path.read_text() for path in sorted((shipped("sql") / "conform").glob("*.sql"))}


@dataclass(frozen=True)
class Making:
    """Everything the canonical tables are made of.

    base: table -> content hash of the state that the warehouse shows. withdrawn: keys of submissions that were taken
    out, which no row may keep.
    """

    settings: Settings
    registry: Registry
    duck: duckdb.DuckDBPyConnection
    tables: Mapping[str, CoreTable]
    files: list[lake.LakeFile]
    base: dict[str, str] = field(default_factory=dict)
    withdrawn: tuple[int, ...] = ()

    @cached_property
    def queries(self) -> dict[str, str]:
        """Queries and lookups by name."""
        return queries()

    @cached_property
    def views(self) -> dict[str, list[str]]:
        """View of the lake -> the datasets it shows."""
        found = {f"{name}__{table}": [name] for name, of in self.registry.contracts.items() for table in of.tables}
        return found | {"people": list(self.registry.contracts)}

    def inputs(self, table: str) -> str:
        """A hash over everything a canonical table depends on, and the submissions that bring it.

        Files and in which order a feed brought them, contracts, queries, its columns, DuckDB. Which submissions those
        are is not in the hash: no query asks which of two feeds was the first to come.
        """
        used, views = self._used(table)
        shown = {dataset for view in views for dataset in self.views[view]}
        read = [file for file in self.files if "people" in views or f"{file.dataset_code}__{file.table}" in views]
        feeds = sorted({(of.agency_code, of.dataset_code, of.submission_key) for of in read})
        parts = [
            duckdb.__version__,
            {name: self.queries[name] for name in sorted(used)},
            {dataset: self.registry.contract_hash(dataset) for dataset in sorted(shown)},
            sorted(
                (feeds.index((of.agency_code, of.dataset_code, of.submission_key)), of.agency_code, of.dataset_code,
                 str(of.period_start), str(of.period_end), of.table, of.sha256)
                for of in read
            ),
            (self.tables[table].types, self.tables[table].required, self.tables[table].key),
            self.withdrawn,
        ]  # fmt: skip
        content = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return f"{content}:{','.join(str(key) for *_, key in feeds)}"

    def _used(self, name: str) -> tuple[set[str], set[str]]:
        """A query with the lookups below it, and the views of the lake that they name between them."""
        lookups, views, open_ = {name}, set(), [name]
        while open_:
            words = set(re.findall(r"\w+", re.sub(r"--.*", "", self.queries[open_.pop()])))
            views |= words & set(self.views)
            found = {f"_{word}" for word in words} & set(self.queries) - lookups
            lookups |= found
            open_ += found
        return lookups, views

    def make(self, last: state.Next | None) -> tuple[dict[str, str], dict[str, int], dict[str, str]]:
        """Content hash, rows and inputs of every canonical table; what `last` made of the same is not made again."""
        inputs = {table: self.inputs(table) for table in self.tables}
        hashes: dict[str, str] = {}
        rows: dict[str, int] = {}
        for table in self.tables:
            if last is not None and self._holds(last, table, inputs[table]):
                hashes[table], rows[table] = last.hashes[table], last.rows[table]
        stale = [table for table in self.tables if table not in hashes]
        used = [self._used(table) for table in stale]
        lake.open_views(self.duck, self.registry, self.files, {view for _, views in used for view in views})
        lookups = {name for names, _ in used for name in names} - set(stale)
        for name in [*sorted(lookups), *stale]:
            try:
                if name in lookups:
                    self.duck.execute(f"CREATE TEMP TABLE {name[1:]} AS {self.queries[name]}")
                else:
                    hashes[name], rows[name] = self._conform(self.tables[name])
            except duckdb.Error as error:
                if trouble.is_full(error):
                    raise
                raise SystemFault(f"sql/conform/{name}.sql did not run: {said(error)}") from None
        return hashes, rows, inputs

    def _holds(self, last: state.Next, table: str, inputs: str) -> bool:
        """Whether what was made last time would come out again: same inputs, and rows compared with the same state.

        Rows keep the submission that said first what they say. So where the same files came once more, those before
        must have come before, and the warehouse must show what was made of them.
        """
        base, made = self.base.get(table), last.hashes.get(table)
        before, _, brought = last.inputs.get(table, "").partition(":")
        now, _, brings = inputs.partition(":")
        if before != now:
            return False
        if brought == brings:
            return base in (last.base.get(table), made)
        keys = zip(brought.split(","), brings.split(","), strict=True)
        return base == made and all(int(old) <= int(new) for old, new in keys)

    def _conform(self, table: CoreTable) -> tuple[str, int]:
        """Run one query beside the state before, check its shape, keep what it gives under its content hash."""
        base = self.base.get(table.name)
        before = state.readable(self.settings, self.duck, table, base) if base else None
        try:
            self.duck.execute(f"CREATE OR REPLACE TEMP TABLE made AS {self._compared(table, before)}")
        except duckdb.BinderException:
            self._require_columns(table, self.queries[table.name])
            raise
        self._require_columns(table, "SELECT * EXCLUDE (change) FROM made")
        content_hash, total = self._checked(table, pq.read_metadata(before).num_rows if before else 0)
        columns = ", ".join(f'"{name}"' for name in table.columns)
        target = state.path(self.settings, table.name, content_hash)
        state.keep(self.duck, target, f"SELECT {columns} FROM made WHERE change IS DISTINCT FROM 'D'")  # noqa: S608
        if base and base != content_hash:
            target = state.changes_path(self.settings, table.name, base, content_hash)
            state.keep(self.duck, target, f"SELECT change, {columns} FROM made WHERE change IS NOT NULL")  # noqa: S608
        return content_hash, total

    def _compared(self, table: CoreTable, before: Path | None) -> str:
        """The query with every cell in its type, and how each row differs from the state before.

        A row that is as it was keeps the submission that first carried it.
        """
        cells = ", ".join(f'"{name}"::{type_} AS "{name}"' for name, type_ in table.types.items())
        typed = f"SELECT * REPLACE ({cells}) FROM ({self.queries[table.name]}\n)"  # noqa: S608
        if before is None:
            # What goes into a table of the database as a whole goes in by its key, which is how its index grows well.
            order = ", ".join(f'"{name}"' for name in table.key)
            return f"SELECT *, 'I' AS change FROM ({typed}) ORDER BY {order}"  # noqa: S608
        gone = f"b.submission_key NOT IN ({', '.join(map(str, self.withdrawn))})" if self.withdrawn else "TRUE"
        return state.compared(table, typed, before, keeps=gone)

    def _require_columns(self, table: CoreTable, query: str) -> None:
        given = {row[0] for row in self.duck.execute(f"DESCRIBE {query}").fetchall()}
        if given != set(table.columns):
            odd = ", ".join(sorted(given ^ set(table.columns)))
            raise SystemFault(f"sql/conform/{table.name}.sql does not give the columns of core.{table.name}: {odd}")

    def _checked(self, table: CoreTable, before: int) -> tuple[str, int]:
        """Content hash and number of rows of what was made; before: rows of the state it was compared with.

        The keys there are now: those that are new, and those of before that are not gone.
        """
        columns, key = (", ".join(f'"{name}"' for name in names) for names in (table.columns, table.key))
        said = ", ".join(f'count("{name}")' for name in table.required)
        total, each, both, distinct, *counts = self.duck.execute(
            f"""SELECT count(*), coalesce(bit_xor(hash({columns})), 0), coalesce(sum(hash({columns})), 0),
                (SELECT count(DISTINCT ({key},)) FROM made WHERE change = 'I') + {before}
                    - (SELECT count(*) FROM made WHERE change = 'D'), {said}
            FROM made WHERE change IS DISTINCT FROM 'D'"""  # noqa: S608
        ).fetchall()[0]
        missing = [name for name, count in zip(table.required, counts, strict=True) if count < total]
        if missing:
            raise SystemFault(f"sql/conform/{table.name}.sql leaves required columns empty: {', '.join(missing)}")
        if distinct != total:
            raise SystemFault(f"sql/conform/{table.name}.sql gives {total - distinct} rows with a key given before")
        text = json.dumps([table.types, total, [str(each), str(both)]])
        return hashlib.sha256(text.encode()).hexdigest()[:16], total


def said(error: duckdb.Error) -> str:
    """What DuckDB says of the statement; of an error while running only the kind, since it may quote a cell."""
    of_statement = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
    return str(error).splitlines()[0] if isinstance(error, of_statement) else type(error).__name__
