"""Core and marts on other days than today: what stood then, by what is known now, against counts made here by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from pipelines.integrate import marts, past
from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.settings import Settings
from tests.conform.area import deliver, link
from tests.conftest import fresh
from tests.integrate.small_area import ADA, deliver_all, refresh_all

Connection = psycopg.Connection[Any]
CHILDREN = [f"{number:032x}" for number in range(1, 61)]
CENSUSES = {
    "2024-autumn": date(2024, 10, 3), "2025-spring": date(2025, 1, 16), "2025-summer": date(2025, 5, 15),
    "2025-autumn": date(2025, 10, 2), "2026-spring": date(2026, 1, 15),
}  # fmt: skip
RETURN = date(2026, 1, 15)
# Of each return since when it tells what ended, and its day.
RETURNS = {
    **{f"{year}": (date(year, 1, 1), date(year, 12, 31)) for year in (2023, 2024, 2025)},
    "2026-01": (date(2026, 1, 1), RETURN),
}  # fmt: skip
# Where the case system had Ada: for a while, in two entries, at one home.
ADDRESSES: dict[str, Any] = {
    "ssd_person": [{"record_pseudonym": ADA}],
    "ssd_address": [
        {"record_pseudonym": ADA, "lsoa21_code": "E01990002", "addr_address_start_date": start,
         "addr_address_end_date": end}
        for start, end in ((date(2023, 5, 1), date(2023, 9, 1)), (date(2023, 9, 1), date(2024, 2, 1)))
    ],
}  # fmt: skip
PAST = [date(2025, 1, 15), date(2025, 3, 1), date(2025, 10, 2), date(2025, 12, 31)]


@dataclass
class Area:
    """What was delivered. status, home: child -> by census; plans: child -> start and, where it ceased, end."""

    settings: Settings
    status: dict[str, dict[str, str]] = field(default_factory=dict)
    home: dict[str, dict[str, str]] = field(default_factory=dict)
    plans: dict[str, tuple[date, date | None]] = field(default_factory=dict)

    def census(self, day: date) -> str:
        return max((period for period, at in CENSUSES.items() if at <= day), key=CENSUSES.__getitem__)

    def on_roll(self, day: date) -> dict[str, str]:
        period = self.census(day)
        return {child: of[period] for child, of in self.status.items() if period in of}

    def in_force(self, day: date) -> set[str]:
        return {child for child, (start, end) in self.plans.items() if start <= day and (end is None or end > day)}

    def moved(self, child: str) -> date:
        """The day on which the child changed from its first school to its second; it may be after the plan."""
        start, _ = self.plans[child]
        return start + timedelta(days=start.toordinal() % 900 + 1)

    def school_on(self, child: str, day: date) -> str | None:
        """Of a plan in force, as far as any return showed it; where the second was never seen, the first lasted."""
        start, end = self.plans[child]
        moved, end = self.moved(child), end or date.max
        seen = [at for _, at in RETURNS.values()]
        first, second = any(start <= at < min(moved, end) for at in seen), any(moved <= at < end for at in seen)
        if day >= moved and second:
            return "100002"
        return "100001" if first else None

    def review_on(self, child: str, day: date) -> date | None:
        """The last one by the day, of those that any return told: the one of June, of a plan that had started."""
        start, end = self.plans[child]
        told = [date(min(at.year, 2025), 6, 1) for _, at in RETURNS.values() if start <= at < (end or date.max)]
        return max((of for of in told if start <= of <= day), default=None)

    def home_on(self, child: str, day: date) -> str | None:
        """The last home that a census said by then."""
        said = [home for period, home in self.home.get(child, {}).items() if CENSUSES[period] <= day]
        return said[-1] if said else None


@pytest.fixture(scope="module")
def area(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Area]:
    with fresh(server, tmp_path_factory.mktemp("days")) as settings, connect(settings) as connection:
        made, draw = Area(settings), random.Random(3)  # noqa: S311
        deliver_all(settings, connection)
        for period in CENSUSES:
            deliver(settings, connection, "education", "school_census", period, census(made, draw, period), 2)
        draw_plans(made, draw)
        for period, (since, day) in RETURNS.items():
            deliver(settings, connection, "education", "sen2", period, plans(made, since, day))
        deliver(settings, connection, "social_care", "identifier_bridge", "2026-01", ADDRESSES)
        known = {"record_pseudonym": ADA, "localpatientid": "1", "lsoa21_code": "E01990003"}
        deliver(settings, connection, "north_trust", "csds", "2022-12", {"mpi": [known]})
        people = {child: [("education", of, child) for of in ("school_census", "sen2")] for child in CHILDREN}
        people["ada"] = [
            ("social_care", "cin_census", ADA), ("social_care", "identifier_bridge", ADA), ("north_trust", "csds", ADA),
        ]  # fmt: skip
        link(connection, **people)
        refresh_all(settings, connection)
        yield made


def census(made: Area, draw: random.Random, period: str) -> dict[str, Any]:
    """A census: some are gone, nobody says since when; some change status, some move; needs in spring only."""
    tables: dict[str, Any] = {"pupilonroll": [], "pupilnolongeronroll": [], "addresses": [], "senneeds": []}
    for number, child in enumerate(CHILDREN):
        if draw.random() < 0.15:
            gone = {"record_pseudonym": child, "pupilnolongeronrolltableid": str(number), "nativeid": "9901"}
            tables["pupilnolongeronroll"].append(gone | {"entrydate": date(2020, 9, 1), "leavingdate": None})
            continue
        of = made.status.setdefault(child, {})
        of[period] = draw.choice("EKN") if not of or draw.random() < 0.3 else list(of.values())[-1]
        key = {"record_pseudonym": child, "pupilonrolltableid": str(number)}
        tables["pupilonroll"].append(
            key | {"nativeid": "9901", "senprovision": of[period], "enrolstatus": "C", "sex": "F",
                   "birth_month": date(2012, 1, 1), "ethnicity": "WBRI", "entrydate": date(2020, 9, 1)}
        )  # fmt: skip
        if draw.random() < 0.8:
            made.home.setdefault(child, {})[period] = f"E0199000{draw.choice('12')}"
            home = made.home[child][period]
            tables["addresses"].append(key | {"addressestableid": str(number), "lsoa21_code": home})
        if period.endswith("spring"):
            tables["senneeds"].append(key | {"senneedstableid": str(number), "sentyperank": 1, "sentype": "SLCN"})
    return tables


def draw_plans(made: Area, draw: random.Random) -> None:
    """Plans that started, and some ceased, at any time in three years."""
    for child in draw.sample(CHILDREN, 25):
        start = date(2023, 1, 15) + timedelta(days=draw.randrange(1000))
        end = start + timedelta(days=draw.randrange(1, 600))
        made.plans[child] = (start, end if end < RETURN else None)


def plans(made: Area, since: date, day: date) -> dict[str, Any]:
    """What a return of a day tells: the plans in force with their needs, and what ended from a day on."""
    names = ("person", "requests", "assessment", "namedplan", "activeplans", "senneed", "placementdetail")
    tables: dict[str, Any] = {name: [] for name in names} | {"sen2": [{"sen2tableid": "h", "referencedate": day}]}
    told = {child: of for child, of in made.plans.items() if of[0] <= day and (of[1] is None or of[1] >= since)}
    for number, (child, (start, end)) in enumerate(told.items()):
        key, received = {"record_pseudonym": child}, start - timedelta(days=150)
        # A case from before is historical; table ids come again in every return, for other children.
        decided = {"requestoutcome": "Y", "requestoutcomedate": received + timedelta(days=40)}
        issued: dict[str, Any] = {"assessmentoutcome": "Y", "assessmentoutcomedate": start, "week20": False}
        if start < since:
            decided, issued = {"requestoutcome": "H"}, {"assessmentoutcome": "H"}
        of, request = f"{number}", {"requeststableid": f"{number}"}
        tables["person"].append(key | {"persontableid": of, "sex": "F", "birth_month": date(2012, 1, 1)})
        tables["requests"].append(key | request | decided | {"persontableid": of, "receiveddate": received})
        tables["assessment"].append(key | request | issued | {"assessmenttableid": of})
        ended = {"startdate": start, "ceasedate": end if end and end <= day else None}
        tables["namedplan"].append(key | ended | {"namedplantableid": of, "assessmenttableid": of})
        if ended["ceasedate"] is None:
            reviewed = date(min(day.year, 2025), 6, 1)
            active = key | request | {"activeplanstableid": of, "lastreview": reviewed if start <= reviewed else None}
            tables["activeplans"] += [active, active | {"activeplanstableid": f"{of}-again"}]
            need = {"senneedtableid": of, "activeplanstableid": of, "sentype": "ASD", "sentyperank": 1}
            tables["senneed"].append(key | need)
            has_moved = made.moved(child) <= day
            at = ("100002", made.moved(child)) if has_moved else ("100001", start - timedelta(days=300))
            place = {"activeplanstableid": of, "urn": at[0], "entrydate": at[1], "placementrank": 1}
            tables["placementdetail"].append(key | place)
    return tables


@pytest.fixture
def warehouse(area: Area) -> Iterator[Connection]:
    with connect(area.settings) as connection:
        yield connection


def rows(connection: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return connection.execute(query, values).fetchall()  # type: ignore[call-overload]


def table(connection: Connection, source: str, without: tuple[str, ...] = ()) -> Counter[str]:
    query = f"SELECT (to_jsonb(t) - %s::text[])::text FROM {source} AS t"
    return Counter(row for (row,) in rows(connection, query, list(without)))


def test_the_day_of_the_refresh_is_the_present(area: Area, warehouse: Connection):
    """Of every table that has a past, and of every mart, ranges apart."""
    stamped = ("submission_key", "recorded_from")
    today = rows(warehouse, "SELECT as_of FROM ops.refresh")[0][0]
    dated = [
        name
        for (name,) in rows(warehouse, "SELECT proname FROM pg_proc WHERE pronamespace = 'core_as_of'::regnamespace")
    ]
    assert len(dated) == 9
    for name in dated:
        here, there = (
            table(warehouse, source, stamped) for source in (f"core.{name}", f"core_as_of.{name}('{today}')")
        )
        assert here == there and here, name
    made = [mart for mart in marts.load() if mart.model and mart.definition.has_past]
    for mart in made:
        ends = tuple(end for pair in mart.definition.ranges.values() for end in pair)
        here = table(warehouse, f"mart.{mart.name}", ends)
        assert here == table(warehouse, f"mart_as_of.{mart.name}('{today}')") and here, mart.name
    there = {
        name
        for (name,) in rows(warehouse, "SELECT proname FROM pg_proc WHERE pronamespace = 'mart_as_of'::regnamespace")
    }
    assert there == {mart.name for mart in made}
    assert all(name.startswith("core.") for mart in made for name in mart.reads)


def test_a_function_makes_once_what_is_joined_from_whole_tables_and_is_made_again_only_if_changed(
    warehouse: Connection,
):
    """Its text or its settings."""
    query = "SELECT proname, oid, prosrc FROM pg_proc WHERE pronamespace = 'mart_as_of'::regnamespace ORDER BY proname"
    made = rows(warehouse, query)
    for name, _, text in made:
        for table_ in ("person_profile", "source"):
            assert text.count(f"core_as_of.{table_}(") <= 1, (name, table_)
    warehouse.execute("ALTER FUNCTION mart_as_of.unmet_need(date) RESET jit")
    for mart in marts.load():
        past.ensure(warehouse, mart.name, mart.definition, mart.model)
    again = rows(warehouse, query)
    assert [one[0] for one, other in zip(made, again, strict=True) if one != other] == ["unmet_need"]


@pytest.mark.parametrize("day", PAST, ids=str)
def test_a_past_day_is_counted_as_by_hand(area: Area, warehouse: Connection, day: date):
    found = dict(
        rows(
            warehouse,
            """SELECT base || '/' || measure, children_count FROM mart_as_of.needs_prevalence(%s)
               WHERE geographic_level = 'area' AND breakdown_topic = 'Total'""",
            day,
        )
    )
    status = Counter(area.on_roll(day).values())
    assert found == {
        "residents_0_25/ehc_plan": len(area.in_force(day)),
        "residents_0_25/new_plans_12m": sum(
            day.replace(year=day.year - 1) < of[0] <= day for of in area.plans.values()
        ),
        "pupils_on_roll/ehc_plan": status["E"],
        "pupils_on_roll/sen_support": status["K"],
    }
    by_place = rows(
        warehouse,
        """SELECT area_code, children_count, data_as_at FROM mart_as_of.needs_prevalence(%s)
           WHERE geographic_level = 'health_place' AND breakdown_topic = 'Total' AND measure = 'sen_support'""",
        day,
    )
    homes = Counter(area.home_on(child, day) for child, of in area.on_roll(day).items() if of == "K")
    as_at = CENSUSES[area.census(day)]
    assert sorted(by_place) == [("MS", homes["E01990001"], as_at), ("NP", homes["E01990002"], as_at)]
    assert table(warehouse, f"mart_as_of.needs_prevalence('{day}')") != table(warehouse, "mart.needs_prevalence")


@pytest.mark.parametrize("day", [date(2023, 12, 31), *PAST, RETURN], ids=str)
def test_placements_and_reviews_of_a_past_day_are_those_of_then(area: Area, warehouse: Connection, day: date):
    """One row for each plan in force of which any return showed where the child was."""
    placed = rows(
        warehouse,
        """SELECT place.record_pseudonym, place.provider_urn FROM core_as_of.ehc_plan(%s) AS plan
           JOIN core_as_of.ehc_placement(%s) AS place USING (plan_ref) WHERE plan.is_active""",
        day,
        day,
    )
    schools = {child: area.school_on(child, day) for child in area.in_force(day)}
    assert sorted(placed) == sorted((child, school) for child, school in schools.items() if school)
    assert {school for _, school in placed} == {"100001", "100002"} or day < PAST[0]
    reviewed = rows(
        warehouse, "SELECT record_pseudonym, last_review_date FROM core_as_of.ehc_plan(%s) WHERE is_active", day
    )
    assert dict(reviewed) == {child: area.review_on(child, day) for child in area.in_force(day)}
    counted = rows(
        warehouse,
        """SELECT plans_count, due_count, reviewed_count FROM mart_as_of.annual_review(%s)
           WHERE breakdown_topic = 'Total'""",
        day,
    )
    since = day.replace(year=day.year - 1)
    due = [child for child in area.in_force(day) if area.plans[child][0] <= since]
    lately = [child for child in due if (area.review_on(child, day) or date.min) > since]
    assert counted == [(len(area.in_force(day)), len(due), len(lately))] and (lately or day <= PAST[0])


def test_the_main_placement_of_a_person_over_time(area: Area, warehouse: Connection):
    """Each change of school that a return showed, with what came next."""
    found = Counter(
        rows(
            warehouse,
            """SELECT record_pseudonym, provider_code, next_provider_code, valid_from, lasted_weeks IS NULL
               FROM core.person_placement JOIN core.person_record USING (person_key) WHERE dataset_code = 'sen2'""",
        )
    )
    expected: Counter[Any] = Counter()
    for child, (start, end) in area.plans.items():
        moved, last = area.moved(child), (end or date.max) - timedelta(days=1)
        first, second = area.school_on(child, min(moved - timedelta(days=1), last)), area.school_on(child, last)
        if first:
            follows = second if second != first else None
            expected[child, first, follows, start, follows is None and end is None] += 1
        if second and second != first:
            expected[child, second, None, moved, end is None] += 1
    assert found == expected and any(follows for _, _, follows, *_ in found)


@pytest.mark.parametrize("day", [date(2023, 12, 31), *PAST], ids=str)
def test_a_past_year_of_the_process_is_that_of_the_returns_of_then(area: Area, warehouse: Connection, day: date):
    """The newest return calls what was decided before its year historical; those that knew the days are kept."""
    found = rows(
        warehouse,
        "SELECT requests_count, issued_count FROM mart_as_of.ehc_process(%s) WHERE period_type = '12_months'",
        day,
    )
    year = range((day.replace(year=day.year - 1)).toordinal() + 1, day.toordinal() + 1)
    starts = [start.toordinal() for start, _ in area.plans.values()]
    assert found == [(sum(start - 150 in year for start in starts), sum(start in year for start in starts))]
    assert found[0][1] > 4


def test_before_the_first_census_nothing_is_said_of_pupils(warehouse: Connection):
    found = rows(warehouse, "SELECT DISTINCT base FROM mart_as_of.needs_prevalence('2024-09-01')")
    assert found == [("residents_0_25",)]


def test_referrals_of_a_past_day_do_not_know_what_came_of_them(warehouse: Connection):
    asked = (
        "SELECT referrals_12m_count, waiting_count FROM mart_as_of.health_access(%s) WHERE health_place_code = 'ALL'"
    )
    assert rows(warehouse, asked, date(2025, 12, 1)) == [(1, 1)]
    assert rows(warehouse, asked, date(2025, 8, 1)) == []


def test_as_it_was_known(area: Area, warehouse: Connection):
    """Before the refresh nothing was known of any day."""
    before = rows(warehouse, "SELECT recorded_at - interval '1 second' FROM ops.refresh")[0][0]
    warehouse.execute("SELECT set_config('joint_needs.as_known_at', %s, TRUE)", (str(before),))
    assert rows(warehouse, "SELECT count(*) FROM mart_as_of.needs_prevalence(%s)", PAST[1]) == [(0,)]
    assert rows(warehouse, "SELECT count(*) FROM core_as_of.enrolment(%s)", PAST[1]) == [(0,)]


def test_a_persons_status_over_time(area: Area, warehouse: Connection):
    """On every census day and every day a plan began or ended; the return is believed on when a plan ended."""
    days = sorted({*CENSUSES.values(), *(day for of in area.plans.values() for day in of if day), *PAST})
    found = {
        (day, child): status
        for day, child, status in rows(
            warehouse,
            """SELECT day, record_pseudonym, status_code FROM unnest(%s::date[]) AS day
               JOIN core.person_sen_status AS status ON valid_from <= day AND (valid_to IS NULL OR valid_to > day)
               JOIN core.person_record AS record USING (person_key) WHERE dataset_code = 'school_census'""",
            days,
        )
    }
    asked = Counter()
    for day in days:
        for child in area.status:
            said = None if day < CENSUSES["2024-autumn"] else area.status[child].get(area.census(day))
            _, end = area.plans.get(child, (None, None))
            last = max(
                (CENSUSES[p] for p, of in area.status[child].items() if of == "E" and CENSUSES[p] <= day), default=None
            )
            if child in area.in_force(day):
                said = "E"
            elif said == "E" and end and last and last < end <= day:
                said = None
            asked[said] += 1
            assert found.get((day, child)) == said, (day, child)
    assert min(asked[status] for status in ("E", "K", "N", None)) > 50
    overlaps = """SELECT count(*) FROM core.person_sen_status AS a JOIN core.person_sen_status AS b USING (person_key)
        WHERE (a.valid_from, a.status_code) <> (b.valid_from, b.status_code)
            AND daterange(a.valid_from, a.valid_to) && daterange(b.valid_from, b.valid_to)"""
    assert rows(warehouse, overlaps) == [(0,)]
    seen = """SELECT bool_and(is_change_seen = EXISTS (SELECT FROM core.person_sen_status AS b
        WHERE b.person_key = a.person_key AND b.valid_to = a.valid_from)) FROM core.person_sen_status AS a"""
    assert rows(warehouse, seen) == [(True,)]


def test_a_persons_home_of_today_is_the_one_of_core(warehouse: Connection):
    unlike = """SELECT count(*) FROM core.person
        FULL JOIN (SELECT * FROM core.person_home WHERE valid_to IS NULL) AS home USING (person_key)
        WHERE person.lsoa21_code IS DISTINCT FROM home.lsoa21_code"""
    assert rows(warehouse, unlike) == [(0,)]
    assert rows(warehouse, "SELECT count(*) > 20 FROM core.person_home WHERE valid_to IS NOT NULL") == [(True,)]


def test_who_knows_the_days_of_a_home_is_believed_on_them_and_on_no_other(warehouse: Connection):
    """Before and after what the case system tells of Ada, her home is the one that her clinic knows."""
    homes = """SELECT home.lsoa21_code, valid_from, valid_to FROM core.person_home AS home
        JOIN core.person_record AS record USING (person_key)
        WHERE dataset_code = 'identifier_bridge' ORDER BY valid_from"""
    assert rows(warehouse, homes) == [
        ("E01990003", date(2022, 12, 31), date(2023, 5, 1)), ("E01990002", date(2023, 5, 1), date(2024, 2, 1)),
        ("E01990003", date(2024, 2, 1), None),
    ]  # fmt: skip


def test_needs_of_a_person_stand_beside_each_other(area: Area, warehouse: Connection):
    found = {
        (record, need): start
        for record, need, start in rows(
            warehouse,
            """SELECT record_pseudonym, need_code, min(valid_from) FROM core.person_need
               JOIN core.person_record AS record USING (person_key)
               WHERE dataset_code = 'school_census' AND is_primary GROUP BY 1, 2""",
        )
    }
    planned = {child: start for child, (start, end) in area.plans.items() if end is None}
    assert {(child, "ASD"): start for child, start in planned.items() if child in area.status}.items() <= found.items()
    spring = {child for child, of in area.status.items() if {"2025-spring", "2026-spring"} & set(of)}
    assert {child for child, need in found if need == "SLCN"} == spring


def test_only_analysts_ask_and_of_their_own_areas(area: Area, server: postgres.Server):
    name = str(area.settings.database_url).rpartition("/")[2]
    asked = "SELECT count(*) FROM mart_as_of.needs_prevalence('2025-03-01')"
    dates = (
        "SELECT valid_from FROM core.person_sen_status", "SELECT lsoa21_code FROM core.person_home",
        "SELECT valid_from FROM core.person_placement", "SELECT review_date FROM core.ehc_review",
    )  # fmt: skip
    for role in ("analyst", "commissioner", "commissioner_exact", "publisher", "loader", "linker"):
        with psycopg.connect(server.url(role, name), autocommit=True) as login:
            if role == "analyst":
                assert login.execute(asked).fetchone()[0] > 100  # type: ignore[index]
                assert login.execute("SELECT count(status_code) FROM core.person_sen_status").fetchone()[0]  # type: ignore[index]
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    login.execute(asked)
            for query in (*dates, "SELECT * FROM core_as_of.person_profile('2025-03-01')"):
                if role == "loader" and "core_as_of" not in query:
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    login.execute(query)  # type: ignore[call-overload]
