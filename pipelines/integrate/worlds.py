"""Worlds: how a few children who share uncertain ties would come out, each way that any draw makes them.

Children who may exchange records form a group; groups have nothing to do with each other. Of fifty draws most make the
same few things of a group, so that all its worlds together are hardly more than the group itself: that is what makes
ranges cheap.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]
Record = tuple[str, str, str]
# A person's key as text: there are many, and text is compared in less time.
Child = str
Way = tuple[tuple[Record, Child], ...]
AS_IT_STANDS: Way = ()


def with_persons(connection: Connection) -> dict[str, list[str]]:
    """The tables of core that say of a record whose it is, with their columns."""
    rows = connection.execute(
        """SELECT relname, array_agg(attname::text ORDER BY attnum)
           FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
           WHERE relnamespace = 'core'::regnamespace AND relkind = 'r' AND relname <> 'key_draw'
           GROUP BY relname HAVING array_agg(attname::text) @> '{record_pseudonym, person_key}' ORDER BY relname"""
    ).fetchall()
    return dict(rows)


def lay_out(connection: Connection) -> None:
    """Make the temporary tables of the worlds.

    world: the worlds, each with the world that is its group as it stands; for that one itself.
    world_child: the children of each world; a child has a key of its own in each.
    world_move: the records that are another child's than they stand as, whose record it is there.
    world_of_draw: the world that a draw makes of a group; nothing for a group that it leaves as it stands.
    """
    stands = _stands(connection)
    drawn: dict[int, dict[Record, Child]] = defaultdict(dict)
    for draw, agency, dataset, record, person in connection.execute(
        """SELECT draw, agency_code, dataset_code, record_pseudonym, person_key::text FROM core.key_draw
           ORDER BY 1, 2, 3, 4"""
    ):
        if (agency, dataset, record) in stands:
            drawn[draw][agency, dataset, record] = person
    _write(connection, stands, drawn)


def _stands(connection: Connection) -> dict[Record, Child]:
    """Whose each record that any draw moves is as it stands; by the crosswalk, where core.person_record lacks it."""
    rows = connection.execute(
        """SELECT d.agency_code, d.dataset_code, d.record_pseudonym, coalesce(
               (SELECT person_key FROM core.person_record AS t WHERE (t.agency_code, t.dataset_code, t.record_pseudonym)
                   = (d.agency_code, d.dataset_code, d.record_pseudonym)),
               (SELECT person_key FROM link.crosswalk AS t WHERE (t.agency_code, t.dataset_code, t.record_pseudonym)
                   = (d.agency_code, d.dataset_code, d.record_pseudonym) AND t.valid_to = 'infinity')
           )::text FROM (SELECT DISTINCT agency_code, dataset_code, record_pseudonym FROM core.key_draw) AS d"""
    )
    return {(agency, dataset, record): person for agency, dataset, record, person in rows if person is not None}


def groups(stands: dict[Record, Child], drawn: dict[int, dict[Record, Child]]) -> dict[Child, Child]:
    """Child -> a child that stands for its group: those between whom any draw moves a record, at any distance."""
    above: dict[Child, Child] = {}

    def top(child: Child) -> Child:
        while above.setdefault(child, child) != child:
            above[child] = child = above[above[child]]
        return child

    for moved in drawn.values():
        for record, person in moved.items():
            above[top(person)] = top(stands[record])
    return {child: top(child) for child in list(above)}


def _write(connection: Connection, stands: dict[Record, Child], drawn: dict[int, dict[Record, Child]]) -> None:
    group_of = groups(stands, drawn)
    children: dict[Child, list[Child]] = defaultdict(list)
    for child, group in group_of.items():
        children[group].append(child)
    numbers, keys = count(1), count(1)
    found: dict[tuple[Child, Way], int] = {(group, AS_IT_STANDS): next(numbers) for group in children}
    of_draws: list[tuple[int, int]] = []
    for draw, moved in drawn.items():
        of_group: dict[Child, list[tuple[Record, Child]]] = defaultdict(list)
        for record, person in moved.items():
            of_group[group_of[person]].append((record, person))
        for group, way in of_group.items():
            world = found.get((group, tuple(way))) or found.setdefault((group, tuple(way)), next(numbers))
            of_draws.append((draw, world))
    own = {(world, child): UUID(int=next(keys)) for (group, _), world in found.items() for child in children[group]}
    tables: dict[str, list[tuple[Any, ...]]] = {
        "world (world integer, stands integer)": [
            (world, found[group, AS_IT_STANDS]) for (group, _), world in found.items()
        ],
        "world_child (world integer, person_key uuid, drawn_key uuid)": [
            (world, child, key) for (world, child), key in own.items()
        ],
        "world_move (world integer, agency_code text, dataset_code text, record_pseudonym text, drawn_key uuid)": [
            (world, *record, own[world, person]) for (_, way), world in found.items() for record, person in way
        ],
        "world_of_draw (draw integer, world integer)": of_draws,
    }
    for table, rows in tables.items():
        name = table.split()[0]
        connection.execute(f"CREATE TEMP TABLE {table} ON COMMIT DROP")  # type: ignore[call-overload]
        with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:  # type: ignore[call-overload]
            for row in rows:
                copy.write_row(row)
        connection.execute(f"ANALYZE {name}")  # type: ignore[call-overload]
