"""Health facts over several months: the last telling of a referral stands, and staying away tells nothing."""

from datetime import date

from psycopg import Connection

from pipelines import conform
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, conformed, deliver

A, B = "a" * 32, "b" * 32
RECEIVED = date(2025, 12, 1)
JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)


def referral(ref: str, **more: object) -> dict[str, object]:
    return {
        "record_pseudonym": A,
        "localpatientid": "p",
        "servicerequestid": ref,
        "referralrequest_receiveddate": RECEIVED,
        **more,
    }


def test_the_last_month_that_carries_a_referral_stands(database: Settings, connection: Connection):
    team = {"record_pseudonym": A, "teamid_local": "t", "teamtype": "33"}
    contact = {"record_pseudonym": A, "servicerequestid": "open", "carecontactid": "1", "attendancestatus": "5"}
    january = {
        "mpi": [{"record_pseudonym": A, "localpatientid": "p", "gender": "F", "birth_month": date(2015, 1, 1)}],
        "referral": [
            referral("open"), referral("away"), referral("turned_down"),
            referral("ended", discharge_date=date(2026, 1, 20)),
        ],
        "service_type": [
            {**team, "servicerequestid": "open"}, {**team, "servicerequestid": "away"},
            {**team, "servicerequestid": "turned_down", "referral_rejectiondate": date(2026, 1, 5)},
        ],
        "care_contact": [{**contact, "contact_date": date(2026, 1, 9)}],
    }  # fmt: skip
    february = {
        "mpi": [{"record_pseudonym": A, "localpatientid": "p", "gender": "F", "birth_month": date(2015, 2, 1)}],
        "referral": [referral("open", discharge_date=date(2026, 2, 3))],
        "service_type": [{**team, "servicerequestid": "open", "teamtype": "26"}],
        "care_contact": [{**contact, "contact_date": date(2026, 1, 12)}],
    }
    # The older month arrives last, and is still the older one.
    deliver(database, connection, "north_trust", "csds", "2026-02", february)
    deliver(database, connection, "north_trust", "csds", "2026-01", january)
    conform.run(database, REGISTRY, connection, None)
    found = {row["referral_ref"]: row for row in conformed(database, "referral")}
    assert {ref: (row["team_type_code"], row["closed_date"], row["observed_to"]) for ref, row in found.items()} == {
        "open": ("26", date(2026, 2, 3), FEBRUARY),
        "away": ("33", None, JANUARY),
        "ended": ("unknown", date(2026, 1, 20), FEBRUARY),
        "turned_down": ("33", None, FEBRUARY),
    }
    # The contact is told once, as the later month tells it, and stops the clock.
    assert [row["contact_date"] for row in conformed(database, "contact")] == [date(2026, 1, 12)]
    assert found["open"]["clock_stop_date"] == date(2026, 1, 12)
    assert [row["birth_month"] for row in conformed(database, "person_record")] == [date(2015, 2, 1)]


def test_mental_health_teams_have_their_type_from_the_list_of_teams(database: Settings, connection: Connection):
    asked = {"record_pseudonym": A, "localpatientid": "p", "referralrequestreceiveddate": RECEIVED}
    tables = {
        "mpi": [{"record_pseudonym": A, "localpatientid": "p", "genderidcode": "U"}],
        "team": [
            {"careprofteamlocalid": "autism", "servteamtypemh": "C01"},
            {"careprofteamlocalid": "neuro", "servteamtypemh": "C04"},
        ],
        "referral": [
            {**asked, "servicerequestid": "one", "careprofteamlocalid": "neuro",
             "referrejectiondate": date(2026, 1, 7)},
            {**asked, "servicerequestid": "two", "careprofteamlocalid": "nowhere"},
            {**asked, "servicerequestid": "three"},
        ],
        "other_service": [
            {"record_pseudonym": A, "servicerequestid": "one", "othercareprofteamlocalid": "autism",
             "referclosuredate": date(2026, 2, 2)},
        ],
        "care_contact": [
            {"record_pseudonym": A, "servicerequestid": "three", "carecontactid": "1", "carecontdate": date(2026, 2, 9),
             "attendstatus": "6", "carecontsubj": "01"},
        ],
    }  # fmt: skip
    deliver(database, connection, "south_trust", "mhsds", "2026-02", tables)
    conform.run(database, REGISTRY, connection, None)
    columns = ("referral_ref", "team_type_code", "closed_date", "rejected_date", "clock_stop_date")
    rows = sorted(tuple(row[name] for name in columns) for row in conformed(database, "referral"))
    assert rows == [
        ("one", "C01", date(2026, 2, 2), date(2026, 1, 7), None),
        ("one", "C04", None, date(2026, 1, 7), None),
        ("three", "unknown", None, None, date(2026, 2, 9)),
        ("two", "unknown", None, None, None),
    ]


def test_diagnoses_disabilities_and_practices(database: Settings, connection: Connection):
    csds = {
        "mpi": [{"record_pseudonym": A, "localpatientid": "p"}],
        "primary_diagnosis": [
            {"record_pseudonym": A, "primarydiagnosis": "35919005", "primarydiagnosis_date": date(2026, 1, 2)},
            {"record_pseudonym": A, "primarydiagnosis": "35919005", "primarydiagnosis_date": date(2025, 1, 2)},
        ],
        "provisional_diagnosis": [
            {"record_pseudonym": A, "provisionaldiagnosis": "F84.0"},
            {"record_pseudonym": A, "provisionaldiagnosis": None},
        ],
        "disability": [{"record_pseudonym": A, "disability": code} for code in ("10", "NN", "ZZ")],
        "gp": [
            {"record_pseudonym": A, "orgid_gp": "A00001", "gpregistration_startdate": date(2016, 1, 1)},
            {"record_pseudonym": A, "orgid_gp": "A00002", "gpregistration_startdate": date(2020, 1, 1),
             "gpregistration_enddate": date(2021, 1, 1)},
        ],
    }  # fmt: skip
    deliver(database, connection, "north_trust", "csds", "2026-01", csds)
    conform.run(database, REGISTRY, connection, None)
    found = [
        (r["rank_code"], r["scheme_code"], r["diagnosis_code"], r["diagnosed_date"])
        for r in conformed(database, "diagnosis")
    ]
    assert sorted(found) == [
        ("primary", "06", "35919005", date(2025, 1, 2)),
        ("provisional", "02", "F84.0", None),
    ]
    assert [row["disability_code"] for row in conformed(database, "disability")] == ["10"]
    assert [row["gp_practice_code"] for row in conformed(database, "gp_registration")] == ["A00001"]


def test_six_weeks_for_advice(database: Settings, connection: Connection):
    """Asked on 1 December: due on 12 January, whatever the log says."""
    asked = {"record_pseudonym": B, "profession": "paediatrics", "asked_date": RECEIVED, "due_date": date(2026, 3, 1)}
    late = date(2026, 1, 13)
    rows = [
        {**asked, "advice_id": "on_the_day", "returned_date": date(2026, 1, 12)},
        {**asked, "advice_id": "a_day_late", "returned_date": late},
        {**asked, "advice_id": "late_excused", "returned_date": late, "exception": "appointment"},
        {**asked, "advice_id": "outstanding"},
        {**asked, "advice_id": "outstanding_excused", "exception": "absent"},
        {**asked, "advice_id": "withdrawn", "is_withdrawn": True},
        {**asked, "advice_id": "running", "asked_date": date(2026, 1, 2)},
    ]
    deliver(database, connection, "south_trust", "ehc_advice", "2026-01", {"advice": rows})
    conform.run(database, REGISTRY, connection, None)
    found = {row["advice_ref"]: row for row in conformed(database, "ehc_advice")}
    assert {ref: row["is_in_time"] for ref, row in found.items()} == {
        "on_the_day": True, "a_day_late": False, "late_excused": None, "outstanding": False,
        "outstanding_excused": None, "withdrawn": None, "running": None,
    }  # fmt: skip
    assert found["on_the_day"]["due_date"] == date(2026, 1, 12)


def test_a_month_of_staff_told_again_is_told_better(database: Settings, connection: Connection):
    row = {"provider": "RQN", "service": "33", "profession": "speech_language", "month": JANUARY, "wte_in_post": 10.0}
    deliver(database, connection, "north_trust", "staff_in_post", "2026-01", {"staff": [row]})
    later = [{**row, "month": date(2026, 1, 1), "wte_in_post": 9.5}, {**row, "month": FEBRUARY}]
    deliver(database, connection, "north_trust", "staff_in_post", "2026-02", {"staff": later})
    conform.run(database, REGISTRY, connection, None)
    found = [(r["month"], r["wte_in_post"]) for r in conformed(database, "staff_in_post")]
    assert found == [(date(2026, 1, 1), 9.5), (date(2026, 2, 1), 10.0)]
