"""The shape of the core tables, read from the database: the migration says it once, conform and integrate follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from pipelines.errors import SystemFault
from pipelines.ledger import Ledger
from pipelines.settings import shipped

DUCKDB_TYPES = {
    "text": "VARCHAR",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "double precision": "DOUBLE",
}


# Columns that no source fills: whose row it is, by the crosswalk, where that child's home is, and since when the
# warehouse has said so.
OWN = ("person_key", "home_area_code", "recorded_from")


@dataclass(frozen=True)
class CoreTable:
    """A core table that conform fills: columns in order with their DuckDB types, without the warehouse's own."""

    name: str
    types: dict[str, str]
    required: tuple[str, ...]
    key: tuple[str, ...]
    has_person: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that conform gives."""
        return tuple(self.types)

    @property
    def content(self) -> tuple[str, ...]:
        """The columns that are not the key."""
        return tuple(name for name in self.types if name not in self.key)


def canonical() -> list[str]:
    """Names of the canonical tables: the files of `sql/conform/` that are not lookups."""
    return sorted(path.stem for path in (shipped("sql") / "conform").glob("[!_]*.sql"))


def core_tables(connection: psycopg.Connection[Any]) -> list[CoreTable]:
    """The canonical tables as the database has them.

    Raises SystemFault where a file of `sql/conform/` has no table in core.
    """
    ledger = Ledger(connection)
    columns = ledger.rows(
        """SELECT table_name, column_name, data_type, is_nullable = 'NO' AS is_required
           FROM information_schema.columns WHERE table_schema = 'core' ORDER BY table_name, ordinal_position"""
    )
    keys = ledger.rows(
        """SELECT usage.table_name, usage.column_name
           FROM information_schema.table_constraints AS made
           JOIN information_schema.key_column_usage AS usage USING (constraint_schema, constraint_name)
           WHERE made.constraint_type = 'PRIMARY KEY' AND made.table_schema = 'core'
           ORDER BY usage.table_name, usage.ordinal_position"""
    )
    found = []
    for name in canonical():
        own = [row for row in columns if row["table_name"] == name]
        if not own:
            raise SystemFault(f"sql/conform/{name}.sql has no table core.{name}")
        given = [row for row in own if row["column_name"] not in OWN]
        found.append(
            CoreTable(
                name,
                {row["column_name"]: DUCKDB_TYPES[row["data_type"]] for row in given},
                tuple(row["column_name"] for row in given if row["is_required"]),
                tuple(row["column_name"] for row in keys if row["table_name"] == name),
                any(row["column_name"] == "person_key" for row in own),
            )
        )
    return found
