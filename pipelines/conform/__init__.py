"""Accepted snapshots into canonical tables, and what changed in them.

One SQL file per canonical table in `sql/conform/` (DuckDB); a file whose name starts with `_` is a lookup that the
others use. Names of datasets are known there and nowhere in this room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import psycopg

from pipelines.conform import lake, state
from pipelines.conform.making import Making
from pipelines.conform.shape import CoreTable, core_tables
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.ledger.turn import one_at_a_time
from pipelines.registry import Registry
from pipelines.settings import Settings

MEMORY = "1500MB"


def run(
    settings: Settings, registry: Registry, connection: psycopg.Connection[Any], as_of: date | None = None
) -> Outcome:
    """Make the canonical tables of the submissions that stand, beside the ones the warehouse shows.

    as_of: recorded time; what had been accepted by the end of that day. Nothing in the warehouse changes. Tables whose
    inputs and SQL are those of the last run are not made again; where that is so of all, the outcome says so.

    Raises SystemFault where a query gives other columns than its core table, leaves one empty, or repeats a key.
    """
    with recorded_run(connection, "conform", str(as_of or "all")) as outcome, one_at_a_time(connection):
        standing = Ledger(connection).current(as_of, registry.every_period)
        files = lake.files(settings, connection, standing, as_of)
        tables = {table.name: table for table in core_tables(connection)}
        mark = state.integrated(connection)
        base = mark["conformed"] if mark else {}
        keys = sorted(submission.submission_key for submission in standing)
        settings.conformed.mkdir(parents=True, exist_ok=True)
        last = state.read_next(settings)
        with workspace(settings) as duck:
            making = Making(settings, registry, duck, tables, files, base, state.withdrawn(connection))
            made = state.Next(keys, base, *making.make(last))
            if last is None or (last.submissions, last.hashes, last.inputs) != (keys, made.hashes, made.inputs):
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
        tables = {table.name: table for table in core_tables(connection)}
        Making(settings, registry, duck, tables, files).make(None)


@contextmanager
def workspace(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of bounded memory that spills to the hub's scratch folder."""
    scratch = settings.work / "conform"
    scratch.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(scratch)}) as duck:
        yield duck


def _count(
    settings: Settings,
    duck: duckdb.DuckDBPyConnection,
    tables: Mapping[str, CoreTable],
    base: dict[str, str],
    made: state.Next,
    outcome: Outcome,
) -> None:
    outcome.counts = {"rows": sum(made.rows.values()), "inserted": 0, "updated": 0, "deleted": 0}
    for table in tables.values():
        if base.get(table.name) == made.hashes[table.name]:
            continue
        found = state.changes(settings, duck, table, base.get(table.name), made.hashes[table.name])
        outcome.counts["inserted"] += found.inserted
        outcome.counts["updated"] += found.updated
        outcome.counts["deleted"] += found.deleted
