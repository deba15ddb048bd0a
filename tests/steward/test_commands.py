"""A steward's commands, as they are typed: what they print, what they change, and how they end."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from tests.receive.conftest import Area
from tests.steward.conftest import NAME

REASON = ("--reason", "confirmed by telephone", "--by", "A. Steward")


@pytest.fixture
def steward(held: Area, monkeypatch: pytest.MonkeyPatch):
    """Types a command; its end, exit code and what it wrote on both streams."""
    monkeypatch.setenv("JOINT_NEEDS_HOME", str(held.settings.home))
    monkeypatch.setenv("JOINT_NEEDS_DATABASE_URL", held.settings.database_url)
    monkeypatch.setenv("JOINT_NEEDS_ENVIRONMENT", held.settings.environment)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def states(hub: Area) -> list[str]:
    return [state for _, state in hub.submissions()]


def test_held_rows_are_listed_for_people_and_for_machines(steward):
    shown = steward("quarantine", "list")
    assert shown.exit_code == 0
    assert f"CSDS-205 {NAME} referral: 1 held\n" in shown.stdout
    assert "Only the sender can mend this." in " ".join(shown.stdout.split())
    assert "3 rows held by a rule, 2 more below them" in shown.stdout
    listed = json.loads(steward("quarantine", "list", "--json").stdout)
    assert {row["rule"]: row["rows"] for row in listed} == {"CSDS-201": 1, "CSDS-204": 1, "CSDS-205": 1}
    assert json.loads(steward("quarantine", "list", "nobody/csds/2026-03/1", "--json").stdout) == []


def test_rows_are_released_kept_and_run_again(steward, held):
    done = steward("quarantine", "release", NAME, "--rule", "CSDS-205", "--rows", "2", *REASON)
    assert (done.exit_code, "joint-needs refresh" in done.stdout) == (0, True)
    kept = json.loads(steward("quarantine", "keep", NAME, "--rule", "CSDS-204", *REASON, "--json").stdout)
    assert [row["state"] for row in kept] == ["success"]
    decided = "SELECT kind, rule, source_rows, decided_by FROM ops.decision ORDER BY decision_key"
    assert held.connection.execute(decided).fetchall() == [
        ("release", "CSDS-205", [2], "A. Steward"),
        ("keep", "CSDS-204", [4], "A. Steward"),
    ]
    again = json.loads(steward("rerun", NAME, *REASON, "--json").stdout)
    assert {row["state"] for row in again} == {"success"}
    listed = json.loads(steward("quarantine", "list", "--json").stdout)
    assert {row["rule"]: row["kept"] for row in listed} == {"CSDS-201": 0, "CSDS-204": 1}


def test_a_reviewed_list_is_run_again_line_by_line_or_not_at_all(steward, held, tmp_path):
    listed = tmp_path / "replay.yaml"
    line = f"- {{submission: {NAME}, from: validate}}\n"
    listed.write_text(f"reviewed_by: A. Steward\nreason: a rule was mended\nreruns:\n{line}")
    assert steward("replay", listed).exit_code == 0
    listed.write_text(listed.read_text() + "- {submission: north_trust/csds/2020-01/1, from: validate}\n")
    before = held.connection.execute("SELECT count(*) FROM ops.run").fetchall()
    done = steward("replay", listed)
    assert (done.exit_code, "2020-01" in done.stderr) == (2, True)
    assert held.connection.execute("SELECT count(*) FROM ops.run").fetchall() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("quarantine", "release", NAME, "--rule", "CSDS-201", *REASON), "only the sender can correct that"),
        (("quarantine", "release", NAME, "--rule", "CSDS-999", *REASON), "CSDS-999"),
        (("quarantine", "release", NAME, "--rule", "CSDS-205", "--rows", "two", *REASON), "look like 3,5,9"),
        (("quarantine", "keep", "north_trust/csds/2026-03/9", "--rule", "CSDS-205", *REASON), "2026-03/9"),
        (("rerun", "north_trust/csds/2026-03/9", *REASON), "2026-03/9"),
        (("rerun", NAME, "--from", "publish", *REASON), "publish"),
        (("withdraw", "north_trust/csds/2026-03/9", *REASON), "2026-03/9"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(steward, held, words, told):
    done = steward(*words)
    assert (done.exit_code, told in " ".join(done.stderr.split())) == (2, True), done.stderr
    assert held.connection.execute("SELECT count(*) FROM ops.decision").fetchall() == [(0,)]
    assert states(held) == ["accepted"]


def test_withdrawn_is_gone_for_good(steward, held):
    steward("withdraw", NAME, *REASON)
    assert states(held) == ["withdrawn"]
    assert json.loads(steward("quarantine", "list", "--json").stdout) == []
    assert steward("rerun", NAME, *REASON).exit_code == 2
