"""How old the picture is. The night's work must be done by seven in the morning, London time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

LONDON = ZoneInfo("Europe/London")
MORNING = time(7)
# A refresh after this hour of the evening before counts as the night's.
EVENING = time(20)


@dataclass(frozen=True)
class Freshness:
    """When the warehouse was last brought up to date (None: never), and how long ago that is."""

    last_good_refresh: datetime | None
    age: timedelta | None

    def is_stale(self, limit: timedelta) -> bool:
        """Whether the last good refresh is older than `limit`; never refreshed is stale."""
        return self.age is None or self.age > limit


def freshness(connection: psycopg.Connection[Any], now: datetime) -> Freshness:
    """The age of the last good refresh. A refresh that found nothing new is good: the picture was looked at."""
    row = connection.execute(
        """SELECT max(at) FROM (
             SELECT finished_at FROM ops.refresh WHERE finished_at <= %(now)s UNION ALL
             SELECT ended_at FROM ops.run WHERE stage = 'integrate' AND state = 'success' AND ended_at <= %(now)s
           ) good (at)""",
        {"now": now},
    ).fetchone()
    last = row[0] if row else None
    return Freshness(last, now - last if last else None)


def nights_without_refresh(connection: psycopg.Connection[Any], now: datetime) -> list[str]:
    """`night to <date>` where this morning has come and the night brought no good refresh; else nothing.

    A hub younger than the evening before has no night to account for. Both hours are wall clock in London, so that the
    nights when the clocks change are an hour shorter or longer.
    """
    today = now.astimezone(LONDON).date()
    morning = datetime.combine(today, MORNING, LONDON)
    if now < morning:
        today -= timedelta(days=1)
    evening = datetime.combine(today - timedelta(days=1), EVENING, LONDON)
    first = connection.execute("SELECT min(started_at) FROM ops.run").fetchone()
    if first is None or first[0] is None or first[0] > evening:
        return []
    last = freshness(connection, now).last_good_refresh
    return [] if last is not None and last >= evening else [f"night to {today}"]
