"""Held rows released or kept, submissions run again or withdrawn: real door, real checks, real lake and database."""

from __future__ import annotations

import pytest

from pipelines import steward, validate
from pipelines.errors import UsageFault
from pipelines.ledger import Ledger
from tests.receive.conftest import Area
from tests.steward.conftest import NAME

BY = {"by": "A. Steward", "reason": "the trust confirmed the date by telephone"}


def released(hub: Area, rule: str, **changes):
    return steward.release(hub.settings, hub.registry, hub.connection, NAME, rule, **{**BY, **changes})


def lake(hub: Area, table: str) -> list[str]:
    query = """SELECT path FROM ops.snapshot WHERE table_name = %s AND replaced_at = 'infinity'"""
    return [path for (path,) in hub.connection.execute(query, (table,)).fetchall()]


def counts(hub: Area) -> dict[str, tuple[int, int, int]]:
    query = "SELECT table_name, rows_in, accepted, quarantined FROM ops.outcome"
    return {row[0]: row[1:] for row in hub.connection.execute(query).fetchall()}


def test_what_is_held_is_listed_by_rule_with_what_can_be_done(held: Area):
    listed = {found.rule: found for found in steward.held(held.registry, held.connection)}
    assert {rule: found.rows for rule, found in listed.items()} == {"CSDS-201": 1, "CSDS-204": 1, "CSDS-205": 1}
    assert not listed["CSDS-201"].is_releasable
    assert listed["CSDS-205"].is_releasable
    assert {found.below for found in listed.values()} == {2}
    assert steward.held_rows(held.connection, NAME, "referral", "CSDS-205") == [2]
    assert "birth" in listed["CSDS-205"].tell_supplier


def test_a_released_row_is_taken_with_the_rows_below_it_and_nothing_is_lost(held: Area):
    before = lake(held, "referral")
    assert counts(held)["referral"] == (4, 1, 3)
    outcome = released(held, "CSDS-205")
    assert outcome.counts["released"] == 1
    assert counts(held)["referral"] == (4, 2, 2)
    assert counts(held)["care_contact"] == (2, 2, 0)
    assert lake(held, "referral") != before
    assert (held.settings.lake / before[0]).is_file(), "what stood can still be asked for as of a day before"
    assert steward.held_rows(held.connection, NAME, "referral", "CSDS-205") == []
    assert dict(held.submissions())[NAME] == "accepted"
    decision = held.connection.execute("SELECT kind, rule, source_rows, decided_by FROM ops.decision").fetchall()
    assert decision == [("release", "CSDS-205", [2], "A. Steward")]


def test_judging_again_does_not_hold_a_released_row_again(held: Area):
    released(held, "CSDS-205")
    steward.rerun(held.settings, held.registry, held.connection, NAME, **BY)
    assert counts(held)["referral"] == (4, 2, 2)
    assert len(lake(held, "referral")) == 1


def test_rows_that_belong_to_nothing_are_not_released(held: Area):
    with pytest.raises(UsageFault, match="only the sender"):
        released(held, "CSDS-201")


def test_rows_that_the_warehouse_cannot_carry_leave_everything_as_it_was(held: Area):
    """A warehouse that needs the minutes of a contact, and a contact without them below the row."""
    held.connection.execute("ALTER TABLE core.contact ALTER COLUMN minutes SET NOT NULL")
    held.connection.commit()
    before = lake(held, "referral")
    with pytest.raises(UsageFault, match="cannot carry these rows"):
        released(held, "CSDS-205")
    assert lake(held, "referral") == before
    assert (held.settings.lake / before[0]).is_file()
    assert counts(held)["referral"] == (4, 1, 3)
    assert held.connection.execute("SELECT count(*) FROM ops.decision").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"rows": [4]}, "does not hold row 4"), ({"by": " "}, "name of who"), ({"reason": ""}, "why")],
)
def test_a_decision_needs_rows_that_are_held_a_name_and_a_reason(held: Area, changes, words):
    with pytest.raises(UsageFault, match=words):
        released(held, "CSDS-205", **changes)


def test_rows_that_are_kept_stay_held_and_are_counted_as_decided(held: Area):
    steward.keep(held.registry, held.connection, NAME, "CSDS-205", **BY)
    listed = {found.rule: found for found in steward.held(held.registry, held.connection, NAME)}
    assert (listed["CSDS-205"].rows, listed["CSDS-205"].kept) == (1, 1)
    assert listed["CSDS-204"].kept == 0


def test_a_rejected_submission_goes_through_the_stages_again(area: Area):
    area.receive(area.capacity(places=-4))
    name = "planning/provision_capacity/2026/1"
    validate.validate(area.settings, area.registry, area.connection, name)
    state = dict(area.submissions())[name]
    outcomes = steward.rerun(area.settings, area.registry, area.connection, name, **BY)
    assert outcomes[0].stage == "validate"
    assert state in ("rejected", "validated")


def test_a_rerun_is_asked_for_from_a_stage_that_there_is(held: Area):
    with pytest.raises(UsageFault, match="validate or accept"):
        steward.rerun(held.settings, held.registry, held.connection, NAME, "publish", **BY)


def test_a_replay_is_read_as_a_whole_or_not_at_all(tmp_path):
    file = tmp_path / "replay.yaml"
    file.write_text(
        f"reviewed_by: A. Steward\nreason: tolerance changed\nreruns:\n  - {{submission: {NAME}, from: accept}}\n"
    )
    found = steward.read_replay(file)
    assert [(step.submission, step.stage) for step in found.reruns] == [(NAME, "accept")]
    file.write_text("reason: none\nreruns: []\n")
    with pytest.raises(UsageFault, match="reviewed_by"):
        steward.read_replay(file)


def test_what_is_withdrawn_leaves_no_file_and_what_stood_before_stands_again(held: Area):
    held.receive(held.patients(sequence=2))
    second = NAME[:-1] + "2"
    validate.validate(held.settings, held.registry, held.connection, second)
    validate.accept(held.settings, held.registry, held.connection, second)
    assert dict(held.submissions()) == {NAME: "superseded", second: "accepted"}
    outcome = steward.withdraw(held.settings, held.connection, second, **BY)
    assert outcome.counts["files"] > 4
    stored = [path for path in held.settings.home.rglob("*csds__2026-03__2*") if "landing" not in path.parts]
    assert stored == []
    assert [s.submission for s in Ledger(held.connection).current()] == [NAME]
    kept = held.connection.execute("SELECT reason FROM ops.submission WHERE submission = %s", (second,)).fetchall()
    assert kept == [(BY["reason"],)]
    again = steward.withdraw(held.settings, held.connection, second, **BY)
    assert again.counts["files"] == 0
    with pytest.raises(UsageFault, match="withdrawn"):
        steward.rerun(held.settings, held.registry, held.connection, second, **BY)
