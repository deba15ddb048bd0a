"""What a run says about itself: how sure its ties are, how they spread, and what has moved since the run before."""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg

from pipelines.settings import Settings


def look(connection: psycopg.Connection[Any], db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> dict[str, Any]:
    """What goes into `link.run.summary` beside the counts, from the tables of `solve.solve`; never commits."""
    return {}


def after(settings: Settings, connection: psycopg.Connection[Any]) -> list[str]:
    """What a person should hear of the run that was just written, as notes."""
    return []
