"""What a person asks of the hub. Is it fresh, stale, never refreshed? A quiet night is a good night."""

import json
from contextlib import nullcontext
from datetime import timedelta

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pipelines.cli import app, reading
from pipelines.ledger.database import connect


@pytest.fixture
def status(database, monkeypatch):
    monkeypatch.setenv("JOINT_NEEDS_HOME", str(database.home))
    monkeypatch.setenv("JOINT_NEEDS_DATABASE_URL", database.database_url)

    def run(*options):
        done = CliRunner().invoke(app, ["status", "--json", *options])
        return done.exit_code, json.loads(done.stdout)

    return run


def refreshed(database, ago: timedelta) -> None:
    with connect(database) as connection:
        connection.execute(
            """INSERT INTO ops.refresh (as_of, finished_at, submissions, conformed, changed, code_version)
               VALUES (current_date, now() - %s, '{}', '{}', '{}', '0')""",
            (ago,),
        )
        connection.commit()


def looked_at(database, ago: timedelta) -> None:
    """A refresh that found nothing new leaves a run and no mark."""
    with connect(database) as connection:
        connection.execute(
            """INSERT INTO ops.run (stage, state, started_at, ended_at, code_version)
               VALUES ('integrate', 'success', now() - %s, now() - %s, '0')""",
            (ago, ago),
        )
        connection.commit()


def test_a_hub_that_never_refreshed_is_stale(status):
    code, document = status("--fail-if-stale", "26h")
    assert (code, document["is_stale"], document["last_refresh"]) == (3, True, None)


def test_without_the_option_nothing_is_stale(status):
    assert status()[0] == 0


def test_the_age_decides(status, database):
    refreshed(database, timedelta(hours=30))
    assert status("--fail-if-stale", "26h")[0] == 3
    assert status("--fail-if-stale", "2d")[0] == 0
    assert status("--fail-if-stale", "26h")[1]["age_hours"] == pytest.approx(30, abs=0.2)


def test_a_night_with_nothing_new_is_good(status, database):
    refreshed(database, timedelta(days=9))
    looked_at(database, timedelta(hours=3))
    code, document = status("--fail-if-stale", "26h")
    assert (code, document["is_stale"]) == (0, False)
    assert document["age_hours"] == pytest.approx(3, abs=0.2)


def test_answers_stand_with_their_numbers_to_the_right_and_long_ones_are_paged(database, monkeypatch):
    monkeypatch.setenv("JOINT_NEEDS_HOME", str(database.home))
    monkeypatch.setenv("JOINT_NEEDS_DATABASE_URL", database.database_url)
    paged = []
    monkeypatch.setattr(Console, "pager", lambda *_, **__: nullcontext(paged.append(1)))
    query = "SELECT 'a' || n AS name, n * 50 AS children_count FROM generate_series(1, {}) AS n"
    few = CliRunner().invoke(app, ["sql", "--role", "owner", "-c", query.format(2)])
    assert [line.rstrip() for line in few.stdout.splitlines()] == [
        "name  children_count",
        "a1                50",
        "a2               100",
    ]
    many = ["sql", "--role", "owner", "-c", query.format(500)]
    assert CliRunner().invoke(app, many).stdout.count("\n") == 501 and not paged, "a file is no terminal"
    monkeypatch.setattr(reading, "out", Console(force_terminal=True, height=40))
    assert CliRunner().invoke(app, many).exit_code == 0 and paged
