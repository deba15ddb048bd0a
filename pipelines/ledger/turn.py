"""One refresh at a time: an advisory lock of the database, held by the session that refreshes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from pipelines.errors import SystemFault

# Any number that nobody else uses; it names the turn in pg_locks.
TURN = 5_346_991
# How long to wait for a session whose process was killed: the server notices within a second.
PATIENCE = "5s"


@contextmanager
def one_at_a_time(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Hold the turn to refresh, and commit at its end; raises SystemFault where another session holds it.

    The lock belongs to the session, not to a transaction, and goes with it: a killed process leaves no lock behind.
    """
    connection.commit()
    connection.execute("SET client_connection_check_interval = '1s'")
    usual = connection.execute("SHOW lock_timeout").fetchone()
    connection.execute(f"SET lock_timeout = '{PATIENCE}'")
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (TURN,))
    except psycopg.errors.LockNotAvailable:
        connection.rollback()
        raise SystemFault("another refresh is running; this one leaves the work to it") from None
    connection.execute("SELECT set_config('lock_timeout', %s, FALSE)", usual)
    connection.commit()
    try:
        yield
        connection.commit()
    finally:
        if not connection.closed:  # the lock of a session that was lost is gone with it
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(%s)", (TURN,))
            connection.commit()
