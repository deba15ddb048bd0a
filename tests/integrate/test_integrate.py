"""Integrate on a small whole area, in a real PostgreSQL."""

from __future__ import annotations

import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines import conform, integrate
from pipelines.conform.shape import canonical
from pipelines.errors import SystemFault
from pipelines.ledger import Ledger
from pipelines.ledger.database import connect
from pipelines.ledger.turn import one_at_a_time
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, deliver, link
from tests.integrate.small_area import (
    ADA,
    BEN,
    ONE,
    census,
    content,
    deliver_all,
    link_all,
    make_mart,
    nothing,
    refresh,
    refresh_all,
)

Connection = psycopg.Connection[Any]


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    found = connection.execute(query).fetchall()  # type: ignore[call-overload]
    connection.rollback()
    return found


def states(connection: Connection) -> dict[str, str]:
    return dict(rows(connection, "SELECT submission, state FROM ops.submission"))


def test_one_child_of_three_agencies_is_one_person(database: Settings, connection: Connection):
    deliver_all(database, connection)
    keys = link_all(connection)
    outcome = refresh_all(database, connection)
    assert outcome.state == "success"
    persons = rows(
        connection,
        """SELECT person_key::text, source_count, is_known_to_education, is_known_to_social_care, is_known_to_health,
           lsoa21_code, ethnicity_code FROM core.person ORDER BY source_count""",
    )
    assert persons == [
        (keys["ben"], 1, True, False, False, "E01990002", "AIND"),
        (keys["ada"], 3, True, True, True, "E01990001", "WBRI"),
    ]
    assert rows(connection, "SELECT person_key::text FROM core.referral") == [(keys["ada"],)]
    assert set(states(connection).values()) == {"integrated"}
    unmet = rows(
        connection,
        "SELECT need_code, children_count, met_count FROM mart.unmet_need WHERE health_place_code = 'ALL'",
    )
    assert unmet == [("SLCN", 1, 1)]


def test_each_source_says_which_day_it_speaks_of(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh(database, connection)
    assert rows(connection, "SELECT dataset_code, data_as_at::text FROM core.source ORDER BY 1") == [
        ("cin_census", "2025-12-31"),
        ("csds", "2026-02-28"),
        ("geography", "2025-12-31"),
        ("population_projection", "2025-12-31"),
        ("school_census", "2025-01-16"),
    ]


def test_education_goes_before_social_care_before_health(database: Settings, connection: Connection):
    deliver_all(database, connection)
    csds = {
        "mpi": [
            {"record_pseudonym": BEN, "localpatientid": "2", "gender": "F", "birth_month": date(2016, 4, 1),
             "lsoa21_code": "E01990001", "ethniccategory": "A"},
        ]
    }  # fmt: skip
    deliver(database, connection, "south_trust", "csds", "2026-02", csds)
    records = [("education", "school_census", BEN), ("south_trust", "csds", BEN)]
    keys = link(connection, ben=records, ada=[("education", "school_census", ADA), ("social_care", "cin_census", ADA),
                                              ("north_trust", "csds", ADA)])  # fmt: skip
    refresh(database, connection)
    query = (
        "SELECT birth_month, sex_code, lsoa21_code, ethnicity_code, source_count FROM core.person WHERE person_key = %s"
    )
    assert connection.execute(query, (keys["ben"],)).fetchall() == [
        (date(2016, 3, 1), "M", "E01990002", "AIND", 2),
    ]
    differs = "SELECT fact_code, agency_code, person_key::text FROM core.disagreement ORDER BY fact_code"
    assert rows(connection, differs) == [
        (fact, "south_trust", keys["ben"]) for fact in ("birth_month", "ethnicity_group", "lsoa", "sex")
    ]
    deliver(database, connection, "north_trust", "csds", "2026-03", csds)
    link(connection, ben=[*records, ("north_trust", "csds", BEN)])
    refresh(database, connection)
    assert connection.execute(query, (keys["ben"],)).fetchall() == [(date(2016, 4, 1), "M", "E01990002", "AIND", 3)], (
        "a month of birth never changes: what most records say goes before"
    )


def test_twice_changes_nothing_and_says_so(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh_all(database, connection)
    before = content(connection, "core", "mart", "link")
    marks = rows(connection, "SELECT refresh_key, finished_at FROM ops.refresh")
    again = refresh_all(database, connection)
    assert again.notes == ["nothing new: the warehouse shows this already"]
    assert again.counts == {"rows_changed": 0}
    assert content(connection, "core", "mart", "link") == before
    assert rows(connection, "SELECT refresh_key, finished_at FROM ops.refresh") == marks


def test_a_resubmission_moves_its_own_slice_and_no_other(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh(database, connection)
    before = content(connection, "core")
    untouched = rows(
        connection, "SELECT xmin::text FROM core.population UNION ALL SELECT xmin::text FROM core.referral"
    )
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    refresh(database, connection)
    after = content(connection, "core")
    assert {name: len(set(after[name]) - set(before[name])) for name in after if after[name] != before[name]} == {
        "core.sen_status": 1,
        "core.sen_status_spell": 1,
        "core.source": 1,
    }
    first, second = rows(connection, "SELECT submission_key FROM core.sen_status ORDER BY status_code DESC")
    assert first < second, "a row that says what it said keeps the submission that first said so"
    assert rows(connection, "SELECT status_code FROM core.sen_status ORDER BY 1") == [("E",), ("N",)]
    assert untouched == rows(
        connection, "SELECT xmin::text FROM core.population UNION ALL SELECT xmin::text FROM core.referral"
    )
    assert states(connection)["education/school_census/2025-spring/1"] == "superseded"
    assert states(connection)["education/school_census/2025-spring/2"] == "integrated"


def test_step_by_step_ends_where_all_at_once_ends(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh_all(database, connection)
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    refresh_all(database, connection)
    stepwise = content(connection, "core", "mart")
    for path in database.conformed.glob("*.parquet"):
        path.unlink()
    refresh_all(database, connection)
    assert content(connection, "core", "mart") == stepwise


def test_a_withdrawn_submission_gives_way_to_the_one_before(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh(database, connection)
    first = content(connection, "core")
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    refresh(database, connection)
    Ledger(connection).move("education/school_census/2025-spring/2", "withdrawn")
    connection.commit()
    refresh(database, connection)
    assert content(connection, "core") == first
    assert states(connection)["education/school_census/2025-spring/1"] == "integrated"


def test_a_deleted_row_leaves_core(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh(database, connection)
    shorter = {table: found[:1] for table, found in census(2).items()}
    deliver(database, connection, "education", "school_census", "2025-spring", shorter, sequence=2)
    refresh(database, connection)
    assert rows(connection, "SELECT record_pseudonym FROM core.enrolment") == [(ADA,)]
    assert rows(connection, "SELECT count(*) FROM core.person") == [(1,)]


def test_a_change_of_the_crosswalk_alone_moves_the_facts(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh(database, connection)
    keys = link(
        connection,
        ada=[("education", "school_census", ADA)],
        ben=[("education", "school_census", BEN)],
        cas=[("north_trust", "csds", ADA), ("social_care", "cin_census", ADA)],
    )
    outcome = refresh(database, connection)
    # Person_record, the referral and the episode of two sources; Ada loses two sources, Cas is new.
    assert outcome.counts["rows_changed"] == 4 + 2
    assert rows(connection, "SELECT person_key::text FROM core.referral") == [(keys["cas"],)]
    assert rows(connection, "SELECT count(*) FROM core.person") == [(3,)]
    link(connection, dot=[("education", "school_census", ADA)], ben=[("education", "school_census", BEN)])
    refresh(database, connection)
    areas = "SELECT home_area_code FROM core.enrolment WHERE record_pseudonym = %s"
    assert connection.execute(areas, (ADA,)).fetchall() == [("MS",)]


def test_a_first_refresh_writes_persons_and_records_once(database: Settings, connection: Connection):
    deliver_all(database, connection)
    link_all(connection)
    refresh(database, connection)
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.commit()
    written = """SELECT relname, n_tup_ins, n_tup_upd FROM pg_stat_user_tables
        WHERE schemaname = 'core' AND relname IN ('person', 'person_record') ORDER BY relname"""
    assert rows(connection, written) == [("person", 2, 0), ("person_record", 4, 0)]
    areas = "SELECT count(*) FROM core.{} WHERE home_area_code = '{}'"
    assert rows(connection, areas.format("person", "NP")) == [(1,)]
    assert rows(connection, areas.format("person_record", "NP")) == [(1,)]


def test_a_first_refresh_leaves_every_index_as_it_was(database: Settings, connection: Connection):
    deliver_all(database, connection)
    link_all(connection)
    made = "SELECT indexrelid::regclass::text, indexrelid FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
    indexes = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'core' ORDER BY 1"""
    before, numbers = rows(connection, indexes), dict(rows(connection, f"{made} WHERE relname = 'enrolment'"))
    refresh(database, connection)
    assert rows(connection, indexes) == before
    after = dict(rows(connection, f"{made} WHERE relname = 'enrolment'"))
    anew = {name.removeprefix("core.") for name in numbers if numbers[name] != after[name]}
    assert anew == {"enrolment_person_key_idx"}, "the key's own index is kept, the other made after the rows"
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    refresh(database, connection)
    assert dict(rows(connection, f"{made} WHERE relname = 'enrolment'")) == after


def test_rows_follow_a_record_that_is_seen_as_a_child_only_now(database: Settings, connection: Connection):
    """A row of nobody, and a row of somebody else whose record core.person_record did not have."""
    deliver_all(database, connection)
    link_all(connection)
    refresh(database, connection)
    connection.execute("DELETE FROM core.person_record WHERE agency_code IN ('north_trust', 'social_care')")
    connection.execute("UPDATE core.referral SET person_key = NULL")
    connection.commit()
    keys = link(
        connection,
        ben=[("education", "school_census", BEN)],
        ada=[("education", "school_census", ADA), ("north_trust", "csds", ADA)],
        cas=[("social_care", "cin_census", ADA)],
    )
    connection.execute(
        """INSERT INTO link.crosswalk SELECT agency_code, dataset_code, record_pseudonym, %s, '2025-01-01', now()
           FROM link.crosswalk WHERE dataset_code = 'cin_census'""",
        (keys["ada"],),
    )
    connection.commit()
    refresh(database, connection)
    assert rows(connection, "SELECT person_key::text FROM core.referral") == [(keys["ada"],)]
    assert rows(connection, "SELECT person_key::text FROM core.cin_episode") == [(keys["cas"],)]


def test_a_failing_check_rolls_everything_back_and_names_itself(
    database: Settings, connection: Connection, tmp_path: Path
):
    deliver_all(database, connection)
    folder = tmp_path / "marts"
    make_mart(folder, ONE)
    refresh(database, connection, mart_folder=folder)
    before = content(connection, "core", "mart")
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    make_mart(folder, "SELECT :as_of AS time_period, 'a' AS name, 2 AS persons_count")
    with pytest.raises(SystemFault, match=r"mart small does not hold: there is one \(1 rows\)"):
        refresh(database, connection, mart_folder=folder)
    assert content(connection, "core", "mart") == before
    assert states(connection)["education/school_census/2025-spring/2"] == "accepted"
    last = rows(
        connection, "SELECT state, message FROM ops.run WHERE stage = 'integrate' ORDER BY run_key DESC LIMIT 1"
    )
    assert last == [("system_fault", "mart small does not hold: there is one (1 rows); nothing was changed")]


def test_a_mistake_in_a_mart_is_said_without_data(database: Settings, connection: Connection, tmp_path: Path):
    deliver_all(database, connection)
    make_mart(tmp_path / "m", "SELECT :as_of AS time_period, 'secret' AS name, 'x1'::integer AS persons_count")
    with pytest.raises(SystemFault, match=r"integrate wrote nothing .*InvalidTextRepresentation") as fault:
        refresh(database, connection, mart_folder=tmp_path / "m")
    assert "secret" not in str(fault.value)
    assert "x1" not in str(fault.value)
    make_mart(tmp_path / "m", "SELECT :as_of AS time_period, 'a' AS name, missing AS persons_count")
    with pytest.raises(SystemFault, match='column "missing" does not exist'):
        refresh(database, connection, mart_folder=tmp_path / "m")


def test_two_at_once_is_a_clear_fault(database: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipelines.ledger.turn.PATIENCE", "200ms")
    deliver_all(database, connection)
    with (
        connect(database) as other,
        one_at_a_time(other),
        pytest.raises(SystemFault, match="another refresh is running"),
    ):
        refresh_all(database, connection)
    assert refresh_all(database, connection).state == "success"


def test_integrate_wants_the_state_of_what_stands(database: Settings, connection: Connection):
    deliver_all(database, connection)
    conform.run(database, REGISTRY, connection, None)
    connection.execute("ALTER TABLE core.enrolment ADD COLUMN taught_at text")
    connection.commit()
    with pytest.raises(SystemFault, match="conform has not run"):
        integrate.run(database, REGISTRY, connection, None, {"sufficiency_gap": nothing})
    connection.execute("ALTER TABLE core.enrolment DROP COLUMN taught_at")
    connection.commit()
    deliver(database, connection, "education", "school_census", "2025-spring", census(2), sequence=2)
    with pytest.raises(SystemFault, match="conform has not run"):
        integrate.run(database, REGISTRY, connection, None, {"sufficiency_gap": nothing})


def test_a_past_night_is_asked_for_and_left_again(database: Settings, connection: Connection):
    deliver_all(database, connection)
    connection.execute("UPDATE ops.submission SET accepted_at = '2026-03-01'")
    connection.commit()
    refresh_all(database, connection, date(2026, 3, 20))
    past = content(connection, "core", "mart")
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    connection.execute("UPDATE ops.submission SET accepted_at = '2026-04-01' WHERE sequence = 2")
    connection.commit()
    refresh_all(database, connection, date(2026, 4, 2))
    refresh_all(database, connection, date(2026, 3, 20))
    assert content(connection, "core", "mart") == past
    assert states(connection)["education/school_census/2025-spring/2"] == "superseded"
    refresh_all(database, connection, date(2026, 4, 2))
    assert states(connection)["education/school_census/2025-spring/2"] == "integrated"


def test_files_of_past_states_are_tidied(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh(database, connection)
    deliver(database, connection, "education", "school_census", "2025-spring", census(2), sequence=2)
    refresh(database, connection)
    assert len(list(database.conformed.glob("*.parquet"))) == len(canonical())
    assert list((database.conformed / "changes").glob("*")) == []
    assert rows(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'") == [(0,)]


def test_a_commissioner_reads_marts_with_their_comments_and_nothing_else(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh_all(database, connection)
    with connect(database) as reader:
        reader.execute("SET ROLE commissioner")
        seen = (
            "SELECT count(*), min(children_count) FILTER (WHERE children_count > 0) FROM partnership.needs_prevalence"
        )
        count, least = reader.execute(seen).fetchall()[0]
        assert count > 0
        assert least is None or least >= 5
        reader.commit()
        for exact in ("mart.needs_prevalence", "core.person"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT 1 FROM {exact}")  # type: ignore[call-overload]
            reader.rollback()
            reader.execute("SET ROLE commissioner")
    bare = rows(
        connection,
        """SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped
           WHERE n.nspname = 'mart' AND c.relkind = 'r' AND col_description(c.oid, a.attnum) IS NULL""",
    )
    assert bare == []


def test_an_analyst_reads_core_and_its_profile(database: Settings, connection: Connection):
    deliver_all(database, connection)
    refresh(database, connection)
    with connect(database) as reader:
        reader.execute("SET ROLE analyst")
        query = "SELECT array_agg(born_school_year ORDER BY born_school_year) FROM core.person_profile"
        assert reader.execute(query).fetchone() == ([2013, 2015],)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT birth_month FROM core.person_profile")


def test_a_changed_mart_yaml_changes_the_table(database: Settings, connection: Connection, tmp_path: Path):
    deliver_all(database, connection)
    make_mart(tmp_path, ONE)
    refresh(database, connection, mart_folder=tmp_path)
    make_mart(tmp_path, ONE + ", 2 AS more_count", more="  more_count: {type: integer, comment: More}\n")
    refresh(database, connection, mart_folder=tmp_path)
    assert rows(connection, "SELECT persons_count, more_count FROM mart.small") == [(1, 2)]
    with connect(database) as reader:
        reader.execute("SET ROLE commissioner_exact")
        assert reader.execute("SELECT count(*) FROM mart.small").fetchone() == (1,)


def test_twenty_readers_never_wait_while_a_refresh_runs(database: Settings, connection: Connection, tmp_path: Path):
    """Nor where a mart's columns change: it is worked out before it is locked. Each sees the old picture or the new.

    The partnership's copy is of the same picture.
    """
    folder = tmp_path / "marts"
    deliver_all(database, connection)
    make_mart(folder, ONE)
    refresh(database, connection, mart_folder=folder)
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    slow = "SELECT :as_of AS time_period, 'b' AS name, 1 AS persons_count{} FROM (SELECT pg_sleep(2)) AS slept"
    done, longest, seen = threading.Event(), [0.0] * 20, set()

    def read(number: int) -> None:
        with psycopg.connect(database.database_url or "", autocommit=True) as reader:
            while not done.is_set():
                started = time.monotonic()
                query = """SELECT s.name, (SELECT min(status_code) FROM core.sen_status), copy.name
                    FROM mart.small AS s CROSS JOIN partnership.small AS copy"""
                seen.add(reader.execute(query).fetchone())
                longest[number] = max(longest[number], time.monotonic() - started)
                time.sleep(0.05)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(20)]
    for reader in readers:
        reader.start()
    try:
        make_mart(folder, slow.format(""))
        refresh(database, connection, mart_folder=folder)
        more = "  more_count: {type: integer, comment: More}\n"
        make_mart(folder, slow.format(", 2 AS more_count"), more=more)
        refresh(database, connection, mart_folder=folder)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert max(longest) < 1
    assert seen == {("a", "K", "a"), ("b", "E", "b")}


def test_a_mart_is_made_again_only_where_it_reads_what_changed(database: Settings, connection: Connection):
    """A resubmission changes a status; the submission it came with moves no other mart than that of submissions."""
    deliver_all(database, connection)
    refresh_all(database, connection)
    assert marts_moved(connection) >= {
        "health_access",
        "match_quality",
        "needs_prevalence",
        "data_quality",
        "unmet_need",
    }
    copies = "SELECT oid::regclass::text, oid FROM pg_class WHERE relnamespace = 'partnership'::regnamespace ORDER BY 1"
    before = rows(connection, copies)
    deliver(database, connection, "education", "school_census", "2025-spring", census(2, status="E"), sequence=2)
    outcome = refresh_all(database, connection)
    assert marts_moved(connection) == {"needs_prevalence", "multi_agency_overlap", "data_quality"}
    assert rows(connection, copies) == before, "a copy is brought up to date, never made anew"
    of_both = "SELECT {0} FROM mart.{1} AS m JOIN partnership.{1} AS p USING (time_period, agency_code, dataset_code)"
    query = of_both.format("count(*), bool_and(m.submission = p.submission)", "data_quality")
    assert rows(connection, query) == rows(connection, "SELECT count(*), TRUE FROM mart.data_quality")
    # A mart that a function fills is made as its SQL says; it wrote no row here.
    assert outcome.counts["marts"] <= 4


def marts_moved(connection: Connection) -> set[str]:
    """The marts of which the last refresh wrote a row."""
    names = [name for (name,) in rows(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'mart_history'")]
    last = "(SELECT max(recorded_at) FROM ops.refresh)"
    found = {
        name: rows(connection, f"SELECT count(*) FROM mart_history.{name} WHERE recorded_from = {last}")
        for name in names
    }
    return {name for name, count in found.items() if count != [(0,)]}
