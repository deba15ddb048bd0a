"""A night that waits: a small area with a picture of yesterday, and deliveries of today that are received and checked.

What is saved before each stage can be had again and again, as a database and a folder of one's own.
"""

from __future__ import annotations

import json
import multiprocessing
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.settings import Settings
from tests.crash.work import STAGES, Stop, work

YESTERDAY = {
    "planning/geography/2026", "planning/provision_capacity/2026", "education/school_census/2025-autumn",
    "education/sen2/2025", "north_trust/csds/2026-09",
}  # fmt: skip
TODAY = {"education/sen2/2026-10", "social_care/cin_census/2026", "north_trust/csds/2026-10"}
# What may differ between two runs of the same night: who ran when, and how long it took.
LEFT_OUT = {"ops.run", "ops.alert", "ops.schema_migration"}
# Which part of a person keeps its key in a draw is as random as the keys: what is compared is who is together.
DRAWS = {"link.key_draw", "core.key_draw"}
_TOGETHER = """SELECT draw, string_agg(record, ',' ORDER BY record) FROM (
    SELECT n.draw, coalesce(d.person_key, c.person_key) AS person,
        concat_ws('/', c.agency_code, c.dataset_code, c.record_pseudonym) AS record
    FROM link.crosswalk AS c CROSS JOIN (SELECT DISTINCT draw FROM {table}) AS n
    LEFT JOIN {table} AS d USING (draw, agency_code, dataset_code, record_pseudonym) WHERE c.valid_to = 'infinity'
) AS said GROUP BY draw, person"""

Content = dict[str, list[str]]
_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["tests.crash.warm"])


class Run:
    """A process forked from a warm one, which had the heavy imports and nothing else."""

    def __init__(
        self, hub: Settings, stages: tuple[str, ...] = (), stop: Stop | None = None, most_bytes: int | None = None
    ) -> None:
        environment = {
            "JOINT_NEEDS_HOME": str(hub.home),
            "JOINT_NEEDS_DATABASE_URL": str(hub.database_url),
            "JOINT_NEEDS_ENVIRONMENT": hub.environment,
        }
        self.channel, theirs = _fork.Pipe()
        self.process = _fork.Process(target=work, args=(environment, stages, stop, most_bytes, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def hear(self, seconds: float = 120) -> tuple[Any, ...]:
        """What it says next; `("gone",)` where it died without a word."""
        assert self.channel.poll(seconds), "the process says nothing"
        try:
            return tuple(self.channel.recv())
        except (EOFError, ConnectionResetError):
            return ("gone",)

    def end(self) -> int:
        """Its exit code, once it has ended."""
        self.process.join(30)
        self.channel.close()
        assert self.process.exitcode is not None, "the process does not end"
        return self.process.exitcode


def finish(hub: Settings, *stages: str) -> list[tuple[str, int, str, float]]:
    """Run stages or the whole night to the end, which must be good; the events on the way."""
    run = Run(hub, stages)
    said = run.hear()
    run.end()
    assert said[0] == "done", said
    assert {outcome["state"] for outcome in said[1]} <= {"success"}, said[1]
    trace: list[tuple[str, int, str, float]] = said[2]
    return trace


@dataclass
class Night:
    """Saved states by the stage that comes next, the events of each stage, the undisturbed result."""

    home: Settings
    server: postgres.Server
    folder: Path
    events: dict[str, list[tuple[str, int, str, float]]]
    before: dict[str, Content]
    after: Content
    after_picture: Content
    copies: list[Content]

    @contextmanager
    def begin(self, stage: str) -> Iterator[Settings]:
        """A hub of its own in which everything before a stage is done."""
        hub = _clone(self.server, self.folder, stage)
        try:
            yield hub
        finally:
            _drop(self.server, hub)


def prepare(of: Settings) -> Night:
    """Make the night: yesterday's picture, today's deliveries up to validate, and then each stage once, undisturbed.

    of: the home of a server that is nobody else's, since it will be killed.
    """
    server, folder = postgres.ensure_running(of, durable=False), of.home / "nights"
    home = folder / "made"
    home.mkdir(parents=True)
    hub = Settings(home, _database(server, "made", None), environment="demo")
    process = _fork.Process(target=_set_up, args=(str(home), str(hub.database_url)))
    process.start()
    process.join(300)
    assert process.exitcode == 0
    events, before, copies = {}, {}, []
    for stage in STAGES:
        _save(server, folder, hub, stage)
        with connect(hub) as connection:
            before[stage] = picture(connection)
            copies.append(shared(connection))
        events[stage] = [event for event in finish(hub, stage) if event[0] == stage]
    with connect(hub) as connection:
        return Night(
            of, server, folder, events, before, content(connection), picture(connection), [*copies, shared(connection)]
        )


def _set_up(home: str, address: str) -> None:
    import os

    from pipelines import flow, synth
    from pipelines import registry as declared
    from pipelines.seal import keys, seal_delivery

    os.environ |= {"JOINT_NEEDS_HOME": home, "JOINT_NEEDS_DATABASE_URL": address, "JOINT_NEEDS_ENVIRONMENT": "demo"}
    raw, registry, place = Path(home).parent / "raw", declared.load(), Path(home)
    synth.generate(raw, children=200, seed=11, as_of=date(2026, 11, 24))
    keys.new_area(place / "keys", sorted(registry.agencies), "2026a")
    listed = json.loads((raw / "deliveries.json").read_text())
    for wanted, is_yesterday in ((YESTERDAY, True), (TODAY, False)):
        for delivery in listed:
            if f"{delivery['agency']}/{delivery['dataset']}/{delivery['period']}" in wanted:
                seal_delivery(raw, delivery, keys_dir=place / "keys", out=place / "landing")
        if is_yesterday:
            outcomes = flow.pull_all() + flow.refresh()
        else:
            folders = [name for group in registry.groups for name in flow.waiting(group)]
            outcomes = [flow.validate(flow.receive(name)["subject"]) for name in folders]
        assert {outcome["state"] for outcome in outcomes} == {"success"}, outcomes
    shutil.rmtree(place / "reports")


# ---- states that can be had again --------------------------------------------------------------------------------
def _database(server: postgres.Server, name: str, template: str | None) -> str:
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        made_of = f"TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        admin.execute(f"CREATE DATABASE {name} OWNER joint_needs {made_of}")
        admin.execute(f"GRANT CONNECT ON DATABASE {name} TO linker, analyst, commissioner, publisher")
    return server.url("joint_needs", name)


def _save(server: postgres.Server, folder: Path, hub: Settings, stage: str) -> None:
    _database(server, f"saved_{stage}", "made")
    shutil.copytree(hub.home, folder / f"saved_{stage}")


def _clone(server: postgres.Server, folder: Path, stage: str) -> Settings:
    name = f"night_{secrets.token_hex(5)}"
    shutil.copytree(folder / f"saved_{stage}", folder / name)
    return Settings(folder / name, _database(server, name, f"saved_{stage}"), environment="demo")


def _drop(server: postgres.Server, hub: Settings) -> None:
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {hub.home.name} WITH (FORCE)")
    shutil.rmtree(hub.home)


def as_commissioner(server: postgres.Server, hub: Settings) -> Settings:
    """The same hub, for a commissioner's own login."""
    return replace(hub, database_url=server.url("commissioner", hub.home.name))


# ---- what is compared --------------------------------------------------------------------------------------------
def picture(connection: psycopg.Connection[Any]) -> Content:
    """Every row that a reader may see, as it stands: core and marts, and how many refreshes were completed."""
    return _rows(connection, ("core", "mart"), {}) | _rows(connection, ("ops",), {}, {"ops.refresh"})


def shared(connection: psycopg.Connection[Any]) -> Content:
    """Every row of the partnership's copy of the marts, which is made after them and is whole in itself."""
    return _rows(connection, ("partnership",), {})


def content(connection: psycopg.Connection[Any]) -> Content:
    """Every row of the warehouse, persons by their records, without recorded times and running numbers."""
    keys = connection.execute(
        """SELECT person_key, md5(string_agg(DISTINCT concat_ws('/', agency_code, dataset_code, record_pseudonym), ','))
           FROM link.crosswalk GROUP BY 1"""
    ).fetchall()
    schemas = ("core", "core_history", "mart", "mart_history", "partnership", "link", "ops", "publish")
    found = _rows(connection, schemas, dict(keys))
    for table in DRAWS:
        together = connection.execute(_TOGETHER.format(table=table)).fetchall()  # type: ignore[call-overload]
        found[table] = sorted(map(repr, together))
    return found


def _rows(
    connection: psycopg.Connection[Any], schemas: tuple[str, ...], names: dict[UUID, str], only: set[str] | None = None
) -> Content:
    found = connection.execute(
        """SELECT table_schema || '.' || table_name, string_agg(quote_ident(column_name) || CASE column_name
               WHEN 'summary' THEN ' - ''seconds'' - ''model'' - ''looks_compared'''
               WHEN 'linkage' THEN ' - ''crosswalk''' ELSE '' END,
               ', ' ORDER BY ordinal_position)
           FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
           WHERE table_schema = ANY(%s) AND table_type = 'BASE TABLE' AND c.is_identity = 'NO'
             AND c.data_type NOT LIKE 'timestamp%%' AND c.column_name <> 'run_key'
           GROUP BY 1""",
        (list(schemas),),
    ).fetchall()
    rows = {}
    for table, columns in found:
        if table in LEFT_OUT or (only and table not in only):
            continue
        made = connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # type: ignore[call-overload]
        rows[table] = sorted(
            repr([names.get(cell, cell) if isinstance(cell, UUID) else cell for cell in row]) for row in made
        )
    return rows


def differences(one: Content, other: Content) -> list[str]:
    """Tables in which two contents differ, with how many rows."""
    return [
        f"{table}: {len(set(one.get(table, [])) ^ set(other.get(table, [])))} rows differ"
        for table in sorted(set(one) | set(other))
        if one.get(table) != other.get(table)
    ]
