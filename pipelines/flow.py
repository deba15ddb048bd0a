"""The map: the stages in order, what each takes and gives, and one function per stage.

The command line and the Airflow tasks call these functions and nothing below them. Each opens its own connection,
reads the settings of its process, and returns counts and names as plain types. None of them knows a date of its own:
`as_of` comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from pipelines import registry as declared
from pipelines.errors import DataFault, SystemFault
from pipelines.ledger import Ledger, Outcome, trouble
from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.registry import Registry
from pipelines.settings import Settings


@dataclass(frozen=True)
class Stage:
    """A stage of the flow: what it takes, what it gives, what does the work."""

    name: str
    takes: str
    gives: str
    engine: str


STAGES = (
    Stage("seal", "a raw extract in its national format", "a sealed submission: tokens and payload apart", "Arrow"),
    Stage(
        "receive", "a sealed submission in the landing place", "a ledger row; tokens under the hub's key", "PostgreSQL"
    ),
    Stage("validate", "payload as text", "typed rows, held rows with rule codes, a report", "Great Expectations"),
    Stage("accept", "valid rows", "an immutable Parquet snapshot in the lake", "Arrow"),
    Stage("link", "all current tokens", "which records are one person; person keys that last", "Splink"),
    Stage("conform", "accepted snapshots", "canonical tables and what changed in them", "DuckDB"),
    Stage("integrate", "changes and person keys", "core and mart, all or nothing", "PostgreSQL"),
    Stage("publish", "marts", "a frozen, disclosure-controlled snapshot", "Jinja"),
)


@contextmanager
def hub(landing: Path | None = None) -> Iterator[tuple[Settings, Registry, psycopg.Connection[Any]]]:
    """Settings, everything declared, and the owner's connection to a database that is migrated.

    landing: another landing place than that of the settings.
    """
    settings = Settings.from_environment()
    settings = replace(settings, landing_place=landing) if landing else settings
    registry = declared.load(settings.agencies)
    try:
        with connect(settings) as connection:
            migrate(connection)
            yield settings, registry, connection
    except Exception as error:
        fault = trouble.as_fault(error, "this step")
        if fault is None:
            raise
        raise fault from None


def waiting(group: str, landing: Path | None = None) -> list[str]:
    """What a pull of a group takes up, so that a broken run is finished by the next.

    Folders in the landing place, relative to it; then the names of submissions left between receive and accept.
    """
    from pipelines import receive as room
    from pipelines import routes

    with hub(landing) as (settings, registry, connection):
        agencies = [agency.code for agency in registry.groups.get(group, [])]
        if landing is None:
            routes.fetch(settings, registry, agencies)
        folders = room.find(settings, registry, agencies, wait=landing is None)
        half_way = Ledger(connection).submissions(states=("received", "held_ours", "validated"), group=agencies)
    return [str(folder.relative_to(settings.landing)) for folder in folders] + [left.submission for left in half_way]


def receive(folder: str, landing: Path | None = None) -> dict[str, Any]:
    """Take one sealed submission in; `subject` of the result is its name, or the folder where it was refused.

    The name of a submission that an earlier run received is handed on as it is.
    """
    from pipelines import receive as room
    from pipelines.validate import report

    if folder.count("/") == 3:
        return Outcome("receive", folder, "success", notes=["received by an earlier run"]).as_json()
    with hub(landing) as (settings, registry, connection):
        try:
            return room.receive(settings, registry, connection, settings.landing / folder).as_json()
        except DataFault as fault:
            report.write_refusal(settings.reports, registry, folder, fault)
            return Outcome("receive", folder, "refused", notes=[str(fault)]).as_json()


def validate(submission: str) -> dict[str, Any]:
    """Check one received submission against its contract and its suite."""
    from pipelines import validate as room

    with hub() as (settings, registry, connection):
        return room.validate(settings, registry, connection, submission).as_json()


def accept(submission: str) -> dict[str, Any]:
    """Put the valid rows of one validated submission into the lake."""
    from pipelines import validate as room

    with hub() as (settings, registry, connection):
        return room.accept(settings, registry, connection, submission).as_json()


def hand_back(group: str) -> list[str]:
    """Give the agencies of a group the reports they have not had; what was given."""
    from pipelines import routes
    from pipelines.validate import report

    with hub() as (settings, registry, _):
        agencies = [agency.code for agency in registry.groups.get(group, [])]
        return routes.hand_back(settings, registry, agencies, partial(report.packed, settings.reports))


def link(as_of: date | None = None) -> dict[str, Any]:
    """Find which records are one person, over the submissions that stand."""
    from pipelines import link as room

    with hub() as (settings, registry, connection):
        return room.run(settings, registry, connection, as_of).as_json()


def conform(as_of: date | None = None) -> dict[str, Any]:
    """Bring the accepted snapshots into canonical tables and find what changed."""
    from pipelines import conform as room

    with hub() as (settings, registry, connection):
        return room.run(settings, registry, connection, as_of).as_json()


def integrate(as_of: date | None = None) -> dict[str, Any]:
    """Change core and marts in one transaction, or leave everything as it was."""
    from pipelines import integrate as room
    from pipelines import sufficiency

    with hub() as (settings, registry, connection):
        marts = {"sufficiency_gap": sufficiency.build}
        return room.run(settings, registry, connection, as_of, marts).as_json()


def publish(as_of: date | None = None, out: Path | None = None) -> dict[str, Any]:
    """Freeze an audited snapshot with its page; nothing is written where the audit fails.

    as_of: the date it bears, that of the last refresh unless given. out: its folder, `snapshots/<as_of>` unless given.
    """
    from pipelines import publish as room

    with hub() as (settings, _, connection):
        return room.run(settings, connection, as_of, out or settings.snapshots / str(as_of or "latest")).as_json()


def accepted() -> list[str]:
    """Accepted submissions that no refresh has integrated yet."""
    with hub() as (_, _, connection):
        return [submission.submission for submission in Ledger(connection).submissions(states=("accepted",))]


def held(submission: str | None = None) -> list[dict[str, Any]]:
    """The rows that rules hold, of one submission or of all that stand, by rule."""
    from pipelines import steward

    with hub() as (_, registry, connection):
        return [found.as_json() for found in steward.held(registry, connection, submission)]


def questions(submission: str | None = None) -> list[dict[str, str]]:
    """What a steward is asked: one question per submission and rule whose rows can be released and are not decided."""
    from pipelines import steward

    with hub() as (_, registry, connection):
        return [steward.question(found) for found in steward.held(registry, connection, submission) if found.is_open]


def release(submission: str, rule: str, by: str, reason: str, rows: list[int] | None = None) -> dict[str, Any]:
    """A steward's decision: take in rows that a rule holds. The next refresh shows them."""
    from pipelines import steward

    with hub() as (settings, registry, connection):
        return steward.release(
            settings, registry, connection, submission, rule, by=by, reason=reason, rows=rows
        ).as_json()


def keep(submission: str, rule: str, by: str, reason: str, rows: list[int] | None = None) -> dict[str, Any]:
    """A steward's decision: rows stay held."""
    from pipelines import steward

    with hub() as (_, registry, connection):
        return steward.keep(registry, connection, submission, rule, by=by, reason=reason, rows=rows).as_json()


def rerun(submission: str, stage: str, by: str, reason: str) -> list[dict[str, Any]]:
    """Run a submission again from validate or accept; from a later stage on, the refresh is run."""
    from pipelines import steward

    later = {"link": refresh, "conform": lambda: [conform(), integrate()], "integrate": lambda: [integrate()]}
    if stage in later:
        return later[stage]()
    with hub() as (settings, registry, connection):
        outcomes = steward.rerun(settings, registry, connection, submission, stage, by=by, reason=reason)
    return [outcome.as_json() for outcome in outcomes]


def replay(file: Path, progress: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """Run a reviewed list of submissions again; nothing is run where a line of it cannot be."""
    from pipelines import steward

    listed = steward.read_replay(file)
    with hub() as (_, _, connection):
        for step in listed.reruns:
            steward.check(connection, step.submission, step.stage)
    outcomes = []
    for number, step in enumerate(listed.reruns, 1):
        progress(f"{number} of {len(listed.reruns)}: {step.submission}")
        outcomes += rerun(step.submission, step.stage, listed.reviewed_by, listed.reason)
    return outcomes


def withdraw(submission: str, by: str, reason: str) -> list[dict[str, Any]]:
    """Take a submission out for good, and refresh the picture without it; UsageFault where a legal hold stands."""
    from pipelines.keeping import retention

    with hub() as (settings, _, connection):
        gone = retention.take_out(settings, connection, submission, by=by, reason=reason)
    return [gone.as_json(), *refresh()]


def watch(now: datetime | None = None) -> dict[str, Any]:
    """One look at what is overdue, stuck, refused, broken or not fresh; what is new is told."""
    from pipelines import watch as room

    with hub() as (settings, registry, connection):
        return room.run(settings, registry, connection, now or datetime.now(UTC)).as_json()


def failed(dag_id: str, run_id: str) -> None:
    """Tell that a run of a DAG failed for good: once per run, or each time where the ledger cannot be reached."""
    from pipelines import watch as room

    subject, now = f"{dag_id} {run_id}", datetime.now(UTC)
    try:
        with hub() as (settings, _, connection):
            room.failed(settings, connection, subject, now)
    except SystemFault:
        room.Notifier.of(Settings.from_environment()).send(room.Alert("failed_run", subject, now))


def pull_all(landing: Path | None = None, progress: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """Receive, validate and accept all that waits, one after the other; what the pull DAGs do, by hand."""
    with hub() as (_, registry, _):
        groups = list(registry.groups)
    return pull(groups, landing, progress)


def pull(
    groups: Sequence[str], landing: Path | None = None, progress: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Receive, validate and accept what waits of some groups."""
    outcomes = []
    for delivery in (delivery for group in groups for delivery in waiting(group, landing)):
        progress(delivery)
        taken = receive(delivery, landing)
        outcomes += [taken] if taken["state"] != "success" else [taken, *take_in(taken["subject"])]
    return outcomes


def take_in(submission: str) -> list[dict[str, Any]]:
    """Validate a received submission and, where it passes, accept it."""
    checked = validate(submission)
    return [checked, accept(submission)] if checked["state"] == "success" else [checked]


def refresh(as_of: date | None = None) -> list[dict[str, Any]]:
    """The nightly refresh without Airflow: link, conform, integrate."""
    return [link(as_of), conform(as_of), integrate(as_of)]
