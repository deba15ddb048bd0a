"""Accepted snapshots into canonical tables, and what changed in them.

One SQL file per canonical table in `sql/conform/` (DuckDB); a file whose name starts with `_` is a lookup that the
others use. Names of datasets are known there and nowhere in this room.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from pipelines import durable
from pipelines.conform import lake, state
from pipelines.conform.shape import CoreTable, core_tables
from pipelines.conform.turn import one_at_a_time
from pipelines.errors import SystemFault
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.registry import Registry
from pipelines.settings import Settings, shipped

MEMORY = "1500MB"


def run(
    settings: Settings, registry: Registry, connection: psycopg.Connection[Any], as_of: date | None = None
) -> Outcome:
    """Make the canonical tables of the submissions that stand, beside the ones the warehouse shows.

    as_of: recorded time; what had been accepted by the end of that day. Nothing in the warehouse changes. Where inputs
    and SQL are those of the last run, nothing is done and the outcome says so.

    Raises SystemFault where a query gives other columns than its core table, leaves one empty, or repeats a key.
    """
    with recorded_run(connection, "conform", str(as_of or "all")) as outcome, one_at_a_time(connection):
        standing = Ledger(connection).current(as_of, registry.every_period)
        files = lake.files(settings, connection, standing, as_of)
        tables = core_tables(connection)
        mark = state.integrated(connection)
        base = mark["conformed"] if mark else {}
        keys = sorted(submission.submission_key for submission in standing)
        fingerprint = _fingerprint(registry, files, tables)
        settings.conformed.mkdir(parents=True, exist_ok=True)
        made = state.read_next(settings)
        with workspace(settings) as duck:
            if made is None or made.fingerprint != fingerprint or made.submissions != keys:
                made = _make(settings, registry, duck, tables, files, keys, fingerprint)
                state.write_next(settings, made)
            else:
                outcome.notes.append("nothing new to conform")
            _count(settings, duck, tables, base, made, outcome)
    return outcome


def try_out(settings: Settings, registry: Registry, connection: psycopg.Connection[Any]) -> None:
    """Whether canonical tables can be made of what stands in this transaction, committed or not.

    Raises SystemFault as `run` does. Nothing becomes the next state.
    """
    standing = Ledger(connection).current(None, registry.every_period)
    files = lake.files(settings, connection, standing)
    settings.conformed.mkdir(parents=True, exist_ok=True)
    with workspace(settings) as duck:
        _make(settings, registry, duck, core_tables(connection), files, [], "")


@contextmanager
def workspace(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of bounded memory that spills to the hub's scratch folder."""
    scratch = settings.work / "conform"
    scratch.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(scratch)}) as duck:
        yield duck


def queries() -> list[Path]:
    """The files of `sql/conform/`, lookups first."""
    return sorted((shipped("sql") / "conform").glob("*.sql"), key=lambda file: (file.stem[0] != "_", file.stem))


def _fingerprint(registry: Registry, files: list[lake.LakeFile], tables: list[CoreTable]) -> str:
    """Everything the canonical tables depend on: lake files, contracts, queries, core's columns, DuckDB."""
    parts = [
        duckdb.__version__,
        [(file.submission_key, file.table, file.sha256) for file in files],
        {dataset: registry.contract_hash(dataset) for dataset in sorted(registry.contracts)},
        {query.name: query.read_text() for query in queries()},
        [(table.name, table.types, table.required, table.key) for table in tables],
    ]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _make(
    settings: Settings,
    registry: Registry,
    duck: duckdb.DuckDBPyConnection,
    tables: list[CoreTable],
    files: list[lake.LakeFile],
    keys: list[int],
    fingerprint: str,
) -> state.Next:
    lake.open_views(duck, registry, files)
    shapes = {table.name: table for table in tables}
    hashes: dict[str, str] = {}
    rows: dict[str, int] = {}
    for query in queries():
        try:
            if query.stem.startswith("_"):
                duck.execute(f"CREATE TEMP TABLE {query.stem[1:]} AS {query.read_text()}")
            else:
                table = shapes[query.stem]
                hashes[table.name], rows[table.name] = _conform(settings, duck, table, query.read_text())
        except duckdb.Error as error:
            raise SystemFault(f"sql/conform/{query.name} did not run: {_said(error)}") from None
    return state.Next(fingerprint, keys, hashes, rows)


def _said(error: duckdb.Error) -> str:
    """What DuckDB says of the statement; of an error while running only the kind, since it may quote a cell."""
    of_statement = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
    return str(error).splitlines()[0] if isinstance(error, of_statement) else type(error).__name__


def _conform(settings: Settings, duck: duckdb.DuckDBPyConnection, table: CoreTable, query: str) -> tuple[str, int]:
    """Run one query, check its shape, and keep the result under its content hash; hash and row count."""
    given = {row[0] for row in duck.execute(f"DESCRIBE {query}").fetchall()}
    if given != set(table.columns):
        odd = ", ".join(sorted(given ^ set(table.columns)))
        raise SystemFault(f"sql/conform/{table.name}.sql does not give the columns of core.{table.name}: {odd}")
    cells = ", ".join(f'"{name}"::{type_} AS "{name}"' for name, type_ in table.types.items())
    order = ", ".join(f'"{name}"' for name in table.key)
    duck.execute(f"CREATE OR REPLACE TEMP TABLE made AS SELECT {cells} FROM ({query}\n) ORDER BY {order}")  # noqa: S608
    empty = ", ".join(f'count(*) FILTER ("{name}" IS NULL)' for name in table.required)
    counts = duck.execute(
        f"""SELECT count(*), count(DISTINCT ({order},)), coalesce(bit_xor(hash(made)), 0), coalesce(sum(hash(made)), 0),
            {empty} FROM made"""  # noqa: S608
    ).fetchall()[0]
    total, distinct, *sums = counts[:4]
    missing = [name for name, count in zip(table.required, counts[4:], strict=True) if count]
    if missing:
        raise SystemFault(f"sql/conform/{table.name}.sql leaves required columns empty: {', '.join(missing)}")
    if distinct != total:
        raise SystemFault(f"sql/conform/{table.name}.sql gives {total - distinct} rows with a key given before")
    text = json.dumps([table.types, total, [str(part) for part in sums]])
    content_hash = hashlib.sha256(text.encode()).hexdigest()[:16]
    target = state.path(settings, table.name, content_hash)
    if not target.exists():
        durable.replace(target, lambda temporary: duck.execute(f"COPY made TO '{temporary}' (FORMAT parquet)"))
    return content_hash, total


def _count(
    settings: Settings,
    duck: duckdb.DuckDBPyConnection,
    tables: list[CoreTable],
    base: dict[str, str],
    made: state.Next,
    outcome: Outcome,
) -> None:
    outcome.counts = {"rows": sum(made.rows.values()), "inserted": 0, "updated": 0, "deleted": 0}
    for table in tables:
        if base.get(table.name) == made.hashes[table.name]:
            continue
        found = state.changes(settings, duck, table, base.get(table.name), made.hashes[table.name])
        outcome.counts["inserted"] += found.inserted
        outcome.counts["updated"] += found.updated
        outcome.counts["deleted"] += found.deleted
