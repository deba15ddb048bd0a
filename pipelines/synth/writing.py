"""Laid out tables as files, in the form that the delivery names: text here, workbooks and XML in their own rooms."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.contracts import Table
from pipelines.extract.headers import squash
from pipelines.synth import documents, workbooks
from pipelines.synth.faults import RAGGED
from pipelines.synth.laying import Delivery, columns_of

MARK = b"\xef\xbb\xbf"


def write(db: duckdb.DuckDBPyConnection, delivery: Delivery, out: Path) -> list[str]:
    """Write the files of an extract, whose schema is the current one; returns their paths below `out`."""
    folder = out / delivery.folder
    folder.mkdir(parents=True)
    about, tables = delivery.about, {name: delivery.contract.tables[name] for name in delivery.tables}
    if delivery.form == "csv":
        names = [_write_csv(db, delivery, name, table, folder) for name, table in tables.items()]
    else:
        names = [about["file"]]
        if delivery.form == "xml":
            documents.write(db, delivery, folder / names[0])
        else:
            headers = {name: header(delivery, name, columns_of(db, delivery, name)) for name in tables}
            workbooks.write(db, delivery, folder / names[0], headers)
    return [f"{delivery.folder}/{name}" for name in names]


def header(delivery: Delivery, table: str, columns: list[str]) -> list[str]:
    """How this delivery writes the names of a table's columns (`headers` of the delivery)."""
    habit = delivery.about.get("headers", {})
    if habit == "aliases":
        known = {squash(name): column for name, column in delivery.contract.tables[table].columns.items()}
        firsts = {name: known[squash(name)].aliases[:1] for name in columns if squash(name) in known}
        return [(*firsts.get(name, ()), name)[0].rstrip("*") for name in columns]
    return [habit.get(name, name) for name in columns]


def _write_csv(db: duckdb.DuckDBPyConnection, delivery: Delivery, name: str, table: Table, folder: Path) -> str:
    """One text file; its header goes before the rows as the sender's system would write it."""
    columns, about = columns_of(db, delivery, name), delivery.about
    separator = about.get("separator", ",")
    file = folder / about["file"].format(name=table.files[0])
    surplus = name in about.get("surplus_header", ())
    chosen = ", ".join(f'"{column}"' for column in columns) + (", NULL" if surplus else "")
    query = f'SELECT {chosen} FROM "{name}" ORDER BY _row'  # noqa: S608
    rows = file.with_suffix(".rows")
    if about.get("is_unquoted"):
        _write_unquoted(db, query, separator, rows)
    else:
        db.execute(f"COPY ({query}) TO '{rows}' (FORMAT csv, HEADER false, DELIMITER '{separator}')")
    names = separator.join([*header(delivery, name, columns), *([""] if surplus else [])])
    with file.open("wb") as whole, rows.open("rb") as part:
        whole.write((MARK if name in about.get("with_mark", ()) else b"") + names.encode() + b"\n")
        for block in iter(lambda: part.read(1 << 20), b""):
            whole.write(block.replace(RAGGED.encode(), separator.encode()))
    rows.unlink()
    return file.name


def _write_unquoted(db: duckdb.DuckDBPyConnection, query: str, separator: str, file: Path) -> None:
    """Rows as an exporter writes them that joins its values and never thinks of a separator inside one."""
    result = db.execute(query)
    with file.open("w", encoding="utf-8") as out:
        while block := result.fetchmany(10_000):
            out.writelines(separator.join(cell or "" for cell in row) + "\n" for row in block)
