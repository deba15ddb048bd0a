"""Connections to the warehouse: the embedded server, or the one that JOINT_NEEDS_DATABASE_URL names.

Everyone asks here for a role, never for a user: `owner` loads and migrates; the others, such as `analyst`, see what
sql/grants/ gives them. On the embedded server each is a login of its own. On a server of yours the
address names one user, who takes the role on where the server has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from pipelines.errors import SystemFault
from pipelines.local import postgres
from pipelines.settings import Settings

# A night does not hang on a lock that a forgotten session holds; who set a time on the server or the role keeps it.
_PATIENCE = "SELECT set_config('lock_timeout', '10min', FALSE) WHERE current_setting('lock_timeout') = '0'"


def url(settings: Settings, role: str = "owner", driver: str | None = None) -> str:
    """The address of the database for a role. Holds a password: do not log it.

    role: `owner`, a reader's role, `postgres` (embedded only), or `airflow`: the scheduler's own database, which always
    lies on the embedded server. driver: SQLAlchemy's name of a driver, as in `postgresql+psycopg`.
    """
    if role == "airflow":
        found = postgres.ensure_running(settings).url("airflow", "airflow")
    elif settings.database_url:
        found = settings.database_url
    else:
        found = postgres.ensure_running(settings).url(postgres.WAREHOUSE if role == "owner" else role)
    scheme, _, rest = found.partition("://")
    return f"{scheme.split('+')[0]}{'+' + driver if driver else ''}://{rest}"


def connect(settings: Settings, role: str = "owner") -> psycopg.Connection[Any]:
    """An open connection in `role`, not in autocommit, without a statement timeout.

    Raises SystemFault where the database cannot be reached.
    """
    address = url(settings, role)
    try:
        connection: psycopg.Connection[Any] = psycopg.connect(
            address, application_name="joint-needs", connect_timeout=20, autocommit=True
        )
        connection.execute(f"SET statement_timeout = 0; SET timezone = 'UTC'; {_PATIENCE}")
        if settings.database_url and role != "owner":
            _take_role(connection, role)
    except psycopg.Error as error:
        raise SystemFault(_cannot_reach(settings, error)) from None
    connection.autocommit = False
    return connection


@contextmanager
def maker(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection of whoever may make roles: the superuser of the embedded server, else the user of the address."""
    if settings.database_url:
        found = url(settings)
    else:
        found = postgres.ensure_running(settings).url("postgres", postgres.WAREHOUSE)
    with psycopg.connect(found, application_name="joint-needs", connect_timeout=20) as connection:
        yield connection


@contextmanager
def adbc(settings: Settings) -> Iterator[Any]:
    """An ADBC connection of the owner, for Arrow in and out; not in autocommit, closed without commit on an error."""
    import adbc_driver_postgresql.dbapi as driver

    try:
        connection = driver.connect(url(settings))
    except driver.Error as error:
        raise SystemFault(_cannot_reach(settings, error)) from None
    try:
        yield connection
    finally:
        connection.close()


def _take_role(connection: psycopg.Connection[Any], role: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


def _cannot_reach(settings: Settings, error: Exception) -> str:
    where = "the database of JOINT_NEEDS_DATABASE_URL" if settings.database_url else "the embedded database"
    lines = str(error).strip().splitlines()
    return f"{where} cannot be used: {lines[-1] if lines else type(error).__name__}"
