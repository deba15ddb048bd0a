"""Who may read and write what: every role against every schema, as that role really logs in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.settings import Settings

PROBES = ("ops.submission", "link.crosswalk", "core.person", "mart.probe", "publish.probe")
# r read, w write; everything else is refused. The ledger is given to the linker by column: see below.
MATRIX = {
    "linker": {"link.crosswalk": "rw"},
    "analyst": {"core.person": "r", "mart.probe": "r"},
    "commissioner": {"mart.probe": "r"},
    "publisher": {"mart.probe": "r", "publish.probe": "rw"},
}


@pytest.fixture
def logins(server: postgres.Server, database: Settings) -> Iterator[dict[str, psycopg.Connection[Any]]]:
    """A real login of each role to one database, in which the owner made marts after the grants."""
    name = str(database.database_url).rpartition("/")[2]
    with connect(database) as owner:
        owner.execute("CREATE TABLE mart.probe (a integer)")
        owner.execute("CREATE TABLE publish.probe (a integer)")
        owner.execute(
            "CREATE FUNCTION mart.as_it_was() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM mart.probe)"
        )
    opened = {role: psycopg.connect(server.url(role, name), autocommit=True) for role in MATRIX}
    yield opened
    for connection in opened.values():
        connection.close()


def _may(connection: psycopg.Connection[Any], statement: str) -> bool:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


@pytest.mark.parametrize("role", MATRIX)
def test_matrix_of_roles_and_schemas(logins: dict[str, psycopg.Connection[Any]], role: str) -> None:
    login = logins[role]
    assert login.execute("SELECT session_user::text, current_user::text").fetchone() == (role, role)
    for table in PROBES:
        allowed = MATRIX[role].get(table, "")
        assert _may(login, f"SELECT * FROM {table}") is ("r" in allowed), f"{role} reads {table}"
        assert _may(login, f"DELETE FROM {table}") is ("w" in allowed), f"{role} writes {table}"
        schema = table.partition(".")[0]
        assert not _may(login, f"CREATE TABLE {schema}.mine (a integer)"), f"{role} creates in {schema}"
    assert not _may(login, "CREATE TABLE public.mine (a integer)")


def test_linker_sees_of_the_ledger_what_it_needs(logins: dict[str, psycopg.Connection[Any]]) -> None:
    linker = logins["linker"]
    assert _may(linker, "SELECT submission, period_end, sequence, state, accepted_at, manifest FROM ops.submission")
    assert _may(linker, "INSERT INTO ops.run (stage, code_version) VALUES ('link', '0')")
    for refused in (
        "SELECT agreement FROM ops.submission",
        "SELECT * FROM ops.outcome",
        "UPDATE ops.submission SET state = 'accepted'",
    ):
        assert not _may(linker, refused), refused


@pytest.mark.parametrize(
    ("role", "may"), [("analyst", True), ("commissioner", True), ("publisher", True), ("linker", False)]
)
def test_functions_of_marts_made_later(logins: dict[str, psycopg.Connection[Any]], role: str, may: bool) -> None:
    assert _may(logins[role], "SELECT mart.as_it_was()") is may


def test_a_new_role_has_nothing(server: postgres.Server, database: Settings) -> None:
    with psycopg.connect(server.url("postgres", str(database.database_url).rpartition("/")[2])) as admin:
        admin.execute("CREATE ROLE passer_by")
        admin.execute("SET ROLE passer_by")
        for schema in ("ops", "link", "core", "mart", "publish"):
            found = admin.execute("SELECT has_schema_privilege(%s, 'USAGE')", (schema,)).fetchone()
            assert found == (False,), schema
        admin.rollback()


def test_no_reader_becomes_another(logins: dict[str, psycopg.Connection[Any]]) -> None:
    for role, login in logins.items():
        for other in {*MATRIX, "joint_needs", "postgres"} - {role}:
            assert not _may(login, f"SET ROLE {other}"), f"{role} becomes {other}"
