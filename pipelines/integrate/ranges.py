"""Ranges beside the counts of marts: what they would have been, had the uncertain ties come out otherwise.

`core.key_draw` holds, for each draw of the linker, the records that would be another person. A child whose records no
draw touches counts alike in all of them; so the mart's own model is run on the others alone, once for the persons that
stand and once for each draw, and the differences are what the draws add to the count. The model is not told: it reads
temporary views in place of the tables of core, in which only those children are, under the keys of the draw.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from math import ceil
from typing import Any

import psycopg
from psycopg import sql

from pipelines.link.draws import DRAWS
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]
LOW, HIGH = 0.05, 0.95
# No count of children depends on these, and the models read them for their denominators alone.
_LEFT_OUT = ("population",)


def is_needed(connection: Connection) -> bool:
    """Whether any draw differs from the persons that stand."""
    return connection.execute("SELECT 1 FROM core.key_draw LIMIT 1").fetchone() is not None


def prepare(connection: Connection) -> None:
    """Make the temporary tables and views that models are run on, under the names of core; once in a transaction.

    `drawn_now` says of which draw the views are; `uncertain_person` the persons that any draw touches.
    """
    for statement in (
        """CREATE TEMP TABLE drawn_now (agency_code text, dataset_code text, record_pseudonym text, person_key uuid,
               PRIMARY KEY (agency_code, dataset_code, record_pseudonym)) ON COMMIT DROP""",
        """CREATE TEMP TABLE uncertain_person ON COMMIT DROP AS
               SELECT DISTINCT person_key FROM core.key_draw UNION
               SELECT record.person_key FROM core.person_record AS record
               JOIN (SELECT DISTINCT agency_code, dataset_code, record_pseudonym FROM core.key_draw) AS moved
                   USING (agency_code, dataset_code, record_pseudonym) WHERE record.person_key IS NOT NULL""",
        "ANALYZE uncertain_person",
    ):
        connection.execute(statement)
    for table, columns in _with_persons(connection).items():
        names = {
            "t": sql.Identifier(table),
            "few": sql.Identifier(f"uncertain_{table}"),
            "drawn": sql.Identifier("pg_temp", table),
            "columns": sql.SQL(", ").join(
                sql.SQL("coalesce(n.person_key, t.person_key) AS person_key")
                if name == "person_key"
                else sql.SQL("t.{}").format(sql.Identifier(name))
                for name in columns
            ),
        }
        for statement in (
            """CREATE TEMP TABLE {few} ON COMMIT DROP AS SELECT * FROM core.{t}
               WHERE person_key IN (SELECT person_key FROM uncertain_person)""",
            "ANALYZE {few}",
            """CREATE VIEW {drawn} AS SELECT {columns} FROM {few} AS t
               LEFT JOIN drawn_now AS n USING (agency_code, dataset_code, record_pseudonym)""",
        ):
            connection.execute(sql.SQL(statement).format(**names))
    person = _on_draws((shipped("sql") / "integrate" / "person.sql").read_text(), {"person_record"})
    profile = connection.execute("SELECT pg_get_viewdef('core.person_profile'::regclass)").fetchone()[0]  # type: ignore[index]
    connection.execute(f"CREATE TEMP VIEW drawn_person AS {person}")  # type: ignore[call-overload]
    connection.execute("CREATE TEMP TABLE person ON COMMIT DROP AS SELECT * FROM drawn_person WITH NO DATA")
    for table in _LEFT_OUT:
        name = sql.Identifier(table)
        connection.execute(sql.SQL("CREATE TEMP TABLE {0} (LIKE core.{0}) ON COMMIT DROP").format(name))
    connection.execute(f"CREATE TEMP VIEW person_profile AS {_on_draws(profile, {'person'})}")  # type: ignore[call-overload]


def _with_persons(connection: Connection) -> dict[str, list[str]]:
    """The tables of core that say of a record whose it is, with their columns."""
    rows = connection.execute(
        """SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
           FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
           WHERE table_schema = 'core' AND table_type = 'BASE TABLE' AND table_name <> 'key_draw'
           GROUP BY table_name HAVING array_agg(column_name::text) @> '{record_pseudonym, person_key}'"""
    ).fetchall()
    return dict(rows)


def _on_draws(query: str, tables: set[str]) -> str:
    """A query that reads the temporary views of these tables instead of core."""
    return re.sub(r"\bcore\.(\w+)", lambda m: f"pg_temp.{m[1]}" if m[1] in tables else m[0], query)


def fill(
    connection: Connection,
    made: str,
    model: str,
    key: tuple[str, ...],
    ranges: Mapping[str, tuple[str, str]],
    as_of: date,
) -> None:
    """Write the low and high end of each count of a mart that was just made.

    made: the table that holds its rows. model: its query in psycopg's placeholders. ranges: count -> its columns for
    the 5th and the 95th percentile over the draws. A range always holds the count itself; without any uncertain child
    it is the count.
    """
    table = sql.Identifier(made)
    ends = sql.SQL(", ").join(
        sql.SQL("{0} = {2}, {1} = {2}").format(*map(sql.Identifier, (low, high, count)))
        for count, (low, high) in ranges.items()
    )
    connection.execute(sql.SQL("UPDATE {} SET {}").format(table, ends))
    if not is_needed(connection):
        return
    if connection.execute("SELECT to_regclass('pg_temp.drawn_now') IS NULL").fetchone() == (True,):
        prepare(connection)
    tables = {*_with_persons(connection), "person", "person_profile", *_LEFT_OUT}
    names = {
        "found": sql.Identifier(f"drawn_{made}"),
        "mart": table,
        "key": sql.SQL(", ").join(map(sql.Identifier, key)),
        "counts": sql.SQL(", ").join(map(sql.Identifier, ranges)),
        "some": sql.SQL(" OR ").join(sql.SQL("{} <> 0").format(sql.Identifier(name)) for name in ranges),
    }
    connection.execute(
        sql.SQL(
            """CREATE TEMP TABLE {found} ON COMMIT DROP AS
               SELECT 0 AS draw, {key}, {counts} FROM {mart} WITH NO DATA"""
        ).format(**names)
    )
    insert = sql.SQL("INSERT INTO {found} SELECT %(draw)s, {key}, {counts} FROM (\n").format(**names)
    text = insert.as_string(connection) + _on_draws(model, tables)
    text += sql.SQL("\n) AS made WHERE {some}").format(**names).as_string(connection)
    for draw in range(DRAWS + 1):
        _take(connection, draw)
        connection.execute(text, {"as_of": as_of, "draw": draw})  # type: ignore[call-overload]
    for count, (low, high) in ranges.items():
        _ends(connection, names, key, count, low, high)


def _take(connection: Connection, draw: int) -> None:
    """Turn the views to a draw; 0 is the persons that stand."""
    connection.execute("TRUNCATE drawn_now, pg_temp.person")
    connection.execute(
        """INSERT INTO drawn_now SELECT agency_code, dataset_code, record_pseudonym, person_key
           FROM core.key_draw WHERE draw = %s""",
        (draw,),
    )
    connection.execute("INSERT INTO pg_temp.person SELECT * FROM drawn_person")


def _ends(
    connection: Connection, names: Mapping[str, sql.Composable], key: tuple[str, ...], count: str, low: str, high: str
) -> None:
    match = sql.SQL(" AND ").join(
        sql.SQL("{0}.{2} = {1}.{2}").format(sql.Identifier("m"), sql.Identifier("e"), sql.Identifier(name))
        for name in key
    )
    connection.execute(
        sql.SQL(
            """WITH drawn AS (
                   SELECT {key}, max({count}) FILTER (WHERE draw = 0) AS stands,
                          array_agg({count} ORDER BY {count}) FILTER (WHERE draw > 0) AS counts
                   FROM {found} GROUP BY {key}
               ), e AS (
                   -- Draws without a row counted nobody: they stand before the others.
                   SELECT {key}, coalesce(stands, 0) AS stands,
                          array_fill(0, ARRAY[%(draws)s - coalesce(cardinality(counts), 0)]) || counts AS counts
                   FROM drawn
               )
               UPDATE {mart} AS m SET
                   {low} = least(m.{count}, m.{count} - e.stands + e.counts[%(low)s]),
                   {high} = greatest(m.{count}, m.{count} - e.stands + e.counts[%(high)s])
               FROM e WHERE {match}"""
        ).format(
            **names,
            match=match,
            count=sql.Identifier(count),
            low=sql.Identifier(low),
            high=sql.Identifier(high),
        ),
        {"draws": DRAWS, "low": ceil(LOW * DRAWS), "high": ceil(HIGH * DRAWS)},
    )
