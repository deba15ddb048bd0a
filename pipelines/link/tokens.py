"""Opens linkage files in memory: records, their token profiles and their identifiers as tables of an in-memory DuckDB.

Tokens never touch disk in clear: files are decrypted into memory, DuckDB runs without a database file and without a
folder to spill to, and inside it every token is a 63-bit integer, which is small to compare and means nothing outside
the run.

A record may have several rows. Rows that validation held back do not speak for it where another row was accepted: two
children under one identifier are told apart there. A record of held rows alone is matched all the same.

Of a dataset several submissions may stand. Rows of one record pseudonym are one record: its newest submission speaks
for it, and names, postcodes and UPNs of earlier ones are added as earlier ones, but never to a protected child.

Tables made here, numbered so that the order in which files and rows arrive changes nothing:
    source(source_id, agency, dataset)
    record(record_id, source_id, record_pseudonym, is_protected)   one row per child as one source knows it
    profile(record_id, look_id, <identifiers>)                     the distinct sets of tokens of a record
    look(look_id, is_named, <tokens but identifiers>)              what records look like, each once: a child
                                                                   alike in five sources is compared once
    identifier(record_id, kind, value, is_former)                  identifiers of a record, earlier UPNs marked former
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pyrage

from pipelines.errors import SystemFault
from pipelines.ledger import Submission
from pipelines.link.epochs import Choice, files
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings

# One token each, then lists of them. A former surname compares with a surname, a swapped birth date with a birth date.
SINGLE = (
    "forename", "forename_phonetic", "forename_whole", "forename_sound", "forename_prefix", "forename_end",
    "forename_initial", "surname", "surname_phonetic", "surname_as_forename", "birth_date", "birth_date_swapped",
    "postcode", "postcode_sector", "nhs_number", "upn", "uln", "local_id",
)  # fmt: skip
# What earlier submissions add to, and the column whose earlier values are added.
OTHERS = {
    "other_forenames": "forename", "other_surnames": "surname", "other_postcodes": "postcode", "other_upns": "upn"
}  # fmt: skip
LISTS = (*OTHERS, "forename_formal", "forename_starts", "forename_near", "surname_near", "birth_pairs", "address")
IDENTIFIERS = ("nhs_number", "upn", "uln", "local_id")
# All that records are compared on, identifiers apart.
LOOKS = (
    *(name for name in SINGLE if name not in IDENTIFIERS), *(name for name in LISTS if name != "other_upns"),
    "sex", "birth_parts", "is_forename_initial",
)  # fmt: skip
FLAGS = ("is_forename_initial", "is_protected")
COLUMNS = ("record_pseudonym", "source_row", *SINGLE, *LISTS, "birth_parts", "sex", *FLAGS)
# An identifier that so many records carry is a default of somebody's system, not a person's.
MAX_HOLDERS = 40

Source = tuple[str, str]


@dataclass(frozen=True)
class Part:
    """The linkage table of one submission that stands.

    edition: the newer of one source has the higher number. alone: each record is taken as a source of its own.
    """

    source: Source
    edition: int
    table: pa.Table
    held: Sequence[int] = ()
    alone: bool = False


# Rows that speak for their record, over rows with source_id, record_pseudonym and is_held.
SPEAKS = "NOT is_held OR bool_and(is_held) OVER (PARTITION BY source_id, record_pseudonym)"


def people_only(registry: Registry, submissions: Iterable[Submission]) -> list[Submission]:
    """Those of the submissions whose contract has people, by agency and dataset, the older before the newer."""
    return sorted(
        (s for s in submissions if registry.contract(s.dataset_code).people),
        key=lambda s: (s.agency_code, s.dataset_code, s.period_end, s.period_start, s.sequence),
    )


def read(path: Path, keys: HubKeys, submission: Submission, columns: Iterable[str] = COLUMNS) -> pa.Table:
    """Columns of one linkage file, decrypted in memory; SystemFault where the file is gone or will not open."""
    try:
        clear = pyrage.decrypt(path.read_bytes(), [keys.linker])
        return pq.read_table(pa.BufferReader(clear), columns=list(columns))
    except FileNotFoundError:
        raise SystemFault(f"the link store has no linkage file of {submission.submission}") from None
    except (pyrage.DecryptError, pa.ArrowException, OSError):
        raise SystemFault(f"the linkage file of {submission.submission} does not open with the linker's key") from None


def parts(
    settings: Settings,
    keys: HubKeys,
    connection: psycopg.Connection[Any],
    registry: Registry,
    choice: Choice,
) -> Iterator[Part]:
    """Open the linkage files of a run's epoch in the order of `people_only`, one at a time."""
    for number, submission in enumerate(choice.present):
        source = (submission.agency_code, submission.dataset_code)
        held = held_rows(connection, registry, submission)
        path = files(settings, submission)[choice.epoch]
        yield Part(source, number, read(path, keys, submission), held)


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


def load(db: duckdb.DuckDBPyConnection, parts: Iterable[Part]) -> None:
    """Make the tables of this module from linkage tables, taken one by one."""
    single = ", ".join(f"token({name}) AS {name}" for name in SINGLE)
    lists = ", ".join(
        f"coalesce(list_sort(list_distinct(list_transform({n}, lambda t: token(t)))), []) AS {n}" for n in LISTS
    )
    flags = ", ".join(f"coalesce({name}, false) AS {name}" for name in FLAGS)
    rows = f"""SELECT ? AS agency, CASE WHEN ? THEN record_pseudonym ELSE ? END AS dataset, ?::INTEGER AS edition,
        record_pseudonym, {single}, {lists},
        CASE WHEN sex IN ('M', 'F') THEN sex END AS sex, birth_parts, {flags},
        list_contains(?::INTEGER[], source_row) AS is_held
        FROM linkage WHERE record_pseudonym IS NOT NULL"""  # noqa: S608
    into = "CREATE TABLE token_row AS"
    for part in parts:
        db.register("linkage", part.table)
        db.execute(f"{into} {rows}", [part.source[0], part.alone, part.source[1], part.edition, list(part.held)])
        db.unregister("linkage")
        into = "INSERT INTO token_row"
    if not into.startswith("INSERT"):
        raise SystemFault("there is nothing to link: no current submission carries people")
    _number(db)


def _number(db: duckdb.DuckDBPyConnection) -> None:
    """Records and profiles from token rows: who speaks, what earlier submissions add, a number for each."""
    looks = ", ".join(LOOKS)
    now = ", ".join(f"coalesce(n.{c}, e.{c}) AS {c}" if c in IDENTIFIERS else f"n.{c}" for c in SINGLE)
    others = ", ".join(
        f"list_sort(list_distinct(list_filter(list_concat(n.{name}, e.{name}), lambda t: t IS DISTINCT FROM n.{of})))"
        f" AS {name}"
        for name, of in OTHERS.items()
    )
    kept = ", ".join(f"n.{name}" for name in LISTS if name not in OTHERS)
    earlier = ", ".join(
        [f"arg_max({name}, edition) FILTER ({name} IS NOT NULL) AS {name}" for name in IDENTIFIERS]
        + [
            f"list_concat(list({of}) FILTER ({of} IS NOT NULL), flatten(list({name}))) AS {name}"
            for name, of in OTHERS.items()
        ]
    )
    kinds = " UNION ALL ".join(
        f"SELECT record_id, '{kind}' AS kind, {kind} AS value, 0 AS is_former FROM profile WHERE {kind} IS NOT NULL"  # noqa: S608
        for kind in IDENTIFIERS
    )
    db.execute(f"""
        CREATE TABLE source AS
        SELECT row_number() OVER (ORDER BY agency, dataset)::INTEGER - 1 AS source_id, agency, dataset
        FROM (SELECT DISTINCT agency, dataset FROM token_row);
        CREATE TEMP TABLE speaking AS
        FROM token_row JOIN source USING (agency, dataset) QUALIFY {SPEAKS};
        DROP TABLE token_row;
        CREATE TABLE record AS
        SELECT row_number() OVER (ORDER BY source_id, record_pseudonym)::INTEGER AS record_id, source_id,
               record_pseudonym, bool_or(is_protected) AS is_protected, max(edition) AS edition
        FROM speaking GROUP BY source_id, record_pseudonym;
        CREATE TEMP TABLE described AS
        WITH numbered AS (
            SELECT s.*, record_id, s.edition = record.edition AS is_newest, record.is_protected AS is_hidden
            FROM speaking s JOIN record USING (source_id, record_pseudonym)
        ), earlier AS (
            SELECT record_id, {earlier} FROM numbered WHERE NOT is_newest AND NOT is_hidden GROUP BY record_id
        )
        SELECT *, dense_rank() OVER (ORDER BY {looks})::INTEGER AS look_id
        FROM (SELECT DISTINCT n.record_id, {now}, {others}, {kept}, n.sex, n.birth_parts, n.is_forename_initial
              FROM numbered n LEFT JOIN earlier e USING (record_id) WHERE is_newest);
        CREATE TABLE look AS
        SELECT DISTINCT ON (look_id) look_id, {looks}, forename IS NOT NULL OR surname IS NOT NULL AS is_named
        FROM described;
        CREATE TABLE profile AS
        SELECT DISTINCT record_id, look_id, {", ".join(IDENTIFIERS)}, other_upns, birth_date, sex, postcode,
               postcode_sector, surname, forename IS NOT NULL OR surname IS NOT NULL AS is_named
        FROM described;
        DROP TABLE described;
        DROP TABLE speaking;
        ALTER TABLE record DROP edition;
        CREATE TABLE identifier AS
        SELECT record_id, kind, value, min(is_former)::BOOLEAN AS is_former
        FROM ({kinds} UNION ALL SELECT record_id, 'upn', unnest(other_upns), 1 FROM profile)
        GROUP BY record_id, kind, value
        QUALIFY count(*) OVER (PARTITION BY kind, value) <= {MAX_HOLDERS};
    """)  # noqa: S608
