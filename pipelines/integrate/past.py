"""A function for each mart, `mart_as_of.<mart>(as_of)`: the mart worked out for another day, from its own `model.sql`.

The model reads, in place of the tables of core, those that sql/derived/standing.sql gives for the day; the others as
they are known at the moment of `joint_needs.as_known_at`, without one now.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import psycopg
from psycopg import sql

from pipelines.integrate.ranges import TABLE, as_it_stands, tables_named
from pipelines.integrate.shape import MartDefinition, seen_by, typed

Connection = psycopg.Connection[Any]
# Made by joins over whole tables, so that a model which names one twice is better off with a copy. Of the others a copy
# costs more than it saves: what the model asks of them (is_current, one table of spoken_of) no longer reaches the scan.
_COSTLY = ("person_profile", "source")
# Of a table that is made from several the planner expects one row, and would go through the next once for each; of
# others far too many, and would compile at length what runs in a second.
_SETTINGS = ("search_path = pg_catalog, pg_temp", "enable_nestloop = off", "work_mem = '64MB'", "jit = off")


def ensure(connection: Connection, mart: str, definition: MartDefinition, model: str | None) -> None:
    """Make the function where there is none or the mart changed, and take away one that no longer can be.

    model: the mart's query, None where a function fills it; such a mart has none either.
    """
    if model is None or not definition.has_past:
        connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}").format(sql.Identifier("mart_as_of", mart)))
        return
    ends = {end for pair in definition.ranges.values() for end in pair}
    columns = {name: column.type for name, column in definition.columns.items() if name not in ends}
    once, dated = _on_a_day(connection, as_it_stands(model) if ends else model)
    query = sql.SQL("{once}SELECT {cells} FROM (\n{model}\n) AS made WHERE {seen}").format(
        once=sql.SQL(once),  # type: ignore[arg-type]
        cells=sql.SQL(", ").join(sql.SQL("{}::{}").format(sql.Identifier(n), sql.SQL(of)) for n, of in columns.items()),
        model=sql.SQL(dated),  # type: ignore[arg-type]
        seen=sql.SQL(seen_by(columns)),
    )
    body = (
        f"BEGIN RETURN QUERY EXECUTE {sql.Literal(query.as_string(connection)).as_string(connection)} USING as_of; END"
    )
    names = {"function": sql.Identifier("mart_as_of", mart), "columns": typed(columns), "body": sql.Literal(body)}
    settings = sql.SQL(" ").join(sql.SQL("SET " + setting) for setting in _SETTINGS)
    there = connection.execute(
        "SELECT prosrc, proconfig FROM pg_proc WHERE oid = to_regprocedure(%s)", (f"mart_as_of.{mart}(date)",)
    ).fetchone()
    if there == (body, [setting.replace(" = ", "=").replace("'", "") for setting in _SETTINGS]):
        return
    note = f"mart.{mart} for a day, without ranges: what is known of it now, or at joint_needs.as_known_at."
    for statement in (
        "DROP FUNCTION IF EXISTS {function}",
        """CREATE FUNCTION {function}(as_of date) RETURNS TABLE ({columns}) LANGUAGE plpgsql STABLE SECURITY DEFINER
           {settings} AS {body}""",
        "REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
        "COMMENT ON FUNCTION {function} IS {note}",
    ):
        connection.execute(sql.SQL(statement).format(**names, settings=settings, note=sql.Literal(note)))


def _on_a_day(connection: Connection, model: str) -> tuple[str, str]:
    """The model with $1 for the day, over the tables of that day; before it what of these is to be made once."""
    dated = {
        name
        for (name,) in connection.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'core_as_of'::regnamespace")
    }
    named = Counter(tables_named(model))
    once = [name for name in _COSTLY if named[name] > 1]

    def instead(found: re.Match[str]) -> str:
        if found[1] in once:
            return f"once_{found[1]}"
        return f"core_as_of.{found[1]}($1)" if found[1] in dated else f"core_known.{found[1]}"

    day = re.sub(r"(?<!:):as_of\b", "$1::date", model)
    made = ", ".join(f"once_{name} AS MATERIALIZED (SELECT * FROM core_as_of.{name}($1))" for name in once)  # noqa: S608
    return f"WITH {made}\n" if once else "", re.sub(TABLE, instead, day)
