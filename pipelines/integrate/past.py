"""A function for each mart, `mart_as_of.<mart>(as_of)`: the mart worked out for another day, from its own `model.sql`.

The model reads, in place of the tables of core, those that sql/derived/standing.sql gives for the day; the others as
they are known at the moment of `joint_needs.as_known_at`, without one now.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

from pipelines.integrate.ranges import as_it_stands
from pipelines.integrate.shape import MartDefinition, seen_by, typed

Connection = psycopg.Connection[Any]


def ensure(connection: Connection, mart: str, definition: MartDefinition, model: str | None) -> None:
    """Make the function where there is none or the mart changed, and take away one that no longer can be.

    model: the mart's query, None where a function fills it; such a mart has none either.
    """
    if model is None or not definition.has_past:
        connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}").format(sql.Identifier("mart_as_of", mart)))
        return
    ends = {end for pair in definition.ranges.values() for end in pair}
    columns = {name: column.type for name, column in definition.columns.items() if name not in ends}
    query = sql.SQL("SELECT {cells} FROM (\n{model}\n) AS made WHERE {seen}").format(
        cells=sql.SQL(", ").join(sql.SQL("{}::{}").format(sql.Identifier(n), sql.SQL(of)) for n, of in columns.items()),
        model=sql.SQL(_on_a_day(connection, as_it_stands(model) if ends else model)),  # type: ignore[arg-type]
        seen=sql.SQL(seen_by(columns)),
    )
    body = (
        f"BEGIN RETURN QUERY EXECUTE {sql.Literal(query.as_string(connection)).as_string(connection)} USING as_of; END"
    )
    names = {"function": sql.Identifier("mart_as_of", mart), "columns": typed(columns), "body": sql.Literal(body)}
    there = connection.execute(
        "SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure(%s)", (f"mart_as_of.{mart}(date)",)
    ).fetchone()
    if there == (body,):
        return
    # Of a table that is made from several the planner expects one row, and would go through the next once for each.
    note = f"mart.{mart} for a day, without ranges: what is known of it now, or at joint_needs.as_known_at."
    for statement in (
        "DROP FUNCTION IF EXISTS {function}",
        """CREATE FUNCTION {function}(as_of date) RETURNS TABLE ({columns}) LANGUAGE plpgsql STABLE SECURITY DEFINER
           SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET work_mem = '64MB' AS {body}""",
        "REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
        "COMMENT ON FUNCTION {function} IS {note}",
    ):
        connection.execute(sql.SQL(statement).format(**names, note=sql.Literal(note)))


def _on_a_day(connection: Connection, model: str) -> str:
    """The model with $1 for the day, over the tables of that day."""
    dated = {
        name
        for (name,) in connection.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'core_as_of'::regnamespace")
    }

    def instead(found: re.Match[str]) -> str:
        return f"core_as_of.{found[1]}($1)" if found[1] in dated else f"core_known.{found[1]}"

    day = re.sub(r"(?<!:):as_of\b", "$1::date", model)
    return re.sub(r"\bcore\.(\w+)\b(?!\s*\()", instead, day)
