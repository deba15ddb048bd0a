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
from psycopg import sql

Connection = psycopg.Connection[Any]
Record = tuple[str, str, str]
AS_IT_STANDS: tuple[tuple[Record, UUID], ...] = ()


def with_persons(connection: Connection) -> dict[str, list[str]]:
    """The tables of core that say of a record whose it is, with their columns."""
    rows = connection.execute(
        """SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
           FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
           WHERE table_schema = 'core' AND table_type = 'BASE TABLE' AND table_name <> 'key_draw'
           GROUP BY table_name HAVING array_agg(column_name::text) @> '{record_pseudonym, person_key}'"""
    ).fetchall()
    return dict(rows)


def lay_out(connection: Connection) -> None:
    """Make the temporary tables of the worlds.

    uncertain_<table>: the rows of a table of core that are of children whom any draw touches, as they stand.
    world: whose each record of a group is in each of its worlds; a child has a key of its own in each.
    world_of_draw: draw, world and sign, 1 for the world the draw makes of a group and -1 for the group as it stands;
    nothing for a group that the draw leaves as it stands.
    """
    connection.execute(
        """CREATE TEMP TABLE uncertain_child ON COMMIT DROP AS
               SELECT DISTINCT person_key FROM core.key_draw UNION
               SELECT record.person_key FROM core.person_record AS record
               JOIN (SELECT DISTINCT agency_code, dataset_code, record_pseudonym FROM core.key_draw) AS moved
                   USING (agency_code, dataset_code, record_pseudonym) WHERE record.person_key IS NOT NULL"""
    )
    connection.execute("ANALYZE uncertain_child")
    few = []
    for table in with_persons(connection):
        few.append(sql.Identifier(f"uncertain_{table}"))
        for statement in (
            """CREATE TEMP TABLE {few} ON COMMIT DROP AS SELECT * FROM core.{t}
               WHERE person_key IN (SELECT person_key FROM uncertain_child)""",
            "ANALYZE {few}",
        ):
            connection.execute(sql.SQL(statement).format(t=sql.Identifier(table), few=few[-1]))
    of_each = "SELECT agency_code, dataset_code, record_pseudonym, person_key FROM {}"
    stands: dict[Record, UUID] = {
        (agency, dataset, record): person
        for agency, dataset, record, person in connection.execute(
            sql.SQL(" UNION ").join(sql.SQL(of_each).format(name) for name in few)
        )
    }
    drawn: dict[int, dict[Record, UUID]] = defaultdict(dict)
    for draw, agency, dataset, record, person in connection.execute(
        "SELECT draw, agency_code, dataset_code, record_pseudonym, person_key FROM core.key_draw ORDER BY 1, 2, 3, 4"
    ):
        if (agency, dataset, record) in stands:
            drawn[draw][agency, dataset, record] = person
    _write(connection, stands, drawn)


def groups(stands: dict[Record, UUID], drawn: dict[int, dict[Record, UUID]]) -> dict[UUID, UUID]:
    """Child -> a child that stands for its group: those between whom any draw moves a record, at any distance."""
    above: dict[UUID, UUID] = {}

    def top(child: UUID) -> UUID:
        while above.setdefault(child, child) != child:
            above[child] = child = above[above[child]]
        return child

    for moved in drawn.values():
        for record, person in moved.items():
            above[top(person)] = top(stands[record])
    return {child: top(child) for child in list(above)}


def _write(connection: Connection, stands: dict[Record, UUID], drawn: dict[int, dict[Record, UUID]]) -> None:
    connection.execute(
        """CREATE TEMP TABLE world (world integer, agency_code text, dataset_code text, record_pseudonym text,
               person_key uuid) ON COMMIT DROP"""
    )
    connection.execute("CREATE TEMP TABLE world_of_draw (draw integer, world integer, sign integer) ON COMMIT DROP")
    group_of = groups(stands, drawn)
    records: dict[UUID, list[Record]] = defaultdict(list)
    for record, person in stands.items():
        if person in group_of:
            records[group_of[person]].append(record)
    numbers, keys = count(1), count(1)
    found = {(group, AS_IT_STANDS): next(numbers) for group in records}
    with connection.cursor() as cursor, cursor.copy("COPY world_of_draw FROM STDIN") as copy:
        for draw, moved in drawn.items():
            of_group: dict[UUID, list[tuple[Record, UUID]]] = defaultdict(list)
            for record, person in moved.items():
                of_group[group_of[person]].append((record, person))
            for group, way in of_group.items():
                world = found.get((group, tuple(way))) or found.setdefault((group, tuple(way)), next(numbers))
                copy.write_row((draw, world, 1))
                copy.write_row((draw, found[group, AS_IT_STANDS], -1))
    with connection.cursor() as cursor, cursor.copy("COPY world FROM STDIN") as copy:
        for (group, ways), world in found.items():
            moves, own = dict(ways), defaultdict[UUID, UUID](lambda: UUID(int=next(keys)))
            for record in records[group]:
                copy.write_row((world, *record, own[moves.get(record, stands[record])]))
    connection.execute("ANALYZE world; ANALYZE world_of_draw")
