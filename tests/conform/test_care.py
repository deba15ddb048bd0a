"""Social care over several years, and the same return as CSV files and as XML."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from lxml import etree
from psycopg import Connection

from pipelines import conform, seal
from pipelines.settings import Settings, shipped
from pipelines.validate import typed
from tests.conform.area import REGISTRY, conformed, deliver

A, B, C = "a" * 32, "b" * 32, "c" * 32
FACTS = ("looked_after_episode", "looked_after_review", "looked_after_outcome", "care_leaver")


def test_of_several_years_the_latest_tells_and_what_it_took_out_is_gone(database: Settings, connection: Connection):
    def year(episodes: list[tuple[str, date, date | None]]) -> dict[str, list[dict[str, Any]]]:
        children = sorted({child for child, _, _ in episodes})
        return {
            "child": [{"row_id": child, "record_pseudonym": child} for child in children],
            "cin_details": [
                {"record_pseudonym": child, "child_row_id": child, "cinreferraldate": start, "cinclosuredate": end}
                for child, start, end in episodes
            ],
        }

    kept, ended, taken_out = date(2023, 5, 1), date(2022, 5, 1), date(2024, 5, 1)
    before = year([(A, ended, date(2024, 9, 1)), (A, kept, None), (B, taken_out, None)])
    after = year([(A, kept, date(2025, 10, 1)), (B, date(2025, 12, 1), None)])
    deliver(database, connection, "social_care", "cin_census", "2026", after)
    deliver(database, connection, "social_care", "cin_census", "2025", before)
    conform.run(database, REGISTRY, connection, None)
    found = {(row["referral_date"], row["closure_date"]) for row in conformed(database, "cin_episode")}
    assert found == {(ended, date(2024, 9, 1)), (kept, date(2025, 10, 1)), (date(2025, 12, 1), None)}


def test_early_help_stands_as_last_told(database: Settings, connection: Connection):
    start = date(2025, 10, 6)
    told = {"record_pseudonym": A, "child_unique_id": "c", "assessment_start_date": start, "gender": "F"}
    deliver(database, connection, "social_care", "early_help", "2026-01", {"episodes": [told]})
    ended = told | {"episode_end_date": date(2026, 2, 2), "organisation_completing_assessment": "SCHOOL"}
    deliver(database, connection, "social_care", "early_help", "2026-02", {"episodes": [ended]})
    deliver(
        database, connection, "social_care", "early_help", "2026-03", {"episodes": [told | {"record_pseudonym": B}]}
    )
    conform.run(database, REGISTRY, connection, None)
    rows = {row["record_pseudonym"]: row for row in conformed(database, "early_help_episode")}
    assert (rows[A]["end_date"], rows[A]["lead_code"], rows[A]["observed_to"]) == (
        date(2026, 2, 2), "SCHOOL", date(2026, 2, 28),
    )  # fmt: skip
    assert rows[B]["end_date"] is None


def test_homes_of_the_case_system_hold_on_its_own_days(database: Settings, connection: Connection):
    """A lived at two homes with a placement amid the second, B left, C's address has no first day."""
    home, second, placement = "E01990001", "E01990002", "E01990003"
    moved, placed, back = date(2024, 3, 1), date(2025, 1, 10), date(2025, 6, 20)
    addresses: list[tuple[str, str, date | None, date | None]] = [
        (A, home, date(2020, 9, 1), moved), (A, second, moved, None), (A, placement, placed, back),
        (A, home, date(2027, 1, 1), None), (B, home, moved, placed), (C, second, None, None), (C, home, None, moved),
    ]  # fmt: skip
    rows = {
        "ssd_person": [{"record_pseudonym": child} for child in (A, B, C)],
        "ssd_address": [
            {
                "record_pseudonym": child, "lsoa21_code": lsoa, "addr_address_start_date": start,
                "addr_address_end_date": end,
            }
            for child, lsoa, start, end in addresses
        ],
    }  # fmt: skip
    deliver(database, connection, "social_care", "identifier_bridge", "2026-03", rows)
    conform.run(database, REGISTRY, connection, None)
    told = date(2026, 3, 31)
    spells = conformed(database, "home_spell")
    names = ("record_pseudonym", "lsoa21_code", "valid_from", "valid_to", "last_seen_on", "is_dated")
    assert sorted(tuple(row[name] for name in names) for row in spells) == [
        (A, home, date(2020, 9, 1), moved, date(2024, 2, 29), True),
        (A, second, moved, placed, date(2025, 1, 9), True),
        (A, second, back, None, told, True),
        (A, placement, placed, back, date(2025, 6, 19), True),
        (B, home, moved, placed, date(2025, 1, 9), True),
        (C, second, told, None, told, False),
    ]  # fmt: skip
    now = {row["record_pseudonym"]: row["lsoa21_code"] for row in conformed(database, "person_record")}
    assert now == {A: second, B: None, C: second}


RETURN: dict[str, list[dict[str, str]]] = {
    "header": [
        {"CHILD": "71", "SEX": "1", "DOB": "04/05/2008", "ETHNIC": "WBRI", "UPN": "UN3", "MOTHER": "", "MC_DOB": ""},
        {"CHILD": "72", "SEX": "2", "DOB": "09/02/2006", "ETHNIC": "MWAS", "UPN": "UN4", "MOTHER": "1", "MC_DOB": ""},
        {"CHILD": "73", "SEX": "2", "DOB": "09/02/2019", "ETHNIC": "WBRI", "UPN": "UN1", "MOTHER": "", "MC_DOB": ""},
    ],
    "episodes": [
        {"CHILD": "71", "DECOM": "01/04/2025", "RNE": "S", "LS": "C1", "CIN": "N2", "PLACE": "K2",
         "PLACE_PROVIDER": "PR4", "DEC": "02/06/2025", "REC": "X1", "REASON_PLACE_CHANGE": "CARPL",
         "HOME_POST": "MK99 1AB", "PL_POST": "MK98 2CD", "URN": "SC123456"},
        {"CHILD": "71", "DECOM": "02/06/2025", "RNE": "P", "LS": "C1", "CIN": "N2", "PLACE": "S1",
         "PLACE_PROVIDER": "PR4", "DEC": "", "REC": "", "REASON_PLACE_CHANGE": "", "HOME_POST": "MK99 1AB",
         "PL_POST": "MK98 2CD", "URN": ""},
        {"CHILD": "73", "DECOM": "01/02/2024", "RNE": "S", "LS": "E1", "CIN": "N1", "PLACE": "A6",
         "PLACE_PROVIDER": "PR1", "DEC": "05/01/2026", "REC": "E12", "REASON_PLACE_CHANGE": "", "HOME_POST": "",
         "PL_POST": "", "URN": ""},
    ],
    "reviews": [{"CHILD": "71", "DOB": "04/05/2008", "REVIEW": "01/07/2025", "REVIEW_CODE": "PN1"}],
    "uasc": [{"CHILD": "71", "SEX": "1", "DOB": "04/05/2008", "DUC": "04/05/2026"}],
    "oc2": [
        {"CHILD": "73", "DOB": "09/02/2019", "SDQ_SCORE": "14", "SDQ_REASON": "", "CONVICTED": "0", "HEALTH_CHECK": "",
         "IMMUNISATIONS": "1", "TEETH_CHECK": "0", "HEALTH_ASSESSMENT": "1", "SUBSTANCE_MISUSE": "0",
         "INTERVENTION_RECEIVED": "", "INTERVENTION_OFFERED": ""},
    ],
    "oc3": [{"CHILD": "72", "DOB": "09/02/2006", "IN_TOUCH": "YES", "ACTIV": "F2", "ACCOM": "U2"}],
    "ad1": [
        {"CHILD": "73", "DOB": "09/02/2019", "DATE_INT": "01/06/2025", "DATE_MATCH": "01/09/2025", "FOSTER_CARE": "0",
         "NB_ADOPTR": "2", "SEX_ADOPTR": "MF", "LS_ADOPTR": "L0"},
    ],
}  # fmt: skip
# In XML, what is one row per child stands in the header itself.
INSIDE = {"reviews": "AREVIEW", "oc2": "OC2"}
NAMES = {"CHILD": "CHILDID", "PLACE": "PL"}


def as_csv(folder: Path) -> list[Path]:
    files = []
    for name, rows in RETURN.items():
        files.append(folder / f"{name}.csv")
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        files[-1].write_text("\n".join(lines) + "\n")
    return files


def as_xml(folder: Path) -> list[Path]:
    root = etree.Element("EXPSSDA903")

    def put(into: Any, row: dict[str, str], *without: str) -> None:
        for column, text in row.items():
            if column not in without:
                etree.SubElement(into, NAMES.get(column, column)).text = text or None

    for child in RETURN["header"]:
        element = etree.SubElement(root, "CHILD")
        header = etree.SubElement(element, "HEADER")
        put(header, child)
        for name, rows in RETURN.items():
            for row in (row for row in rows if name != "header" and row["CHILD"] == child["CHILD"]):
                place = element if name == "episodes" else header
                tag = "EPISODE" if name == "episodes" else INSIDE.get(name)
                put(etree.SubElement(place, tag) if tag else place, row, "CHILD", "DOB", "SEX")
    etree.ElementTree(root).write(str(folder / "903.xml"), xml_declaration=True, encoding="utf-8")
    return [folder / "903.xml"]


def facts(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The facts that a sealed return becomes, by table, and the addresses its records lead to."""
    found = {}
    with duckdb.connect() as duck:
        for dataset in ("ssda903", "cin_census", "school_census", "identifier_bridge"):
            for table in REGISTRY.contract(dataset).tables:
                file = folder / "payload" / f"{table}.parquet"
                typed.load(duck, REGISTRY, dataset, table, file if dataset == "ssda903" and file.exists() else None)
                added = f"'social_care' AS agency_code, '{dataset}' AS dataset_code, 1 AS submission_key"
                every = f"SELECT *, {added}, DATE '2026-03-31' AS period_end"
                duck.execute(f'CREATE TABLE {dataset}__{table} AS {every} FROM "{table}"')
        queries = shipped("sql") / "conform"
        for lookup in ("newest_return", "home"):
            duck.execute(f"CREATE TABLE {lookup} AS {(queries / f'_{lookup}.sql').read_text()}")
        for table in FACTS:
            found[table] = sorted(duck.execute((queries / f"{table}.sql").read_text()).fetchall())
        found["home"] = duck.execute(
            """SELECT record_pseudonym, upn_state, sex, lsoa21_code
               FROM ssda903__header LEFT JOIN home USING (record_pseudonym) ORDER BY ssda903__header.source_row"""
        ).fetchall()
    return found


def test_the_return_as_xml_gives_the_facts_that_its_csv_files_give(tmp_path: Path):
    geography = tmp_path / "postcodes.csv"
    geography.write_text(
        "postcode,lsoa21,easting,northing\nMK99 1AB,E01990001,480000,230000\nMK98 2CD,E01990002,492000,235000\n"
    )
    keys = seal.PartnerKeys.throwaway()
    seen = []
    for form in (as_csv, as_xml):
        (folder := tmp_path / form.__name__).mkdir()
        result = seal.seal(
            form(folder), registry=REGISTRY, agency="social_care", dataset="ssda903", period="2026", sequence=1,
            keys=keys, geography=geography, declaration={}, out=folder / "out",
            sealed_at=datetime(2026, 6, 1, tzinfo=UTC),
        )  # fmt: skip
        seen.append((facts(result.folder), result.manifest))
    (of_csv, csv_manifest), (of_xml, xml_manifest) = seen
    assert of_csv == of_xml
    assert [len(of_csv[name]) for name in FACTS] == [3, 1, 1, 1]
    assert [row[3] for row in of_csv["home"]] == ["E01990001", None, None]
    assert {row[1] for row in of_csv["home"]} == {"explained"}
    rows = {name: table["rows"] for name, table in csv_manifest["tables"].items()}
    assert {name: xml_manifest["tables"][name]["rows"] for name in rows} == rows
