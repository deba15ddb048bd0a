"""Drawn tables: a few children as small text tables, turned into tokens the way the door would.

    source  | record | name       | other | born       | sex | postcode | nhs | upn | person
    a       | 1      | Ada Byrd   |       | 2014-03-05 | F   | MB1 1AA  | N1  | U1  | x

`source` names an agency and dataset of `SOURCES`, `person` who the record should be found to be: records with the same
letter are one person. Blank cells are missing. Names and numbers here are made up.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import jellyfish
import pyarrow as pa

from pipelines.link import tokens
from pipelines.link.solve import solve

# Short names of sources in drawn tables, those with names first.
SOURCES = {
    "school": ("education", "school_census"),
    "plan": ("education", "sen2"),
    "register": ("education", "ehc_register"),
    "bridge": ("social_care", "identifier_bridge"),
    "cin": ("social_care", "cin_census"),
    "north": ("north_trust", "csds"),
    "south": ("south_trust", "csds"),
}

SCHEMA = pa.schema(
    [("record_pseudonym", pa.string()), ("source_row", pa.int32())]
    + [(name, pa.string()) for name in tokens.SINGLE]
    + [(name, pa.list_(pa.string())) for name in tokens.LISTS]
    + [("sex", pa.string()), ("is_birth_day_unknown", pa.bool_()), ("is_protected", pa.bool_())]
)


def rows(table: str) -> list[dict[str, str]]:
    """The rows of a drawn table as dictionaries of texts."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[1:]]


def token(kind: str, value: str | None) -> str | None:
    """A stand-in for the door's token: equal values of a kind are equal, and nothing else."""
    return hashlib.sha256(f"{kind}|{value.lower()}".encode()).hexdigest() if value else None


def tokenised(row: dict[str, str], number: int = 1) -> dict[str, Any]:
    """A row of a linkage file from a drawn row."""
    forename, _, surname = row.get("name", "").partition(" ")
    year, month, day = (row["born"].split("-")) if row.get("born") else ("", "", "")
    postcode = row.get("postcode", "")
    local = f"{SOURCES[row['source']][0]}|{row['local']}" if row.get("local") else ""
    return {
        "record_pseudonym": token("record", f"{row['source']}|{row['record']}"),
        "source_row": number,
        "forename": token("forename", forename),
        "forename_phonetic": token("forename_phonetic", jellyfish.metaphone(forename)),
        "forename_prefix": token("forename_prefix", forename[:3]),
        "forename_initial": token("forename_initial", forename[:1]),
        "surname": token("surname", surname),
        "surname_phonetic": token("surname_phonetic", jellyfish.metaphone(surname)),
        "birth_date": token("birth_date", row.get("born")),
        "birth_date_swapped": token("birth_date", f"{year}-{day}-{month}" if day and int(day) <= 12 else None),
        "birth_year": token("birth_year", year),
        "birth_month_of_year": token("birth_month_of_year", month),
        "birth_day": token("birth_day", day),
        "postcode": token("postcode", postcode),
        "postcode_sector": token("postcode_sector", postcode[:-2]),
        "nhs_number": token("nhs_number", row.get("nhs")),
        "upn": token("upn", row.get("upn")),
        "uln": token("uln", row.get("uln")),
        "local_id": token("local_id", local),
        "other_surnames": [token("surname", n) for n in row.get("other", "").split()],
        "other_upns": [token("upn", n) for n in row.get("former_upn", "").split()],
        "sex": row.get("sex") or None,
        "is_birth_day_unknown": day in ("01", "15"),
        "is_protected": row.get("protected") == "yes",
    }


def linkage(drawn: list[dict[str, str]]) -> dict[tuple[str, str], pa.Table]:
    """Linkage tables by source."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in drawn:
        source = SOURCES[row["source"]]
        found[source].append(tokenised(row, len(found[source]) + 1))
    return {source: pa.Table.from_pylist(content, SCHEMA) for source, content in found.items()}


class Matched:
    """What the matcher made of drawn rows, in the rows' own names (`source` and `record`, as in `school 1`)."""

    def __init__(self, drawn: list[dict[str, str]], folder: Path) -> None:
        names = {token("record", f"{r['source']}|{r['record']}"): f"{r['source']} {r['record']}" for r in drawn}
        with tokens.memory() as db:
            tokens.load(db, linkage(drawn))
            solve(db, folder / "model.json")
            people = db.execute(
                "SELECT person_id, record_pseudonym FROM person JOIN record USING (record_id)"
            ).fetchall()
            self.links, self.reviews = (
                {
                    frozenset((names[left], names[right])): reason
                    for left, right, reason in db.execute(f"""
                        SELECT l.record_pseudonym, r.record_pseudonym, reason FROM {table}
                        JOIN record l ON l.record_id = record_l JOIN record r ON r.record_id = record_r""").fetchall()
                }
                for table in ("link", "review")
            )
        found = defaultdict(set)
        for person, record in people:
            found[person].add(names[record])
        self.people = {frozenset(records) for records in found.values()}


def expected(drawn: list[dict[str, str]]) -> set[frozenset[str]]:
    """The people that the column `person` draws."""
    found = defaultdict(set)
    for row in drawn:
        found[row["person"]].add(f"{row['source']} {row['record']}")
    return {frozenset(records) for records in found.values()}
