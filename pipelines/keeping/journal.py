"""The journal: what a restored backup must be brought up to, in a file with the hub's keys.

Erasures and what was called off of them, holds, withdrawals, in the order in which they were decided.

One JSON document a line, only ever added to. It holds keyed fingerprints, as the list in the database does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from pipelines import durable
from pipelines.errors import SystemFault
from pipelines.settings import Settings

NAME = "erasures.jsonl"


@dataclass(frozen=True)
class Entry:
    """One erasure: its random name, who asked, why, when, and the fingerprints of the records by agency."""

    erasure: str
    at: str
    asked_by: str
    reason: str
    fingerprints: dict[str, list[str]]


@dataclass(frozen=True)
class Decision:
    """Something else that a backup must not undo: who decided it, why, when; of says of what.

    kind: `hold` (of: agency, dataset, fingerprint; known by its moment), `lift` (of: the hold's moment), `withdraw`
    (of: submission and the hash of its content) or `readmit` (of: the random name of an erasure that is called off).
    """

    kind: str
    at: str
    by: str
    reason: str
    of: Mapping[str, Any]


Line = Entry | Decision


def path(settings: Settings) -> Path:
    """Where the journal lies."""
    return settings.hub_keys / NAME


def add(settings: Settings, entry: Line) -> None:
    """Write an entry to the end, and force it to the disk."""
    file = path(settings)
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    whole = not file.exists() or not file.stat().st_size or file.read_bytes().endswith(b"\n")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as stream:
        # After a kill in the middle of a line, the next entry begins on one of its own.
        stream.write((b"" if whole else b"\n") + json.dumps(asdict(entry)).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    durable.sync(file.parent)


def read(file: Path) -> list[Line]:
    """The entries of a journal; none where there is no file.

    A line that a kill cut off is passed over, since its erasure was not begun. Raises SystemFault where a whole line is
    no entry.
    """
    lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    found: list[Line] = []
    for line in lines:
        try:
            told = json.loads(line)
            found.append(Decision(**told) if "kind" in told else Entry(**told))
        except ValueError:
            continue
        except TypeError:
            raise SystemFault(f"{file.name} holds a line that is no entry of a journal of erasures") from None
    return found


def merge(settings: Settings, copy: Path) -> None:
    """Add to the hub's journal what a copy of it has beyond it."""
    there = read(path(settings))
    for entry in read(copy):
        if entry not in there:
            add(settings, entry)


def parts(connection: psycopg.Connection[Any], entries: Iterable[Line]) -> list[list[Line]]:
    """The entries in order, cut before each readmission that the database does not have.

    What an erasure takes out has to be out before it is called off: a backup of before both has it all.
    """
    query = "SELECT erasure FROM ops.erasure WHERE readmitted_at IS NOT NULL"
    known = {row[0] for row in connection.execute(query).fetchall()}
    found: list[list[Line]] = [[]]
    for one in entries:
        if isinstance(one, Decision) and one.kind == "readmit" and one.of["erasure"] not in known:
            found.append([])
        found[-1].append(one)
    return found


def note(connection: psycopg.Connection[Any], entries: Iterable[Line]) -> int:
    """Bring erasures, their ends and holds into the database that it does not have; how many. Does not commit."""
    return sum(_erasure(connection, one) if isinstance(one, Entry) else _decision(connection, one) for one in entries)


def _erasure(connection: psycopg.Connection[Any], entry: Entry) -> int:
    row = connection.execute(
        """INSERT INTO ops.erasure (erasure, at, agencies, asked_by, reason) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (erasure) DO NOTHING RETURNING erasure_key""",
        (entry.erasure, datetime.fromisoformat(entry.at), list(entry.fingerprints), entry.asked_by, entry.reason),
    ).fetchone()
    pairs = [(agency, mark) for agency, marks in entry.fingerprints.items() for mark in marks]
    # Also of one that is known: before each erasure had rows of its own, what two listed was on the list once.
    connection.execute(
        """INSERT INTO ops.suppression SELECT agency_code, fingerprint, erasure_key
           FROM ops.erasure, unnest(%s::text[], %s::text[]) AS listed (agency_code, fingerprint)
           WHERE erasure = %s AND readmitted_at IS NULL ON CONFLICT DO NOTHING""",
        ([agency for agency, _ in pairs], [mark for _, mark in pairs], entry.erasure),
    )
    return int(row is not None)


def _decision(connection: psycopg.Connection[Any], one: Decision) -> int:
    given = {"at": one.at, "by": one.by, "reason": one.reason, **one.of}
    if one.kind == "hold":
        query = """INSERT INTO ops.legal_hold (at, agency_code, dataset_code, fingerprint, placed_by, reason)
            SELECT %(at)s::timestamptz, %(agency)s, %(dataset)s, %(fingerprint)s, %(by)s, %(reason)s
            WHERE NOT EXISTS (SELECT FROM ops.legal_hold WHERE at = %(at)s AND agency_code = %(agency)s)"""
    elif one.kind == "lift":
        query = """UPDATE ops.legal_hold SET lifted_at = %(at)s, lifted_by = %(by)s, lifted_reason = %(reason)s
            WHERE at = %(hold)s AND agency_code = %(agency)s AND lifted_at IS NULL"""
    elif one.kind == "readmit":
        query = """WITH ended AS (
                UPDATE ops.erasure SET readmitted_at = %(at)s, readmitted_by = %(by)s, readmitted_reason = %(reason)s,
                    finished_at = coalesce(finished_at, %(at)s)
                WHERE erasure = %(erasure)s AND readmitted_at IS NULL RETURNING erasure_key
            ), gone AS (DELETE FROM ops.suppression WHERE erasure_key IN (SELECT erasure_key FROM ended))
            SELECT erasure_key FROM ended"""
    else:
        return 0
    return connection.execute(query, given).rowcount
