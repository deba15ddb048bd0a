"""Results, pupil history, wide attendance, activities after 16 and bought placements, on a small lake."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg

from pipelines import conform
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, conformed, deliver

Connection = psycopg.Connection[Any]
A, B = "a" * 32, "b" * 32


def test_results_of_every_year_stand_side_by_side(database: Settings, connection: Connection):
    for year, score in (("2024", 98), ("2025", 107)):
        row = {
            "record_pseudonym": A if year == "2024" else B,
            "readscore": score,
            "readexp": score >= 100,
            "rwmexp": False,
            "urn": "100001",
        }
        deliver(database, connection, "education", "giap_ks2", year, {"result": [row]})
    deliver(
        database, connection, "education", "giap_ks4", "2025",
        {"result": [{"record_pseudonym": A, "ks4_att8": 31.5, "ks4_senk": True, "ks4_sene": False}]},
    )  # fmt: skip
    conform.run(database, REGISTRY, connection, None)
    found = {(r["stage_code"], r["year"], r["measure_code"]): r for r in conformed(database, "attainment")}
    assert {key: row["value"] for key, row in found.items()} == {
        ("KS2", 2024, "reading_score"): 98.0,
        ("KS2", 2024, "reading_expected"): 0.0,
        ("KS2", 2024, "rwm_expected"): 0.0,
        ("KS2", 2025, "reading_score"): 107.0,
        ("KS2", 2025, "reading_expected"): 1.0,
        ("KS2", 2025, "rwm_expected"): 0.0,
        ("KS4", 2025, "attainment_8"): 31.5,
    }
    assert found["KS4", 2025, "attainment_8"]["sen_status_code"] == "K"
    assert found["KS2", 2025, "reading_score"]["school_urn"] == "100001"


def test_phonics_counts_all_who_should_have_reached_the_standard(database: Settings, connection: Connection):
    rows = [
        {"record_pseudonym": A, "phonics_phonics_outcome": "WA", "phonics_phonics_mark": 34},
        {"record_pseudonym": B, "phonics_phonics_outcome": "A"},
        {"record_pseudonym": "d" * 32, "phonics_phonics_outcome": "D"},
        {"record_pseudonym": "e" * 32, "phonics_phonics_outcome": "L"},
    ]
    deliver(database, connection, "education", "giap_phonics", "2025", {"check": rows})
    conform.run(database, REGISTRY, connection, None)
    found = [(r["record_pseudonym"], r["measure_code"], r["value"]) for r in conformed(database, "attainment")]
    assert sorted(found) == [
        (A, "phonics_mark", 34.0), (A, "phonics_standard", 1.0), (B, "phonics_standard", 0.0),
        ("d" * 32, "phonics_standard", 0.0),
    ]  # fmt: skip


def test_a_past_census_has_the_day_of_its_term(database: Settings, connection: Connection):
    def row(child: str, year: str | None, term: str | None) -> dict[str, Any]:
        return {
            "record_pseudonym": child,
            "academicyear": year,
            "censusterm": term,
            "senprovision": "S",
            "laestab": "9902001",
        }

    rows = [row(A, "2024/2025", "AUT"), row(A, "2024/2025", "SPR"), row(A, "2024/2025", "SUM"), row(B, None, "SPR")]
    deliver(database, connection, "education", "giap_census", "2025-summer", {"pupil": rows})
    deliver(
        database, connection, "education", "flat_census", "2026-03",
        {"pupil": [{"record_pseudonym": A, "estab": "2001", "senprovision": "K", "senneed1": "SEMH"}]},
    )  # fmt: skip
    conform.run(database, REGISTRY, connection, None)
    found = [
        (r["record_pseudonym"], r["observed_on"], r["sen_status_code"]) for r in conformed(database, "pupil_history")
    ]
    assert sorted(found) == [
        (A, date(2024, 10, 3), "E"),
        (A, date(2025, 1, 16), "E"),
        (A, date(2025, 5, 15), "E"),
        (A, date(2026, 3, 31), "K"),
        (B, date(2025, 7, 31), "E"),
    ]


def test_a_school_has_one_number_in_all_extracts_where_the_census_tells_it(database: Settings, connection: Connection):
    """Four digits are of the agency's own authority; seven may be of another; 2009 is a number in two authorities."""
    named = [("990", "2001", "100001"), ("990", "2009", "100009"), ("991", "2009", "100019")]
    schools = [
        {"schoolcensustableid": of, "nativeid": of, "lea": lea, "estab": estab, "urn": of} for lea, estab, of in named
    ]
    deliver(database, connection, "education", "school_census", "2026-spring", {"schoolcensus": schools})
    pupil = {"record_pseudonym": A, "senprovision": "K"}
    pupils = [pupil | {"estab": estab} for estab in ("2001", "9902001", "9912001", "2009", "2004")]
    deliver(database, connection, "education", "flat_census", "2026-03", {"pupil": pupils})
    looked_up = {"record_pseudonym": A, "laestab": "9902001", "urn": "100001", "senprovision": "K"}
    deliver(database, connection, "education", "giap_census", "2025-summer", {"pupil": [looked_up]})
    conform.run(database, REGISTRY, connection, None)
    found = [(r["dataset_code"], r["school_code"], r["provider_urn"]) for r in conformed(database, "pupil_history")]
    assert sorted(found) == [
        ("flat_census", "2004", None), ("flat_census", "2009", None), ("flat_census", "9902001", "100001"),
        ("flat_census", "9912001", None), ("giap_census", "9902001", "100001"),
    ]  # fmt: skip


def test_a_column_for_each_code_becomes_sessions_by_group(database: Settings, connection: Connection):
    rows = [
        {
            "record_pseudonym": A,
            "estab": "4001",
            "present_am": 40,
            "present_pm": 38,
            "code_l": 2,
            "code_b": 6,
            "code_i": 9,
            "code_o": 4,
        },
        {"record_pseudonym": A, "estab": "1101", "present_am": 10, "code_d": 12},
    ]
    deliver(database, connection, "education", "flat_attendance", "2025-autumn", {"pupil": rows})
    conform.run(database, REGISTRY, connection, None)
    found = conformed(database, "attendance")
    assert {(r["census_date"], r["part_code"]) for r in found} == {(date(2025, 12, 31), "term")}
    assert sorted((r["group_code"], r["sessions"]) for r in found) == [
        ("authorised", 9), ("educational", 6), ("educational", 12),
        ("present", 10), ("present", 80), ("unauthorised", 4),
    ]  # fmt: skip


def test_an_activity_lasts_over_the_months_that_report_it(database: Settings, connection: Connection):
    def row(child: str, code: str, start: date | None = None) -> dict[str, Any]:
        return {"record_pseudonym": child, "activitycode": code, "startdate": start, "sendflag": True}

    began = date(2025, 9, 1)
    deliver(
        database,
        connection,
        "education",
        "nccis",
        "2026-01",
        {"young_person": [row(A, "230", began), row(B, "#unlisted")]},
    )
    deliver(database, connection, "education", "nccis", "2026-02", {"young_person": [row(A, "230", began)]})
    deliver(
        database,
        connection,
        "education",
        "nccis",
        "2026-03",
        {"young_person": [row(A, "619", date(2026, 3, 2)), row(B, "255")]},
    )
    conform.run(database, REGISTRY, connection, None)
    names = ("record_pseudonym", "activity_code", "activity_group_code", "first_seen_on", "last_seen_on")
    found = sorted((tuple(r[name] for name in names) for r in conformed(database, "destination")), key=str)
    assert found == [
        (A, "230", "education", date(2026, 1, 31), date(2026, 2, 28)),
        (A, "619", "neet_active", date(2026, 3, 31), date(2026, 3, 31)),
        (B, "255", "not_known", date(2026, 3, 31), date(2026, 3, 31)),
        (B, None, "not_known", date(2026, 1, 31), date(2026, 1, 31)),
    ]


def test_figures_without_people(database: Settings, connection: Connection):
    cost = {"provider_code": "999101", "provision_type": "independent", "need": "SEMH", "year": 2026, "placements": 4,
            "weeks": 180.5, "total_cost_gbp": 240000.0, "health_gbp": 1000.0}  # fmt: skip
    deliver(database, connection, "planning", "placement_cost", "2026", {"cost": [cost]})
    answer = {
        "survey": "FAM26",
        "question": "overall",
        "respondent_group": "parents_plan",
        "health_place": "MS",
        "answer": "4",
        "respondents": 40,
    }
    asked = {
        "survey": "FAM26",
        "respondent_group": "parents_plan",
        "health_place": "MS",
        "invited": 400,
        "returned": 120,
    }
    deliver(database, connection, "planning", "family_survey", "2026", {"response": [asked], "answer": [answer]})
    case = {
        "month": date(2026, 2, 1),
        "kind": "appeal",
        "stage": "heard",
        "subject": "placement",
        "outcome": "upheld",
        "cases": 3,
    }
    deliver(database, connection, "planning", "complaints", "2026-02", {"redress": [case]})
    deliver(database, connection, "planning", "complaints", "2026-03", {"redress": [case | {"cases": 4}]})
    conform.run(database, REGISTRY, connection, None)
    assert [row["weeks"] for row in conformed(database, "placement_cost")] == [180.5]
    assert [(row["year"], row["respondents"]) for row in conformed(database, "survey_answer")] == [(2026, 40)]
    assert [row["returned"] for row in conformed(database, "survey_response")] == [120]
    assert [row["cases"] for row in conformed(database, "redress")] == [4]
