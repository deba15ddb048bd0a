"""Ranges beside the counts of marts: what they would have been, had the uncertain ties come out otherwise.

`core.key_draw` holds, for each draw of the linker, the records that would be another person. A child whose records no
draw touches counts alike in all of them; so the mart is counted on the others alone, once for the persons that stand
and once for each draw, and the differences are what the draws add to the count. All draws of a mart are one statement: the
part of its model that counts, run for each of them. The model is not told: it reads temporary tables in place of the
tables of core, in which only those children are, under the keys of the draw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from math import ceil
from typing import Any

import psycopg
from psycopg import sql

from pipelines.errors import SystemFault
from pipelines.link.draws import DRAWS
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]
LOW, HIGH = 0.05, 0.95
# The day of the picture is the same in every row that was made, and no query that counts has to give it.
DAY = "time_period"
# No count of children depends on these, and the models read them for their denominators alone.
_LEFT_OUT = ("population",)


def is_needed(connection: Connection) -> bool:
    """Whether any draw differs from the persons that stand."""
    return connection.execute("SELECT 1 FROM core.key_draw LIMIT 1").fetchone() is not None


def prepare(connection: Connection) -> None:
    """Make the temporary tables that stand in for those of core; once in a transaction.

    `uncertain_<table>` holds the rows of a table that are of children whom any draw touches, as they stand;
    `drawn_person` those children, draw by draw.
    """
    for statement in (
        """CREATE TEMP TABLE uncertain_child ON COMMIT DROP AS
               SELECT DISTINCT person_key FROM core.key_draw UNION
               SELECT record.person_key FROM core.person_record AS record
               JOIN (SELECT DISTINCT agency_code, dataset_code, record_pseudonym FROM core.key_draw) AS moved
                   USING (agency_code, dataset_code, record_pseudonym) WHERE record.person_key IS NOT NULL""",
        "ANALYZE uncertain_child",
    ):
        connection.execute(statement)
    for table in _with_persons(connection):
        names = {"t": sql.Identifier(table), "few": sql.Identifier(f"uncertain_{table}")}
        for statement in (
            """CREATE TEMP TABLE {few} ON COMMIT DROP AS SELECT * FROM core.{t}
               WHERE person_key IN (SELECT person_key FROM uncertain_child)""",
            "ANALYZE {few}",
        ):
            connection.execute(sql.SQL(statement).format(**names))
    record = {"person_record": _stand_ins(connection)["person_record"]}
    person = _on_draws((shipped("sql") / "integrate" / "person.sql").read_text(), record)
    connection.execute(
        f"CREATE TEMP TABLE drawn_person ON COMMIT DROP AS SELECT this.draw, person.* {_each_draw(person)} AS person"  # type: ignore[call-overload]
    )
    connection.execute("CREATE INDEX ON drawn_person (draw)")
    connection.execute("ANALYZE drawn_person")


def _each_draw(query: str) -> str:
    """The end of a statement that runs a query for the persons that stand, draw 0, and for each draw."""
    return f"FROM generate_series(0, {DRAWS}) AS this (draw) CROSS JOIN LATERAL (\n{query}\n)"


def _stand_ins(connection: Connection) -> dict[str, str]:
    """Table of core -> what is read in its place, within a statement of `_each_draw`."""
    found = {}
    for table, columns in _with_persons(connection).items():
        cells = ", ".join(
            "coalesce(n.person_key, t.person_key) AS person_key" if name == "person_key" else f't."{name}"'
            for name in columns
        )
        found[table] = f"""(SELECT {cells} FROM pg_temp.uncertain_{table} AS t
            LEFT JOIN core.key_draw AS n ON n.draw = this.draw AND (n.agency_code, n.dataset_code, n.record_pseudonym)
                = (t.agency_code, t.dataset_code, t.record_pseudonym))"""  # noqa: S608
    found["person"] = "(SELECT * FROM pg_temp.drawn_person AS t WHERE t.draw = this.draw)"
    found |= {table: f"(SELECT * FROM core.{table} WHERE FALSE)" for table in _LEFT_OUT}  # noqa: S608
    profile = connection.execute("SELECT pg_get_viewdef('core.person_profile'::regclass)").fetchone()[0]  # type: ignore[index]
    return found | {"person_profile": f"({_on_draws(profile.rstrip(';'), found)})"}


def _with_persons(connection: Connection) -> dict[str, list[str]]:
    """The tables of core that say of a record whose it is, with their columns."""
    rows = connection.execute(
        """SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
           FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
           WHERE table_schema = 'core' AND table_type = 'BASE TABLE' AND table_name <> 'key_draw'
           GROUP BY table_name HAVING array_agg(column_name::text) @> '{record_pseudonym, person_key}'"""
    ).fetchall()
    return dict(rows)


def _on_draws(query: str, instead: Mapping[str, str]) -> str:
    """A query that reads the stand-ins of tables of core, each under the name that the query gives it."""
    return re.sub(
        r"\bcore\.(\w+)\b(?!\s*\()(\s+AS\s+\w+)?",
        lambda m: instead[m[1]] + (m[2] or f" AS {m[1]}") if m[1] in instead else m[0],
        re.sub(r"--.*", "", query),
        flags=re.IGNORECASE,
    )


def counting(model: str, part: str, columns: Iterable[str]) -> str | None:
    """A model as far as its named query `part`, and these columns of that; None where there is no such query."""
    names = ", ".join(f'"{name}"' for name in columns)
    ends = list(re.finditer(r"^\)\n(?=SELECT\b)", model, flags=re.MULTILINE))
    if not ends or not re.search(rf"^(?:WITH )?{part} AS (?:MATERIALIZED )?\(", model, flags=re.MULTILINE):
        return None
    return f"{model[: ends[-1].end()]}SELECT {names} FROM {part}"  # noqa: S608


def fill(
    connection: Connection,
    made: str,
    model: str,
    part: str,
    key: tuple[str, ...],
    ranges: Mapping[str, tuple[str, str]],
    as_of: date,
) -> None:
    """Write the low and high end of each count of a mart that was just made for one day.

    made: the table that holds its rows. model: its query in psycopg's placeholders, and part: the query in it that
    counts. ranges: count -> its columns for the 5th and the 95th percentile over the draws. A range always holds the
    count itself; without any uncertain child it is the count.
    """
    table = sql.Identifier(made)
    ends = sql.SQL(", ").join(
        sql.SQL("{0} = {2}, {1} = {2}").format(*map(sql.Identifier, (low, high, count)))
        for count, (low, high) in ranges.items()
    )
    connection.execute(sql.SQL("UPDATE {} SET {}").format(table, ends))
    if not is_needed(connection):
        return
    if connection.execute("SELECT to_regclass('pg_temp.drawn_person') IS NULL").fetchone() == (True,):
        prepare(connection)
    within = tuple(name for name in key if name != DAY)
    names = {
        "found": sql.Identifier(f"drawn_{made}"),
        "mart": table,
        "key": sql.SQL(", ").join(map(sql.Identifier, within)),
        "counts": sql.SQL(", ").join(map(sql.Identifier, ranges)),
        "some": sql.SQL(" OR ").join(sql.SQL("{} <> 0").format(sql.Identifier(name)) for name in ranges),
    }
    query = counting(model, part, (*within, *ranges))
    if query is None:
        raise SystemFault(f"the model of {made} has no query {part} before its last one")
    head = sql.SQL("CREATE TEMP TABLE {found} ON COMMIT DROP AS SELECT this.draw, {key}, {counts} ").format(**names)
    text = head.as_string(connection) + _each_draw(_on_draws(query, _stand_ins(connection)))
    text += sql.SQL(" AS counted WHERE {some}").format(**names).as_string(connection)
    with psycopg.ClientCursor(connection) as cursor:  # a table is made of no bound parameter
        cursor.execute(text, {"as_of": as_of})  # type: ignore[call-overload]
    for count, (low, high) in ranges.items():
        _ends(connection, names, within, count, low, high)


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
