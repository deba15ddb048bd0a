"""Legal holds: what must not be deleted while it stands, whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg

from pipelines.errors import UsageFault
from pipelines.keeping import journal
from pipelines.ledger import Ledger
from pipelines.receive import suppression
from pipelines.settings import Settings

Connection = psycopg.Connection[Any]
# agency -> record pseudonyms
Records = Mapping[str, frozenset[str]]


def place(
    settings: Settings,
    connection: Connection,
    agency: str,
    *,
    dataset: str | None = None,
    record: str | None = None,
    by: str,
    reason: str,
) -> int:
    """Forbid to delete what an agency sent, one dataset of it, or one record of it; the hold's number. Commits."""
    need_words(by, reason)
    mark = suppression.fingerprint(suppression.load_key(settings, make=True), agency, record) if record else None
    of = {"agency": agency, "dataset": dataset, "fingerprint": mark}
    placed = journal.Decision("hold", datetime.now(UTC).isoformat(), by.strip(), reason.strip(), of)
    journal.note(connection, [placed])
    journal.add(settings, placed)
    query = "SELECT hold_key FROM ops.legal_hold WHERE at = %s AND agency_code = %s"
    key = Ledger(connection).rows(query, placed.at, agency)[0]["hold_key"]
    connection.commit()
    return int(key)


def lift(settings: Settings, connection: Connection, hold: int, *, by: str, reason: str) -> None:
    """End a hold; it stays in the ledger as lifted. Raises UsageFault where none of that number stands. Commits."""
    need_words(by, reason)
    query = "SELECT at, agency_code FROM ops.legal_hold WHERE hold_key = %s AND lifted_at IS NULL FOR UPDATE"
    rows = Ledger(connection).rows(query, hold)
    if not rows:
        raise UsageFault(f"no hold {hold} stands; `joint-needs db holds` lists them")
    of = {"hold": rows[0]["at"].isoformat(), "agency": rows[0]["agency_code"]}
    lifted = journal.Decision("lift", datetime.now(UTC).isoformat(), by.strip(), reason.strip(), of)
    journal.note(connection, [lifted])
    journal.add(settings, lifted)
    connection.commit()


def standing(connection: Connection) -> list[dict[str, Any]]:
    """The holds that stand, oldest first; of a held record only that it is one."""
    return Ledger(connection).rows(
        """SELECT hold_key, at, agency_code, dataset_code, fingerprint IS NOT NULL AS is_of_a_record, placed_by, reason
           FROM ops.legal_hold WHERE lifted_at IS NULL ORDER BY hold_key"""
    )


def against(
    settings: Settings, connection: Connection, records: Records, *, before: datetime | None = None
) -> list[int]:
    """Numbers of the holds that forbid to erase these records: on the record, its agency, or any dataset of that.

    before: only holds placed by then.
    """
    rows = Ledger(connection).rows(
        """SELECT hold_key, fingerprint FROM ops.legal_hold
           WHERE lifted_at IS NULL AND agency_code = ANY(%s) AND at < coalesce(%s::timestamptz, 'infinity')""",
        *(list(records), before),
    )
    key = suppression.load_key(settings) if any(row["fingerprint"] for row in rows) else b""
    marks = {suppression.fingerprint(key, agency, one) for agency, found in records.items() for one in found if key}
    return [row["hold_key"] for row in rows if row["fingerprint"] is None or row["fingerprint"] in marks]


def refuse(found: Iterable[int]) -> None:
    """UsageFault where there are holds that forbid what was asked for. found: their numbers."""
    if found := list(found):
        numbers = ", ".join(map(str, found))
        raise UsageFault(f"legal hold {numbers} forbids it; nothing was deleted. `joint-needs db holds` says why")


def need_words(by: str, reason: str) -> None:
    """UsageFault unless both say something."""
    if not by.strip() or not reason.strip():
        raise UsageFault("this needs the name of who asks for it (--by) and why (--reason)")
