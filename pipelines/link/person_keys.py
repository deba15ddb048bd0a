"""Person keys that last: tonight's people get the keys their records had before, wherever that is possible.

Keys are random. A key goes to the person who holds most of the records that had it; ties go to the older key; the
largest part of a split keeps it; a merged key names its survivor. A record that is no longer sent keeps its row in
`link.crosswalk`, closed, and counts as having had its key if it returns.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow as pa

from pipelines.errors import SystemFault
from pipelines.link import stored

# Merges and splits of a night that nobody need look at.
ALWAYS_FINE = 50


class CircuitBreaker(SystemFault):
    """More persons would merge or split than may in one run. counts: `would_merge_or_split` and `persons`."""

    def __init__(self, changes: int, persons: int, most: float) -> None:
        super().__init__(
            f"the matcher would merge or split {changes:,} of {persons:,} persons, more than {most:.1%}: nothing"
            " was changed. Look at what arrived last; where it is right, set JOINT_NEEDS_MOST_KEY_CHANGES for one run"
        )
        self.counts = {"would_merge_or_split": changes, "persons": persons}


# agency, dataset, record pseudonym
Record = tuple[str, str, str]
# kind, person key, other key, records
Event = tuple[str, uuid.UUID, uuid.UUID | None, int]
_NOBODY = pa.table({name: pa.array([], pa.string()) for name in ("agency", "dataset", "record_pseudonym", "key")})


@dataclass(frozen=True)
class Held:
    """The key a record had last, and whether its row is still open."""

    key: uuid.UUID
    is_open: bool


@dataclass
class Assignment:
    """What changes in the crosswalk: rows to close, rows to open, and the events that say why.

    newcomers: records of people of whom none was here before, whom nothing but a new key can befall: one row for each,
    agency, dataset, record_pseudonym and key, those of one person together. They have no events of their own.
    """

    closed: list[Record] = field(default_factory=list)
    opened: list[tuple[Record, uuid.UUID]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    newcomers: pa.Table = field(default_factory=lambda: _NOBODY)

    def counts(self) -> dict[str, int]:
        """Changes by kind; all 0 on an unchanged night."""
        kinds = Counter(kind for kind, *_ in self.events)
        moved = {record for record, _ in self.opened} & set(self.closed)
        kinds["new"] += len(self.newcomers["key"].unique())
        return {
            "records_new": len(self.opened) - len(moved) + len(self.newcomers),
            "records_moved": len(moved),
            "records_gone": len(self.closed) - len(moved),
            **{f"keys_{kind}": kinds[kind] for kind in ("new", "merge", "split", "retire")},
        }


def assign(
    people: Iterable[list[Record]],
    held: Mapping[Record, Held],
    age: Mapping[uuid.UUID, int],
    newcomers: pa.Table = _NOBODY,
) -> Assignment:
    """Give every person a key.

    Args:
        people: the records of each person tonight; each record once.
        held: the key each record had last, merged keys already replaced by their survivor.
        age: order in which keys came into being, the lowest the oldest.
        newcomers: as `Night` has them, with their keys.
    """
    groups = sorted((sorted(records) for records in people), key=lambda records: records[0])
    overlaps = []
    for number, records in enumerate(groups if held else ()):
        known = [held[record] for record in records if record in held]
        had, has = Counter(row.key for row in known), Counter(row.key for row in known if row.is_open)
        # A record that comes back takes no key from a person who was here all the time.
        overlaps += [(-has[key], -count, age.get(key, 0), number, key) for key, count in had.items()]
    key_of: dict[int, uuid.UUID] = {}
    taken: dict[uuid.UUID, int] = {}
    best: dict[uuid.UUID, int] = {}
    wanted: dict[int, uuid.UUID] = {}
    for *_, number, key in sorted(overlaps):
        best.setdefault(key, number)
        wanted.setdefault(number, key)
        if number not in key_of and key not in taken:
            key_of[number], taken[key] = key, number
    found = Assignment(newcomers=newcomers)
    for number, records in enumerate(groups):
        if number in key_of:
            continue
        key_of[number] = uuid.uuid4()
        origin = wanted.get(number)
        found.events.append(
            ("split", origin, key_of[number], len(records)) if origin else ("new", key_of[number], None, len(records))
        )
    open_keys = {row.key for row in held.values() if row.is_open}
    for key in sorted(open_keys - set(taken), key=lambda k: age.get(k, 0)):
        count = sum(-n for _, n, _, _, k in overlaps if k == key)
        survivor = key_of[best[key]] if key in best else None
        found.events.append(("merge", key, survivor, count) if survivor else ("retire", key, None, 0))
    for key in sorted(set(taken) - open_keys, key=lambda k: age.get(k, 0)):
        found.events.append(("new", key, None, len(groups[taken[key]])))
    present: set[Record] = set()
    for number, records in enumerate(groups):
        present.update(records)
        for record in records:
            row = held.get(record)
            if row and row.is_open and row.key == key_of[number]:
                continue
            if row and row.is_open:
                found.closed.append(record)
            found.opened.append((record, key_of[number]))
    found.closed += sorted(record for record, row in held.items() if row.is_open and record not in present)
    return found


def check(found: Assignment, persons: int, most: float) -> None:
    """The circuit-breaker: raised where merges and splits together pass a share of the persons there were.

    most: the share; a few changes pass in any case, since a small area has few persons.
    """
    changes = sum(kind in ("merge", "split") for kind, *_ in found.events)
    if persons and changes > max(ALWAYS_FINE, most * persons):
        raise CircuitBreaker(changes, persons, most)


@dataclass(frozen=True)
class Night:
    """What there is to decide: the people whose keys may change, and what their records had before.

    held: the last key of each of their records, a merged key replaced by its survivor, and the open rows of records
    that are gone. age: the order in which those keys came into being. persons: how many there were in all.
    newcomers: see `Assignment`; they are not among the people.
    """

    people: list[list[Record]]
    held: dict[Record, Held]
    age: dict[uuid.UUID, int]
    persons: int
    newcomers: pa.Table


def crosswalk(connection: psycopg.Connection[Any]) -> pa.Table:
    """The last row of every record in `link.crosswalk`: agency, dataset, record_pseudonym, key, is_open."""
    columns = ("agency", "dataset", "record_pseudonym", "key", "is_open")
    row = "agency_code, dataset_code, record_pseudonym, person_key"
    return stored.fetch(connection, columns, f"""
        SELECT {row}, true FROM link.crosswalk WHERE valid_to = 'infinity'
        UNION ALL (
            SELECT DISTINCT ON (agency_code, dataset_code, record_pseudonym) {row}, false FROM link.crosswalk AS gone
            WHERE NOT EXISTS (
                SELECT FROM link.crosswalk AS here
                WHERE here.valid_to = 'infinity' AND here.agency_code = gone.agency_code
                  AND here.dataset_code = gone.dataset_code AND here.record_pseudonym = gone.record_pseudonym)
            ORDER BY agency_code, dataset_code, record_pseudonym, valid_from DESC)""")  # noqa: S608  # fmt: skip


def load(
    connection: psycopg.Connection[Any], db: duckdb.DuckDBPyConnection, before: pa.Table, *, everyone: bool = False
) -> Night:
    """Tonight's people from `person`, `record`, `source`, beside the crosswalk as it was and `link.key_event`.

    Who has the records that a key had, those and no others, keeps it whatever befalls the rest, and is left out unless
    everyone is asked for. People all of whose records are new get their keys here, as arrays.
    """
    db.register("crosswalk_rows", before)
    db.execute("""
        CREATE OR REPLACE TEMP TABLE before AS FROM crosswalk_rows;
        CREATE OR REPLACE TEMP TABLE tonight AS
        SELECT person_id, agency, dataset, record_pseudonym, key, is_open
        FROM person JOIN record USING (record_id) JOIN source USING (source_id)
        LEFT JOIN before USING (agency, dataset, record_pseudonym)""")
    db.unregister("crosswalk_rows")
    returned = [
        uuid.UUID(key) for (key,) in db.execute("SELECT DISTINCT key FROM tonight WHERE NOT is_open").fetchall()
    ]
    survivors = _survivors(connection) if returned else {}
    wanted = [str(_last(key, survivors)) for key in returned]
    db.execute(
        """CREATE OR REPLACE TEMP TABLE settled AS
           WITH one AS (
               SELECT person_id, any_value(key) AS key, count(*) AS records
               FROM tonight GROUP BY person_id HAVING count(DISTINCT key) = 1 AND bool_and(coalesce(is_open, false))
           ), holding AS (SELECT key, count(*) AS records FROM before WHERE is_open GROUP BY key)
           SELECT person_id, key FROM one JOIN holding USING (key, records)
           WHERE NOT ? AND NOT list_contains(?::VARCHAR[], key)""",
        [everyone, wanted],
    )
    db.execute("""
        CREATE OR REPLACE TEMP TABLE newcomer AS
        SELECT person_id, row_number() OVER (ORDER BY person_id) - 1 AS place
        FROM tonight GROUP BY person_id HAVING count(key) = 0""")
    newcomers = _with_keys(
        db.sql("""
        SELECT agency, dataset, record_pseudonym, place FROM tonight JOIN newcomer USING (person_id)
        ORDER BY place, agency, dataset, record_pseudonym""").to_arrow_table()
    )
    people = db.execute("""
        SELECT * EXCLUDE (key, is_open)
        FROM tonight ANTI JOIN settled USING (person_id) ANTI JOIN newcomer USING (person_id)""").fetchall()
    rows = db.execute("""
        SELECT agency, dataset, record_pseudonym, key, is_open FROM before ANTI JOIN settled USING (key)
        WHERE is_open OR (agency, dataset, record_pseudonym) IN (
            SELECT (agency, dataset, record_pseudonym) FROM tonight WHERE NOT is_open)""").fetchall()
    persons = int(db.execute("SELECT count(DISTINCT key) FROM before WHERE is_open").fetchall()[0][0])
    db.execute("DROP TABLE before; DROP TABLE tonight; DROP TABLE settled; DROP TABLE newcomer")
    held = {}
    for agency, dataset, record, text, is_open in rows:
        key = uuid.UUID(text)
        held[agency, dataset, record] = Held(key if is_open else _last(key, survivors), is_open)
    gathered = groups((person, (agency, dataset, record)) for person, agency, dataset, record in people)
    return Night(gathered, held, _age(connection, {row.key for row in held.values()}), persons, newcomers)


def _with_keys(records: pa.Table) -> pa.Table:
    """Records with a new key for each `place`, numbers from 0 on that never fall, instead of it."""
    places = records["place"].to_numpy()
    drawn = np.frombuffer(os.urandom(16 * (int(places[-1]) + 1 if len(places) else 0)), np.uint8).reshape(-1, 16).copy()
    # Version 4 and its variant, RFC 9562.
    drawn[:, 6] = drawn[:, 6] & 0x0F | 0x40
    drawn[:, 8] = drawn[:, 8] & 0x3F | 0x80
    keys = pa.array([str(uuid.UUID(bytes=one.tobytes())) for one in drawn], pa.string())
    return records.drop_columns("place").append_column("key", keys.take(pa.array(places)))


def _survivors(connection: psycopg.Connection[Any]) -> dict[uuid.UUID, uuid.UUID]:
    """What each merged key was merged into."""
    merges = "SELECT person_key, other_key FROM link.key_event WHERE kind = 'merge' ORDER BY event_key"
    return dict(connection.execute(merges).fetchall())


def _last(key: uuid.UUID, survivors: Mapping[uuid.UUID, uuid.UUID]) -> uuid.UUID:
    while key in survivors:
        key = survivors[key]
    return key


def _age(connection: psycopg.Connection[Any], keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The event with which each key came into being."""
    made = "CASE kind WHEN 'split' THEN other_key ELSE person_key END"
    query = f"""SELECT {made}, min(event_key) FROM link.key_event
        WHERE kind IN ('new', 'split') AND {made} = ANY(%s) GROUP BY 1"""  # noqa: S608
    return dict(connection.execute(query, (list(keys),)).fetchall())  # type: ignore[arg-type]


def write(connection: psycopg.Connection[Any], found: Assignment) -> None:
    """Write an assignment into `link.crosswalk` and `link.key_event`, in the caller's transaction.

    Writes nothing at all where nothing changed. Rows are valid from the moment of writing.
    """
    if not (found.closed or found.opened or found.events or len(found.newcomers)):
        return
    at = connection.execute("SELECT clock_timestamp()").fetchall()[0][0]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE gone (agency text, dataset text, record text) ON COMMIT DROP")
        with cursor.copy("COPY gone FROM STDIN") as copy:
            for record in found.closed:
                copy.write_row(record)
        cursor.execute("ANALYZE gone")
        cursor.execute(
            """UPDATE link.crosswalk SET valid_to = %s FROM gone
               WHERE valid_to = 'infinity' AND agency_code = agency AND dataset_code = dataset
                 AND record_pseudonym = record""",
            (at,),
        )
        cursor.execute("DROP TABLE gone")
        _open(connection, found, at)
        _tell(connection, found, at)
        # Without fresh statistics the next night's join over the open rows is planned as for an empty table.
        cursor.execute("ANALYZE link.crosswalk")


def _open(connection: psycopg.Connection[Any], found: Assignment, at: datetime) -> None:
    """Append the rows in the order of the table's key, which spares its indexes."""
    moved = [(*record, str(key)) for record, key in found.opened]
    columns = zip(*moved, strict=True) if moved else ((), (), (), ())
    rows = pa.table(dict(zip(_NOBODY.column_names, (pa.array(c, pa.string()) for c in columns), strict=True)))
    rows = pa.concat_tables([found.newcomers, rows]).sort_by([(name, "ascending") for name in _NOBODY.column_names[:3]])
    names = "agency_code, dataset_code, record_pseudonym, person_key, valid_from"
    times = pa.repeat(at.isoformat(), len(rows))
    stored.put(connection, f"link.crosswalk ({names})", rows.append_column("valid_from", times))


def _tell(connection: psycopg.Connection[Any], found: Assignment, at: datetime) -> None:
    """Append the events: newcomers in their order, then the others."""
    new = found.newcomers["key"].combine_chunks().value_counts()
    kinds, keys, others, records = zip(*found.events, strict=True) if found.events else ((), (), (), ())
    count = len(new) + len(kinds)
    stored.put(connection, "link.key_event (at, kind, person_key, other_key, records)", pa.table({
        "at": pa.repeat(at.isoformat(), count),
        "kind": pa.concat_arrays([pa.repeat("new", len(new)), pa.array(kinds, pa.string())]),
        "person_key": pa.concat_arrays([new.field("values"), pa.array(map(str, keys), pa.string())]),
        "other_key": pa.concat_arrays([pa.nulls(len(new), pa.string()), pa.array(map(_text, others), pa.string())]),
        "records": pa.concat_arrays([new.field("counts"), pa.array(records, pa.int64())]),
    }))  # fmt: skip


def _text(key: uuid.UUID | None) -> str | None:
    return str(key) if key else None


def groups(labels: Iterable[tuple[int, Record]]) -> list[list[Record]]:
    """Records gathered by person number."""
    found: dict[int, list[Record]] = defaultdict(list)
    for number, record in labels:
        found[number].append(record)
    return list(found.values())
