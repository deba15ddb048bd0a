"""CSV files: characters, separators, ragged rows, quotation marks, row numbers."""

import csv

import pytest

from pipelines import registry as declared
from pipelines.errors import DataFault
from pipelines.extract import csv_form, open_tables, recognise

REGISTRY = declared.load()
HEADER = "la_id,upn,surname,forename,birth_date,status"


def table_of(path, agency=None):
    found = recognise([path], REGISTRY, "ehc_register")
    return open_tables(found, REGISTRY, agency)["register"]


def read(path):
    """All rows as dictionaries, and the table after reading."""
    table = table_of(path)
    return [row for batch in table.batches() for row in batch.to_pylist()], table


def written(path, lines, encoding="utf-8"):
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def row(number, surname="Smith"):
    return f"{number},,{surname},Ann,2012-05-06,PLAN"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_characters(tmp_path, encoding):
    rows, _ = read(written(tmp_path / "a.csv", [HEADER, row(1, "Brontë")], encoding))
    assert rows[0]["surname"] == "Brontë"


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_separators(tmp_path, separator):
    lines = [line.replace(",", separator) for line in (HEADER, row(1), row(2))]
    rows, _ = read(written(tmp_path / "a.csv", lines))
    assert [r["la_id"] for r in rows] == ["1", "2"]


def test_every_cell_is_text_and_blank_is_null(tmp_path):
    rows, table = read(written(tmp_path / "a.csv", [HEADER, "007, \u00a0,#N/A, Ann ,2012-05-06,"]))
    assert rows == [
        dict.fromkeys(table.columns) | {"la_id": "007", "forename": "Ann", "birth_date": "2012-05-06", "source_row": 1}
    ]


def test_ragged_rows_are_rejected_and_the_others_keep_their_numbers(tmp_path):
    lines = [HEADER, row(1), row(2, "Smith,Jones"), row(3), "4,short", row(5)]
    rows, table = read(written(tmp_path / "a.csv", lines))
    assert [r["source_row"] for r in rows] == [1, 3, 5]
    assert [r["la_id"] for r in rows] == ["1", "3", "5"]
    assert table.rejected == [2, 4]
    assert table.rows == 3


def test_numbers_hold_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_form, "BLOCK_BYTES", 512)
    bad = {1, 17, 200, 201, 400}
    lines = [HEADER] + [row(n, "x,y" if n in bad else "Smith") for n in range(1, 401)]
    rows, table = read(written(tmp_path / "a.csv", lines))
    assert table.rejected == sorted(bad)
    assert all(r["la_id"] == str(r["source_row"]) for r in rows)
    assert len(rows) + len(bad) == 400


def test_line_breaks_in_quotes_do_not_shift_numbers(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*HEADER.split(","), "note"])
        writer.writerow(["1", "", "Smith", "Ann", "2012-05-06", "PLAN", "first\nsecond"])
        writer.writerow(["2", "", "Smith", "Bea", "2012-05-06", "PLAN", ""])
    rows, table = read(path)
    assert [(r["la_id"], r["source_row"]) for r in rows] == [("1", 1), ("2", 2)]
    assert table.rejected == []


def test_a_line_break_in_a_kept_cell_is_a_broken_row(tmp_path):
    lines = [HEADER, row(1), '2,,"Smith,Ann,2012-05-06,PLAN', '3,,"Jones,Bea,2012-05-06,PLAN', row(4)]
    rows, table = read(written(tmp_path / "a.csv", lines))
    assert [r["la_id"] for r in rows] == ["1", "4"]
    assert table.rejected == [2]


def test_a_quotation_mark_that_swallows_rows_refuses_the_file(tmp_path):
    lines = [HEADER, row(1), '2,,"Smith,Ann,2012-05-06,PLAN', *(row(n) for n in range(3, 40))]
    with pytest.raises(DataFault) as caught:
        read(written(tmp_path / "a.csv", lines))
    assert caught.value.rule == "FILE-010"
    assert "Smith" not in str(caught.value)


def test_repeated_headers_that_agree_are_one_column(tmp_path):
    rows, _ = read(written(tmp_path / "a.csv", [HEADER + ",status", row(1) + ",PLAN"]))
    assert rows[0]["status"] == "PLAN"


def test_repeated_headers_that_disagree_refuse_the_file(tmp_path):
    with pytest.raises(DataFault, match="FILE-011"):
        read(written(tmp_path / "a.csv", [HEADER + ",status", row(1) + ",CEASED"]))


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_header_alone_is_refused(tmp_path, end):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + end)
    with pytest.raises(DataFault, match="FILE-003"):
        read(path)


def test_a_file_of_ragged_rows_alone_is_refused(tmp_path):
    with pytest.raises(DataFault, match="FILE-009"):
        read(written(tmp_path / "a.csv", [HEADER, row(1) + ",x", row(2) + ",x"]))


def test_a_table_can_be_read_twice(tmp_path):
    table = table_of(written(tmp_path / "a.csv", [HEADER, row(1), row(2, "a,b")]))
    first = [batch.to_pylist() for batch in table.batches()]
    assert [batch.to_pylist() for batch in table.batches()] == first
    assert table.rejected == [2]


def test_blank_lines_above_the_header_and_between_rows_are_no_rows(tmp_path):
    rows, _ = read(written(tmp_path / "a.csv", ["", "", HEADER, row(1), "", row(2)]))
    assert [r["source_row"] for r in rows] == [1, 2]
