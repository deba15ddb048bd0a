"""In which area the home of a row's person is: `home_area_code`, which row security asks of each row. Never commits.

It is no fact and has no recorded time: it follows the home that core.person has today (sql/derived/areas.sql).
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from pipelines.integrate.worlds import with_persons

Connection = psycopg.Connection[Any]


def follow(connection: Connection) -> int:
    """Bring core.person to the area of each home of today, and the rows about persons whose area is another now.

    Rows changed. A row that comes, or that becomes another person's, takes the area that core.person has for that one.
    """
    connection.execute(
        """CREATE TEMP TABLE elsewhere ON COMMIT DROP AS
           SELECT p.person_key, place.health_place_code AS area
           FROM core.person AS p LEFT JOIN core.geography AS place USING (lsoa21_code)
           WHERE p.home_area_code IS DISTINCT FROM place.health_place_code"""
    )
    connection.execute("ANALYZE elsewhere")
    moved = 0
    for table in ("person", *with_persons(connection)):
        query = """UPDATE core.{t} AS t SET home_area_code = e.area FROM elsewhere AS e
            WHERE e.person_key = t.person_key AND t.home_area_code IS DISTINCT FROM e.area"""
        moved += connection.execute(sql.SQL(query).format(t=sql.Identifier(table))).rowcount
    connection.execute("DROP TABLE elsewhere")
    return moved
