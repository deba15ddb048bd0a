"""Conform on a small lake, by real DuckDB and with a real ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest

from pipelines import conform
from pipelines.conform import making, state
from pipelines.conform.shape import core_tables
from pipelines.errors import SystemFault
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, conformed, deliver, rows

Connection = psycopg.Connection[Any]


def pick(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[name] for name in names) for row in rows)


def sen2(prefix: str = "", **changes: Any) -> dict[str, list[dict[str, Any]]]:
    """One child with a request of 2025 and a plan in force; `prefix` renames every table id, as a new export does."""
    a, received = "a" * 32, date(2025, 2, 3)
    tables: dict[str, list[dict[str, Any]]] = {
        "sen2": [{"sen2tableid": prefix + "h", "referencedate": date(2026, 1, 15)}],
        "person": [{"record_pseudonym": a, "persontableid": prefix + "p", "birth_month": date(2015, 5, 1), "sex": "F"}],
        "requests": [
            {"record_pseudonym": a, "requeststableid": prefix + "r", "persontableid": prefix + "p",
             "receiveddate": received, "requestoutcome": "Y", "requestoutcomedate": date(2025, 3, 1)},
        ],
        "assessment": [
            {"record_pseudonym": a, "assessmenttableid": prefix + "s", "requeststableid": prefix + "r",
             "assessmentoutcome": "Y", "assessmentoutcomedate": date(2025, 6, 20), "week20": False},
        ],
        "namedplan": [
            {"record_pseudonym": a, "namedplantableid": prefix + "n", "assessmenttableid": prefix + "s",
             "startdate": date(2025, 6, 20)},
        ],
        "activeplans": [
            {"record_pseudonym": a, "activeplanstableid": prefix + "v", "requeststableid": prefix + "r",
             "lastreview": date(2025, 12, 1)},
        ],
        "placementdetail": [
            {"record_pseudonym": a, "placementdetailtableid": prefix + "d", "activeplanstableid": prefix + "v",
             "urn": "100001", "placementrank": 1, "entrydate": date(2025, 9, 1), "senunitindicator": True},
        ],
        "senneed": [
            {"record_pseudonym": a, "senneedtableid": prefix + "1", "activeplanstableid": prefix + "v",
             "sentype": "ASD", "sentyperank": 1},
            {"record_pseudonym": a, "senneedtableid": prefix + "2", "activeplanstableid": prefix + "v",
             "sentype": "SLCN", "sentyperank": 2},
        ],
    }  # fmt: skip
    for table, extra in changes.items():
        tables[table] = [row | more for row, more in zip(tables[table], extra, strict=True)]
    return tables


def test_every_canonical_table_is_there_and_empty_without_a_submission(database: Settings, connection: Connection):
    outcome = conform.run(database, REGISTRY, connection, None)
    assert outcome.state == "success"
    assert outcome.counts == {"rows": 0, "inserted": 0, "updated": 0, "deleted": 0}
    assert conformed(database, "ehc_plan") == []


def test_a_plan_with_its_request_placement_and_needs(database: Settings, connection: Connection):
    deliver(database, connection, "education", "sen2", "2025", sen2())
    conform.run(database, REGISTRY, connection, None)
    (request,) = conformed(database, "ehc_request")
    assert request["received_date"] == date(2025, 2, 3)
    assert request["assessment_outcome_date"] == date(2025, 6, 20)
    assert request["is_exception"] is False
    (plan,) = conformed(database, "ehc_plan")
    assert plan["request_ref"] == request["request_ref"]
    assert (plan["is_active"], plan["primary_need_code"], plan["secondary_need_code"]) == (True, "ASD", "SLCN")
    assert plan["last_review_date"] == date(2025, 12, 1)
    (placement,) = conformed(database, "ehc_placement")
    assert (placement["plan_ref"], placement["provision_code"]) == (plan["plan_ref"], "specialist_base")
    assert pick(conformed(database, "sen_need"), "need_rank", "need_code") == [(1, "ASD"), (2, "SLCN")]
    (status,) = conformed(database, "sen_status")
    assert (status["status_code"], status["observed_on"]) == ("E", date(2025, 12, 31))


def test_references_outlive_the_table_ids_of_an_export(database: Settings, connection: Connection):
    deliver(database, connection, "education", "sen2", "2026-01", sen2())
    conform.run(database, REGISTRY, connection, None)
    before = {t: pick(conformed(database, t), f"{t[4:]}_ref") for t in ("ehc_request", "ehc_plan", "ehc_placement")}
    deliver(database, connection, "education", "sen2", "2026-02", sen2("new-"))
    conform.run(database, REGISTRY, connection, None)
    assert before == {t: pick(conformed(database, t), f"{t[4:]}_ref") for t in before}


def test_the_same_request_twice_counts_once_and_keeps_the_row_that_got_further(
    database: Settings, connection: Connection
):
    tables = sen2()
    again = {**tables["requests"][0], "requeststableid": "again", "requestoutcome": "A", "requestoutcomedate": None}
    tables["requests"].append(again)
    tables["activeplans"][0]["requeststableid"] = "again"
    deliver(database, connection, "education", "sen2", "2025", tables)
    conform.run(database, REGISTRY, connection, None)
    assert pick(conformed(database, "ehc_request"), "request_outcome_code") == [("Y",)]
    # The plan in force hangs on the other row of the same request, and still meets its plan.
    assert pick(conformed(database, "ehc_plan"), "is_active", "start_date") == [(True, date(2025, 6, 20))]


def test_a_plan_that_a_return_has_in_force_twice_keeps_its_needs(database: Settings, connection: Connection):
    tables = sen2()
    tables["activeplans"].append({**tables["activeplans"][0], "activeplanstableid": "again"})
    deliver(database, connection, "education", "sen2", "2025", tables)
    conform.run(database, REGISTRY, connection, None)
    plans = conformed(database, "ehc_plan")
    assert pick(plans, "is_active", "primary_need_code", "secondary_need_code") == [(True, "ASD", "SLCN")]


def test_a_plan_in_force_without_a_plan_record_is_kept(database: Settings, connection: Connection):
    tables = sen2() | {"assessment": [], "namedplan": []}
    deliver(database, connection, "education", "sen2", "2025", tables)
    conform.run(database, REGISTRY, connection, None)
    assert pick(conformed(database, "ehc_plan"), "is_active", "start_date") == [(True, None)]
    assert len(conformed(database, "ehc_placement")) == 1


@pytest.mark.parametrize(
    ("cells", "provision"),
    [
        ({"urn": "100002", "senunitindicator": None}, "special"),
        ({"urn": "100001", "senunitindicator": None}, "mainstream"),
        ({"urn": "100001", "senunitindicator": None, "resourcedprovisionindicator": True}, "specialist_base"),
        ({"urn": None, "senunitindicator": None, "ukprn": "10000001"}, "post_16"),
        ({"urn": None, "senunitindicator": None, "sensetting": "OLA"}, "eotas"),
        ({"urn": None, "senunitindicator": None, "sensetting": "EHE"}, "other"),
    ],
)
def test_provision_of_a_placement(database: Settings, connection: Connection, cells: dict[str, Any], provision: str):
    deliver(database, connection, "education", "sen2", "2025", sen2(placementdetail=[cells]))
    place = {"phase": "primary", "need": "ASD", "year": 2026, "places_commissioned": 10, "health_place": "MS"}
    capacity = [
        {"provider_urn": "100001", "provision_type": "specialist_base", **place},
        {"provider_urn": "100002", "provision_type": "special", **place},
        {"provider_urn": "100002", "provision_type": "post_16", **place},
    ]
    deliver(database, connection, "planning", "provision_capacity", "2026", {"capacity": capacity})
    conform.run(database, REGISTRY, connection, None)
    assert pick(conformed(database, "ehc_placement"), "provision_code") == [(provision,)]


def test_census_registrations_attendance_and_status(database: Settings, connection: Connection):
    a, b = "a" * 32, "b" * 32
    census = {
        "pupilonroll": [
            {"record_pseudonym": a, "pupilonrolltableid": "1", "nativeid": "9901", "senprovision": "N",
             "birth_month": date(2014, 3, 1), "termlysessionspossible": 130, "enrolstatus": "M", "sex": "M"},
            {"record_pseudonym": a, "pupilonrolltableid": "2", "nativeid": "9902", "senprovision": "P",
             "birth_month": date(2014, 3, 1), "enrolstatus": "S", "ethnicity": "WBRI"},
            {"record_pseudonym": b, "pupilonrolltableid": "3", "nativeid": "9901", "senprovision": "S",
             "entrydate": date(2020, 9, 1)},
            {"record_pseudonym": b, "pupilonrolltableid": "4", "nativeid": "9901", "senprovision": "S",
             "entrydate": date(2020, 9, 1)},
        ],
        "addresses": [{"record_pseudonym": a, "pupilonrolltableid": "1", "addressestableid": "1",
                       "lsoa21_code": "E01990001"}],
        "termlysessiondetailsonroll": [
            {"record_pseudonym": a, "pupilonrolltableid": "1", "attendancereason": code, "sessions": n}
            for code, n in (("/", 100), ("I", 7), ("O", 2), ("#", 10), ("B", 3))
        ],
        "termlyexclusionsonroll": [
            {"record_pseudonym": a, "pupilonrolltableid": pupil, "startdate": date(2025, 10, 1), "category": "SUSP",
             "sessions": 4}
            for pupil in ("1", "2")
        ],
    }  # fmt: skip
    deliver(database, connection, "education", "school_census", "2026-spring", census)
    conform.run(database, REGISTRY, connection, None)
    enrolments = conformed(database, "enrolment")
    assert pick(enrolments, "record_pseudonym", "school_code") == [(a, "9901"), (a, "9902"), (b, "9901")]
    assert {row["school_code"]: row["sessions_missed"] for row in enrolments if row["record_pseudonym"] == a} == {
        "9901": 9,
        "9902": None,
    }
    assert pick(conformed(database, "sen_status"), "record_pseudonym", "status_code") == [(a, "K"), (b, "E")]
    assert len(conformed(database, "suspension")) == 1
    # The third Thursday of January, not the end of the term.
    assert {row["census_date"] for row in enrolments} == {date(2026, 1, 15)}
    person = next(row for row in conformed(database, "person_record") if row["record_pseudonym"] == a)
    assert (person["sex_code"], person["ethnicity_code"], person["lsoa21_code"]) == ("M", "WBRI", "E01990001")


def test_waiting_clocks(database: Settings, connection: Connection):
    """Each referral is a drawn case; see the comment on core.referral for the rule."""
    a, received = "a" * 32, date(2025, 3, 3)
    referral = {"record_pseudonym": a, "localpatientid": "p", "referralrequest_receiveddate": received}
    cases = ("waiting", "seen", "proxy", "not_brought", "rtt", "rtt_open", "rejected", "no_team")
    contact = {
        "record_pseudonym": a,
        "contact_date": date(2025, 5, 5),
        "attendancestatus": "5",
        "carecontact_subject": "01",
    }
    tables = {
        "mpi": [{"record_pseudonym": a, "localpatientid": "p", "ethniccategory": "K", "gender": "F"}],
        "referral": [{**referral, "servicerequestid": case} for case in cases],
        "service_type": [
            {"record_pseudonym": a, "servicerequestid": case, "teamid_local": "t", "teamtype": "33",
             "referral_rejectiondate": date(2025, 4, 1) if case == "rejected" else None}
            for case in cases if case != "no_team"
        ],
        "rtt": [
            {"record_pseudonym": a, "servicerequestid": "rtt", "rtt_startdate": date(2025, 3, 10),
             "rtt_enddate": date(2025, 7, 1), "rtt_status": "30"},
            {"record_pseudonym": a, "servicerequestid": "rtt_open", "rtt_startdate": date(2025, 3, 10),
             "rtt_enddate": date(2025, 7, 1), "rtt_status": "20"},
        ],
        "care_contact": [
            {**contact, "servicerequestid": "seen", "carecontactid": "1", "attendancestatus": "3"},
            {**contact, "servicerequestid": "seen", "carecontactid": "2", "contact_date": date(2025, 6, 6)},
            {**contact, "servicerequestid": "proxy", "carecontactid": "3", "carecontact_subject": "02"},
            {**contact, "servicerequestid": "not_brought", "carecontactid": "4", "attendancestatus": "3"},
            {**contact, "servicerequestid": "rtt_open", "carecontactid": "5", "carecontact_subject": None},
        ],
    }  # fmt: skip
    deliver(database, connection, "north_trust", "csds", "2026-02", tables)
    conform.run(database, REGISTRY, connection, None)
    found = {row["referral_ref"]: row for row in conformed(database, "referral")}
    assert {ref: (row["clock_start_date"], row["clock_stop_date"]) for ref, row in found.items()} == {
        "waiting": (received, None),
        "seen": (received, date(2025, 6, 6)),
        "proxy": (received, None),
        "not_brought": (received, None),
        "rtt": (date(2025, 3, 10), date(2025, 7, 1)),
        "rtt_open": (date(2025, 3, 10), date(2025, 5, 5)),
        "rejected": (received, None),
        "no_team": (received, None),
    }
    assert found["rejected"]["rejected_date"] == date(2025, 4, 1)
    assert found["no_team"]["team_type_code"] == "unknown"
    assert pick(conformed(database, "contact"), "contact_ref", "is_with_patient") == [
        ("1", True), ("2", True), ("3", False), ("4", True), ("5", True),
    ]  # fmt: skip
    assert pick(conformed(database, "person_record"), "ethnicity_code", "sex_code") == [("ABAN", "F")]


def test_two_agencies_meet_in_one_view(database: Settings, connection: Connection):
    for agency in ("north_trust", "south_trust"):
        tables = {"mpi": [{"record_pseudonym": agency[0] * 32, "localpatientid": "1"}]}
        deliver(database, connection, agency, "csds", "2026-02", tables)
    conform.run(database, REGISTRY, connection, None)
    assert pick(conformed(database, "person_record"), "agency_code", "record_pseudonym") == [
        ("north_trust", "n" * 32),
        ("south_trust", "s" * 32),
    ]


def test_social_care_facts(database: Settings, connection: Connection):
    a = "a" * 32
    cin = {
        "header": [{"row_id": "1", "referencedate": date(2026, 3, 31)}],
        "child": [{"record_pseudonym": a, "row_id": "1", "sex": "U"}],
        "disability": [
            {"record_pseudonym": a, "row_id": "1", "disability": "NONE"},
            {"record_pseudonym": a, "row_id": "2", "disability": "COMM"},
        ],
        "cin_details": [
            {"record_pseudonym": a, "row_id": "1", "cinreferraldate": date(2025, 6, 1), "referralnfa": False},
            {"record_pseudonym": a, "row_id": "2", "cinreferraldate": date(2025, 6, 1),
             "cinclosuredate": date(2025, 9, 1)},
        ],
        "child_protection_plan": [
            {"record_pseudonym": a, "row_id": "1", "cppstartdate": date(2025, 7, 1), "initialcategoryofabuse": "NEG"},
        ],
    }  # fmt: skip
    deliver(database, connection, "social_care", "cin_census", "2026", cin)
    conform.run(database, REGISTRY, connection, None)
    assert pick(conformed(database, "disability"), "disability_code") == [("COMM",)]
    # The return speaks of its reference date, not of the end of the year it is named by.
    assert pick(conformed(database, "person_record"), "observed_on") == [(date(2026, 3, 31),)]
    assert pick(conformed(database, "cin_episode"), "closure_date") == [(date(2025, 9, 1),)]
    assert pick(conformed(database, "cp_plan"), "category_code") == [("NEG",)]


def test_the_same_inputs_are_not_conformed_again(database: Settings, connection: Connection):
    deliver(database, connection, "education", "sen2", "2025", sen2())
    first = conform.run(database, REGISTRY, connection, None)
    files = {path: path.stat().st_mtime_ns for path in database.conformed.glob("*")}
    second = conform.run(database, REGISTRY, connection, None)
    assert "nothing new to conform" in second.notes
    assert second.counts == first.counts
    assert files == {path: path.stat().st_mtime_ns for path in database.conformed.glob("*")}


def test_the_order_of_rows_does_not_change_the_content(database: Settings, connection: Connection):
    tables = sen2()
    deliver(database, connection, "education", "sen2", "2025", tables)
    conform.run(database, REGISTRY, connection, None)
    before = conformed(database, "sen_need"), conformed(database, "ehc_plan")
    turned = {name: list(reversed(rows)) for name, rows in tables.items()}
    deliver(database, connection, "education", "sen2", "2025", turned, sequence=2)
    conform.run(database, REGISTRY, connection, None)
    after = conformed(database, "sen_need"), conformed(database, "ehc_plan")
    assert [[{**row, "submission_key": 0} for row in rows] for rows in before] == [
        [{**row, "submission_key": 0} for row in rows] for rows in after
    ]


def test_a_lost_lake_file_is_said_and_nothing_is_written(database: Settings, connection: Connection):
    deliver(database, connection, "education", "sen2", "2025", sen2())
    next(iter(database.lake.rglob("requests.*.parquet"))).unlink()
    with pytest.raises(SystemFault, match="the lake has lost the file of table requests"):
        conform.run(database, REGISTRY, connection, None)
    assert not (database.conformed / "next.json").exists()


def change(monkeypatch: pytest.MonkeyPatch, table: str, query: Callable[[str], str]) -> None:
    """Let the query of one table be another."""
    real = making.queries()
    monkeypatch.setattr(making, "queries", lambda: real | {table: query(real[table])})


def test_a_query_without_a_column_of_its_table_is_refused(
    database: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    change(monkeypatch, "ehc_register", lambda _: "SELECT agency_code FROM ehc_register__register")
    with pytest.raises(SystemFault, match=r"does not give the columns of core\.ehc_register"):
        conform.run(database, REGISTRY, connection, None)


def test_a_key_given_twice_is_refused(database: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch):
    change(monkeypatch, "ehc_register", lambda text: f"SELECT * FROM ({text}) UNION ALL SELECT * FROM ({text})")
    register = {"register": [{"record_pseudonym": "a" * 32, "status": "PLAN", "la_id": "x"}]}
    deliver(database, connection, "education", "ehc_register", "2026-03-15", register)
    with pytest.raises(SystemFault, match="gives 1 rows with a key given before"):
        conform.run(database, REGISTRY, connection, None)


def test_only_tables_whose_inputs_changed_are_made_again(
    database: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    """A lookup that several tables use, the view of all children, and a table that uses neither."""
    deliver(database, connection, "education", "sen2", "2025", sen2())
    register = {"register": [{"record_pseudonym": "a" * 32, "status": "PLAN", "la_id": "x"}]}
    deliver(database, connection, "education", "ehc_register", "2026-03-15", register)
    conform.run(database, REGISTRY, connection, None)
    made: list[str] = []
    real = making.Making._conform
    monkeypatch.setattr(making.Making, "_conform", lambda self, table: made.append(table.name) or real(self, table))
    deliver(database, connection, "education", "sen2", "2025", sen2("other"), sequence=2)
    conform.run(database, REGISTRY, connection, None)
    assert {"ehc_request", "ehc_plan", "ehc_placement", "person_record", "sen_status"} <= set(made)
    assert not {"ehc_register", "referral", "geography", "attendance"} & set(made)
    made.clear()
    change(monkeypatch, "_ehc_case", lambda text: text + "\n")
    conform.run(database, REGISTRY, connection, None)
    assert {"ehc_request", "ehc_plan", "ehc_placement"} <= set(made)
    assert not {"ehc_register", "person_record"} & set(made)


def test_each_row_is_compared_with_what_the_warehouse_shows(
    database: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    """A child who stays, one whose status is another, one who is gone, one who is new; a key that is given twice."""

    def register(**status: str) -> dict[str, list[dict[str, Any]]]:
        return {"register": [{"record_pseudonym": c * 32, "status": s, "la_id": c} for c, s in status.items()]}

    def given_by(child: str, key: str | None = None) -> Callable[[str], str]:
        once_more = f"* REPLACE ({key} AS record_pseudonym)" if key else "*"
        return lambda text: (
            f"""SELECT * FROM ({text})
            UNION ALL SELECT {once_more} FROM ({text}) WHERE left(record_pseudonym, 1) = '{child}'"""
        )

    first = deliver(
        database, connection, "education", "ehc_register", "2026-03-15", register(a="PLAN", b="PLAN", c="PLAN")
    )
    conform.run(database, REGISTRY, connection)
    show(database, connection)
    again = register(a="PLAN", b="CEASED", d="PLAN")
    second = deliver(database, connection, "education", "ehc_register", "2026-03-15", again, sequence=2)
    for child, key, fault in [
        ("a", None, "gives 1 rows with a key given before"), ("b", None, "gives 1 rows with a key given before"),
        ("d", None, "gives 1 rows with a key given before"), ("a", "NULL", "leaves required columns empty"),
        ("d", "repeat('b', 32)", "gives 1 rows with a key given before"),
    ]:  # fmt: skip
        with monkeypatch.context() as patched:
            change(patched, "ehc_register", given_by(child, key))
            with pytest.raises(SystemFault, match=fault):
                conform.run(database, REGISTRY, connection)
    outcome = conform.run(database, REGISTRY, connection)
    assert outcome.counts["inserted"] == outcome.counts["deleted"] == 2  # in ehc_register and in person_record
    assert outcome.counts["updated"] == 1
    assert pick(conformed(database, "ehc_register"), "record_pseudonym", "status_code", "submission_key") == [
        ("a" * 32, "PLAN", first), ("b" * 32, "CEASED", second), ("d" * 32, "PLAN", second),
    ]  # fmt: skip
    (kept,) = (database.conformed / "changes").glob("ehc_register.*.parquet")
    found = pick(rows(kept), "change", "record_pseudonym")
    assert found == [("D", "c" * 32), ("I", "d" * 32), ("U", "b" * 32)]
    # Changes that were lost are found again in the two states.
    kept.unlink()
    table = next(table for table in core_tables(connection) if table.name == "ehc_register")
    with conform.workspace(database) as duck:
        made = state.changes(database, duck, table, *kept.name.split(".")[1:3])
    assert (made.path, made.inserted, made.updated, made.deleted) == (kept, 1, 1, 1)
    assert pick(rows(kept), "change", "record_pseudonym") == found


def test_what_comes_once_more_as_it_was_is_not_made_again(
    database: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    """Its rows keep the submission that brought them first, where the warehouse shows them, until it is withdrawn."""
    made: list[str] = []
    real = making.Making._conform
    monkeypatch.setattr(making.Making, "_conform", lambda self, table: made.append(table.name) or real(self, table))

    def run() -> set[Any]:
        made.clear()
        conform.run(database, REGISTRY, connection)
        return {row["submission_key"] for row in conformed(database, "ehc_plan")}

    first = deliver(database, connection, "education", "sen2", "2025", sen2())
    assert run() == {first}
    second = deliver(database, connection, "education", "sen2", "2025", sen2(), sequence=2)
    assert run() == {second} and "ehc_plan" in made  # nobody has seen the first
    show(database, connection)
    tables = sen2() | {"person": [sen2()["person"][0] | {"sex": "M"}]}
    third = deliver(database, connection, "education", "sen2", "2025", tables, sequence=3)
    assert run() == {second} and "person_record" in made and "ehc_plan" not in made
    show(database, connection)
    connection.execute("UPDATE ops.submission SET state = 'withdrawn' WHERE submission_key = %s", [second])
    assert run() == {third} and "ehc_plan" in made
    show(database, connection)
    connection.execute("UPDATE ops.submission SET state = 'withdrawn' WHERE submission_key = %s", [third])
    connection.execute("UPDATE ops.submission SET state = 'accepted' WHERE submission_key = %s", [first])
    assert run() == {first} and "ehc_plan" in made  # what stands again came before what is shown


def show(database: Settings, connection: Connection) -> None:
    """Let the warehouse show what conform made last."""
    made = json.loads((database.conformed / "next.json").read_text())
    connection.execute(
        """INSERT INTO ops.refresh (run_key, as_of, submissions, conformed, changed, linkage, code_version)
           VALUES ((SELECT max(run_key) FROM ops.run), current_date, %s, %s, '{}', '{}', '')""",
        (made["submissions"], json.dumps(made["hashes"])),
    )


def returned(day: date, *plans: tuple[str, date, date | None, str, str]) -> dict[str, list[dict[str, Any]]]:
    """A return of a day: child, start of the plan, end, need, outcome of its request. Table ids count from 1."""
    made: dict[str, list[dict[str, Any]]] = {"sen2": [{"sen2tableid": "h", "referencedate": day}]}
    for number, (child, start, end, need, outcome) in enumerate(plans, start=1):
        key, of, on = {"record_pseudonym": child * 32}, str(number), date(2022, 5, 1) if outcome in "YN" else None
        rows = {
            "person": {"persontableid": of},
            "requests": {"requeststableid": of, "receiveddate": date(2022, 3, 1), "requestoutcome": outcome,
                         "requestoutcomedate": on},
        }  # fmt: skip
        if outcome != "N":
            rows["assessment"] = {"assessmenttableid": of, "requeststableid": of, "assessmentoutcome": outcome,
                                  "assessmentoutcomedate": start if on else None}  # fmt: skip
            rows["namedplan"] = {
                "namedplantableid": of, "assessmenttableid": of, "startdate": start, "ceasedate": end,
            }  # fmt: skip
        if outcome != "N" and end is None:
            rows["activeplans"] = {"activeplanstableid": of, "requeststableid": of, "lastreview": day}
            rows["senneed"] = {"senneedtableid": of, "activeplanstableid": of, "sentype": need, "sentyperank": 1}
        for table, row in rows.items():
            made.setdefault(table, []).append(key | row)
    return made


def test_every_return_tells_what_the_newest_no_longer_knows(database: Settings, connection: Connection):
    """a changes need. b ceased in 2023, c in 2024, d left without an end; the start of e was mended; f was refused."""
    start, mended = date(2022, 9, 1), date(2022, 10, 1)
    days = {"2023": date(2023, 12, 31), "2024": date(2024, 12, 31), "2026-01": date(2026, 1, 15)}
    ended, later = date(2023, 5, 1), date(2024, 5, 1)
    told = {
        "2022": [("b", start, None, "HI", "Y")],
        "2023": [
            ("a", start, None, "SEMH", "Y"), ("b", start, ended, "", "Y"), ("c", start, None, "MLD", "Y"),
            ("d", start, None, "PD", "Y"), ("e", start, None, "VI", "Y"), ("f", start, None, "", "N"),
        ],
        "2024": [
            ("c", start, later, "", "H"), ("a", start, None, "ASD", "H"), ("d", start, None, "PD", "H"),
            ("e", mended, None, "VI", "H"),
        ],
        "2026-01": [("e", mended, None, "VI", "H"), ("a", start, None, "ASD", "H")],
    }  # fmt: skip
    for period, plans in told.items():
        day = days.get(period, date(2022, 12, 31))
        deliver(database, connection, "education", "sen2", period, returned(day, *plans))
    conform.run(database, REGISTRY, connection, None)
    told_last = ("record_pseudonym", "start_date", "cease_date", "is_active", "last_in_force_on", "primary_need_code")
    assert pick(conformed(database, "ehc_plan"), *told_last) == [
        ("a" * 32, start, None, True, None, "ASD"), ("b" * 32, start, ended, False, date(2022, 12, 31), "HI"),
        ("c" * 32, start, later, False, days["2023"], "MLD"), ("d" * 32, start, None, False, days["2024"], "PD"),
        ("e" * 32, mended, None, True, None, "VI"),
    ]  # fmt: skip
    # Who was issued a plan, and who was refused, with the days of the return that knew them.
    outcome = ("record_pseudonym", "request_outcome_code", "assessment_outcome_date")
    assert pick(conformed(database, "ehc_request"), *outcome) == [
        *((name * 32, "Y", start) for name in "abcde"), ("f" * 32, "N", None),
    ]  # fmt: skip
    spell = ("record_pseudonym", "valid_from", "valid_to")
    after = date(2025, 1, 1)
    assert pick(conformed(database, "sen_status_spell"), *spell) == [
        ("a" * 32, start, None), ("b" * 32, start, ended), ("c" * 32, start, later), ("d" * 32, start, after),
        ("e" * 32, mended, None),
    ]  # fmt: skip
    assert sorted(pick(conformed(database, "sen_need_spell"), *spell, "need_code"), key=str) == sorted(
        [
            ("a" * 32, start, days["2024"], "SEMH"), ("a" * 32, days["2024"], None, "ASD"),
            ("b" * 32, start, ended, "HI"), ("c" * 32, start, later, "MLD"), ("d" * 32, start, after, "PD"),
            ("e" * 32, mended, None, "VI"),
        ],
        key=str,
    )  # fmt: skip
    # What stands today is of the newest return alone.
    assert {row["record_pseudonym"][0] for row in conformed(database, "sen_status")} == {"a", "e"}
    assert pick(conformed(database, "sen_need"), "need_code") == [("ASD",), ("VI",)]


def test_a_request_that_no_later_return_tells_is_not_open_for_ever(database: Settings, connection: Connection):
    """One return has it in assessment, the next a plan of it in force, the newest nothing of the child."""
    began = sen2("a", assessment=[{"assessmentoutcome": "A", "assessmentoutcomedate": None}]) | {
        table: [] for table in ("namedplan", "activeplans", "placementdetail", "senneed")
    }
    issued = sen2("b", requests=[{"requestoutcome": "H"}], assessment=[{"assessmentoutcome": "H"}])
    other = sen2("c")
    for several in other.values():
        for row in several:
            row["record_pseudonym"] = "f" * 32
    for period, tables in (("2025", began), ("2026-01", issued), ("2026-02", other)):
        deliver(database, connection, "education", "sen2", period, tables)
    conform.run(database, REGISTRY, connection, None)
    assert pick(conformed(database, "ehc_request"), "request_outcome_code", "assessment_outcome_code") == [
        ("H", "H"),
        ("Y", "Y"),
    ]


def test_spells_of_plans_have_their_own_days(database: Settings, connection: Connection):
    """Two plans that touch are one time. One without a start is known from the day of the return; one that neither
    ceased nor is in force is not known to have held; the need of a plan is its need since it started."""
    tables = sen2()
    day = date(2025, 12, 31)
    more = {
        "b": ({"startdate": date(2023, 3, 1), "ceasedate": date(2024, 3, 1)}, False),
        "c": ({"startdate": date(2023, 3, 1)}, False),
        "d": (None, True),
        "e": ({"startdate": date(2024, 3, 1), "ceasedate": date(2025, 3, 1)}, False),
    }
    for name, (plan, is_active) in more.items():
        child = {"record_pseudonym": "b" * 32 if name in "be" else name * 32}
        tables["requests"].append(
            child | {"requeststableid": name, "receiveddate": date(2022, 1, ord(name) - 90), "requestoutcome": "Y"}
        )
        if plan:
            tables["assessment"].append(
                child | {"assessmenttableid": name, "requeststableid": name, "assessmentoutcome": "Y"}
            )
            tables["namedplan"].append(child | plan | {"namedplantableid": name, "assessmenttableid": name})
        if is_active:
            tables["activeplans"].append(child | {"activeplanstableid": name, "requeststableid": name})
    deliver(database, connection, "education", "sen2", "2025", tables)
    conform.run(database, REGISTRY, connection, None)
    assert pick(conformed(database, "sen_status_spell"), "record_pseudonym", "valid_from", "valid_to", "is_dated") == [
        ("a" * 32, date(2025, 6, 20), None, True),
        ("b" * 32, date(2023, 3, 1), date(2025, 3, 1), True),
        ("d" * 32, day, None, True),
    ]
    assert pick(conformed(database, "sen_need_spell"), "need_code", "valid_from", "first_seen_on") == [
        ("ASD", date(2025, 6, 20), day), ("SLCN", date(2025, 6, 20), day),
    ]  # fmt: skip
