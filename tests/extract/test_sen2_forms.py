"""One return in its three forms and its versions: the same facts stand behind the door."""

import csv
from pathlib import Path

import duckdb
import openpyxl
import pytest
from lxml import etree

from pipelines import registry as declared
from pipelines import seal

REGISTRY = declared.load()
TABLES = REGISTRY.contract("sen2").tables
# Two children: one with a plan in force and two places, one who asked twice and has none. `-` is blank.
DRAWN = """
sen2
  sen2tableid collection year referencedate lea
  1 SEN2 2026 2026-01-15 990
person
  persontableid sen2tableid surname forename personbirthdate sex ethnicity upn upnunknown
  11 1 Testby Ada 2014-05-06 F WBRI B801200005001 -
  12 1 Sampleton Bo 2016-02-03 M MWBC - UN2
requests
  requeststableid persontableid receiveddate rya requestoutcomedate requestoutcome
  21 11 2025-01-06 0 2025-02-10 Y
  22 12 2024-03-04 0 - W
  23 12 2025-06-02 0 2025-07-07 N
assessment
  assessmenttableid requeststableid assessmentoutcome assessmentoutcomedate week20
  31 21 Y 2025-05-20 0
namedplan
  namedplantableid assessmenttableid startdate pb
  41 31 2025-05-20 1
plandetail
  plandetailtableid namedplantableid urn sensetting placementrank
  51 41 100001 - 1
  52 41 - EYP 2
activeplans
  activeplanstableid requeststableid lastreview
  61 21 2025-12-01
placementdetail
  placementdetailtableid activeplanstableid urn ukprn placementrank entrydate res senunitindicator
  71 61 100001 - 1 2025-06-02 A 1
  72 61 - 10000001 2 2025-09-01 A -
senneed
  senneedtableid activeplanstableid sentype sentyperank
  81 61 ASD 1
  82 61 SLCN 2
"""


def read(drawn: str) -> dict[str, list[dict[str, str]]]:
    tables: dict[str, list[dict[str, str]]] = {}
    columns: list[str] = []
    for line in drawn.strip().splitlines():
        cells = line.split()
        if not line.startswith(" "):
            rows = tables[line] = []
            columns = []
        elif not columns:
            columns = cells
        else:
            rows.append({name: cell for name, cell in zip(columns, cells, strict=True) if cell != "-"})
    return tables


ROWS = read(DRAWN)
# Everything the return says, row by row of its leaves, without a key of any form.
FACTS = """
    SELECT birth_month, sex, ethnicity, upnunknown, r.receiveddate, r.requestoutcome, r.requestoutcomedate, r.rya,
        a.assessmentoutcome, a.assessmentoutcomedate, a.week20, n.startdate, n.pb, d.urn, d.sensetting, d.placementrank,
        v.lastreview, p.urn, p.ukprn, p.placementrank, p.entrydate, coalesce(p.res, v.res), p.senunitindicator,
        s.sentype, s.sentyperank
    FROM sen2 JOIN person ON person.sen2tableid = sen2.sen2tableid
    JOIN requests r USING (persontableid)
    LEFT JOIN assessment a ON a.requeststableid = r.requeststableid
    LEFT JOIN namedplan n USING (assessmenttableid)
    LEFT JOIN plandetail d USING (namedplantableid)
    LEFT JOIN activeplans v ON v.requeststableid = r.requeststableid
    LEFT JOIN placementdetail p USING (activeplanstableid)
    LEFT JOIN senneed s USING (activeplanstableid)
    ORDER BY ALL"""


def blade(folder: Path, *, is_old: bool) -> list[Path]:
    """Nine CSVs in the system's style; of version 1.1: gender, a residential placement at the plan."""
    files = []
    for table, rows in ROWS.items():
        rows = [{name: styled(table, name, text) for name, text in row.items()} for row in rows]
        if is_old and table == "person":
            rows = [{"gendercurrent" if name == "sex" else name: text for name, text in row.items()} for row in rows]
        if is_old and table == "placementdetail":
            rows = [{name: text for name, text in row.items() if name != "res"} for row in rows]
        if is_old and table == "activeplans":
            rows = [row | {"res": "A"} for row in rows]
        columns = {"NativeId": ""} | {name: "" for row in rows for name in row}
        files.append(folder / f"{table}.csv")
        with files[-1].open("w", newline="") as out:
            writer = csv.DictWriter(out, columns, restval="")
            writer.writeheader()
            writer.writerows({"NativeId": "990", **row} for row in rows)
    return files


def styled(table: str, column: str, text: str) -> str:
    about = REGISTRY.columns("sen2", table)
    kind = next(view.type for view in about if view.name == column)
    if kind == "boolean":
        return {"0": "False", "1": "True"}[text]
    if kind == "date" or column == "personbirthdate":
        year, month, day = text.split("-")
        names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
        return f"{year}-{names[int(month) - 1]}-{day} 00:00:00"
    return f"{text}.0" if kind == "integer" else text


def document(folder: Path) -> list[Path]:
    """One XML, rows nested in the rows they belong to."""
    root = etree.Element("Message")

    def put(above: etree._Element, table: str, row: dict[str, str]) -> None:
        around = TABLES[TABLES[table].parent or ""].element if TABLES[table].parent not in (None, "sen2") else "Message"
        for tag in (TABLES[table].element or "").removeprefix(f"{around}/").split("/")[:-1]:
            found = above.find(tag)
            above = etree.SubElement(above, tag) if found is None else found
        element = etree.SubElement(above, (TABLES[table].element or "").rpartition("/")[2])
        for name, text in row.items():
            path = TABLES[table].columns[name].path or ""
            if not path.startswith("@"):
                place = element
                for tag in path.split("/"):
                    held = place.find(tag)
                    place = etree.SubElement(place, tag) if held is None else held
                place.text = text
        key = row[TABLES[table].key[0]]
        for below, definition in TABLES.items():
            if definition.parent == table and table != "sen2":
                parent = next(name for name, column in definition.columns.items() if column.type == "parent_key")
                for child in ROWS[below]:
                    if child[parent] == key:
                        put(element, below, child)

    for table in ("sen2", "person"):
        for row in ROWS[table]:
            put(root, table, row)
    etree.ElementTree(root).write(str(folder / "sen2.xml"), encoding="utf-8", xml_declaration=True)
    return [folder / "sen2.xml"]


REQUEST = "Requests record ID\n\n(This must match the relevant ID in the Requests table)"


def template(folder: Path) -> list[Path]:
    """The workbook template: below a request no key but the request's."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data Entry Template"
    request_of = {row["requeststableid"]: row["requeststableid"] for row in ROWS["requests"]}
    for table, rows in ROWS.items():
        key, written = TABLES[table].key[0], []
        for row in rows:
            parent = next((n for n in row if TABLES[table].columns[n].type == "parent_key"), None)
            shown = {"Record Type": table} | {
                (TABLES[table].columns[n].aliases[:1] or (n,))[0]: text
                for n, text in row.items()
                if TABLES[table].columns[n].type not in ("key", "parent_key")
            }
            if table in ("person", "requests"):
                shown[TABLES[table].columns[key].aliases[0]] = row[key]
            if table == "requests":
                shown[TABLES[table].columns["persontableid"].aliases[0]] = row["persontableid"]
            if table not in ("sen2", "person", "requests"):
                shown[REQUEST] = request_of[row[parent or ""]]
                request_of[row[key]] = shown[REQUEST]
            written.append(shown)
        sheet.append([TABLES[table].block[0]])
        columns = list({name: "" for row in written for name in row})
        sheet.append(columns)
        for shown in written:
            sheet.append([float(t) if (t := shown.get(name, "")).isdigit() else t or None for name in columns])
        sheet.append([])
    book.save(folder / "template.xlsx")
    return [folder / "template.xlsx"]


def facts(files: list[Path]) -> list[tuple]:
    door = seal.throwaway(files, registry=REGISTRY, dataset="sen2", agency="education", period="2025")
    with door as sealed, duckdb.connect() as db:
        for table, definition in TABLES.items():
            path = sealed.folder / "payload" / f"{table}.parquet"
            there = {row[0] for row in db.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()}
            lacking = "".join(f", NULL::VARCHAR AS {name}" for name in definition.columns if name not in there)
            db.execute(f"CREATE TABLE {table} AS SELECT *{lacking} FROM '{path}'")
        return db.execute(FACTS).fetchall()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    found = facts(blade(tmp_path_factory.mktemp("blade"), is_old=False))
    # Two refused or withdrawn requests, and two places named x two places x two needs of the plan.
    assert len(found) == 2 + 2 * 2 * 2
    return found


@pytest.mark.parametrize("write", [document, template, lambda folder: blade(folder, is_old=True)])
def test_each_form_tells_the_same(expected, tmp_path, write):
    assert facts(write(tmp_path)) == expected
