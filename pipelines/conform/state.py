"""The conformed state on disk, and what changed between two states.

A canonical table's state is a Parquet file named by its content, `<table>.<hash>.parquet`. Which state the warehouse
shows is written in one place only, the newest row of `ops.refresh`; which state comes next is in `next.json`. No file
is ever renamed from next to current, so there is no moment at which a kill could leave the two at odds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq

from pipelines import durable
from pipelines.conform.shape import CoreTable, canonical
from pipelines.errors import SystemFault
from pipelines.ledger import Ledger
from pipelines.ledger.database import adbc
from pipelines.settings import Settings


@dataclass(frozen=True)
class Next:
    """What conform made.

    submissions: keys of those that stood. base: the state that rows were compared with. hashes, rows, inputs: by
    canonical table, its content hash, number of rows and the hash of what it was made of.
    """

    submissions: list[int]
    base: dict[str, str]
    hashes: dict[str, str]
    rows: dict[str, int]
    inputs: dict[str, str]


@dataclass(frozen=True)
class Changes:
    """What turns one state of a table into the next.

    path: Parquet with `change` (I, U or D) and the table's columns; of a deleted row only the key counts.
    """

    path: Path
    inserted: int
    updated: int
    deleted: int


def integrated(connection: psycopg.Connection[Any]) -> dict[str, Any] | None:
    """The mark of the last completed refresh: the row of ops.refresh, or None before the first."""
    rows = Ledger(connection).rows("SELECT * FROM ops.refresh ORDER BY refresh_key DESC LIMIT 1")
    return rows[0] if rows else None


def path(settings: Settings, table: str, content_hash: str) -> Path:
    """Where a state of a table is kept."""
    return settings.conformed / f"{table}.{content_hash}.parquet"


def read_next(settings: Settings) -> Next | None:
    """The state that conform made last, or None where there is none or a file of it is gone."""
    try:
        found = Next(**json.loads((settings.conformed / "next.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if all(path(settings, *item).exists() for item in found.hashes.items()) else None


def write_next(settings: Settings, made: Next) -> None:
    """Record the state that conform made."""
    durable.replace(settings.conformed / "next.json", lambda temporary: temporary.write_text(json.dumps(asdict(made))))


def withdrawn(connection: psycopg.Connection[Any]) -> tuple[int, ...]:
    """Keys of the submissions that were taken out for good."""
    rows = Ledger(connection).rows("SELECT submission_key FROM ops.submission WHERE state = 'withdrawn' ORDER BY 1")
    return tuple(row["submission_key"] for row in rows)


def readable(settings: Settings, duck: duckdb.DuckDBPyConnection, table: CoreTable, content_hash: str) -> Path:
    """The file of a state that the warehouse shows; read back from core where it was lost or has other columns."""
    found = path(settings, table.name, content_hash)
    if not found.exists() or not _same_columns(duck, found, table):
        durable.replace(found, lambda temporary: _read_back(settings, table, temporary))
    return found


def _read_back(settings: Settings, table: CoreTable, target: Path) -> None:
    columns = ", ".join(f'"{name}"' for name in table.columns)
    with adbc(settings) as arrow, arrow.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM core.{table.name}")  # noqa: S608
        reader = cursor.fetch_record_batch()
        with pq.ParquetWriter(target, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)


def changes(
    settings: Settings, duck: duckdb.DuckDBPyConnection, table: CoreTable, base: str | None, to: str
) -> Changes:
    """What turns state `base` of a table into state `to`; made once and kept until it has been integrated."""
    after = path(settings, table.name, to)
    columns = ", ".join(f'"{name}"' for name in table.columns)
    if base is None:
        query = f"SELECT 'I' AS change, {columns} FROM read_parquet('{after}')"  # noqa: S608
    else:
        query = _difference(table, readable(settings, duck, table, base), after)
    target = settings.conformed / "changes" / f"{table.name}.{base}.{to}.parquet"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(target, lambda temporary: duck.execute(f"COPY ({query}) TO '{temporary}' (FORMAT parquet)"))
    counted = duck.execute(f"SELECT change, count(*) FROM read_parquet('{target}') GROUP BY ALL")  # noqa: S608
    counts: dict[str, int] = dict(counted.fetchall())
    return Changes(target, counts.get("I", 0), counts.get("U", 0), counts.get("D", 0))


def _same_columns(duck: duckdb.DuckDBPyConnection, file: Path, table: CoreTable) -> bool:
    described = duck.execute(f"DESCRIBE SELECT * FROM read_parquet('{file}')").fetchall()  # noqa: S608
    return {row[0]: row[1] for row in described} == table.types


def _difference(table: CoreTable, before: Path, after: Path) -> str:
    on = " AND ".join(f'b."{name}" = n."{name}"' for name in table.key)
    keys = ", ".join(f'coalesce(n."{name}", b."{name}") AS "{name}"' for name in table.key)
    rest = "".join(f', n."{name}"' for name in table.content)
    first = table.key[0]
    same = " AND ".join(f'n."{name}" IS NOT DISTINCT FROM b."{name}"' for name in table.content)
    return f"""SELECT CASE WHEN b."{first}" IS NULL THEN 'I' WHEN n."{first}" IS NULL THEN 'D' ELSE 'U' END AS change,
            {keys}{rest}
        FROM read_parquet('{after}') AS n FULL JOIN read_parquet('{before}') AS b ON {on}
        WHERE b."{first}" IS NULL OR n."{first}" IS NULL OR NOT ({same})"""  # noqa: S608


def tidy(settings: Settings, keep: dict[str, str]) -> None:
    """Delete every state and change that is neither what the warehouse shows nor what comes next."""
    kept = {path(settings, *item) for item in keep.items()}
    coming = read_next(settings)
    if coming:
        kept |= {path(settings, *item) for item in coming.hashes.items()}
    for file in [*settings.conformed.glob("*.parquet"), *settings.conformed.glob(".*")]:
        if file not in kept:
            file.unlink()
    for file in (settings.conformed / "changes").glob("*"):
        file.unlink()


def require_next(settings: Settings, submissions: list[int]) -> Next:
    """The state that conform made of exactly these submissions; raises SystemFault where there is none."""
    made = read_next(settings)
    if made is None or made.submissions != submissions or set(made.hashes) != set(canonical()):
        raise SystemFault("conform has not run on the submissions that stand now; run it first")
    return made
