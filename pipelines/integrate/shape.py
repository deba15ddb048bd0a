"""The tables behind a mart, made from its `mart.yaml`: what it shows, what it ever showed, and how to ask for that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, LiteralString

import psycopg
from psycopg import sql

from pipelines.contracts import Strict

Connection = psycopg.Connection[Any]
MartType = Literal[
    "text", "integer", "bigint", "numeric", "date", "boolean", "double precision", "timestamp with time zone"
]


class MartColumn(Strict):
    """A column of a mart.

    of: the counts that a share, a median or an end of a range is worked out of; the partnership sees it where it sees
    all of these, and where none are named, where no count of the row is left out (hiding.py).
    reckoned_from: the queries of its folder that it follows from, where a function fills the mart.
    """

    type: MartType
    comment: str
    of: tuple[str, ...] = ()
    reckoned_from: tuple[str, ...] = ()


class Total(Strict):
    """Rows that add up to another: those that differ in the key column `over` alone, and the row where these are so."""

    over: str
    total: dict[str, str]


class MartDefinition(Strict):
    """The strict shape of a `mart.yaml`. base: whom rates are of; disclosure: `count` or `none`.

    open: numbers that the partnership sees beside a small count too. sums: counts of a row of which one is the sum of
    the others; adds_up: which rows add up to which; of neither is one left out by itself (hiding.py).
    ranges: count -> the two columns for how low and how high it may be by the draws of the linker (ranges.py).
    counted_in: the query of the model that gives these counts by world and key, but for the day; it is what is drawn.
    has_past: whether its model can be worked out for another day (past.py); one that counts records cannot.
    """

    title: str
    comment: str
    grain: str
    key: tuple[str, ...]
    owner: str
    base: str
    disclosure: Literal["count", "none"]
    open: tuple[str, ...] = ()
    sums: tuple[tuple[str, ...], ...] = ()
    adds_up: tuple[Total, ...] = ()
    measures: dict[str, str] = {}
    ranges: dict[str, tuple[str, str]] = {}
    counted_in: str = ""
    has_past: bool = True
    columns: dict[str, MartColumn]
    caveats: tuple[str, ...] = ()


def typed(types: Mapping[str, str]) -> sql.Composed:
    """Columns and their types, as a statement has them."""
    return sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(of)) for name, of in types.items())


def ensure(connection: Connection, mart: str, definition: MartDefinition) -> None:
    """The table as `mart.yaml` says, with comments and history; touched only where something of that changed."""
    wanted = {name: column.type for name, column in definition.columns.items()}
    comment = f"{definition.title}. {definition.comment.strip()} Grain: {definition.grain}."
    if definition.caveats:
        comment += " Caveats: " + " ".join(definition.caveats)
    if list(columns_there(connection, "mart", mart).items()) != list(wanted.items()) or _key(connection, mart) != list(
        definition.key
    ):
        names = sql.SQL(", ").join(map(sql.Identifier, definition.key))
        table = sql.Identifier("mart", mart)
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        connection.execute(sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(table, typed(wanted), names))
    _ensure_history(connection, mart, wanted)
    said = {"": comment} | {name: column.comment for name, column in definition.columns.items()}
    if _said(connection, mart) != said:
        for name, text in said.items():
            what = sql.SQL("COLUMN {}" if name else "TABLE {}").format(
                sql.Identifier("mart", mart, *([name] * bool(name)))
            )
            connection.execute(sql.SQL("COMMENT ON {} IS {}").format(what, sql.Literal(text)))


def _ensure_history(connection: Connection, mart: str, wanted: Mapping[str, str]) -> None:
    """mart_history.<mart>, every row it ever showed, and mart_known.<mart>, those of one moment.

    A column the mart gained is empty in what it showed before, one whose type changed is cast, one it lost is kept.
    """
    if list(columns_there(connection, "mart_known", mart).items()) == list(wanted.items()):
        return
    history, known = sql.Identifier("mart_history", mart), sql.Identifier("mart_known", mart)
    connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(known))
    there = columns_there(connection, "mart_history", mart)
    if not there:
        times = dict.fromkeys(("recorded_from", "recorded_to"), "timestamptz NOT NULL")
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(history, typed(dict(wanted) | times)))
        connection.execute(sql.SQL("CREATE INDEX ON {} (recorded_to, recorded_from)").format(history))
    for name, type_ in wanted.items():
        column, of = sql.Identifier(name), sql.SQL(type_)
        if there and name not in there:
            connection.execute(sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(history, column, of))
        elif there and there[name] != type_:
            change = "ALTER TABLE {} ALTER COLUMN {} TYPE {} USING {}::text::{}"
            connection.execute(sql.SQL(change).format(history, column, of, column, of))
    names = sql.SQL(", ").join(map(sql.Identifier, wanted))
    view = """CREATE VIEW {} WITH (security_barrier = true) AS SELECT {} FROM {}
        WHERE recorded_from <= core.known_at() AND recorded_to > core.known_at() AND {}"""
    connection.execute(sql.SQL(view).format(known, names, history, sql.SQL(seen_by(wanted))))
    note = f"mart.{mart} as it was shown at the moment of joint_needs.as_known_at."
    connection.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(known, sql.Literal(note)))


def seen_by(columns: Collection[str]) -> LiteralString:
    """Which rows of a mart with these columns the person logged in may see: her own areas (partnership.guard)."""
    if {"geographic_level", "area_code"} <= set(columns):
        return "partnership.sees_area(geographic_level, area_code)"
    if "health_place_code" in columns:
        return "partnership.sees_area('health_place', health_place_code)"
    return "TRUE"


def by_difference(
    connection: Connection, table: sql.Composable, made: sql.Composable, definition: MartDefinition
) -> None:
    """Bring a table of a mart's shape to the rows of another, writing those that differ and no other."""
    parts = {
        "table": table,
        "made": made,
        "names": sql.SQL(", ").join(map(sql.Identifier, definition.columns)),
        "same": same_row(definition),
    }
    for statement in (
        # The planner knows nothing of a table that was just made, and would compare every row with every other.
        "ANALYZE {made}",
        "DELETE FROM {table} AS t WHERE NOT EXISTS (SELECT 1 FROM {made} AS s WHERE {same})",
        """INSERT INTO {table} ({names}) SELECT {names} FROM {made} AS s
           WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {same})""",
    ):
        connection.execute(sql.SQL(statement).format(**parts))


def same_row(definition: MartDefinition) -> sql.Composed:
    """Whether t and s, rows of a mart's shape, say the same in every column."""
    return sql.SQL(" AND ").join(
        sql.SQL("t.{0} {1} s.{0}").format(
            sql.Identifier(name), sql.SQL("=" if name in definition.key else "IS NOT DISTINCT FROM")
        )
        for name in definition.columns
    )


def columns_there(connection: Connection, schema: str, table: str) -> dict[str, str]:
    """The columns of a table or view and their types, in order; nothing where it is not there."""
    rows = connection.execute(
        """SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
           WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        (f"{schema}.{table}",),
    ).fetchall()
    return dict(rows)


def _key(connection: Connection, mart: str) -> list[str] | None:
    row = connection.execute(
        """SELECT array_agg(attname ORDER BY array_position(indkey, attnum)) FROM pg_index
           JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
           WHERE indrelid = to_regclass(%s) AND indisprimary""",
        (f"mart.{mart}",),
    ).fetchone()
    return row[0] if row else None


def _said(connection: Connection, mart: str) -> dict[str, str | None]:
    rows = connection.execute(
        """SELECT coalesce(attname, ''), description FROM pg_description AS d
           LEFT JOIN pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
           WHERE d.objoid = to_regclass(%s) AND d.classoid = 'pg_class'::regclass""",
        (f"mart.{mart}",),
    ).fetchall()
    return dict(rows)
