"""Validate and accept: contract cast, Great Expectations suite, what becomes of each row, and the lake.

A row is accepted, quarantined (a rule of its own holds it, or the row above it is held) or rejected with its file;
the counts add up to what came in, per table. A rule that could not be evaluated is our fault: the submission waits as
`held_ours`, and running again resumes it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from pipelines.errors import DataFault, SystemFault
from pipelines.ledger import Ledger, Outcome, Submission, recorded_run, summary
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.validate import previous, report
from pipelines.validate.engine import Engine
from pipelines.validate.judge import Case, judge
from pipelines.validate.lake import folder_form, payload_of, write_lake, write_work
from pipelines.validate.outcomes import Delivered, Judgement, all_rejected

TAKEN = ("accepted", "integrated", "superseded")


def validate(settings: Settings, registry: Registry, connection: psycopg.Connection[Any], submission: str) -> Outcome:
    """Judge a received submission and record what became of it.

    The outcome's state is `success`, `rejected` (a note says why) or `held_ours` (a note names the rules that could not
    be evaluated). A submission that was judged before is not judged again, except where it is `held_ours`.
    """
    with recorded_run(connection, "validate", submission) as outcome:
        ledger = Ledger(connection)
        found = _locked(ledger, submission)
        work = settings.work / folder_form(submission)
        if found.state in (*TAKEN, "rejected", "withdrawn") or (found.state == "validated" and work.is_dir()):
            outcome.state = found.state if found.state in ("rejected", "withdrawn") else "running"
            outcome.notes.append(f"is {found.state} already")
            outcome.counts.update(_counts(ledger, found))
            return outcome
        _judge_and_record(settings, registry, ledger, found, outcome)
    return outcome


def accept(settings: Settings, registry: Registry, connection: psycopg.Connection[Any], submission: str) -> Outcome:
    """Put the rows of a validated submission that nothing holds into the lake; earlier ones of its period give way.

    Raises SystemFault where the submission is not validated.
    """
    with recorded_run(connection, "accept", submission) as outcome:
        _accept(settings, registry, Ledger(connection), submission, outcome)
    if outcome.state == "success":
        shutil.rmtree(settings.work / folder_form(submission), ignore_errors=True)
    return outcome


def again(
    settings: Settings, registry: Registry, connection: psycopg.Connection[Any], submission: str, outcome: Outcome
) -> None:
    """Judge a submission that was accepted before, and put the result in the place of its accepted rows.

    In the caller's transaction: until it commits, what stood stands. The outcome's state is left as it is where the
    result is accepted, else it is `rejected` or `held_ours` and nothing of the ledger is changed.
    """
    ledger = Ledger(connection)
    found = _locked(ledger, submission)
    judgement = _judge(settings, registry, ledger, found)
    outcome.counts.update(summary(judgement.tables))
    if judgement.outcome != "accepted":
        outcome.state = judgement.outcome
        outcome.notes += [str(judgement.fault)] if judgement.fault else []
        return
    _record(settings, registry, ledger, found, judgement)
    known = ledger.rows("SELECT path FROM ops.snapshot WHERE submission_key = %s", found.submission_key)
    files = write_lake(settings, found, [row["path"] for row in known])
    ledger.replace_snapshots(found.submission_key, files)
    if found.state == "integrated":
        ledger.move(submission, "accepted", note="judged again")
    shutil.rmtree(settings.work / folder_form(submission), ignore_errors=True)


def check(
    folder: Path,
    registry: Registry,
    *,
    manifest: dict[str, Any] | None = None,
    environment: str = "production",
    engine: Engine = "duckdb",
    reports: Path | None = None,
) -> dict[str, Any]:
    """Judge a sealed folder (or a folder of payload files with its manifest) in memory; records nothing.

    Returns the report's document, with `agency`, `dataset`, `period`, `outcome` (accepted, rejected or held_ours),
    `reason`, `tables`, `absent_tables`, `rules` (those that did not pass) and `not_applicable`. reports: a folder for
    the report; without it, nothing is written.
    """
    told: dict[str, Any] = manifest or json.loads((folder / "manifest.json").read_text())
    payload = folder / "payload" if (folder / "payload").is_dir() else folder
    case = Case(registry, told, payload, registry.agencies.get(told["agency"]), environment, engine)
    with duckdb.connect() as memory:
        judgement = judge(memory, case)
    document = report.as_json(registry, told, judgement)
    if reports:
        report.write(reports, document, report.rows_of(told, judgement), judgement.results)
    return document


def _accept(settings: Settings, registry: Registry, ledger: Ledger, submission: str, outcome: Outcome) -> None:
    found = _locked(ledger, submission)
    if found.state in TAKEN:
        outcome.notes.append(f"is {found.state} already")
        outcome.counts.update(_counts(ledger, found))
        return
    if found.state != "validated":
        raise SystemFault(f"{submission} is {found.state}; only a validated submission can be accepted")
    if not (settings.work / folder_form(submission)).is_dir():
        _judge_and_record(settings, registry, ledger, found, outcome)
        if outcome.state != "running":
            return
    files = write_lake(settings, found)
    ledger.replace_snapshots(found.submission_key, files)
    ledger.move(submission, "accepted")
    _supersede(ledger, found)
    outcome.counts.update(tables=len(files), rows=sum(rows for _, _, _, rows in files))


def _locked(ledger: Ledger, submission: str) -> Submission:
    """The submission, which nobody else works on until this transaction ends."""
    ledger.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (submission,))
    return ledger.submission(submission)


def _judge_and_record(
    settings: Settings, registry: Registry, ledger: Ledger, found: Submission, outcome: Outcome
) -> None:
    judgement = _judge(settings, registry, ledger, found)
    _record(settings, registry, ledger, found, judgement)
    outcome.counts.update(summary(judgement.tables))
    _move(ledger, found, judgement, outcome)


def _judge(settings: Settings, registry: Registry, ledger: Ledger, found: Submission) -> Judgement:
    agency = registry.agency(found.agency_code)
    payload = payload_of(settings, found.submission)
    released, suppressed = ledger.released(found.submission_key), ledger.suppressed(found.submission_key)
    case = Case(
        registry,
        found.manifest,
        payload,
        agency,
        settings.environment,
        settings.check_engine,
        released,
        previous.files(settings, ledger, found),
        suppressed,
    )
    with duckdb.connect() as memory:
        try:
            judgement = judge(memory, case)
        except DataFault as fault:
            told = {
                n: Delivered(t["rows_in"], 0, t["rows_in"], suppressed.get(n, (0, ""))[0])
                for n, t in found.manifest["tables"].items()
            }
            judgement = Judgement("rejected", all_rejected(told), [], fault=fault)
        if judgement.outcome == "accepted":
            write_work(memory, [t.table for t in judgement.tables], settings.work / folder_form(found.submission))
    return judgement


def _record(settings: Settings, registry: Registry, ledger: Ledger, found: Submission, judgement: Judgement) -> None:
    folder = report.folder_of(settings.reports, found.submission)
    told = report.as_json(registry, found.manifest, judgement)
    report.write(folder, told, report.rows_of(found.manifest, judgement), judgement.results)
    ledger.replace_outcomes(
        found.submission_key,
        judgement.tables,
        judgement.rules(),
        judgement.held() if judgement.outcome == "accepted" else (),
    )


def _move(ledger: Ledger, found: Submission, judgement: Judgement, outcome: Outcome) -> None:
    if judgement.outcome == "accepted":
        if found.state != "validated":
            ledger.move(found.submission, "validated")
        return
    outcome.state = judgement.outcome
    if judgement.fault:
        outcome.notes.append(str(judgement.fault))
        ledger.move(found.submission, "rejected", fault=judgement.fault)
    else:
        note = f"rules that could not be evaluated: {', '.join(judgement.unchecked)}"
        outcome.notes.append(note)
        ledger.move(found.submission, "held_ours", note=note)


def _supersede(ledger: Ledger, found: Submission) -> None:
    """Of all accepted submissions of one agency, dataset and period only the highest sequence stays in force."""
    same = [
        other
        for other in ledger.submissions(states=("accepted", "integrated"), group=[found.agency_code])
        if (other.dataset_code, other.period) == (found.dataset_code, found.period)
    ]
    for other in sorted(same, key=lambda other: other.sequence)[:-1]:
        ledger.move(other.submission, "superseded")


def _counts(ledger: Ledger, found: Submission) -> dict[str, int]:
    query = """SELECT coalesce(sum(rows_in), 0)::int AS rows_in, coalesce(sum(accepted), 0)::int AS accepted,
        coalesce(sum(quarantined), 0)::int AS quarantined, coalesce(sum(rejected), 0)::int AS rejected
        FROM ops.outcome WHERE submission_key = %s"""
    return ledger.rows(query, found.submission_key)[0]
