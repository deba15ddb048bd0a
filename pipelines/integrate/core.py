"""Core, changed row by row from staging, and the person each record is taken to be. Never commits.

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
from pipelines.integrate.staging import analyze_briefly
from pipelines.ledger import Submission
from pipelines.registry import Registry
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]
RECORD = ("agency_code", "dataset_code", "record_pseudonym")
RECORDS: LiteralString = "core.person_record"
_EVERYWHERE = sql.SQL("TRUE")
# What no query that makes a table of core gives.
_KEPT_APART = ("recorded_from", "home_area_code")


def merge(connection: Connection, table: CoreTable, changes: Changes) -> int:
    """Apply the staged changes of one table: delete, update and insert the rows that changed and no other.

    A new row takes its person from the current crosswalk, and its area from core.person. Returns the rows changed.
    """
    names = {"t": sql.Identifier(table.name), "match": _match(table.key, "t", "s")}
    count = 0
    if changes.deleted or changes.updated:
        staged = "EXISTS (SELECT 1 FROM staging.{t} AS s WHERE s.change <> 'I' AND {match})"
        _keep(connection, table.name, sql.SQL(staged).format(**names))
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
        "match": _match(RECORD, "c", "s"),
    }
    if table.has_person:
        query = """INSERT INTO core.{t} ({columns}, person_key, home_area_code)
            SELECT {cells}, c.person_key, p.home_area_code FROM staging.{t} AS s
            LEFT JOIN link.crosswalk AS c ON c.valid_to = 'infinity' AND {match}
            LEFT JOIN core.person AS p ON p.person_key = c.person_key WHERE s.change = 'I'"""
    else:
        query = "INSERT INTO core.{t} ({columns}) SELECT {cells} FROM staging.{t} AS s WHERE s.change = 'I'"
    return connection.execute(sql.SQL(query).format(**names)).rowcount


def _keep(connection: Connection, table: str, leaving: sql.Composable) -> None:
    """Put the rows `t` of a core table that are about to change or leave into its history.

    A row that this transaction has written already was never seen by anybody.
    """
    columns = [sql.Identifier(name) for name in _columns(connection, table)]
    query = """INSERT INTO core_history.{t} ({columns}, recorded_to) SELECT {cells}, now() FROM core.{t} AS t
        WHERE t.recorded_from < now() AND {leaving}"""
    cells = sql.SQL(", ").join(sql.SQL("t.{}").format(name) for name in columns)
    names = {"t": sql.Identifier(table), "columns": sql.SQL(", ").join(columns), "cells": cells}
    connection.execute(sql.SQL(query).format(leaving=leaving, **names))


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
    match = _match(RECORD, "t", "m")
    had_another = sql.SQL("{} AND t.person_key = m.was AND m.person_key IS DISTINCT FROM m.was").format(match)
    had_none = sql.SQL("{} AND t.person_key IS NULL AND m.valid_to = 'infinity'").format(match)
    changed: dict[str, int] = {}
    for persons, condition in (("moved", had_another), ("link.crosswalk", had_none)):
        of = {"m": sql.SQL(persons), "c": condition}
        for table in _about(connection, tables, of):
            names = {**of, "t": sql.Identifier(table)}
            _keep(connection, table, sql.SQL("EXISTS (SELECT 1 FROM {m} AS m WHERE {c})").format(**names))
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
    names = {"t": sql.Identifier(table.name), "cells": cells, "match": _match(RECORD, "c", "s")}
    connection.execute(sql.SQL(query).format(**names))
    analyze_briefly(connection, "coming_record")
    return "coming_record"


def refresh_sources(
    connection: Connection, registry: Registry, standing: Iterable[Submission], records: LiteralString = RECORDS
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
    return _replace_by_difference(connection, "source", ("agency_code", "dataset_code"))


def refresh_codes(connection: Connection, registry: Registry) -> int:
    """core.code: every code list, so that marts can say what a code means. Rows changed."""
    rows = [(name, code, label) for name, found in registry.code_lists.items() for code, label in found.codes.items()]
    _make(connection, "code")
    with connection.cursor() as cursor, cursor.copy("COPY made_code FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return _replace_by_difference(connection, "code", ("list_code", "code"))


def refresh_persons(connection: Connection, *, everyone: bool, records: LiteralString = RECORDS) -> int:
    """core.person, from the records of each person (sql/integrate/person.sql). Rows changed.

    everyone: not only those of whom a record changed, came, went or moved in this transaction. records: the table that
    has the records of persons. Where that is not core, no row of theirs is there yet, and they come with the area of
    their home; else areas.follow gives it to them and to their rows.
    """
    asked = _EVERYWHERE
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
    changed = _replace_by_difference(connection, "person", ("person_key",), asked, new)
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


def _replace_by_difference(
    connection: Connection,
    table: str,
    key: tuple[str, ...],
    within: sql.Composable = _EVERYWHERE,
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
        "match": _match(key, "t", "s"),
        "within": within,
        "columns": sql.SQL(", ").join(map(sql.Identifier, [*columns, *new])),
        "values": sql.SQL(", ").join([*map(sql.Identifier, columns), *new.values()]),
        "cells": sql.SQL("").join(sql.SQL("{0} = s.{0}, ").format(sql.Identifier(name)) for name in content),
        "old": sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in content),
        "new": sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(name)) for name in content),
    }
    same = "{within} AND NOT EXISTS (SELECT 1 FROM {made} AS s WHERE {match} AND ({old}) IS NOT DISTINCT FROM ({new}))"
    _keep(connection, table, sql.SQL(same).format(**parts))
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


def _match(key: Iterable[str], left: str, right: str) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{l}.{k} = {r}.{k}").format(l=sql.Identifier(left), r=sql.Identifier(right), k=sql.Identifier(name))
        for name in key
    )
