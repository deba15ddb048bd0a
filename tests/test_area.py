"""A small area from raw files to marts, with a planted child: the promises of the whole flow, seen on its results."""

import json
import os
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import psycopg
import pyarrow.parquet as pq
import pytest

from pipelines import conform, flow, synth
from pipelines import registry as declared
from pipelines.conform import lake, state
from pipelines.conform.making import Making
from pipelines.conform.shape import core_tables
from pipelines.integrate import marts, persons, worlds
from pipelines.ledger import Ledger
from pipelines.ledger.database import connect
from pipelines.link import evaluate, fairness, tokens
from pipelines.seal import keys, seal_area
from pipelines.settings import Settings
from tests import canary, comments, reading
from tests.conftest import TEMPLATE, _create

AS_OF = date.today()
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Area:
    """A home folder with its raw files, what the flow said, and a connection."""

    def __init__(self, settings: Settings, outcomes: list[dict]) -> None:
        self.settings, self.outcomes = settings, outcomes
        self.raw = settings.home / "raw"
        self.truth = self.raw / "truth"

    def rows(self, query: str, *values: object) -> list[tuple]:
        with connect(self.settings) as connection:
            return connection.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def area(server, tmp_path_factory):
    home = tmp_path_factory.mktemp("area")
    _create(server, "test_area", TEMPLATE)
    settings = Settings(home=home, database_url=server.url("joint_needs", "test_area"), environment="demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOINT_NEEDS_HOME", str(home))
        patch.setenv("JOINT_NEEDS_DATABASE_URL", settings.database_url)
        patch.setenv("JOINT_NEEDS_ENVIRONMENT", "demo")
        synth.generate(home / "raw", children=2500, seed=11, as_of=AS_OF, scenario="canary")
        registry = declared.load()
        keys.new_area(home / "keys", sorted(registry.agencies), "2026a")
        seal_area(home / "raw", keys_dir=home / "keys", out=home / "landing")
        outcomes = flow.pull_all()
        outcomes += flow.refresh()
        yield Area(settings, outcomes)


def test_every_delivery_is_integrated(area):
    deliveries = json.loads((area.raw / "deliveries.json").read_text())
    states = dict(area.rows("SELECT submission, state FROM ops.submission"))
    assert len(states) == len(deliveries)
    assert set(states.values()) <= {"integrated", "superseded"}
    with connect(area.settings) as connection:
        standing = {s.submission for s in Ledger(connection).current(None, declared.load().every_period)}
    assert {name for name, state in states.items() if state == "integrated"} == standing
    assert {(d["agency"], d["dataset"]) for d in deliveries} == {tuple(name.split("/")[:2]) for name in standing}
    assert {row["state"] for row in area.outcomes} == {"success"}


def test_rows_reconcile_with_the_ledger_and_the_raw_files(area):
    unequal = area.rows("SELECT * FROM ops.outcome WHERE rows_in <> accepted + quarantined + rejected")
    assert unequal == []
    lake = area.rows(
        """SELECT submission_key, table_name FROM ops.outcome LEFT JOIN ops.snapshot USING (submission_key, table_name)
           WHERE accepted <> coalesce(row_count, 0)"""
    )
    assert lake == []
    total = area.rows("SELECT sum(rows_in)::int, sum(accepted)::int FROM ops.outcome")[0]
    assert total[0] > total[1] > 0.9 * total[0]


def test_no_canonical_table_asks_which_feed_came_first(area, tmp_path):
    """With the submissions of the last feed numbered first, each feed's own in their order, all rows are the same."""
    registry = declared.load()
    with connect(area.settings) as connection:
        standing = Ledger(connection).current(None, registry.every_period)
        files = lake.files(area.settings, connection, standing)
        tables = {table.name: table for table in core_tables(connection)}
    feeds = sorted({(of.agency_code, of.dataset_code, of.submission_key) for of in files})
    backward = sorted(feeds, key=lambda feed: feed[:2], reverse=True)
    number = {key: place for place, (*_, key) in enumerate(backward, 1)}
    assert len(number) > 40 and list(number) != sorted(number)

    def made(name, of):
        settings = replace(area.settings, home=tmp_path / name)
        settings.conformed.mkdir(parents=True)
        with conform.workspace(settings) as duck:
            hashes, *_ = Making(settings, registry, duck, tables, of).make(None)
        return {table: state.path(settings, table, content) for table, content in hashes.items()}

    here = made("here", files)
    there = made("there", [replace(of, submission_key=number[of.submission_key]) for of in files])
    for table in tables.values():
        found, others = (
            Counter(
                tuple({**row, "submission_key": again.get(row.get("submission_key"))}.items())
                for row in pq.read_table(side[table.name]).to_pylist()
            )
            for side, again in ((here, number), (there, {key: key for key in number.values()}))
        )
        assert found == others, table.name


def test_the_planted_rule_faults_are_found_and_no_others(area):
    """Codes and rows equal the truth's, fault by fault: held rows by number, all rules by count."""
    db = duckdb.connect()
    db.execute(
        "CREATE TABLE truth AS SELECT * FROM read_csv(?, all_varchar = true)", [str(area.truth / "rule_faults.csv")]
    )
    planted = {
        tuple(row[:5]): row[5]
        for row in db.execute(
            """SELECT agency, dataset, period, "table", rule, count(DISTINCT source_row) FROM truth
               WHERE rule NOT LIKE 'FILE-%' GROUP BY ALL"""
        ).fetchall()
    }
    found = {
        tuple(row[:5]): row[5]
        for row in area.rows(
            """SELECT agency_code, dataset_code, period, table_name, rule, failed
               FROM ops.rule_outcome JOIN ops.submission USING (submission_key) WHERE failed > 0"""
        )
    }
    assert found == planted
    held = {
        tuple(map(str, row))
        for row in area.rows(
            """SELECT agency_code, dataset_code, period, table_name, rule, source_row
               FROM ops.held_row JOIN ops.submission USING (submission_key) WHERE rule <> 'PARENT_HELD'"""
        )
    }
    wanted = set(db.execute('SELECT agency, dataset, period, "table", rule, source_row FROM truth').fetchall())
    assert held and held <= wanted


def test_rejected_rows_are_those_that_were_ragged(area):
    db = duckdb.connect()
    ragged = db.execute(
        """SELECT agency, dataset, period, "table", count(*) FROM read_csv(?, all_varchar = true)
           WHERE rule LIKE 'FILE-%' GROUP BY ALL ORDER BY ALL""",
        [str(area.truth / "rule_faults.csv")],
    ).fetchall()
    rejected = area.rows(
        """SELECT agency_code, dataset_code, period, table_name, rejected::bigint
           FROM ops.outcome JOIN ops.submission USING (submission_key) WHERE rejected > 0 ORDER BY 1, 2, 3, 4"""
    )
    assert ragged and rejected == ragged


def test_linkage_holds_against_the_truth(area):
    with connect(area.settings) as connection:
        scores = evaluate.against_truth(connection, declared.load(), area.settings, area.truth)
    for name, found in [("overall", scores), *scores["by_pair"].items()]:
        assert found["precision"] >= 0.995, name
        assert found["recall"] >= 0.97, name
    assert len(scores["by_pair"]) == 3


def test_estimates_without_the_truth_hold_against_it(area):
    """Precision and recall as the run itself says them, within two in a thousand of their intervals."""
    ((estimate,),) = area.rows("SELECT summary -> 'estimate' FROM link.run ORDER BY link_run_key DESC LIMIT 1")
    with connect(area.settings) as connection:
        truth = evaluate.against_truth(connection, declared.load(), area.settings, area.truth)
    for rate in ("precision", "recall"):
        assert estimate[rate]["low"] - 0.002 <= truth[rate] <= estimate[rate]["high"] + 0.002, (rate, truth[rate])
        assert estimate[rate]["high"] - estimate[rate]["low"] < 0.02
    assert (area.settings.reports / "linkage" / "index.html").exists()


def test_nobody_is_missed_much_more_than_others_or_it_is_said_who_and_why(area):
    with connect(area.settings) as connection:
        truth = evaluate.against_truth(connection, declared.load(), area.settings, area.truth)
    groups, uneven = truth["by_group"], truth["uneven"]
    assert set(groups) == set(fairness.TOPICS) and len(groups["ethnicity"]) >= 5
    # Who was adopted is another person before and after by design, and told apart from the others.
    for topic in ("sex", "social care", "twin"):
        recalls = [row["recall"] for row in groups[topic].values() if row["pairs"] >= fairness.ENOUGH]
        assert len(recalls) >= 2 and max(recalls) - min(recalls) <= fairness.POINTS, topic
    for row in uneven:
        missed = (1 - row["recall"]) * groups[row["topic"]][row["group"]]["pairs"]
        assert sum(row["reasons"].values()) >= missed - 1, row


def test_ranges_hold_the_truth_about_as_often_as_they_say(area):
    """Marts made from who is truly one person, beside the ranges that were served; then everything is rolled back.

    What the files can tell at most and at least: records of one component are one person, or all of one person are.
    """
    outcomes = {}
    with connect(area.settings) as connection:
        served = {mart.name: mart for mart in marts.load() if mart.definition.ranges and mart.name != "match_quality"}
        cells = {name: counts(connection, mart) for name, mart in served.items()}
        for unit in ("component_id", "person_id"):
            as_they_truly_are(area, connection, unit)
            for name, mart in served.items():
                marts.refresh(connection, mart, AS_OF, None)
                outcomes[name, unit] = counts(connection, mart)
            connection.rollback()
    held, wide = [], 0
    for name, found in cells.items():
        for key, (count, low, high) in found.items():
            least, most = (outcomes[name, unit].get(key, (0,))[0] for unit in ("component_id", "person_id"))
            least, most = min(least, most), max(least, most)
            if count or most:
                held.append(low <= most and least <= high)
                wide += low < high
    assert len(held) > 500 and wide > 5
    assert wide < 0.2 * len(held), "what is certain has no width"
    assert sum(held) >= 0.9 * len(held)
    overlap = [
        low <= outcomes["multi_agency_overlap", "person_id"][key][0]
        and outcomes["multi_agency_overlap", "component_id"][key][0] <= high
        for key, (count, low, high) in cells["multi_agency_overlap"].items()
        if count
    ]
    assert sum(overlap) >= 0.9 * len(overlap)


def counts(connection, mart) -> dict[tuple, tuple[int, int, int]]:
    """Count and range of every cell of a mart."""
    key = mart.definition.key
    query = f"SELECT {', '.join(key)}, children_count, children_low, children_high FROM mart.{mart.name}"
    return {row[: len(key)]: row[len(key) :] for row in connection.execute(query).fetchall()}


def as_they_truly_are(area: Area, connection, unit: str) -> None:
    """Give every record in core the person it truly is; `unit` is the column of the truth that says so."""
    db = tokens.memory()
    evaluate._load(db, connection, declared.load(), area.settings)
    rows = db.execute(
        f"""SELECT agency, dataset, record_pseudonym, md5(min({unit})::VARCHAR)::UUID
            FROM row_of JOIN read_parquet(?) USING (agency, dataset, period, source_row) GROUP BY ALL""",
        [str(area.truth / "records.parquet")],
    ).fetchall()
    connection.execute("CREATE TEMP TABLE truly (agency text, dataset text, record text, person uuid) ON COMMIT DROP")
    with connection.cursor().copy("COPY truly FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute("ANALYZE truly")
    for table in worlds.with_persons(connection):
        connection.execute(
            f"""UPDATE core.{table} SET person_key = person FROM truly
                WHERE agency_code = agency AND dataset_code = dataset AND record_pseudonym = record"""
        )
    persons.refresh(connection, everyone=True)
    connection.execute("DELETE FROM core.key_draw")


def test_the_canary_is_one_person_known_to_all_three_groups(area):
    rows = area.rows(
        """SELECT p.person_key FROM core.person p
           WHERE is_known_to_education AND is_known_to_social_care AND is_known_to_health
             AND p.person_key IN (SELECT person_key FROM core.person_record WHERE record_pseudonym = ANY(%s))""",
        canary_records(area),
    )
    assert len(rows) == 1


def canary_records(area: Area) -> list[str]:
    """Record pseudonyms of the planted child, found through its row numbers in the truth."""
    truth = json.loads((area.truth / "canary.json").read_text())
    person = truth["person_id"]
    db = duckdb.connect()
    rows = db.execute(
        "SELECT agency, dataset, period, source_row FROM read_parquet(?) WHERE person_id = ?",
        [str(area.truth / "records.parquet"), person],
    ).fetchall()
    registry = declared.load()
    found = []
    for agency, dataset, period, source_row in rows:
        table = registry.contract(dataset).record_table
        payload = area.settings.received / f"{agency}__{dataset}__{period}__1" / f"{table}.parquet"
        if not payload.exists():
            payload = next(area.settings.lake.glob(f"{dataset}/{agency}/{period}/*/{table}.*.parquet"))
        found += db.execute(
            "SELECT record_pseudonym FROM read_parquet(?) WHERE source_row = ?", [str(payload), source_row]
        ).fetchall()
    assert len(rows) >= 6 and len(found) == len(rows)
    return [row[0] for row in found]


def test_the_canary_is_in_no_file_log_table_or_page_after_the_door(area, tmp_path):
    flow.publish(AS_OF, area.settings.snapshots / str(AS_OF))
    values = {k: v for k, v in json.loads((area.truth / "canary.json").read_text()).items() if k != "person_id"}
    assert set(values) >= {"forename", "surname", "upn", "nhs_number", "birth_date", "postcode"}
    in_raw = canary.in_files([area.raw], values)
    assert {hit.rsplit(": ", 1)[1] for hit in in_raw} >= {values["surname"].lower(), values["nhs_number"]}
    after_the_door = canary.in_files([area.settings.home], values, leave_out=[area.raw])
    assert after_the_door == []
    with connect(area.settings) as connection:
        assert canary.in_database(connection, values) == []


def test_a_second_refresh_changes_nothing_and_says_so(area):
    before = area.rows("SELECT count(*) FROM core.person_record"), area.rows("SELECT max(refresh_key) FROM ops.refresh")
    keys_before = area.rows("SELECT md5(string_agg(c::text, '' ORDER BY c::text)) FROM link.crosswalk c")
    again = flow.refresh()
    assert all(row["state"] == "success" for row in again)
    assert any("nothing" in note for note in again[-1]["notes"])
    assert before == (
        area.rows("SELECT count(*) FROM core.person_record"),
        area.rows("SELECT max(refresh_key) FROM ops.refresh"),
    )
    assert keys_before == area.rows("SELECT md5(string_agg(c::text, '' ORDER BY c::text)) FROM link.crosswalk c")


def test_the_same_delivery_twice_is_taken_once(area):
    """A copy of an accepted folder under a new name is recorded as what it is, and loads nothing."""
    import shutil

    first = next(path.parent for path in sorted(area.settings.home.rglob("manifest.json")) if path.parent.is_dir())
    target = area.settings.landing / "education" / "copied"
    shutil.copytree(first, target)
    before = area.rows("SELECT count(*), sum(rows_in) FROM ops.submission LEFT JOIN ops.outcome USING (submission_key)")
    flow.pull_all()
    after = area.rows("SELECT count(*), sum(rows_in) FROM ops.submission LEFT JOIN ops.outcome USING (submission_key)")
    assert before == after


def test_every_mart_has_rows_and_a_commissioner_can_read_them(area):
    names = [
        row[0] for row in area.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'mart'")
    ]
    assert set(names) >= {folder.name for folder in Path("sql/marts").iterdir()}
    with connect(area.settings, "commissioner") as connection:
        for name in names:
            assert connection.execute(f'SELECT count(*) FROM partnership."{name}"').fetchone()[0] > 0, name
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT 1 FROM link.crosswalk LIMIT 1")


def test_commissioners_questions_are_answered(area, tmp_path):
    """Every worked query by its role; every command of the page for readers; the files for other programs."""
    assert reading.answers_of_worked_queries(area.settings) == []
    assert reading.unlike_on_the_day(area.settings) == []
    printed = reading.run_how_to(area.settings, tmp_path)
    assert len(printed) >= 8 and all(printed.values())
    reading.check_connection_files(area.settings, tmp_path / "warehouse")


def test_every_table_and_column_says_what_it_is(area):
    with connect(area.settings) as connection:
        assert comments.without(connection, "core", "mart", "partnership", "publish", "ops", "link") == []


def test_numbers_can_be_traced(area):
    """From a mart's refresh to its submissions, their rules and the version of the code."""
    rows = area.rows(
        """SELECT r.code_version, cardinality(r.submissions), count(DISTINCT o.rule)
           FROM ops.refresh r JOIN ops.rule_outcome o ON o.submission_key = ANY(r.submissions) GROUP BY r.refresh_key"""
    )
    assert rows and all(version and count and rules > 100 for version, count, rules in rows)


def test_the_embedded_home_is_not_needed(area):
    """With an address of its own the hub starts no server."""
    assert not replace(area.settings).postgres.exists()
    assert os.environ["JOINT_NEEDS_DATABASE_URL"]
