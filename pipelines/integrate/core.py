"""Rows of core, changed where they differ from what came, and no others. Never commits.

Whatever a row was before it is changed or leaves goes into `core_history` in the same transaction
(sql/derived/history.sql). The moment of a change is the transaction's own `now()`, so every row of one refresh carries
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from pipelines.conform.shape import CoreTable
from pipelines.conform.state import Changes
from pipelines.ledger import Submission
from pipelines.registry import Registry

Connection = psycopg.Connection[Any]
RECORD = ("agency_code", "dataset_code", "record_pseudonym")
EVERYWHERE = sql.SQL("TRUE")
# What no query that makes a table of core gives.
_KEPT_APART = ("recorded_from", "home_area_code")


def merge(connection: Connection, table: CoreTable, changes: Changes) -> int:
    """Apply the staged changes of one table: delete, update and insert the rows that changed and no other.

    A new row takes its person from the current crosswalk, and its area from core.person. Returns the rows changed.
    """
    names = {"t": sql.Identifier(table.name), "match": match(table.key, "t", "s")}
    count = 0
    if changes.deleted or changes.updated:
        staged = "EXISTS (SELECT 1 FROM staging.{t} AS s WHERE s.change <> 'I' AND {match})"
        keep(connection, table.name, sql.SQL(staged).format(**names))
    if changes.deleted:
        query = "DELETE FROM core.{t} AS t USING staging.{t} AS s WHERE s.change = 'D' AND {match}"
        count += connection.execute(sql.SQL(query).format(**names)).rowcount
    if changes.updated:
        cells = sql.SQL("").join(sql.SQL("{0} = s.{0}, ").format(sql.Identifier(name)) for name in table.content)
        query = """UPDATE core.{t} AS t SET {cells} recorded_from = now() FROM staging.{t} AS s
            WHERE s.change = 'U' AND {match}"""
        count += connection.execute(sql.SQL(query).format(cells=cells, **names)).rowcount
    if changes.inserted:
        count += _insert(connection, table)
    return count


@contextmanager
def indexes_at_the_end(connection: Connection, tables: Iterable[CoreTable]) -> Iterator[None]:
    """Make the indexes of tables that nobody reads yet after their rows, which costs a fraction of keeping them by row.

    Those that a constraint needs stay. It locks the tables until the commit: for the first refresh alone.
    """
    aside = connection.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
           WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
           ORDER BY 1""",
        ([f"core.{table.name}" for table in tables],),
    ).fetchall()
    if aside:
        connection.execute(f"DROP INDEX {', '.join(name for name, _ in aside)}")  # type: ignore[call-overload]
    yield
    for _, definition in aside:
        connection.execute(definition)


def _insert(connection: Connection, table: CoreTable) -> int:
    columns = [sql.Identifier(name) for name in table.columns]
    names = {
        "t": sql.Identifier(table.name),
        "columns": sql.SQL(", ").join(columns),
        "cells": sql.SQL(", ").join(sql.SQL("s.{}").format(name) for name in columns),
        "match": match(RECORD, "c", "s"),
    }
    if table.has_person:
        query = """INSERT INTO core.{t} ({columns}, person_key, home_area_code)
            SELECT {cells}, c.person_key, p.home_area_code FROM staging.{t} AS s
            LEFT JOIN link.crosswalk AS c ON c.valid_to = 'infinity' AND {match}
            LEFT JOIN core.person AS p ON p.person_key = c.person_key WHERE s.change = 'I'"""
    else:
        query = "INSERT INTO core.{t} ({columns}) SELECT {cells} FROM staging.{t} AS s WHERE s.change = 'I'"
    return connection.execute(sql.SQL(query).format(**names)).rowcount


def keep(connection: Connection, table: str, leaving: sql.Composable) -> None:
    """Put the rows `t` of a core table that are about to change or leave into its history.

    A row that this transaction has written already was never seen by anybody.
    """
    columns = [sql.Identifier(name) for name in _columns(connection, table)]
    query = """INSERT INTO core_history.{t} ({columns}, recorded_to) SELECT {cells}, now() FROM core.{t} AS t
        WHERE t.recorded_from < now() AND {leaving}"""
    cells = sql.SQL(", ").join(sql.SQL("t.{}").format(name) for name in columns)
    names = {"t": sql.Identifier(table), "columns": sql.SQL(", ").join(columns), "cells": cells}
    connection.execute(sql.SQL(query).format(leaving=leaving, **names))


def refresh_sources(
    connection: Connection, registry: Registry, standing: Iterable[Submission], records: LiteralString
) -> int:
    """core.source: of each dataset of an agency the newest submission that stands, with their names. Rows changed.

    records: the table that has the records of persons.
    """
    newest = {(of.agency_code, of.dataset_code): of for of in sorted(standing, key=lambda of: of.period_end)}
    rows = []
    for of in newest.values():
        contract = registry.contract(of.dataset_code)
        names = (of.agency_code, of.dataset_code, contract.group, registry.agency(of.agency_code).name, contract.title)
        rows.append((*names, contract.people, of.submission_key, of.period_start, of.period_end, of.period_end))
    _make(connection, "source")
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO made_source VALUES ({', '.join(['%s'] * 10)})", rows)  # noqa: S608
    connection.execute(
        f"""UPDATE made_source AS s SET data_as_at = r.observed_on FROM (
               SELECT agency_code, dataset_code, max(observed_on) AS observed_on FROM {records} GROUP BY 1, 2
           ) AS r WHERE r.agency_code = s.agency_code AND r.dataset_code = s.dataset_code"""  # type: ignore[call-overload]  # noqa: S608
    )
    return replace_by_difference(connection, "source", ("agency_code", "dataset_code"))


def refresh_codes(connection: Connection, registry: Registry) -> int:
    """core.code: every code list, so that marts can say what a code means. Rows changed."""
    rows = [(name, code, label) for name, found in registry.code_lists.items() for code, label in found.codes.items()]
    _make(connection, "code")
    with connection.cursor() as cursor, cursor.copy("COPY made_code FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return replace_by_difference(connection, "code", ("list_code", "code"))


def sources_say_more(connection: Connection) -> bool:
    """Whether this transaction changed core.source in more than which submission stands."""
    row = connection.execute(
        """WITH was AS (SELECT * FROM core_history.source WHERE recorded_to = now()),
           is_ AS (SELECT * FROM core.source WHERE recorded_from = now())
           SELECT EXISTS (SELECT FROM was FULL JOIN is_ USING (agency_code, dataset_code)
               WHERE to_jsonb(was) - 'submission_key' - 'recorded_from' - 'recorded_to'
                   IS DISTINCT FROM to_jsonb(is_) - 'submission_key' - 'recorded_from')"""
    ).fetchone()
    return bool(row and row[0])


def is_later(connection: Connection, moment: Any) -> bool:
    """Whether this transaction began after a moment."""
    row = connection.execute("SELECT now() > %s", (moment,)).fetchone()
    return bool(row and row[0])


def forget(connection: Connection, tables: Iterable[CoreTable], since: Any) -> None:
    """Take what submissions withdrawn since a moment had brought out of the history too, and the persons made of it."""
    gone = connection.execute(
        """SELECT coalesce(array_agg(DISTINCT submission_key), '{}') FROM ops.submission_event
           WHERE to_state = 'withdrawn' AND at > %s""",
        (since,),
    ).fetchone()[0]  # type: ignore[index]
    if not gone:
        return
    connection.execute(
        """DELETE FROM core_history.person AS p USING core_history.person_record AS r
           WHERE r.submission_key = ANY(%s) AND r.person_key = p.person_key AND p.recorded_to > r.recorded_from""",
        (gone,),
    )
    for table in tables:
        query = sql.SQL("DELETE FROM core_history.{} WHERE submission_key = ANY(%s)").format(sql.Identifier(table.name))
        connection.execute(query, (gone,))


def note_statistics(connection: Connection, changed: Mapping[str, int]) -> None:
    """Let the planner know what tables hold now: it plans the marts before any autovacuum could have come by.

    changed: table -> rows written in this transaction; where that is less than a fifth of them, it knows enough.
    """
    for table, count in changed.items():
        known = connection.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", (f"core.{table}",))
        if count and 5 * count >= known.fetchone()[0]:  # type: ignore[index]
            connection.execute(sql.SQL("ANALYZE core.{}").format(sql.Identifier(table)))


def _make(connection: Connection, table: str) -> None:
    """An empty temporary table made_<table> with the columns of core.<table>."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _columns(connection, table, _KEPT_APART)))
    query = sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM core.{} WITH NO DATA")
    connection.execute(query.format(sql.Identifier(f"made_{table}"), columns, sql.Identifier(table)))


def replace_by_difference(
    connection: Connection,
    table: str,
    key: tuple[str, ...],
    within: sql.Composable = EVERYWHERE,
    new: Mapping[str, sql.Composable] = MappingProxyType({}),
) -> int:
    """Make core.<table>, as far as it lies `within`, equal to made_<table>, touching only rows that differ.

    new: what a row s that comes holds in columns that made_<table> has not.
    """
    columns = _columns(connection, table, _KEPT_APART)
    content = [name for name in columns if name not in key]
    parts = {
        "t": sql.Identifier(table),
        "made": sql.Identifier(f"made_{table}"),
        "match": match(key, "t", "s"),
        "within": within,
        "columns": sql.SQL(", ").join(map(sql.Identifier, [*columns, *new])),
        "values": sql.SQL(", ").join([*map(sql.Identifier, columns), *new.values()]),
        "cells": sql.SQL("").join(sql.SQL("{0} = s.{0}, ").format(sql.Identifier(name)) for name in content),
        "old": sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in content),
        "new": sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(name)) for name in content),
    }
    same = "{within} AND NOT EXISTS (SELECT 1 FROM {made} AS s WHERE {match} AND ({old}) IS NOT DISTINCT FROM ({new}))"
    keep(connection, table, sql.SQL(same).format(**parts))
    statements = (
        "DELETE FROM core.{t} AS t WHERE {within} AND NOT EXISTS (SELECT 1 FROM {made} AS s WHERE {match})",
        """UPDATE core.{t} AS t SET {cells} recorded_from = now() FROM {made} AS s
           WHERE {match} AND ({old}) IS DISTINCT FROM ({new})""",
        """INSERT INTO core.{t} ({columns}) SELECT {values} FROM {made} AS s
           WHERE NOT EXISTS (SELECT 1 FROM core.{t} AS t WHERE {match})""",
    )
    return sum(connection.execute(sql.SQL(statement).format(**parts)).rowcount for statement in statements)


def _columns(connection: Connection, table: str, without: tuple[str, ...] = ()) -> list[str]:
    rows = connection.execute(
        """SELECT attname FROM pg_attribute
           WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        (f"core.{table}",),
    ).fetchall()
    return [name for (name,) in rows if name not in without]


def match(key: Iterable[str], left: str, right: str) -> sql.Composed:
    """Whether two rows, by the names that a query gives them, have the same key."""
    return sql.SQL(" AND ").join(
        sql.SQL("{l}.{k} = {r}.{k}").format(l=sql.Identifier(left), r=sql.Identifier(right), k=sql.Identifier(name))
        for name in key
    )
