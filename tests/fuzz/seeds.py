"""Extracts of the usual shape to begin with, and the words that readers trip over.

An input is one byte that says what the rest is (`KINDS`), and the rest: the file itself, or the sheet of a workbook
whose other parts are as they should be, since mutating packed bytes only finds out that they are damaged.
"""

import io
import zipfile
from pathlib import Path

import xlsxwriter

from pipelines.contracts import Contract
from pipelines.registry import Registry
from pipelines.registry import load as load_declared
from tests.extract.toy import CHILDREN, CONTRACT, extract

# In every name, so that it would be found in a message that quotes a cell.
MARKER = "Quizelda"
KINDS = ("file", "sheet", "texts", "styles")
_PARTS = {"sheet": "xl/worksheets/sheet1.xml", "texts": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}

WORDS = [
    *(b'"', b'""', b"'", b",", b"\t", b";", b"\n", b"\r", b"\r\n", b"\0", b"\\", b"\x1a", b"sep=;\n", b",,,,", b'\n"'),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xc2\xa0",
        b"\xe2\x80\x99",
        b"\xed\xa0\x80",
        b"\xc3",
        b"\x81",
        b"\xf4",
    ),
    *(
        b"NULL",
        b"#N/A",
        b"1.0",
        b"1e999",
        b"-0",
        b"9" * 400,
        b"44629.5",
        b"2022-Sep-28 00:00:00",
        b"31/02/2012",
        b"0000-00-00",
    ),
    *(b"UN1", b"943 476 5919", b"MK99 1AB", b"B801200005001", "²".encode(), "١٢".encode(), "ı".encode(), "ﬁ".encode()),
    *(
        b"<",
        b">",
        b"</",
        b"/>",
        b"&amp;",
        b"&#0;",
        b"&#xD800;",
        b"&x;",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?xml",
        b"?>",
    ),
    *(
        b"<!DOCTYPE a>",
        b' a="b"',
        b' xmlns="x"',
        b"<a:b>",
        b"<Child>",
        b"</Child>",
        b"<Plan>",
        b"</Plan>",
        b"<Surname>",
    ),
    *(
        b'<c r="XFD1048576">',
        b'<c r="A1" t="s">',
        b"<v>",
        b"</v>",
        b"<row>",
        b' r="99999999"',
        b' t="e"',
        b' s="-1"',
        b"<rPh>",
    ),
    *(b"Child Records", b"Plan Records", b"childid", b"surname", b"birth", b"planid", b"started", MARKER.encode()),
]


def registry() -> Registry:
    """Few datasets, in all forms, so that most inputs are one of them."""
    declared = load_declared()
    contracts: dict[str, Contract] = {"toy": CONTRACT}
    contracts |= {name: declared.contract(name) for name in ("ehc_register", "cin_census", "identifier_bridge")}
    return Registry(contracts, {}, declared.fields, declared.code_lists, {})


def seeds(folder: Path) -> list[bytes]:
    """Inputs to begin with. folder: an empty one to write in."""
    marked = [(key, upn, f"{MARKER} {surname}", *rest) for key, upn, surname, *rest in CHILDREN]
    found = []
    for number, about in enumerate(
        [{}, {"separator": "\t"}, {"is_unquoted": True}, {"form": "xml", "file": "toy.xml"}, {"headers": "aliases"}]
    ):
        for path in extract(folder / str(number), children=marked, **about):
            found.append(b"\0" + path.read_bytes())
    rows = f"1,,{MARKER},Ann,2012-05-06,PLAN\n2,,O'Neill,{MARKER},06/05/2012,K\n"
    register = f"la_id,upn,surname,forename,birth_date,status\n{rows}"
    found += [b"\0" + register.encode(encoding) for encoding in ("utf-8-sig", "utf-16", "cp1252")]
    found.append(b"\0" + _zipped({"children.csv": found[0][1:]}))
    for form in ("workbook", "template"):
        [path] = extract(folder / form, children=marked, form=form, file="toy.xlsx")
        found.append(b"\0" + path.read_bytes())
        with zipfile.ZipFile(path) as parts:
            for part in ("sheet", "styles"):
                found.append(bytes([KINDS.index(part)]) + parts.read(_PARTS[part]))
    with zipfile.ZipFile(_shared_texts()) as parts:
        found.append(bytes([KINDS.index("texts")]) + parts.read(_PARTS["texts"]))
    return found


def as_file(data: bytes) -> bytes:
    """The file that an input stands for."""
    kind = KINDS[data[0] % len(KINDS)] if data else "file"
    return data[1:] if kind == "file" else _zipped(_whole() | {_PARTS[kind]: data[1:]})


def _zipped(parts: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _whole() -> dict[str, bytes]:
    if not _KEPT:
        with zipfile.ZipFile(_shared_texts()) as parts:
            _KEPT.update({name: parts.read(name) for name in parts.namelist()})
    return _KEPT


_KEPT: dict[str, bytes] = {}


def _shared_texts() -> io.BytesIO:
    """A workbook whose texts stand in a part of their own."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        sheet = book.add_worksheet("children")
        sheet.write_row(0, 0, ["childid", "upn", "surname", "birth"])
        sheet.write_row(1, 0, ["12", None, f"{MARKER} Smith", "2012-05-06"])
    packed.seek(0)
    return packed
