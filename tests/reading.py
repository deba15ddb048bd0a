"""What a reader of the warehouse does, checked on whatever area a test has built."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from pipelines import queries
from pipelines.integrate import marts
from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.settings import Settings

HOW_TO = Path(__file__).resolve().parents[1] / "docs/how-to/query-the-warehouse.md"


def answers_of_worked_queries(settings: Settings) -> list[str]:
    """What is wrong with the answers, each asked by the role that may: no rows, a column that nobody explains, a name
    used twice, a share beyond the whole, a pupil counted twice. In a small area most counts of the partnership's copy
    are empty, so whether a column is filled is asked of the marts themselves."""
    wrong = []
    _, [(pupils,)] = _ask(
        settings, "analyst", "SELECT count(DISTINCT coalesce(person_key::text, record_pseudonym)) FROM core.enrolment"
    )
    for query in queries.load():
        is_copy = query.head.role == "commissioner"
        exact = query.statement.replace("partnership.", "mart.") if is_copy else query.statement
        try:
            names, rows = _ask(settings, query.head.role, query.statement)
            _, filled = _ask(settings, "commissioner_exact" if is_copy else query.head.role, exact)
        except psycopg.Error as error:
            wrong.append(f"{query.number}: {error.diag.message_primary}")
            continue
        if not rows:
            wrong.append(f"{query.number}: no rows")
        if len(set(names)) < len(names) or not all(query.meaning(name) for name in names):
            wrong.append(f"{query.number}: columns without a name or meaning of their own")
        empty = [name for at, name in enumerate(names) if all(row[at] is None for row in filled)]
        wrong += [f"{query.number}: {name} is empty everywhere" for name in empty]
        shares = [at for at, name in enumerate(names) if name.endswith("_pct") and not name.startswith("filled")]
        beyond = {names[at] for row in filled for at in shares if row[at] is not None and not 0 <= row[at] <= 100}
        wrong += [f"{query.number}: {name} is no share" for name in sorted(beyond)]
        if "pupils_count" in names and "stage_code" not in names:
            counted = sum(row[names.index("pupils_count")] for row in filled)
            wrong += [f"{query.number}: counts {counted} of {pupils} pupils"] * (counted > pupils)
        spare = set(query.head.columns) - set(names)
        wrong += [f"{query.number}: says what {name} means and has none" for name in spare]
    return wrong


def _ask(settings: Settings, role: str, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with connect(settings, role) as connection:
        connection.execute("SET LOCAL statement_timeout = '5s'")
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return [column.name for column in cursor.description or ()], cursor.fetchall()


def run_how_to(settings: Settings, folder: Path) -> dict[str, str]:
    """Every command of the page, in its order, in a folder of one's own; what each printed. Fails where one does."""
    psql = postgres.program("psql")
    assert psql is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "JOINT_NEEDS_HOME": str(settings.home),
        "JOINT_NEEDS_DATABASE_URL": str(settings.database_url),
        "PATH": f"{Path(sys.executable).parent}:{psql.parent}:{os.environ['PATH']}",
        "PGPASSWORD": urlsplit(settings.database_url or "").password or "",
    }
    printed = {}
    for command in re.findall(r"^\$ (.+)$", HOW_TO.read_text(), re.MULTILINE):
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        printed[command] = done.stdout
    return printed


def check_connection_files(settings: Settings, folder: Path) -> None:
    """Power BI's and Excel's files name the server and the database, and no file holds a password."""
    place = urlsplit(settings.database_url or "")
    power_bi = json.loads((folder / "joint-needs.pbids").read_text())
    assert power_bi["version"] == "0.1" and power_bi["connections"][0]["details"] == {
        "protocol": "postgresql",
        "address": {"server": f"{place.hostname}:{place.port}", "database": place.path[1:]},
    }
    excel = (folder / "joint-needs.odc").read_text()
    assert f"Server={place.hostname};Port={place.port};Database={place.path[1:]};" in excel
    for file in folder.iterdir():
        assert (place.password or "?") not in file.read_text(), file.name


def unlike_on_the_day(settings: Settings) -> list[str]:
    """Marts that, worked out for the day of the refresh, are not what they show, ranges apart; or are slow at it."""
    wrong = []
    with connect(settings) as connection:
        connection.execute("SET LOCAL statement_timeout = '5s'")
        for mart in marts.load():
            if mart.model is None or not mart.definition.has_past:
                continue
            ends = [end for pair in mart.definition.ranges.values() for end in pair]
            shown = f"SELECT to_jsonb(t) - %s::text[] FROM mart.{mart.name} AS t"
            made = f"SELECT to_jsonb(t) FROM mart_as_of.{mart.name}((SELECT max(as_of) FROM ops.refresh)) AS t"
            query = f"SELECT count(*) FROM (({shown} EXCEPT ALL {made}) UNION ALL ({made} EXCEPT ALL {shown})) AS t"
            count = connection.execute(query, (ends, ends)).fetchone()[0]  # type: ignore[call-overload,index]
            wrong += [f"{mart.name}: {count} rows"] * bool(count)
    return wrong
