"""What every DAG of the house shares: owner, retries, time limits, pools, the asset, and who is told of a failure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule

LONDON = "Europe/London"
GROUPS = ("education", "social_care", "health", "planning")

# "Something was accepted and waits for the refresh." A nudge: what is to be done is asked of the ledger.
ACCEPTED = Asset(name="accepted_extracts", uri="joint-needs://ledger/accepted_extracts")

# pools.json gives their size. Deliveries are worked on side by side; the warehouse has one writer.
DELIVERIES, WAREHOUSE, LOOKING = "deliveries", "warehouse", "looking"


# A pull is at work while any of these tasks is in any of these states; `announce` comes after them and nudges.
AT_WORK = ["find", "take_in.receive", "take_in.validate", "take_in.accept"]
UNFINISHED = ["null", "scheduled", "queued", "running", "restarting", "deferred", "up_for_retry", "up_for_reschedule"]


def pull_at_work(context: Any) -> bool:
    """Whether a task of any pull is still to be done, as Airflow's own API says."""
    count = context["ti"].get_ti_count
    return any(count(f"pull_{group}", task_ids=AT_WORK, states=UNFINISHED) for group in GROUPS)


def day_of(context: Any) -> date:
    """The day a run is for: its parameter `as_of`, else the day in London on which it became due."""
    if asked := context["params"].get("as_of"):
        return date.fromisoformat(asked)
    return context["dag_run"].run_after.astimezone(ZoneInfo(LONDON)).date()


def tell_failure(context: Any) -> None:
    """Tell a person that a run failed: once per run, however many of its tasks fail."""
    from pipelines import flow

    flow.failed(context["dag"].dag_id, context["run_id"])


# Bad data is the supplier's and never retried; nor is a call that cannot work. Broken machines are ours: three more
# tries after 30 s, 2 min and 8 min.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule("pipelines.errors.DataFault", RetryAction.FAIL, reason="the supplier has to mend it"),
        RetryRule("pipelines.errors.UsageFault", RetryAction.FAIL, reason="the same call would fail again"),
    ]
)

TASKS = {
    "owner": "data engineering",
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 4.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": RETRY_POLICY,
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": tell_failure,
}

# For `@dag(...)`: one run at a time, no runs for nights that are past, an end to runs that hang.
HOUSE = {
    "default_args": TASKS,
    "catchup": False,
    "max_active_runs": 1,
    "dagrun_timeout": timedelta(hours=4),
    "is_paused_upon_creation": True,
}
