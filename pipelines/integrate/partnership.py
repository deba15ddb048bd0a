"""The partnership's own copy of the marts: counts under 5 are left out, wards stand still for a month. Never commits.

What is left out follows from `mart.yaml`. A number named `..._count` counts children: under 5 it is empty, and where it
alone is so in its row, so is the smallest other, or what is left would add up to it. `open` names numbers that give
away nothing of the row: whom a rate is of, how many sets a combination has. Every other number was worked out of counts
and is empty where one of those is: of those that its column names (`of`), else of any in its row. The ends of a range
that are under 5 move outward, to 0 and to 5.
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
    smallest = ", ".join(f'CASE WHEN "{name}" >= 5 THEN "{name}" END' for name in parts) or "NULL"
    return sql.SQL(  # type: ignore[arg-type]
        f"""CREATE TEMP TABLE coming ON COMMIT DROP AS SELECT {cells} FROM {{mart}} CROSS JOIN LATERAL (
                SELECT {_smalls(counts)} AS small_counts, {_smalls(parts)} AS small_parts,
                    least({smallest}) AS smallest_part
            ) AS n"""  # noqa: S608
    )


def _is_number(definition: MartDefinition, name: str) -> bool:
    return definition.columns[name].type in NUMBERS and name not in definition.key


def _is_small(value: str) -> str:
    return f"({value} > 0 AND {value} < 5)"


def _smalls(names: Collection[str]) -> str:
    """How many of these columns are above nought and under 5."""
    quoted = [f'"{name}"' for name in names]
    return " + ".join(["0", *(f"coalesce({_is_small(name)}::integer, 0)" for name in quoted)])


def _cell(definition: MartDefinition, name: str) -> str:
    """A column as the partnership sees it: n says how many counts of its row, and of its parts, are small."""
    ends = {end: place for pair in definition.ranges.values() for place, end in enumerate(pair)}
    own = f'"{name}"'
    if definition.disclosure == "none" or not _is_number(definition, name):
        return own
    if name in definition.open:
        return f"CASE WHEN NOT coalesce({_is_small(own)}, FALSE) THEN {own} END" if name.endswith("_count") else own
    if name.endswith("_count"):
        # Where one part is small, so is the smallest of the others, or what is left would add up to it.
        hidden = f"{_is_small(own)} OR n.small_parts = 1 AND {own} = n.smallest_part"
        return f"CASE WHEN NOT coalesce({hidden}, FALSE) THEN {own} END"
    if counts := definition.columns[name].of:
        are_seen = " AND ".join(f"({_cell(definition, count)}) IS NOT NULL" for count in counts)
        return f"CASE WHEN {are_seen} THEN {own} END"
    if name in ends:
        own = f"CASE WHEN {_is_small(own)} THEN {(0, 5)[ends[name]]} ELSE {own} END"
    return f"CASE WHEN n.small_counts = 0 THEN {own} END"
