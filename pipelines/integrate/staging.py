"""Changes on their way into the database: Arrow over ADBC into typed, unlogged tables of schema `staging`.

Staging happens before the transaction that changes core and apart from it: what a killed run leaves there is dropped by
the next one and was never visible to a reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from pipelines.conform.shape import CoreTable
from pipelines.conform.state import Changes
from pipelines.ledger.database import adbc
from pipelines.settings import Settings


def load(
    settings: Settings, connection: psycopg.Connection[Any], tables: list[CoreTable], changes: Mapping[str, Changes]
) -> None:
    """Put the changes of each table into `staging.<table>`, with a first column `change`, by default I; commits."""
    clear(connection)
    changed = [table for table in tables if table.name in changes]
    for table in changed:
        names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
        connection.execute(
            sql.SQL(
                "CREATE UNLOGGED TABLE staging.{t} AS SELECT ''::text AS change, {names} FROM core.{t} WITH NO DATA;"
                "ALTER TABLE staging.{t} ALTER change SET DEFAULT 'I'"
            ).format(t=sql.Identifier(table.name), names=names)
        )
    connection.commit()
    with adbc(settings) as arrow:
        for table in changed:
            file = pq.ParquetFile(changes[table.name].path)
            reader = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=100_000))
            with arrow.cursor() as cursor:
                cursor.adbc_ingest(table.name, reader, mode="append", db_schema_name="staging")
        arrow.commit()
    for table in changed:
        analyze_briefly(connection, "staging", table.name)
    connection.commit()


def analyze_briefly(connection: psycopg.Connection[Any], *table: str) -> None:
    """Tell the planner of a table that lives for a moment: how many rows, and roughly of what kind.

    A tenth of the rows that PostgreSQL looks at otherwise: nobody but the statements that follow asks of it.
    """
    statement = "SET LOCAL default_statistics_target = 10; ANALYZE {}; SET LOCAL default_statistics_target TO DEFAULT"
    connection.execute(sql.SQL(statement).format(sql.Identifier(*table)))


def clear(connection: psycopg.Connection[Any]) -> None:
    """Drop every table of schema staging; commits."""
    there = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'").fetchall()
    for (name,) in there:
        connection.execute(sql.SQL("DROP TABLE staging.{}").format(sql.Identifier(name)))
    connection.commit()
