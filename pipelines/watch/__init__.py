"""Silence is an alarm: what is overdue, stuck, refused, failed or not fresh reaches a person once, and without data.

The ledger remembers what was told (`ops.alert`). A condition that still holds is not told again; one that could not be
told (no mail server, no network) is tried again at the next look. Each kind has its page, `docs/runbook/<kind>.md`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from pipelines.ledger import Outcome
from pipelines.receive import landing
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.watch import alerts, deliveries, linkage
from pipelines.watch.alerts import failed
from pipelines.watch.freshness import Freshness, freshness, nights_without_refresh
from pipelines.watch.notify import KINDS, Alert, Notifier

__all__ = ["KINDS", "Alert", "Freshness", "Notifier", "failed", "freshness", "run"]


def run(settings: Settings, registry: Registry, connection: psycopg.Connection[Any], now: datetime) -> Outcome:
    """One look around at `now` (with a time zone): open and close alerts, tell what has not been told.

    Returns counts of open, new and told alerts. What could not be told stays untold in the ledger and in the notes.
    """
    found = {
        "overdue_agency": deliveries.overdue(registry, connection, now),
        "rejected": deliveries.rejected(connection, now),
        "held_ours": deliveries.stuck(connection, now),
        "unfinished_delivery": landing.unfinished(settings, registry, now),
        "unknown_sender": landing.of_nobody(settings, registry),
        "agreement_ending": deliveries.agreements_ending(registry, now),
        "no_good_refresh": nights_without_refresh(connection, now),
        "linkage_stopped": linkage.stopped(connection),
        "linkage_drift": linkage.drifted(connection),
        "system_fault": alerts.unreported_faults(connection, now),
    }
    new = alerts.settle(connection, found, now)
    told, notes = alerts.tell(connection, Notifier.of(settings), now)
    counts = {"open": alerts.open_count(connection), "new": new, "told": told}
    return Outcome("watch", "house", "success" if not notes else "untold", counts=counts, notes=notes)
