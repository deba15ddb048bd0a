"""Laid out tables as an Excel workbook: a sheet for each table, or all of them one below the other on one sheet.

Cells become what Excel makes of typed text: an ISO date is a date, a number without a leading zero is a number, and the
rest is text. The bytes depend on the rows alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from pipelines.synth.laying import Delivery, columns_of

TEMPLATE_SHEET = "Data Entry Template"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?")
_CREATED = datetime(2000, 1, 1)


def write(db: duckdb.DuckDBPyConnection, delivery: Delivery, file: Path, headers: Mapping[str, Sequence[str]]) -> None:
    """Write a delivery's tables, in the current schema, as one workbook. headers: table -> names of its columns."""
    with xlsxwriter.Workbook(str(file), {"constant_memory": True}) as book:
        book.set_properties({"created": _CREATED})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet: Any = None
        row = 0
        for name in delivery.tables:
            table = delivery.contract.tables[name]
            if delivery.form == "workbook" or sheet is None:
                sheet = book.add_worksheet(table.files[0] if delivery.form == "workbook" else TEMPLATE_SHEET)
                row = 0
                for line in delivery.about.get("above_header", ()):
                    row = _put(sheet, row, [line], day)
            if delivery.form == "template":
                row = _put(sheet, row, [table.block[0]], day)
            row = _put(sheet, row, headers[name], day)
            for values in _rows(db, delivery, name):
                row = _put(sheet, row, values, day)
            row += 1


def _rows(db: duckdb.DuckDBPyConnection, delivery: Delivery, name: str) -> Iterator[tuple[str | None, ...]]:
    chosen = ", ".join(f'"{column}"' for column in columns_of(db, delivery, name))
    result = db.execute(f'SELECT {chosen} FROM "{name}" ORDER BY _row')  # noqa: S608
    while block := result.fetchmany(10_000):
        yield from block


def _put(sheet: Any, row: int, values: Sequence[str | None], day: Any) -> int:
    """Write one row; returns the number of the next."""
    for column, text in enumerate(values):
        if not text:
            continue
        if _NUMBER.fullmatch(text):
            sheet.write_number(row, column, float(text))
        elif _DATE.fullmatch(text):
            sheet.write_datetime(row, column, datetime.fromisoformat(text), day)
        else:
            sheet.write_string(row, column, text)
    return row + 1
