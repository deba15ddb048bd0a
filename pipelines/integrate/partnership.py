"""The partnership's own copy of the marts: counts under 5 are left out, wards stand still for a month. Never commits.

What of a mart is left out, `hiding.py` says.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipelines.integrate import hiding, marts, shape
from pipelines.integrate.shape import MartDefinition
from pipelines.ledger import comments

Connection = psycopg.Connection[Any]
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
    hiding.leave_out(connection, names["mart"], definition)
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
