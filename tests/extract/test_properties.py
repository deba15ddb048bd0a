"""What holds for every file of a form."""

import csv
import io
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from pipelines.errors import DataFault
from pipelines.extract import open_tables, recognise
from pipelines.extract.blanks import EDGES, NOTHING
from tests.extract.toy import REGISTRY

CHILD = ["childid", "upn", "surname", "birth"]
MARKER = "Quizelda"
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=12
)
ROWS = st.lists(st.tuples(*[TEXT] * 4), min_size=1, max_size=8)
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_read(cell):
    """What becomes of a cell: nothing but its edges."""
    text = cell.strip(EDGES)
    return None if text in NOTHING else text


def read(path):
    tables = open_tables(recognise([path], REGISTRY, "toy"), REGISTRY)
    rows = [tuple(row.values()) for batch in tables["child"].batches() for row in batch.to_pylist()]
    return rows, tables["child"].rejected


@QUICK
@given(
    rows=ROWS,
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoted=st.booleans(),
    mark=st.booleans(),
)
def test_a_csv_comes_back_as_it_was_written(tmp_path, rows, separator, end, quoted, mark):
    out = io.StringIO(newline="")
    style = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=style)
    writer.writerows([CHILD, *rows])
    path = tmp_path / "a.csv"
    path.write_bytes(out.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    expected = [(*map(as_read, row), number) for number, row in enumerate(rows, start=1)]
    expected = [(re.sub(r"^([0-9]+)\.0$", r"\1", key) if key else None, *rest) for key, *rest in expected]
    assert read(path) == (expected, [])


@QUICK
@given(rows=ROWS, namespace=st.booleans())
def test_an_xml_comes_back_as_it_was_written(tmp_path, rows, namespace):
    root = etree.Element("Toy", nsmap={None: "urn:toy"} if namespace else None)
    for _, upn, surname, birth in rows:
        child = etree.SubElement(root, "Child")
        etree.SubElement(etree.SubElement(child, "Ids"), "UPN").text = upn
        etree.SubElement(child, "Surname").text = surname
        etree.SubElement(child, "Birth").text = birth
    path = tmp_path / "a.xml"
    path.write_bytes(etree.tostring(root))
    expected = [(str(n), *map(as_read, row[1:]), n) for n, row in enumerate(rows, start=1)]
    assert read(path) == (expected, [])


@QUICK
@given(rows=ROWS, short=st.lists(st.integers(0, 7), unique=True))
def test_ragged_rows_are_rejected_and_no_other(tmp_path, rows, short):
    lines = [["x", *row[1:]] for row in rows]
    kept = [number for number in range(1, len(lines) + 1) if number - 1 not in short]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([CHILD, *(line[:2] if n in short else line for n, line in enumerate(lines))])
    path = tmp_path / "a.csv"
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    try:
        found, rejected = read(path)
    except DataFault as fault:
        assert (fault.rule, kept) == ("FILE-009", [])
    else:
        assert [row[-1] for row in found] == kept
        assert len(rejected) == len(lines) - len(kept)


@QUICK
@given(content=st.binary(max_size=200), place=st.integers(0, 400))
def test_any_bytes_are_read_or_refused_in_a_sentence_that_quotes_nothing(tmp_path, content, place):
    whole = f"childid,upn,surname,birth\n1,,{MARKER},2012-05-06\n2,,{MARKER},2012-05-07\n".encode()
    path = tmp_path / "a.csv"
    path.write_bytes(whole[:place] + content + whole[place:])
    try:
        read(path)
    except DataFault as fault:
        assert MARKER not in f"{fault} {fault.tell_supplier} {fault.__cause__}"
