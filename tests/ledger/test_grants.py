"""Who may read and write what: every role against every schema, as that role really logs in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.errors import UsageFault
from pipelines.integrate import partnership
from pipelines.ledger import logins as room
from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.local import postgres
from pipelines.settings import Settings

PROBES = ("ops.submission", "link.crosswalk", "core.person", "mart.probe", "partnership.probe", "publish.probe")
# r read, w write; everything else is refused. The linker has the ledger by column, the analyst core: see below.
MATRIX = {
    "loader": {"ops.submission": "rw", "core.person": "rw", "mart.probe": "rw"},
    "linker": {"link.crosswalk": "rw"},
    "analyst": {"mart.probe": "r", "partnership.probe": "r"},
    "commissioner": {"partnership.probe": "r"},
    "commissioner_exact": {"mart.probe": "r", "partnership.probe": "r"},
    "publisher": {"mart.probe": "r", "publish.probe": "rw"},
}
SEEN = """
title: Seen
comment: For a test
grain: an area
key: [geographic_level, area_code]
owner: nobody
base: none
disclosure: count
open: [base_count]
sums: [[children_count, met_count, unmet_count]]
columns:
  geographic_level: {type: text, comment: Level}
  area_code: {type: text, comment: Area}
  met_count: {type: integer, comment: Met}
  unmet_count: {type: integer, comment: Unmet}
  children_count: {type: integer, comment: All}
  unmet_pct: {type: numeric, comment: Share}
  met_pct: {type: numeric, of: [met_count, children_count], comment: Share}
  base_count: {type: integer, comment: Whom the share is of}
"""
PAGE = Path(__file__).parents[2] / "docs" / "who-sees-what.md"


@pytest.fixture
def logins(server: postgres.Server, database: Settings) -> Iterator[dict[str, psycopg.Connection[Any]]]:
    """A real login of each role to one database, in which the owner made marts after the grants."""
    name = str(database.database_url).rpartition("/")[2]
    with connect(database) as owner:
        owner.execute("CREATE TABLE mart.probe (a integer)")
        owner.execute("CREATE TABLE partnership.probe (a integer)")
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


def test_nobody_writes_large_objects(logins: dict[str, psycopg.Connection[Any]], server: postgres.Server) -> None:
    """They are in no schema, no audited class and no place that an erasure searches."""
    writes = ("lo_creat(1)", "lo_create(0)", "lo_from_bytea(0, 'x')", "lo_put(1, 0, 'x')", "lo_open(1, 131072)",
              "lowrite(0, 'x')", "lo_unlink(1)")  # fmt: skip
    name = logins["analyst"].info.dbname
    with psycopg.connect(server.url("joint_needs", name), autocommit=True) as owner:
        for role, login in {**logins, "joint_needs": owner}.items():
            for write in writes:
                assert not _may(login, f"SELECT {write}"), f"{role}: {write}"
    for database in ("joint_needs", "airflow"):
        with psycopg.connect(server.url("postgres", database)) as admin:
            left = """SELECT proname FROM pg_proc WHERE proname ~ '^lo(_|read|write)'
                      AND has_function_privilege('analyst', oid, 'EXECUTE')"""
            assert admin.execute(left).fetchall() == []
    for other in ("postgres", "template1", "airflow"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(server.url("analyst", other))


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
    ("role", "may"),
    [("analyst", True), ("commissioner", False), ("commissioner_exact", True), ("publisher", True), ("linker", False)],
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


def page() -> dict[str, list[tuple[str, str]]]:
    """Role -> lines of the page: pattern of an object, what the role may do with it."""
    of_columns = PAGE.read_text().split("## Whose rows")[0]
    lines = [line.strip("|").split("|") for line in of_columns.splitlines() if line.startswith("| ")]
    head = [cell.strip() for cell in lines[0]]
    rows = [[cell.strip().strip("`") for cell in line] for line in lines[1:]]
    return {role: [(row[0], row[at].strip("-")) for row in rows] for at, role in enumerate(head) if at}


def told(lines: list[tuple[str, str]], schema: str, table: str, column: str, is_about_people: bool) -> str:
    """What the page says of a column: its last line that fits."""
    found = ""
    for pattern, may in lines:
        of_schema, of_table, of_column = pattern.split(".")
        fits_table = is_about_people if of_table == "<people>" else fnmatchcase(table, of_table)
        names = of_column.strip("{}").split(",")
        if fnmatchcase(schema, of_schema) and fits_table and any(fnmatchcase(column, name) for name in names):
            found = may
    return found


def test_every_column_is_as_the_page_says(logins: dict[str, psycopg.Connection[Any]], database: Settings) -> None:
    """Role by role, object by object, column by column; a history table that a refresh makes is covered as well."""
    with connect(database) as owner:
        owner.execute("CREATE TABLE core.made_later (LIKE core.referral)")
        owner.commit()
        assert migrate(owner) == ["grants", "comments"]
        assert migrate(owner) == []
        columns = owner.execute(
            """SELECT n.nspname, c.relname, a.attname, bool_or(a.attname IN ('person_key', 'record_pseudonym'))
                   OVER (PARTITION BY c.oid), c.oid
               FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
               JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT LIKE 'pg\\_%'
                 AND n.nspname <> 'information_schema' AND has_schema_privilege(c.relnamespace, 'USAGE')"""
        ).fetchall()
        assert {"core", "link", "ops", "mart", "partnership", "publish"} <= {row[0] for row in columns}
        wrong = []
        for role, lines in page().items():
            for schema, table, column, is_about_people, oid in columns:
                query = """SELECT concat(
                    CASE WHEN has_column_privilege(%(r)s, %(t)s::oid, %(c)s, 'SELECT') THEN 'r' END,
                    CASE WHEN has_column_privilege(%(r)s, %(t)s::oid, %(c)s, 'INSERT') THEN 'i' END,
                    CASE WHEN has_column_privilege(%(r)s, %(t)s::oid, %(c)s, 'UPDATE') THEN 'u' END,
                    CASE WHEN has_table_privilege(%(r)s, %(t)s::oid, 'DELETE') THEN 'd' END)"""
                actual = owner.execute(query, {"r": role, "t": oid, "c": column}).fetchall()[0][0]
                if actual != (expected := told(lines, schema, table, column, is_about_people)):
                    wrong.append(f"{role} {schema}.{table}.{column}: {actual or '-'}, not {expected or '-'}")
        assert wrong == []


def test_a_named_person_sees_whole_counts_of_own_areas_only(
    server: postgres.Server, database: Settings, tmp_path: Path
) -> None:
    name = str(database.database_url).rpartition("/")[2]
    (tmp_path / "seen").mkdir()
    (tmp_path / "seen" / "mart.yaml").write_text(SEEN)
    with connect(database) as owner, psycopg.connect(server.url("postgres", name)) as admin:
        owner.execute("CREATE SCHEMA IF NOT EXISTS mart")
        owner.execute(
            """INSERT INTO core.geography VALUES ('E1', 'a', 'W1', 'w', 'MS', 'South', 1, 1),
                   ('E2', 'b', 'W2', 'x', 'NP', 'North', 2, 1);
               CREATE TABLE mart.seen (geographic_level text, area_code text, met_count integer, unmet_count integer,
                   children_count integer, unmet_pct numeric, met_pct numeric,
                   base_count integer, PRIMARY KEY (geographic_level, area_code));
               INSERT INTO mart.seen VALUES ('area', 'ALL', 90, 10, 100, 10, 90, 900),
                   ('health_place', 'MS', 7, 3, 10, 30, 70, 8), ('health_place', 'NP', 40, 0, 40, 0, 100, 4),
                   ('ward', 'W1', 6, 2, 8, 25, 75, 80), ('ward', 'W2', 20, 9, 29, 31, 69, 90)"""
        )
        partnership.share(owner, date(2026, 3, 10), ["seen"], tmp_path)
        owner.execute("UPDATE mart.seen SET met_count = met_count + 1, children_count = children_count + 1")
        partnership.share(owner, date(2026, 3, 20), ["seen"], tmp_path)
        owner.commit()
        query = "SELECT area_code, to_jsonb(s) - 'geographic_level' - 'area_code' FROM partnership.seen AS s"
        shown = dict(owner.execute(query).fetchall())
        left = {"met_count": None, "unmet_count": None, "unmet_pct": None, "met_pct": None}
        assert shown["MS"] == left | {"children_count": 11, "base_count": 8}, (
            "one more is left out, or the rest adds up to it; and what is worked out of either"
        )
        assert shown["NP"]["unmet_count"] == 0 and shown["NP"]["base_count"] is None
        assert shown["NP"]["unmet_pct"] is None and shown["NP"]["met_pct"] == 100, "both of its counts are there"
        assert shown["ALL"]["met_count"] == 91
        assert shown["W2"]["met_count"] == 20, "a ward stands still for the month"
        partnership.share(owner, date(2026, 4, 2), ["seen"], tmp_path)
        owner.commit()
        assert owner.execute("SELECT met_count FROM partnership.seen WHERE area_code = 'W2'").fetchone() == (21,)

        given = {"by": "A. Officer", "reason": "joint commissioning lead", "out": tmp_path / "login"}
        login = f"j.smith.{name[-6:]}"
        address = str(database.database_url)
        with pytest.raises(UsageFault, match="why"):
            room.make(admin, address, login, "commissioner", **{**given, "reason": " "})
        with pytest.raises(UsageFault, match="cannot be given"):
            room.make(admin, address, login, "commissioner", beside=["analyst_lsoa"], **given)
        room.make(admin, address, login, "commissioner", areas=["MS"], **given)
        assert (tmp_path / "login").stat().st_mode & 0o777 == 0o600
        password = re.findall(":([^:@]+)@", (tmp_path / "login").read_text())[0]
        assert password not in str(owner.execute("SELECT l::text FROM ops.login AS l").fetchall())
        try:
            with psycopg.connect((tmp_path / "login").read_text().strip(), autocommit=True) as person:
                seen = "SELECT area_code FROM partnership.seen ORDER BY 1"
                assert person.execute(seen).fetchall() == [("ALL",), ("MS",), ("W1",)]
                person.execute("SET ROLE commissioner")
                assert person.execute(seen).fetchall() == [("ALL",), ("MS",), ("W1",)]
                assert not _may(person, "SELECT * FROM mart.seen")
                assert person.execute("SHOW statement_timeout").fetchone() == ("2min",)
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    person.execute("CREATE TEMP TABLE mine (a integer)")
                person.execute("RESET ROLE")
                person.execute("SET default_transaction_read_only = off")
                assert not _may(person, "SELECT lo_from_bytea(0, 'kept')")
            with psycopg.connect(server.url("postgres", name), autocommit=True) as superuser:
                # As one may have been left on a server made before that was forbidden.
                number = superuser.execute("SELECT lo_from_bytea(0, 'kept')").fetchone()[0]  # type: ignore[index]
                superuser.execute(f'ALTER LARGE OBJECT {number} OWNER TO "{login}"')  # type: ignore[call-overload]
            with psycopg.connect(server.url("loader", name), autocommit=True) as loader:
                loader.execute("INSERT INTO mart.seen (geographic_level, area_code) VALUES ('ward', 'W9')")
                assert loader.execute("DELETE FROM mart.seen WHERE area_code = 'W9'").rowcount == 1
            with connect(database, "commissioner") as role:
                assert len(role.execute("SELECT 1 FROM partnership.seen").fetchall()) == 5
        finally:
            room.end(admin, login, by="A. Officer")
        assert room.listed(owner) == []
        assert owner.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,), "nor keeps the login"
        with pytest.raises(UsageFault, match="no login"):
            room.end(admin, login, by="A. Officer")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect((tmp_path / "login").read_text().strip())
