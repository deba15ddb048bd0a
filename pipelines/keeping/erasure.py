"""One child taken out of everything the hub keeps, and kept from coming back.

Order: the list of who is not to come back and the journal; then, in one transaction, the ledger, core and link, with
new files written beside the old; then the files. A kill at any moment leaves either nothing done or the child on the
list, and a second run, or the nightly `replay`, finishes. Counts are kept; the child is not.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from pipelines.errors import UsageFault
from pipelines.keeping import catalogue, holds, journal, retention, search, stores
from pipelines.keeping.holds import Records
from pipelines.ledger import Ledger, Outcome, Submission, recorded_run
from pipelines.ledger.turn import one_at_a_time
from pipelines.receive import suppression
from pipelines.registry import Registry
from pipelines.settings import Settings

Connection = psycopg.Connection[Any]
_PSEUDONYM = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Child:
    """Whom an erasure is about: records by agency, and the persons that nobody else is."""

    records: dict[str, frozenset[str]]
    persons: frozenset[UUID]


def whose(
    registry: Registry,
    connection: Connection,
    agency: str,
    record: str,
    *,
    is_everywhere: bool = False,
    is_alone: bool = False,
) -> Child:
    """The child behind a partner's record: all that this partner sent of it, or that every partner did, as linked.

    is_alone: this one record, of one dataset, whoever it is taken for. Raises UsageFault for an agency nobody knows and
    for what is no record pseudonym; neither is repeated.
    """
    if not Ledger(connection).submissions(group=[agency]):  # one that left is known by what it sent
        registry.agency(agency)
    if not _PSEUDONYM.fullmatch(record):
        raise UsageFault("a record pseudonym is 32 characters, 0 to 9 and a to f, as the partner's door writes it")
    if is_everywhere and is_alone:
        raise UsageFault("either one record alone or the child everywhere")
    records = {agency: frozenset({record})}
    if not is_alone:
        records = catalogue.records_of(connection, records, is_everywhere=is_everywhere)
    persons = catalogue.persons_of(connection, records)
    shared = {person for person in persons if _has_others(connection, person, records)}
    return Child(records, frozenset(persons - shared))


def _has_others(connection: Connection, person: UUID, records: Records) -> bool:
    rows = connection.execute(
        "SELECT DISTINCT agency_code, record_pseudonym FROM link.crosswalk WHERE person_key = %s", (person,)
    ).fetchall()
    return any(record not in records.get(agency, ()) for agency, record in rows)


def would_go(settings: Settings, connection: Connection, child: Child) -> dict[str, Any]:
    """Where the child is found, by how many records, and the holds that would forbid to erase it. Changes nothing."""
    found = search.find(settings, connection, child.records, set(child.persons))
    return {
        **found.as_json(),
        "records": catalogue.sources_of(connection, child.records),
        "holds": holds.against(settings, connection, child.records),
    }


def suppress(settings: Settings, connection: Connection, child: Child, *, by: str, reason: str) -> int:
    """Put the child's records on the list, and the erasure into ledger and journal; the erasure's key. Commits.

    One that was broken off and lists them all is gone on with, and so is one of just these records for the same reason.
    Any other is of its own, so that the records stay out where an earlier one is called off. Raises UsageFault where a
    legal hold stands against it or who and why are not said.
    """
    holds.need_words(by, reason)
    holds.refuse(holds.against(settings, connection, child.records))
    stores.require_keys(settings)
    key = suppression.load_key(settings, make=True)
    marks = {a: sorted(suppression.fingerprint(key, a, one) for one in found) for a, found in child.records.items()}
    pairs = [(agency, mark) for agency, found in marks.items() for mark in found]
    for agency in sorted(marks):
        # A delivery of the agency that is being received has read the list already.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"receive {agency}",))
    begun = Ledger(connection).rows(
        """SELECT erasure_key FROM ops.suppression JOIN ops.erasure USING (erasure_key)
           GROUP BY erasure_key, ops.erasure.finished_at, ops.erasure.reason
           HAVING %s = count(*) FILTER (
                   WHERE (agency_code, fingerprint) IN (SELECT * FROM unnest(%s::text[], %s::text[])))
               AND (finished_at IS NULL OR count(*) = %s AND reason = %s)
           ORDER BY erasure_key DESC LIMIT 1""",
        *(len(pairs), [agency for agency, _ in pairs], [mark for _, mark in pairs], len(pairs), reason.strip()),
    )
    if begun:
        return int(begun[0]["erasure_key"])
    now = datetime.now(UTC).isoformat()
    entry = journal.Entry(secrets.token_hex(16), now, by.strip(), reason.strip(), marks)
    journal.note(connection, [entry])
    journal.add(settings, entry)
    connection.commit()
    query = "SELECT erasure_key FROM ops.erasure WHERE erasure = %s"
    return int(Ledger(connection).rows(query, entry.erasure)[0]["erasure_key"])


def erase(settings: Settings, connection: Connection, child: Child, erasure: int) -> Outcome:
    """Take a listed child out of ledger, core, link and files. What the marts count changes with the next refresh."""
    with recorded_run(connection, "erase", f"erasure {erasure}") as outcome, one_at_a_time(connection):
        query = """SELECT min(at) AS at FROM ops.suppression AS mine
            JOIN ops.suppression AS other USING (agency_code, fingerprint)
            JOIN ops.erasure AS e ON e.erasure_key = other.erasure_key AND e.counts <> '{}'
            WHERE mine.erasure_key = %s"""
        before = Ledger(connection).rows(query, erasure)[0]["at"]
        outcome.counts = dict(_take_out(settings, connection, child.records, erasure))
        if not outcome.counts:
            outcome.notes.append(
                f"nothing was left: it was erased by the request of {before:%Y-%m-%d}"
                if before
                else "nothing was found: is it this partner's pseudonym? It is on the list all the same"
            )
    return outcome


def replay(settings: Settings, connection: Connection, *, is_thorough: bool = False) -> Outcome:
    """Bring the journal into the ledger, and take out whoever and whatever it says is out and is found all the same.

    That is so after a backup was restored, and after an erasure was broken off. What was called off since is let in
    only then: the old rows of a restored backup go, later deliveries come in. Linkage files are opened only where one
    was, or is_thorough.
    """
    with recorded_run(connection, "replay erasures", "all") as outcome, one_at_a_time(connection):
        lines = journal.read(journal.path(settings))
        counts, held = Counter({"noted": 0}), set[str]()
        for part in journal.parts(connection, lines):
            counts["noted"] += journal.note(connection, part)
            connection.commit()
            held = _take_out_listed(settings, connection, counts, is_thorough=is_thorough)
        if held:
            outcome.notes.append(f"a legal hold keeps what is listed of: {', '.join(sorted(held))}")
        else:
            counts.update(_set_aside(settings, Ledger(connection)))
        counts["withdrawn"] = len(retention.take_out_again(settings, connection, lines))
        outcome.counts = dict(counts)
    return outcome


def _take_out_listed(
    settings: Settings, connection: Connection, counts: Counter[str], *, is_thorough: bool
) -> set[str]:
    """Take out what is on the list and found, where an erasure is not finished; agencies of which a hold keeps some.

    counts: what goes is added to it.
    """
    ledger = Ledger(connection)
    unfinished = ledger.rows("SELECT FROM ops.erasure WHERE finished_at IS NULL")
    records = _listed(settings, ledger) if unfinished or is_thorough else {}
    held = _on_hold(settings, connection, records)
    records = {agency: left for agency, found in records.items() if (left := found - held.get(agency, frozenset()))}
    if records:
        last = ledger.rows("SELECT max(erasure_key) AS k FROM ops.erasure")[0]["k"]
        counts.update(_take_out(settings, connection, records, int(last)))
    if not held:
        connection.execute("UPDATE ops.erasure SET finished_at = clock_timestamp() WHERE finished_at IS NULL")
    connection.commit()
    return set(held)


def _set_aside(settings: Settings, ledger: Ledger) -> Counter[str]:
    """Deliveries refused since, in which somebody is who is on the list: they go whole, as at the erasure; how many."""
    agencies = [row["agency_code"] for row in ledger.rows("SELECT DISTINCT agency_code FROM ops.suppression")]
    lists = [suppression.Listed.of(settings, ledger, agency) for agency in agencies]
    changes = stores.Changes()
    for folder in stores.deliveries(settings, refused=True) if lists else ():
        there = {one for path in folder.rglob("*.parquet") for one in stores.safe_pseudonyms(path)}
        if any(listed.among(there) for listed in lists):
            changes.gone.add(folder)
    changes.settle()
    return +Counter({"refused deliveries": len(changes.gone)})


def _listed(settings: Settings, ledger: Ledger) -> dict[str, frozenset[str]]:
    """Records that are on the list and are found in a file or a table, by agency."""
    agencies = [row["agency_code"] for row in ledger.rows("SELECT DISTINCT agency_code FROM ops.suppression")]
    if not agencies:
        return {}
    there = stores.every_pseudonym(settings, ledger.submissions(group=agencies))
    for agency, record in catalogue.every_record(ledger.connection, agencies):
        there.setdefault(agency, set()).add(record)
    found = {
        agency: suppression.Listed.of(settings, ledger, agency).among(there.get(agency, ())) for agency in agencies
    }
    return {agency: records for agency, records in found.items() if records}


def _on_hold(settings: Settings, connection: Connection, records: Records) -> dict[str, frozenset[str]]:
    """Listed records that a legal hold keeps: one that stood before they were erased, and not what was gone by then."""
    ledger, found = Ledger(connection), dict[str, frozenset[str]]()
    for agency, pseudonyms in records.items():
        key = suppression.load_key(settings)
        for one in pseudonyms:
            rows = ledger.rows(
                """SELECT min(at) AS at FROM ops.erasure JOIN ops.suppression USING (erasure_key)
                   WHERE (agency_code, fingerprint) = (%s, %s)""",
                *(agency, suppression.fingerprint(key, agency, one)),
            )
            if holds.against(settings, connection, {agency: frozenset({one})}, before=rows[0]["at"]):
                found[agency] = found.get(agency, frozenset()) | {one}
    return found


def _take_out(settings: Settings, connection: Connection, records: Records, erasure: int) -> Counter[str]:
    ledger, changes, counts = Ledger(connection), stores.Changes(), Counter[str]()
    submissions = ledger.submissions(group=records)
    for of in submissions:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (of.submission,))
        counts += _of_submission(settings, ledger, of, records[of.agency_code], changes)
    counts += _conformed(settings, connection, records, changes)
    rows = catalogue.delete(connection, records)
    counts += rows + stores.leftovers(settings, records, submissions, changes)
    if counts:
        counts += stores.drafts(settings, changes)
    _note(connection, erasure, counts)
    connection.commit()
    changes.settle()
    connection.execute("UPDATE ops.erasure SET finished_at = clock_timestamp() WHERE erasure_key = %s", (erasure,))
    search.vacuum(connection, [place for place in catalogue.places(connection) if rows[place.name]])
    return counts


def _note(connection: Connection, erasure: int, counts: Mapping[str, int]) -> None:
    """Add what went to an erasure's counts."""
    before = connection.execute(
        "SELECT counts FROM ops.erasure WHERE erasure_key = %s FOR UPDATE", (erasure,)
    ).fetchone()
    summed = Counter(before[0] if before else {}) + Counter(counts)
    connection.execute(
        "UPDATE ops.erasure SET counts = %s, finished_at = NULL WHERE erasure_key = %s", (json.dumps(summed), erasure)
    )


def _conformed(settings: Settings, connection: Connection, records: Records, changes: stores.Changes) -> Counter[str]:
    """The states of the canonical tables without the records, and the mark of the last refresh that names them."""
    rows = Ledger(connection).rows("SELECT refresh_key, conformed FROM ops.refresh ORDER BY refresh_key DESC LIMIT 1")
    standing = rows[0]["conformed"] if rows else {}
    made, count = stores.conformed(settings, records, standing, changes)
    if made:
        connection.execute(
            "UPDATE ops.refresh SET conformed = %s WHERE refresh_key = %s",
            (json.dumps(standing | made), rows[0]["refresh_key"]),
        )
    return +Counter({"conformed rows": count})


def _of_submission(
    settings: Settings, ledger: Ledger, of: Submission, gone: frozenset[str], changes: stores.Changes
) -> Counter[str]:
    """One submission's files and ledger without the records; what goes."""
    key = of.submission_key
    payload = stores.payload(settings, of, gone, changes)
    standing = ledger.rows(
        """SELECT table_name, path, row_count, accepted_at, replaced_at = 'infinity' AS stands
           FROM ops.snapshot WHERE submission_key = %s""",
        key,
    )
    lake = stores.lake(settings, of, [row["path"] for row in standing], gone, changes)
    accepted, lake_rows = Counter[str](), 0
    for row in standing:
        if row["path"] in lake:
            path, sha256, rows = lake[row["path"]]
            ledger.connection.execute(
                """UPDATE ops.snapshot SET path = %s, sha256 = %s, row_count = %s
                   WHERE submission_key = %s AND table_name = %s AND accepted_at = %s""",
                (path, sha256, rows, key, row["table_name"], row["accepted_at"]),
            )
            lake_rows += row["row_count"] - rows
            if row["stands"]:
                accepted[row["table_name"]] += row["row_count"] - rows
    held = _recount(ledger, of, payload, accepted)
    return +Counter(
        {
            "payload rows": sum(table.before - table.rows for table in payload.values()),
            "lake rows": lake_rows,
            "linkage rows": stores.linkage(settings, of, gone, changes),
            "held rows": held,
        }
    )


def _recount(
    ledger: Ledger, of: Submission, payload: Mapping[str, stores.LeftTable], accepted: Mapping[str, int]
) -> int:
    """Counts of a submission once rows are gone: they are rejected, as suppressed. Returns the held rows that went.

    accepted: rows by table that went out of the lake file that stands. Nothing is counted twice where an erasure is run
    again: what went before is known from `ops.suppressed`.
    """
    key, held = of.submission_key, 0
    before, told = ledger.suppressed(key), of.manifest.get("tables", {})
    for table in sorted({*payload, *accepted}):
        gone, own = accepted.get(table, 0), 0
        if table in payload:
            left = payload[table]
            whole = told.get(table, {}).get("rows", left.before + before.get(table, (0, ""))[0])
            ledger.replace_suppressed(key, {table: (whole - left.rows, left.sha256)})
            gone = max(gone, whole - left.rows - before.get(table, (0, ""))[0])
            own = _held(ledger, key, table, left.numbers)
            held += own
        out = gone - accepted.get(table, 0)
        ledger.connection.execute(
            """UPDATE ops.outcome SET accepted = accepted - %(lake)s,
               quarantined = quarantined - least(quarantined, %(out)s),
               parent_held = parent_held - least(parent_held, greatest(least(quarantined, %(out)s) - %(own)s, 0)),
               rejected = rejected + %(lake)s + least(quarantined, %(out)s), suppressed = suppressed + %(gone)s
               WHERE submission_key = %(key)s AND table_name = %(table)s""",
            {"lake": accepted.get(table, 0), "out": out, "own": own, "gone": gone, "key": key, "table": table},
        )
    return held


def _held(ledger: Ledger, key: int, table: str, numbers: frozenset[int]) -> int:
    """Forget which rules held rows of some numbers, and that a steward decided about them; rows forgotten."""
    given = {"key": key, "table": table, "numbers": sorted(numbers)}
    ledger.connection.execute(
        """UPDATE ops.decision SET
               source_rows = ARRAY(SELECT n FROM unnest(source_rows) AS n WHERE n <> ALL(%(numbers)s))
           WHERE submission_key = %(key)s AND table_name = %(table)s AND source_rows && %(numbers)s::integer[]""",
        given,
    )
    query = """WITH gone AS (
            DELETE FROM ops.held_row
            WHERE submission_key = %(key)s AND table_name = %(table)s AND source_row = ANY(%(numbers)s)
            RETURNING source_row
        ) SELECT count(DISTINCT source_row) FROM gone"""
    return int(ledger.connection.execute(query, given).fetchall()[0][0])
