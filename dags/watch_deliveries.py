"""Every 20 minutes: what is overdue, stuck, refused, broken or not fresh is told to a person, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from _house import HOUSE, LONDON, LOOKING
from airflow.sdk import CronTriggerTimetable, dag, task


@task(pool=LOOKING, execution_timeout=timedelta(minutes=10))
def look() -> Any:
    """Open and close alerts in the ledger; tell those that nobody was told of."""
    from pipelines import flow

    return flow.watch()


@dag(
    dag_display_name="Watch the deliveries",
    schedule=CronTriggerTimetable("*/20 * * * *", timezone=LONDON),
    tags=["watch", "tier 1"],
    doc_md="Each alert has its page, docs/runbook/, and carries no data. What it cannot notice is that Airflow itself "
    "is dead: for that, run `joint-needs status --fail-if-stale 26h` from outside.",
    **{**HOUSE, "dagrun_timeout": timedelta(minutes=15)},
)
def watch_deliveries() -> None:
    """Wire the watch."""
    look()


watch_deliveries()
