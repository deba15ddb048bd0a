"""Core, changed row by row from staging, and the person each record is taken to be. Never commits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from pipelines.conform.shape import CoreTable
from pipelines.conform.state import Changes
from pipelines.ledger import Submission
from pipelines.registry import Registry
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]


def merge(connection: Connection, table: CoreTable, changes: Changes) -> int:
    """Apply the staged changes of one table: delete, update and insert the rows that changed and no other.

    A new row takes its person from the current crosswalk. Returns the rows changed.
    """
    names = {"t": sql.Identifier(table.name), "match": _match(table.key, "t", "s")}
    count = 0
    if changes.is_whole:
        count += connection.execute(sql.SQL("DELETE FROM core.{t}").format(**names)).rowcount
    if changes.deleted:
        query = "DELETE FROM core.{t} AS t USING staging.{t} AS s WHERE s.change = 'D' AND {match}"
        count += connection.execute(sql.SQL(query).format(**names)).rowcount
    if changes.updated:
        cells = sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in table.content)
        query = "UPDATE core.{t} AS t SET {cells} FROM staging.{t} AS s WHERE s.change = 'U' AND {match}"
        count += connection.execute(sql.SQL(query).format(cells=cells, **names)).rowcount
    if changes.inserted:
        count += _insert(connection, table)
    return count


def _insert(connection: Connection, table: CoreTable) -> int:
    columns = [sql.Identifier(name) for name in table.columns]
    names = {
        "t": sql.Identifier(table.name),
        "columns": sql.SQL(", ").join(columns),
        "cells": sql.SQL(", ").join(sql.SQL("s.{}").format(name) for name in columns),
    }
    if table.has_person:
        query = """INSERT INTO core.{t} ({columns}, person_key) SELECT {cells}, c.person_key FROM staging.{t} AS s
            LEFT JOIN link.crosswalk AS c ON c.valid_to = 'infinity' AND c.agency_code = s.agency_code
                AND c.dataset_code = s.dataset_code AND c.record_pseudonym = s.record_pseudonym
            WHERE s.change = 'I'"""
    else:
        query = "INSERT INTO core.{t} ({columns}) SELECT {cells} FROM staging.{t} AS s WHERE s.change = 'I'"
    return connection.execute(sql.SQL(query).format(**names)).rowcount


def rekey(connection: Connection, table: CoreTable) -> int:
    """Give every row whose record was taken to be another person since then its person of today. Rows changed."""
    name = sql.Identifier(table.name)
    record = ("agency_code", "dataset_code", "record_pseudonym")
    moved = """UPDATE core.{t} AS t SET person_key = c.person_key FROM link.crosswalk AS c
        WHERE c.valid_to = 'infinity' AND {match} AND t.person_key IS DISTINCT FROM c.person_key"""
    lost = """UPDATE core.{t} AS t SET person_key = NULL WHERE t.person_key IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM link.crosswalk AS c WHERE c.valid_to = 'infinity' AND {match})"""
    match = _match(record, "t", "c")
    return sum(connection.execute(sql.SQL(query).format(t=name, match=match)).rowcount for query in (moved, lost))


def crosswalk_hash(connection: Connection) -> str:
    """A hash over which record is which person now, and in which draws another; whatever order the rows come in."""
    row = connection.execute(
        """SELECT (SELECT count(*) || ':' || coalesce(sum(hashtextextended(
                       concat_ws('|', agency_code, dataset_code, record_pseudonym, person_key), 0)), 0)
                   FROM link.crosswalk WHERE valid_to = 'infinity')
               || '/' || (SELECT count(*) || ':' || coalesce(sum(hashtextextended(
                       concat_ws('|', draw, agency_code, dataset_code, record_pseudonym, person_key), 0)), 0)
                   FROM link.key_draw)"""
    ).fetchone()
    return str(row[0]) if row else ""


def refresh_draws(connection: Connection) -> int:
    """core.key_draw, as the linker hands it over. Rows."""
    connection.execute("DELETE FROM core.key_draw")
    return connection.execute("INSERT INTO core.key_draw SELECT * FROM link.key_draw").rowcount


def refresh_sources(connection: Connection, registry: Registry, standing: Iterable[Submission]) -> int:
    """core.source: of each dataset of an agency the newest submission that stands, with their names. Rows changed."""
    newest = {(of.agency_code, of.dataset_code): of for of in sorted(standing, key=lambda of: of.period_end)}
    rows = []
    for of in newest.values():
        contract = registry.contract(of.dataset_code)
        names = (of.agency_code, of.dataset_code, contract.group, registry.agency(of.agency_code).name, contract.title)
        rows.append((*names, contract.people, of.submission_key, of.period_start, of.period_end, of.period_end))
    connection.execute("CREATE TEMP TABLE made_source (LIKE core.source) ON COMMIT DROP")
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO made_source VALUES ({', '.join(['%s'] * 10)})", rows)  # noqa: S608
    connection.execute(
        """UPDATE made_source AS s SET data_as_at = r.observed_on FROM (
               SELECT agency_code, dataset_code, max(observed_on) AS observed_on FROM core.person_record GROUP BY 1, 2
           ) AS r WHERE r.agency_code = s.agency_code AND r.dataset_code = s.dataset_code"""
    )
    return _replace_by_difference(connection, "source", ("agency_code", "dataset_code"))


def refresh_codes(connection: Connection, registry: Registry) -> int:
    """core.code: every code list, so that marts can say what a code means. Rows changed."""
    rows = [(name, code, label) for name, found in registry.code_lists.items() for code, label in found.codes.items()]
    connection.execute("CREATE TEMP TABLE made_code (LIKE core.code) ON COMMIT DROP")
    with connection.cursor() as cursor, cursor.copy("COPY made_code FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return _replace_by_difference(connection, "code", ("list_code", "code"))


def refresh_persons(connection: Connection) -> int:
    """core.person, from the records of each person (sql/integrate/person.sql). Rows changed."""
    query = (shipped("sql") / "integrate" / "person.sql").read_text()
    connection.execute(f"CREATE TEMP TABLE made_person ON COMMIT DROP AS {query}")  # type: ignore[call-overload]
    connection.execute("ANALYZE made_person")
    return _replace_by_difference(connection, "person", ("person_key",))


def note_statistics(connection: Connection, tables: Iterable[str]) -> None:
    """Let the planner know what tables hold now: it plans the marts before any autovacuum could have come by."""
    for table in tables:
        connection.execute(sql.SQL("ANALYZE core.{}").format(sql.Identifier(table)))


def _replace_by_difference(connection: Connection, table: str, key: tuple[str, ...]) -> int:
    """Make core.<table> equal to the temporary made_<table>, touching only rows that differ."""
    columns = [
        row[0]
        for row in connection.execute(
            """SELECT column_name FROM information_schema.columns
               WHERE table_schema = 'core' AND table_name = %s ORDER BY ordinal_position""",
            (table,),
        ).fetchall()
    ]
    content = [name for name in columns if name not in key]
    parts = {
        "t": sql.Identifier(table),
        "made": sql.Identifier(f"made_{table}"),
        "match": _match(key, "t", "s"),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "cells": sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in content),
        "old": sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in content),
        "new": sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(name)) for name in content),
    }
    statements = (
        "DELETE FROM core.{t} AS t WHERE NOT EXISTS (SELECT 1 FROM {made} AS s WHERE {match})",
        "UPDATE core.{t} AS t SET {cells} FROM {made} AS s WHERE {match} AND ({old}) IS DISTINCT FROM ({new})",
        """INSERT INTO core.{t} ({columns}) SELECT {columns} FROM {made} AS s
           WHERE NOT EXISTS (SELECT 1 FROM core.{t} AS t WHERE {match})""",
    )
    return sum(connection.execute(sql.SQL(statement).format(**parts)).rowcount for statement in statements)


def _match(key: Iterable[str], left: str, right: str) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{l}.{k} = {r}.{k}").format(l=sql.Identifier(left), r=sql.Identifier(right), k=sql.Identifier(name))
        for name in key
    )
