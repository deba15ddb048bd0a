"""Run again: one submission from a stage on, or a reviewed list of them.

What stands keeps standing until the new result is there: a submission that was taken before is judged again beside its
accepted rows, and only a result that holds takes their place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import yaml
from pydantic import Field, ValidationError

from pipelines import conform, validate
from pipelines.contracts import Strict
from pipelines.errors import UsageFault
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.steward.quarantine import decide

# From which stage a submission can be run again. What comes after accept is not about one submission: it is refreshed.
STAGES = ("validate", "accept")


class Step(Strict):
    """One line of a replay."""

    submission: str
    stage: str = Field("validate", alias="from")


class Replay(Strict):
    """A reviewed list of reruns: who looked at it, why it is run, and what."""

    reviewed_by: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    reruns: tuple[Step, ...] = Field(min_length=1)


def rerun(
    settings: Settings,
    registry: Registry,
    connection: psycopg.Connection[Any],
    submission: str,
    stage: str = "validate",
    *,
    by: str,
    reason: str,
) -> list[Outcome]:
    """Judge a submission again, and accept it where it passes. Returns the outcome of each stage that ran.

    A rejected submission, or one that waits, goes through the stages as a new one does. Raises UsageFault for a stage
    that is none of `STAGES` and for a submission that was withdrawn.
    """
    check(connection, submission, stage)
    ledger = Ledger(connection)
    found = ledger.submission(submission)
    decide(connection, found, "rerun", by, reason)
    connection.commit()
    if found.state in validate.TAKEN:
        return [_beside(settings, registry, connection, submission)]
    if found.state == "rejected":
        ledger.move(submission, "received", note=reason)
        connection.commit()
    judged = validate.validate(settings, registry, connection, submission)
    return (
        [judged] if judged.state != "success" else [judged, validate.accept(settings, registry, connection, submission)]
    )


def check(connection: psycopg.Connection[Any], submission: str, stage: str) -> None:
    """Whether a rerun can be asked for; raises UsageFault or, for an unknown name, SystemFault."""
    if stage not in STAGES:
        raise UsageFault(f"a submission is run again from {' or '.join(STAGES)}, not from {stage!r}")
    if Ledger(connection).submission(submission).state == "withdrawn":
        raise UsageFault(f"{submission} was withdrawn; its content is gone and cannot be run again")


def _beside(settings: Settings, registry: Registry, connection: psycopg.Connection[Any], submission: str) -> Outcome:
    with recorded_run(connection, "rerun", submission) as outcome:
        validate.again(settings, registry, connection, submission, outcome)
        if outcome.state == "running":
            conform.try_out(settings, registry, connection)
        else:
            outcome.notes.append("the rows that were accepted before stand")
    return outcome


def read_replay(file: Path) -> Replay:
    """A replay file (YAML: reviewed_by, reason, reruns: [{submission, from}]), checked as a whole.

    Raises UsageFault where it is not one.
    """
    try:
        return Replay.model_validate(yaml.safe_load(file.read_text()) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise UsageFault(f"{file} is not readable as YAML") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise UsageFault(f"{file} is no replay: {wrong}") from None
