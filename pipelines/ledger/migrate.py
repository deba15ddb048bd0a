"""Brings a database to the newest shape: numbered, forward-only, checksummed migrations, then what follows from them.

A migration that ran is never edited; what it did wrong, a later one mends. What follows (what is derived from core's
tables, such as their history, with the grants; then the comments) is one idempotent whole each and is applied again
whenever it or the migrations changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipelines.errors import SystemFault
from pipelines.ledger import comments
from pipelines.settings import shipped

_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
# The views that are derived from core, by the files that make them.
_VIEW = re.compile(r"CREATE VIEW (core\.[a-z_]+) AS")
# What follows the migrations, and stands among them in ops.schema_migration.
WHOLES = ("grants", "comments")
# Any constant that nobody else on the server uses.
_LOCK = 7_314_159_265
RECORD = """CREATE TABLE IF NOT EXISTS ops.schema_migration (
    name       text PRIMARY KEY,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


def migrate(connection: psycopg.Connection[Any], folder: Path | None = None) -> list[str]:
    """Apply what is missing, all in one transaction; returns the names of what was applied, and commits.

    Two processes at once are safe: the second waits and finds nothing to do. folder: the folder that holds
    `migrations/`, `derived/` and `grants/`, by default the one shipped. Raises SystemFault where a migration that ran
    was changed or has disappeared, where one fails, or where the connection is inside a transaction.
    """
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise SystemFault("migrate needs a connection that is not inside a transaction")
    root = folder or shipped("sql")
    files, wholes = _read(root)
    try:
        with connection.transaction():
            if not _pending(connection, files, wholes):
                return []
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            pending = _pending(connection, files, wholes)
            if pending and pending[0] in files:  # views of the past would keep a migration from changing what they read
                views = ", ".join(_VIEW.findall("\n".join(wholes["grants"])))
                drop = "DROP SCHEMA IF EXISTS core_as_of, core_known CASCADE; DROP VIEW IF EXISTS "
                connection.execute(drop + (views or "core.none"))  # type: ignore[call-overload]
            for name in pending:
                texts = wholes[name] if name in wholes else [files[name]]
                if name == "comments":
                    comments.apply(connection, comments.read(root))
                else:
                    for text in texts:
                        connection.execute(text)  # type: ignore[call-overload]
                _record(connection, name, [*texts, _shape(connection)] if name in wholes else texts)
            return pending
    except psycopg.Error as error:
        said = error.diag.message_primary or "the database went away"
        raise SystemFault(f"the database could not be migrated and was left as it was: {said}") from error


def known() -> dict[str, str]:
    """The shipped migrations: name -> checksum."""
    return {name: _checksum([text]) for name, text in _read(shipped("sql"))[0].items()}


def rebuild(connection: psycopg.Connection[Any], names: Collection[str]) -> None:
    """Drop everything and run some of the shipped migrations, with what is derived from core; `migrate` then grants.

    It happens in the caller's transaction.
    names: the first so many. Every schema that this user owns goes, whatever is in it.
    """
    owned = connection.execute(
        """SELECT nspname FROM pg_namespace
           WHERE nspowner = to_regrole(current_user::text) AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'public'"""
    ).fetchall()
    for (schema,) in owned:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    for name, text in _read(shipped("sql"))[0].items():
        if name in names:
            connection.execute(text)  # type: ignore[call-overload]
            _record(connection, name, [text])
    for path in sorted((shipped("sql") / "derived").glob("*.sql")):
        connection.execute(path.read_text())  # type: ignore[call-overload]


def _shape(connection: psycopg.Connection[Any]) -> str:
    """The tables and columns of core: grants and comments follow them, so that a table that a refresh made has both."""
    row = connection.execute(
        """SELECT coalesce(string_agg(c.relname || '.' || a.attname, ' ' ORDER BY c.relname, a.attnum), '')
           FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           WHERE c.relnamespace = to_regnamespace('core') AND c.relkind IN ('r', 'p', 'v')"""
    ).fetchone()
    return str(row[0]) if row else ""


def _record(connection: psycopg.Connection[Any], name: str, texts: list[str]) -> None:
    connection.execute(RECORD)
    connection.execute(
        """INSERT INTO ops.schema_migration (name, checksum) VALUES (%s, %s)
           ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = clock_timestamp()""",
        (name, _checksum(texts)),
    )


def _read(folder: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Migrations by name in order, and the texts of what is applied as a whole after them."""
    paths = sorted((folder / "migrations").glob("*.sql"))
    numbers = []
    for path in paths:
        found = _NAME.fullmatch(path.name)
        if not found:
            raise SystemFault(f"{path.name}: a migration is named like 0004_what_it_does.sql")
        numbers.append(int(found[1]))
    if numbers != list(range(1, len(numbers) + 1)):
        raise SystemFault(f"migrations must be numbered 1, 2, 3 without gaps or doubles; found {numbers}")
    parts = {"grants": [("derived", "*.sql"), ("grants", "*.sql")], "comments": [("comments", "*")]}
    wholes = {
        whole: [path.read_text() for name, form in places for path in sorted((folder / name).glob(form))]
        for whole, places in parts.items()
    }
    return {path.stem: path.read_text() for path in paths}, {
        name: texts for name, texts in wholes.items() if texts or name == "grants"
    }


def _pending(connection: psycopg.Connection[Any], files: dict[str, str], wholes: dict[str, list[str]]) -> list[str]:
    """Names not yet applied, grants and comments last; refuses a history that differs from the files."""
    there = connection.execute("SELECT to_regclass('ops.schema_migration') IS NOT NULL").fetchone()
    applied = (
        dict(connection.execute("SELECT name, checksum FROM ops.schema_migration").fetchall())
        if there and there[0]
        else {}
    )
    whole = {name: applied.pop(name, None) for name in WHOLES}
    shape = _shape(connection)
    for name, checksum in applied.items():
        if name not in files:
            raise SystemFault(
                f"the database has had migration {name}, which this version does not know: update the program"
            )
        if _checksum([files[name]]) != checksum:
            raise SystemFault(f"migration {name} was changed after it ran: put it back and write a new one")
    pending = [name for name in files if name not in applied]
    if pending and applied and pending[0] < max(applied):
        raise SystemFault(f"migration {pending[0]} is older than what already ran: number it after {max(applied)}")
    return [*pending, *(name for name, texts in wholes.items() if pending or whole[name] != _checksum([*texts, shape]))]


def _checksum(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
