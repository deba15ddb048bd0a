"""The report as a workbook: a cover, what arrived, what to put right, and each row of it.

One table per sheet with its header in a row of its own, no merged or blank cells inside, panes frozen below the header,
a name and an alternative text for each table; nothing is said by colour alone. The same document gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter

from pipelines.validate.report import words

# Nobody mends more rows than this by hand; one rule does not push the others out.
MOST_ROWS, MOST_OF_A_RULE = 20_000, 2_000
Rows = Mapping[tuple[str, str], pa.Int32Array]
_FIX = ("What becomes of the rows", "Table", "Place in the delivery", "Column", "What is wrong, and what to do", "Rule")
_MADE = datetime(2000, 1, 1)


def write(path: Path, document: dict[str, Any], rows: Rows) -> None:
    """Write the workbook of a document. rows: (table, rule) -> numbers of the rows at fault."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    title = f"{document['title'] or document['dataset'] or 'Files'}, {words.period(document['period'])}"
    book.set_properties({"title": title, "subject": "Report to the sender of data", "created": _MADE})
    sheets = _Sheets(book)
    listed = list(_rows(document, rows))
    _cover(sheets, document, title, listed)
    if document["tables"]:
        sheets.table("What arrived", "Rows of each table, and what became of them", _ARRIVED, _arrived(document))
    if words.to_fix(document):
        sheets.table(
            "What to put right", "Each rule that found something", (*_FIX, "Published as", "Rows"), _fixes(document)
        )
    if listed:
        sheets.table("Rows to put right", _note(document, rows, listed), ("Row", *_FIX), listed)
    book.close()


_ARRIVED = ("Table", "Name in the specification", "Sent", "Used", "Held back", "Of these below a held row", "Not taken")


def _arrived(document: dict[str, Any]) -> list[Sequence[Any]]:
    names = ("title", "table", "rows_in", "accepted", "quarantined", "parent_held", "rejected")
    return [[table[name] for name in names] for table in document["tables"]]


def _fix(document: dict[str, Any], rule: dict[str, Any]) -> list[str]:
    place = "last accepted submission" if rule["of_previous"] else document["places"].get(rule["table"], "not known")
    then = words.THEN[rule["on_fail"]][0]
    return [then, rule["table"], place, rule["column"] or "the row", rule["tell_supplier"], rule["rule"]]


def _fixes(document: dict[str, Any]) -> list[Sequence[Any]]:
    return [
        [*_fix(document, rule), ", ".join(rule["published"]) or "none", rule["count"]]
        for rule in words.to_fix(document)
    ]


def _rows(document: dict[str, Any], rows: Rows) -> Iterator[Sequence[Any]]:
    """A line per row and rule, worst first, up to the two limits."""
    left = MOST_ROWS
    for rule in words.to_fix(document):
        numbers = rows.get((rule["table"], rule["rule"]))
        if numbers is None:
            continue
        fix = _fix(document, rule)
        for number in numbers[: min(left, MOST_OF_A_RULE)].to_pylist():
            yield [number, *fix]
        left -= min(left, MOST_OF_A_RULE, len(numbers))


def _note(document: dict[str, Any], rows: Rows, listed: list[Sequence[Any]]) -> str:
    found = sum(len(rows.get((rule["table"], rule["rule"]), ())) for rule in words.to_fix(document))
    if len(listed) == found:
        return "Every row at fault, once for each rule that it breaks"
    return (
        f"The first {len(listed):,} of {found:,} findings: at most {MOST_OF_A_RULE:,} rows of each rule are listed, as "
        "what repeats so often has one cause at the source"
    )


def _cover(sheets: _Sheets, document: dict[str, Any], title: str, listed: list[Sequence[Any]]) -> None:
    lines: list[tuple[str, str]] = [
        ("Sender", document["agency_name"] or document["agency"] or "not named"),
        ("Submission", f"number {document['sequence']} of this period" if document["sequence"] else "not numbered"),
        ("Outcome", words.heading(document)),
        ("What follows", words.meaning(document)),
    ]
    if document["reason"]:
        lines.insert(3, ("Why", f"{document['reason']['tell_supplier']} (rule {document['reason']['rule']})"))
    if document["absent_tables"]:
        lines.append(("Not sent, and not needed", ", ".join(document["absent_tables"])))
    for name, there, says in (
        ("What arrived", document["tables"], "rows of each table, and what became of them"),
        ("What to put right", words.to_fix(document), "a line for each rule, with what to do"),
        ("Rows to put right", listed, "a line for each row: look them up in your own files"),
    ):
        if there:
            lines.append((f"Sheet: {name}", says))
    lines += [("How to read this", sentence) for sentence in words.HOW_TO_READ]
    sheets.table("Cover", title, ("About", "This report"), lines, heading=True)


class _Sheets:
    """Sheets of one workbook, in one manner."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.plain = book.add_format({"text_wrap": True, "valign": "top"})
        self.number = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})

    def table(
        self, name: str, title: str, head: Sequence[str], lines: Sequence[Sequence[Any]], *, heading: bool = False
    ) -> None:
        """A sheet with its title in the first cell, its table below it, and panes frozen under the header."""
        sheet = self.book.add_worksheet(name)
        sheet.write_string(0, 0, title, self.title if heading else self.book.add_format({"bold": True}))
        sheet.hide_gridlines(2)
        for at, width in enumerate(_widths(head, lines)):
            sheet.set_column(at, at, width)
        options = {
            "name": name.replace(" ", "_"),
            "title": title[:250],
            "description": f"{title}. Columns: {', '.join(head)}."[:250],
            "columns": [{"header": text, "header_format": self.head} for text in head],
            "style": "Table Style Light 1",
            "autofilter": len(lines) > 1 and not heading,
        }
        sheet.add_table(1, 0, 1 + len(lines), len(head) - 1, options)
        for down, line in enumerate(lines, 2):
            for across, cell in enumerate(line):
                if isinstance(cell, int):
                    sheet.write_number(down, across, cell, self.number)
                else:
                    sheet.write_string(down, across, cell, self.plain)
        sheet.freeze_panes(2, 0)
        sheet.repeat_rows(1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_paper(9)


def _widths(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> list[int]:
    """Wide enough for what stands in a column, and never so wide that a row leaves the screen."""
    sample = lines[:500]
    longest = [max(len(name), *(len(str(line[at])) for line in sample), 0) for at, name in enumerate(head)]
    return [min(60, max(8, 2 + length)) for length in longest]
