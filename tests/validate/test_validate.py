"""What becomes of a submission, on a real ledger: counts, states, files, and what a kill leaves behind."""

from __future__ import annotations

import copy
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq
import pytest

from pipelines import validate
from pipelines.errors import SystemFault
from pipelines.ledger import Ledger
from pipelines.registry import Registry
from pipelines.seal.manifest import sha256_of
from pipelines.settings import Settings
from pipelines.validate import engine, report
from tests.validate.conftest import Receive
from tests.validate.payloads import Rows
from tests.validate.proofs import draw

Connection = psycopg.Connection[Any]


@pytest.fixture
def plans(registry: Registry) -> Rows:
    """Two children with a plan and a need each; nothing is wrong with either."""
    rows = copy.deepcopy(draw(registry, "sen2").base)
    keys = {"persontableid", "requeststableid", "assessmenttableid", "namedplantableid", "plandetailtableid"}
    keys |= {"activeplanstableid", "placementdetailtableid", "senneedtableid"}
    for table in [name for name in rows if name != "sen2"]:
        second = {name: f"{value}b" if name in keys else value for name, value in rows[table][0].items()}
        rows[table].append(second | {"record_pseudonym": "child2"})
    return rows


@pytest.fixture
def bridge(registry: Registry) -> Rows:
    """Two children with an identifier each: few rules, for what does not depend on them."""
    base = draw(registry, "identifier_bridge").base
    rows = {table: copy.deepcopy(base[table]) for table in ("ssd_person", "ssd_linked_identifiers")}
    rows["ssd_person"].append(rows["ssd_person"][0] | {"pers_person_id": "p2", "record_pseudonym": "child2"})
    second = {"link_table_id": "l2", "link_person_id": "p2", "record_pseudonym": "child2"}
    rows["ssd_linked_identifiers"].append(rows["ssd_linked_identifiers"][0] | second)
    return rows


def counts(connection: Connection, name: str) -> dict[str, tuple[int, ...]]:
    """table -> rows in, accepted, quarantined, of these below a held row, rejected."""
    key = Ledger(connection).submission(name).submission_key
    query = """SELECT table_name, rows_in, accepted, quarantined, parent_held, rejected FROM ops.outcome
        WHERE submission_key = %s"""
    return {row[0]: row[1:] for row in connection.execute(query, (key,)).fetchall()}


def failed(connection: Connection, name: str) -> dict[str, int]:
    """Rules that did not pass -> rows at fault."""
    key = Ledger(connection).submission(name).submission_key
    query = "SELECT rule, failed FROM ops.rule_outcome WHERE submission_key = %s AND result = 'failed'"
    return dict(connection.execute(query, (key,)).fetchall())


def lake(settings: Settings, connection: Connection, name: str, table: str) -> list[dict[str, Any]]:
    """The rows of a table's snapshot."""
    key = Ledger(connection).submission(name).submission_key
    query = "SELECT path FROM ops.snapshot WHERE submission_key = %s AND table_name = %s"
    [(path,)] = connection.execute(query, (key, table)).fetchall()
    return pq.read_table(settings.lake / path).to_pylist()


def test_clean_rows_reach_the_lake_typed(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    name = receive("sen2", plans)
    assert validate.validate(database, registry, connection, name).state == "success"
    outcome = validate.accept(database, registry, connection, name)
    assert (outcome.state, outcome.counts) == ("success", {"tables": 9, "rows": 17})
    assert Ledger(connection).submission(name).state == "accepted"
    assert failed(connection, name) == {}
    [first, _] = lake(database, connection, name, "requests")
    assert (first["receiveddate"].isoformat(), first["rya"], first["source_row"]) == ("2024-01-10", False, 1)
    assert not [column for column in first if column.endswith("_cast") or column.startswith(("_", "is_"))]
    [person, _] = lake(database, connection, name, "person")
    assert (person["age_31_aug"], person["birth_month"].isoformat(), person["upn_state"]) == (10, "2015-03-01", "valid")


def test_a_held_row_holds_all_rows_below_it_and_they_are_counted_apart(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    plans["person"][1]["personbirthdate_state"] = "missing"
    plans["senneed"][1]["sentype"] = "#unlisted"
    name = receive("sen2", plans)
    validate.validate(database, registry, connection, name)
    assert counts(connection, name) == {
        "sen2": (1, 1, 0, 0, 0),
        "person": (2, 1, 1, 0, 0),
        **dict.fromkeys(("requests", "assessment", "namedplan", "plandetail", "activeplans"), (2, 1, 1, 1, 0)),
        "placementdetail": (2, 1, 1, 1, 0),
        "senneed": (2, 1, 1, 0, 0),
    }
    held = connection.execute("SELECT table_name, source_row, rule, column_name FROM ops.held_row ORDER BY 1")
    assert held.fetchall() == [("person", 2, "SEN2-205", "personbirthdate"), ("senneed", 2, "SEN2-905", "sentype")]
    validate.accept(database, registry, connection, name)
    assert [row["source_row"] for row in lake(database, connection, name, "placementdetail")] == [1]


def test_the_first_of_two_rows_with_one_key_stands_and_so_do_the_rows_below(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    plans["activeplans"].append(plans["activeplans"][0] | {"lastreview": "2025-06-01"})
    name = receive("sen2", plans)
    validate.validate(database, registry, connection, name)
    assert counts(connection, name)["activeplans"] == (3, 2, 1, 0, 0)
    assert counts(connection, name)["senneed"] == (2, 2, 0, 0, 0)
    assert failed(connection, name) == {"SEN2-701": 1, "SEN2-706": 1}


def test_a_field_is_left_out_and_its_row_kept(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    plans["requests"][0]["requestoutcomedate"] = "2024-01-09"
    plans["person"][0]["ethnicity"] = "#unlisted"
    plans["person"][1]["ethnicity"] = "#blanked"
    plans["namedplan"][0]["pb"] = "#unreadable"
    name = receive("sen2", plans)
    validate.validate(database, registry, connection, name)
    validate.accept(database, registry, connection, name)
    assert failed(connection, name) == {"SEN2-310": 1, "SEN2-CAST-ethnicity": 2, "SEN2-CAST-pb": 1}
    requests = lake(database, connection, name, "requests")
    assert [row["requestoutcomedate"] is None for row in requests] == [True, False]
    assert [row["ethnicity"] for row in lake(database, connection, name, "person")] == [None, None]
    assert [row["pb"] for row in lake(database, connection, name, "namedplan")] == [None, False]
    assert all(row[2] == 0 for row in counts(connection, name).values())


def test_rows_that_the_door_could_not_take_are_rejected_and_their_children_have_no_parent(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    plans["activeplans"] = [plans["activeplans"][1] | {"source_row": 2}]
    name = receive("sen2", plans)
    manifest = Ledger(connection).submission(name).manifest
    manifest["tables"]["activeplans"] = {
        "rows_in": 2,
        "rows": 1,
        "rejected_rows": [1],
        "sha256": manifest["tables"]["activeplans"]["sha256"],
    }
    connection.execute("UPDATE ops.submission SET manifest = %s", (json.dumps(manifest),))
    validate.validate(database, registry, connection, name)
    assert counts(connection, name)["activeplans"] == (2, 1, 0, 0, 1)
    assert counts(connection, name)["senneed"] == (2, 1, 1, 0, 0)
    assert failed(connection, name) == {"SEN2-509": 1, "SEN2-802": 1, "SEN2-902": 1}


def test_a_rule_can_reject_the_whole_file(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    plans["sen2"].append(plans["sen2"][0] | {"sen2tableid": "h2"})
    name = receive("sen2", plans)
    outcome = validate.validate(database, registry, connection, name)
    [(state, rule, reason)] = connection.execute("SELECT state, reason_rule, reason FROM ops.submission").fetchall()
    assert (outcome.state, state, rule) == ("rejected", "rejected", "SEN2-100")
    assert reason == "There must be exactly one header in a SEN2 return. Send the files of one return only."
    assert all(row[0] == row[4] and row[1] == row[2] == 0 for row in counts(connection, name).values())
    assert not (database.work / name.replace("/", "__")).exists()
    with pytest.raises(SystemFault, match="is rejected"):
        validate.accept(database, registry, connection, name)


def test_files_of_two_exports_are_rejected_since_most_rows_have_no_parent(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    for row in plans["senneed"]:
        row["activeplanstableid"] = "of another export"
    name = receive("sen2", plans)
    assert validate.validate(database, registry, connection, name).state == "rejected"
    [(rule, reason)] = connection.execute("SELECT reason_rule, reason FROM ops.submission").fetchall()
    assert (rule, reason.endswith("2 of 2 rows of senneed are at fault.")) == ("SEN2-902", True)


@pytest.mark.parametrize(
    ("tolerances", "state"),
    [
        ({}, "success"),
        ({"BRG-110": 0.5}, "success"),
        ({"BRG-110": 0.51}, "rejected"),
        ({"BRG-110": 0.4, "test": {"BRG-110": 0.9}}, "rejected"),
        ({"BRG-110": 0.9, "elsewhere": {"BRG-110": 0.1}}, "rejected"),
    ],
)
def test_an_agency_has_its_own_tolerance(
    database: Settings,
    connection: Connection,
    registry: Registry,
    receive: Receive,
    bridge: Rows,
    tolerances: dict[str, Any],
    state: str,
) -> None:
    bridge["ssd_person"][0]["pers_common_child_id_state"] = "invalid"
    name = receive("identifier_bridge", bridge)
    agency = registry.agency("social_care").model_copy(update={"tolerances": tolerances})
    ours = replace(registry, agencies=registry.agencies | {"social_care": agency})
    assert validate.validate(database, ours, connection, name).state == state


def test_a_rule_that_cannot_be_evaluated_holds_the_submission_until_it_can(
    database: Settings,
    connection: Connection,
    registry: Registry,
    receive: Receive,
    plans: Rows,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plans["person"][1]["ethnicity"] = "ABAN"
    suite = copy.deepcopy(registry.suites["sen2"])
    entry = next(e for e in suite["tables"]["person"] if e["meta"]["rule"] == "SEN2-208")
    entry["meta"]["flag_sql"] = "CAST(t.ethnicity AS INTEGER) = 26"
    broken = replace(registry, suites=registry.suites | {"sen2": suite})
    name = receive("sen2", plans)
    with caplog.at_level(logging.DEBUG):
        outcome = validate.validate(database, broken, connection, name)
    assert (outcome.state, outcome.notes) == ("held_ours", ["rules that could not be evaluated: SEN2-208"])
    assert Ledger(connection).submission(name).state == "held_ours"
    results = connection.execute("SELECT rule FROM ops.rule_outcome WHERE result = 'could_not_check'").fetchall()
    assert results == [("SEN2-208",)]
    assert counts(connection, name) == {}
    messages = connection.execute("SELECT string_agg(message, ' ') FROM ops.run").fetchall()
    assert "ABAN" not in caplog.text + str(messages)
    assert validate.validate(database, registry, connection, name).state == "success"
    assert Ledger(connection).submission(name).state == "validated"
    assert counts(connection, name)["person"] == (2, 2, 0, 0, 0)


def test_fewer_rows_listed_than_counted_is_a_fault_of_the_machine(
    database: Settings,
    connection: Connection,
    registry: Registry,
    receive: Receive,
    bridge: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where Great Expectations counts rows at fault and gives no query that lists them."""
    many = {"pers_forename_state": "missing"}
    bridge["ssd_person"] += [bridge["ssd_person"][0] | many | {"pers_person_id": f"n{n}"} for n in range(30)]
    name = receive("identifier_bridge", bridge)
    monkeypatch.setattr(engine, "COUNTS", engine.COUNTS | {"return_unexpected_index_query": False})
    with pytest.raises(SystemFault, match="rule BRG-111 on ssd_person: 30 rows counted, 0 listed"):
        validate.validate(database, registry, connection, name)
    assert Ledger(connection).submission(name).state == "received"
    monkeypatch.undo()
    assert validate.validate(database, registry, connection, name).state == "success"
    assert failed(connection, name) == {"BRG-111": 30}


def state_of_everything(settings: Settings, connection: Connection) -> dict[str, Any]:
    """The ledger's rows without times, and every file with its content."""
    found: dict[str, Any] = {}
    for table in ("outcome", "rule_outcome", "held_row", "snapshot"):
        rows = connection.execute(f"SELECT (to_jsonb(t) - 'written_at')::text FROM ops.{table} AS t").fetchall()
        found[table] = sorted(rows)
    found["states"] = sorted(connection.execute("SELECT submission, state FROM ops.submission").fetchall())
    for folder in (settings.lake, settings.reports, settings.work):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found[folder.name] = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return found


def test_twice_equals_once(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, bridge: Rows
) -> None:
    bridge["ssd_linked_identifiers"][1]["link_identifier_type"] = None
    name = receive("identifier_bridge", bridge)
    first = validate.validate(database, registry, connection, name)
    validated = state_of_everything(database, connection)
    again = validate.validate(database, registry, connection, name)
    assert (again.state, again.counts, again.notes) == ("success", first.counts, ["is validated already"])
    assert state_of_everything(database, connection) == validated
    validate.accept(database, registry, connection, name)
    accepted = state_of_everything(database, connection)
    (database.work / name.replace("/", "__")).mkdir()  # as a kill right after the commit leaves it
    validate.accept(database, registry, connection, name)
    assert validate.validate(database, registry, connection, name).state == "success"
    assert state_of_everything(database, connection) == accepted
    assert not list(database.work.iterdir())


class Killed(BaseException):
    """Stands for a process that ends in the middle."""


@pytest.mark.parametrize(
    ("step", "call"), [("validate", "replace_outcomes"), ("accept", "replace_snapshots"), ("accept", "move")]
)
def test_a_kill_between_files_and_commit_is_healed_by_the_next_run(
    database: Settings,
    connection: Connection,
    registry: Registry,
    receive: Receive,
    bridge: Rows,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    call: str,
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    name = receive("identifier_bridge", bridge)
    if step == "accept":
        validate.validate(database, registry, connection, name)
    before = Ledger(connection).submission(name).state
    monkeypatch.setattr(Ledger, call, killed)
    with pytest.raises(Killed):
        getattr(validate, step)(database, registry, connection, name)
    assert Ledger(connection).submission(name).state == before
    assert connection.execute("SELECT count(*) FROM ops.snapshot").fetchall() == [(0,)]
    monkeypatch.undo()
    validate.validate(database, registry, connection, name)
    validate.accept(database, registry, connection, name)
    everything = state_of_everything(database, connection)
    assert len(everything["lake"]) == len(everything["snapshot"]) == 2
    assert everything["states"] == [(name, "accepted")]
    assert everything["work"] == {}


def test_scratch_that_was_deleted_is_made_again(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, bridge: Rows
) -> None:
    name = receive("identifier_bridge", bridge)
    validate.validate(database, registry, connection, name)
    shutil.rmtree(database.work)
    assert validate.accept(database, registry, connection, name).counts["rows"] == 4
    assert Ledger(connection).submission(name).state == "accepted"


def test_the_highest_sequence_of_a_period_stays_in_force_whichever_comes_first(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, bridge: Rows
) -> None:
    names = {n: receive("identifier_bridge", bridge, sequence=n, period="2026-02") for n in (1, 2, 3)}
    for sequence in (2, 3, 1):
        validate.validate(database, registry, connection, names[sequence])
        validate.accept(database, registry, connection, names[sequence])
    states = {s.sequence: s.state for s in Ledger(connection).submissions()}
    assert states == {1: "superseded", 2: "superseded", 3: "accepted"}
    assert [s.sequence for s in Ledger(connection).current()] == [3]


def lacks_a_column(file: Path) -> None:
    pq.write_table(pq.read_table(file).drop_columns(["pers_dob_state"]), file)


def lacks_a_row(file: Path) -> None:
    pq.write_table(pq.read_table(file).slice(1), file)


def is_no_parquet(file: Path) -> None:
    file.write_text("pers_person_id\np1\n")


def ends_early(file: Path) -> None:
    """The footer is whole and the pages before it are not."""
    content = file.read_bytes()
    file.write_bytes(content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :])


@pytest.mark.parametrize("spoil", [lacks_a_column, lacks_a_row, is_no_parquet, ends_early])
def test_a_payload_that_was_sealed_wrong_is_rejected_and_one_that_changed_since_is_our_fault(
    database: Settings,
    connection: Connection,
    registry: Registry,
    receive: Receive,
    bridge: Rows,
    spoil: Callable[[Path], None],
) -> None:
    name = receive("identifier_bridge", bridge)
    file = database.received / name.replace("/", "__") / "payload" / "ssd_person.parquet"
    spoil(file)
    with pytest.raises(SystemFault, match="is not what was sealed"):
        validate.validate(database, registry, connection, name)
    assert Ledger(connection).submission(name).state == "received"
    manifest = Ledger(connection).submission(name).manifest
    manifest["tables"]["ssd_person"]["sha256"] = sha256_of(file)
    connection.execute("UPDATE ops.submission SET manifest = %s", (json.dumps(manifest),))
    outcome = validate.validate(database, registry, connection, name)
    assert (outcome.state, outcome.notes[0][:8]) == ("rejected", "FILE-019")
    assert counts(connection, name)["ssd_person"] == (2, 0, 0, 0, 2)


def test_the_report_says_rule_table_count_and_rows_but_no_value(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, plans: Rows
) -> None:
    plans["plandetail"][1] |= {"urn": "123456", "ukprn": "10012345"}
    name = receive("sen2", plans)
    validate.validate(database, registry, connection, name)
    folder = report.folder_of(database.reports, name)
    document = json.loads((folder / "report.json").read_text())
    assert [(r["rule"], r["table"], r["count"], r["first_rows"]) for r in document["rules"]] == [
        ("SEN2-604", "plandetail", 1, [2])
    ]
    text = (folder / "report.md").read_text()
    assert "| SEN2-604 | Placements named in the plan (plandetail)" in text
    assert "| 1 | 2 | A placement names exactly one of URN, UKPRN and setting type." in text
    assert not {"123456", "10012345", "child1", "child2"} & set((text + json.dumps(document)).replace("|", " ").split())


def test_check_writes_nothing_and_says_what_validate_records(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, bridge: Rows, tmp_path: Path
) -> None:
    bridge["ssd_person"][1]["age_31_aug"] = "30"
    name = receive("identifier_bridge", bridge)
    folder = database.received / name.replace("/", "__")
    manifest = Ledger(connection).submission(name).manifest
    before = sorted(tmp_path.rglob("*"))
    document = validate.check(folder, registry, manifest=manifest)
    assert sorted(tmp_path.rglob("*")) == before
    validate.validate(database, registry, connection, name)
    recorded = counts(connection, name)
    names = ("rows_in", "accepted", "quarantined", "parent_held", "rejected")
    assert {t["table"]: tuple(t[name] for name in names) for t in document["tables"]} == recorded
    assert {r["rule"]: r["count"] for r in document["rules"]} == failed(connection, name)
    assert (document["agency"], document["outcome"], document["reason"]) == ("social_care", "accepted", None)


def test_pandas_can_do_the_checks_by_one_setting(
    database: Settings, connection: Connection, registry: Registry, receive: Receive, bridge: Rows
) -> None:
    bridge["ssd_person"][1]["pers_person_id"] = None
    name = receive("identifier_bridge", bridge)
    validate.validate(replace(database, check_engine="pandas"), registry, connection, name)
    found = counts(connection, name)
    assert found["ssd_person"] == (2, 1, 1, 0, 0)
    assert found["ssd_linked_identifiers"] == (2, 1, 1, 0, 0)


def test_an_absent_optional_table_is_not_applicable_and_an_absent_required_one_is_empty(
    database: Settings, connection: Connection, registry: Registry, receive: Receive
) -> None:
    rows = copy.deepcopy(draw(registry, "csds").base)
    for table in ("rtt", "care_activity", "care_contact"):
        del rows[table]
    name = receive("csds", rows, period="2026-02")
    assert validate.validate(database, registry, connection, name).state == "success"
    query = """SELECT DISTINCT table_name, result FROM ops.rule_outcome
        WHERE result <> 'passed' AND table_name <> 'mpi' ORDER BY 1"""
    assert connection.execute(query).fetchall() == [
        ("care_activity", "not_applicable"),
        ("care_contact", "failed"),
        ("rtt", "not_applicable"),
    ]
    assert failed(connection, name) == {"CSDS-500": 1}


@pytest.mark.shared
def test_the_published_sample_is_told_truly_what_is_wrong_with_it(shared: Path, registry: Registry) -> None:
    from pipelines.seal import throwaway

    files = sorted((shared / "samples" / "school_census").glob("2025_spring_*.csv"))
    with throwaway(files, registry=registry, dataset="school_census", period="2025-spring") as sealed:
        document = validate.check(sealed.folder, registry)
    tables = {table["table"]: table for table in document["tables"]}
    assert (tables["pupilonroll"]["rows_in"], tables["senneeds"]["rows_in"]) == (9498, 16954)
    assert all(t["rows_in"] == t["accepted"] + t["quarantined"] + t["rejected"] for t in tables.values())
    found = {rule["rule"]: (rule["on_fail"], rule["count"]) for rule in document["rules"]}
    assert found["SC-305"] == ("quarantine_row", 16954)
    assert found["SC-110"] == ("warn", 9498)
    with duckdb.connect() as memory:
        raw = memory.read_csv(str(next(f for f in files if "pupilonroll" in f.name)), all_varchar=True)
        missing = raw.filter("senprovision IS NULL").aggregate("count(*)").fetchall()[0][0]
    assert found["SC-113"] == ("warn", missing)
    assert document["outcome"] == "accepted"
    assert "addresses" in document["absent_tables"]
