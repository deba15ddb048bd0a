"""Canonical tables made of the lake: only those whose inputs changed, and of their rows only those that changed.

A table is made anew where a file, a contract or a query that it is made of is another than last time. A row that says
what it said before keeps the submission that first said so: a delivery changes the rows it changes, and no other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from pipelines import durable
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
        """A hash over everything a canonical table depends on: files, contracts, queries, its columns, DuckDB."""
        used, views = self._used(table)
        shown = {dataset for view in views for dataset in self.views[view]}
        parts = [
            duckdb.__version__,
            {name: self.queries[name] for name in sorted(used)},
            {dataset: self.registry.contract_hash(dataset) for dataset in sorted(shown)},
            [
                (file.submission_key, file.table, file.sha256)
                for file in self.files
                if "people" in views or f"{file.dataset_code}__{file.table}" in views
            ],
            (self.tables[table].types, self.tables[table].required, self.tables[table].key),
            self.withdrawn,
        ]
        return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()

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
        if stale:
            lake.open_views(self.duck, self.registry, self.files)
        lookups = set().union(*(self._used(table)[0] for table in stale)) - set(stale) if stale else set()
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
        """Whether what was made last time would come out again: same inputs, and rows compared with the same state."""
        base = self.base.get(table)
        return last.inputs.get(table) == inputs and base in (last.base.get(table), last.hashes.get(table))

    def _conform(self, table: CoreTable) -> tuple[str, int]:
        """Run one query, check its shape, and keep the result under its content hash; hash and row count."""
        query = self.queries[table.name]
        given = {row[0] for row in self.duck.execute(f"DESCRIBE {query}").fetchall()}
        if given != set(table.columns):
            odd = ", ".join(sorted(given ^ set(table.columns)))
            raise SystemFault(f"sql/conform/{table.name}.sql does not give the columns of core.{table.name}: {odd}")
        order = ", ".join(f'"{name}"' for name in table.key)
        self.duck.execute(f"CREATE OR REPLACE TEMP TABLE made AS {self._kept(table)} ORDER BY {order}")
        empty = ", ".join(f'count(*) FILTER ("{name}" IS NULL)' for name in table.required)
        counts = self.duck.execute(
            f"""SELECT count(*), count(DISTINCT ({order},)), coalesce(bit_xor(hash(made)), 0),
                coalesce(sum(hash(made)), 0), {empty} FROM made"""  # noqa: S608
        ).fetchall()[0]
        total, distinct, *sums = counts[:4]
        missing = [name for name, count in zip(table.required, counts[4:], strict=True) if count]
        if missing:
            raise SystemFault(f"sql/conform/{table.name}.sql leaves required columns empty: {', '.join(missing)}")
        if distinct != total:
            raise SystemFault(f"sql/conform/{table.name}.sql gives {total - distinct} rows with a key given before")
        text = json.dumps([table.types, total, [str(part) for part in sums]])
        content_hash = hashlib.sha256(text.encode()).hexdigest()[:16]
        target = state.path(self.settings, table.name, content_hash)
        if not target.exists():
            durable.replace(target, lambda temporary: self.duck.execute(f"COPY made TO '{temporary}' (FORMAT parquet)"))
        return content_hash, total

    def _kept(self, table: CoreTable) -> str:
        """The query with every cell in its type; a row that is as it was keeps the submission that first carried it."""
        cells = ", ".join(f'"{name}"::{type_} AS "{name}"' for name, type_ in table.types.items())
        typed = f"SELECT {cells} FROM ({self.queries[table.name]}\n)"  # noqa: S608
        before = self._before(table)
        if before is None:
            return typed
        on = " AND ".join(f'n."{name}" = b."{name}"' for name in table.key)
        same = _all(f'n."{name}" IS NOT DISTINCT FROM b."{name}"' for name in table.content if name != "submission_key")
        gone = f"b.submission_key NOT IN ({', '.join(map(str, self.withdrawn))})" if self.withdrawn else "TRUE"
        return f"""SELECT n.* REPLACE (
                CASE WHEN {same} AND {gone} THEN least(n.submission_key, b.submission_key) ELSE n.submission_key END
                AS submission_key)
            FROM ({typed}) AS n LEFT JOIN read_parquet('{before}') AS b ON {on}"""  # noqa: S608

    def _before(self, table: CoreTable) -> Path | None:
        base = self.base.get(table.name)
        return state.readable(self.settings, self.duck, table, base) if base else None


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions) or "TRUE"


def said(error: duckdb.Error) -> str:
    """What DuckDB says of the statement; of an error while running only the kind, since it may quote a cell."""
    of_statement = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
    return str(error).splitlines()[0] if isinstance(error, of_statement) else type(error).__name__
