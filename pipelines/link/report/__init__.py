"""The linkage report: one page for engineers on what a run of the matcher did, from its counts. No value, no pseudonym.

Made after every run into `reports/linkage/` (`run-<number>.html`, and `index.html` for the last), and by
`joint-needs link report`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pipelines import durable
from pipelines.errors import UsageFault
from pipelines.link import matcher
from pipelines.link.report import page
from pipelines.settings import Settings


def write(settings: Settings, connection: psycopg.Connection[Any], out: Path) -> Path:
    """Write the report of the last run into the folder `out`; returns its `index.html`.

    Raises UsageFault where the matcher has never run.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        run = cursor.execute(
            "SELECT link_run_key, at, summary FROM link.run ORDER BY link_run_key DESC LIMIT 1"
        ).fetchone()
    if run is None:
        raise UsageFault("the matcher has not run yet; `joint-needs refresh` runs it")
    html = page.render(run["link_run_key"], run["at"], run["summary"], _model(settings)).encode()
    out.mkdir(parents=True, exist_ok=True)
    for name in (f"run-{run['link_run_key']:06}.html", "index.html"):
        durable.write(out / name, html)
    return out / "index.html"


def _model(settings: Settings) -> dict[str, Any] | None:
    """Splink's settings of the pinned model, where there is one."""
    try:
        found: dict[str, Any] = matcher.read_model(settings.link_store / matcher.NAME)["model"]
    except UsageFault:
        return None
    return found
