"""The dimensions: every code a contract knows and every key a fact has finds its one row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.integrate import core
from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.sufficiency.panel import SPECIALIST
from tests.conform.area import REGISTRY
from tests.conftest import fresh
from tests.sql.test_golden import insert

Connection = psycopg.Connection[Any]
DAY = date(2026, 1, 15)
KEYS = {
    "date": "calendar_date",
    "need": "need_code",
    "provision": "provision_code",
    "reform_plan_provision": "line_number",
    "age": "age",
    "ethnicity": "ethnicity_code",
    "sen_status": "status_code, valid_from",
    "provider": "provider_code",
    "geography": "lsoa21_code",
    "source": "agency_code, dataset_code",
    "run": "run_number",
}


@pytest.fixture(scope="module")
def area(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Facts with every code of the lists, providers named in every way, homes in and outside the area."""
    with fresh(server, Path(tmp_path_factory.mktemp("area"))) as settings, connect(settings) as connection:
        core.refresh_codes(connection, REGISTRY)
        for table, rows in facts().items():
            insert(connection, f"core.{table}", rows, DAY)
        for hour in (1, 2):
            insert(
                connection,
                "ops.refresh",
                [{"refresh_key": hour, "recorded_at": f"2026-01-0{hour} 07:00+00", "submissions": [1, 2]}],
                DAY,
            )
        connection.commit()
        yield connection


def facts() -> dict[str, list[dict[str, Any]]]:
    codes = {name: list(found.codes) for name, found in REGISTRY.code_lists.items()}
    homes = ["E01990001", "E01990002", "E01000001", None]
    return {
        "geography": [
            {"lsoa21_code": "E01990001", "imd_decile": 1},
            {"lsoa21_code": "E01990002", "imd_decile": 10},
        ],
        "person": [
            {
                "person_key": f"p{n}",
                "ethnicity_code": code,
                "lsoa21_code": homes[n % 4],
                "birth_month": date(2000 + n % 26, 8, 1) if n else date(2025, 11, 1),
            }
            for n, code in enumerate([*codes["ethnicity"]])
        ],
        "sen_need": [{"record_pseudonym": code, "need_code": code} for code in codes["sen_type"]],
        "sen_status": [{"record_pseudonym": code, "status_code": code} for code in "EKN"],
        "capacity": [
            {"provider_urn": "100001", "provision_code": code, "health_place_code": "P1", "need_code": "ASD"}
            for code in codes["provision_type"]
        ],
        "ehc_placement": [
            {"placement_ref": "1", "provision_code": "mainstream", "provider_urn": "100001"},
            {"placement_ref": "2", "provision_code": "post_16", "provider_ukprn": "10000002"},
            {"placement_ref": "3", "provision_code": "other", "setting_code": "EHE"},
        ],
        "ehc_placement_spell": [{"placement_ref": "1", "provision_code": "special", "provider_urn": "100005"}],
        "enrolment": [
            {"enrolment_ref": "1", "provider_urn": "100003", "school_code": "990/2001"},
            {"enrolment_ref": "2", "school_code": "990/2002"},
        ],
        "attainment": [{"stage_code": "KS4", "measure_code": "attainment_8", "school_urn": "100004"}],
        "pupil_history": [
            {"school_code": "9902003"},
            {"record_pseudonym": "b", "school_code": "9902001", "provider_urn": "100003"},
        ],
        "placement_cost": [
            {"provider_code": of, "provision_code": "special", "need_code": "ASD", "year": year, "is_in_area": is_in}
            for of, year, is_in in (("RXX", 2024, True), ("RXX", 2025, False), ("RXX", 2026, None))
        ],
        "population": [{"lsoa21_code": "E01990001", "age": age} for age in range(26)],
        "source": [{"agency_code": "education", "dataset_code": "census"}],
    }


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    found = connection.execute(query).fetchall()  # type: ignore[call-overload]
    connection.rollback()
    return found


@pytest.mark.parametrize(
    ("fact", "dimension", "on", "lost"),
    [
        ("sen_need", "need", "f.need_code = d.need_code", 0),
        ("capacity", "need", "f.need_code = d.need_code", 0),
        ("capacity", "provision", "f.provision_code = d.provision_code", 0),
        ("capacity", "provider", "f.provider_urn = d.provider_code", 0),
        ("ehc_placement", "provision", "f.provision_code = d.provision_code", 0),
        ("ehc_placement", "provider", "coalesce(f.provider_urn, f.provider_ukprn) = d.provider_code", 1),
        ("ehc_placement_spell", "provider", "coalesce(f.provider_urn, f.provider_ukprn) = d.provider_code", 0),
        ("enrolment", "provider", "coalesce(f.provider_urn, f.school_code) = d.provider_code", 0),
        ("attainment", "provider", "f.school_urn = d.provider_code", 0),
        ("pupil_history", "provider", "coalesce(f.provider_urn, f.school_code) = d.provider_code", 0),
        ("enrolment", "date", "f.census_date = d.calendar_date", 0),
        ("placement_cost", "provider", "f.provider_code = d.provider_code", 0),
        ("person", "ethnicity", "f.ethnicity_code = d.ethnicity_code", 0),
        ("person", "age", f"core.age_on_31_august(f.birth_month, '{DAY}') = d.age", 0),
        ("person", "date", "f.birth_month = d.calendar_date", 0),
        ("person", "geography", "f.lsoa21_code = d.lsoa21_code", None),
        ("population", "age", "f.age = d.age", 0),
        ("population", "geography", "f.lsoa21_code = d.lsoa21_code", 0),
        (
            "sen_status",
            "sen_status",
            "f.status_code = d.status_code AND f.observed_on BETWEEN d.valid_from AND d.valid_to",
            0,
        ),
    ],
)
def test_a_fact_finds_its_row(area: Connection, fact: str, dimension: str, on: str, lost: int | None):
    """lost: rows whose key is empty or outside the area; None: homes, of which the profile says which."""
    if lost is None:
        lost = rows(area, "SELECT count(*) FROM core.person_profile WHERE NOT is_resident")[0][0]
        assert lost
    joined = f"SELECT count(*), count(DISTINCT f.ctid) FROM core.{fact} AS f JOIN core.dim_{dimension} AS d ON {on}"
    every = rows(area, f"SELECT count(*) FROM core.{fact}")[0][0]
    assert rows(area, joined) == [(every - lost, every - lost)]


@pytest.mark.parametrize("name", KEYS)
def test_each_has_one_row_per_key_and_says_what_it_is(area: Connection, name: str):
    counts = f"SELECT count(*) > 0, count(*) = count(DISTINCT ({KEYS[name]})) FROM core.dim_{name}"
    assert rows(area, counts) == [(True, True)]
    silent = f"""SELECT attname FROM pg_attribute WHERE attrelid = 'core.dim_{name}'::regclass AND attnum > 0
        AND col_description(attrelid, attnum) IS NULL"""
    assert rows(area, silent) == []


def test_every_code_of_a_list_is_there(area: Connection):
    for name, listed, code in (
        ("need", "sen_type", "need_code"),
        ("provision", "provision_type", "provision_code"),
        ("ethnicity", "ethnicity", "ethnicity_code"),
        ("sen_status", "sen_provision", "status_code"),
    ):
        assert {row[0] for row in rows(area, f"SELECT {code} FROM core.dim_{name}")} == set(
            REGISTRY.code_lists[listed].codes
        )
    phases = {row[0] for row in rows(area, "SELECT phase_code FROM core.dim_age")}
    assert phases == set(REGISTRY.code_lists["sen_phase"].codes)
    years = {row[0] for row in rows(area, "SELECT nc_year_code FROM core.dim_age WHERE nc_year_name IS NOT NULL")}
    assert years == set(REGISTRY.code_lists["nc_year"].codes) - {"E1", "E2", "M", "X"}


def test_groups(area: Connection):
    five = rows(area, "SELECT DISTINCT ethnicity_group_of_five FROM core.dim_ethnicity ORDER BY 1")
    assert [row[0] for row in five] == ["Asian", "Black", "Mixed", "Not known", "Other", "White"]
    areas = rows(area, "SELECT need_area, count(*) FROM core.dim_need WHERE is_plan_need GROUP BY 1 ORDER BY 1")
    assert [row[1] for row in areas] == [4, 2, 2, 4, 1] and rows(
        area, "SELECT need_code FROM core.dim_need WHERE NOT is_plan_need"
    ) == [("NSA",)]
    lines = "SELECT line FROM core.dim_provision, unnest(reform_plan_lines) AS line ORDER BY 1"
    assert [row[0] for row in rows(area, lines)] == list(range(1, 15))
    specialist = rows(area, "SELECT provision_code FROM core.dim_provision WHERE is_specialist")
    assert {row[0] for row in specialist} == set(SPECIALIST)
    stages = rows(
        area,
        """SELECT key_stage, array_agg(nc_year_code ORDER BY age) FROM core.dim_age WHERE age > 4 AND age < 18
        GROUP BY 1""",
    )
    assert dict(stages) == {
        "Key stage 1": ["1", "2"],
        "Key stage 2": ["3", "4", "5", "6"],
        "Key stage 3": ["7", "8", "9"],
        "Key stage 4": ["10", "11"],
        "Key stage 5": ["12", "13"],
    }


def test_days(area: Connection):
    query = """SELECT calendar_date::text, school_year_name, term_code, financial_year, financial_year_name,
            is_census_day
        FROM core.dim_date WHERE calendar_date = ANY(%s::date[]) ORDER BY 1"""
    days = [
        "2025-08-31",
        "2025-09-01",
        "2025-10-02",
        "2026-01-08",
        "2026-01-15",
        "2026-03-31",
        "2026-04-01",
        "2026-05-21",
    ]
    assert area.execute(query, (days,)).fetchall() == [
        ("2025-08-31", "2024/25", None, 2026, "2025-26", False),
        ("2025-09-01", "2025/26", "autumn", 2026, "2025-26", False),
        ("2025-10-02", "2025/26", "autumn", 2026, "2025-26", True),
        ("2026-01-08", "2025/26", "spring", 2026, "2025-26", False),
        ("2026-01-15", "2025/26", "spring", 2026, "2025-26", True),
        ("2026-03-31", "2025/26", "spring", 2026, "2025-26", False),
        ("2026-04-01", "2025/26", "spring", 2027, "2026-27", False),
        ("2026-05-21", "2025/26", "summer", 2027, "2026-27", True),
    ]
    yearly = "SELECT DISTINCT count(*) FILTER (WHERE is_census_day) FROM core.dim_date GROUP BY school_year"
    assert rows(area, yearly) == [(3,)]
    reach = """SELECT min(calendar_date) < now() - interval '26 years', max(calendar_date) > now() + interval '10 years'
        FROM core.dim_date"""
    assert rows(area, reach) == [(True, True)]


def test_a_commissioner_reads_them_and_no_more(area: Connection, server: postgres.Server):
    for reader in ("commissioner", "commissioner_exact"):
        with psycopg.connect(server.url(reader, area.info.dbname), autocommit=True) as login:
            for name in KEYS.keys() - {"provider"}:
                assert login.execute(f"SELECT count(*) > 0 FROM core.dim_{name}").fetchone() == (True,)  # type: ignore[call-overload]
                login.execute(f"SELECT * FROM core.dim_{name}")  # type: ignore[call-overload]
            for refused in ("core.dim_provider", "core.geography", "core.person", "core.code"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    login.execute(f"SELECT * FROM {refused}")  # type: ignore[call-overload]


def test_a_moment_belongs_to_one_run(area: Connection):
    """A run is shown until the next; which brought a row follows from when it was recorded."""
    shown = """SELECT run_number FROM core.dim_run WHERE recorded_at <= %s AND shown_until > %s"""
    found = [area.execute(shown, (at, at)).fetchall() for at in ("2026-01-01Z", "2026-01-01 09:00Z", "2026-03-01Z")]
    assert [len(one) for one in found] == [0, 1, 1] and found[1] != found[2]
    assert rows(area, "SELECT DISTINCT submission_count FROM core.dim_run") == [(2,)]


def test_a_child_born_since_the_school_year_began_is_under_5(area: Connection):
    born = """SELECT age, d.age_band, phase_code, nc_year_code FROM core.person
        JOIN core.dim_age AS d ON core.age_on_31_august(birth_month, '2026-01-15') = d.age
        WHERE birth_month = '2025-11-01'"""
    assert rows(area, born) == [(-1, "Under 5", "early_years", None)]


def test_an_age_is_that_of_the_last_31_august(area: Connection):
    """Every month of birth over 28 years and the days around each turn, reckoned once more."""
    days = [
        date(year, *day) for year in (2024, 2025, 2026) for day in ((1, 1), (2, 28), (8, 30), (8, 31), (9, 1), (12, 31))
    ]
    days.append(date(2024, 2, 29))
    months = [date(year, month, 1) for year in range(1999, 2027) for month in range(1, 13)]
    found = area.execute(
        """SELECT birth_month, day, age, core.age_band(age) FROM unnest(%s::date[]) AS birth_month
           CROSS JOIN unnest(%s::date[]) AS day CROSS JOIN LATERAL core.age_on_31_august(birth_month, day) AS age""",
        (months, days),
    ).fetchall()
    assert len(found) == len(days) * len(months)
    names = {"Under 5": range(-1, 5), "5 to 10": range(5, 11), "11 to 15": range(11, 16), "16 to 19": range(16, 20)}
    names["20 to 25"] = range(20, 26)
    for born, day, age, band in found:
        august = day.year if (day.month, day.day) >= (8, 31) else day.year - 1
        assert age == august - born.year - (born.month > 8), (born, day)
        assert band == next((name for name, ages in names.items() if age in ages), "Not known"), age
    assert rows(area, "SELECT core.age_on_31_august(NULL, '2026-01-15'), core.age_band(NULL)") == [(None, "Not known")]


def test_ages_are_worked_out_within_a_query(area: Connection):
    """A function that the planner does not put in its place is called for every record of an area."""
    plan = rows(
        area,
        "EXPLAIN VERBOSE SELECT core.age_band(core.age_on_31_august(birth_month, observed_on)) FROM core.person_record",
    )
    assert not [line for (line,) in plan if "core.age_" in line]


def test_a_provider_lies_where_costs_say_last_or_place_planning(area: Connection):
    found = dict(rows(area, "SELECT provider_code, is_in_area FROM core.dim_provider"))
    assert (found["RXX"], found["100001"], found["100004"]) == (False, True, None)
    assert "9902003" in found and "9902001" not in found, "one row for a school, by its number in the register"
