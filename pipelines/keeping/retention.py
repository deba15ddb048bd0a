"""What has been kept long enough, by the contract of its dataset, goes: counted, recorded, and never against a hold.

The years of `retention_years` are counted from the end of the period that a submission speaks of. What goes is the
content: the ledger keeps that it came, its counts and rules. A submission that still stands (the newest of its sender)
goes too once its time is over, so nobody's picture rests on data that may no longer be kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from pipelines.keeping import catalogue, holds, journal, stores
from pipelines.ledger import Ledger, Outcome, Submission, recorded_run
from pipelines.ledger.turn import one_at_a_time
from pipelines.receive import suppression
from pipelines.receive.files import REFUSED
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.steward import withdraw

Connection = psycopg.Connection[Any]
BY = "housekeeping"
# A refused delivery can be studied for so long; nothing of it was taken in.
REFUSED_DAYS = 90


@dataclass(frozen=True)
class Due:
    """A submission whose time is over: since when, by how many years of keeping, and the holds that keep it."""

    submission: str
    kept_until: date
    retention_years: int
    holds: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain types only."""
        return {**self.__dict__, "kept_until": str(self.kept_until), "holds": list(self.holds)}


def take_out(settings: Settings, connection: Connection, submission: str, *, by: str, reason: str) -> Outcome:
    """Withdraw a submission, so that no restored backup brings it back. UsageFault where a legal hold forbids it."""
    holds.need_words(by, reason)
    ledger = Ledger(connection)
    found = ledger.submission(submission)
    holds.refuse(_against(settings, found, _standing(ledger)))
    if found.state != "withdrawn":
        of = {"submission": submission, "content": found.content_sha256}
        journal.add(settings, journal.Decision("withdraw", datetime.now(UTC).isoformat(), by, reason, of))
    return withdraw(settings, connection, submission, by=by, reason=reason)


def take_out_again(settings: Settings, connection: Connection, entries: Iterable[journal.Line]) -> list[str]:
    """Withdraw what the journal says was withdrawn and a backup or a sender brought back; the submissions.

    What a hold keeps stays.
    """
    ledger, placed = Ledger(connection), _standing(Ledger(connection))
    there = {(of.submission, of.content_sha256): of for of in ledger.submissions() if of.state != "withdrawn"}
    gone = []
    for one in entries:
        if isinstance(one, journal.Decision) and one.kind == "withdraw":
            found = there.pop((one.of["submission"], one.of["content"]), None)
            if found is not None and not _against(settings, found, placed):
                withdraw(settings, connection, found.submission, by=one.by, reason=one.reason)
                gone.append(found.submission)
    return gone


def _standing(ledger: Ledger) -> list[dict[str, Any]]:
    return ledger.rows(
        "SELECT hold_key, agency_code, dataset_code, fingerprint FROM ops.legal_hold WHERE lifted_at IS NULL"
    )


def due(settings: Settings, registry: Registry, connection: Connection, today: date) -> list[Due]:
    """The submissions whose time is over on a day, oldest first; changes nothing."""
    ledger, found = Ledger(connection), []
    placed = _standing(ledger)
    for of in ledger.submissions():
        contract = registry.contracts.get(of.dataset_code)
        if of.state == "withdrawn" or contract is None:
            continue
        until = _years_later(of.period_end, contract.retention_years)
        if until < today:
            found.append(Due(of.submission, until, contract.retention_years, _against(settings, of, placed)))
    return found


def _years_later(day: date, years: int) -> date:
    """The same day so many years later; 28 February for a 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _against(settings: Settings, of: Submission, placed: list[dict[str, Any]]) -> tuple[int, ...]:
    """Holds on the agency, on the dataset, or on a record that the submission has."""
    mine = [row for row in placed if row["agency_code"] == of.agency_code]
    found = [
        row["hold_key"] for row in mine if not row["fingerprint"] and row["dataset_code"] in (None, of.dataset_code)
    ]
    if of_records := {row["fingerprint"]: row["hold_key"] for row in mine if row["fingerprint"]}:
        key = suppression.load_key(settings)
        there = stores.every_pseudonym(settings, [of])[of.agency_code]
        marks = {suppression.fingerprint(key, of.agency_code, record) for record in there}
        found += [hold for mark, hold in of_records.items() if mark in marks]
    return tuple(sorted(found))


def apply(settings: Settings, registry: Registry, connection: Connection, today: date) -> Outcome:
    """Take out what is due and not on hold. Broken off, it goes on with the rest when it is called again."""
    with recorded_run(connection, "retention", str(today)) as outcome:
        listed = due(settings, registry, connection, today)
        connection.commit()
        gone = [one for one in listed if not one.holds]
        files, rows = 0, 0
        if gone:
            with one_at_a_time(connection):
                rows = _forget(settings, connection, {one.submission for one in gone})
        for one in gone:
            reason = f"kept until {one.kept_until} ({one.retention_years} years after its period)"
            files += withdraw(settings, connection, one.submission, by=BY, reason=reason).counts["files"]
        rows += _delete_withdrawn(connection)
        outcome.counts = {
            "submissions": len(gone),
            "files": files,
            "rows": rows,
            "kept_by_hold": len(listed) - len(gone),
            "refused_deliveries": _clear_refused(settings, today),
        }
        outcome.notes += [
            f"{one.submission}: kept by legal hold {', '.join(map(str, one.holds))}" for one in listed if one.holds
        ]
        there = {of.dataset_code for of in Ledger(connection).submissions() if of.state != "withdrawn"}
        outcome.notes += [
            f"{dataset}: no contract says how long it is kept" for dataset in sorted(there - set(registry.contracts))
        ]
    return outcome


def _forget(settings: Settings, connection: Connection, going: set[str]) -> int:
    """Delete the records that nothing tells of but submissions that go, the crosswalk's memory of them included; rows.

    Before their files go, which say who they are: broken off, it is done again.
    """
    gone: dict[str, frozenset[str]] = {}
    for (agency, _), sent in _by_source(Ledger(connection).submissions()).items():
        if ends := [of for of in sent if of.submission in going]:
            stays = [of for of in sent if of.submission not in going and of.state != "withdrawn"]
            told, still = (stores.every_pseudonym(settings, some).get(agency, set()) for some in (ends, stays))
            gone[agency] = gone.get(agency, frozenset()) | (told - still)
    return catalogue.delete(connection, gone).total()


def _by_source(submissions: Iterable[Submission]) -> dict[tuple[str, str], list[Submission]]:
    found: dict[tuple[str, str], list[Submission]] = {}
    for of in submissions:
        found.setdefault((of.agency_code, of.dataset_code), []).append(of)
    return found


def _delete_withdrawn(connection: Connection) -> int:
    """Delete what core says by withdrawn submissions alone, its history included, which a refresh would keep; rows.

    Of all that were ever withdrawn, by a steward too: so nothing is left where the run before this was broken off.
    """
    count = 0
    for place in catalogue.places(connection):
        if place.schema.startswith("core") and "submission_key" in place.columns:
            query = """DELETE FROM {} WHERE submission_key IN (
                SELECT submission_key FROM ops.submission WHERE state = 'withdrawn')"""
            count += connection.execute(sql.SQL(query).format(place.identifier)).rowcount
    return count


def _clear_refused(settings: Settings, today: date) -> int:
    """Delete refused deliveries that nobody came for; how many."""
    changes, limit = stores.Changes(), today - timedelta(days=REFUSED_DAYS)
    for folder in (settings.landing / REFUSED).glob("*"):
        if date.fromtimestamp(folder.stat().st_mtime) < limit:
            changes.gone.add(folder)
    changes.settle()
    return len(changes.gone)
