"""What a person asks of the hub: how fresh is it, what waits, where is it; and a session in the warehouse."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from pipelines import connecting
from pipelines import registry as declared
from pipelines.errors import SystemFault, UsageFault
from pipelines.ledger import Ledger, logins
from pipelines.ledger.database import connect, url
from pipelines.ledger.migrate import migrate
from pipelines.local import postgres
from pipelines.settings import Settings
from pipelines.watch import freshness

WAITING = ("received", "held_ours", "validated", "rejected")


def status(fail_if_stale: str | None = None) -> dict[str, Any]:
    """Submissions that stand, the last refresh and its age, the last runs, open alerts, and what waits for somebody.

    fail_if_stale: an age such as `26h`, `90m` or `2d`; `is_stale` says whether the last good refresh is older. One that
    found nothing new is good: the picture was looked at.
    """
    limit = _age(fail_if_stale) if fail_if_stale else None
    settings = Settings.from_environment()
    registry = declared.load(settings.agencies)
    with connect(settings) as connection:
        migrate(connection)
        ledger = Ledger(connection)
        last = ledger.rows("SELECT finished_at, as_of, changed FROM ops.refresh ORDER BY refresh_key DESC LIMIT 1")
        fresh = freshness(connection, datetime.now(UTC))
        standing = ledger.current(None, registry.every_period)
        document: dict[str, Any] = {
            "last_refresh": last[0] if last else None,
            "submissions": [
                {"submission": s.submission, "state": s.state, "period_end": s.period_end, **_counts(ledger, s)}
                for s in standing
            ],
            "waiting": ledger.rows(
                """SELECT submission, state, reason_rule, reason, state_at FROM ops.submission
                   WHERE state = ANY(%s) ORDER BY state_at""",
                list(WAITING),
            ),
            "refused": ledger.rows(
                "SELECT at, note FROM ops.submission_event WHERE to_state = 'refused' ORDER BY at DESC LIMIT 10"
            ),
            "alerts": ledger.rows("SELECT kind, subject, raised_at FROM ops.alert WHERE cleared_at IS NULL ORDER BY 3"),
            "runs": ledger.rows(
                """SELECT stage, subject, state, started_at, ended_at, message FROM ops.run
                   ORDER BY run_key DESC LIMIT 10"""
            ),
        }
    document["age_hours"] = round(fresh.age / timedelta(hours=1), 1) if fresh.age is not None else None
    document["is_stale"] = limit is not None and fresh.is_stale(limit)
    return document


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([mhd])", text.strip())
    if not found:
        raise UsageFault(f"an age looks like 90m, 26h or 2d, not {text!r}")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])})


def _counts(ledger: Ledger, submission: Any) -> dict[str, int]:
    query = """SELECT coalesce(sum(rows_in), 0)::int AS rows_in, coalesce(sum(accepted), 0)::int AS accepted,
        coalesce(sum(quarantined), 0)::int AS quarantined, coalesce(sum(rejected), 0)::int AS rejected
        FROM ops.outcome WHERE submission_key = %s"""
    return ledger.rows(query, submission.submission_key)[0]


def print_status(document: dict[str, Any], console: Console) -> None:
    """The status for people: the freshness first, then what waits, then what stands."""
    last = document["last_refresh"]
    if last is None:
        console.print("[bold]No refresh yet.[/] `joint-needs receive LANDING`, then `joint-needs refresh`.")
    else:
        colour = "red" if document["is_stale"] else "green"
        console.print(
            f"[bold {colour}]Last good refresh {document['age_hours']} hours ago[/], picture of {last['as_of']}"
        )
    for alert in document["alerts"]:
        console.print(f"[bold yellow]alert[/] {alert['kind']}: {alert['subject']} (docs/runbook/{alert['kind']}.md)")
    for row in document["waiting"]:
        console.print(f"[yellow]{row['state']}[/] {row['submission']}: {row['reason'] or 'the next pull finishes it'}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("what stands", "rows in", "accepted", "held", "rejected"):
        table.add_column(name, justify="left" if name == "what stands" else "right", no_wrap=True)
    for row in document["submissions"]:
        numbers = (f"{row[name]:,}" for name in ("rows_in", "accepted", "quarantined", "rejected"))
        table.add_row(row["submission"], *numbers)
    console.print(table)


def query(settings: Settings, role: str, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one statement as a role; column names and rows. A mistake in it is a UsageFault with the server's words.

    The role's limits hold (sql/grants/roles.yaml): an answer that takes longer or has more rows is a UsageFault too.
    """
    limits = logins.roles().get(role)
    try:
        with connect(settings, role) as connection:
            if limits:
                connection.execute("SELECT set_config('statement_timeout', %s, true)", (limits.statement_timeout,))
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            if cursor.description is None:
                return ["rows"], [(cursor.rowcount,)]
            if limits and 0 < limits.most_rows < cursor.rowcount:
                raise UsageFault(f"{role} may ask for {limits.most_rows:,} rows at once; narrow the question")
            return [column.name for column in cursor.description], cursor.fetchall()
    except psycopg.errors.QueryCanceled:
        raise UsageFault(f"{role} may ask for {limits.statement_timeout if limits else 'so long'} at once") from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise UsageFault(f"{role} may not: {error.diag.message_primary}") from None
    except (psycopg.ProgrammingError, psycopg.DataError) as error:
        raise UsageFault(f"the warehouse did not take that: {error.diag.message_primary}") from None


def print_rows(columns: list[str], rows: list[tuple[Any, ...]], console: Console) -> None:
    """A result as a table with numbers to the right, or one line per value where a table would not fit."""
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    width = sum(max(len(name), *(len(row[at]) for row in texts), 0) + 2 for at, name in enumerate(columns))
    if width <= console.width:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for at, name in enumerate(columns):
            is_number = all(row[at] is None or isinstance(row[at], (int, float, Decimal)) for row in rows)
            table.add_column(name, justify="right" if is_number else "left")
        for row in texts:
            table.add_row(*row)
        console.print(table, highlight=False)
        return
    name_width = max(map(len, columns))
    for number, row in enumerate(texts, start=1):
        console.print(f"[dim]row {number}[/]")
        for name, text in zip(columns, row, strict=True):
            console.print(f"  {name:<{name_width}}  {text}", highlight=False, markup=False, soft_wrap=True)


def session(settings: Settings, role: str) -> int:
    """An interactive psql in the warehouse as a role; its exit code."""
    address = url(settings, role)
    limits = logins.roles().get(role)
    options = "-c search_path=partnership,mart,core"
    options += f" -c statement_timeout={limits.statement_timeout}" if limits else ""
    program = postgres.program("psql")
    if program is None:
        raise SystemFault("no psql on this machine; use `joint-needs sql -c QUERY`")
    return subprocess.call([str(program), address], env=os.environ | {"PGOPTIONS": options})


def where(settings: Settings, role: str = "commissioner") -> dict[str, Any]:
    """Names and places; the warehouse's address comes without its password."""
    pages = sorted(settings.snapshots.glob("*/index.html"))
    return {
        "home": str(settings.home),
        "warehouse": connecting.address(settings, role),
        "passwords": str(settings.postgres / "passwords.json") if settings.database_url is None else "yours",
        "landing": str(settings.landing),
        "lake": str(settings.lake),
        "reports": str(settings.reports),
        "page": str(pages[-1]) if pages else "none yet: joint-needs publish --out FOLDER",
    }
