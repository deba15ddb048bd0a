"""The words of the report: what an outcome means, what becomes of a row, when a period was."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

# What becomes of the rows that break a rule, worst first: a heading, and what it means for the supplier.
THEN = {
    "reject_file": ("Why the files were not taken", "Nothing of the submission is used until this is put right."),
    "reject_row": ("Rows that could not be read", "They were left behind. Put them right and send the file again."),
    "quarantine_row": (
        "Rows held back",
        "They are not used, nor are the rows that belong to them, until they come corrected or a data steward of the "
        "hub releases them.",
    ),
    "null_field": ("Values left out", "The row is used without this value."),
    "warn": ("To be checked", "The row is used as it is."),
}
HOW_TO_READ = (
    "A row number counts the rows below the header of a file, a sheet or a table from 1: with the header in line 1, "
    "row 1 stands in line 2. In XML it counts the elements of a table in the order of the document.",
    "Names of files never leave the sender. The place of a file is its place in the list of files that were sealed.",
    "This report holds no value of any cell, no name and no identifier. Look the rows up in your own files.",
    "A row that breaks two rules is counted under both.",
)
_SENT_AGAIN = (
    "Put right what is listed here, at the source if you can, and send the whole submission again with a higher "
)
_TERM = re.compile(r"(\d{4})-(spring|summer|autumn)")


def period(text: str) -> str:
    """`2026-03` as `March 2026`, `2025-spring` as `spring term 2025`, a day as `15 March 2026`, a year as it is.

    What is none of these is `a period that is not known`.
    """
    if found := _TERM.fullmatch(text):
        return f"{found[2]} term {found[1]}"
    if re.fullmatch(r"\d{4}", text):
        return text
    try:
        day = date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError:
        return "a period that is not known"
    return f"{day.day} {day:%B %Y}" if len(text) > 7 else f"{day:%B %Y}"


def heading(document: dict[str, Any]) -> str:
    """The outcome in a line."""
    if document["outcome"] == "rejected":
        return "Not taken in"
    if document["outcome"] == "held_ours":
        return "Waiting, through no fault of yours"
    count = len(to_fix(document))
    return f"Taken in, with {count} {'thing' if count == 1 else 'things'} to put right" if count else "Taken in"


def meaning(document: dict[str, Any]) -> str:
    """What follows from the outcome."""
    if document["outcome"] == "rejected":
        again = f"sequence number than {document['sequence']}." if document["sequence"] else "sequence number."
        return f"What you sent before stays in use. {_SENT_AGAIN}{again}"
    if document["outcome"] == "held_ours":
        return "Some rules could not be evaluated here. We look into it; there is nothing for you to do."
    if to_fix(document):
        return "Put right what is listed here at the source, so that the next submission comes without it."
    return "There is nothing to put right. Thank you."


def to_fix(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rules that found something, worst first, then by how many rows."""
    order = list(THEN)
    found = [rule for rule in document["rules"] if rule["result"] == "failed"]
    return sorted(found, key=lambda rule: (order.index(rule["on_fail"]), -rule["count"]))


def share(rule: dict[str, Any]) -> str:
    """How many rows are at fault; of a rule about a table as a whole, the table."""
    if rule["of"] <= 1 and not rule["first_rows"]:
        return "the table as a whole"
    pct = 100 * rule["count"] / rule["of"] if rule["of"] else 0
    of = f"{rule['count']:,} of {rule['of']:,}"
    return f"{of} ({'under 0.1' if 0 < pct < 0.1 else f'{pct:.1f}'}%)"


def where(document: dict[str, Any], rule: dict[str, Any]) -> str:
    """Table, place in the delivery and column of a rule."""
    parts = [f"{rule['table_title']} ({rule['table']})"]
    if rule["of_previous"]:
        parts.append("in the last submission that was accepted")
    elif place := document["places"].get(rule["table"]):
        parts.append(place)
    if rule["column"]:
        parts.append(f"column {rule['column']}")
    return ", ".join(parts)
