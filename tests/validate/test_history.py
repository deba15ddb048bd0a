"""Rules that compare with the last accepted submission, on a real ledger and a real lake."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from pipelines import validate
from pipelines.ledger import Ledger
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.validate import previous
from tests.validate.conftest import Receive
from tests.validate.payloads import Rows
from tests.validate.proofs import draw

Connection = psycopg.Connection[Any]
MOVED = {
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "has_other_sex", "value_set": [False]},
    "severity": "info",
    "meta": {
        "rule": "BRG-190",
        "on_fail": "warn",
        "column": "pers_sex",
        "flag_sql": "EXISTS (SELECT 1 FROM previous.ssd_person AS p"
        " WHERE p.record_pseudonym = t.record_pseudonym AND p.pers_sex <> t.pers_sex)",
        "tell_supplier": "The sex of the child is another than in the last submission. Check which one is right.",
    },
}
GONE = MOVED | {
    "kwargs": {"column": "has_vanished", "value_set": [False]},
    "meta": {
        "rule": "BRG-191",
        "on_fail": "warn",
        "of": "previous",
        "min_share": 0.5,
        "flag_sql": "t.record_pseudonym NOT IN (SELECT record_pseudonym FROM ssd_person)",
        "tell_supplier": "The child was in the last submission and is not in this one. Check that this is right.",
    },
}


def many(registry: Registry, count: int) -> Rows:
    """A bridge of so many children, each a clean row."""
    base = draw(registry, "identifier_bridge").base
    rows = {table: copy.deepcopy(base[table]) for table in ("ssd_person", "ssd_linked_identifiers")}
    first = rows["ssd_person"][0]
    rows["ssd_person"] = [first | {"pers_person_id": f"p{n}", "record_pseudonym": f"child{n}"} for n in range(count)]
    rows["ssd_linked_identifiers"][0] |= {"link_person_id": "p0", "record_pseudonym": "child0"}
    return rows


def results(connection: Connection, name: str, *codes: str) -> dict[str, tuple[str, int]]:
    key = Ledger(connection).submission(name).submission_key
    query = "SELECT rule, result, failed FROM ops.rule_outcome WHERE submission_key = %s AND rule = ANY(%s)"
    return {rule: (result, count) for rule, result, count in connection.execute(query, (key, list(codes)))}


def take(settings: Settings, registry: Registry, connection: Connection, name: str) -> str:
    """Validate and accept; the state it ends in."""
    if validate.validate(settings, registry, connection, name).state == "success":
        validate.accept(settings, registry, connection, name)
    return Ledger(connection).submission(name).state


@pytest.mark.parametrize(
    ("before", "now", "state", "found"),
    [
        (60, 30, "accepted", {"BRG-VOLUME": ("passed", 0), "BRG-GROWTH": ("passed", 0)}),
        (60, 29, "rejected", {"BRG-VOLUME": ("failed", 1), "BRG-GROWTH": ("passed", 0)}),
        (60, 121, "accepted", {"BRG-VOLUME": ("passed", 0), "BRG-GROWTH": ("failed", 1)}),
        (49, 1, "accepted", {"BRG-VOLUME": ("not_applicable", 0), "BRG-GROWTH": ("not_applicable", 0)}),
    ],
)
def test_far_fewer_rows_than_last_time_are_rejected_and_far_more_are_told(
    database: Settings, connection: Connection, registry: Registry, receive: Receive,
    before: int, now: int, state: str, found: dict[str, tuple[str, int]],
) -> None:  # fmt: skip
    first = receive("identifier_bridge", many(registry, before), period="2026-02")
    assert take(database, registry, connection, first) == "accepted"
    nothing_before = {"BRG-VOLUME": ("not_applicable", 0), "BRG-GROWTH": ("not_applicable", 0)}
    assert results(connection, first, *nothing_before) == nothing_before
    second = receive("identifier_bridge", many(registry, now))
    assert take(database, registry, connection, second) == state
    assert results(connection, second, *found) == found


def test_a_sender_has_its_own_least_share_of_the_last_volume(
    database: Settings, connection: Connection, registry: Registry, receive: Receive
) -> None:
    take(database, registry, connection, receive("identifier_bridge", many(registry, 60), period="2026-02"))
    agency = registry.agency("social_care").model_copy(update={"tolerances": {"BRG-VOLUME": 0.4}})
    ours = replace(registry, agencies=registry.agencies | {"social_care": agency})
    name = receive("identifier_bridge", many(registry, 25))
    assert take(database, registry, connection, name) == "rejected"
    again = receive("identifier_bridge", many(registry, 25), sequence=2)
    assert take(database, ours, connection, again) == "accepted"


def test_what_changed_and_who_vanished_since_the_last_submission(
    database: Settings, connection: Connection, registry: Registry, receive: Receive
) -> None:
    suite = copy.deepcopy(registry.suites["identifier_bridge"])
    suite["tables"]["ssd_person"] += [MOVED, GONE]
    ours = replace(registry, suites=registry.suites | {"identifier_bridge": suite})
    first = receive("identifier_bridge", many(registry, 4), period="2026-02")
    assert take(database, ours, connection, first) == "accepted"
    assert set(results(connection, first, "BRG-190", "BRG-191").values()) == {("not_applicable", 0)}
    rows = many(registry, 3)
    rows["ssd_person"][1]["pers_sex"] = "M" if rows["ssd_person"][1]["pers_sex"] == "F" else "F"
    second = receive("identifier_bridge", rows)
    assert take(database, ours, connection, second) == "accepted"
    assert results(connection, second, "BRG-190", "BRG-191") == {"BRG-190": ("failed", 1), "BRG-191": ("failed", 1)}
    third = receive("identifier_bridge", many(registry, 1), period="2026-04")
    assert take(database, ours, connection, third) == "rejected"
    [(reason,)] = connection.execute("SELECT reason FROM ops.submission WHERE state = 'rejected'").fetchall()
    assert reason.endswith("2 of 3 rows of the last ssd_person are at fault.")


def test_a_correction_follows_what_it_corrects_and_a_late_period_the_one_before_it(
    database: Settings, connection: Connection, registry: Registry, receive: Receive
) -> None:
    def before(name: str) -> str:
        found = previous.files(database, Ledger(connection), Ledger(connection).submission(name))
        return next(iter(found.values())).parent.name if found else "nothing"

    def sent(period: str, sequence: int = 1) -> str:
        name = receive("identifier_bridge", many(registry, 2), period=period, sequence=sequence)
        take(database, registry, connection, name)
        return name

    march, february = sent("2026-03"), sent("2026-02")
    april, corrected = sent("2026-04"), sent("2026-03", 2)
    assert [before(name) for name in (february, march, corrected, april)] == [
        "nothing",
        february.replace("/", "__"),
        march.replace("/", "__"),
        corrected.replace("/", "__"),
    ]
    connection.execute("UPDATE ops.submission SET state = 'withdrawn' WHERE submission = %s", (corrected,))
    assert before(april) == march.replace("/", "__")
