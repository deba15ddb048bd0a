"""What tables, columns and functions mean, written into the database beside them.

The words are those of sql/comments/columns.yaml and of the migrations' own COMMENT ON, of which the
dictionary is made too. Marts comment themselves where they are made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from pipelines.settings import shipped

SCHEMAS = ("core", "link", "ops", "partnership", "publish")
_SAID = re.compile(
    r"COMMENT ON (SCHEMA|TABLE|VIEW|FUNCTION|COLUMN) ([\w.]+)(?:\([^)]*\))? IS\s+'((?:[^']|'')*)'", re.IGNORECASE
)
_GONE = re.compile(r"^DROP FUNCTION ([\w.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Words:
    """What is said of columns by name, of columns of one table, and of other objects by kind and name.

    codes: column of core, or its table and name -> the code lists that explain it. free_codes: the same -> who gives
    the codes that no list explains.
    """

    columns: dict[str, str]
    tables: dict[str, dict[str, str]]
    objects: dict[str, str]
    codes: dict[str, list[str]]
    free_codes: dict[str, str]

    def column(self, table: str, column: str) -> str | None:
        """What a column means: the words of its own table before those of its name; and what explains its codes."""
        said = self.tables.get(table, {}).get(column) or self.columns.get(column)
        lists = self.code_lists(table, column)
        return f"{said}. Codes: {', '.join(lists)}" if said and lists else said

    def code_lists(self, table: str, column: str) -> list[str]:
        """The code lists that explain a column of core; none where its codes are free, and outside core."""
        if not table.startswith("core.") or f"{table}.{column}" in self.free_codes:
            return []
        return self.codes.get(f"{table}.{column}") or self.codes.get(column) or []


def read(folder: Path | None = None) -> Words:
    """The words of `sql/comments/` together with those of the migrations, the last of which stands."""
    root = folder or shipped("sql")
    said: dict[str, Any] = {"columns": {}, "tables": {}, "objects": {}, "codes": {}, "free_codes": {}}
    file = root / "comments" / "columns.yaml"
    if file.exists():
        said |= yaml.load(file.read_text(), yaml.CSafeLoader)
    for path in [*sorted((root / "migrations").glob("*.sql")), *sorted((root / "derived").glob("*.sql"))]:
        written = path.read_text()
        for name in _GONE.findall(written):
            said["objects"].pop(f"FUNCTION {name}", None)
        for kind, name, text in _SAID.findall(written):
            words = text.replace("''", "'")
            if kind.upper() == "COLUMN":
                table, _, column = name.rpartition(".")
                said["tables"].setdefault(table, {})[column] = words
            else:
                said["objects"][f"{kind.upper()} {name}"] = words
    return Words(**said)


def apply(connection: psycopg.Connection[Any], words: Words) -> None:
    """COMMENT ON every column there is, and on the objects that no migration comments. Never commits."""
    columns = connection.execute(
        """SELECT n.nspname || '.' || c.relname, a.attname
           FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'v', 'p') AND a.attnum > 0 AND NOT a.attisdropped""",
        (list(SCHEMAS),),
    ).fetchall()
    statements = []
    for table, column in columns:
        said = words.column(table, column)
        if said:
            where = sql.Identifier(*table.split("."), column)
            statements.append(sql.SQL("COMMENT ON COLUMN {} IS {}").format(where, sql.Literal(said)))
    for named, said in words.objects.items():
        kind, name = named.split(" ")
        if _is_there(connection, kind, name):
            where = sql.Identifier(*name.split("."))
            statements.append(sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(kind), where, sql.Literal(said)))
    connection.execute(sql.SQL("; ").join(statements))


def copy(connection: psycopg.Connection[Any], of: str, to: str) -> None:
    """Say of one schema's tables and their columns what is said of those of another. Never commits."""
    missing = connection.execute(
        """WITH said AS (
               SELECT c.relnamespace, c.relname, coalesce(a.attname, '') AS attname, d.description
               FROM pg_description AS d
               JOIN pg_class AS c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass AND c.relkind = 'r'
               LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
               WHERE c.relnamespace IN (to_regnamespace(%(of)s), to_regnamespace(%(to)s))
           ), there AS (
               SELECT c.relname, a.attname FROM pg_class AS c
               JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               WHERE c.relnamespace = to_regnamespace(%(to)s) AND c.relkind = 'r'
               UNION
               SELECT c.relname, '' FROM pg_class AS c
               WHERE c.relnamespace = to_regnamespace(%(to)s) AND c.relkind = 'r'
           )
           SELECT relname, attname, is_.description
           FROM there JOIN said AS is_ USING (relname, attname)
           LEFT JOIN (SELECT * FROM said WHERE relnamespace = to_regnamespace(%(to)s)) AS was USING (relname, attname)
           WHERE is_.relnamespace = to_regnamespace(%(of)s) AND is_.description IS DISTINCT FROM was.description""",
        {"of": of, "to": to},
    ).fetchall()
    for table, column, words in missing:
        what = sql.SQL("COLUMN {}" if column else "TABLE {}").format(
            sql.Identifier(to, table, *([column] * bool(column)))
        )
        connection.execute(sql.SQL("COMMENT ON {} IS {}").format(what, sql.Literal(words)))


def _is_there(connection: psycopg.Connection[Any], kind: str, name: str) -> bool:
    schema, _, own = name.rpartition(".")
    query = {
        "SCHEMA": "SELECT 1 FROM pg_namespace WHERE %s = '' AND nspname = %s",
        "FUNCTION": """SELECT 1 FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
            WHERE n.nspname = %s AND p.proname = %s""",
        "VIEW": "SELECT 1 FROM pg_views WHERE schemaname = %s AND viewname = %s",
        "TABLE": "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s",
    }[kind]
    return connection.execute(query, (schema, own)).fetchone() is not None  # type: ignore[call-overload]
