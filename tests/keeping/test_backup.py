"""A hub backed up and brought back, into itself and into another; real database, real files."""

from __future__ import annotations

import secrets
import shutil
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines import link
from pipelines.errors import SystemFault, UsageFault
from pipelines.keeping import erasure, holds, retention
from pipelines.keeping.backup import backup
from pipelines.keeping.restore import restore
from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.local import postgres
from tests.integrate.small_area import content
from tests.keeping.conftest import Hub, create

BY = {"by": "A. Officer", "reason": "asked for by the family, reference 12"}
SCHEMAS = ("link", "core", "mart", "publish")


@pytest.fixture
def other(hub: Hub, server: postgres.Server, tmp_path: Path) -> Iterator[Hub]:
    """A machine with nothing on it."""
    name = f"test_{secrets.token_hex(6)}"
    create(server, name, "template1")
    settings = replace(hub.area.settings, home=tmp_path / "other", database_url=server.url("joint_needs", name))
    settings.home.mkdir()
    with connect(settings) as connection:
        yield replace(hub, area=replace(hub.area, settings=settings, connection=connection))
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def files(hub: Hub) -> dict[str, bytes]:
    home = hub.area.settings.home
    kept = ("lake", "received", "link", "conformed", "snapshots")
    return {
        str(path.relative_to(home)): path.read_bytes()
        for folder in kept
        for path in (home / folder).rglob("*")
        if path.is_file()
    }


def keys_of(hub: Hub) -> list[tuple[Any, ...]]:
    return hub.rows(
        "SELECT agency_code, dataset_code, record_pseudonym, person_key, valid_to::text FROM link.crosswalk"
    )


def guarded(hub: Hub) -> set[tuple[Any, ...]]:
    """The tables of marts that show readers the rows of own areas alone, by which rule."""
    return set(
        hub.rows(
            """SELECT c.oid::regclass::text, p.qual FROM pg_policies AS p
               JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(p.schemaname) || '.' || quote_ident(p.tablename))
               WHERE p.policyname = 'own_areas' AND c.relrowsecurity"""
        )
    )


def night(hub: Hub) -> dict[str, int]:
    """Match, conform, integrate; what changed of person keys."""
    changes = link.run(hub.area.settings, hub.area.registry, hub.area.connection, None).counts
    hub.refresh()
    return {name: changes[name] for name in changes if name.startswith(("records_", "keys_"))}


def test_what_was_backed_up_comes_back_elsewhere_and_no_key_changes(hub: Hub, other: Hub, tmp_path: Path):
    settings, connection = hub.area.settings, hub.area.connection
    for name, columns in (("mart.a", "geographic_level text, area_code"), ("partnership.a", "health_place_code"),
                          ("mart.b", "health_place_code")):  # fmt: skip
        connection.execute(f"CREATE TABLE {name} ({columns} text)")  # type: ignore[call-overload]
        connection.execute("SELECT partnership.guard(%s, %s)", (name, "level" in columns))
    night(hub)
    before, held, kept = content(connection, *SCHEMAS), keys_of(hub), files(hub)
    with pytest.raises(UsageFault, match="apart"):
        backup(settings, connection, tmp_path / "safe", tmp_path / "safe" / "keys")
    outcome = backup(settings, connection, tmp_path / "safe", tmp_path / "vault")
    assert outcome.counts["files"] == len(files(hub)) + reports(hub)
    assert outcome.counts["rows"] > sum(map(len, before.values())) > 20
    assert not list((tmp_path / "safe").rglob("*.key")), "no key is in the backup"
    with pytest.raises(UsageFault, match="already"):
        backup(settings, connection, tmp_path / "safe")

    with pytest.raises(UsageFault, match="keys"):
        restore(other.area.settings, other.area.connection, tmp_path / "safe")
    restored, replayed = restore(other.area.settings, other.area.connection, tmp_path / "safe", keys=tmp_path / "vault")
    assert (restored.state, replayed.state) == ("success", "success")
    assert content(other.area.connection, *SCHEMAS) == before
    assert files(other) == kept
    assert guarded(other) == guarded(hub), "nobody sees more before the next refresh"
    assert len(guarded(other)) == 3
    assert other.counts() == hub.counts()
    assert set(night(other).values()) == {0}
    assert keys_of(other) == held
    assert migrate(other.area.connection) == []
    shutil.copytree(settings.hub_keys.parent / "north_trust", other.area.settings.hub_keys.parent / "north_trust")
    assert other.csds(4).endswith("/4"), "numbers go on: a new delivery gets a key that was not given before"


def reports(hub: Hub) -> int:
    return sum(1 for path in hub.area.settings.reports.rglob("*") if path.is_file())


def test_erasures_done_since_the_backup_are_done_again(hub: Hub, tmp_path: Path):
    settings, connection = hub.area.settings, hub.area.connection
    night(hub)
    backup(settings, connection, tmp_path / "safe")
    child = erasure.whose(hub.area.registry, connection, "north_trust", hub.record, is_everywhere=True)
    key = erasure.suppress(settings, connection, child, **BY)
    erasure.erase(settings, connection, child, key)
    night(hub)
    after = keys_of(hub)
    with pytest.raises(UsageFault, match="--replace"):
        restore(settings, connection, tmp_path / "safe")
    _, replayed = restore(settings, connection, tmp_path / "safe", replace=True)
    assert replayed.counts["noted"] == 1
    assert replayed.counts["core.referral"] == 1
    assert erasure.would_go(settings, connection, child)["found"] == {}
    assert hub.rows("SELECT asked_by, finished_at IS NOT NULL FROM ops.erasure") == [(BY["by"], True)]
    assert set(night(hub).values()) == {0}
    assert keys_of(hub) == after


def test_holds_and_withdrawals_since_the_backup_stand_after_it_too(hub: Hub, tmp_path: Path):
    """And what was on hold then and is not now is erased again, by the journal of a newer copy of the keys."""
    settings, connection, record = hub.area.settings, hub.area.connection, hub.record
    lifted = holds.place(settings, connection, "north_trust", **BY)
    backup(settings, connection, tmp_path / "safe", tmp_path / "vault")
    holds.lift(settings, connection, lifted, **BY)
    child = erasure.whose(hub.area.registry, connection, "north_trust", record)
    erasure.erase(settings, connection, child, erasure.suppress(settings, connection, child, **BY))
    holds.place(settings, connection, "north_trust", record=hub.other, **BY)
    holds.place(settings, connection, "north_trust", dataset="mhsds", **BY)
    holds.place(settings, connection, "education", dataset="ehc_register", **BY)
    register = hub.rows("SELECT submission FROM ops.submission WHERE dataset_code = 'ehc_register'")[0][0]
    with pytest.raises(UsageFault, match="legal hold"):
        retention.take_out(settings, connection, register, **BY)
    holds.lift(settings, connection, 4, **BY)
    retention.take_out(settings, connection, register, **BY)
    standing = [(row["agency_code"], row["is_of_a_record"]) for row in holds.standing(connection)]
    shutil.copytree(settings.hub_keys, tmp_path / "newer")
    shutil.rmtree(settings.hub_keys)
    shutil.copytree(tmp_path / "vault", settings.hub_keys)

    _, replayed = restore(settings, connection, tmp_path / "safe", keys=tmp_path / "newer", replace=True)
    assert replayed.notes == []
    assert replayed.counts["core.referral"] == 1
    assert replayed.counts["withdrawn"] == 1
    assert erasure.would_go(settings, connection, child)["found"] == {}
    assert [(row["agency_code"], row["is_of_a_record"]) for row in holds.standing(connection)] == standing
    assert standing == [("north_trust", True), ("north_trust", False)], "placed since, they keep nobody who was gone"
    assert hub.rows("SELECT state FROM ops.submission WHERE submission = %s", register) == [("withdrawn",)]
    again = erasure.replay(settings, connection)
    assert (again.counts["noted"], again.counts["withdrawn"]) == (0, 0)
    (settings.hub_keys / "pass.key").write_bytes(b64encode(b"another" + bytes(57)))
    with pytest.raises(UsageFault, match="nothing was touched"):
        restore(settings, connection, tmp_path / "safe", keys=tmp_path / "newer", replace=True)


def test_a_backup_that_is_not_whole_or_was_changed_touches_nothing(hub: Hub, tmp_path: Path):
    settings, connection = hub.area.settings, hub.area.connection
    backup(settings, connection, tmp_path / "safe")
    before, kept = content(connection, "ops", *SCHEMAS), files(hub)

    def refused(spoil: Any, words: str) -> None:
        shutil.rmtree(tmp_path / "spoilt", ignore_errors=True)
        shutil.copytree(tmp_path / "safe", tmp_path / "spoilt")
        spoil(tmp_path / "spoilt")
        with pytest.raises(SystemFault, match=words):
            restore(settings, connection, tmp_path / "spoilt", replace=True)
        connection.rollback()
        assert content(connection, "ops", *SCHEMAS) == before
        assert files(hub) == kept

    some = next(path.relative_to(tmp_path / "safe") for path in (tmp_path / "safe").rglob("*.parquet"))
    refused(lambda at: (at / some).unlink(), "1 files missing")
    refused(lambda at: (at / some).write_bytes(b"other"), "1 changed")
    refused(lambda at: (at / "database" / "ops.extra.zst").write_bytes(b""), "1 added")
    refused(lambda at: (at / "backup.json").write_text((at / "backup.json").read_text() + " "), "changed since")
    refused(lambda at: (at / "backup.seal").unlink(), "not all of one")


def test_a_restore_broken_off_is_finished_by_calling_it_again(hub: Hub, tmp_path: Path, monkeypatch):
    settings, connection = hub.area.settings, hub.area.connection
    backup(settings, connection, tmp_path / "safe")
    before, kept = content(connection, *SCHEMAS), files(hub)
    connection.execute("DELETE FROM core.referral")
    connection.commit()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            restore(settings, connection, tmp_path / "safe", replace=True)
    connection.rollback()
    restore(settings, connection, tmp_path / "safe")
    assert content(connection, *SCHEMAS) == before
    assert files(hub) == kept
