"""The real Airflow on this machine: api-server, scheduler, dag-processor and triggerer, as processes of our own.

LocalExecutor; metadata in the embedded PostgreSQL; everything on loopback; secrets made at the first start and kept in
owner-only files below `Settings.home/airflow`. Only what was started here is stopped here.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import durable
from pipelines.errors import SystemFault
from pipelines.ledger.database import url
from pipelines.local.airflow_api import AirflowApi
from pipelines.settings import PACKAGE, Settings

DAGS = PACKAGE.parent / "dags"
USER = "operator"
# The log servers of scheduler and triggerer would listen on every address; the pages read the files instead.
COMMANDS = {
    "api-server": ["api-server"],
    "dag-processor": ["dag-processor"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_START_SECONDS, _STOP_SECONDS = 120, 20


@dataclass
class LocalAirflow:
    """A running Airflow: where it answers, its processes, and a client that is logged in."""

    folder: Path
    port: int
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where pages and API answer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def passwords(self) -> Path:
        """The file with the password of the user `operator`."""
        return self.folder / "passwords.json"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.folder / "logs" / f"{name}.log"

    def api(self) -> AirflowApi:
        """A client with a fresh token."""
        return AirflowApi.login(self.address, USER, json.loads(self.passwords.read_text())[USER])

    def start(self, progress: Callable[[str], None] = lambda _: None) -> None:
        """Bring the metadata to this version, start the four processes, and wait until all are well.

        Raises SystemFault with the name of the log where one of them ends or does not get well in two minutes; what was
        started is stopped then.
        """
        try:
            self._start(progress)
        except BaseException:
            self.stop()
            raise

    def _start(self, progress: Callable[[str], None]) -> None:
        progress("Airflow: preparing its database")
        self._run_once("migrate", ["db", "migrate"])
        progress("Airflow: starting api-server, scheduler, dag-processor and triggerer")
        for name, words in COMMANDS.items():
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "pipelines.local.warm" if name == "scheduler" else "airflow", *words],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=self.log(name).open("ab"),
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_healthy()
        self.api().set_pools(json.loads((DAGS / "pools.json").read_text()))

    def stop(self) -> None:
        """Stop what `start` started, workers included: politely first, then not."""
        for process in self.processes.values():
            if process.poll() is None:
                _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            # Its children share its process group; whatever is left of that ends here.
            _signal(process, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def _run_once(self, name: str, words: list[str]) -> None:
        with self.log(name).open("ab") as log:
            done = subprocess.run(
                [sys.executable, "-m", "airflow", *words],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise SystemFault(f"`airflow {' '.join(words)}` failed; see {self.log(name)}")

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise SystemFault(f"Airflow's {name} ended while starting; see {self.log(name)}")
            unwell = AirflowApi(self.address).unwell()
            if not unwell:
                return
            if time.monotonic() > deadline:
                raise SystemFault(f"Airflow is not well: {', '.join(unwell)}; see {self.folder / 'logs'}")
            time.sleep(0.5)


@contextmanager
def running(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> Iterator[LocalAirflow]:
    """Airflow for this hub, up for as long as the block runs."""
    airflow = prepare(settings)
    try:
        airflow.start(progress)
        yield airflow
    finally:
        airflow.stop()


def prepare(settings: Settings, *, port: int | None = None, dags: Path = DAGS) -> LocalAirflow:
    """Folder, secrets and settings of a local Airflow; nothing is started but the embedded database."""
    folder = settings.home / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "logs").mkdir(exist_ok=True)
    port = port or free_port()
    return LocalAirflow(folder, port, _environment(settings, folder, port, dags))


def free_port(wanted: int = 0) -> int:
    """A loopback port nobody uses: `wanted` where it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(settings: Settings, folder: Path, port: int, dags: Path) -> dict[str, str]:
    kept = _secrets(folder)
    address = f"http://127.0.0.1:{port}"
    sections = {
        "core": {
            "dags_folder": str(dags),
            "load_examples": "False",
            "executor": "LocalExecutor",
            "parallelism": "4",
            "fernet_key": kept["fernet_key"],
            "simple_auth_manager_users": f"{USER}:op",
            "simple_auth_manager_passwords_file": str(folder / "passwords.json"),
            "execution_api_server_url": f"{address}/execution/",
        },
        "database": {"sql_alchemy_conn": url(settings, "airflow", driver="psycopg2")},
        "api": {"host": "127.0.0.1", "port": str(port), "base_url": address, "workers": "1", "secret_key": kept["api"]},
        "api_auth": {"jwt_secret": kept["jwt_secret"]},
        "scheduler": {
            "scheduler_idle_sleep_time": "0.2",
            "task_instance_heartbeat_sec": "5",
            "enable_health_check": "False",
        },
        "dag_processor": {"refresh_interval": "30", "min_file_process_interval": "60", "parsing_processes": "1"},
        "logging": {"base_log_folder": str(folder / "logs" / "tasks"), "logging_level": "INFO"},
        "usage_data_collection": {"enabled": "False"},
    }
    ours = {f"AIRFLOW__{s.upper()}__{k.upper()}": v for s, found in sections.items() for k, v in found.items()}
    outside = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    return (
        outside
        | ours
        | {
            "AIRFLOW_HOME": str(folder),
            "JOINT_NEEDS_HOME": str(settings.home),
            "JOINT_NEEDS_ENVIRONMENT": settings.environment,
            "JOINT_NEEDS_AGENCIES": str(settings.agencies),
            **({"JOINT_NEEDS_DATABASE_URL": settings.database_url} if settings.database_url else {}),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
    )


def _secrets(folder: Path) -> dict[str, str]:
    """Keys that must outlive a restart, made once; the user's password lies in a file that Airflow itself reads."""
    path, passwords = folder / "secrets.json", folder / "passwords.json"
    if not path.exists():
        made = {
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "jwt_secret": secrets.token_urlsafe(48),
            "api": secrets.token_urlsafe(48),
        }
        durable.write(path, json.dumps(made).encode())
    if not passwords.exists():
        durable.write(passwords, json.dumps({USER: secrets.token_urlsafe(12)}).encode())
    found: dict[str, str] = json.loads(path.read_text())
    return found


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a process and the group it leads; both may be gone already."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
