"""What the partnership does not see of a mart: counts under 5, and whatever would give one away. Never commits.

What is left out follows from `mart.yaml`. A number named `..._count` counts children: under 5 it is empty. Where
counts of a row (`sums`) or of several rows (`adds_up`) add up to another, so many more are empty, the smallest first,
that none follows from the others. `open` names numbers that give away nothing of the row: whom a rate is of, how many
sets a combination has. Every other number was worked out of counts and is empty where one of those is: of those that
its column names (`of`), else of any in its row. The ends of a range that are under 5 move outward, to 0 and to 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from pipelines.integrate.shape import MartDefinition, Total
from pipelines.integrate.staging import analyze_briefly

Connection = psycopg.Connection[Any]
NUMBERS = ("integer", "bigint", "numeric", "double precision")
# Left out together, counts of rows that add up come to this at least: two that come to 2 would both be 1.
LEAST_TOGETHER = 6


def leave_out(connection: Connection, mart: sql.Composable, definition: MartDefinition) -> None:
    """Make the temporary table `coming`: the rows of a mart as the partnership sees them."""
    if definition.disclosure == "none":
        connection.execute(sql.SQL("CREATE TEMP TABLE coming ON COMMIT DROP AS SELECT * FROM {}").format(mart))
        return
    connection.execute(_marked(definition).format(mart=mart))
    analyze_briefly(connection, "marked")
    parts = [name for name in _counts(definition) if name not in definition.open]
    more = [_beside(counts) for counts in definition.sums]
    more += [_follows(definition, total, name) for total in definition.adds_up for name in parts]
    while sum(connection.execute(query).rowcount for query in more):
        pass  # what one sum needs left out may be the only one left out of another
    cells = ", ".join(f'{_cell(definition, name)} AS "{name}"' for name in definition.columns)
    connection.execute(f"CREATE TEMP TABLE coming ON COMMIT DROP AS SELECT {cells} FROM marked")  # type: ignore[call-overload]  # noqa: S608
    connection.execute("DROP TABLE marked")


def _counts(definition: MartDefinition) -> list[str]:
    return [name for name in definition.columns if _is_number(definition, name) and name.endswith("_count")]


def _is_number(definition: MartDefinition, name: str) -> bool:
    return definition.columns[name].type in NUMBERS and name not in definition.key


def _is_small(value: str) -> str:
    return f"coalesce({value} > 0 AND {value} < 5, FALSE)"


def _marked(definition: MartDefinition) -> sql.SQL:
    """The rows of {mart}, each with the names of its counts that are left out for being small."""
    small = ["NULL", *(f"""CASE WHEN {_is_small(f'"{name}"')} THEN '{name}' END""" for name in _counts(definition))]
    return sql.SQL(  # type: ignore[arg-type]
        f"""CREATE TEMP TABLE marked ON COMMIT DROP AS
            SELECT m.*, row_number() OVER (ORDER BY {", ".join(definition.key)}) AS row_number,
                array_remove(ARRAY[{", ".join(small)}], NULL) AS left_out
            FROM {{mart}} AS m"""  # noqa: S608
    )


def _beside(counts: Iterable[str]) -> sql.Composed:
    """Of counts of a row of which one is the sum of the others, leave out a second where one is: the smallest."""
    cells = [sql.SQL("({}, {})").format(sql.Literal(name), sql.Identifier("m", name)) for name in counts]
    query = """
        UPDATE marked SET left_out = marked.left_out || other.name FROM marked AS m CROSS JOIN LATERAL (
            SELECT name, is_out, count(*) FILTER (WHERE is_out) OVER () AS out
            FROM (VALUES {cells}) AS cell (name, persons)
            CROSS JOIN LATERAL (SELECT name = ANY (m.left_out) AS is_out) AS known
            WHERE persons > 0 ORDER BY is_out, persons LIMIT 1
        ) AS other
        WHERE marked.row_number = m.row_number AND out = 1 AND NOT is_out"""
    return sql.SQL(query).format(cells=sql.SQL(", ").join(cells))


def _follows(definition: MartDefinition, total: Total, count: str) -> sql.Composed:
    """Leave out one more of each group of rows whose count would follow from its total and the others.

    That is one which alone is left out, some that together come to hardly more than one each, and a total where no
    part is.
    """
    beside = [name for name in definition.key if name != total.over]
    names = {
        "count": sql.Identifier(count),
        "name": sql.Literal(count),
        "group": _names(beside),
        "whole": _names(name for name in beside if name not in total.total),
        "is_total": sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in total.total.items()
        ),
        "least": sql.Literal(LEAST_TOGETHER),
    }
    query = """
        WITH part AS (
            SELECT row_number, {group}, {count} AS persons, {name} = ANY (left_out) AS is_out,
                count(*) FILTER (WHERE {name} = ANY (left_out)) OVER beside AS parts_out,
                sum({count}) FILTER (WHERE {name} = ANY (left_out)) OVER beside AS persons_out
            FROM marked WHERE NOT ({is_total}) AND {count} > 0 WINDOW beside AS (PARTITION BY {group})
        ), whole AS (
            SELECT {whole}, bool_or({name} = ANY (left_out)) AS is_total_out FROM marked WHERE {is_total}
            GROUP BY {whole}
        ), one_more AS (
            SELECT DISTINCT ON ({group}) row_number FROM part JOIN whole USING ({whole})
            WHERE NOT is_out AND CASE WHEN is_total_out THEN parts_out = 0
                ELSE parts_out = 1 OR parts_out > 1 AND persons_out < {least} END
            ORDER BY {group}, persons, row_number
        )
        UPDATE marked SET left_out = left_out || {name}::text FROM one_more
        WHERE marked.row_number = one_more.row_number"""
    return sql.SQL(query).format(**names)


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _cell(definition: MartDefinition, name: str) -> str:
    """A column of `marked` as the partnership sees it."""
    own = f'"{name}"'
    if name.endswith("_count") and _is_number(definition, name):
        return f"CASE WHEN '{name}' <> ALL (left_out) THEN {own} END"
    if name in definition.open or not _is_number(definition, name):
        return own
    if counts := definition.columns[name].of:
        names = ", ".join(f"'{count}'" for count in counts)
        return f"CASE WHEN NOT left_out && ARRAY[{names}] THEN {own} END"
    ends = {end: place for pair in definition.ranges.values() for place, end in enumerate(pair)}
    if name in ends:
        own = f"CASE WHEN {_is_small(own)} THEN {(0, 5)[ends[name]]} ELSE {own} END"
    return f"CASE WHEN left_out = '{{}}' THEN {own} END"
