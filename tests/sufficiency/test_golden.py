"""The mart from `core` on a real PostgreSQL: counts, places and rows worked out by hand."""

from datetime import date

import pytest

from pipelines import sufficiency
from pipelines.integrate import marts

AS_OF = date(2026, 3, 20)
REFERENCE = date(2026, 1, 15)
SOURCE = ("education", "plans_return")


def add(connection, table, *rows):
    for row in rows:
        names = ", ".join(row)
        marks = ", ".join(["%s"] * len(row))
        connection.execute(f"INSERT INTO core.{table} ({names}) VALUES ({marks})", list(row.values()))


def child(connection, number, *, birth, lsoa, need, start, cease=None, provision=None, keyed=True):
    record = f"{number:032x}"
    source = {"agency_code": SOURCE[0], "dataset_code": SOURCE[1], "record_pseudonym": record, "submission_key": 1}
    key = f"00000000-0000-0000-0000-{number:012d}" if keyed else None
    if keyed:
        known = dict.fromkeys(("is_known_to_education", "is_known_to_social_care", "is_known_to_health"), False)
        add(
            connection,
            "person",
            {"person_key": key, "birth_month": birth, "lsoa21_code": lsoa, "source_count": 1} | known,
        )
    add(
        connection,
        "person_record",
        source | {"person_key": key, "birth_month": birth, "lsoa21_code": lsoa, "observed_on": REFERENCE},
    )
    plan = {"plan_ref": f"p{number}", "request_ref": f"r{number}", "start_date": start, "cease_date": cease}
    plan |= {"is_active": cease is None, "primary_need_code": need, "person_key": key}
    add(connection, "ehc_plan", source | plan)
    if provision:
        placement = {"placement_ref": f"m{number}", "plan_ref": f"p{number}", "placement_rank": 1}
        placement |= {"provision_code": provision, "entry_date": start, "person_key": key}
        add(connection, "ehc_placement", source | placement)


def capacity(connection, urn, year, places, **more):
    row = {"provider_urn": urn, "provision_code": "special", "phase_code": "primary", "need_code": "ASD", "year": year}
    row |= {"health_place_code": "MS", "places_commissioned": places, "places_held_by_others": 0, "is_planned": False}
    add(connection, "capacity", row | {"delivery_probability": 1.0, "submission_key": 1} | more)


@pytest.fixture
def area(connection):
    source = {"agency_code": SOURCE[0], "dataset_code": SOURCE[1], "group_code": "education", "submission_key": 1}
    source |= {"agency_name": "Council", "dataset_title": "Plans", "is_about_people": True}
    add(connection, "source", source | {"period_start": REFERENCE, "period_end": REFERENCE, "data_as_at": REFERENCE})
    for lsoa, place in (("E01990001", "MS"), ("E01990002", "NP")):
        place_row = {"lsoa21_code": lsoa, "ward_code": "W", "ward_name": "Ward", "health_place_code": place}
        add(connection, "geography", place_row | {"imd_decile": 1, "submission_key": 1})
        people = {"lsoa21_code": lsoa, "sex_code": "F", "persons": 100, "submission_key": 1}
        add(connection, "population", *(people | {"year": y, "age": a} for y in (2026, 2027) for a in range(26)))
    at = {"lsoa": "E01990001", "need": "ASD", "start": date(2025, 5, 1)}
    # Born in August 2015 is 10 on 31 August 2025 and in primary; born in September 2014 is also 10.
    child(connection, 1, birth=date(2015, 8, 1), provision="special", **at)
    child(connection, 2, birth=date(2014, 9, 1), provision="mainstream", **at)
    child(connection, 3, birth=date(2014, 8, 1), provision="independent", **at)
    child(connection, 4, birth=date(2009, 1, 1), lsoa="E01990002", need="SEMH", start=date(2022, 1, 1))
    child(connection, 5, birth=None, lsoa=None, need=None, start=date(2024, 1, 1), keyed=False)
    child(
        connection,
        6,
        birth=date(2012, 1, 1),
        cease=date(2025, 7, 1),
        **(at | {"need": None, "start": date(2020, 1, 1)}),
    )
    return connection


def build(connection, as_of):
    """The mart as the refresh makes it: table from mart.yaml, filled, checked."""
    mart = next(found for found in marts.load() if found.name == "sufficiency_gap")
    return marts.refresh(connection, mart, as_of, sufficiency.build)


def read(connection, *cell, step=0):
    found = connection.execute(
        """SELECT plans_count, specialist_count, places_reliable, gap, plans_low, plans_high FROM mart.sufficiency_gap
           WHERE need_code = %s AND phase_code = %s AND health_place_code = %s AND horizon_years = %s""",
        (*cell, step),
    ).fetchone()
    return found and [float(value) for value in found]


def test_today_counts_plans_specialist_places_and_the_gap(area):
    capacity(area, "100001", 2025, 3, places_held_by_others=1)
    build(area, AS_OF)
    assert read(area, "ASD", "primary", "MS")[:4] == [2, 1, 2, -1]
    assert read(area, "ASD", "secondary", "MS")[:4] == [1, 1, 0, 1]
    assert read(area, "SEMH", "post_16", "NP")[:4] == [1, 0, 0, 0]
    assert read(area, "unknown", "unknown", "unknown")[:4] == [1, 0, 0, 0]
    assert read(area, "ALL", "ALL", "ALL")[:4] == [5, 2, 2, 0]


def test_grain_dates_and_method(area):
    written = build(area, AS_OF)
    rows = area.execute(
        "SELECT DISTINCT time_period, year - horizon_years, interval_pct, method FROM mart.sufficiency_gap"
    ).fetchall()
    assert rows == [(REFERENCE, 2026, 80, "rates_drift3_v1")]
    # (ASD, SEMH, unknown, ALL) x (four phases, unknown, ALL) x (MS, NP, unknown, ALL) x six horizons
    assert written == 4 * 6 * 4 * 6


def test_planned_places_count_by_their_probability_from_their_year_until_open(area):
    capacity(area, "100001", 2026, 10)
    capacity(area, "100002", 2028, 20, is_planned=True, delivery_probability=0.5)
    capacity(area, "100003", 2027, 8, is_planned=True, delivery_probability=0.25)
    capacity(area, "100003", 2029, 6)
    capacity(area, "100004", 2026, 99, provision_code="mainstream")
    build(area, AS_OF)
    places = [read(area, "ASD", "primary", "MS", step=step)[2] for step in range(6)]
    assert places == [10, 12, 22, 26, 26, 26]


def test_the_day_of_the_plans_is_never_after_as_of(area):
    build(area, date(2025, 12, 1))
    assert area.execute("SELECT DISTINCT time_period FROM mart.sufficiency_gap").fetchone()[0] == date(2025, 12, 1)


def test_twice_equals_once_and_an_empty_warehouse_gives_an_empty_mart(area):
    first, second = build(area, AS_OF), build(area, AS_OF)
    assert first == second == area.execute("SELECT count(*) FROM mart.sufficiency_gap").fetchone()[0]
    area.execute("DELETE FROM core.ehc_plan")
    assert build(area, AS_OF) == 0
    assert area.execute("SELECT count(*) FROM mart.sufficiency_gap").fetchone()[0] == 0


def test_a_later_night_without_news_gives_the_same_numbers(area):
    build(area, AS_OF)
    before = area.execute("SELECT * FROM mart.sufficiency_gap ORDER BY 3, 4, 5, 6").fetchall()
    build(area, date(2026, 3, 27))
    assert area.execute("SELECT * FROM mart.sufficiency_gap ORDER BY 3, 4, 5, 6").fetchall() == before
