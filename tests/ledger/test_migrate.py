"""Migrations: empty to newest, twice is nothing, never in halves, and no history rewritten."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.errors import SystemFault
from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.local import postgres
from pipelines.settings import Settings, shipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped migrations and grants, to be changed."""
    copy = tmp_path / "sql"
    for name in ("migrations", "derived", "grants", "comments"):
        shutil.copytree(shipped("sql") / name, copy / name)
    return copy


def _add(folder: Path, text: str, name: str = "what_it_does") -> Path:
    number = len(list((folder / "migrations").glob("*.sql"))) + 1
    path = folder / "migrations" / f"{number:04d}_{name}.sql"
    path.write_text(text)
    return path


def _schemas(connection: psycopg.Connection[Any]) -> set[str]:
    found = {row[0] for row in connection.execute("SELECT nspname FROM pg_namespace")}
    connection.rollback()
    return found


def test_empty_to_newest_and_twice_is_nothing(empty_database: Settings) -> None:
    names = [path.stem for path in sorted((shipped("sql") / "migrations").glob("*.sql"))]
    with connect(empty_database) as connection:
        assert migrate(connection) == [*names, "grants", "comments"]
        assert {"ops", "link", "core", "mart", "publish"} <= _schemas(connection)
        assert migrate(connection) == []
    with connect(empty_database) as connection:
        assert migrate(connection) == []


def test_a_new_migration_keeps_the_data(database: Settings, folder: Path) -> None:
    _add(folder, "ALTER TABLE ops.run ADD COLUMN seen boolean NOT NULL DEFAULT false")
    with connect(database) as connection:
        connection.execute("INSERT INTO ops.run (stage, code_version) VALUES ('receive', '0')")
        connection.commit()
        assert migrate(connection, folder)[-3:] == [_names(folder)[-1], "grants", "comments"]
        assert connection.execute("SELECT stage, seen FROM ops.run").fetchall() == [("receive", False)]


# Everything a reader or a program could tell two databases apart by; the order of columns is nobody's business.
_SHAPE = """
    SELECT 'column', attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull
        || ' ' || coalesce(pg_get_expr(adbin, adrelid), '') || ' ' || coalesce(col_description(attrelid, attnum), '')
    FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE c.relnamespace = ANY(%(schemas)s) AND c.relkind IN ('r', 'v', 'S') AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = ANY(%(schemas)s)
    UNION ALL SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
    WHERE c.relnamespace = ANY(%(schemas)s)
    UNION ALL SELECT 'view', oid::regclass || ' ' || pg_get_viewdef(oid) FROM pg_class
    WHERE relnamespace = ANY(%(schemas)s) AND relkind = 'v'
    UNION ALL SELECT 'function', pg_get_functiondef(oid) || coalesce(proacl::text, '')
    FROM pg_proc WHERE pronamespace = ANY(%(schemas)s)
    UNION ALL SELECT 'table', oid::regclass || ' ' || coalesce(obj_description(oid), '') || coalesce(relacl::text, '')
    FROM pg_class WHERE relnamespace = ANY(%(schemas)s) AND relkind IN ('r', 'v', 'S')
"""


def _shape(connection: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    """What there is in all schemas of ours, in words."""
    schemas = connection.execute(
        "SELECT array_agg(oid) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    ).fetchone()[0]  # type: ignore[index]
    found = set(connection.execute(_SHAPE, {"schemas": schemas}).fetchall())  # type: ignore[call-overload]
    connection.rollback()
    return found


def _as_it_was(folder: Path, count: int) -> Path:
    """The folder when there were so many migrations; what followed them then asked for no more than there was."""
    for path in sorted((folder / "migrations").glob("*.sql"))[count:]:
        path.unlink()
    for name in ("derived", "grants"):
        for path in (folder / name).glob("*.sql"):
            path.unlink()
    return folder


def test_a_database_with_data_of_an_earlier_release_becomes_the_same(
    database: Settings, empty_database: Settings, folder: Path
) -> None:
    """Rows of an earlier release are there after the last, and two ways of arriving end in one place."""
    with connect(empty_database) as connection:
        assert len(migrate(connection, _as_it_was(folder, 8))) == 8 + 2
        connection.execute(
            """INSERT INTO ops.submission (submission, agency_code, dataset_code, period, period_start, period_end,
                   sequence, state, manifest_sha256, content_sha256, contract_hash, manifest, accepted_at)
               VALUES ('a/b/2025/1', 'a', 'b', '2025', '2025-01-01', '2025-12-31', 1, 'integrated', '', '', '', '{}',
                   '2026-01-01')"""
        )
        connection.execute("INSERT INTO ops.snapshot SELECT submission_key, 't', 'p', 'h', 1 FROM ops.submission")
        connection.execute("INSERT INTO core.sen_status VALUES ('a', 'b', 'r', NULL, 1, 'K', '2025-01-16')")
        connection.execute(
            """INSERT INTO ops.refresh (as_of, submissions, conformed, changed, code_version, finished_at)
               VALUES ('2026-01-02', '{1}', '{}', '{}', '0', '2026-01-02')"""
        )
        connection.commit()
        assert migrate(connection) == [*_names(shipped("sql"))[8:], "grants", "comments"]
        assert connection.execute("SELECT status_code FROM core_known.sen_status").fetchall() == [("K",)]
        assert connection.execute("SELECT recorded_at = finished_at FROM ops.refresh").fetchall() == [(True,)]
        query = "SELECT state, replaced_at = 'infinity' FROM ops.snapshot JOIN ops.submission USING (submission_key)"
        assert connection.execute(query).fetchall() == [("integrated", True)]
        connection.rollback()
        stepwise = _shape(connection)
    with connect(database) as connection:
        assert _shape(connection) == stepwise


def test_a_squashed_state_equals_the_migrated_one(database: Settings, empty_database: Settings) -> None:
    """The newest shape as one dump, run as one script: `migrate` takes it for its own, and it is the same."""
    options = ["--schema-only", "--no-owner", "--no-privileges", "--exclude-schema=core_known"]
    dump = subprocess.run(
        [str(postgres.program("pg_dump") or "pg_dump"), *options, str(database.database_url)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    script = "\n".join(
        line for line in dump.splitlines() if not line.startswith(("\\", "SET ", "SELECT pg_catalog.set"))
    )
    with connect(database) as connection:
        names = connection.execute("SELECT name, checksum FROM ops.schema_migration WHERE name ~ '^[0-9]'").fetchall()
        connection.rollback()
        migrated = _shape(connection)
    with connect(empty_database) as connection:
        connection.execute("SET check_function_bodies = false")
        connection.execute(script)  # type: ignore[call-overload]
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO ops.schema_migration VALUES (%s, %s)", names)
        connection.commit()
        assert migrate(connection) == ["grants", "comments"]
        assert _shape(connection) == migrated


def test_history_follows_what_a_migration_does_to_core(database: Settings, folder: Path) -> None:
    """A column that is added, one whose type changes, a table that is new: nobody has to think of the past."""
    with connect(database) as connection:
        connection.execute(
            """INSERT INTO core_history.capacity (provider_urn, year, recorded_from, recorded_to)
               VALUES ('100001', 2025, '2026-01-01', '2026-01-02')"""
        )
        connection.commit()
        change = "ALTER TABLE core.capacity ADD COLUMN note text, ALTER COLUMN year TYPE bigint;"
        _add(folder, change + "CREATE TABLE core.extra (a text PRIMARY KEY)")
        migrate(connection, folder)
        connection.execute("SET joint_needs.as_known_at = '2026-01-01 12:00'")
        query = "SELECT provider_urn, year, note FROM core_known.capacity"
        assert connection.execute(query).fetchall() == [("100001", 2025, None)]
        assert connection.execute("SELECT * FROM core_known.extra").fetchall() == []


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "migrations").glob("*.sql"))


def test_a_changed_migration_is_a_fault(database: Settings, folder: Path) -> None:
    path = folder / "migrations" / "0002_link.sql"
    path.write_text(path.read_text() + "-- one more word\n")
    with connect(database) as connection, pytest.raises(SystemFault, match="0002_link was changed after it ran"):
        migrate(connection, folder)


def test_a_database_newer_than_the_program_is_a_fault(database: Settings, folder: Path) -> None:
    added = _add(folder, "SELECT 1")
    with connect(database) as connection:
        migrate(connection, folder)
        added.unlink()
        with pytest.raises(SystemFault, match="this version does not know: update the program"):
            migrate(connection, folder)


def test_numbers_rise_without_gaps_or_doubles(database: Settings, folder: Path) -> None:
    (folder / "migrations" / "0099_late.sql").write_text("SELECT 1")
    with connect(database) as connection, pytest.raises(SystemFault, match="without gaps"):
        migrate(connection, folder)
    (folder / "migrations" / "0099_late.sql").rename(folder / "migrations" / "late.sql")
    with connect(database) as connection, pytest.raises(SystemFault, match="a migration is named like"):
        migrate(connection, folder)


def test_a_failing_migration_leaves_nothing_of_itself(empty_database: Settings, folder: Path) -> None:
    _add(folder, "CREATE SCHEMA half; SELECT 1 / 0")
    with connect(empty_database) as connection:
        before = _schemas(connection)
        with pytest.raises(SystemFault, match="left as it was: division by zero"):
            migrate(connection, folder)
        assert _schemas(connection) == before
        assert migrate(connection)


def test_not_inside_somebody_elses_transaction(database: Settings) -> None:
    with connect(database) as connection:
        connection.execute("SELECT 1")
        with pytest.raises(SystemFault, match="not inside a transaction"):
            migrate(connection)


def test_two_at_once_apply_each_migration_once(empty_database: Settings) -> None:
    applied: list[list[str]] = []

    def run() -> None:
        with connect(empty_database) as connection:
            applied.append(migrate(connection))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, len(_names(shipped("sql"))) + 2]


def test_changed_grants_are_applied_again(database: Settings, folder: Path) -> None:
    with connect(database, role="commissioner") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT count(*) FROM core.person")
    path = folder / "grants" / "30_commissioner.sql"
    path.write_text(
        path.read_text() + "SELECT pg_temp.grant_to('commissioner', 'USAGE ON SCHEMA core');\n"
        "SELECT pg_temp.grant_to('commissioner', 'SELECT ON core.person');\n"
    )
    with connect(database) as connection:
        assert migrate(connection, folder) == ["grants"]
        with connect(database, role="commissioner") as reader:
            assert reader.execute("SELECT count(*) FROM core.person").fetchone() == (0,)
        assert migrate(connection) == ["grants"]
    with connect(database, role="commissioner") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT count(*) FROM core.person")


def test_an_owner_who_may_not_make_roles_can_migrate(server: postgres.Server, empty_database: Settings) -> None:
    """On a server of somebody else's without the readers' roles: everything works, and nobody is let in."""
    name = str(empty_database.database_url).rpartition("/")[2]
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS plain_owner")
        admin.execute("CREATE ROLE plain_owner LOGIN PASSWORD 'for-this-test-only'")
        admin.execute(f"ALTER DATABASE {name} OWNER TO plain_owner")
        admin.execute("ALTER ROLE linker RENAME TO linker_away")
    try:
        address = f"postgresql://plain_owner:for-this-test-only@127.0.0.1:{server.port}/{name}"
        settings = Settings(home=empty_database.home, database_url=address)
        with connect(settings) as connection:
            assert migrate(connection)[-1] == "comments"
            assert migrate(connection) == []
        with connect(settings, role="linker") as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("plain_owner",)
    finally:
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute("ALTER ROLE linker_away RENAME TO linker")
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain_owner' AND datname = %s",
                (name,),
            )
        with psycopg.connect(server.url("postgres", name), autocommit=True) as admin:
            admin.execute("REASSIGN OWNED BY plain_owner TO joint_needs")
            admin.execute("DROP OWNED BY plain_owner")
            admin.execute("DROP ROLE plain_owner")
