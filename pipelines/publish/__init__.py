"""Freeze what the public may see: a disclosure-controlled, audited snapshot with its page, marked draft.

The stage reads marts only, and either writes a whole snapshot or nothing.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pipelines import lineage
from pipelines import registry as declared
from pipelines.errors import UsageFault
from pipelines.ledger import Outcome, recorded_run
from pipelines.publish import assets, page, snapshot
from pipelines.publish.release import Release, release
from pipelines.publish.sections import Labels
from pipelines.settings import Settings

Connection = psycopg.Connection[Any]
MARTS = ("needs_prevalence", "sufficiency_gap", "data_quality", "match_quality")


def run(settings: Settings, connection: Connection, as_of: date | None, out: Path) -> Outcome:
    """Freeze the marts into the folder `out`: data as CSV and Parquet, a page, a manifest with their hashes.

    as_of: the date the snapshot bears, not before the refresh it shows; None takes the refresh's own.

    Raises UsageFault where nothing has been refreshed, the date is past or `out` holds something else, SystemFault
    where the style sheet is missing, DataFault PUB-001 where the disclosure audit fails. Then nothing is written.
    """
    with recorded_run(connection, "publish", str(as_of or "latest")) as outcome:
        sheet = assets.stylesheet()
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        mark = last_refresh(connection)
        when = as_of or mark["as_of"]
        if when < mark["as_of"]:
            raise UsageFault(f"the warehouse shows {mark['as_of']}; a snapshot of {when} can no longer be made")
        snapshot.require_free(out)
        made = release(**{name: read(connection, mart) for name, mart in zip(_ARGUMENTS, MARTS, strict=True)})
        connection.commit()
        registry = declared.load(settings.agencies)
        code_lists = registry.code_lists
        labels = Labels(code_lists["sen_type"].codes, code_lists["sen_phase"].codes, _places(made))
        html = page.render(made, labels, when, mark["as_of"], lineage.datasets(registry))
        outcome.counts = {**made.audit, "files": snapshot.write(out, made, html, sheet, when, mark)}
        outcome.notes.append(f"draft, not signed off: {out / 'index.html'}")
    return outcome


_ARGUMENTS = ("needs", "gap", "sources", "matches")


def last_refresh(connection: Connection) -> dict[str, Any]:
    """refresh_key, as_of and code_version of what the marts show; UsageFault where there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        mark = cursor.execute(
            "SELECT refresh_key, as_of, code_version FROM ops.refresh ORDER BY refresh_key DESC LIMIT 1"
        ).fetchone()
    if mark is None:
        raise UsageFault("nothing has been refreshed yet; run `joint-needs refresh` first")
    return mark


def read(connection: Connection, mart: str) -> pd.DataFrame:
    """A mart as a frame; numeric columns as floats, dates as dates."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("mart", mart)))
        columns = [(column.name, column.type_code) for column in cursor.description or ()]
        frame = pd.DataFrame(cursor.fetchall(), columns=[name for name, _ in columns])
    numeric = psycopg.adapters.types["numeric"].oid
    return frame.astype({name: "Float64" for name, code in columns if code == numeric})


def _places(made: Release) -> dict[str, str]:
    places = made.needs[made.needs["geographic_level"] == "health_place"]
    return dict(zip(places["area_code"], places["area_name"], strict=True))
