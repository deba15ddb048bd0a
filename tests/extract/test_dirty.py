"""Files as people and programs leave them: encodings, separators, titles, odd headers, archives."""

import zipfile

import pytest

from pipelines.errors import DataFault
from pipelines.extract import open_tables, recognise, recognise_all, source
from tests.extract.toy import REGISTRY, extract

HEADER = "childid,upn,surname,birth"
ROWS = ["12,H123456789012,Núñez,2012-05-06", "13,,O’Brien,2011-12-31", "14,,Zoë,2010-01-01"]
EXPECTED = [("12", "H123456789012", "Núñez", "2012-05-06"), ("13", None, "O’Brien", "2011-12-31"),
            ("14", None, "Zoë", "2010-01-01")]  # fmt: skip


def written(folder, content, name="children.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(path):
    tables = open_tables(recognise([path], REGISTRY), REGISTRY)
    return [tuple(row.values())[:4] for batch in tables["child"].batches() for row in batch.to_pylist()]


def refused(path):
    with pytest.raises(DataFault) as caught:
        rows_of(path)
    return caught.value.rule


def text(separator=",", rows=ROWS, end="\n"):
    return end.join([HEADER, *rows, ""]).replace(",", separator)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)  # fmt: skip
def test_characters_are_read_whatever_they_were_written_in(tmp_path, encoding):
    assert rows_of(written(tmp_path, text().encode(encoding))) == EXPECTED


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman"])
def test_characters_of_older_machines(tmp_path, encoding):
    names = ["Núñez", "Zoë", "José", "Müller", "Chloé", "Siân", "Seán"]
    rows = [f"{number},,{name},2012-05-06" for number, name in enumerate(names)]
    assert [row[2] for row in rows_of(written(tmp_path, text(rows=rows).encode(encoding)))] == names


@pytest.mark.parametrize("late", [False, True])
def test_a_file_that_mixes_encodings_is_refused(tmp_path, late):
    rows = [f"{number},,Zoë,2012-05-06" for number in range(20_000 if late else 20)]
    assert refused(written(tmp_path, text(rows=rows).encode() + "99,,Zoë,2012-05-06\n".encode("cp1252"))) == "FILE-016"


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(tmp_path, separator, end):
    assert rows_of(written(tmp_path, text(separator, end=end))) == EXPECTED


def test_commas_in_the_cells_do_not_hide_the_tabs(tmp_path):
    rows = [f"{number}\t\tSmith, Jones, Brown\t2012-05-06" for number in range(4)]
    content = "\n".join([HEADER.replace(",", "\t"), *rows, ""])
    assert [row[2] for row in rows_of(written(tmp_path, content))] == ["Smith, Jones, Brown"] * 4


def test_the_separator_may_be_told(tmp_path):
    assert rows_of(written(tmp_path, "sep=;\r\n" + text(";", end="\r\n"))) == EXPECTED


def test_titles_and_blank_lines_above_the_header(tmp_path):
    above = "Children of the area, as of March\n\n\nMade by the case system\n"
    assert rows_of(written(tmp_path, above + text())) == EXPECTED


@pytest.mark.parametrize(
    "header",
    ["\u200bChild ID,UPN,Sur name,birth\u00a0", "childid,Unique_Pupil-Number,SURNAME,Birth,,",
     '"child\nid",upn,“surname”,birth’'],
)  # fmt: skip
def test_headers_as_people_spell_them(tmp_path, header):
    surplus = "," * (header.count(",") - 3)
    content = "\n".join([header, *(row + surplus for row in ROWS), ""])
    assert rows_of(written(tmp_path, content)) == EXPECTED


def test_what_programs_write_for_no_value_is_blank_and_what_people_write_is_not(tmp_path):
    blank = ["#N/A", "NULL", "(null)", "NaN", "\u00a0", "#REF!", "  "]
    written_out = ["None", "N/A", "Null", "Unknown", "-"]
    rows = [f"{number},,{word},2012-05-06" for number, word in enumerate(blank + written_out)]
    assert [row[2] for row in rows_of(written(tmp_path, text(rows=rows)))] == [None] * len(blank) + written_out


def test_keys_that_became_decimals_still_meet(tmp_path):
    child, plan = extract(tmp_path)
    plan.write_text(plan.read_text().replace(",12,", ",12.0,").replace(",14,", ",14.0,"))
    tables = open_tables(recognise([child, plan], REGISTRY), REGISTRY)
    parents = [key for batch in tables["plan"].batches() for key in batch.column("childid").to_pylist()]
    assert parents == ["12", "12", "14"]


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_an_archive_of_an_export_is_read_as_its_files(tmp_path, form):
    files = extract(tmp_path / "plain", form=form, file="toy.xml" if form == "xml" else "{name}.csv")
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, f"export/{path.name}")
        archive.writestr("export/read me.txt", "made yesterday\n")
    groups, rest = recognise_all([packed], REGISTRY)
    assert rest == [packed / "export/read me.txt"]
    assert set(groups[0].tables.values()) == {packed}
    plain = recognise(files, REGISTRY)
    for name, table in open_tables(groups[0], REGISTRY).items():
        expected = [batch.to_pylist() for batch in open_tables(plain, REGISTRY)[name].batches()]
        assert [batch.to_pylist() for batch in table.batches()] == expected


@pytest.mark.parametrize("name", ["children.csv", "book.xlsx"])
def test_an_archive_that_would_grow_without_end_is_refused_before_it_is_unpacked(tmp_path, name, monkeypatch):
    packed = tmp_path / name
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml" if name == "book.xlsx" else "a.csv", b" " * (8 << 20))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("an entry was opened"))
    assert refused(packed) == "FILE-032"


def test_an_archive_of_too_many_or_too_large_files(tmp_path, monkeypatch):
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.csv", text())
    monkeypatch.setattr(source, "MOST_ENTRIES", 2)
    assert refused(packed) == "FILE-032"
    monkeypatch.setattr(source, "MOST_ENTRIES", 3)
    monkeypatch.setattr(source, "MOST_BYTES", 100)
    assert refused(packed) == "FILE-032"


def test_an_archive_that_lies_about_its_sizes(tmp_path):
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("children.csv", text(rows=ROWS * 1_000))
    content = packed.read_bytes()
    size = len(text(rows=ROWS * 1_000).encode()).to_bytes(4, "little")
    packed.write_bytes(content.replace(size, (200).to_bytes(4, "little")))
    assert refused(packed) == "FILE-033"


def test_an_archive_with_a_password(tmp_path):
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("children.csv", text())
    content = bytearray(packed.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    packed.write_bytes(content)
    assert refused(packed) == "FILE-033"
