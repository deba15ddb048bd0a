"""Core and marts, changed in one transaction: all or nothing.

Changes are staged first, outside of it. Then, in one transaction: every record gets its person of today, core.person
and the areas of the homes follow, the other changes go into core, the marts follow, every mart that changed is checked
and copied for the partnership, the ledger moves on, and a row of `ops.refresh` marks the new state. What core and marts
no longer show goes into their history in the same transaction.

Readers see the old picture until the commit and the new one after it. That row is the only mark there is: a run killed
before the commit changed nothing, one killed after it left only files to tidy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from pipelines import version
from pipelines.conform import state, workspace
from pipelines.conform.shape import CoreTable, core_tables
from pipelines.conform.state import Changes, Next
from pipelines.errors import SystemFault
from pipelines.integrate import areas, core, marts, partnership, persons, staging
from pipelines.ledger import Ledger, Outcome, Submission, recorded_run
from pipelines.ledger.turn import one_at_a_time
from pipelines.registry import Registry
from pipelines.settings import Settings

Connection = psycopg.Connection[Any]
_PERSONS_FOLLOW_FROM = ("geography", "person_record")


@dataclass(frozen=True)
class Work:
    """What is to be integrated: the state conform made, what stands, and the mark of the refresh before.

    day: the day of the picture. as_of: recorded time, None where everything accepted so far counts.
    """

    day: date
    as_of: date | None
    made: Next
    standing: list[Submission]
    mark: dict[str, Any] | None
    crosswalk: str
    code_version: str

    def is_done(self) -> bool:
        """Whether the warehouse shows exactly this already, and the ledger says so of every submission."""
        mark = self.mark
        # A release or a rerun can leave every canonical table as it was; the ledger still has to move on.
        is_marked = all(submission.state == "integrated" for submission in self.standing)
        return (
            is_marked
            and mark is not None
            and (
                mark["as_of"],
                mark["conformed"],
                sorted(mark["submissions"]),
                mark["linkage"].get("crosswalk"),
                mark["code_version"],
            )
            == (self.day, self.made.hashes, self.made.submissions, self.crosswalk, self.code_version)
        )


def run(
    settings: Settings,
    registry: Registry,
    connection: Connection,
    as_of: date | None = None,
    extra_marts: Mapping[str, Callable[[Connection, date], int]] | None = None,
    *,
    mart_folder: Path | None = None,
) -> Outcome:
    """Bring what conform made into core, and the marts up to date.

    as_of: recorded time for the choice of submissions, and the day of the picture; None is everything, today.
    extra_marts: marts that a function fills. mart_folder: instead of the shipped `sql/marts`.

    Raises SystemFault where conform has not run on what stands, another refresh is running, a check of a mart fails or
    the database refuses a statement; in each case the warehouse is as it was.
    """
    day = as_of or date.today()

    def make_marts(changed: Collection[str] | None) -> dict[str, int]:
        made = marts.refresh_all(connection, day, extra_marts or {}, mart_folder, changed)
        partnership.share(connection, day, made, mart_folder)
        return made

    with recorded_run(connection, "integrate", str(day)) as outcome, one_at_a_time(connection):
        standing = Ledger(connection).current(as_of, registry.every_period)
        tables = core_tables(connection)
        work = Work(
            day,
            as_of,
            state.require_next(settings, tables, sorted(submission.submission_key for submission in standing)),
            standing,
            state.integrated(connection),
            persons.crosswalk_hash(connection),
            f"{version()}+{marts.definitions_hash(mart_folder)}",
        )
        connection.commit()
        if work.is_done():
            outcome.notes.append("nothing new: the warehouse shows this already")
            outcome.counts = {"rows_changed": 0}
        else:
            changes = _stage(settings, connection, tables, work)
            outcome.counts = _transaction(
                connection,
                registry,
                tables,
                changes,
                work,
                make_marts,
            )
            connection.commit()
        staging.clear(connection)
        state.tidy(settings, work.made.hashes)
    return outcome


def _stage(settings: Settings, connection: Connection, tables: list[CoreTable], work: Work) -> dict[str, Changes]:
    base = work.mark["conformed"] if work.mark else {}
    with workspace(settings) as duck:
        changes = {
            table.name: state.changes(settings, duck, table, base.get(table.name), work.made.hashes[table.name])
            for table in tables
            if base.get(table.name) != work.made.hashes[table.name]
        }
    staging.load(settings, connection, tables, changes)
    return changes


def _transaction(
    connection: Connection,
    registry: Registry,
    tables: list[CoreTable],
    changes: Mapping[str, Changes],
    work: Work,
    make_marts: Callable[[Collection[str] | None], dict[str, int]],
) -> dict[str, int]:
    """Everything a reader sees, from old to new; the caller commits. Counts of rows changed and of marts."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    # Hashes of some million rows stay in memory; a small area fills no more of it than before. Compiling the models of
    # the marts takes longer than it saves.
    connection.execute("SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL jit = off")
    if persons.crosswalk_hash(connection) != work.crosswalk:
        raise SystemFault("the linker changed the crosswalk while this refresh was staging; run it again")
    if work.mark is not None and not core.is_later(connection, work.mark["recorded_at"]):
        raise SystemFault("the database's clock is behind the last refresh; nothing is recorded before what is known")
    mark = work.mark or {"code_version": None, "as_of": None, "linkage": {}, "recorded_at": "-infinity"}
    is_new_code = mark["code_version"] != work.code_version
    late = {table.name: table for table in tables if table.name not in _PERSONS_FOLLOW_FROM}
    with core.indexes_at_the_end(connection, late.values()) if work.mark is None else nullcontext():
        changed = _persons(connection, registry, tables, changes, work, everyone=is_new_code)
        for name in sorted(late.keys() & changes.keys()):
            changed[name] = changed.get(name, 0) + core.merge(connection, late[name], changes[name])
    core.note_statistics(connection, {name: changed[name] for name in late if name in changed})
    core.forget(connection, tables, mark["recorded_at"])
    draws = persons.refresh_draws(connection)
    core.note_statistics(connection, {"key_draw": draws})
    is_everything = is_new_code or mark["as_of"] != work.day
    moved = {table for table, count in (changed | {"key_draw": draws}).items() if count}
    if changed["source"]:
        moved = moved - {"source"} | {"submission_key"} | ({"source"} if core.sources_say_more(connection) else set())
    rows = make_marts(None if is_everything else moved)
    _move_submissions(Ledger(connection), work.standing, work.as_of)
    connection.execute(
        """INSERT INTO ops.refresh (run_key, as_of, submissions, conformed, changed, linkage, code_version)
           VALUES ((SELECT max(run_key) FROM ops.run WHERE stage = 'integrate'), %s, %s, %s, %s, %s, %s)""",
        (
            work.day,
            work.made.submissions,
            json.dumps(work.made.hashes),
            json.dumps({table: count for table, count in changed.items() if count}),
            json.dumps({"crosswalk": work.crosswalk}),
            work.code_version,
        ),
    )
    return {"rows_changed": sum(changed.values()), "marts": len(rows), "mart_rows": sum(rows.values())}


def _persons(
    connection: Connection,
    registry: Registry,
    tables: list[CoreTable],
    changes: Mapping[str, Changes],
    work: Work,
    *,
    everyone: bool,
) -> dict[str, int]:
    """What persons follow from, then core.person and the areas of their homes: rows that come after find them there.

    everyone: whether all persons are to be made again. Returns rows changed by table.
    """
    first = {table.name: table for table in tables if table.name in _PERSONS_FOLLOW_FROM and table.name in changes}
    # Where there are no records yet, persons come before them.
    held = first.pop("person_record", None) if persons.is_empty(connection) else None
    records = persons.hold_records(connection, held) if held else persons.RECORDS
    changed = {name: core.merge(connection, table, changes[name]) for name, table in first.items()}
    if work.mark is not None and work.mark["linkage"].get("crosswalk") != work.crosswalk:
        for name, count in persons.rekey(connection, tables, work.mark["recorded_at"]).items():
            changed[name] = changed.get(name, 0) + count
    core.note_statistics(connection, changed)
    changed["source"] = core.refresh_sources(connection, registry, work.standing, records)
    changed["code"] = core.refresh_codes(connection, registry)
    everyone = everyone or persons.groups_moved(connection)
    changed["person"] = persons.refresh(connection, everyone=everyone, records=records)
    core.note_statistics(connection, {name: changed[name] for name in ("source", "code", "person")})
    areas.follow(connection)
    if held:
        changed[held.name] = core.merge(connection, held, changes[held.name])
        core.note_statistics(connection, {held.name: changed[held.name]})
    return changed


def _move_submissions(ledger: Ledger, standing: list[Submission], as_of: date | None) -> None:
    """What stands is integrated; what stood, or was accepted by then and does not stand, is superseded."""
    names = {submission.submission for submission in standing}
    for submission in standing:
        if submission.state != "integrated":
            ledger.move(submission.submission, "integrated")
    passed = ledger.rows(
        """SELECT submission FROM ops.submission
           WHERE state = 'integrated' OR (state = 'accepted' AND (%s::date IS NULL OR accepted_at::date <= %s))
           ORDER BY submission_key""",
        as_of,
        as_of,
    )
    for row in passed:
        if row["submission"] not in names:
            ledger.move(row["submission"], "superseded")
