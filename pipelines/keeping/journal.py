"""The journal of erasures: a file with the hub's keys, so that a restored backup can be brought up to it.

One JSON document a line, only ever added to. It holds keyed fingerprints, as the list in the database does.
"""

from __future__ import annotations

import json
import os
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


def path(settings: Settings) -> Path:
    """Where the journal lies."""
    return settings.hub_keys / NAME


def add(settings: Settings, entry: Entry) -> None:
    """Write an entry to the end, and force it to the disk."""
    file = path(settings)
    whole = not file.exists() or not file.stat().st_size or file.read_bytes().endswith(b"\n")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as stream:
        # After a kill in the middle of a line, the next entry begins on one of its own.
        stream.write((b"" if whole else b"\n") + json.dumps(asdict(entry)).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    durable.sync(file.parent)


def read(file: Path) -> list[Entry]:
    """The entries of a journal; none where there is no file.

    A line that a kill cut off is passed over, since its erasure was not begun. Raises SystemFault where a whole line is
    no entry.
    """
    lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    found = []
    for line in lines:
        try:
            found.append(Entry(**json.loads(line)))
        except ValueError:
            continue
        except TypeError:
            raise SystemFault(f"{file.name} holds a line that is no entry of a journal of erasures") from None
    return found


def note(connection: psycopg.Connection[Any], entries: list[Entry]) -> int:
    """Bring entries into the database that it does not have; how many. Does not commit."""
    added = 0
    for entry in entries:
        row = connection.execute(
            """INSERT INTO ops.erasure (erasure, at, agencies, asked_by, reason) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (erasure) DO NOTHING RETURNING erasure_key""",
            (entry.erasure, datetime.fromisoformat(entry.at), list(entry.fingerprints), entry.asked_by, entry.reason),
        ).fetchone()
        if row is None:
            continue
        added += 1
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ops.suppression VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [(agency, mark, row[0]) for agency, marks in entry.fingerprints.items() for mark in marks],
            )
    return added
