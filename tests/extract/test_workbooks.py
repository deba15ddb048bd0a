"""Workbooks: what a person sees in a sheet, where tables begin and end, and files made to do harm."""

import re
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest
import python_calamine
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from pipelines.errors import DataFault
from pipelines.extract import ooxml, open_tables, recognise
from tests.extract.toy import REGISTRY

CHILD = ["childid", "upn", "surname", "birth"]
PLAN = ["planid", "childid", "started", "hours"]


def book(path, *sheets):
    """Write sheets, each `(name, rows)`, as Excel itself would."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets:
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def tables_of(path):
    return open_tables(recognise([path], REGISTRY), REGISTRY)


def rows_of(table, columns):
    return [tuple(row[c] for c in columns) for batch in table.batches() for row in batch.to_pylist()]


def cells_of(path):
    with ooxml.opened(path) as opened:
        return {sheet: list(opened.rows(sheet)) for sheet in opened.sheets}


def refused(path):
    with pytest.raises(DataFault) as caught:
        tables_of(path)
    return caught.value.rule


def test_a_cell_is_what_a_person_sees(tmp_path):
    path = tmp_path / "a.xlsx"
    rich = CellRichText("Mary ", TextBlock(InlineFont(b=True), "Ann"))
    seen = [
        (9434765919, "9434765919"),
        (12.0, "12"),
        (0.1 + 0.2, "0.3"),
        (1e20, "1e+20"),
        (-2.5, "-2.5"),
        (True, "TRUE"),
        ("  text ", "  text "),
        ("007", "007"),
        (rich, "Mary Ann"),
        (date(2012, 5, 6), "2012-05-06"),
        (datetime(2012, 5, 6, 10, 30), "2012-05-06 10:30:00"),
        (time(9, 5), "09:05:00"),
        ("#N/A", None),
    ]
    book(path, ("Sheet", [[value] for value, _ in seen]))
    found = dict(cells_of(path)["Sheet"])
    assert [found.get(number, {}).get(0) for number in range(1, len(seen) + 1)] == [text for _, text in seen]


@pytest.mark.parametrize(
    ("number_format", "text"),
    [("yyyy-mm-dd", "2022-03-09"), ("dd/mm/yy", "2022-03-09"), ('"Month "0', "44629"), ("[Red]0.00", "44629"),
     ("[h]:mm", "44629"), ("[$-809]d mmmm yyyy", "2022-03-09"), ("General", "44629"), ("0.00E+00", "44629"),
     ("@", "44629")],
)  # fmt: skip
def test_a_number_is_a_date_where_its_format_says_so(tmp_path, number_format, text):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as made:
        made.add_worksheet("S").write_number(0, 0, 44629, made.add_format({"num_format": number_format}))
    assert cells_of(path) == {"S": [(1, {0: text})]}


def test_dates_may_count_from_1904(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as made:
        sheet = made.add_worksheet("S")
        sheet.write_datetime(0, 0, datetime(2012, 5, 6), made.add_format({"num_format": "d mmm yyyy"}))
    assert cells_of(path) == {"S": [(1, {0: "2012-05-06"})]}


CELLS = st.one_of(
    st.integers(-(10**12), 10**12),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 4)),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8),
    st.booleans(),
    st.dates(date(1950, 1, 1), date(2050, 1, 1)),
    st.none(),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(CELLS, max_size=5), max_size=6))
def test_cells_are_what_another_reader_finds(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy"}) as made:
        sheet = made.add_worksheet("S")
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                (sheet.write_string if isinstance(cell, str) else sheet.write)(number, place, cell)
    expected = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("S").to_python(skip_empty_area=False)
    found = dict(cells_of(path)["S"])
    for number, row in enumerate(expected, start=1):
        for place, cell in enumerate(row):
            text = found.get(number, {}).get(place, "")
            if isinstance(cell, bool):
                assert text == str(cell).upper()
            elif isinstance(cell, float):
                assert float(text) == pytest.approx(cell)
            else:
                assert text.strip() == str(cell).strip()


def test_a_sheet_may_begin_with_titles_and_have_gaps(tmp_path):
    rows = [["Children of the area"], [], ["As of", date(2026, 3, 31)], [], CHILD, ["12", None, "Smith", "2012-05-06"],
            [], [None, None, None, None, "a note"], [13, None, "Jones", date(2012, 5, 7)]]  # fmt: skip
    table = tables_of(book(tmp_path / "a.xlsx", ("Any name", rows)))["child"]
    assert rows_of(table, [*CHILD, "source_row"]) == [
        ("12", None, "Smith", "2012-05-06", 1),
        ("13", None, "Jones", "2012-05-07", 4),
    ]


def test_the_name_of_a_sheet_decides_where_two_tables_fit(tmp_path):
    both = [*CHILD, *PLAN[:1], *PLAN[2:]]
    one = [["1", None, "A", "2012-01-01", "7", "2022-01-01", None]]
    tables = tables_of(
        book(tmp_path / "a.xlsx", ("plans", [both, *one]), ("children", [CHILD, ["1", None, "A", "2012-01-01"]]))
    )
    assert rows_of(tables["plan"], ["planid"]) == [("7",)]


def test_hidden_sheets_are_not_read(tmp_path):
    path = book(
        tmp_path / "a.xlsx",
        ("now", [CHILD, ["1", None, "A", "2012-01-01"]]),
        ("old", [CHILD, ["2", None, "B", "2011-01-01"]]),
    )
    made = openpyxl.load_workbook(path)
    made["old"].sheet_state = "hidden"
    made.save(path)
    assert rows_of(tables_of(path)["child"], ["childid"]) == [("1",)]


def test_two_sheets_for_one_table(tmp_path):
    sheet = [CHILD, ["1", None, "A", "2012-01-01"]]
    assert refused(book(tmp_path / "a.xlsx", ("a", sheet), ("b", sheet))) == "FILE-012"


def test_blocks_end_at_a_blank_row_or_at_the_next_title(tmp_path):
    """Rows that follow a blank one are rejected by number; below a line of its own stand notes."""
    rows = [["Return 2026"], ["Child Records"], CHILD, [1, None, "A", "2012-01-01"], [2, None, "B", "2012-01-01"],
            ["Plan records"], ["please fill"], PLAN, [7, 1, "2022-01-01", 2.5], [], [8, 1, "2022-01-01", 1],
            [9, 2, "2022-01-01", 1], [], ["Notes"], ["x", "y"], [1, 2]]  # fmt: skip
    tables = tables_of(book(tmp_path / "a.xlsx", ("Data Entry Template", rows)))
    assert rows_of(tables["child"], ["childid", "source_row"]) == [("1", 1), ("2", 2)]
    assert rows_of(tables["plan"], ["planid", "source_row"]) == [("7", 1)]
    assert tables["plan"].rejected == [3, 4]


def test_a_title_with_nothing_below_still_ends_the_block_above(tmp_path):
    rows = [["Children"], CHILD, [1, None, "A", "2012-01-01"], ["Plan Records"]]
    tables = tables_of(book(tmp_path / "a.xlsx", ("Data Entry Template", rows)))
    assert list(tables) == ["child"]
    assert rows_of(tables["child"], ["childid", "source_row"]) == [("1", 1)]


def test_a_block_without_a_mandatory_column(tmp_path):
    rows = [["Children"], [*CHILD[:2], "name", "birth"], [1, None, "A", "2012-01-01"]]
    assert refused(book(tmp_path / "a.xlsx", ("Data Entry Template", rows))) == "FILE-004"


def test_two_columns_of_one_name_that_disagree(tmp_path):
    sheet = [[*CHILD, "Surname"], ["1", None, "A", "2012-01-01", "B"]]
    assert refused(book(tmp_path / "a.xlsx", ("a", sheet))) == "FILE-011"


def parts(path, **changed):
    """Write a workbook and change some of its parts, by name."""
    whole = path.with_suffix(".plain.xlsx")
    with xlsxwriter.Workbook(whole) as made:
        sheet = made.add_worksheet("children")
        sheet.write_row(0, 0, CHILD)
        sheet.write_row(1, 0, [1, None, "A", "2012-01-01"])
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            stem = name.rpartition("/")[2].removesuffix(".xml")
            new.writestr(name, changed.get(stem, lambda same: same)(old.read(name)))
    return path


def test_the_farthest_cell_costs_nothing(tmp_path):
    """Readers that fill the rectangle would need terabytes."""
    far = b'<row r="1048576"><c r="XFD1048576" t="str"><v>far</v></c></row></sheetData>'
    path = parts(tmp_path / "a.xlsx", sheet1=lambda xml: xml.replace(b"</sheetData>", far))
    assert rows_of(tables_of(path)["child"], ["childid"]) == [("1",)]


@pytest.mark.parametrize("part", ["sheet1", "workbook", "styles", "sharedStrings"])
@pytest.mark.parametrize(
    "change",
    [lambda xml: xml[: len(xml) // 2], lambda xml: b"", lambda xml: b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + xml,
     lambda xml: b"<a>" * 80, lambda xml: b"no xml", lambda xml: b"<a b='" + b"x" * (2 << 20) + b"'/>",
     lambda xml: b"<a>" + b"x" * (1 << 19) + b"</a>"],
)  # fmt: skip
def test_parts_that_are_damaged_or_meant_to_harm(tmp_path, part, change):
    assert refused(parts(tmp_path / "a.xlsx", **{part: change})) == "FILE-033"


@pytest.mark.parametrize(
    ("cell", "text"),
    [(b'<c r="A2" t="s"><v>999</v></c>', None), (b'<c r="A2" t="s"><v>-1</v></c>', None),
     (b'<c r="A2" s="99"><v>1</v></c>', "1"), (b'<c r="A2" t="str"><v>a_x000D_b</v></c>', "a\rb"),
     (b'<c r="A2"><v>not a number</v></c>', "not a number"),
     (b"<c><v>5</v></c>", "5"), (b'<c r="2A"><v>5</v></c>', "5"), ("<c t='s'><v>²</v></c>".encode(), None),
     (b"<c s='9'><v>" + b"9" * 5_000 + b"</v></c>", "9" * 5_000),
     (b'<c r="A2" t="inlineStr"><is><t>in</t><rPh><t>no</t></rPh><t>line</t></is></c>', "inline"),
     (b'<c r="A2" t="d"><v>2012-05-06T00:00:00.000</v></c>', "2012-05-06"), (b'<c r="A2"><v>1e999</v></c>', "1e999"),
     (b'<c r="A2" t="new"><v>5</v></c>', "5"), (b'<c r="A2" t="e"><v>#REF!</v></c>', None)],
)  # fmt: skip
def test_cells_out_of_the_ordinary(tmp_path, cell, text):
    row = b'<row r="2">' + cell + b'<c r="C2" t="str"><v>x</v></c></row>'
    path = parts(tmp_path / "a.xlsx", sheet1=lambda xml: re.sub(b'<row r="2".*</row>', row, xml))
    assert rows_of(tables_of(path)["child"], ["childid"]) == [(text,)]


def test_rows_whose_numbers_do_not_grow_still_differ(tmp_path):
    again = b'<row r="1"><c r="A1" t="str"><v>2</v></c></row><row><c><v>3</v></c></row></sheetData>'
    path = parts(tmp_path / "a.xlsx", sheet1=lambda xml: xml.replace(b"</sheetData>", again))
    assert rows_of(tables_of(path)["child"], ["childid", "source_row"]) == [("1", 1), ("2", 2), ("3", 3)]


def test_a_row_within_a_row_is_refused(tmp_path):
    """Both would have had the inner one's number."""
    inner = b'<row r="4"><c r="A4"><v>5</v></c></row>'
    within = b'<row r="3"><c r="A3"><v>4</v></c>' + inner + b'<c r="B3"><v>6</v></c></row></sheetData>'
    path = parts(tmp_path / "a.xlsx", sheet1=lambda xml: xml.replace(b"</sheetData>", within))
    assert refused(path) == "FILE-033"


@pytest.mark.shared
def test_the_area_inspection_lists_are_read(shared):
    found = cells_of(shared / "samples" / "area_send" / "fake_sen.xlsx")
    assert {name: len(rows) for name, rows in found.items()} == {"List_1": 3, "List_2": 3}
    assert found["List_1"][1][1][3] == "1993-12-05"
