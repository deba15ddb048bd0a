"""Ranges in the partnership's copy of the marts: what is left out of a count is left out of its range."""

from datetime import date

import psycopg

from pipelines import flow
from pipelines.integrate import marts

DAY = date(2026, 3, 20)


def test_the_partnership_sees_no_small_end(connection: psycopg.Connection):
    definitions = {mart.name: mart for mart in marts.load()}
    for name in definitions:
        marts._ensure_table(connection, definitions[name])
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
