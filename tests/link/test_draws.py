"""Draws of uncertain ties, what they hand over, and what is estimated from them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import sparse
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import UsageFault
from pipelines.link import belief, draws, drift, estimate, matcher, report, review, tokens
from pipelines.link.draws import DRAWS
from pipelines.link.report import page as page_of
from pipelines.link.solve import solve
from tests.link.drawn import SOURCES, linkage, pseudonym, rows
from tests.link.test_run import AREA, Area, area, registry

__all__ = ["area", "registry"]

CERTAIN = """
    source   | record | name       | born       | sex | postcode | nhs | upn | local
    school   | 2      | Ivo Crane  | 2012-11-19 | M   | MB2 2BB  |     | U2  |
    register | 2      | Ivo Crane  | 2012-11-19 | M   | MB2 2BB  | N2  | U2  |
"""
# A record of another birth date has Ivo's number: is it him, or is the number wrong?
DOUBTFUL = (
    CERTAIN
    + """
    north    | 2      |            | 2010-04-02 | M   |          | N2  |     |
""".lstrip("\n")
)
# The girl without a name is one of the two, and nothing says which.
ONE_OF_TWO = """
    source | record | name     | born       | sex | postcode
    school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA
    school | 2      | Kit Byrd | 2014-03-05 | F   | MB1 1AA
    north  | 1      |          | 2014-03-05 | F   | MB1 1AA
"""
KEY_DRAWS = """SELECT draw, agency_code, dataset_code, record_pseudonym, person_key FROM link.key_draw
    ORDER BY draw, agency_code, dataset_code, record_pseudonym"""


def drawn(table: str) -> tuple[draws.Drawn, dict]:
    """The draws over a drawn table, and what is estimated from them."""
    with tokens.memory() as db:
        parts = [tokens.Part(source, 0, table) for source, table in sorted(linkage(rows(table)).items())]
        tokens.load(db, parts)
        model = matcher.made(db)
        solve(db, model)
        belief.judge(db, model["model"], {})
        found = draws.draw(db)
        return found, estimate.estimate(db, found)


def test_what_is_certain_is_not_drawn() -> None:
    found, shares = drawn(CERTAIN)
    assert found.records == {} and found.outcomes == []
    assert shares["uncertain_records"] == 0 and shares["precision"]["high"] > 0.9999


def test_a_doubtful_number_ties_in_as_many_draws_as_it_is_likely() -> None:
    found, shares = drawn(DOUBTFUL)
    (outcomes,) = found.outcomes
    together = sum(int(there.sum()) for partition, there in outcomes.items() if len(partition) == 1)
    assert 0.5 * DRAWS < together < DRAWS, "a birth date may be wrong, and so may a number"
    assert sum(int(there.sum()) for there in outcomes.values()) == DRAWS
    assert 0.3 < shares["recall"]["value"] < 0.9


def test_what_no_draw_can_tie_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs of records that share a source, or that no number chooses, are left out before anything is drawn."""
    dice = np.random.default_rng(8)
    pairs = sorted({tuple(sorted(dice.choice(np.arange(1, 301), 2, replace=False).tolist())) for _ in range(400)})
    chances = np.round(dice.choice([0.004, 0.03, 0.4, 0.97, 0.9995], len(pairs)) * dice.uniform(0.9, 1, len(pairs)), 4)

    def groups(db: duckdb.DuckDBPyConnection) -> tuple[int, list[set[frozenset[int]]]]:
        found, there = draws.draw(db), [set[frozenset[int]]() for _ in range(DRAWS)]
        for outcomes in found.outcomes:
            for partition, which in outcomes.items():
                for draw in np.flatnonzero(which):
                    persons = (frozenset(r for blob in blobs for r in found.records[blob]) for blobs in partition)
                    there[draw] |= {person for person in persons if len(person) > 1}
        return len(found.records), there

    with duckdb.connect() as db:
        db.execute("""
            CREATE TABLE source AS
            SELECT n::INTEGER AS source_id, 'a' || n AS agency, 'd' AS dataset FROM range(6) t(n);
            CREATE TABLE record AS
            SELECT n::INTEGER AS record_id, (n * 7 % 6)::INTEGER AS source_id, 'r' || n AS record_pseudonym
            FROM range(1, 301) t(n);
            CREATE TABLE person AS SELECT record_id, record_id AS person_id FROM record;
            CREATE TABLE forced (record_l INTEGER, record_r INTEGER, verdict VARCHAR);
            CREATE TABLE belief (record_l INTEGER, record_r INTEGER, reason VARCHAR, is_tied BOOLEAN, chance DOUBLE,
                                 choice INTEGER)""")
        rows = [(*pair, "probable", False, chance, None) for pair, chance in zip(pairs, chances.tolist(), strict=True)]
        db.executemany("INSERT INTO belief VALUES (?, ?, ?, ?, ?, ?)", rows)
        few, pruned = groups(db)
        monkeypatch.setattr(draws, "_share_a_source", lambda ends, *_: np.zeros(len(ends), dtype=np.bool_))
        more, whole = groups(db)
    assert pruned == whole and any(pruned)
    assert few < more


def test_of_two_who_look_alike_every_draw_takes_one() -> None:
    found, _ = drawn(ONE_OF_TWO)
    (outcomes,) = found.outcomes
    assert {tuple(sorted(map(len, partition))) for partition in outcomes} == {(1, 2)}
    assert sorted(int(there.sum()) for there in outcomes.values()) == pytest.approx([DRAWS / 2] * 2, abs=12)


def test_draws_are_handed_over_where_they_differ_and_are_the_same_again(area: Area) -> None:
    area.send(rows(CERTAIN))
    area.run()
    assert area.connection.execute(KEY_DRAWS).fetchall() == []
    area.send(rows(DOUBTFUL))
    area.run()
    before = area.connection.execute(KEY_DRAWS).fetchall()
    keys = set(area.person_keys().values())
    moved = {row[3] for row in before}
    assert len(moved) == 1 and 0.5 * DRAWS < len(before) < DRAWS
    assert {row[4] for row in before} <= keys, "in these draws it is Ivo"
    area.connection.execute("UPDATE link.run SET inputs = '{}'")
    area.run()
    assert area.connection.execute(KEY_DRAWS).fetchall() == before


def test_sampled_answers_move_a_reason() -> None:
    with tokens.memory() as db:
        db.execute("CREATE TABLE belief AS SELECT 'matcher' AS reason, true AS is_tied, 0.99::DOUBLE AS chance")
        belief._calibrate(db, {"matcher": (0, 150)})
        assert db.execute("SELECT round(1 - chance, 4) FROM belief").fetchall() == [(0.0025,)]
        belief._calibrate(db, {"matcher": (20, 150)})
        assert 0.5 < db.execute("SELECT chance FROM belief").fetchall()[0][0] < 0.95


def test_accepted_ties_are_sampled_asked_and_counted(area: Area, tmp_path: Path) -> None:
    area.send(rows(AREA))
    area.run()
    reasons = dict(area.connection.execute("SELECT reason, count(*) FROM link.link GROUP BY reason").fetchall())
    assert reasons["birth_sex_postcode"] == 1 and reasons["identifier"] > 5
    assert review.sample(area.connection, "education", tmp_path / "asked.csv", 4) == 4
    asked = list(csv.DictReader((tmp_path / "asked.csv").open()))
    own = {pseudonym(source, str(n)) for source in ("school", "register") for n in (1, 2)}
    assert {row["own_record"] for row in asked} <= own and {row["reason"] for row in asked} > {"birth_sex_postcode"}
    assert belief.answers(area.connection) == {}
    wrong = next(row for row in asked if row["reason"] == "birth_sex_postcode")
    with (tmp_path / "answers.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, review.EXPORTED)
        writer.writeheader()
        writer.writerows(row | {"decision": "apart" if row is wrong else "together"} for row in [*asked[:3], wrong])
    review.take(area.connection, tmp_path / "answers.csv", "education data team")
    found = belief.answers(area.connection)
    assert found["birth_sex_postcode"] == (1, 1) and found["identifier"][0] == 0
    before = {row["pair"] for row in asked}
    review.sample(area.connection, "education", tmp_path / "more.csv", 100)
    assert not before & {row["pair"] for row in csv.DictReader((tmp_path / "more.csv").open())}, "asked once"


def test_the_report_is_a_page_without_script_network_or_pseudonym(area: Area, tmp_path: Path) -> None:
    with pytest.raises(UsageFault):
        report.write(area.settings, area.connection, tmp_path)
    area.send(rows(AREA))
    area.run()
    assert (area.settings.reports / "linkage" / "index.html").exists(), "made after every run"
    page = report.write(area.settings, area.connection, tmp_path).read_text()
    assert (tmp_path / "run-000001.html").read_text() == page
    for text in ("8 records are 2 persons", "birth_sex_postcode", "one letter apart", 'role="img"', "The first run"):
        assert text in page
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    values = [pseudonym(source, n) for source in SOURCES for n in "12"] + ["Byrd", "2014-03-05"]
    assert not [value for value in values if value in page]
    area.send(rows(AREA)[:4])
    area.run()
    page = report.write(area.settings, area.connection, tmp_path).read_text()
    assert "since run 1" in page and "run-000002.html" in {path.name for path in tmp_path.iterdir()}
    assert page_of.wilson(0, 0) == (0.0, 1.0) and page_of.wilson(90, 100) == pytest.approx((0.826, 0.945), abs=1e-3)


def test_report_and_sample_as_typed(area: Area, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    area.send(rows(AREA))
    area.run()
    monkeypatch.setenv("JOINT_NEEDS_HOME", str(area.settings.home))
    monkeypatch.setenv("JOINT_NEEDS_DATABASE_URL", area.settings.database_url or "")

    def typed(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["link", *arguments])
        return result.exit_code, result.stdout or result.stderr

    code, said = typed("report", "--out", str(tmp_path / "report"), "--json")
    assert code == 0 and json.loads(said) == {"report": str(tmp_path / "report" / "index.html")}
    asked = tmp_path / "asked.csv"
    code, said = typed("review", "sample", "--agency", "education", "--out", str(asked), "--pairs", "3")
    assert code == 0 and said.startswith("3 questions") and len(asked.read_text().splitlines()) == 4
    for command in (["list"], ["sample", "--out", str(asked)], ["export", "--out", str(asked)]):
        code, said = typed("review", *command, "--agency", "nobody")
        assert code == 2 and "no agency" in said


def test_a_move_past_its_bound_is_a_warning_and_the_swing_of_a_small_source_is_none() -> None:
    def summary(met: int, of: int, recall: float = 0.98) -> dict:
        source = {"agency": "a", "dataset": "d", "records": of, "in_other_sources": met}
        return {"sources": [source], "queued": 0, "estimate": {"recall": {"value": recall}}}

    assert drift.compare(summary(900, 1000), None, None)["warnings"] == []
    (warning,) = drift.compare(summary(800, 1000), summary(900, 1000), 7)["warnings"]
    assert warning == "records of a/d that meet another source: 80.0%, in the run before 90.0%"
    assert drift.compare(summary(8, 10), summary(9, 10), 7)["warnings"] == []
    assert drift.compare(summary(890, 1000), summary(900, 1000), 7)["warnings"] == []
    (warning,) = drift.compare(summary(900, 1000, 0.95), summary(900, 1000), 7)["warnings"]
    assert warning.startswith("estimated recall: 95.0%")
    other = summary(100, 1000)
    other["sources"][0]["dataset"] = "new"
    assert drift.compare(other, summary(900, 1000), 7)["warnings"] == []


def test_pairs_across_sources_are_counted_by_draw() -> None:
    """Sums of products over groups are what counting pair by pair gives."""
    held = {7: (2, 0, 1), 9: (0, 1, 1), 11: (1, 1, 0)}
    counts = sparse.csr_array(np.array(list(held.values()), dtype=float))
    groups = estimate._Groups({one: place for place, one in enumerate(held)})
    first = np.arange(DRAWS) < 10
    told = [((7, 9), first), ((11,), first), ((7,), ~first), ((9, 11), ~first)]
    for blobs, there in told:
        groups.add(blobs, there)
    found = groups.across(counts)
    for draw in (0, DRAWS - 1):
        records = [[sum(held[one][at] for one in blobs) for at in range(3)] for blobs, there in told if there[draw]]
        for left in range(3):
            for right in range(3):
                pairs = sum(of[left] * of[right] for of in records) if left < right else 0
                assert found[left, right, draw] == pairs
