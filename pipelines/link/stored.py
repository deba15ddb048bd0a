"""`link.*` of the warehouse as tables of a run, and back: read whole, written only where it differs."""

from __future__ import annotations

import io
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv as csv

PAIR = ("agency_l", "dataset_l", "record_l", "agency_r", "dataset_r", "record_r")
# What a run leaves of each table beside the pair.
TABLES = {
    "link": ("reason", "probability", "faded_runs"),
    "review": ("reason", "probability", "is_queued", "agreement", "household"),
}
# Few distinct texts, each held once.
_FEW = dict.fromkeys(
    ("agency", "dataset", "agency_l", "dataset_l", "agency_r", "dataset_r", "reason", "agreement"),
    pa.dictionary(pa.int32(), pa.string()),
)
_TYPES = _FEW | {
    "probability": pa.float64(), "faded_runs": pa.int32(), "household": pa.int32(), "is_queued": pa.bool_(),
    "is_open": pa.bool_(),
}  # fmt: skip
# Rows to a text.
_ROWS = 2_000
Connection = psycopg.Connection[Any]


def fetch(connection: Connection, columns: tuple[str, ...], query: str) -> pa.Table:
    """The rows of a query as a table; columns that are no text are those of `_TYPES`. No cell may hold a tab.

    The server joins many rows to one text, since the driver's time goes by rows.
    """
    line = r" || E'\t' || ".join(f"coalesce({name}::text, '')" for name in columns)
    texts = connection.execute(
        rf"""SELECT string_agg({line}, E'\n')
            FROM (SELECT *, row_number() OVER () / {_ROWS} AS part FROM ({query}) AS r ({", ".join(columns)})) AS n
            GROUP BY part"""  # type: ignore[arg-type]  # noqa: S608
    ).fetchall()
    types = {name: _TYPES.get(name, pa.string()) for name in columns}
    if not texts:
        return pa.schema(types.items()).empty_table()
    return csv.read_csv(
        pa.BufferReader("\n".join(text for (text,) in texts).encode()),
        csv.ReadOptions(column_names=list(columns)),
        csv.ParseOptions(delimiter="\t", quote_char=False),
        csv.ConvertOptions(column_types=types),
    )


def put(connection: Connection, target: str, rows: pa.Table) -> None:
    """Append rows to a table; target: its name, with the columns where they are not all."""
    if not rows.num_rows:
        return
    text = io.BytesIO()
    csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv)") as copy:  # type: ignore[arg-type]
        copy.write(text.getvalue())


def before(connection: Connection, table: str) -> pa.Table:
    """`link.<table>` as the last run left it, one of `TABLES`."""
    names = (*PAIR, *TABLES[table])
    return fetch(connection, names, f"SELECT {', '.join(names)} FROM link.{table}")  # noqa: S608


def bring(connection: Connection, db: duckdb.DuckDBPyConnection, table: str, last: pa.Table) -> None:
    """Bring `link.<table>` from what it was, `last`, to what the run's table of that name says, records by pseudonyms.

    Of a pair the left record comes first by agency, dataset and pseudonym, as in `link.decision`.
    """
    columns = TABLES[table]
    names = (*PAIR, *columns)
    db.register("before", last)
    db.execute(f"""
        CREATE TEMP TABLE wanted AS
        SELECT sl.agency AS agency_l, sl.dataset AS dataset_l, l.record_pseudonym AS record_l,
               sr.agency AS agency_r, sr.dataset AS dataset_r, r.record_pseudonym AS record_r, {", ".join(columns)}
        FROM {table} t JOIN record l ON l.record_id = t.record_l JOIN record r ON r.record_id = t.record_r
        JOIN source sl ON sl.source_id = l.source_id JOIN source sr ON sr.source_id = r.source_id""")  # noqa: S608
    gone = db.sql(f"SELECT {', '.join(PAIR)} FROM (FROM before EXCEPT FROM wanted)").to_arrow_table()  # noqa: S608
    come = db.sql("FROM wanted EXCEPT FROM before").to_arrow_table()
    db.unregister("before")
    db.execute("DROP TABLE wanted")
    if gone.num_rows:
        connection.execute(f"CREATE TEMP TABLE gone ({' text, '.join(PAIR)} text) ON COMMIT DROP")
        put(connection, "gone", gone)
        connection.execute("ANALYZE gone")
        same = " AND ".join(f"t.{name} = gone.{name}" for name in PAIR)
        connection.execute(f"DELETE FROM link.{table} t USING gone WHERE {same}")  # type: ignore[arg-type]  # noqa: S608
        connection.execute("DROP TABLE gone")
    put(connection, f"link.{table} ({', '.join(names)})", come)
