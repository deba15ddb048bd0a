"""Nightly, one DAG per group of agencies: take in whatever waits."""

from __future__ import annotations

from _delivery import take_in
from _house import ACCEPTED, HOUSE, LONDON, LOOKING
from airflow.sdk import CronTriggerTimetable, chain, dag, task
from airflow.sdk.exceptions import AirflowSkipException

# Wall clock in London; no change of the clocks skips or repeats these minutes.
CLOCKS = {"education": "0 2 * * *", "social_care": "10 2 * * *", "health": "20 2 * * *", "planning": "30 2 * * *"}


@task(pool=LOOKING)
def find(group: str) -> list[str]:
    """Deliveries in the landing place, and submissions that an earlier run left half way."""
    from pipelines import flow

    return flow.waiting(group)


@task(pool=LOOKING)
def hand_back(group: str) -> list[str]:
    """Give each agency, over its own route, the reports it has not had. A teardown, as below."""
    from pipelines import flow

    return flow.hand_back(group)


@task(pool=LOOKING, outlets=[ACCEPTED])
def announce() -> list[str]:
    """Nudge the refresh where anything waits for it. A teardown: it always runs, and hides no failure."""
    from pipelines import flow

    if not (waiting := flow.accepted()):
        raise AirflowSkipException("nothing waits for the refresh")
    return waiting


def build(group: str, clock: str) -> None:
    """Declare the DAG of one group."""
    words = group.replace("_", " ")

    @dag(
        dag_id=f"pull_{group}",
        dag_display_name=f"Pull {words}",
        schedule=CronTriggerTimetable(clock, timezone=LONDON),
        tags=["pull", "tier 1"],
        doc_md=f"Takes in every delivery of the agencies of **{words}**. When it fails: docs/runbook/failed_run.md",
        **HOUSE,
    )
    def pull() -> None:
        chain(take_in.expand(delivery=find(group)), [hand_back(group).as_teardown(), announce().as_teardown()])

    pull()


for name, at in CLOCKS.items():
    build(name, at)
