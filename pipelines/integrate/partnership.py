"""The partnership's own copy of the marts: counts under 5 are left out, wards stand still for a month. Never commits.

What is left out follows from `mart.yaml`. A number named `..._count` counts children: under 5 it is empty, and where it
alone is so in its row, so is the smallest other, or what is left would add up to it. `open` names numbers that give
away nothing of the row: whom a rate is of, how many sets a combination has. Every other number was worked out of the
counts and is empty where one of them is. The ends of a range that are under 5 move outward, to 0 and to 5.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipelines.integrate import marts, shape
from pipelines.integrate.shape import MartDefinition
from pipelines.ledger import comments

Connection = psycopg.Connection[Any]
NUMBERS = ("integer", "bigint", "numeric", "double precision")
_WARDS = sql.SQL("geographic_level NOT IN ('area', 'health_place')")


def share(connection: Connection, day: date, made: Collection[str], folder: Path | None = None) -> None:
    """Bring the copy of these marts, and of those that have none yet, to what they show, row by row.

    A copy is made anew, and locked, only where the columns of its mart changed.
    """
    for mart in marts.load(folder):
        columns = shape.columns_there(connection, "mart", mart.name)
        copied = shape.columns_there(connection, "partnership", mart.name)
        if columns and (not copied or mart.name in made):
            _copy(connection, mart.name, mart.definition, day, is_there=list(copied.items()) == list(columns.items()))
    comments.copy(connection, "mart", "partnership")


def _copy(connection: Connection, name: str, definition: MartDefinition, day: date, *, is_there: bool) -> None:
    names = {"mart": sql.Identifier("mart", name), "copy": sql.Identifier("partnership", name), "wards": _WARDS}
    connection.execute(_coming(definition).format(**names))
    if "geographic_level" in definition.columns:
        month = day.replace(day=1)
        frozen = connection.execute("SELECT 1 FROM partnership.frozen WHERE (mart, month) = (%s, %s)", (name, month))
        if is_there and frozen.fetchone():
            connection.execute(sql.SQL("DELETE FROM coming WHERE {wards}").format(**names))
            connection.execute(sql.SQL("INSERT INTO coming SELECT * FROM {copy} WHERE {wards}").format(**names))
        else:
            connection.execute(
                """INSERT INTO partnership.frozen VALUES (%s, %s)
                   ON CONFLICT (mart) DO UPDATE SET month = excluded.month""",
                (name, month),
            )
    if is_there:
        shape.by_difference(connection, names["copy"], sql.Identifier("coming"), definition)
    else:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {copy}").format(**names))
        connection.execute(sql.SQL("CREATE TABLE {copy} AS SELECT * FROM coming").format(**names))
    connection.execute("DROP TABLE coming")
    guard = "SELECT partnership.guard(%s::regclass, %s)"
    has_levels = {"geographic_level", "area_code"} <= set(definition.columns)
    if has_levels or "health_place_code" in definition.columns:
        for schema in ("partnership", "mart"):
            connection.execute(guard, (f"{schema}.{name}", has_levels))


def _coming(definition: MartDefinition) -> sql.SQL:
    """What the partnership sees of a mart, into the temporary table `coming`, with {mart} to be filled in."""
    counts = [name for name in definition.columns if _is_number(definition, name) and name.endswith("_count")]
    parts = [name for name in counts if name not in definition.open]
    cells = ", ".join(
        f'{_cell(definition, name)}::{column.type} AS "{name}"' for name, column in definition.columns.items()
    )
    return sql.SQL(  # type: ignore[arg-type]
        f"""CREATE TEMP TABLE coming ON COMMIT DROP AS SELECT {cells} FROM {{mart}}
            CROSS JOIN LATERAL (SELECT {_array(counts)} AS "all", {_array(parts)} AS "parts") AS n"""  # noqa: S608
    )


def _is_number(definition: MartDefinition, name: str) -> bool:
    return definition.columns[name].type in NUMBERS and name not in definition.key


def _array(names: Collection[str]) -> str:
    return "ARRAY[" + ", ".join(f'"{name}"::numeric' for name in names) + "]::numeric[]"


def _cell(definition: MartDefinition, name: str) -> str:
    """A column as the partnership sees it, of a row whose counts are n."all", and n."parts" without the open ones."""
    ends = {end: place for pair in definition.ranges.values() for place, end in enumerate(pair)}
    if definition.disclosure == "none" or not _is_number(definition, name):
        return f'"{name}"'
    if name in definition.open:
        return f'partnership.shown("{name}"::numeric, {_array([])})' if name.endswith("_count") else f'"{name}"'
    if name.endswith("_count"):
        return f'partnership.shown("{name}"::numeric, n."parts")'
    seen = f'partnership.derived("{name}"::numeric, n."all")'
    if name in ends:
        return f"CASE WHEN partnership.is_small({seen}) THEN {(0, 5)[ends[name]]} ELSE {seen} END"
    return seen
