"""A frozen, audited snapshot with its page, marked draft: monthly, or by hand for a date."""

from __future__ import annotations

from typing import Any

from _house import HOUSE, LONDON, WAREHOUSE, day_of
from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task


@task(pool=WAREHOUSE)
def snapshot() -> Any:
    """Audit and freeze the marts as they stand; nothing is written where the audit fails."""
    from pipelines import flow

    return flow.publish(day_of(get_current_context()))


@dag(
    dag_display_name="Publish the picture",
    schedule=CronTriggerTimetable("0 8 2 * *", timezone=LONDON),
    tags=["publish", "tier 2"],
    params={"as_of": Param(None, type=["null", "string"], format="date", description="Date of the picture; today")},
    doc_md="Small numbers are protected before anything is written. Monthly and never nightly: two pictures close "
    "together could be subtracted. When it fails: docs/runbook/failed_run.md",
    **HOUSE,
)
def publish_picture() -> None:
    """Wire the publication."""
    snapshot()


publish_picture()
