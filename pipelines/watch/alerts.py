"""Alerts in the ledger: opened once, told once, closed when their reason has gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg

from pipelines.ledger import Ledger
from pipelines.settings import Settings
from pipelines.watch.notify import Alert, CouldNotTell, Notifier

# Retries have had their chance after this; a fault that still stands is told.
GRACE = timedelta(hours=1)
# A failed run of Airflow is an event: it is told once and forgotten after this.
RECENT = timedelta(days=7)


def settle(connection: psycopg.Connection[Any], found: Mapping[str, Iterable[str]], now: datetime) -> int:
    """Open what is new among the conditions found (kind -> subjects) and close what no longer holds; commits.

    Returns the number of new alerts.
    """
    ledger = Ledger(connection)
    new = 0
    for kind, subjects in found.items():
        held = list(subjects)
        ledger.clear_alerts(kind, held)
        new += sum(ledger.raise_alert(kind, subject) for subject in held)
    connection.execute(
        """UPDATE ops.alert SET cleared_at = clock_timestamp()
           WHERE kind = 'failed_run' AND cleared_at IS NULL AND told_at IS NOT NULL AND raised_at < %s""",
        (now - RECENT,),
    )
    connection.commit()
    return new


def tell(connection: psycopg.Connection[Any], notifier: Notifier, now: datetime) -> tuple[int, list[str]]:
    """Send every open alert that nobody was told of; each is marked and committed as soon as it is out.

    A row is locked while it is being sent, so that two who look at the same time do not tell it twice. Returns the
    number told, and a note for each way of telling that failed (the alert then stays untold for the next look).
    """
    told = 0
    waiting = connection.execute(
        "SELECT alert_key FROM ops.alert WHERE told_at IS NULL AND cleared_at IS NULL ORDER BY alert_key"
    ).fetchall()
    connection.commit()
    for (key,) in waiting:
        row = connection.execute(
            """SELECT kind, subject, raised_at FROM ops.alert
               WHERE alert_key = %s AND told_at IS NULL FOR UPDATE SKIP LOCKED""",
            (key,),
        ).fetchone()
        if row is None:
            connection.commit()
            continue
        kind, subject, raised_at = row
        try:
            notifier.send(Alert(kind, subject, raised_at))
        except CouldNotTell as error:
            connection.commit()
            return told, [f"{len(waiting) - told} alerts could not be told: {error}"]
        connection.execute("UPDATE ops.alert SET told_at = %s WHERE alert_key = %s", (now, key))
        connection.commit()
        told += 1
    return told, []


def failed(settings: Settings, connection: psycopg.Connection[Any], subject: str, now: datetime) -> bool:
    """Tell that a run failed for good, once per subject (`dag_id run_id`); True where it is new."""
    new = Ledger(connection).raise_alert("failed_run", subject)
    connection.commit()
    if new:
        tell(connection, Notifier.of(settings), now)
    return new


def unreported_faults(connection: psycopg.Connection[Any], now: datetime) -> list[str]:
    """`stage subject` of the stages whose last run broke or was killed, when Airflow has not told it already.

    The backstop of the failure callback: a run by hand, a killed process, a callback that could not reach anybody. A
    linkage that its circuit-breaker stopped has an alert of its own.
    """
    rows = connection.execute(
        """SELECT last.stage, last.subject FROM (
             SELECT DISTINCT ON (stage, subject) stage, subject, state, started_at, ended_at, counts FROM ops.run
             ORDER BY stage, subject, run_key DESC) last
           WHERE (last.state = 'system_fault' AND last.ended_at < %(before)s
               OR last.state = 'running' AND last.started_at < %(stalled)s)
             AND last.started_at > %(since)s AND NOT last.counts ? 'would_merge_or_split'
             AND NOT EXISTS (SELECT 1 FROM ops.alert WHERE kind = 'failed_run' AND raised_at >= last.started_at)
           ORDER BY 1, 2""",
        {"before": now - GRACE, "stalled": now - 6 * GRACE, "since": now - RECENT},
    ).fetchall()
    return [f"{stage} {subject}" for stage, subject in rows]


def open_count(connection: psycopg.Connection[Any]) -> int:
    """How many alerts are open."""
    return int(connection.execute("SELECT count(*) FROM ops.alert WHERE cleared_at IS NULL").fetchone()[0])  # type: ignore[index]
