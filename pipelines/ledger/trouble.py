"""What goes wrong with database and disk, in words of our own: theirs may quote a row, a path or a statement."""

from __future__ import annotations

import errno

import adbc_driver_manager
import duckdb
import psycopg

from pipelines.errors import SystemFault

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
LOST = ("08", "57P")
LOCKED = ("55P03", "40P01")
DISK_FULL = "53100"

_STANDS = "everything is as it was"


def as_fault(error: BaseException, stage: str) -> SystemFault | None:
    """The SystemFault to raise in place of an error of database or disk; None where it is no such error."""
    state = getattr(error, "sqlstate", None) or ""
    if is_full(error) or state == DISK_FULL:
        where = "the database's disk" if state else "a disk of the hub"
        return SystemFault(f"{where} is full: {stage} wrote nothing and {_STANDS}. Make room, then run it again")
    if isinstance(error, psycopg.Error | adbc_driver_manager.Error):
        if state.startswith(LOST) or (
            not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        ):
            return SystemFault(
                f"the database went away during {stage}: what was not finished is undone, the next run does it again"
            )
        if state in LOCKED:
            return SystemFault(
                f"{stage} waited for a lock that another session holds, and gave up: {_STANDS}. End that session, "
                "or run it again later"
            )
        return SystemFault(f"{stage} wrote nothing and {_STANDS} ({_kind(error, state)})")
    return None


def is_full(error: BaseException) -> bool:
    """Whether a file could not be written for want of room, whoever wrote it."""
    if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
        text = str(error).lower()
        return any(words in text for words in ("no space left", "disk quota", "file too large", "disk full"))
    return isinstance(error, OSError) and error.errno in FULL


def _kind(error: psycopg.Error | adbc_driver_manager.Error, state: str) -> str:
    if not isinstance(error, psycopg.Error):
        return f"{type(error).__name__} {state}".strip()
    diag, kind = error.diag, type(error).__name__
    place = " ".join(part for part in (diag.table_name, diag.constraint_name) if part)
    # Class 42 speaks of the statement, never of a row.
    said = diag.message_primary if state.startswith("42") else place
    return f"{kind}: {said or 'no detail'}"
