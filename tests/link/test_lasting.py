"""What outlives a run: decisions, ties that fade slowly, the circuit-breaker; and what a partner is asked."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.errors import SystemFault, UsageFault
from pipelines.link import lasting, person_keys, review, tokens
from pipelines.settings import Settings
from pipelines.watch import alerts, linkage
from tests.link.drawn import rows
from tests.link.test_run import Area, area, registry

__all__ = ["area", "registry"]

TWINS = """
    source | record | name     | born       | sex | postcode
    school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA
    plan   | 1      | Kit Byrd | 2014-03-05 | F   | MB1 1AA
"""
SAME = TWINS.replace("Kit", "Ada")


def together(found: dict) -> bool:
    return found["school 1"] == found["plan 1"]


def test_forced_together_and_apart_outlive_runs(area: Area) -> None:
    area.send(rows(TWINS))
    area.run()
    assert not together(area.person_keys())
    (waiting,) = review.queue(area.connection)
    assert waiting["reason"] == "sibling_to_check"
    assert waiting["agreement"]["forename"] == "no agreement" and waiting["agreement"]["birth_date"] == "full"
    assert waiting["household"] == 1
    review.decide(area.connection, waiting["pair"], "together", "a steward", "one child with two first names")
    assert review.queue(area.connection) == []
    area.run()
    assert together(area.person_keys())
    area.send(rows(TWINS))
    area.run()
    assert together(area.person_keys())
    review.decide(area.connection, waiting["pair"], "apart", "a steward", "two children after all")
    area.run()
    assert not together(area.person_keys())
    assert [kind for kind, *_ in area.events()] == ["new", "new", "merge", "split"]


def test_apart_holds_against_equal_records(area: Area) -> None:
    area.send(rows(SAME))
    area.run()
    assert together(area.person_keys())
    (pair,) = area.connection.execute(
        "SELECT agency_l, dataset_l, record_l, agency_r, dataset_r, record_r FROM link.link"
    ).fetchall()
    review.decide(area.connection, review.name_of(pair), "apart", "a steward", "namesakes")
    for _ in range(2):
        area.send(rows(SAME))
        area.run()
        assert not together(area.person_keys())
    assert review.queue(area.connection) == []
    review.decide(area.connection, review.name_of(pair), "open", "a steward", "taken back")
    area.run()
    assert together(area.person_keys())


def test_a_partner_is_asked_about_its_own_record_alone(area: Area, tmp_path: Path) -> None:
    area.send(rows(TWINS.replace("plan  ", "bridge")))
    area.run()
    assert len(review.export(area.connection, "social_care", tmp_path / "asked.csv")) == 1
    (asked,) = csv.DictReader((tmp_path / "asked.csv").open())
    (row,) = review.queue(area.connection)
    own, other = ("l", "r") if row["agency_l"] == "social_care" else ("r", "l")
    assert asked["own_record"] == row[f"record_{own}"]
    assert row[f"record_{other}"] not in (tmp_path / "asked.csv").read_text()
    assert review.export(area.connection, "north_trust", tmp_path / "none.csv") == []
    with (tmp_path / "answer.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, review.EXPORTED)
        writer.writeheader()
        writer.writerow(asked | {"decision": "Together"})
    assert review.take(area.connection, tmp_path / "answer.csv", "social care data team") == 1
    area.run()
    found = area.person_keys()
    assert found["school 1"] == found["bridge 1"]


@pytest.mark.parametrize(
    ("pair", "verdict", "by", "reason"),
    [("0" * 16, "apart", "x", "y"), ("", "maybe", "x", "y"), ("", "apart", " ", "y"), ("", "apart", "x", "")],
)
def test_a_decision_that_makes_no_sense(area: Area, pair: str, verdict: str, by: str, reason: str) -> None:
    area.send(rows(TWINS))
    area.run()
    name = pair or review.queue(area.connection)[0]["pair"]
    with pytest.raises(UsageFault):
        review.decide(area.connection, name, verdict, by, reason)


def kept(probability: float | None, faded: int, reason: str = "probable") -> tuple[str | None, int]:
    """What becomes of a tie of the last run: its reason tonight, and for how many runs it has faded."""
    with tokens.memory() as db:
        lasting.tables(db)
        db.execute("""CREATE TABLE pair (record_l INTEGER, record_r INTEGER, is_same_source BOOLEAN,
            probability DOUBLE, reason VARCHAR, verdict VARCHAR, weight DOUBLE)""")
        if probability is not None:
            db.execute("INSERT INTO pair VALUES (1, 2, false, ?, ?, 'review', 0)", [probability, reason])
        db.execute("INSERT INTO tied_before VALUES (1, 2, ?)", [faded])
        lasting.keep(db)
        found = db.execute("SELECT reason FROM pair WHERE verdict = 'link'").fetchall()
        runs = db.execute("SELECT faded_runs FROM fading").fetchall()
        return (found[0][0] if found else None), (runs[0][0] if runs else 0)


def test_a_tie_is_untied_on_the_third_run_below_a_half() -> None:
    assert kept(0.6, 0) == ("kept", 0)
    assert kept(0.4, 0) == ("fading", 1)
    assert kept(None, 1) == ("fading", 2)
    assert kept(0.4, 2) == (None, 0)
    assert kept(0.95, 0, "sibling") == (None, 0)
    assert kept(1.0, 0, "identifier_conflict") == (None, 0)


def test_the_circuit_breaker(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    area.send(rows(TWINS))
    area.run()
    before = area.person_keys()
    monkeypatch.setattr(person_keys, "ALWAYS_FINE", 0)
    area.send(rows(SAME))
    with pytest.raises(SystemFault, match="merge or split 1 of 2 persons"):
        area.run()
    assert area.person_keys() == before
    assert area.connection.execute("SELECT count(*) FROM link.run").fetchall() == [(1,)]
    told = linkage.stopped(area.connection)
    assert told == ["run 2 would merge or split 1 of 2 persons"]
    with pytest.raises(SystemFault):
        area.run()
    assert linkage.stopped(area.connection) == told, "the second night it is the same alert"
    assert alerts.unreported_faults(area.connection, datetime.now(UTC) + timedelta(hours=2)) == []
    area.settings = replace(area.settings, most_key_changes=0.5)
    area.run()
    assert linkage.stopped(area.connection) == []
    assert together(area.person_keys())


@pytest.mark.parametrize("text", ["2%", "two", "nan", "-0.1", "2"])
def test_a_share_that_is_none_is_said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOINT_NEEDS_MOST_KEY_CHANGES", text)
    with pytest.raises(UsageFault, match="JOINT_NEEDS_MOST_KEY_CHANGES is a share from 0 to 1"):
        Settings.from_environment()
