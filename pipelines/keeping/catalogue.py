"""Where the database may speak of a record: found in its catalogue, so that a table made tomorrow is covered too.

A table speaks of a record by `record_pseudonym` (with `agency_code`, where it has that), or of a pair by `record_l` and
`record_r`; of a person by `person_key` or `other_key`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from pipelines.errors import SystemFault

Connection = psycopg.Connection[Any]
Records = Mapping[str, frozenset[str]]
# Column of a record -> column of its agency beside it.
_RECORD = {"record_pseudonym": "agency_code", "record_l": "agency_l", "record_r": "agency_r"}
_PERSON = ("person_key", "other_key")
MOST_ROUNDS = 10


@dataclass(frozen=True)
class Place:
    """A table of the warehouse and its columns."""

    schema: str
    table: str
    columns: frozenset[str]

    @property
    def name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.table}"

    @property
    def identifier(self) -> sql.Identifier:
        """For a statement."""
        return sql.Identifier(self.schema, self.table)

    @property
    def has_record(self) -> bool:
        """Whether a row is of a record, or of a pair of them."""
        return bool(self.columns & set(_RECORD))

    def of_records(self) -> sql.Composable:
        """Condition: the row is of one of the records in the parameters `agencies` and `records`."""
        parts = []
        for record, agency in _RECORD.items():
            if record in self.columns and agency in self.columns:
                text = "({}, {}) IN (SELECT * FROM unnest(%(agencies)s::text[], %(records)s::text[]))"
                parts.append(sql.SQL(text).format(sql.Identifier(agency), sql.Identifier(record)))
            elif record in self.columns:
                parts.append(sql.SQL("{} = ANY(%(records)s::text[])").format(sql.Identifier(record)))
        return sql.SQL("(") + sql.SQL(" OR ").join(parts) + sql.SQL(")")

    def of_persons(self) -> sql.Composable:
        """Condition: the row names one of the persons in the parameter `persons`."""
        named = [
            sql.SQL("{} = ANY(%(persons)s::uuid[])").format(sql.Identifier(c)) for c in _PERSON if c in self.columns
        ]
        return sql.SQL("(") + sql.SQL(" OR ").join(named) + sql.SQL(")")


def places(connection: Connection) -> list[Place]:
    """Every table of the warehouse, whatever schema it is in."""
    rows = connection.execute(
        """SELECT n.nspname, c.relname, array_agg(a.attname::text)
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
             AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%%'
           GROUP BY n.nspname, c.relname ORDER BY n.nspname, c.relname"""
    ).fetchall()
    return [Place(schema, table, frozenset(columns)) for schema, table, columns in rows]


def parameters(records: Records, persons: Iterable[UUID] = ()) -> dict[str, Any]:
    """What the conditions of `Place` need."""
    pairs = [(agency, record) for agency, found in sorted(records.items()) for record in sorted(found)]
    return {
        "agencies": [agency for agency, _ in pairs],
        "records": [record for _, record in pairs],
        "persons": list(persons),
    }


def persons_of(connection: Connection, records: Records) -> set[UUID]:
    """Every person that a row of these records was ever said to be."""
    found: set[UUID] = set()
    for place in places(connection):
        if "record_pseudonym" in place.columns and "person_key" in place.columns:
            query = sql.SQL("SELECT DISTINCT person_key FROM {} WHERE person_key IS NOT NULL AND {}")
            rows = connection.execute(query.format(place.identifier, place.of_records()), parameters(records))
            found |= {row[0] for row in rows.fetchall()}
    return found


def records_of(connection: Connection, records: Records, *, is_everywhere: bool) -> dict[str, frozenset[str]]:
    """These records and all others that are taken to be the same persons today, by agency.

    Of one agency, which knows a child by another pseudonym in each of its datasets; or of every agency.
    """
    rows = connection.execute(
        """SELECT DISTINCT agency_code, record_pseudonym FROM link.crosswalk
           WHERE valid_to = 'infinity' AND (%(everywhere)s OR agency_code = ANY(%(agencies)s)) AND person_key IN (
               SELECT person_key FROM link.crosswalk WHERE valid_to = 'infinity' AND (agency_code, record_pseudonym)
                   IN (SELECT * FROM unnest(%(agencies)s::text[], %(records)s::text[])))""",
        parameters(records) | {"everywhere": is_everywhere},
    ).fetchall()
    found = {agency: set(pseudonyms) for agency, pseudonyms in records.items()}
    for agency, pseudonym in rows:
        found.setdefault(agency, set()).add(pseudonym)
    return {agency: frozenset(pseudonyms) for agency, pseudonyms in found.items()}


def sources_of(connection: Connection, records: Records) -> dict[str, int]:
    """How many of these records the linker knows of each dataset, by `agency/dataset`."""
    return dict(
        connection.execute(
            """SELECT agency_code || '/' || dataset_code, count(DISTINCT record_pseudonym)::integer
               FROM link.crosswalk WHERE (agency_code, record_pseudonym)
                   IN (SELECT * FROM unnest(%(agencies)s::text[], %(records)s::text[]))
               GROUP BY 1 ORDER BY 1""",
            parameters(records),
        ).fetchall()
    )


def delete(connection: Connection, records: Records) -> Counter[str]:
    """Delete every row of these records, and of persons nobody else is; rows by table. Does not commit.

    A person who has other records keeps the key; what was put together from all records of the person goes, and the
    next refresh puts it together from those that are left. Rounds are run until one finds nothing: a trigger may have
    written what the last one deleted into a history. The next refresh has to make persons and marts anew, whatever the
    state of its files.
    """
    connection.execute(
        """UPDATE ops.refresh SET code_version = code_version || '+erased'
           WHERE refresh_key = (SELECT max(refresh_key) FROM ops.refresh)"""
    )
    persons, counts = persons_of(connection, records), Counter[str]()
    everywhere = places(connection)
    for _ in range(MOST_ROUNDS):
        before = counts.total()
        for place in everywhere:
            if place.has_record:
                counts[place.name] += _delete(connection, place, place.of_records(), parameters(records))
        alone = parameters({}, _without_records(connection, persons))
        made = parameters({}, persons)
        for place in everywhere:
            if place.columns & set(_PERSON) and not place.has_record:
                given = alone if place.schema == "link" else made
                counts[place.name] += _delete(connection, place, place.of_persons(), given)
        if counts.total() == before:
            return +counts
    raise SystemFault(f"rows of the record come back as they are deleted; looked {MOST_ROUNDS} times")


def _delete(connection: Connection, place: Place, where: sql.Composable, given: dict[str, Any]) -> int:
    return connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(place.identifier, where), given).rowcount


def _without_records(connection: Connection, persons: set[UUID]) -> set[UUID]:
    """Those of some persons of whom no record is known any more."""
    rows = connection.execute(
        "SELECT DISTINCT person_key FROM link.crosswalk WHERE person_key = ANY(%s)", (list(persons),)
    ).fetchall()
    return persons - {row[0] for row in rows}


def every_record(connection: Connection, agencies: Iterable[str]) -> set[tuple[str, str]]:
    """Agency and pseudonym of every record of some agencies that a table names."""
    found: set[tuple[str, str]] = set()
    for place in places(connection):
        for record, agency in _RECORD.items():
            if {record, agency} <= place.columns:
                query = sql.SQL("SELECT DISTINCT {0}, {1} FROM {2} WHERE {0} = ANY(%s) AND {1} IS NOT NULL").format(
                    sql.Identifier(agency), sql.Identifier(record), place.identifier
                )
                found |= set(connection.execute(query, (list(agencies),)).fetchall())
    return found
