"""The same tables say the same in every form, whatever the habits of the sender's system."""

import pytest

from pipelines.extract import open_tables, recognise
from tests.extract.toy import CHILDREN, PLANS, REGISTRY, extract


def rows_of(paths, registry=REGISTRY):
    tables = open_tables(recognise(paths, registry), registry)
    return {
        name: [tuple(row.values()) for batch in table.batches() for row in batch.to_pylist()]
        for name, table in tables.items()
    }


EXPECTED = {
    "child": [(*row[:-1], number) for number, row in enumerate(CHILDREN, start=1)],
    "plan": [(*row, number) for number, row in enumerate(PLANS, start=1)],
}


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"separator": "\t", "with_mark": ["child"], "surplus_header": ["plan"]},
        {"separator": ";", "headers": "aliases"},
        {"form": "workbook", "file": "toy.xlsx"},
        {"form": "workbook", "file": "toy.xlsx", "headers": "aliases", "above_header": ["Return 2026", "Please check"]},
        {"form": "template", "file": "toy.xlsx", "headers": {"birth": "Birth "}},
    ],
)
def test_a_form_brings_the_same_rows(tmp_path, about):
    assert rows_of(extract(tmp_path, **about)) == EXPECTED


def test_in_xml_the_place_of_a_row_stands_for_its_keys(tmp_path):
    rows = rows_of(extract(tmp_path, form="xml", file="toy.xml"))
    assert [row[0] for row in rows["child"]] == ["1", "2", "3"]
    assert [row[1:] for row in rows["child"]] == [row[1:] for row in EXPECTED["child"]]
    assert [row[:2] for row in rows["plan"]] == [("1", "1"), ("2", "1"), ("3", "3")]
    assert [row[2:] for row in rows["plan"]] == [row[2:] for row in EXPECTED["plan"]]


def test_a_separator_inside_an_unquoted_cell_costs_its_row_alone(tmp_path):
    tables = open_tables(recognise(extract(tmp_path, is_unquoted=True), REGISTRY), REGISTRY)
    surnames = [name for batch in tables["child"].batches() for name in batch.column("surname").to_pylist()]
    assert (surnames, tables["child"].rejected) == (["Smith", "Quoted"], [1])


@pytest.mark.parametrize("form", ["workbook", "template"])
def test_the_same_rows_are_the_same_bytes(tmp_path, form):
    one, two = (extract(tmp_path / name, form=form, file="toy.xlsx")[0].read_bytes() for name in ("a", "b"))
    assert one == two
