"""Logins of named people, and how much a role may ask at once (sql/grants/roles.yaml).

A login is a member of its role; of the roles of the areas (health places) and sending agencies whose rows it may see,
or of `area_all`; and of what beyond its role it was given by name. Its password is made here, and is written to one
file and nowhere else.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import yaml
from psycopg import sql

from pipelines import durable
from pipelines.errors import UsageFault
from pipelines.ledger import Ledger
from pipelines.settings import shipped

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,40}")
_CODE = re.compile(r"[A-Za-z0-9_]{1,41}")
# Roles by these names decide whose rows a member sees (sql/grants/15_rows.sql).
_OF_ROWS = ("area_", "agency_")


@dataclass(frozen=True)
class Limits:
    """How much a role may ask: time of a statement as PostgreSQL writes it, rows of one answer (0: no limit)."""

    tier: str
    statement_timeout: str
    most_rows: int
    beside: tuple[str, ...]


@cache
def roles() -> dict[str, Limits]:
    """The roles that people may be given."""
    declared = yaml.safe_load((shipped("sql") / "grants" / "roles.yaml").read_text())["roles"]
    return {
        name: Limits(one["tier"], one["statement_timeout"], one["most_rows"], tuple(one.get("with", ())))
        for name, one in declared.items()
    }


def make(
    connection: psycopg.Connection[Any],
    address: str,
    login: str,
    role: str,
    *,
    beside: Sequence[str] = (),
    areas: Sequence[str] = (),
    agencies: Sequence[str] = (),
    by: str,
    reason: str,
    out: Path,
) -> None:
    """Make a login and write its address with the password to `out`, readable by its owner alone. Commits.

    connection: of a user who may make roles. address: of the warehouse, whose user and password are exchanged.
    beside: roles of `with`. areas: codes of health places. agencies: codes of senders, whose facts are seen wherever a
    child lives. Every area where neither is given.

    Raises UsageFault where the name, a role or an area is not possible, `out` exists, or who and why are not said.
    """
    _check(login, role, beside, [*areas, *agencies], by, reason)
    if out.exists():
        raise UsageFault(f"{out} exists; a password is never written over another")
    password = secrets.token_urlsafe(24)
    rows = [*(f"area_{code.lower()}" for code in areas), *(f"agency_{code.lower()}" for code in agencies)]
    member = [role, *beside, *(rows or ["area_all"])]
    try:
        _create(connection, login, password, member, roles()[role])
        connection.execute(
            "INSERT INTO ops.login (login, roles, granted_by, reason) VALUES (%s, %s, %s, %s)",
            (login, member, by.strip(), reason.strip()),
        )
    except psycopg.errors.DuplicateObject:
        connection.rollback()
        raise UsageFault(f"there is a login {login} already; `joint-needs db logout` ends it") from None
    except psycopg.errors.InsufficientPrivilege:
        connection.rollback()
        raise UsageFault(
            "the owner may not make logins; name a superuser in JOINT_NEEDS_DATABASE_URL (docs/runbook/logins.md)"
        ) from None
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    written = urlunsplit(parts._replace(netloc=f"{login}:{password}@{host}"))
    durable.write(out, f"{written}\n".encode())
    connection.commit()


def _check(login: str, role: str, beside: Sequence[str], codes: Sequence[str], by: str, reason: str) -> None:
    if not _NAME.fullmatch(login) or login in roles() or login.startswith(("pg_", *_OF_ROWS)):
        raise UsageFault("a login is a name such as j.smith: small letters, digits, dots, dashes")
    if role not in roles():
        raise UsageFault(f"a login is one of {', '.join(roles())}")
    if strange := sorted(set(beside) - set(roles()[role].beside)):
        raise UsageFault(f"{role} cannot be given {', '.join(strange)}")
    if not all(_CODE.fullmatch(code) for code in codes):
        raise UsageFault("an area is the code of a health place, an agency that of a sender: letters and digits")
    if not by.strip() or not reason.strip():
        raise UsageFault("a login needs the name of who grants it (--by) and why (--reason)")


def _create(
    connection: psycopg.Connection[Any], login: str, password: str, member: Sequence[str], limits: Limits
) -> None:
    name = sql.Identifier(login)
    # A verifier, not the password, so that no log of statements can hold it.
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 10 PASSWORD {}").format(name, verifier))
    for role in member:
        if role.startswith(_OF_ROWS) and not _exists(connection, role):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), name))
    connection.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = {}").format(name, limits.statement_timeout))
    if limits.tier != "public" and limits.most_rows:
        connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(name))


def _exists(connection: psycopg.Connection[Any], role: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone())


def end(connection: psycopg.Connection[Any], login: str, *, by: str) -> None:
    """Take a login away and end its sessions, with whatever the person made; the ledger keeps that it was. Commits."""
    if login not in {row["login"] for row in listed(connection)}:
        raise UsageFault(f"there is no login {login!r}; `joint-needs db logins` lists them")
    name = sql.Identifier(login)
    if _exists(connection, login):
        # First nobody logs in any more, whatever comes between. What is the person's own (a large object) would keep
        # the role.
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(name))
        connection.commit()
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (login,))
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
        connection.execute(sql.SQL("DROP ROLE {}").format(name))
    connection.execute(
        "UPDATE ops.login SET ended_at = clock_timestamp(), ended_by = %s WHERE login = %s AND ended_at IS NULL",
        (by.strip(), login),
    )
    connection.commit()


def listed(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """The logins that there are: who, which roles, by whom, since when, why."""
    return Ledger(connection).rows(
        "SELECT login, roles, granted_by, granted_at, reason FROM ops.login WHERE ended_at IS NULL ORDER BY login"
    )
