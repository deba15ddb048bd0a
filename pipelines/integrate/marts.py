"""Marts: one folder each in `sql/marts/`, made anew inside the refresh transaction. Never commits.

`mart.yaml` says what the table is and becomes its columns, key and comments; `model.sql` is one query that takes
`:as_of`; `checks.sql` holds queries, each headed by `-- check: <what must be so>`, that return the rows that must not
be. A mart without a model is filled by a function that is handed in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import psycopg
import yaml
from psycopg import sql
from pydantic import ValidationError

from pipelines.contracts import Strict
from pipelines.errors import SystemFault
from pipelines.integrate import ranges
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]
Filler = Callable[[Connection, date], int]
MartType = Literal[
    "text", "integer", "bigint", "numeric", "date", "boolean", "double precision", "timestamp with time zone"
]


class MartColumn(Strict):
    """A column of a mart."""

    type: MartType
    comment: str


class MartDefinition(Strict):
    """The strict shape of a `mart.yaml`. base: whom rates are of; disclosure: `count` or `none`.

    ranges: count -> the two columns for how low and how high it may be by the draws of the linker (ranges.py).
    """

    title: str
    comment: str
    grain: str
    key: tuple[str, ...]
    owner: str
    base: str
    disclosure: Literal["count", "none"]
    measures: dict[str, str] = {}
    ranges: dict[str, tuple[str, str]] = {}
    columns: dict[str, MartColumn]
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mart:
    """A folder of `sql/marts/`: its name, definition, model (None where a function fills it) and checks by name."""

    name: str
    definition: MartDefinition
    model: str | None
    checks: dict[str, str]


def load(folder: Path | None = None) -> list[Mart]:
    """All marts in order of name; raises SystemFault with every problem found."""
    found, problems = [], []
    for place in sorted(path.parent for path in (folder or shipped("sql") / "marts").glob("*/mart.yaml")):
        try:
            definition = MartDefinition.model_validate(yaml.load((place / "mart.yaml").read_text(), yaml.CSafeLoader))
        except (ValidationError, yaml.YAMLError) as error:
            problems.append(f"{place.name}/mart.yaml: {error}")
            continue
        missing = [name for name in definition.key if name not in definition.columns]
        if missing:
            problems.append(f"{place.name}/mart.yaml: key columns not among the columns: {', '.join(missing)}")
        model = (place / "model.sql").read_text() if (place / "model.sql").exists() else None
        checks = read_checks((place / "checks.sql").read_text()) if (place / "checks.sql").exists() else {}
        found.append(Mart(place.name, definition, model, checks))
    if problems:
        raise SystemFault("the marts do not hold together:\n  " + "\n  ".join(problems))
    return found


def read_checks(text: str) -> dict[str, str]:
    """Name -> query of a `checks.sql`."""
    parts = re.split(r"^-- check: *(.+)$", text, flags=re.MULTILINE)
    return {name.strip(): query.strip().rstrip(";") for name, query in zip(parts[1::2], parts[2::2], strict=True)}


def definitions_hash(folder: Path | None = None) -> str:
    """A hash over every file that decides what the marts and core.person hold."""
    digest = hashlib.sha256()
    for root in (folder or shipped("sql") / "marts", shipped("sql") / "integrate"):
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def bind(query: str) -> str:
    """A query in psycopg's placeholders: `:as_of` becomes a bound date, a per cent sign itself."""
    return re.sub(r"(?<!:):as_of\b", "%(as_of)s::date", query.replace("%", "%%"))


def refresh(connection: Connection, mart: Mart, as_of: date, filler: Filler | None) -> int:
    """Make one mart anew and check it; returns its rows.

    Raises SystemFault naming the check where one returns a row; the caller's transaction must then be rolled back.
    """
    if (mart.model is None) == (filler is None):
        raise SystemFault(f"mart {mart.name} needs either a model.sql or a function that fills it")
    _ensure_table(connection, mart)
    if filler is not None:
        rows = filler(connection, as_of)
    else:
        table = sql.Identifier("mart", mart.name).as_string(connection)
        ends = {end for pair in mart.definition.ranges.values() for end in pair}
        modelled = [name for name in mart.definition.columns if name not in ends]
        columns = sql.SQL(", ").join(map(sql.Identifier, modelled)).as_string(connection)
        connection.execute(f"DELETE FROM {table}")  # type: ignore[call-overload]  # noqa: S608
        insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM (\n{bind(mart.model or '')}\n) AS made"  # noqa: S608
        rows = connection.execute(insert, {"as_of": as_of}).rowcount  # type: ignore[call-overload]
        if mart.definition.ranges:
            key = mart.definition.key
            ranges.fill(connection, mart.name, bind(mart.model or ""), key, mart.definition.ranges, as_of)
    for name, query in mart.checks.items():
        failed = connection.execute(f"SELECT count(*) FROM (\n{bind(query)}\n) AS failed", {"as_of": as_of})  # type: ignore[call-overload]  # noqa: S608
        count = failed.fetchone()[0]  # type: ignore[index]
        if count:
            raise SystemFault(f"mart {mart.name} does not hold: {name} ({count} rows); nothing was changed")
    return rows


def _ensure_table(connection: Connection, mart: Mart) -> None:
    """The table as `mart.yaml` says, with its comments; made anew only where its columns or key changed."""
    wanted = {name: column.type for name, column in mart.definition.columns.items()}
    there = connection.execute(
        """SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
           WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        (f"mart.{mart.name}",),
    ).fetchall()
    key = connection.execute(
        """SELECT array_agg(attname ORDER BY array_position(indkey, attnum)) FROM pg_index
           JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
           WHERE indrelid = to_regclass(%s) AND indisprimary""",
        (f"mart.{mart.name}",),
    ).fetchone()[0]  # type: ignore[index]
    table = sql.Identifier("mart", mart.name)
    if list(wanted.items()) != there or list(mart.definition.key) != key:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type_)) for name, type_ in wanted.items()
        )
        names = sql.SQL(", ").join(map(sql.Identifier, mart.definition.key))
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        connection.execute(sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(table, columns, names))
    comment = f"{mart.definition.title}. {mart.definition.comment.strip()} Grain: {mart.definition.grain}."
    if mart.definition.caveats:
        comment += " Caveats: " + " ".join(mart.definition.caveats)
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(comment)))
    for name, column in mart.definition.columns.items():
        where = sql.Identifier("mart", mart.name, name)
        connection.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(where, sql.Literal(column.comment)))


def refresh_all(
    connection: Connection, as_of: date, fillers: Mapping[str, Filler], folder: Path | None = None
) -> dict[str, int]:
    """Make every mart anew; mart -> rows."""
    marts = load(folder)
    unknown = set(fillers) - {mart.name for mart in marts}
    if unknown:
        raise SystemFault(f"no mart.yaml for: {', '.join(sorted(unknown))}")
    return {mart.name: refresh(connection, mart, as_of, fillers.get(mart.name)) for mart in marts}


def blur_ranges(connection: Connection, folder: Path | None = None) -> None:
    """In the partnership's copy, move the ends of ranges that are under 5 outward: to 0, and to 5. Never commits.

    Where the count itself is left out there, so are its ends.
    """
    for mart in load(folder):
        for ends in mart.definition.ranges.values():
            low, high = map(sql.Identifier, ends)
            connection.execute(
                sql.SQL(
                    """UPDATE {table} SET {low} = CASE WHEN {low} < 5 THEN 0 ELSE {low} END,
                           {high} = CASE WHEN {high} BETWEEN 1 AND 4 THEN 5 ELSE {high} END
                       WHERE {low} BETWEEN 1 AND 4 OR {high} BETWEEN 1 AND 4"""
                ).format(table=sql.Identifier("partnership", mart.name), low=low, high=high)
            )
