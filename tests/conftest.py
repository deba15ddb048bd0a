"""Fixtures for every room: a real PostgreSQL, a fresh migrated database per test, the sample files."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.local import postgres
from pipelines.settings import Settings

TEMPLATE = "migrated_template"


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """The embedded PostgreSQL with all roles, in a folder of its own; fast, and gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="joint-needs-tests-", dir="/tmp"))
    home.chmod(0o755)
    settings = Settings(home=home)
    try:
        found = postgres.ensure_running(settings, durable=False)
        _create(found, TEMPLATE)
        with connect(Settings(home=home, database_url=found.url("joint_needs", TEMPLATE))) as connection:
            migrate(connection)
        yield found
    finally:
        postgres.remove(settings)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database(server: postgres.Server, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a hub of its own: an empty home folder and a fresh, migrated database."""
    with fresh(server, tmp_path) as settings:
        yield settings


@contextmanager
def fresh(server: postgres.Server, home: Path) -> Iterator[Settings]:
    """As `database`, for a fixture that many tests share."""
    name = f"test_{secrets.token_hex(6)}"
    _create(server, name, TEMPLATE)
    yield Settings(home=home, database_url=server.url("joint_needs", name), environment="test")
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database(server: postgres.Server, tmp_path: Path) -> Iterator[Settings]:
    """As `database`, before any migration."""
    name = f"test_{secrets.token_hex(6)}"
    _create(server, name)
    yield Settings(home=tmp_path, database_url=server.url("joint_needs", name), environment="test")
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connection(database: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection to `database`."""
    with connect(database) as found:
        yield found


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of sample files kept outside the project: beside it, or where JOINT_NEEDS_SHARED says."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    found = Path(os.environ.get("JOINT_NEEDS_SHARED", beside))
    if not found.is_dir():
        pytest.skip(f"no sample files at {found}; set JOINT_NEEDS_SHARED")
    return found


def _create(server: postgres.Server, name: str, template: str = "template1") -> None:
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER joint_needs STRATEGY FILE_COPY")
        admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        admin.execute(
            f"GRANT CONNECT ON DATABASE {name} TO loader, linker, analyst, commissioner, commissioner_exact, publisher"
        )
