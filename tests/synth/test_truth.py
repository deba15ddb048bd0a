"""The truth says of every row whose it is, what it can be linked to, and which rules must find it."""

import csv
from collections import defaultdict
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipelines import registry as declared
from pipelines import seal
from pipelines.settings import shipped
from pipelines.synth import truth
from pipelines.synth.laying import extracts
from pipelines.validate.judge import Case, judge
from tests.synth.conftest import Area

REGISTRY = declared.load()


def lines(path: Path) -> int:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def test_every_row_of_a_record_table_has_its_person(area):
    rows = area.rows(
        f"""SELECT agency, dataset, period, list(source_row ORDER BY source_row)
            FROM '{area.folder}/truth/records.parquet' GROUP BY ALL"""
    )
    ragged = defaultdict(set)
    for fault in csv.DictReader((area.folder / "truth" / "rule_faults.csv").open()):
        if fault["rule"] == "FILE-RAGGED":
            ragged[fault["agency"], fault["dataset"], fault["period"]].add(int(fault["source_row"]))
    assert ragged
    for agency, dataset, period, numbers in rows:
        tables = [f"{agency}/{dataset}/{period}/{name}" for name in REGISTRY.contract(dataset).record_tables]
        sizes = [area.summary.rows[table] for table in tables if table in area.summary.rows]
        assert numbers == [n for n in range(1, sum(sizes) + 1) if n not in ragged[agency, dataset, period]]
        files = list((area.folder / agency / dataset / period).glob("*.csv"))
        assert not files or set(sizes) <= set(map(lines, files))


def test_the_values_of_a_record_are_those_of_its_person(area):
    rows = area.rows(
        f"""WITH file AS (SELECT row_number() OVER () AS source_row, * FROM {area.csv("spring_pupilonroll.csv")})
            SELECT count(*), avg((file.upn = p.upn)::INT), avg((file.forename = p.forename)::INT)
            FROM file JOIN '{area.folder}/truth/records.parquet' r USING (source_row)
            JOIN '{area.folder}/truth/persons.parquet' p USING (person_id)
            WHERE r.dataset = 'school_census' AND r.period LIKE '%spring'"""
    )
    count, same_upn, same_name = rows[0]
    assert count > 3_000
    assert same_upn > 0.98
    assert same_name > 0.98


def test_adoption_is_a_gap_that_nothing_bridges(area):
    sides = area.rows(
        f"""SELECT person_id, count(DISTINCT component_id) AS parts, count(DISTINCT agency)
            FROM '{area.folder}/truth/records.parquet' JOIN '{area.folder}/truth/persons.parquet' USING (person_id)
            WHERE is_adopted AND period <> '2025' GROUP BY person_id HAVING count(DISTINCT agency) > 1"""
    )
    assert any(parts > 1 for _, parts, _ in sides)
    protected = area.rows(
        f"SELECT former_surname, former_upn FROM {area.csv('ehc_register_2026-11-22.csv')} WHERE is_protected = 'Y'"
    )
    assert protected
    assert all(row == (None, None) for row in protected)


def test_components_never_join_two_persons(area):
    file = f"'{area.folder}/truth/records.parquet'"
    assert not area.rows(f"SELECT 1 FROM {file} GROUP BY component_id HAVING count(DISTINCT person_id) > 1")


def test_every_linkage_fault_that_is_declared_occurs(area):
    wanted = {
        "adopted", "birth_date_swapped", "birth_day_unknown", "changed_surname", "forename_misspelt", "moved_house",
        "nhs_number_mistyped", "nhs_number_missing", "registered_twice", "surname_misspelt", "twin", "upn_former",
        "upn_missing", "upn_mistyped", "upn_of_another", "upn_temporary",
    }  # fmt: skip
    found = {row["kind"] for row in csv.DictReader((area.folder / "truth" / "linkage_faults.csv").open())}
    assert wanted <= found


# ---- what rules must find, by the real door and the real suites --------------------------------------------------
def found_by_rules(area: Area, delivery: dict) -> set[tuple[str, str, int]]:
    with seal.throwaway(
        [area.folder / file for file in delivery["files"]],
        registry=REGISTRY,
        dataset=delivery["dataset"],
        agency=delivery["agency"],
        period=delivery["period"],
        geography=area.folder / "postcodes.csv",
    ) as sealed:
        case = Case(REGISTRY, sealed.manifest, sealed.folder / "payload", REGISTRY.agency(delivery["agency"]))
        with duckdb.connect() as db:
            judgement = judge(db, case)
        assert judgement.outcome == "accepted"
        found = {(f.rule.table, f.rule.rule, row) for f in judgement.findings for row in f.rows.to_pylist()}
        for name, table in sealed.manifest["tables"].items():
            found |= {(name, "FILE-RAGGED", row) for row in table["rejected_rows"]}
    return found


def planted(area: Area, delivery: dict) -> set[tuple[str, str, int]]:
    keys = ("agency", "dataset", "period")
    return {
        (row["table"], row["rule"], int(row["source_row"]))
        for row in csv.DictReader((area.folder / "truth" / "rule_faults.csv").open())
        if all(row[key] == delivery[key] for key in keys)
        # Nothing to compare with where one file is judged alone.
        and not row["rule"].endswith(("-VOLUME", "-GROWTH"))
    }


@pytest.mark.parametrize("dataset", sorted(REGISTRY.contracts))
def test_rules_find_what_was_planted_and_nothing_else(small, dataset):
    """In the newest extract of each dataset."""
    delivery = [found for found in small.deliveries if found["dataset"] == dataset][-1]
    assert found_by_rules(small, delivery) == planted(small, delivery)


def test_most_rules_have_a_fault_to_find(area):
    """All that one row can break: what rejects a file, and what XML cannot express, is left out.

    A fault that is declared counts where it finds no row: a small area has few children looked after.
    """
    found = {row["rule"] for row in csv.DictReader((area.folder / "truth" / "rule_faults.csv").open())}
    for about in extracts().values():
        entries = [entry for listed in about.get("rules", {}).values() for entry in listed]
        found |= {entry["rule"] for entry in entries if "rule" in entry}
    for dataset, suite in REGISTRY.suites.items():
        forms = REGISTRY.contract(dataset).forms
        rules = [
            entry["meta"]["rule"]
            for entries in suite["tables"].values()
            for entry in entries
            if entry["meta"]["on_fail"] in ("quarantine_row", "null_field")
            and not ("xml" in forms and entry["meta"]["rule"][-2:] in ("01", "02", "03"))
        ]
        missed = sorted(set(rules) - found)
        assert len(missed) <= 0.2 * len(rules), f"{dataset}: {missed}"


def test_the_clean_area_has_nothing_to_find(clean):
    assert lines(clean.folder / "truth" / "rule_faults.csv") == 0
    for delivery in clean.deliveries:
        if delivery["agency"] == "social_care":
            assert found_by_rules(clean, delivery) == set()


# ---- what makes two records linkable: a drawn table --------------------------------------------------------------
# Records of three persons (1 and 2 are twins, 3 was adopted). Columns as a file shows them; `-` is blank.
DRAWN = """
record person identity agency is_named forename surname former   birth      sex postcode nhs upn  former_upn local
1      1      0        edu    yes      Ana      Oakley  -        2015-03-04 F   A1       -   U1   -          -
2      1      0        edu    yes      Anna     Oakley  -        2015-03-04 F   B2       -   X9   -          -
3      1      0        edu    yes      Ana      Ford    Oakley   2015-04-03 F   C3       N1  -    -          -
4      1      0        health no       -        -       -        2015-03-04 F   D4       N1  -    -          -
5      1      0        health no       -        -       -        2015-03-04 F   A1       -   -    -          -
6      1      0        edu    yes      Beth     Oakley  -        2015-03-04 F   A1       -   -    -          -
7      2      0        edu    yes      Cara     Oakley  -        2015-03-04 F   A1       -   U2   -          -
8      3      0        edu    yes      Dan      Mill    -        2012-07-09 M   E5       N3  U3   -          -
9      3      1        care   yes      Dan      Mill    -        2012-07-09 M   E5       N9  U9   -          77
10     3      1        care   no       -        -       -        2012-07-09 M   -        -   -    -          77
11     3      0        health no       -        -       -        2012-07-09 M   E5       -   -    -          -
12     3      0        edu    yes      -        Mill    -        -          M   -        -   U7   U8         -
13     3      0        edu    yes      -        -       -        -          M   -        -   U8   -          -
"""


def test_evidence_by_a_drawn_table():
    """Each line of the table above stands for one case of the definition in truth.py."""
    head, *drawn = [line.split() for line in DRAWN.strip().splitlines()]
    rows = [dict(zip(head, (None if cell == "-" else cell for cell in line), strict=True)) for line in drawn]
    with duckdb.connect() as db:
        db.execute("""CREATE SCHEMA world;
            CREATE TABLE world.person (person INT, nhs VARCHAR, former_nhs VARCHAR, upn VARCHAR, former_upn VARCHAR,
                adopted_upn VARCHAR, uln VARCHAR);
            INSERT INTO world.person VALUES
                (1, 'N1', 'N8', 'U1', NULL, 'V1', 'L1'),
                (2, 'N2', 'N7', 'U2', NULL, 'V2', 'L2'),
                (3, 'N3', 'N9', 'U7', 'U8', 'U9', 'L3');
            CREATE TABLE evidence (record INT, person INT, identity INT, agency VARCHAR, is_named BOOLEAN,
                forename VARCHAR, surname VARCHAR, former_surname VARCHAR, birth DATE, sex VARCHAR, postcode VARCHAR,
                nhs VARCHAR, upn VARCHAR, former_upn VARCHAR, local_number BIGINT, uln VARCHAR)""")
        for row in rows:
            values = [row[name] for name in head]
            db.execute(f"INSERT INTO evidence VALUES ({', '.join(['?'] * len(values))}, NULL)", values)
        pairs = set(db.execute((shipped("sql") / "synth" / "_pairs.sql").read_text()).fetchall())
    assert pairs == {
        (1, 2),  # (b) one edit apart, same day, same surname; the UPN of 2 is wrong and proves nothing
        (1, 3),  # (b) day and month swapped, former surname
        (2, 3),  # (b) all of it at once
        (3, 4),  # (a) NHS number
        (9, 10),  # (a) the council's child identifier
        (8, 11),  # (c) nobody else in E5 was born then: before and after an adoption it is one person
        (12, 13),  # (a) a former UPN that another file still gives
    }
    # 5 stays alone: twin 7 has the same birth date, sex and postcode. 6 has another forename. 8 and 9 are one person
    # on two sides of an adoption.


def test_connected_components():
    label = truth.connected(6, np.array([0, 1, 4]), np.array([1, 2, 5]))
    assert label.tolist() == [1, 1, 1, 2, 3, 3]
