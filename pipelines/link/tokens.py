"""Opens linkage files in memory: records, their token profiles and their identifiers as tables of an in-memory DuckDB.

Tokens never touch disk in clear: files are decrypted into memory, DuckDB runs without a database file and without a
folder to spill to, and inside it every token is a 63-bit integer, which is small to compare and means nothing outside
the run.

A record may have several rows. Rows that validation held back do not speak for it where another row was accepted: two
children under one identifier are told apart there. A record of held rows alone is matched all the same.

Tables made here, numbered so that the order in which files and rows arrive changes nothing:
    source(source_id, agency, dataset)
    record(record_id, source_id, record_pseudonym, is_protected)   one row per child as one source knows it
    profile(profile_id, record_id, is_named, <tokens>)             the distinct sets of tokens of a record
    identifier(record_id, kind, value, is_former)                  identifiers of a record, earlier UPNs marked former
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pyrage

from pipelines.errors import SystemFault
from pipelines.ledger import Submission
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings

# One token each, then lists of them. A former surname compares with a surname, a swapped birth date with a birth date.
SINGLE = (
    "forename", "forename_phonetic", "forename_prefix", "forename_initial", "surname", "surname_phonetic",
    "birth_date", "birth_date_swapped", "birth_year", "birth_month_of_year", "birth_day",
    "postcode", "postcode_sector", "nhs_number", "upn", "uln", "local_id",
)  # fmt: skip
LISTS = ("other_surnames", "other_upns")
COLUMNS = ("record_pseudonym", "source_row", *SINGLE, *LISTS, "sex", "is_protected")
IDENTIFIERS = ("nhs_number", "upn", "uln", "local_id")
# An identifier that so many records carry is a default of somebody's system, not a person's.
MAX_HOLDERS = 40

Source = tuple[str, str]

# Rows that speak for their record, over rows with source_id, record_pseudonym and is_held.
SPEAKS = "NOT is_held OR bool_and(is_held) OVER (PARTITION BY source_id, record_pseudonym)"


def store_file(settings: Settings, submission: Submission) -> Path:
    """Where the linker keeps the linkage file of a submission."""
    return settings.link_store / f"{submission.submission.replace('/', '__')}.age"


def people_only(registry: Registry, submissions: Iterable[Submission]) -> list[Submission]:
    """Those of the submissions whose contract has people, by agency and dataset."""
    return sorted(
        (s for s in submissions if registry.contract(s.dataset_code).people),
        key=lambda s: (s.agency_code, s.dataset_code),
    )


def read(settings: Settings, keys: HubKeys, submission: Submission, columns: Iterable[str] = COLUMNS) -> pa.Table:
    """Columns of one linkage file, decrypted in memory; SystemFault where the file is gone or will not open."""
    path = store_file(settings, submission)
    try:
        clear = pyrage.decrypt(path.read_bytes(), [keys.linker])
        return pq.read_table(pa.BufferReader(clear), columns=list(columns))
    except FileNotFoundError:
        raise SystemFault(f"the link store has no linkage file of {submission.submission}") from None
    except (pyrage.DecryptError, pa.ArrowException, OSError):
        raise SystemFault(f"the linkage file of {submission.submission} does not open with the linker's key") from None


def held_rows(connection: psycopg.Connection[Any], registry: Registry, submission: Submission) -> list[int]:
    """Rows of a submission's record tables that validation held back, as the linkage file numbers them, in order.

    It goes on counting from one record table to the next, by the rows that the manifest says came in.
    """
    held: list[int] = []
    before = 0
    for table in registry.contract(submission.dataset_code).record_tables:
        found = connection.execute(
            """SELECT DISTINCT source_row FROM ops.held_row
               WHERE submission_key = %s AND table_name = %s ORDER BY source_row""",
            (submission.submission_key, table),
        ).fetchall()
        held += [before + row for (row,) in found]
        before += submission.manifest.get("tables", {}).get(table, {}).get("rows_in", 0)
    return held


def memory() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that cannot spill to disk."""
    db = duckdb.connect(":memory:")
    db.execute("SET temp_directory = ''")
    db.execute("SET preserve_insertion_order = false")
    db.execute("CREATE MACRO token(t) AS CASE WHEN t IS NOT NULL THEN (hash(t) >> 1)::BIGINT END")
    return db


def load(
    db: duckdb.DuckDBPyConnection,
    tables: Mapping[Source, pa.Table],
    held: Mapping[Source, list[int]] = MappingProxyType({}),
) -> None:
    """Make the tables of this module from linkage tables, and their held rows, by source (agency, dataset)."""
    single = ", ".join(f"token({name}) AS {name}" for name in SINGLE)
    lists = ", ".join(f"list_sort(list_distinct(list_transform({n}, lambda t: token(t)))) AS {n}" for n in LISTS)
    rows = f"""SELECT ?::INTEGER AS source_id, record_pseudonym, {single}, {lists},
        CASE WHEN sex IN ('M', 'F') THEN sex END AS sex, coalesce(is_protected, false) AS is_protected,
        list_contains(?::INTEGER[], source_row) AS is_held
        FROM linkage WHERE record_pseudonym IS NOT NULL"""  # noqa: S608
    db.execute("CREATE TABLE source (source_id INTEGER, agency VARCHAR, dataset VARCHAR)")
    for number, (source, linkage) in enumerate(sorted(tables.items(), key=lambda item: item[0])):
        db.execute("INSERT INTO source VALUES (?, ?, ?)", [number, *source])
        db.register("linkage", linkage)
        into = "INSERT INTO token_row" if number else "CREATE TABLE token_row AS"
        db.execute(f"{into} {rows}", [number, held.get(source, [])])
        db.unregister("linkage")
    if not tables:
        raise SystemFault("there is nothing to link: no current submission carries people")
    _number(db)


def _number(db: duckdb.DuckDBPyConnection) -> None:
    names = ", ".join((*SINGLE, *LISTS, "sex"))
    kinds = " UNION ALL ".join(
        f"SELECT record_id, '{kind}' AS kind, {kind} AS value, 0 AS is_former FROM profile WHERE {kind} IS NOT NULL"  # noqa: S608
        for kind in IDENTIFIERS
    )
    db.execute(f"""
        CREATE TEMP TABLE speaking AS FROM token_row QUALIFY {SPEAKS};
        DROP TABLE token_row;
        CREATE TABLE record AS
        SELECT row_number() OVER (ORDER BY source_id, record_pseudonym)::INTEGER AS record_id, source_id,
               record_pseudonym, bool_or(is_protected) AS is_protected
        FROM speaking GROUP BY source_id, record_pseudonym;
        CREATE TABLE profile AS
        SELECT row_number() OVER (ORDER BY record_id, {names})::INTEGER AS profile_id, *,
               forename IS NOT NULL AND surname IS NOT NULL AS is_named
        FROM (SELECT DISTINCT record_id, {names} FROM speaking JOIN record USING (source_id, record_pseudonym));
        DROP TABLE speaking;
        CREATE TABLE identifier AS
        SELECT record_id, kind, value, min(is_former)::BOOLEAN AS is_former
        FROM ({kinds} UNION ALL SELECT record_id, 'upn', unnest(other_upns), 1 FROM profile)
        GROUP BY record_id, kind, value
        QUALIFY count(*) OVER (PARTITION BY kind, value) <= {MAX_HOLDERS};
    """)  # noqa: S608
