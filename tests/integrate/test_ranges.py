"""Ranges in the partnership's copy of the marts: what is left out of a count is left out of its range."""

from datetime import date

import psycopg

from pipelines import flow
from pipelines.integrate import core, marts, shape

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
    flow.share(connection, DAY)
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
    assert core.refresh_draws(connection) == 0
    row = "INSERT INTO link.key_draw VALUES (%s, 'education', 'x', 'a', gen_random_uuid())"
    for number in (1, 2):
        connection.execute(row, (number,))
    assert core.refresh_draws(connection) == 2 and core.refresh_draws(connection) == 0
    connection.execute("UPDATE link.key_draw SET person_key = gen_random_uuid() WHERE draw = 1")
    assert core.refresh_draws(connection) == 2, "one gone, one new"
