"""Contracts of XML returns hold every element of the published schemas, and their code lists every code."""

from pathlib import Path

import pytest
from lxml import etree

from pipelines import registry as declared
from pipelines.contracts import Contract

XS = "{http://www.w3.org/2001/XMLSchema}"
REGISTRY = declared.load()


def leaves(schema: etree._ElementTree, element: etree._Element, path: str) -> dict[str, set[str]]:
    """Paths of the elements that hold text, below an element and with its name, and the codes each may hold."""
    path = f"{path}/{element.get('name')}".lstrip("/")
    types = {
        node.get("name"): node for node in schema.getroot() if node.get("name") and not node.tag.endswith("element")
    }
    inside = types.get(element.get("type"), element)
    below = inside.findall(f".//{XS}element") if inside is not element else element.findall(f".//{XS}element")
    direct = [
        one
        for one in below
        if next(up for up in one.iterancestors() if up is inside or up.tag == f"{XS}element") is inside
    ]
    if not direct:
        return {path: {code.get("value") for code in inside.iter(f"{XS}enumeration")}}
    return {name: codes for one in direct for name, codes in leaves(schema, one, path).items()}


def declared_paths(contract: Contract) -> dict[str, str | None]:
    """Path of every column, `@row` and the like left out, with its code list; an alias stands beside its column."""
    found: dict[str, str | None] = {}
    for name, table in contract.tables.items():
        views = {view.name: view for view in REGISTRY.columns(contract.dataset, name)}
        for column_name, column in table.columns.items():
            if column.path and column.path[0] != "@":
                path = f"{table.element}/{column.path}".removesuffix("/.")
                found[path] = views[column_name].codes if views[column_name].type == "code" else None
    return found


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_return_on_children_in_need_is_held_element_by_element(shared: Path, year: int) -> None:
    file = shared / "samples" / "cin_census" / f"CIN_schema_{year}.xsd"
    if not file.is_file():
        pytest.skip(f"no schema at {file}")
    schema = etree.parse(file)
    wanted = leaves(schema, schema.getroot().find(f"{XS}element"), "")
    ours = declared_paths(REGISTRY.contract("cin_census"))
    assert set(ours) == set(wanted)
    lists = {path: set(REGISTRY.code_lists[codes].codes) for path, codes in ours.items() if codes}
    assert {path: sorted(wanted[path] - codes) for path, codes in lists.items() if wanted[path] - codes} == {}


def test_the_csv_files_on_children_looked_after_are_held_column_by_column(shared: Path) -> None:
    file = shared / "domain" / "specs" / "ssda903_2026_csv.csv"
    if not file.is_file():
        pytest.skip(f"no specification at {file}")
    contract = REGISTRY.contract("ssda903")
    tables = {name.replace("_", ""): table for name, table in contract.tables.items()}
    rows = [line.split(",", 5) for line in file.read_text().splitlines()[1:]]
    lacking = [(row[0], row[1]) for row in rows if row[1].lower() not in tables[row[0].lower()].columns]
    assert len(rows) == 78 and lacking == []
    for table, column, kind, _, codes, _ in rows:
        found = tables[table.lower()].columns[column.lower()]
        if kind == "category" and found.codes:
            assert set(codes.split("|")) <= set(REGISTRY.code_lists[found.codes].codes), (table, column)
