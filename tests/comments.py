"""What the database says of its own objects."""

from __future__ import annotations

from typing import Any

import psycopg

_ALL = """
    SELECT n.nspname AS name, obj_description(n.oid, 'pg_namespace') AS said
    FROM pg_namespace AS n WHERE n.nspname = ANY(%(schemas)s)
    UNION ALL
    SELECT n.nspname || '.' || c.relname, obj_description(c.oid, 'pg_class')
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'v', 'm', 'p')
    UNION ALL
    SELECT n.nspname || '.' || c.relname || '.' || a.attname, col_description(c.oid, a.attnum)
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'v', 'm', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT n.nspname || '.' || p.proname || '()', obj_description(p.oid, 'pg_proc')
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = ANY(%(schemas)s)"""


def said(connection: psycopg.Connection[Any], *schemas: str) -> dict[str, str]:
    """Comment of each schema, table, view, `schema.table.column` and function (`schema.name()`) that has one."""
    rows = connection.execute(_ALL, {"schemas": list(schemas)}).fetchall()  # type: ignore[call-overload]
    return {name: words for name, words in rows if words}


def without(connection: psycopg.Connection[Any], *schemas: str) -> list[str]:
    """What has none, in order of name."""
    rows = connection.execute(_ALL, {"schemas": list(schemas)}).fetchall()  # type: ignore[call-overload]
    return sorted(name for name, words in rows if not words)
