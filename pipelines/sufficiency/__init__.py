"""How many plans and specialist places will be needed, with an interval, and are there enough.

The first simple method, documented in docs/adr/0020: plan rates by age and need on the projected population, growing by
the three-year drift of the area's own stock, in simulated paths that are kept until after adding up. Everything between
`panel_from_rows` and `rows_of` is a pure function of a `Panel`; only this module touches the database.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pipelines.errors import SystemFault
from pipelines.settings import shipped
from pipelines.sufficiency.drift import HORIZON, WINDOW
from pipelines.sufficiency.gap import COLUMNS, rows_of
from pipelines.sufficiency.panel import SPECIALIST, Panel, academic_year, panel_from_rows
from pipelines.sufficiency.simulate import simulate

__all__ = ["build", "read_panel"]


def build(connection: psycopg.Connection[Any], as_of: date) -> int:
    """Refill `mart.sufficiency_gap` from `core`, inside the caller's transaction; returns the rows written.

    The table is there: integrate makes it from mart.yaml. The seed is the day the plans are known for, so nights on
    which nothing arrived give the same numbers. Without plans or without population the mart is empty.
    """
    connection.execute("DELETE FROM mart.sufficiency_gap")
    panel = read_panel(connection, as_of)
    if panel is None:
        return 0
    rows = rows_of(panel, simulate(panel, seed=panel.reference.toordinal()))
    statement = f"COPY mart.sufficiency_gap ({', '.join(COLUMNS)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    return len(rows)


def read_panel(connection: psycopg.Connection[Any], as_of: date) -> Panel | None:
    """The panel as `core` has it, or None where there are no plans in force or no population."""
    reference = _rows(connection, "reference", as_of=as_of)[0]["reference"]
    specialist = list(SPECIALIST)
    plans = _rows(connection, "plans", reference=reference, specialist=specialist)
    population = _rows(connection, "population")
    if not plans or not population:
        return None
    return panel_from_rows(
        reference,
        plans=plans,
        history=_rows(connection, "history", reference=reference, window=WINDOW),
        population=population,
        capacity=_rows(
            connection, "capacity", academic_year=academic_year(reference), horizon=HORIZON, specialist=specialist
        ),
    )


def _sql(name: str) -> bytes:
    path: Path = shipped("sql") / "marts" / "sufficiency_gap" / f"{name}.sql"
    if not path.exists():
        raise SystemFault(f"the statement {name}.sql of the sufficiency mart is missing from this installation")
    return path.read_bytes()


def _rows(connection: psycopg.Connection[Any], name: str, **parameters: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql(name), parameters).fetchall()
