"""A backup: the warehouse as COPY text, the hub's folders, and a list of all of it under a keyed seal. Without keys.

The hub's keys are copied to another place, by hand or with `--keys`: whoever holds the backup alone can open no token.
The seal is made with the hub's pass key, so a backup is also tied to the keys that its linkage files need.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from pipelines import durable, version
from pipelines.errors import SystemFault, UsageFault
from pipelines.keeping import tables
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.ledger.migrate import WHOLES
from pipelines.ledger.turn import one_at_a_time
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings

FORMAT = 1
LIST, SEAL, DATABASE, FILES = "backup.json", "backup.seal", "database", "files"
Connection = psycopg.Connection[Any]


def folders(settings: Settings) -> dict[str, Path]:
    """The hub's folders that belong to a backup, by their name in it."""
    return {
        "lake": settings.lake,
        "received": settings.received,
        "link": settings.link_store,
        "conformed": settings.conformed,
        "reports": settings.reports,
        "snapshots": settings.snapshots,
    }


def backup(settings: Settings, connection: Connection, out: Path, keys_out: Path | None = None) -> Outcome:
    """Write a backup into the folder `out`, which must be absent or empty; it is there whole or not at all.

    keys_out: a folder, neither in nor around `out`, into which the hub's keys and the journal of erasures are copied.
    No refresh and no erasure runs meanwhile. Raises UsageFault where a folder cannot be used, SystemFault where a file
    that the ledger names is missing.
    """
    _require_free(out)
    keys = HubKeys.load(settings.hub_keys)
    if keys_out is not None:
        _require_free(keys_out)
        one, other = keys_out.resolve(), out.resolve()
        if one.is_relative_to(other) or other.is_relative_to(one):
            raise UsageFault("keys are kept apart from the backup: name another folder with --keys")
    part = out.with_name(f".{out.name}.partial")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    try:
        with recorded_run(connection, "backup", "all") as outcome, one_at_a_time(connection):
            written = _tables(connection, part / DATABASE)
            listed = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "code_version": version(), **written}
            copied = _copy(settings, part / FILES)
            _require_named(connection, copied)
            connection.rollback()
            if HubKeys.load(settings.hub_keys).pass_key != keys.pass_key:
                raise SystemFault("the hub's pass key was changed meanwhile; make the backup again")
            content = json.dumps(listed | {"files": hashes(part)}, indent=1).encode()
            durable.write(part / LIST, content)
            durable.write(part / SEAL, seal_of(keys, content).encode())
            outcome.counts = {"tables": len(written["tables"]), "files": len(copied), "rows": written["rows"]}
        shutil.rmtree(out, ignore_errors=True)
        part.rename(out)
        durable.sync(out.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if keys_out is not None:
        shutil.copytree(settings.hub_keys, keys_out, dirs_exist_ok=True)
        keys_out.chmod(0o700)
    return outcome


def seal_of(keys: HubKeys, content: bytes) -> str:
    """The keyed seal over the list of a backup."""
    return hmac.new(keys.pass_key, b"joint-needs backup v1\0" + content, hashlib.sha256).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder by its path in it, list and seal apart."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (LIST, SEAL)):
        with path.open("rb") as stream:
            found[str(path.relative_to(folder))] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def _require_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageFault(f"{out} is there already; name a folder that is new or empty")


def _tables(connection: Connection, folder: Path) -> dict[str, Any]:
    """Every table of the warehouse as of one moment, compressed; their list, with migrations and sequences."""
    folder.mkdir(mode=0o700)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    found, total = tables.described(connection), 0
    for table in found:
        packed = pa.CompressedOutputStream(str(folder / f"{table['name']}.zst"), "zstd")
        with packed as stream, connection.cursor() as cursor:
            with cursor.copy(tables.copy(table, "TO STDOUT")) as copy:
                for block in copy:
                    stream.write(block)
            total += cursor.rowcount
    for path in folder.iterdir():
        path.chmod(0o600)
        durable.sync(path)
    query = "SELECT name, checksum FROM ops.schema_migration WHERE name <> ALL(%s) ORDER BY name"
    migrations = dict(connection.execute(query, (list(WHOLES),)).fetchall())
    return {"migrations": migrations, "tables": found, "sequences": tables.sequences(connection), "rows": total}


def _copy(settings: Settings, into: Path) -> set[str]:
    """Copy the hub's folders; paths of the files in the backup. What a killed run left unfinished stays behind."""
    copied = set()
    for name, folder in folders(settings).items():
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            inside = path.relative_to(folder)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                target = into / name / inside
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with _gone_meanwhile(path):
                    shutil.copy2(path, target)
                    durable.sync(target)
                    copied.add(f"{name}/{inside}")
    return copied


@contextmanager
def _gone_meanwhile(path: Path) -> Iterator[None]:
    """A file that a withdrawal or a restart took away while it was being copied is left out."""
    try:
        yield
    except FileNotFoundError:
        if os.path.lexists(path):
            raise


def _require_named(connection: Connection, copied: set[str]) -> None:
    rows = Ledger(connection).rows("SELECT DISTINCT path FROM ops.snapshot")
    if lost := [row["path"] for row in rows if f"lake/{row['path']}" not in copied]:
        raise SystemFault(f"{len(lost)} files of the lake that the ledger names are missing; no backup was written")


def write_table(connection: Connection, table: dict[str, Any], file: Path) -> None:
    """Bring a table of a backup into the database, whose table must be empty."""
    with (
        pa.CompressedInputStream(str(file), "zstd") as stream,
        connection.cursor() as cursor,
        cursor.copy(tables.copy(table, "FROM STDIN")) as copy,
    ):
        while block := stream.read(1 << 20):
            copy.write(block)


def set_sequences(connection: Connection, values: dict[str, int]) -> None:
    """Let every sequence go on from where it was."""
    for name, value in values.items():
        connection.execute(
            sql.SQL("SELECT setval({}, %s)").format(sql.Literal(name)),
            (value,),
        )
