"""The way back from the list: an erasure that should not have been is called off. What went is not brought back.

The next delivery brings the child in again. The erasure stays in the ledger, with who called it off and why.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import psycopg

from pipelines.errors import UsageFault
from pipelines.keeping import journal
from pipelines.keeping.holds import need_words
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.ledger.turn import one_at_a_time
from pipelines.settings import Settings

Connection = psycopg.Connection[Any]


def erasures(connection: Connection) -> list[dict[str, Any]]:
    """Every erasure, oldest first: its number, who asked and why, how many records it keeps out, what became of it."""
    return Ledger(connection).rows(
        """SELECT erasure_key, at, agencies, asked_by, reason, finished_at, readmitted_at, readmitted_by,
                  readmitted_reason,
                  (SELECT count(*) FROM ops.suppression AS s WHERE s.erasure_key = e.erasure_key) AS records
           FROM ops.erasure AS e ORDER BY erasure_key"""
    )


def would_readmit(connection: Connection, erasure: int) -> dict[str, Any]:
    """What calling an erasure off would let in: records by agency; those that stay out, and by which other erasures.

    Changes nothing. Raises UsageFault where there is none of that number, or it is not done, or was called off before.
    """
    ledger = Ledger(connection)
    found = ledger.rows("SELECT finished_at, readmitted_at FROM ops.erasure WHERE erasure_key = %s", erasure)
    if not found:
        raise UsageFault(f"there is no erasure {erasure}; `joint-needs db erasures` lists them")
    if found[0]["readmitted_at"]:
        raise UsageFault(f"erasure {erasure} was called off on {found[0]['readmitted_at']:%Y-%m-%d} already")
    if not found[0]["finished_at"]:
        raise UsageFault(f"erasure {erasure} is not finished; `joint-needs db housekeeping` finishes it first")
    rows = ledger.rows(
        """SELECT agency_code, fingerprint,
                  array_remove(array_agg(other.erasure_key ORDER BY other.erasure_key), %s::bigint) AS others
           FROM ops.suppression AS mine JOIN ops.suppression AS other USING (agency_code, fingerprint)
           WHERE mine.erasure_key = %s GROUP BY agency_code, fingerprint""",
        *(erasure, erasure),
    )
    return {
        "erasure": erasure,
        "readmitted": dict(sorted(Counter(row["agency_code"] for row in rows if not row["others"]).items())),
        "kept_out": sum(1 for row in rows if row["others"]),
        "kept_out_by": sorted({other for row in rows for other in row["others"]}),
    }


def readmit(settings: Settings, connection: Connection, erasure: int, *, by: str, reason: str) -> Outcome:
    """Take the records of an erasure off the list, in ledger and journal; what another erasure lists too stays on it.

    Raises as `would_readmit` does, and where who and why are not said.
    """
    need_words(by, reason)
    would_readmit(connection, erasure)
    with recorded_run(connection, "readmit", f"erasure {erasure}") as outcome, one_at_a_time(connection):
        query = "SELECT erasure, agencies FROM ops.erasure WHERE erasure_key = %s FOR UPDATE"
        row = Ledger(connection).rows(query, erasure)[0]
        for agency in sorted(row["agencies"]):
            # A delivery of the agency that is being received has read the list already, and counts as one before.
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"receive {agency}",))
        # What another erasure lists too may stand in the journal alone.
        lines = journal.read(journal.path(settings))
        journal.note(connection, (line for line in lines if isinstance(line, journal.Entry)))
        found = would_readmit(connection, erasure)
        now = datetime.now(UTC).isoformat()
        line = journal.Decision("readmit", now, by.strip(), reason.strip(), {"erasure": row["erasure"]})
        journal.note(connection, [line])
        journal.add(settings, line)
        outcome.counts = {"records": sum(found["readmitted"].values()), "kept_out": found["kept_out"]}
        if others := ", ".join(map(str, found["kept_out_by"])):
            outcome.notes.append(f"{found['kept_out']} stay out, which erasure {others} lists too")
    return outcome
