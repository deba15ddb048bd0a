"""Every night before the pulls: erasures finished, what has been kept long enough deleted, ended key epochs cleared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from _house import HOUSE, LONDON, WAREHOUSE, day_of
from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task


@task(pool=WAREHOUSE, execution_timeout=timedelta(hours=2))
def replay_erasures() -> Any:
    """Finish what a kill broke off; bring in the journal after a restore."""
    from pipelines import upkeep

    return upkeep.replay_erasures()


@task(pool=WAREHOUSE, execution_timeout=timedelta(hours=2))
def retain() -> Any:
    """Delete what its contract says has been kept long enough, except what is on legal hold."""
    from pipelines import upkeep

    return upkeep.retain(day_of(get_current_context()))


@task(pool=WAREHOUSE)
def end_epochs() -> Any:
    """Delete linkage files of key epochs that ended."""
    from pipelines import upkeep

    return upkeep.end_epochs()


@dag(
    dag_display_name="Keep house",
    schedule=CronTriggerTimetable("30 0 * * *", timezone=LONDON),
    tags=["housekeeping", "tier 2"],
    doc_md="What it would delete: `joint-needs db housekeeping --dry-run`. docs/runbook/housekeeping.md",
    **HOUSE,
)
def housekeeping() -> None:
    """Erasures, then retention, then key epochs."""
    replay_erasures() >> retain() >> end_epochs()


housekeeping()
