"""Laid out tables as files: CSV by DuckDB, XML by a streaming writer that follows the contract's elements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from lxml import etree

from pipelines.contracts import Table
from pipelines.synth.faults import RAGGED
from pipelines.synth.laying import Delivery

MARK = b"\xef\xbb\xbf"
Rows = dict[str, dict[int | None, list[dict[str, Any]]]]


def write(db: duckdb.DuckDBPyConnection, delivery: Delivery, out: Path) -> list[str]:
    """Write the files of an extract, whose schema is the current one; returns their paths below `out`."""
    folder = out / delivery.folder
    folder.mkdir(parents=True)
    if "xml" in delivery.contract.forms:
        names = [delivery.about["file"]]
        _write_xml(db, delivery, folder / names[0])
    else:
        names = [_write_csv(db, delivery, name, table, folder) for name, table in delivery.contract.tables.items()]
    return [f"{delivery.folder}/{name}" for name in names]


def _columns(db: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    names = db.execute(f'SELECT column_name FROM (DESCRIBE "{table}")').fetchall()  # noqa: S608
    return [name for (name,) in names if not name.startswith("_")]


def _write_csv(db: duckdb.DuckDBPyConnection, delivery: Delivery, name: str, table: Table, folder: Path) -> str:
    """One CSV file: DuckDB writes the rows, the header goes before them as the sender's system would write it."""
    columns, about = _columns(db, name), delivery.about
    file = folder / about["file"].format(name=table.files[0])
    surplus = name in about.get("surplus_header", ())
    chosen = ", ".join(f'"{column}"' for column in columns) + (", NULL" if surplus else "")
    rows = file.with_suffix(".rows")
    db.execute(f"""COPY (SELECT {chosen} FROM "{name}" ORDER BY _row) TO '{rows}' (FORMAT csv, HEADER false)""")  # noqa: S608
    header = ",".join([*columns, *([""] if surplus else [])]).encode() + b"\n"
    with file.open("wb") as whole, rows.open("rb") as part:
        whole.write((MARK if name in about.get("with_mark", ()) else b"") + header)
        for block in iter(lambda: part.read(1 << 20), b""):
            whole.write(block.replace(RAGGED.encode(), b","))
    rows.unlink()
    return file.name


def _write_xml(db: duckdb.DuckDBPyConnection, delivery: Delivery, file: Path) -> None:
    """One XML document. Top tables follow each other; rows of a table below go where its parent has a `+` column."""
    tables = delivery.contract.tables
    found = {name: _by_parent(db, name) for name in tables}
    with etree.xmlfile(str(file), encoding="utf-8") as document:
        document.write_declaration()
        root = (next(iter(tables.values())).element or "").split("/")[0]
        with document.element(root):
            document.write("\n")
            for name, table in tables.items():
                if table.parent is None:
                    _write_top(document, delivery, name, found)


def _by_parent(db: duckdb.DuckDBPyConnection, table: str) -> dict[int | None, list[dict[str, Any]]]:
    query = f'SELECT _row, _parent, {", ".join(_quoted(_columns(db, table)))} FROM "{table}" ORDER BY _row'  # noqa: S608
    result = db.execute(query)
    names = [column[0] for column in result.description]
    found: dict[int | None, list[dict[str, Any]]] = {}
    for values in result.fetchall():
        row = dict(zip(names, values, strict=True))
        found.setdefault(row["_parent"], []).append(row)
    return found


def _quoted(columns: list[str]) -> Iterator[str]:
    return (f'"{column}"' for column in columns)


def _write_top(document: Any, delivery: Delivery, name: str, found: Rows) -> None:
    _, *around, tag = (delivery.contract.tables[name].element or "").split("/")
    opened = [document.element(outer) for outer in around]
    for element in opened:
        element.__enter__()
    for row in found[name].get(None, []):
        element = etree.Element(tag)
        _fill(element, delivery, name, row, found)
        document.write(element, pretty_print=True)
    for element in reversed(opened):
        element.__exit__(None, None, None)


def _fill(element: Any, delivery: Delivery, name: str, row: dict[str, Any], found: Rows) -> None:
    """Put a row's columns, and the rows below it, into its element in the order of the columns."""
    own = delivery.contract.tables[name].element or ""
    for column, value in row.items():
        if column.startswith("_"):
            continue
        if column.startswith("+"):
            below = column[1:]
            path = (delivery.contract.tables[below].element or "").removeprefix(own + "/").split("/")
            for child in found[below].get(row["_row"], []):
                _fill(etree.SubElement(_inside(element, path[:-1]), path[-1]), delivery, below, child, found)
        elif column == ".":
            element.text = value
        elif value is not None:
            path = column.split("/")
            etree.SubElement(_inside(element, path[:-1]), path[-1]).text = value


def _inside(element: Any, path: list[str]) -> Any:
    """The element at a path below, made where it is not the last one already."""
    for tag in path:
        last = element[-1] if len(element) else None
        element = last if last is not None and last.tag == tag else etree.SubElement(element, tag)
    return element
