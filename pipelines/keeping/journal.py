"""The journal: erasures, holds and withdrawals in a file with the hub's keys, to bring a restored backup up to them.

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

    kind: `hold` (of: agency, dataset, fingerprint; known by its moment), `lift` (of: the hold's moment) or `withdraw`
    (of: submission and the hash of its content).
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


def note(connection: psycopg.Connection[Any], entries: Iterable[Line]) -> int:
    """Bring erasures and holds into the database that it does not have; how many. Does not commit."""
    return sum(_erasure(connection, one) if isinstance(one, Entry) else _hold(connection, one) for one in entries)


def _erasure(connection: psycopg.Connection[Any], entry: Entry) -> int:
    row = connection.execute(
        """INSERT INTO ops.erasure (erasure, at, agencies, asked_by, reason) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (erasure) DO NOTHING RETURNING erasure_key""",
        (entry.erasure, datetime.fromisoformat(entry.at), list(entry.fingerprints), entry.asked_by, entry.reason),
    ).fetchone()
    if row is None:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ops.suppression VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(agency, mark, row[0]) for agency, marks in entry.fingerprints.items() for mark in marks],
        )
    return 1


def _hold(connection: psycopg.Connection[Any], one: Decision) -> int:
    given = {"at": one.at, "by": one.by, "reason": one.reason, **one.of}
    if one.kind == "hold":
        query = """INSERT INTO ops.legal_hold (at, agency_code, dataset_code, fingerprint, placed_by, reason)
            SELECT %(at)s::timestamptz, %(agency)s, %(dataset)s, %(fingerprint)s, %(by)s, %(reason)s
            WHERE NOT EXISTS (SELECT FROM ops.legal_hold WHERE at = %(at)s AND agency_code = %(agency)s)"""
    elif one.kind == "lift":
        query = """UPDATE ops.legal_hold SET lifted_at = %(at)s, lifted_by = %(by)s, lifted_reason = %(reason)s
            WHERE at = %(hold)s AND agency_code = %(agency)s AND lifted_at IS NULL"""
    else:
        return 0
    return connection.execute(query, given).rowcount
