"""Real servers on loopback, one for each kind of route, and one way to lay deliveries on any of them.

sftp: Debian's OpenSSH. s3: moto's server. mesh: the NHS's own MESH sandbox, in an environment of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines import routes
from pipelines.agencies import FolderRoute, MeshRoute, Route, S3Route, SftpRoute
from pipelines.local.airflow import free_port
from pipelines.seal import packing
from tests.receive.conftest import Area, area, everything

__all__ = ["area", "everything"]

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"


class Place:
    """A route as the sender sees it, with the hub's description of it."""

    route: Route

    def put(self, name: str, files: dict[str, bytes]) -> None:
        """Lay files of a delivery down."""
        raise NotImplementedError

    def names(self) -> list[str]:
        """What lies there."""
        raise NotImplementedError

    def send(self, folder: Path, name: str | None = None) -> None:
        """Lay down a whole sealed folder."""
        self.put(name or folder.name, contents(folder))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Folder(Place):
    def __init__(self, root: Path) -> None:
        self.root = root
        self.route: Route = FolderRoute(path=root)

    def put(self, name: str, files: dict[str, bytes]) -> None:
        for inside, content in files.items():
            path = self.root / name / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir())


class Sftp(Folder):
    def __init__(self, root: Path, server: SshServer) -> None:
        super().__init__(root)
        self.route = SftpRoute(
            kind="sftp",
            host="127.0.0.1",
            port=server.port,
            user=server.user,
            path=str(root),
            host_key=server.host_key,
            private_key={"file": server.client_key},
        )


class Bucket(Place):
    def __init__(self, address: str, name: str) -> None:
        import boto3

        keys = {"aws_access_key_id": "hub", "aws_secret_access_key": "made-up", "region_name": "eu-west-2"}
        self.client = boto3.client("s3", endpoint_url=address, **keys)
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        self.name = name
        self.route = S3Route(
            kind="s3",
            bucket=name,
            prefix="outbox",
            endpoint=address,
            region="eu-west-2",
            access_key={"env": "TEST_S3_ACCESS"},
            secret_key={"env": "TEST_S3_SECRET"},
        )

    def put(self, name: str, files: dict[str, bytes]) -> None:
        for inside, content in files.items():
            self.client.put_object(Bucket=self.name, Key=f"outbox/{name}/{inside}", Body=content)

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return sorted({entry["Key"].split("/")[1] for entry in found})


class Mesh(Place):
    def __init__(self, address: str, desk: Path) -> None:
        self.address, self.desk = address, desk
        self.route = MeshRoute(
            kind="mesh",
            url=address,
            mailbox="X26ABC1",
            password={"env": "TEST_MESH_PASSWORD"},
            shared_key={"env": "TEST_MESH_SHARED_KEY"},
        )

    def _client(self, mailbox: str) -> Any:
        from mesh_client import MeshClient

        return MeshClient(self.address, mailbox, "password", shared_key=b"TestKey", timeout=20)

    def send(self, folder: Path, name: str | None = None) -> None:
        packed = packing.pack(folder)
        self.message(packed.read_bytes())
        packed.unlink()

    def message(self, content: bytes) -> None:
        with self._client("X26ABC2") as client:
            client.send_message("X26ABC1", content, workflow_id="JOINT_NEEDS", max_chunk_size=4096)

    def names(self) -> list[str]:
        with self._client("X26ABC1") as client:
            return list(client.iterate_message_ids())


@dataclass
class SshServer:
    """Where a real sshd listens, and the keys of both sides."""

    port: int
    user: str
    host_key: str
    client_key: Path


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no sshd here; install the package openssh-server")
    home = tmp_path_factory.mktemp("sshd")
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", home / name], check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    port = free_port()
    (home / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nAuthorizedKeysFile {home}/client.pub\n"
        f"PidFile {home}/pid\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
        "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\n"
    )
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", home / "config"], stderr=log)
    try:
        host_key = " ".join((home / "host.pub").read_text().split()[:2])
        _until(lambda: "listening" in (home / "log").read_text(), process, home / "log")
        yield SshServer(port, user, host_key, home / "client")
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(scope="session")
def mesh_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sandbox needs other versions of packages that the hub has too, so that it gets an environment of its own."""
    if not UV.exists():
        pytest.skip("uv is not in this environment; `make` puts it there")
    home = tmp_path_factory.mktemp("mesh")
    python = home / "venv/bin/python"
    quiet: dict[str, Any] = {"capture_output": True, "text": True, "check": True}
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, home / "venv"], **quiet)
    lock = ROOT / "locks/mesh_sandbox.txt"
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock], **quiet)
    port = free_port()
    given = {"AUTH_MODE": "full", "SHARED_KEY": "TestKey", "STORE_MODE": "memory", "PATH": os.environ["PATH"]}
    command = [python, "-m", "uvicorn", "mesh_sandbox.api:app", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, env=given, cwd=home, stdout=log, stderr=subprocess.STDOUT)
    try:
        _until(lambda: _answers(f"http://127.0.0.1:{port}/health"), process, home / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _until(is_up: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 40
    while not is_up():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.fixture(params=["folder", "sftp", "s3", "mesh"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty route of each kind in turn."""
    return make_place(request.param, request, tmp_path, monkeypatch)


@pytest.fixture(params=["folder", "sftp", "s3"])
def file_place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty route of each kind that carries single files."""
    return make_place(request.param, request, tmp_path, monkeypatch)


def make_place(kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root = tmp_path / "outbox"
    root.mkdir()
    if kind == "sftp":
        return Sftp(root, request.getfixturevalue("ssh_server"))
    if kind == "s3":
        monkeypatch.setenv("TEST_S3_ACCESS", "hub")
        monkeypatch.setenv("TEST_S3_SECRET", "made-up")
        return Bucket(request.getfixturevalue("s3_address"), f"agency-{tmp_path.name.replace('_', '-')[:40].lower()}")
    if kind == "mesh":
        monkeypatch.setenv("TEST_MESH_PASSWORD", "password")
        monkeypatch.setenv("TEST_MESH_SHARED_KEY", "TestKey")
        found = Mesh(request.getfixturevalue("mesh_address"), tmp_path)
        with found._client("X26ABC1") as client:
            for message in client.list_messages():
                client.acknowledge_message(message)
        return found
    return Folder(root)


@dataclass
class Routed:
    """A hub whose agency `planning` sends by a route, from folders that it seals at its own desk."""

    area: Area
    place: Place
    outbox: Path = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = self.area.desk / "sealed"
        self.use(self.place.route)

    def use(self, route: Route, agency: str = "planning") -> None:
        senders = self.area.registry.agencies
        senders[agency] = senders[agency].model_copy(update={"route": route})

    def sealed(self, places: int = 40, **changes: Any) -> Path:
        return self.area.capacity(places, out=self.outbox, **changes)

    def fetch(self, *agencies: str) -> list[str]:
        return routes.fetch(self.area.settings, self.area.registry, agencies or ["planning"])

    def take(self) -> list[str]:
        """What a pull does: fetch, then receive all that is found; the outcomes' states."""
        self.fetch()
        return [self.area.receive(folder).state for folder in self.area.find("planning")]

    def counts(self) -> dict[str, int]:
        """Of the last look at the route."""
        row = self.area.connection.execute(
            "SELECT counts FROM ops.run WHERE stage = 'fetch' ORDER BY run_key DESC LIMIT 1"
        ).fetchone()
        return {name: count for name, count in (row[0] if row else {}).items() if count}

    def landed(self) -> list[str]:
        return sorted(path.name for path in (self.area.settings.landing / "planning").glob("*"))


@pytest.fixture
def routed(area: Area, place: Place, monkeypatch: pytest.MonkeyPatch) -> Routed:
    monkeypatch.setattr(routes, "PAUSES_SECONDS", ())
    return Routed(area, place)


@pytest.fixture
def by_files(area: Area, file_place: Place, monkeypatch: pytest.MonkeyPatch) -> Routed:
    monkeypatch.setattr(routes, "PAUSES_SECONDS", ())
    return Routed(area, file_place)
