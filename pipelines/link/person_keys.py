"""Person keys that last: tonight's people get the keys their records had before, wherever that is possible.

Keys are random. A key goes to the person who holds most of the records that had it; ties go to the older key; the
largest part of a split keeps it; a merged key names its survivor. A record that is no longer sent keeps its row in
`link.crosswalk`, closed, and counts as having had its key if it returns.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from pipelines.errors import SystemFault

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


@dataclass(frozen=True)
class Held:
    """The key a record had last, and whether its row is still open."""

    key: uuid.UUID
    is_open: bool


@dataclass
class Assignment:
    """What changes in the crosswalk: rows to close, rows to open, and the events that say why."""

    closed: list[Record] = field(default_factory=list)
    opened: list[tuple[Record, uuid.UUID]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Changes by kind; all 0 on an unchanged night."""
        kinds = Counter(kind for kind, *_ in self.events)
        moved = {record for record, _ in self.opened} & set(self.closed)
        return {
            "records_new": len(self.opened) - len(moved),
            "records_moved": len(moved),
            "records_gone": len(self.closed) - len(moved),
            **{f"keys_{kind}": kinds[kind] for kind in ("new", "merge", "split", "retire")},
        }


def assign(people: Iterable[list[Record]], held: Mapping[Record, Held], age: Mapping[uuid.UUID, int]) -> Assignment:
    """Give every person a key.

    Args:
        people: the records of each person tonight; each record once.
        held: the key each record had last, merged keys already replaced by their survivor.
        age: order in which keys came into being, the lowest the oldest.
    """
    groups = sorted((sorted(records) for records in people), key=lambda records: records[0])
    overlaps = []
    for number, records in enumerate(groups):
        had = Counter(held[record].key for record in records if record in held)
        overlaps += [(-count, age.get(key, 0), number, key) for key, count in had.items()]
    key_of: dict[int, uuid.UUID] = {}
    taken: dict[uuid.UUID, int] = {}
    best: dict[uuid.UUID, int] = {}
    wanted: dict[int, uuid.UUID] = {}
    for _, _, number, key in sorted(overlaps):
        best.setdefault(key, number)
        wanted.setdefault(number, key)
        if number not in key_of and key not in taken:
            key_of[number], taken[key] = key, number
    found = Assignment()
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
        count = sum(-n for n, _, _, k in overlaps if k == key)
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


def check(found: Assignment, held: Mapping[Record, Held], most: float) -> None:
    """The circuit-breaker: raised where merges and splits together pass a share of the persons there were.

    most: the share; a few changes pass in any case, since a small area has few persons.
    """
    persons = len({row.key for row in held.values() if row.is_open})
    changes = sum(kind in ("merge", "split") for kind, *_ in found.events)
    if persons and changes > max(ALWAYS_FINE, most * persons):
        raise CircuitBreaker(changes, persons, most)


def load(connection: psycopg.Connection[Any]) -> tuple[dict[Record, Held], dict[uuid.UUID, int]]:
    """The last key of every record ever seen, and the age of every key, from `link.crosswalk` and `link.key_event`."""
    survivors: dict[uuid.UUID, uuid.UUID] = {}
    age: dict[uuid.UUID, int] = {}
    events = connection.execute("SELECT event_key, kind, person_key, other_key FROM link.key_event ORDER BY event_key")
    for order, kind, key, other in events:
        if kind == "merge":
            survivors[key] = other
        elif kind == "new":
            age.setdefault(key, order)
        elif kind == "split":
            age.setdefault(other, order)
    rows = connection.execute("""
        SELECT DISTINCT ON (agency_code, dataset_code, record_pseudonym)
               agency_code, dataset_code, record_pseudonym, person_key, valid_to = 'infinity'
        FROM link.crosswalk ORDER BY agency_code, dataset_code, record_pseudonym, valid_from DESC""")
    held = {}
    for agency, dataset, record, key, is_open in rows:
        while not is_open and key in survivors:
            key = survivors[key]
        held[agency, dataset, record] = Held(key, is_open)
    return held, age


def write(connection: psycopg.Connection[Any], found: Assignment) -> None:
    """Write an assignment into `link.crosswalk` and `link.key_event`, in the caller's transaction.

    Writes nothing at all where nothing changed. Rows are valid from the moment of writing.
    """
    if not (found.closed or found.opened or found.events):
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
        with cursor.copy(
            "COPY link.crosswalk (agency_code, dataset_code, record_pseudonym, person_key, valid_from) FROM STDIN"
        ) as copy:
            for record, key in found.opened:
                copy.write_row((*record, key, at))
        with cursor.copy("COPY link.key_event (at, kind, person_key, other_key, records) FROM STDIN") as copy:
            for event in found.events:
                copy.write_row((at, *event))
        # Without fresh statistics the next night's join over the open rows is planned as for an empty table.
        cursor.execute("ANALYZE link.crosswalk")


def groups(labels: Iterable[tuple[int, Record]]) -> list[list[Record]]:
    """Records gathered by person number."""
    found: dict[int, list[Record]] = defaultdict(list)
    for number, record in labels:
        found[number].append(record)
    return list(found.values())
