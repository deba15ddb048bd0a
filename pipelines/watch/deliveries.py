"""Deliveries that did not come, cannot be taken, or stand still; and agreements about to end."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from pipelines.contracts import Rhythm
from pipelines.ledger.periods import TERMS
from pipelines.receive import agreements
from pipelines.registry import Registry
from pipelines.watch.freshness import LONDON

# A submission that stands between receive and accept for so long is not being worked on.
STUCK_AFTER = timedelta(hours=6)
# What happened once (a refusal) is told if it is not older than this, and then forgotten.
RECENT = timedelta(days=7)


def next_period_end(last: date, every: str) -> date:
    """The end of the period after the one that ends on `last`: a week, a calendar month, a term or a year later."""
    if every == "week":
        return last + timedelta(days=7)
    if every == "year":
        return date(last.year + 1, last.month, monthrange(last.year + 1, last.month)[1] if last.day >= 28 else last.day)
    months = [month for _, month in TERMS.values()] if every == "term" else list(range(1, 13))
    ends = [date(year, m, monthrange(year, m)[1]) for year in (last.year, last.year + 1) for m in months]
    return next(end for end in ends if end > last)


def due(last: date, rhythm: Rhythm) -> date:
    """The last day on which the delivery after the period that ended on `last` is in time."""
    return next_period_end(last, rhythm.every) + timedelta(days=rhythm.lag_days)


def overdue(registry: Registry, connection: psycopg.Connection[Any], now: datetime) -> list[str]:
    """`agency/dataset since <day after it was due>` for everything agreed that should have come and has not.

    What arrived counts from the moment it is received; a rejected or withdrawn submission has not arrived. Where
    nothing ever came, the clock starts with the agreement.
    """
    today = now.astimezone(LONDON).date()
    rows = connection.execute(
        """SELECT agency_code, dataset_code, max(period_end) FROM ops.submission
           WHERE state NOT IN ('rejected', 'withdrawn') GROUP BY 1, 2"""
    ).fetchall()
    last_end = {(agency, dataset): end for agency, dataset, end in rows}
    found = []
    for agency in registry.agencies.values():
        for agreement in agency.agreements:
            if not agreement.starts <= today <= agreement.expires:
                continue
            last = last_end.get((agency.code, agreement.dataset), agreement.starts - timedelta(days=1))
            last_day = due(last, registry.contract(agreement.dataset).expected)
            if today > last_day:
                found.append(f"{agency.code}/{agreement.dataset} since {last_day + timedelta(days=1)}")
    return sorted(set(found))


def rejected(connection: psycopg.Connection[Any], now: datetime) -> list[str]:
    """Submissions the supplier must send again (with the rule), and recent deliveries that were refused at the door.

    A later submission of the same agency, dataset and period that was taken closes the matter.
    """
    again = connection.execute(
        """SELECT bad.submission, bad.reason_rule FROM ops.submission bad WHERE bad.state = 'rejected' AND NOT EXISTS (
             SELECT 1 FROM ops.submission good WHERE good.agency_code = bad.agency_code
               AND good.dataset_code = bad.dataset_code AND good.period = bad.period
               AND good.state IN ('accepted', 'integrated', 'superseded') AND good.submission_key > bad.submission_key)
           ORDER BY bad.submission_key"""
    ).fetchall()
    refused = connection.execute(
        "SELECT event_key FROM ops.submission_event WHERE to_state = 'refused' AND at > %s ORDER BY event_key",
        (now - RECENT,),
    ).fetchall()
    return [f"{name} ({rule or 'no rule'})" for name, rule in again] + [
        f"delivery refused, event {k}" for (k,) in refused
    ]


def stuck(connection: psycopg.Connection[Any], now: datetime) -> list[str]:
    """Submissions that wait for us: held by a rule that could not be evaluated, or left half way by a broken run."""
    rows = connection.execute(
        """SELECT submission FROM ops.submission
           WHERE state = 'held_ours' OR (state IN ('received', 'validated') AND state_at < %s)
           ORDER BY submission_key""",
        (now - STUCK_AFTER,),
    ).fetchall()
    return [name for (name,) in rows]


def agreements_ending(registry: Registry, now: datetime) -> list[str]:
    """`agency/dataset <reference> ends <date>` where an agreement or its CAG support ends within 60 days."""
    today = now.astimezone(LONDON).date()
    return sorted(
        {
            subject
            for agency in registry.agencies.values()
            for dataset in {agreement.dataset for agreement in agency.agreements}
            for subject in agreements.ending(agency, dataset, today)
        }
    )
