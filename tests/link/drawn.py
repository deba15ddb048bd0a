"""Drawn tables: a few children as small text tables, turned into tokens by the door's own code.

    source  | record | name       | other | born       | sex | postcode | nhs | upn | person
    a       | 1      | Ada Byrd   |       | 2014-03-05 | F   | MB1 1AA  | N1  | U1  | x

`source` names an agency and dataset of `SOURCES`, `person` who the record should be found to be: records with the same
letter are one person. Blank cells are missing. Names and numbers here are made up.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.link import matcher, tokens
from pipelines.link.solve import solve
from pipelines.seal import tokens as door
from pipelines.seal.normalise import letters
from pipelines.seal.tokens import OTHERS, linkage_tokens

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

KEY = bytes(range(32))


def rows(table: str) -> list[dict[str, str]]:
    """The rows of a drawn table as dictionaries of texts."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[1:]]


def pseudonym(source: str, record: str) -> str:
    """The record pseudonym of a drawn record."""
    return str(door.pseudonyms(KEY, pa.array([f"{source}|{record}"]))[0])


def _identity(row: dict[str, str]) -> dict[str, Any]:
    """What the door would read in a drawn row, uniform."""
    forename, _, surname = row.get("name", "").partition(" ")
    local = f"{SOURCES[row['source']][0]}|{row['local']}" if row.get("local") else None
    others = {"other_surnames": "other", "other_upns": "former_upn", "other_postcodes": "former_postcode"}
    return {
        "forename": letters(forename) or None,
        "surname": letters(surname) or None,
        "birth_date": row.get("born") or None,
        "sex": row.get("sex") or None,
        "postcode": row.get("postcode", "").replace(" ", "") or None,
        "address": row.get("address") or None,
        "nhs_number": row.get("nhs") or None,
        "upn": row.get("upn") or None,
        "uln": None,
        "local_id": local,
        "other_forenames": [letters(name) for name in row.get("preferred", "").split()],
        **{
            name: [letters(text) if name != "other_upns" else text for text in row.get(column, "").split()]
            for name, column in others.items()
        },
    }


def linkage(drawn: list[dict[str, str]]) -> dict[tuple[str, str], pa.Table]:
    """Linkage tables by source."""
    found: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in drawn:
        found[SOURCES[row["source"]]].append(row)
    return {source: tokenised(content) for source, content in found.items()}


def tokenised(content: list[dict[str, str]]) -> pa.Table:
    """A linkage table of drawn rows of one source."""
    plain = [_identity(row) for row in content]
    table = pa.table({
        name: pa.array([one[name] for one in plain], pa.list_(pa.string()) if name in OTHERS else pa.string())
        for name in plain[0]
    })  # fmt: skip
    found = linkage_tokens(table, KEY)
    found = found.append_column("is_protected", pa.array([row.get("protected") == "yes" for row in content]))
    found = found.add_column(0, "source_row", pa.array(range(1, len(content) + 1), pa.int32()))
    return found.add_column(
        0, "record_pseudonym", pa.array([pseudonym(row["source"], row["record"]) for row in content])
    )


def parts(tables: dict[tuple[str, str], pa.Table]) -> list[tokens.Part]:
    """Linkage tables as one submission each."""
    return [tokens.Part(source, number, table) for number, (source, table) in enumerate(sorted(tables.items()))]


class Matched:
    """What the matcher made of drawn rows, in the rows' own names (`source` and `record`, as in `school 1`)."""

    def __init__(self, drawn: list[dict[str, str]], folder: Path) -> None:
        names = {pseudonym(r["source"], r["record"]): f"{r['source']} {r['record']}" for r in drawn}
        with tokens.memory() as db:
            tokens.load(db, parts(linkage(drawn)))
            solve(db, matcher.pinned(db, folder / "model.json")[0])
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
            asked = db.execute("""
                SELECT l.record_pseudonym, r.record_pseudonym FROM review
                JOIN record l ON l.record_id = record_l JOIN record r ON r.record_id = record_r
                WHERE is_queued""").fetchall()
            self.queued = {frozenset((names[left], names[right])) for left, right in asked}
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
