"""SIGKILL at every stretch of integrate: readers keep the old picture (or have the new one), the next run completes.

The process is a real one. It is held at a chosen point by a lock that the test takes in the database, or by a mart that
sleeps, and killed there; nothing in the program knows of the test.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines import conform
from pipelines.conform.shape import canonical
from pipelines.ledger.database import connect
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, deliver
from tests.integrate.small_area import NIGHT, ONE, census, content, deliver_all, make_mart, refresh
from tests.integrate.test_integrate import rows, states

Connection = psycopg.Connection[Any]
SLEEPY = "SELECT :as_of AS time_period, 'a' AS name, 1 AS persons_count FROM (SELECT pg_sleep(3)) AS slept"
PROCESS = """
import sys
from datetime import date
from pathlib import Path
from pipelines import integrate, registry
from pipelines.ledger.database import connect
from pipelines.settings import Settings
settings = Settings(home=Path(sys.argv[1]), database_url=sys.argv[2])
with connect(settings) as connection:
    integrate.run(settings, registry.load(), connection, date.fromisoformat(sys.argv[3]), mart_folder=Path(sys.argv[4]))
"""

# Where the process is held: a lock that blocks it there, and the statement it then waits in.
POINTS = {
    "before anything": ("LOCK TABLE ops.refresh IN ACCESS EXCLUSIVE MODE", "ops.refresh"),
    "staging": ("LOCK TABLE core.sen_status IN ACCESS EXCLUSIVE MODE", "CREATE UNLOGGED TABLE"),
    "merging": ("LOCK TABLE core.sen_status IN EXCLUSIVE MODE", 'core."sen_status"'),
    "persons": ("LOCK TABLE core.source IN EXCLUSIVE MODE", 'core."source"'),
    "moving submissions": ("SELECT 1 FROM ops.submission FOR UPDATE", "FOR UPDATE"),
    "writing the mark": ("LOCK TABLE ops.refresh IN EXCLUSIVE MODE", "INSERT INTO ops.refresh"),
}


@contextmanager
def process(settings: Settings, marts: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that integrates."""
    arguments = [str(settings.home), str(settings.database_url), NIGHT.isoformat(), str(marts)]
    with subprocess.Popen([sys.executable, "-c", PROCESS, *arguments], stderr=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(settings: Settings, running: subprocess.Popen[bytes], condition: str) -> None:
    """Until a session of this database is in such a state; fails where the process ends before."""
    query = f"""SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND {condition}"""
    with psycopg.connect(settings.database_url or "", autocommit=True) as watcher:
        for _ in range(600):
            if watcher.execute(query).fetchone() != (0,):  # type: ignore[call-overload]
                return
            assert running.poll() is None, running.stderr.read().decode() if running.stderr else ""
            time.sleep(0.05)
    raise AssertionError(f"never saw: {condition}")


def kill(running: subprocess.Popen[bytes]) -> None:
    running.send_signal(signal.SIGKILL)
    assert running.wait(10) == -signal.SIGKILL


@pytest.fixture
def night(database: Settings, connection: Connection, tmp_path: Path) -> Path:
    """A warehouse with a picture, and one resubmission conformed and waiting to be integrated; the mart folder."""
    marts = tmp_path / "marts"
    make_mart(marts, ONE)
    deliver_all(database, connection)
    connection.execute("UPDATE ops.submission SET accepted_at = '2026-03-01'")
    connection.execute("UPDATE ops.snapshot SET accepted_at = '2026-03-01'")
    connection.commit()
    refresh(database, connection, NIGHT, mart_folder=marts)
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    connection.execute("UPDATE ops.submission SET accepted_at = '2026-03-02' WHERE sequence = 2")
    connection.execute("UPDATE ops.snapshot SET accepted_at = '2026-03-02' WHERE accepted_at > '2026-03-02'")
    connection.commit()
    conform.run(database, REGISTRY, connection, NIGHT)
    return marts


def assert_completed(database: Settings, connection: Connection) -> None:
    assert rows(connection, "SELECT status_code FROM core.sen_status ORDER BY 1") == [("E",), ("N",)]
    assert states(connection)["education/school_census/2025-spring/1"] == "superseded"
    assert states(connection)["education/school_census/2025-spring/2"] == "integrated"
    assert rows(connection, "SELECT count(*) FROM ops.refresh") == [(2,)]
    assert rows(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'") == [(0,)]
    assert len(list(database.conformed.glob("*.parquet"))) == len(canonical())


@pytest.mark.parametrize("point", POINTS)
def test_killed_before_the_commit(database: Settings, connection: Connection, night: Path, point: str):
    lock, statement = POINTS[point]
    before, ledger = content(connection, "core", "mart"), states(connection)
    with connect(database) as holder:
        holder.execute(lock)  # type: ignore[call-overload]
        with process(database, night) as running:
            wait_for(database, running, f"wait_event_type = 'Lock' AND strpos(query, '{statement}') > 0")
            kill(running)
        holder.rollback()
    assert content(connection, "core", "mart") == before
    assert states(connection) == ledger
    assert refresh(database, connection, NIGHT, mart_folder=night).state == "success"
    assert_completed(database, connection)
    assert refresh(database, connection, NIGHT, mart_folder=night).counts == {"rows_changed": 0}


def test_killed_while_a_mart_is_made(database: Settings, connection: Connection, night: Path):
    before = content(connection, "core", "mart")
    make_mart(night, SLEEPY)
    with process(database, night) as running:
        wait_for(database, running, "wait_event = 'PgSleep'")
        kill(running)
    make_mart(night, ONE)
    assert content(connection, "core", "mart") == before
    assert refresh(database, connection, NIGHT, mart_folder=night).state == "success"
    assert_completed(database, connection)


def test_killed_after_the_commit(database: Settings, connection: Connection, night: Path):
    """The picture is new; what was staged and the files of the old state lie about until the next run."""
    make_mart(night, SLEEPY)
    with process(database, night) as running, connect(database) as holder:
        wait_for(database, running, "wait_event = 'PgSleep'")
        holder.execute("LOCK TABLE staging.sen_status IN ACCESS SHARE MODE")
        wait_for(database, running, "wait_event_type = 'Lock' AND strpos(query, 'DROP TABLE staging') > 0")
        kill(running)
        holder.rollback()
    assert rows(connection, "SELECT status_code FROM core.sen_status ORDER BY 1") == [("E",), ("N",)]
    assert len(list(database.conformed.glob("*.parquet"))) > 17
    again = refresh(database, connection, NIGHT, mart_folder=night)
    assert again.notes == ["nothing new: the warehouse shows this already"]
    assert_completed(database, connection)
