"""Ranges: what they are read from, and what is left out of them in the partnership's copy of the marts."""

from datetime import date
from pathlib import Path

import psycopg
import yaml

from pipelines.integrate import marts, partnership, persons, ranges, shape, worlds
from tests.sql.test_golden import insert

DAY = date(2026, 3, 20)


def test_the_partnership_sees_no_small_end(connection: psycopg.Connection):
    for mart in marts.load():
        shape.ensure(connection, mart.name, mart.definition)
    rows = {"few": (3, 2, 9), "none": (0, 0, 3), "some": (6, 4, 8), "many": (40, 38, 44), "sure": (40, 40, 40)}
    for sets, counts in rows.items():
        connection.execute(
            """INSERT INTO mart.multi_agency_overlap (time_period, geographic_level, area_code, sets, base_count,
                   children_count, children_low, children_high) VALUES (%s, 'area', 'ALL', %s, 500, %s, %s, %s)""",
            (DAY, sets, *counts),
        )
    partnership.share(connection, DAY, [mart.name for mart in marts.load()])
    found = connection.execute(
        "SELECT sets, children_count, children_low, children_high FROM partnership.multi_agency_overlap"
    ).fetchall()
    assert {sets: tuple(counts) for sets, *counts in found} == {
        "few": (None, None, None), "none": (0, 0, 5), "some": (6, 0, 8), "many": (40, 38, 44), "sure": (40, 40, 40),
    }  # fmt: skip


def test_a_mart_with_ranges_is_due_where_only_the_draws_changed(connection: psycopg.Connection):
    found = {mart.name: mart for mart in marts.load()}
    due = {name for name, mart in found.items() if marts._is_due(connection, mart, {"key_draw"})}
    assert due >= {name for name, mart in found.items() if mart.definition.ranges}
    assert "ehc_process" not in due
    assert persons.refresh_draws(connection) == 0
    row = "INSERT INTO link.key_draw VALUES (%s, 'education', 'x', 'a', gen_random_uuid())"
    for number in (1, 2):
        connection.execute(row, (number,))
    assert persons.refresh_draws(connection) == 2 and persons.refresh_draws(connection) == 0
    connection.execute("UPDATE link.key_draw SET person_key = gen_random_uuid() WHERE draw = 1")
    assert persons.refresh_draws(connection) == 2, "one gone, one new"


def test_worlds_give_what_the_draws_give_one_by_one(connection: psycopg.Connection):
    """Each draw put into core, and the mart made of that: sorted, the counts are what the range is read from."""
    case = yaml.safe_load((Path(__file__).parents[1] / "sql" / "multi_agency_overlap" / "range.yaml").read_text())
    day, ranged = case["as_of"], [mart for mart in marts.load() if mart.definition.ranges]
    for table, rows in case["given"].items():
        insert(connection, table, rows, day)
    # Ben's record may be Ada's: once in the draw in which another is hers too, so that her group has several worlds.
    connection.execute(
        """INSERT INTO core.key_draw SELECT draw, 'north_trust', 'csds', 'b', ada.person_key
           FROM core.person_record AS ada CROSS JOIN (VALUES (7), (20), (21), (22)) AS of (draw)
           WHERE ada.record_pseudonym = 'a'"""
    )
    connection.commit()
    drawn = [draw for (draw,) in connection.execute("SELECT DISTINCT draw FROM core.key_draw").fetchall()]
    wide = 0
    for mart in ranged:
        marts.refresh(connection, mart, day, None)
        ((count, (low, high)),) = mart.definition.ranges.items()
        key = ", ".join(mart.definition.key)
        read = f"SELECT {key}, {{}} FROM mart.{mart.name}"
        served = {row[:-3]: row[-3:] for row in connection.execute(read.format(f"{count}, {low}, {high}")).fetchall()}
        connection.rollback()
        counts: dict[tuple, list[int]] = {cell: [] for cell in served}
        for draw in drawn:
            as_drawn(connection, draw)
            marts.refresh(connection, mart, day, None)
            found = {row[:-1]: row[-1] for row in connection.execute(read.format(count)).fetchall()}
            connection.rollback()
            for cell in counts:
                counts[cell].append(found.get(cell, 0))
        for cell, (stands, least, most) in served.items():
            of_draws = sorted(counts[cell] + [stands] * (ranges.DRAWS - len(drawn)))
            assert (least, most) == (min(stands, of_draws[2]), max(stands, of_draws[47])), (mart.name, cell)
            wide += least < most
    assert wide > 5


def test_the_planner_knows_every_table_of_worlds(connection: psycopg.Connection):
    """Without statistics it took the children of all worlds for a handful, and compared each with every other."""
    case = yaml.safe_load((Path(__file__).parents[1] / "sql" / "multi_agency_overlap" / "range.yaml").read_text())
    for table, rows in case["given"].items():
        insert(connection, table, rows, case["as_of"])
    for mart in marts.load():
        if mart.definition.ranges:
            marts.refresh(connection, mart, case["as_of"], None)
    known = dict(
        connection.execute(
            """SELECT relname::text, reltuples FROM pg_class
               WHERE relpersistence = 't' AND relkind = 'r' AND relname ~ '^(world|drawn(?!_made))'"""
        ).fetchall()
    )
    assert {"world", "world_child", "world_of_draw", "drawn_person_record", "drawn_person_profile"} <= known.keys()
    for name, told in known.items():
        assert connection.execute(f"SELECT count(*) FROM pg_temp.{name}").fetchone() == (told,), name


def as_drawn(connection: psycopg.Connection, draw: int) -> None:
    """Core with the persons of one draw, and no draws."""
    for table in worlds.with_persons(connection):
        connection.execute(
            f"""UPDATE core.{table} AS t SET person_key = n.person_key FROM core.key_draw AS n
                WHERE n.draw = %s AND (n.agency_code, n.dataset_code, n.record_pseudonym)
                    = (t.agency_code, t.dataset_code, t.record_pseudonym)""",
            (draw,),
        )
    persons.refresh(connection, everyone=True)
    connection.execute("DELETE FROM core.key_draw")
