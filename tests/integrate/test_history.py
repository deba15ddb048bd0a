"""Thirty simulated nights: what was known on each can be asked for on the last, of facts, persons and marts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import pytest

from pipelines import conform, integrate
from pipelines.integrate import areas
from pipelines.ledger import Ledger
from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, deliver, link
from tests.conftest import fresh
from tests.integrate.small_area import ADA, BEN, census, deliver_all, nothing

Connection = psycopg.Connection[Any]
NIGHTS, LEAVES = 30, 20
CHILDREN = [f"{number:032x}" for number in range(1, 25)]


@dataclass
class Area:
    """A warehouse after thirty nights and what was seen on each: moment, and rows by table and mart."""

    settings: Settings
    moments: list[datetime] = field(default_factory=list)
    seen: list[dict[str, list[Any]]] = field(default_factory=list)
    keys: list[dict[str, str]] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)


def as_known_at(connection: Connection, moment: datetime | None) -> None:
    connection.execute("SELECT set_config('joint_needs.as_known_at', %s, TRUE)", (str(moment or ""),))


def shown(connection: Connection, moment: datetime | None = None) -> dict[str, list[Any]]:
    """Every row of core and mart: now, or as it was known at a moment. In which area a child lives is no fact of the
    row and follows its home of today."""
    found = {}
    as_known_at(connection, moment)
    tables = connection.execute(
        """SELECT schemaname, tablename FROM pg_tables
           WHERE schemaname IN ('core', 'mart') AND tablename <> 'key_draw' ORDER BY 1, 2"""
    ).fetchall()
    for schema, table in tables:
        source = f"{schema}.{table}" if moment is None else f"{schema}_known.{table}"
        query = f"SELECT (to_jsonb(t) - 'home_area_code')::text FROM {source} AS t ORDER BY 1"
        found[f"{schema}.{table}"] = connection.execute(query).fetchall()  # type: ignore[call-overload]
    connection.rollback()
    return found


def astray(connection: Connection) -> list[str]:
    """Tables of core with a row whose area is not the one in which core.person has the home of its person."""
    tables = connection.execute(
        """SELECT table_name FROM information_schema.columns
           WHERE table_schema = 'core' AND column_name = 'home_area_code' AND table_name <> 'person'"""
    ).fetchall()
    found = []
    for (table,) in [*tables, ("person",)]:
        stray = f"""SELECT count(*), count(*) FILTER (WHERE t.home_area_code IS DISTINCT FROM place.health_place_code)
            FROM core.{table} AS t LEFT JOIN core.person AS p USING (person_key)
            LEFT JOIN core.geography AS place ON place.lsoa21_code = p.lsoa21_code"""
        every, wrong = connection.execute(stray).fetchall()[0]  # type: ignore[call-overload]
        assert every or table not in ("person", "enrolment", "sen_status")
        found += [table] * bool(wrong)
    connection.rollback()
    return found


def children(status: dict[str, str]) -> dict[str, Any]:
    """A census of these children with their SEN status; table ids are new in every export."""
    made: dict[str, Any] = {"pupilonroll": [], "addresses": []}
    for child, of in status.items():
        number = CHILDREN.index(child)
        row = census()["pupilonroll"][0] | {"record_pseudonym": child, "senprovision": of}
        made["pupilonroll"].append(row | {"pupilonrolltableid": str(number), "nativeid": str(number)})
        place = {
            "record_pseudonym": child,
            "pupilonrolltableid": str(number),
            "lsoa21_code": f"E0199000{1 + number % 2}",
        }
        made["addresses"].append(place | {"addressestableid": str(number)})
    return made


def persons_tonight(draw: random.Random, night: int) -> dict[str, list[tuple[str, str, str]]]:
    """Who is whom: each child a person, but some nights two records are taken to be one, and some no longer."""
    persons = {child: [("education", "school_census", child)] for child in CHILDREN}
    persons["ada"] = [("social_care", "cin_census", ADA), ("north_trust", "csds", ADA)]
    for _ in range(night % 3):
        one, other = draw.sample(CHILDREN, 2)
        if one in persons and other in persons:
            persons[one] += persons.pop(other)
    return persons


@pytest.fixture(scope="module")
def area(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Area]:
    with fresh(server, tmp_path_factory.mktemp("nights")) as settings, connect(settings) as connection:
        draw, made = random.Random(7), Area(settings)  # noqa: S311
        deliver_all(settings, connection)
        status = dict.fromkeys(CHILDREN, "N")
        for night in range(NIGHTS):
            for child in draw.sample(sorted(status), 2):
                status[child] = draw.choice("EKN")
            if night == LEAVES:
                del status[CHILDREN[3]]
            deliver(settings, connection, "education", "school_census", "2025-spring", children(status), night + 2)
            persons = persons_tonight(draw, night)
            keys = link(connection, **persons)
            made.keys.append({record: keys[name] for name, of in persons.items() for _, _, record in of})
            conform.run(settings, REGISTRY, connection, None)
            integrate.run(settings, REGISTRY, connection, None, {"sufficiency_gap": nothing})
            made.seen.append(shown(connection))
            made.astray += astray(connection)
            made.moments.append(connection.execute("SELECT max(recorded_at) FROM ops.refresh").fetchone()[0])  # type: ignore[index]
            connection.commit()
        yield made


@pytest.mark.parametrize("night", [0, 9, 10, 20, 29])
def test_a_past_night_is_told_exactly_as_it_was(area: Area, night: int):
    with connect(area.settings) as connection:
        past = shown(connection, area.moments[night])
    assert [name for name in past if past[name] != area.seen[night][name]] == []
    assert sum(len(rows) for name, rows in past.items() if name.startswith("mart.")) > 20
    if night != 29:
        assert past["core.sen_status"] != area.seen[29]["core.sen_status"]
        assert past["mart.needs_prevalence"] != area.seen[29]["mart.needs_prevalence"]


def test_every_row_is_of_the_area_of_its_childs_home_on_every_night(area: Area):
    """Whatever came, left, or became another person's; and a home that moves takes all rows of its child along."""
    assert area.astray == []
    with connect(area.settings) as connection:
        homes = "SELECT count(DISTINCT home_area_code), count(home_area_code) FROM core.enrolment"
        assert connection.execute(homes).fetchall()[0][0] == 2
        connection.execute("UPDATE core.person SET lsoa21_code = 'E01990002'")
        assert areas.follow(connection) > 10
        assert connection.execute(homes).fetchall()[0][0] == 1
        connection.execute("UPDATE core.person SET lsoa21_code = NULL")
        areas.follow(connection)
        assert connection.execute(homes).fetchall()[0] == (0, 0)
        connection.rollback()


def test_before_the_first_night_nothing_was_known(area: Area):
    with connect(area.settings) as connection:
        as_known_at(connection, area.moments[0].replace(year=2020))
        assert connection.execute("SELECT count(*) FROM core_known.sen_status").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM mart_known.needs_prevalence").fetchone() == (0,)


def test_history_grows_by_what_changed(area: Area):
    """Not a census a night: an enrolment is kept where its child became another person or left. No row was known for no
    time, and every one leads to a refresh."""
    moved = sum(
        before[child] != after[child]
        for night, (before, after) in enumerate(zip(area.keys, area.keys[1:], strict=False), start=1)
        for child in CHILDREN
        if night < LEAVES or child != CHILDREN[3]
    )
    assert moved > 20
    with connect(area.settings) as connection:
        kept = connection.execute(
            "SELECT count(*) FROM core_history.enrolment WHERE record_pseudonym <> ALL(%s)", ([ADA, BEN],)
        )
        assert kept.fetchone() == (moved + 1,)
        for table in ("core_history.enrolment", "core_history.sen_status", "mart_history.needs_prevalence"):
            stray = f"""SELECT count(*) FROM {table} WHERE recorded_to <= recorded_from
                OR recorded_from NOT IN (SELECT recorded_at FROM ops.refresh)
                OR recorded_to < 'infinity' AND recorded_to NOT IN (SELECT recorded_at FROM ops.refresh)"""
            assert connection.execute(stray).fetchone() == (0,)  # type: ignore[call-overload]


def test_who_is_whom_is_told_as_it_was_taken_to_be(area: Area):
    with connect(area.settings) as connection:
        for night in (3, 17, 29):
            as_known_at(connection, area.moments[night])
            found = dict(
                connection.execute(
                    """SELECT record_pseudonym, person_key::text FROM core_known.person_record
                       WHERE dataset_code = 'school_census'"""
                ).fetchall()
            )
            assert found == {child: area.keys[night][child] for child in found}
            assert len(found) == len(CHILDREN) - (night >= LEAVES)


def test_an_analyst_asks_for_the_past_and_a_commissioner_does_not(area: Area):
    """What is for named people today is for them in the past too."""
    questions = ("SELECT status_code FROM core_known.sen_status", "SELECT * FROM mart_known.needs_prevalence")
    refused = ("SELECT birth_month FROM core_known.person", "SELECT * FROM core_history.sen_status")
    for role, asked in (("analyst", questions), ("commissioner", ())):
        with connect(area.settings) as reader:
            reader.execute(f"SET ROLE {role}")  # type: ignore[call-overload]
            for question in asked:
                assert reader.execute(question).fetchone()  # type: ignore[call-overload]
            for question in {*questions, *refused} - set(asked):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
                    reader.execute(question)  # type: ignore[call-overload]


def test_no_expression_reads_what_a_mart_showed_of_another_area(area: Area):
    """What fails on a row would tell of it: the view asks the rule first."""
    with connect(area.settings) as owner:
        shown = owner.execute(
            """SELECT relname, coalesce(reloptions && '{security_barrier=true}', FALSE) FROM pg_class
               WHERE relnamespace = 'mart_known'::regnamespace"""
        ).fetchall()
    assert shown and all(is_barred for _, is_barred in shown), shown


def test_every_table_and_mart_can_be_asked(area: Area):
    """Whatever migration, query or mart.yaml brought it."""
    with connect(area.settings) as connection:
        for schema in ("core", "mart"):
            tables, known = (
                {name for (name,) in connection.execute(query, (of,))}
                for query, of in (
                    ("SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'key_draw'", schema),
                    ("SELECT viewname FROM pg_views WHERE schemaname = %s", f"{schema}_known"),
                )
            )
            assert known == tables


def test_what_is_withdrawn_leaves_the_past_too(area: Area):
    with connect(area.settings) as connection:
        first = area.seen[0]["core.sen_status"]
        name = "education/school_census/2025-spring/2"
        Ledger(connection).move(name, "withdrawn")
        connection.commit()
        conform.run(area.settings, REGISTRY, connection, None)
        integrate.run(area.settings, REGISTRY, connection, None, {"sufficiency_gap": nothing})
        key = Ledger(connection).submission(name).submission_key
        for schema in ("core", "core_history"):
            query = f"SELECT count(*) FROM {schema}.sen_status WHERE submission_key = %s"
            assert connection.execute(query, (key,)).fetchone() == (0,)  # type: ignore[call-overload]
        assert shown(connection, area.moments[0])["core.sen_status"] != first
        assert len(shown(connection)["core.sen_status"]) == len(area.seen[29]["core.sen_status"])
