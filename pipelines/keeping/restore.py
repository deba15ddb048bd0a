"""A backup brought back. Everything is checked before anything is touched; then files beside, database, files in place.

A restore that was broken off is finished by calling it again: until the folders are exchanged, which comes last, the
copies lie in `.restore`. Then erasures that were done since the backup are done again, from the journal that lies with
the hub's keys.
"""

from __future__ import annotations

import hmac
import json
import shutil
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipelines import durable
from pipelines.errors import SystemFault, UsageFault
from pipelines.keeping import erasure, journal, tables
from pipelines.keeping.backup import (
    DATABASE,
    FILES,
    FORMAT,
    LIST,
    SEAL,
    folders,
    hashes,
    seal_of,
    set_sequences,
    write_table,
)
from pipelines.ledger import Outcome
from pipelines.ledger.migrate import known, migrate, rebuild
from pipelines.ledger.turn import one_at_a_time
from pipelines.receive import suppression
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings

Connection = psycopg.Connection[Any]
_COPIES, _BEFORE = ".restore", ".before"


def restore(
    settings: Settings, connection: Connection, folder: Path, *, keys: Path | None = None, replace: bool = False
) -> list[Outcome]:
    """Bring a backup back into this hub; outcomes of the restore and of the erasures done again.

    keys: a copy of the hub's keys; a hub that has them takes from it what its journal lacks. replace: whether what the
    hub has may go.

    Raises SystemFault where the backup is not whole, was changed, or was made under other keys or by another version;
    UsageFault where the hub has data and replace is not given. Then nothing was touched.
    """
    listed = check(settings, folder, keys or settings.hub_keys)
    if not replace and not (settings.home / _COPIES).exists() and _has_data(settings, connection):
        raise UsageFault("this hub has data; say --replace to put the backup in its place, for good")
    if keys:
        _bring_keys(settings, keys)
    copies = settings.home / _COPIES
    shutil.rmtree(copies, ignore_errors=True)
    shutil.copytree(folder / FILES, copies)
    for path in copies.rglob("*"):
        durable.sync(path)
    with one_at_a_time(connection):
        _database(connection, folder, listed)
        connection.commit()
        _exchange(settings, copies)
    migrate(connection)
    counts = {"tables": len(listed["tables"]), "files": len(listed["files"]) - len(listed["tables"])}
    restored = Outcome("restore", f"backup of {listed['made_at'][:16]}", "success", {**counts, "rows": listed["rows"]})
    restored.notes.append("the next refresh makes the marts anew: joint-needs refresh")
    return [restored, erasure.replay(settings, connection, is_thorough=True)]


def _bring_keys(settings: Settings, keys: Path) -> None:
    """Put a copy of the keys in place where the hub has none; else add what its journal and its list's key lack."""
    mine = settings.hub_keys
    if not mine.exists():
        shutil.copytree(keys, mine)
        mine.chmod(0o700)
        return
    theirs, ours = (folder / suppression.KEY for folder in (keys, mine))
    if HubKeys.load(keys).pass_key != HubKeys.load(mine).pass_key or (
        theirs.exists() and ours.exists() and theirs.read_bytes() != ours.read_bytes()
    ):
        raise UsageFault(
            f"the hub's own keys are not those of {keys}; nothing was touched. Move {mine} away, with its "
            f"{journal.NAME} added to the other"
        )
    if theirs.exists() and not ours.exists():
        durable.write(ours, theirs.read_bytes())
    journal.merge(settings, keys / journal.NAME)


def check(settings: Settings, folder: Path, keys: Path) -> dict[str, Any]:
    """The list of a backup, where it is whole, unchanged, and of these keys and this version. Raises SystemFault."""
    try:
        content, seal = (folder / LIST).read_bytes(), (folder / SEAL).read_text().strip()
    except (OSError, ValueError):
        raise SystemFault(f"{folder} is no backup, or not all of one: {LIST} or {SEAL} is missing") from None
    if not hmac.compare_digest(seal_of(HubKeys.load(keys), content), seal):
        raise SystemFault(
            "the list of the backup was changed since, or the hub's keys are not those it was made with; nothing was "
            "touched. Give the copy of the keys of that day with --keys"
        )
    listed: dict[str, Any] = json.loads(content)
    if listed["format"] != FORMAT:
        raise SystemFault("the backup was made by another version of the program; nothing was touched")
    there = hashes(folder)
    if there != listed["files"]:
        lost, strange = sorted(set(listed["files"]) - set(there)), sorted(set(there) - set(listed["files"]))
        changed = [name for name, sha256 in there.items() if listed["files"].get(name, sha256) != sha256]
        raise SystemFault(
            f"the backup is not what was written: {len(lost)} files missing, {len(changed)} changed, {len(strange)} "
            f"added, such as {(lost + changed + strange)[0]}; nothing was touched"
        )
    if not (listed["migrations"].items() <= known().items()):
        raise SystemFault("the backup has a database that this version does not know: update the program first")
    return listed


def _has_data(settings: Settings, connection: Connection) -> bool:
    there = connection.execute("SELECT to_regclass('ops.submission') IS NOT NULL").fetchall()[0][0]
    rows = connection.execute("SELECT count(*) FROM ops.submission").fetchall()[0][0] if there else 0
    connection.commit()
    return bool(rows) or any(folder.is_dir() and any(folder.iterdir()) for folder in folders(settings).values())


def _database(connection: Connection, folder: Path, listed: dict[str, Any]) -> None:
    """The database as the list says, in the caller's transaction; the last refresh counts as to be done again."""
    try:
        rebuild(connection, list(listed["migrations"]))
        for table in listed["tables"]:
            name = table["name"]
            if not connection.execute("SELECT to_regclass(%s) IS NOT NULL", (_quoted(connection, table),)).fetchall()[
                0
            ][0]:
                schema = sql.Identifier(name.split(".", 1)[0])
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
                for statement in table["make"]:
                    connection.execute(statement)
        names = sql.SQL(", ").join(map(tables.identifier, listed["tables"]))
        connection.execute(sql.SQL("TRUNCATE {}").format(names))
        for table in listed["tables"]:
            # A history that a trigger writes is in the backup itself.
            off, on = (sql.SQL(f"ALTER TABLE {{}} {word} TRIGGER USER") for word in ("DISABLE", "ENABLE"))
            connection.execute(off.format(tables.identifier(table)))
            write_table(connection, table, folder / DATABASE / f"{table['name']}.zst")
            connection.execute(on.format(tables.identifier(table)))
        set_sequences(connection, listed["sequences"])
        connection.execute(
            """UPDATE ops.refresh SET code_version = code_version || '+restored'
               WHERE refresh_key = (SELECT max(refresh_key) FROM ops.refresh)"""
        )
        connection.execute(
            """UPDATE ops.run SET state = 'system_fault', ended_at = clock_timestamp(),
               message = 'ran while the backup was made' WHERE state = 'running'"""
        )
    except psycopg.Error as error:
        place = error.diag.table_name or "no table named"
        raise SystemFault(
            f"the database could not be restored and is as it was ({type(error).__name__}: {place})"
        ) from None


def _quoted(connection: Connection, table: dict[str, Any]) -> str:
    return tables.identifier(table).as_string(connection)


def _exchange(settings: Settings, copies: Path) -> None:
    """Put the copied folders in place of the hub's; again and again where it is broken off, with the same end."""
    before = settings.home / _BEFORE
    shutil.rmtree(before, ignore_errors=True)
    before.mkdir(mode=0o700)
    for name, folder in folders(settings).items():
        if folder.exists():
            folder.rename(before / name)
        if (copies / name).exists():
            (copies / name).rename(folder)
    shutil.rmtree(settings.work, ignore_errors=True)
    shutil.rmtree(before)
    shutil.rmtree(copies)
    durable.sync(settings.home)
