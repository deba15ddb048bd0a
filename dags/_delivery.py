"""One delivery: received, validated, accepted. The pull DAGs map this group over whatever they find."""

from __future__ import annotations

from typing import Any

from _house import DELIVERIES
from airflow.sdk import task, task_group
from airflow.sdk.exceptions import AirflowSkipException


@task(pool=DELIVERIES, map_index_template="{{ task.op_args[0] }}")
def receive(delivery: str) -> Any:
    """Check signature, hashes, key epoch and agreement; re-key tokens. A refusal is an outcome, told by the watch."""
    from pipelines import flow

    return flow.receive(delivery)


@task(pool=DELIVERIES, map_index_template="{{ task.op_args[0]['subject'] }}")
def validate(taken: Any) -> Any:
    """Cast by contract, check by suite. A rejection is an outcome; only what is our fault fails this task."""
    from pipelines import flow

    if taken["state"] != "success":
        raise AirflowSkipException(f"receive: {taken['state']}")
    return flow.validate(taken["subject"])


@task(pool=DELIVERIES, map_index_template="{{ task.op_args[0]['subject'] }}")
def accept(checked: Any) -> Any:
    """Write the valid rows into the lake, for good."""
    from pipelines import flow

    if checked["state"] != "success":
        raise AirflowSkipException(f"validate: {checked['state']}")
    return flow.accept(checked["subject"])


@task_group
def take_in(delivery: str) -> None:
    """One delivery; one that fails does not stop the others."""
    accept(validate(receive(delivery)))
