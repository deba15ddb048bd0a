"""Killed anywhere between accept and integrate: the last good picture is readable, the next run finishes the work.

Afterwards every row is that of an undisturbed night, apart from person keys, recorded times and running numbers.
`make crash RUNS=1000` does the same as often as one likes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.settings import Settings
from tests.crash.kills import Kill, kill_server, plan, run_all
from tests.crash.night import Night, Run, content, differences, finish, picture, prepare
from tests.crash.work import STAGES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KILLS, SERVER_KILLS = 50, 10


@pytest.fixture(scope="module")
def night() -> Iterator[Night]:
    """A night on a server of its own, which is killed again and again."""
    home = Settings(home=Path(tempfile.mkdtemp(prefix="joint-needs-crash-", dir="/tmp")))
    home.home.chmod(0o755)
    try:
        yield prepare(home)
    finally:
        postgres.remove(home)
        shutil.rmtree(home.home, ignore_errors=True)


@pytest.fixture(scope="module")
def kills(night: Night) -> list[Kill]:
    return list(run_all(night, plan(night, KILLS, seed=20)))


def test_fifty_kills_lose_nothing_and_count_nothing_twice(kills: list[Kill]):
    assert len(kills) == KILLS
    assert [kill for kill in kills if kill.fault] == []


def test_the_kills_fell_all_over_the_night(night: Night, kills: list[Kill]):
    """In every stage, at different things that it was about to do, before the commit that counts and after it."""
    fell = Counter(kill.stop.stage for kill in kills)
    assert set(fell) == set(STAGES) and min(fell.values()) >= 10
    for stage in STAGES:
        share = [k.stop.number / len(night.events[stage]) for k in kills if k.stop.stage == stage]
        assert min(share) < 0.2 and max(share) > 0.8, stage
    assert len({(kill.stop.stage, kill.stop.number) for kill in kills}) == KILLS
    assert len({kill.label for kill in kills}) >= KILLS / 2
    assert {kill.is_committed for kill in kills} == {False, True}


def test_a_comparison_can_fail(night: Night):
    """A torn picture, a row counted twice and a lost row are seen as what they are."""
    with night.begin("integrate") as hub:
        finish(hub)
        with connect(hub) as connection:
            assert differences(content(connection), night.after) == []
            connection.execute("DELETE FROM mart.unmet_need WHERE ctid = (SELECT min(ctid) FROM mart.unmet_need)")
            connection.execute("UPDATE core.enrolment SET person_key = gen_random_uuid() WHERE school_code IS NOT NULL")
            connection.execute("INSERT INTO ops.submission_event (submission_key, to_state) VALUES (1, 'accepted')")
            found = {said.split(":")[0] for said in differences(content(connection), night.after)}
            assert found == {"mart.unmet_need", "core.enrolment", "ops.submission_event"}
            assert differences(picture(connection), night.after_picture) != []


def test_the_server_dies_and_comes_back(night: Night):
    """Ten immediate ends of PostgreSQL: what was running says so in our words, and the night is finished afterwards."""
    done = [kill_server(night, kill) for kill in plan(night, SERVER_KILLS, seed=4, how=("held", "seen"))]
    assert [kill for kill, _ in done if kill.fault] == []
    assert {kill.stop.stage for kill, _ in done} == set(STAGES)
    told = [said for _, said in done if said[0] != "done"]
    assert len(told) >= SERVER_KILLS / 2
    for said in told:
        assert said[:2] == ("fault", "SystemFault") and said[3] == 3, said
        assert "database" in str(said[2]) and "Traceback" not in str(said[2]), said


def ends_well(night: Night, hub: Settings) -> None:
    """The next run completes, and nothing is missing or double."""
    finish(hub)
    with connect(hub) as connection:
        assert differences(content(connection), night.after) == []


def faulty(hub: Settings, stage: str, most_bytes: int | None = None) -> str:
    """What a stage says that cannot do its work; it must be a SystemFault."""
    run = Run(hub, (stage,), most_bytes=most_bytes)
    said = run.hear()
    run.end()
    assert said[:2] == ("fault", "SystemFault"), said
    assert str(hub.home) not in said[2], "a message shows a path"
    return str(said[2])


@pytest.mark.parametrize("stage", ["accept", "conform", "integrate"])
def test_full_disk(night: Night, stage: str):
    """No file can grow beyond a few bytes, as on a disk without room."""
    with night.begin(stage) as hub:
        if stage == "integrate":  # what it reads is made; what it writes on disk it does not find
            shutil.rmtree(hub.conformed / "changes")
        assert "disk of the hub is full" in faulty(hub, stage, most_bytes=900)
        with connect(hub) as connection:
            assert differences(picture(connection), night.before[stage]) == []
        ends_well(night, hub)


FULL = """CREATE FUNCTION core.full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a cell' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION core.full_disk()"""


@pytest.mark.parametrize(("stage", "table"), [("link", "link.crosswalk"), ("integrate", "core.source")])
def test_the_databases_disk_is_full(night: Night, stage: str, table: str):
    with night.begin(stage) as hub:
        with connect(hub) as connection:
            connection.execute(FULL.format(table=table))  # type: ignore[call-overload]
        said = faulty(hub, stage)
        assert "the database's disk is full" in said and "a cell" not in said
        with connect(hub) as connection:
            assert differences(picture(connection), night.before[stage]) == []
            connection.execute("DROP FUNCTION core.full_disk CASCADE")
        ends_well(night, hub)


@pytest.mark.parametrize(("stage", "table"), [("accept", "ops.snapshot"), ("integrate", "mart.unmet_need")])
def test_a_lock_that_is_never_given_up(night: Night, stage: str, table: str):
    with night.begin(stage) as hub:
        with psycopg.connect(hub.database_url, autocommit=True) as admin:  # type: ignore[arg-type]
            admin.execute(f"ALTER DATABASE {hub.home.name} SET lock_timeout = '300ms'")
        with connect(hub) as holder:
            holder.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")  # type: ignore[call-overload]
            assert "a lock that another session holds" in faulty(hub, stage)
            assert differences(picture(holder), night.before[stage]) == []
        ends_well(night, hub)


def test_a_connection_is_cut(night: Night):
    """Somebody ends the session of a refresh that works; the process says so and leaves nothing behind."""
    with night.begin("integrate") as hub, ExitStack() as stack:
        holder = stack.enter_context(connect(hub))
        holder.execute("LOCK TABLE core.source IN EXCLUSIVE MODE")
        run = Run(hub, ("integrate",))
        with psycopg.connect(night.server.url("postgres", hub.home.name), autocommit=True) as admin:
            ended = f"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = '{hub.home.name}' AND wait_event_type = 'Lock'"""
            for _ in range(400):
                if admin.execute(ended).fetchall():  # type: ignore[call-overload]
                    break
                assert not run.channel.poll(0.05), run.hear()
        said = run.hear()
        run.end()
        assert said[:2] == ("fault", "SystemFault") and "the database went away" in said[2], said
        holder.rollback()
        ends_well(night, hub)


def test_two_nights_at_once(night: Night):
    """Two people start the night together: each finishes or leaves the work to the other, and it is done once."""
    with night.begin("accept") as hub:
        runs = [Run(hub), Run(hub)]
        said = [run.hear() for run in runs]
        for run in runs:
            run.end()
        for one in said:
            assert one[0] == "done" or (one[:2] == ("fault", "SystemFault") and "another" in one[2]), one
        assert "done" in {one[0] for one in said}
        ends_well(night, hub)
