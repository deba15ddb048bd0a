"""Ranges beside the counts of marts: what they would have been, had the uncertain ties come out otherwise.

`core.key_draw` holds, for each draw of the linker, the records that would be another person. A child whose records no
draw touches counts alike in all of them; so only the others are counted, in every world they may be in (worlds.py): how
a few children who share uncertain ties would come out. What a draw adds to a count is the sum, over those groups of
children, of what they count in its world less what they count as they stand.

All worlds of a mart are counted in one statement: the part of its model that counts, on temporary tables in place of
those of core, in which every child, record and reference bears a name of its own in each world, so that no join leads
from one to another. The model says of what it counts in which world that is: `world` of core.person_profile or
core.person_record, which is 0 where it is run for the mart itself.
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
from pipelines.integrate import worlds
from pipelines.integrate.staging import analyze_briefly
from pipelines.link.draws import DRAWS
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]
LOW, HIGH = 0.05, 0.95
# A table or view of core where a query names it; what has a bracket behind it is a function.
TABLE = r"\bcore\.(\w+)\b(?!\s*\()"
# The day of the picture is the same in every row that was made, and no query that counts has to give it.
DAY = "time_period"
# No count of children depends on these, and the models read them for their denominators alone.
_LEFT_OUT = ("population",)
# In these, a model finds the world of a child.
_TELL_WORLD = ("person_profile", "person_record")


def is_needed(connection: Connection) -> bool:
    """Whether any draw differs from the persons that stand."""
    return connection.execute("SELECT 1 FROM core.key_draw LIMIT 1").fetchone() is not None


def as_it_stands(model: str) -> str:
    """A model with ranges on the tables of core themselves: all of it is one world."""
    return _instead(model, {name: f"(SELECT 0 AS world, t.* FROM core.{name} AS t)" for name in _TELL_WORLD})  # noqa: S608


def _stand_ins(connection: Connection, query: str) -> dict[str, str]:
    """Table of core -> what is read in its place where worlds are counted, of those that a query names.

    Each is made once in a transaction and the planner told of it: of a query in its place it would know so little that
    it took the children of all worlds for a handful, and compared each with every other.
    """
    named = set(tables_named(query))
    with_persons = worlds.with_persons(connection)
    found = {table: f"(SELECT * FROM core.{table} WHERE FALSE)" for table in _LEFT_OUT}  # noqa: S608
    for table in named & (with_persons.keys() | {"person", "person_profile"}):
        found[table] = f"pg_temp.drawn_{table}"
        if connection.execute("SELECT to_regclass(%s) IS NULL", (found[table],)).fetchone() != (True,):
            continue
        if table in with_persons:
            cells = ", ".join(_cell(name) for name in with_persons[table])
            rows = f"""SELECT {cells}{", of.world" * (table in _TELL_WORLD)} FROM core.{table} AS t
                JOIN world_child AS of USING (person_key)
                LEFT JOIN world_move AS m USING (world, agency_code, dataset_code, record_pseudonym)"""  # noqa: S608
        else:
            rows = _of_children(connection, table)
        connection.execute(f"CREATE TEMP TABLE drawn_{table} ON COMMIT DROP AS {rows}")  # type: ignore[call-overload]
        analyze_briefly(connection, f"drawn_{table}")
    return found


def _of_children(connection: Connection, table: str) -> str:
    """The query for core.person, or core.person_profile, in worlds."""
    if table == "person":
        query = (shipped("sql") / "integrate" / "person.sql").read_text()
        whose = "SELECT DISTINCT world, person_key FROM pg_temp.drawn_person_record"
    else:
        query = connection.execute("SELECT pg_get_viewdef('core.person_profile'::regclass)").fetchone()[0].rstrip(";")  # type: ignore[index]
        whose = "SELECT world, person_key FROM pg_temp.drawn_person"
    made = _instead(query, _stand_ins(connection, query))
    return f"SELECT t.*, of.world FROM ({made}) AS t JOIN ({whose}) AS of USING (person_key)"  # noqa: S608


def _cell(name: str) -> str:
    """A column where worlds are counted: what names a child, a record or a thing of it names it in its world alone."""
    if name == "person_key":
        return "coalesce(m.drawn_key, of.drawn_key) AS person_key"
    is_name = name == "record_pseudonym" or name.endswith("_ref")
    return f"t.{name} || ' ' || of.world AS {name}" if is_name else f't."{name}"'


def tables_named(query: str) -> list[str]:
    """The tables and views of core that a query reads, one entry for each time it names one; comments apart."""
    return re.findall(TABLE, re.sub(r"--.*", "", query), flags=re.IGNORECASE)


def _instead(query: str, tables: Mapping[str, str]) -> str:
    """A query that reads something else in place of tables of core, each under the name that the query gives it."""
    return re.sub(
        TABLE + r"(\s+AS\s+\w+)?",
        lambda m: tables[m[1]] + (m[2] or f" AS {m[1]}") if m[1] in tables else m[0],
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
    if connection.execute("SELECT to_regclass('pg_temp.world') IS NULL").fetchone() == (True,):
        worlds.lay_out(connection)
    within = tuple(name for name in key if name != DAY)
    query = counting(model, part, ("world", *within, *ranges))
    if query is None:
        raise SystemFault(f"the model of {made} has no query {part} before its last one")
    names = {
        "found": sql.Identifier(f"drawn_{made}"),
        "mart": table,
        "key": sql.SQL(", ").join(map(sql.Identifier, within)),
        "counts": sql.SQL(", ").join(map(sql.Identifier, ranges)),
        "some": sql.SQL(" OR ").join(sql.SQL("{} <> 0").format(sql.Identifier(name)) for name in ranges),
    }
    # A cell is a number from here on: there are many counts, and the names of one are long.
    head = sql.SQL("CREATE TEMP TABLE {found} ON COMMIT DROP AS SELECT world, cell, {counts} FROM (\n").format(**names)
    tail = sql.SQL("\n) AS counted JOIN (SELECT cell, {key} FROM {mart}) AS mart USING ({key}) WHERE {some}").format(
        **names
    )
    text = head.as_string(connection) + _instead(query, _stand_ins(connection, query)) + tail.as_string(connection)
    analyze_briefly(connection, made)
    with psycopg.ClientCursor(connection) as cursor:  # a table cannot be made of bound parameters
        cursor.execute(text, {"as_of": as_of})  # type: ignore[call-overload]
    analyze_briefly(connection, f"drawn_{made}")
    for count, (low, high) in ranges.items():
        _ends(connection, names, count, low, high)


def _ends(connection: Connection, names: Mapping[str, sql.Composable], count: str, low: str, high: str) -> None:
    connection.execute(
        sql.SQL(
            """WITH change AS (
                   -- What a world counts less what its group counts as it stands: mostly nothing, so before the draws.
                   SELECT world, cell, sum(counted) AS more
                   FROM (
                       SELECT world, cell, {count} AS counted FROM {found}
                       UNION ALL
                       SELECT world.world, cell, -{count} FROM {found} AS found JOIN world ON world.stands = found.world
                   ) AS both_ways
                   GROUP BY world, cell HAVING sum(counted) <> 0
               ), moved AS (
                   SELECT cell, draw, sum(more)::integer AS more
                   FROM change JOIN world_of_draw USING (world) GROUP BY cell, draw HAVING sum(more) <> 0
               ), e AS (
                   -- Draws that are not there change nothing: between those that take away and those that add.
                   SELECT cell,
                       coalesce(array_agg(more ORDER BY more) FILTER (WHERE more < 0), '{{}}')
                       || array_fill(0, ARRAY[%(draws)s - count(*)::integer])
                       || coalesce(array_agg(more ORDER BY more) FILTER (WHERE more > 0), '{{}}') AS more
                   FROM moved GROUP BY cell
               )
               UPDATE {mart} AS m SET
                   {low} = least(m.{count}, m.{count} + e.more[%(low)s]),
                   {high} = greatest(m.{count}, m.{count} + e.more[%(high)s])
               FROM e WHERE m.cell = e.cell"""
        ).format(
            **names,
            count=sql.Identifier(count),
            low=sql.Identifier(low),
            high=sql.Identifier(high),
        ),
        {"draws": DRAWS, "low": ceil(LOW * DRAWS), "high": ceil(HIGH * DRAWS)},
    )
