"""Thirty nights of person keys in a real database: churn is what truly merged and parted; no key serves another child.

Children are drawn, each with records in up to four sources. Every night some are taken to be one person, some of those
are told apart again, children are born, records go and come back. What the linker found is given; what is tested is how
keys follow, and that all of it can still be asked for on the last night.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from typing import Any

import duckdb
import psycopg

from pipelines.link import person_keys
from pipelines.link.person_keys import Record

CHILDREN, NIGHTS, TENTH = 120, 30, 9
SOURCES = (("education", "one"), ("social_care", "two"), ("north_trust", "three"), ("planning", "four"))
Picture = dict[Record, str]


class World:
    """Who is whom: groups of children that are taken to be one person, and which records are there."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311
        self.groups: list[list[int]] = []
        self.present: set[Record] = set()
        self.absent: set[Record] = set()
        for _ in range(CHILDREN):
            self._birth()

    def persons(self) -> list[list[Record]]:
        of = {child: number for number, group in enumerate(self.groups) for child in group}
        found: dict[int, list[Record]] = defaultdict(list)
        for record in sorted(self.present):
            found[of[child_of(record)]].append(record)
        return list(found.values())

    def night(self) -> Counter[str]:
        """Something happens to some; how often keys must be new, merge, part and retire because of it."""
        whole = [group for group in self.groups if not any(child_of(record) in group for record in self.absent)]
        self.draw.shuffle(whole)
        parting = [group for group in whole if len(group) > 1][:2]
        alone = [group for group in whole if group not in parting]
        merging = [(alone.pop(), alone.pop()) for _ in range(4)]
        touched = {child for group in (*parting, *(g for pair in merging for g in pair)) for child in group}
        for kept, other in merging:
            kept += other
            self.groups.remove(other)
        for group in parting:
            self.groups.append([group.pop(self.draw.randrange(len(group)))])
        before = self._peopled()
        self._leave_and_return([r for r in sorted(self.present | self.absent) if child_of(r) not in touched])
        after = self._peopled()
        for _ in range(3):
            self._birth()
        return Counter(
            keys_merge=4, keys_split=len(parting), keys_retire=len(before - after), keys_new=len(after - before) + 3
        )

    def _birth(self) -> None:
        child = sum(len(group) for group in self.groups)
        self.groups.append([child])
        self.present |= {(*source, f"{child}:{number}") for number, source in enumerate(SOURCES[: 1 + child % 4])}

    def _leave_and_return(self, some: list[Record]) -> None:
        for record in self.draw.sample(some, 20):
            here, there = (self.present, self.absent) if record in self.present else (self.absent, self.present)
            here.remove(record)
            there.add(record)

    def _peopled(self) -> set[int]:
        """The groups of which any record is there, by their first child."""
        here = {child_of(record) for record in self.present}
        return {group[0] for group in self.groups if here & set(group)}


def child_of(record: Record) -> int:
    return int(record[2].split(":")[0])


def linked(people: list[list[Record]]) -> duckdb.DuckDBPyConnection:
    """The tables that the linker leaves, for these people."""
    db = duckdb.connect(":memory:")
    sources = ", ".join(f"({number}, '{agency}', '{dataset}')" for number, (agency, dataset) in enumerate(SOURCES))
    rows = [(number, record) for number, person in enumerate(people) for record in person]
    records = ", ".join(
        f"({place}, {number}, {SOURCES.index(record[:2])}, '{record[2]}')"
        for place, (number, record) in enumerate(rows)
    )
    db.execute(f"""
        CREATE TABLE source AS FROM (VALUES {sources}) t(source_id, agency, dataset);
        CREATE TABLE record AS FROM (VALUES {records}) t(record_id, person_id, source_id, record_pseudonym);
        CREATE TABLE person AS SELECT record_id, person_id FROM record;
        ALTER TABLE record DROP person_id""")
    return db


def crosswalk(connection: psycopg.Connection[Any], at: datetime) -> Picture:
    """Which key each record had at a moment."""
    rows = connection.execute(
        """SELECT agency_code, dataset_code, record_pseudonym, person_key::text FROM link.crosswalk
           WHERE valid_from <= %(at)s AND valid_to > %(at)s""",
        {"at": at},
    ).fetchall()
    found = {(agency, dataset, record): key for agency, dataset, record, key in rows}
    assert len(found) == len(rows)
    return found


def gathered(picture: Picture) -> list[list[Record]]:
    """The records of each key, in order."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record, key in sorted(picture.items()):
        found[key].append(record)
    return list(found.values())


def holders(picture: Picture) -> dict[str, set[int]]:
    """The children of each key."""
    found: dict[str, set[int]] = defaultdict(set)
    for record, key in picture.items():
        found[key].add(child_of(record))
    return found


def test_churn_is_what_truly_moved_and_no_key_serves_another_child(connection: psycopg.Connection[Any]) -> None:
    world = World(5)
    seen: list[Picture] = []
    moments: list[datetime] = []
    merged: list[set[str]] = []
    for night in range(NIGHTS):
        truly = world.night() if night else Counter(keys_new=CHILDREN)
        people = world.persons()
        with linked(people) as db:
            loaded = person_keys.load(connection, db, person_keys.crosswalk(connection))
        found = person_keys.assign(loaded.people, loaded.held, loaded.age, loaded.newcomers)
        person_keys.write(connection, found)
        connection.commit()
        assert {kind: n for kind, n in found.counts().items() if kind.startswith("keys_") and n} == +truly, night
        moments.append(connection.execute("SELECT clock_timestamp()").fetchall()[0][0])
        seen.append(crosswalk(connection, moments[-1]))
        merged.append({str(key) for kind, key, *_ in found.events if kind == "merge"})
        assert sorted(gathered(seen[-1])) == sorted(people)

    # What night ten knew is what night thirty says that it knew, key by key; and so for every night.
    assert [crosswalk(connection, moment) for moment in moments] == seen
    assert seen[TENTH] != seen[-1]

    had: dict[str, set[int]] = {}
    away: set[str] = set()
    last: set[str] = set()
    for picture, gone in zip(seen, merged, strict=True):
        here = holders(picture)
        away |= gone
        assert not away & set(here), "a key that was merged away came back"
        for key in set(here) & set(had):
            # A key goes on with a child that it had; one that was retired comes back with those children and no other.
            assert here[key] & had[key] and (key in last or here[key] <= had[key])
        had |= here
        last = set(here)
    assert len(away) == 4 * (NIGHTS - 1)
    made = connection.execute("""
        SELECT CASE kind WHEN 'split' THEN other_key ELSE person_key END, array_agg(kind ORDER BY event_key)
        FROM link.key_event WHERE kind <> 'merge' GROUP BY 1""").fetchall()
    for _, kinds in made:
        assert kinds[0] in ("new", "split")
        assert all((a, b) in {("new", "retire"), ("split", "retire"), ("retire", "new")} for a, b in pairwise(kinds))
