"""In which area the home of a row's person is: `home_area_code`, which row security asks of each row. Never commits.

It is no fact and has no recorded time: it follows the home that core.person has today (sql/derived/areas.sql).
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from pipelines.integrate.worlds import with_persons

Connection = psycopg.Connection[Any]
COLUMN = "home_area_code"


def follow(connection: Connection) -> int:
    """Bring every row about a person, core.person first, to the area of the home of today. Rows changed.

    Rows of a record that was taken from its person have none already (`core.rekey`).
    """
    moved = connection.execute(
        """UPDATE core.person AS t SET home_area_code = place.health_place_code
           FROM core.person AS p LEFT JOIN core.geography AS place USING (lsoa21_code)
           WHERE p.person_key = t.person_key AND t.home_area_code IS DISTINCT FROM place.health_place_code"""
    ).rowcount
    for table in with_persons(connection):
        query = """UPDATE core.{t} AS t SET home_area_code = p.home_area_code FROM core.person AS p
            WHERE p.person_key = t.person_key AND t.home_area_code IS DISTINCT FROM p.home_area_code"""
        moved += connection.execute(sql.SQL(query).format(t=sql.Identifier(table))).rowcount
    return moved
