"""Who is who in core: rows follow the crosswalk, and core.person follows the records of each. Never commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from pipelines.conform.shape import CoreTable
from pipelines.integrate import core
from pipelines.integrate.staging import analyze_briefly
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]
RECORDS: LiteralString = "core.person_record"


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


def rekey(connection: Connection, tables: Iterable[CoreTable], since: Any) -> dict[str, int]:
    """Give every row whose record was taken to be another person since then its person of today. Rows changed.

    Records are those of core.person_record; one that is not there is found by when the linker moved it. since: the
    moment of the refresh before; a run of the linker that it overlapped began well within the day before.
    """
    connection.execute(
        """CREATE TEMP TABLE moved ON COMMIT DROP AS
           SELECT agency_code, dataset_code, record_pseudonym, was, (
               SELECT person_key FROM link.crosswalk AS c
               WHERE c.valid_to = 'infinity' AND (c.agency_code, c.dataset_code, c.record_pseudonym)
                   = (m.agency_code, m.dataset_code, m.record_pseudonym)) AS person_key
           FROM (
               SELECT agency_code, dataset_code, record_pseudonym, r.person_key AS was FROM core.person_record AS r
               WHERE NOT EXISTS (
                   SELECT FROM link.crosswalk AS c
                   WHERE c.valid_to = 'infinity' AND (c.agency_code, c.dataset_code, c.record_pseudonym, c.person_key)
                       = (r.agency_code, r.dataset_code, r.record_pseudonym, r.person_key))
               UNION
               SELECT agency_code, dataset_code, record_pseudonym, person_key FROM link.crosswalk
               WHERE valid_to > %(since)s - interval '1 day' AND valid_to <> 'infinity'
           ) AS m""",
        {"since": since},
    )
    connection.execute("ANALYZE moved")
    # Rows are found by whose they were: few tables have an index on the record.
    match = core.match(core.RECORD, "t", "m")
    had_another = sql.SQL("{} AND t.person_key = m.was AND m.person_key IS DISTINCT FROM m.was").format(match)
    had_none = sql.SQL("{} AND t.person_key IS NULL AND m.valid_to = 'infinity'").format(match)
    changed: dict[str, int] = {}
    for persons, condition in (("moved", had_another), ("link.crosswalk", had_none)):
        of = {"m": sql.SQL(persons), "c": condition}
        for table in _about(connection, tables, of):
            names = {**of, "t": sql.Identifier(table)}
            core.keep(connection, table, sql.SQL("EXISTS (SELECT 1 FROM {m} AS m WHERE {c})").format(**names))
            query = """UPDATE core.{t} AS t SET person_key = m.person_key, recorded_from = now(),
                    home_area_code = (SELECT p.home_area_code FROM core.person AS p WHERE p.person_key = m.person_key)
                FROM {m} AS m WHERE {c}"""
            count = connection.execute(sql.SQL(query).format(**names)).rowcount
            changed[table] = changed.get(table, 0) + count
    return changed


def _about(connection: Connection, tables: Iterable[CoreTable], of: Mapping[str, sql.Composable]) -> list[str]:
    """The tables with rows t of persons in {m}, by a condition {c} on t and m."""
    query = sql.SQL("SELECT {name} WHERE EXISTS (SELECT FROM core.{t} AS t JOIN {m} AS m ON {c})")
    asked = [
        query.format(name=sql.Literal(table.name), t=sql.Identifier(table.name), **of)
        for table in tables
        if table.has_person
    ]
    return [name for (name,) in connection.execute(sql.SQL(" UNION ALL ").join(asked))] if asked else []


def refresh_draws(connection: Connection) -> int:
    """core.key_draw, as the linker hands it over. Rows changed."""
    gone = connection.execute(
        """DELETE FROM core.key_draw AS t WHERE NOT EXISTS (
               SELECT 1 FROM link.key_draw AS s
               WHERE (s.draw, s.agency_code, s.dataset_code, s.record_pseudonym, s.person_key)
                   = (t.draw, t.agency_code, t.dataset_code, t.record_pseudonym, t.person_key))"""
    ).rowcount
    new = connection.execute("INSERT INTO core.key_draw SELECT * FROM link.key_draw ON CONFLICT DO NOTHING").rowcount
    return gone + new


def is_empty(connection: Connection) -> bool:
    """Whether core holds no record of anybody yet."""
    return connection.execute("SELECT EXISTS (SELECT FROM core.person_record)").fetchone() == (False,)


def hold_records(connection: Connection, table: CoreTable) -> LiteralString:
    """Put the records that are to come, with their persons, into the temporary table coming_record; its name.

    Where core.person_record is empty, persons can be made before it: its rows then come once, with the area of their
    person, and need not be written again.
    """
    query = """CREATE TEMP TABLE coming_record ON COMMIT DROP AS
        SELECT {cells}, c.person_key FROM staging.{t} AS s
        LEFT JOIN link.crosswalk AS c ON c.valid_to = 'infinity' AND {match}"""
    cells = sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(name)) for name in table.columns)
    names = {"t": sql.Identifier(table.name), "cells": cells, "match": core.match(core.RECORD, "c", "s")}
    connection.execute(sql.SQL(query).format(**names))
    analyze_briefly(connection, "coming_record")
    return "coming_record"


def refresh(connection: Connection, *, everyone: bool, records: LiteralString = RECORDS) -> int:
    """core.person, from the records of each person (sql/integrate/person.sql). Rows changed.

    everyone: not only those of whom a record changed, came, went or moved in this transaction. records: the table that
    has the records of persons. Where that is not core, no row of theirs is there yet, and they come with the area of
    their home; else areas.follow gives it to them and to their rows.
    """
    asked = core.EVERYWHERE
    if not everyone:
        connection.execute(
            """CREATE TEMP TABLE asked_person ON COMMIT DROP AS
               SELECT person_key FROM core.person_record WHERE recorded_from = now()
               UNION SELECT person_key FROM core_history.person_record WHERE recorded_to = now()"""
        )
        connection.execute("ANALYZE asked_person")
        asked = sql.SQL("t.person_key IN (SELECT person_key FROM asked_person)")
    view = sql.SQL("CREATE TEMP VIEW asked_record AS SELECT * FROM {} AS t WHERE {}")
    connection.execute(view.format(sql.SQL(records), asked))
    query = (shipped("sql") / "integrate" / "person.sql").read_text().replace("core.person_record", "asked_record")
    connection.execute(f"CREATE TEMP TABLE made_person ON COMMIT DROP AS {query}")  # type: ignore[call-overload]
    connection.execute("ANALYZE made_person")
    area = "(SELECT health_place_code FROM core.geography AS g WHERE g.lsoa21_code = s.lsoa21_code)"
    new = {} if records == RECORDS else {"home_area_code": sql.SQL(area)}
    changed = core.replace_by_difference(connection, "person", ("person_key",), asked, new)
    connection.execute("DROP VIEW asked_record")
    return changed


def groups_moved(connection: Connection) -> bool:
    """Whether this transaction gave a source another group, which decides what a person is."""
    row = connection.execute(
        """SELECT EXISTS (SELECT FROM core_history.source AS was
               JOIN core.source AS is_ USING (agency_code, dataset_code)
           WHERE was.recorded_to = now() AND was.group_code <> is_.group_code)"""
    ).fetchone()
    return bool(row and row[0])
