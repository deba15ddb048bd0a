"""link, conform, integrate: when something was accepted, and every night."""

from __future__ import annotations

from typing import Any

from _house import ACCEPTED, HOUSE, LONDON, LOOKING, WAREHOUSE, pull_at_work
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, chain, dag, get_current_context, task


@task.short_circuit(pool=LOOKING)
def no_pull_at_work() -> bool:
    """Leave at once while a pull is at work: the last one starts this DAG again, and so does the nightly clock."""
    return not pull_at_work(get_current_context())


@task(pool=WAREHOUSE)
def link() -> Any:
    """Find which records are one person, over the submissions that stand. Sees tokens, never payload."""
    from pipelines import flow

    return flow.link()


@task(pool=WAREHOUSE)
def conform() -> Any:
    """Bring the accepted snapshots into canonical tables and find what changed."""
    from pipelines import flow

    return flow.conform()


@task(pool=WAREHOUSE)
def integrate() -> Any:
    """Change core and marts in one transaction, sufficiency included, or leave everything as it was."""
    from pipelines import flow

    return flow.integrate()


@dag(
    dag_display_name="Refresh the warehouse",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("30 4 * * *", timezone=LONDON), assets=[ACCEPTED]),
    tags=["refresh", "tier 1"],
    doc_md="Takes from the ledger whatever is accepted and not yet integrated. A merged or lost nudge changes nothing. "
    "No good refresh by 07:00: docs/runbook/no_good_refresh.md",
    **HOUSE,
)
def refresh_warehouse() -> None:
    """Wire the refresh."""
    chain(no_pull_at_work(), link(), conform(), integrate())


refresh_warehouse()
