"""The tables of the warehouse as a backup needs them: columns, order, and how to make those that no migration makes."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
# Made anew by migrations, or of use to nobody once a run has ended.
_LEFT_OUT = ("staging",)
_RECORD = "ops.schema_migration"


def described(connection: Connection) -> list[dict[str, Any]]:
    """Every table with its columns and the statements that make it; tables that others refer to come first."""
    rows = connection.execute(
        """SELECT n.nspname, c.relname, c.oid,
               array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
               array_agg(format('%%I %%s%%s', a.attname, format_type(a.atttypid, a.atttypmod),
                   CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END) ORDER BY a.attnum)
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           WHERE c.relkind = 'r' AND n.nspname <> ALL(%s) AND n.nspname <> 'information_schema'
             AND n.nspname NOT LIKE 'pg\\_%%'
           GROUP BY n.nspname, c.relname, c.oid ORDER BY n.nspname, c.relname""",
        (list(_LEFT_OUT),),
    ).fetchall()
    found = {
        oid: {"name": f"{schema}.{table}", "columns": columns, "make": _make(connection, schema, table, oid, typed)}
        for schema, table, oid, columns, typed in rows
        if f"{schema}.{table}" != _RECORD
    }
    return [found[oid] for oid in _referred_first(connection, list(found))]


def _make(connection: Connection, schema: str, table: str, oid: int, typed: list[str]) -> list[str]:
    """Statements that make the table with its keys, checks and indexes."""
    name = sql.Identifier(schema, table).as_string(connection)
    rules = connection.execute(
        "SELECT format('CONSTRAINT %%I %%s', conname, pg_get_constraintdef(oid)) FROM pg_constraint "
        "WHERE conrelid = %s AND contype IN ('p', 'u', 'c') ORDER BY conname",
        (oid,),
    ).fetchall()
    indexes = connection.execute(
        """SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s
             AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1""",
        (oid,),
    ).fetchall()
    lines = [*typed, *(rule for (rule,) in rules)]
    return [f"CREATE TABLE {name} ({', '.join(lines)})", *(text for (text,) in indexes)]


def _referred_first(connection: Connection, oids: list[int]) -> list[int]:
    rows = connection.execute(
        "SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid"
    ).fetchall()
    needs = {oid: {other for of, other in rows if of == oid} for oid in oids}
    ordered: list[int] = []
    while needs:
        ready = [oid for oid, others in needs.items() if others <= set(ordered)] or list(needs)
        ordered += ready
        needs = {oid: others for oid, others in needs.items() if oid not in ready}
    return ordered


def sequences(connection: Connection) -> dict[str, int]:
    """The last value of every sequence that was used."""
    return dict(
        connection.execute(
            """SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences
               WHERE last_value IS NOT NULL ORDER BY 1"""
        ).fetchall()
    )


def identifier(table: dict[str, Any]) -> sql.Identifier:
    """A table of a list as a name in a statement."""
    return sql.Identifier(*table["name"].split(".", 1))


def copy(table: dict[str, Any], direction: str) -> sql.Composed:
    """COPY of the columns of a table of a list. direction: TO STDOUT or FROM STDIN."""
    columns = sql.SQL(", ").join(map(sql.Identifier, table["columns"]))
    return sql.SQL("COPY {} ({}) " + direction).format(identifier(table), columns)  # type: ignore[arg-type]
