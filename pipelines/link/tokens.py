"""Opens linkage files in memory: records, their token profiles and their identifiers as tables of an in-memory DuckDB.

Tokens never touch disk in clear: files are decrypted into memory, DuckDB runs without a database file and without a
folder to spill to, and inside it every token is an integer, its first 8 bytes, which is small to compare. Of a column
of 100 million distinct tokens two are taken for one with a chance of .03 %.

A record may have several rows. Rows that validation held back do not speak for it where another row was accepted: two
children under one identifier are told apart there. A record of held rows alone is matched all the same.

Of a dataset several submissions may stand. Rows of one record pseudonym are one record: its newest submission speaks
for it, and names, postcodes and UPNs of earlier ones are added as earlier ones, but never to a protected child.

Tables made here, numbered so that the order in which files and rows arrive changes nothing:
    source(source_id, agency, dataset)
    record(record_id, source_id, record_pseudonym, is_protected)   one row per child as one source knows it
    profile(record_id, look_id, <identifiers>)                     the distinct sets of tokens of a record
    look(look_id, content, is_named, <tokens but identifiers>)     what records look like, each once: a child
                                                                   alike in five sources is compared once; content
                                                                   is a hash of the tokens, the same in every run
    identifier(record_id, kind, value, is_former)                  identifiers of a record, earlier UPNs marked former
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyrage

from pipelines.errors import SystemFault
from pipelines.ledger import Submission
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.seal.tokens import TOKEN

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
# What decides which rows speak and what earlier ones add; the rest is of the newest row as it stands.
_DECIDING = ("record_pseudonym", "is_protected", *IDENTIFIERS, "forename", "surname", "postcode", *OTHERS)
_CARRIED = (*(name for name in LOOKS if name not in OTHERS),)
COLUMNS = ("record_pseudonym", "source_row", *SINGLE, *LISTS, "birth_parts", "sex", *FLAGS)
# An identifier that so many records carry is a default of somebody's system, not a person's.
MAX_HOLDERS = 40
# More profiles than a source has.
_PART = 1_000_000_000

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
        return pq.read_table(pa.BufferReader(clear), columns=list(columns), use_threads=False)
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
    return db


def small(table: pa.Table) -> pa.Table:
    """A linkage table with integers for tokens, and without the rows that name no record."""
    named = table.filter(pc.is_valid(table["record_pseudonym"])) if table["record_pseudonym"].null_count else table
    columns: dict[str, Any] = {name: named[name] for name in ("record_pseudonym", "source_row")}
    columns |= {name: _integers(named[name].combine_chunks()) for name in SINGLE}
    columns |= {name: _lists(named[name].combine_chunks()) for name in LISTS}
    sex = pc.cast(named["sex"], pa.string())
    columns["sex"] = pc.if_else(pc.is_in(sex, pa.array(["M", "F"])), sex, None)
    columns["birth_parts"] = named["birth_parts"]
    return pa.table(columns | {name: pc.fill_null(named[name], False) for name in FLAGS})


def _lists(column: pa.Array) -> pa.Array:
    """Lists of tokens as lists of integers; none is an empty one."""
    ends = np.cumsum(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], ends]), pa.int32()), _integers(column.flatten()))


def _integers(column: pa.Array) -> pa.Array:
    """Tokens by their first 8 bytes. Raises SystemFault for those of earlier versions, which never compare."""
    if column.type != TOKEN:
        advice = "have its submission sealed and sent anew"
        if pa.types.is_fixed_size_binary(column.type):
            advice = "`joint-needs keys repass` brings the link store up to date"
        raise SystemFault(f"a linkage file was stored by an earlier version; {advice}")
    count, width = len(column), TOKEN.byte_width
    held = np.frombuffer(column.buffers()[1], np.int64, count=count * width // 8, offset=column.offset * width)
    first = held[:: width // 8]
    return pa.array(first, mask=pc.is_null(column).to_numpy(zero_copy_only=False))


def load(db: duckdb.DuckDBPyConnection, parts: Iterable[Part]) -> None:
    """Make the tables of this module from linkage tables; those of one source come together."""
    by_source = groupby(parts, key=lambda part: part.source)
    number(db, [describe(db, list(of_one)) for _, of_one in by_source])


def describe(db: duckdb.DuckDBPyConnection, parts: Iterable[Part]) -> pa.Table:
    """The profiles of one source's records, from what stands of it: who speaks, and what earlier submissions add.

    A row for each profile: agency, dataset, record_pseudonym, is_protected, the token columns, content, is_named.
    """
    given = list(parts)
    opened = [small(part.table) for part in given]
    editions = np.repeat([part.edition for part in given], [len(table) for table in opened])
    held = [np.isin(table["source_row"].to_numpy(), part.held) for part, table in zip(given, opened, strict=True)]
    rows = pa.concat_tables(opened)
    spoken = _speaking(db, pa.table({
        **{name: rows[name] for name in _DECIDING},
        "place": pa.array(np.arange(len(rows))),
        "edition": pa.array(editions),
        "is_held": pa.array(np.concatenate(held)),
    }))  # fmt: skip
    carried = rows.select(_CARRIED).take(spoken["place"])
    agency, dataset = given[0].source
    profiles = pa.table({
        "agency": pa.repeat(agency, len(spoken)),
        "dataset": spoken["record_pseudonym"] if given[0].alone else pa.repeat(dataset, len(spoken)),
        **{name: spoken[name] for name in spoken.column_names if name != "place"},
        **{name: carried[name] for name in _CARRIED},
    })  # fmt: skip
    db.register("profiles", profiles)
    found = db.sql(f"""
        SELECT agency, dataset, record_pseudonym, is_protected, {", ".join((*SINGLE, *LISTS))}, sex, birth_parts,
               is_forename_initial, hash({", ".join(LOOKS)}) AS content,
               forename IS NOT NULL OR surname IS NOT NULL AS is_named
        FROM profiles""").to_arrow_table()  # noqa: S608
    db.unregister("profiles")
    return found


def _speaking(db: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
    """The places of rows that speak for their records, with identifiers and other values that earlier ones add."""
    now = ", ".join(f"coalesce(n.{name}, e.{name}) AS {name}" for name in IDENTIFIERS)
    others = ", ".join(
        f"""CASE WHEN len(n.{name}) > 0 OR len(e.{name}) > 0 THEN
            list_sort(list_distinct(list_filter(list_concat(n.{name}, e.{name}), lambda t: t IS DISTINCT FROM n.{of})))
            ELSE [] END AS {name}"""
        for name, of in OTHERS.items()
    )
    earlier = ", ".join(
        [f"arg_max({name}, edition) FILTER ({name} IS NOT NULL) AS {name}" for name in IDENTIFIERS]
        + [
            f"list_concat(list({of}) FILTER ({of} IS NOT NULL), flatten(list({name}))) AS {name}"
            for name, of in OTHERS.items()
        ]
    )
    db.register("token_row", rows)
    found = db.sql(f"""
        WITH known AS (
            SELECT record_pseudonym, bool_and(is_held) AS is_all_held,
                   coalesce(bool_or(is_protected) FILTER (NOT is_held), bool_or(is_protected)) AS is_hidden,
                   coalesce(max(edition) FILTER (NOT is_held), max(edition)) AS newest
            FROM token_row GROUP BY ALL
        ), spoken AS (
            SELECT * FROM token_row JOIN known USING (record_pseudonym) WHERE NOT is_held OR is_all_held
        ), earlier AS (
            SELECT record_pseudonym, {earlier} FROM spoken WHERE edition < newest AND NOT is_hidden GROUP BY ALL
        )
        SELECT place, record_pseudonym, n.is_hidden AS is_protected, {now}, {others}
        FROM spoken n LEFT JOIN earlier e USING (record_pseudonym) WHERE edition = newest""").to_arrow_table()  # noqa: S608
    db.unregister("token_row")
    return found


def number(db: duckdb.DuckDBPyConnection, described: Sequence[pa.Table]) -> None:
    """The tables of this module from the profiles of all sources; numbers follow names and content alone."""
    if not described:
        raise SystemFault("there is nothing to link: no current submission carries people")
    for place, table in enumerate(described):
        rows = table.append_column("place", pa.array(range(len(table)), pa.int32()))
        db.register(f"described_{place}", rows)
    every = " UNION ALL ".join(f"SELECT {n}::BIGINT AS part, * FROM described_{n}" for n in range(len(described)))  # noqa: S608
    kinds = " UNION ALL ".join(
        f"SELECT record_id, '{kind}' AS kind, {kind} AS value, 0 AS is_former FROM profile WHERE {kind} IS NOT NULL"  # noqa: S608
        for kind in IDENTIFIERS
    )
    db.execute(f"""
        CREATE TEMP VIEW described AS {every};
        CREATE TABLE source AS
        SELECT row_number() OVER (ORDER BY agency, dataset)::INTEGER - 1 AS source_id, agency, dataset
        FROM (SELECT DISTINCT agency, dataset FROM described);
        CREATE TABLE record AS
        SELECT row_number() OVER (ORDER BY source_id, record_pseudonym)::INTEGER AS record_id, source_id,
               record_pseudonym, is_protected
        FROM (SELECT DISTINCT agency, dataset, record_pseudonym, is_protected FROM described)
        JOIN source USING (agency, dataset) ORDER BY record_id;
        CREATE TEMP TABLE distinct_look AS
        SELECT row_number() OVER (ORDER BY content)::INTEGER AS look_id, content,
               min(part * {_PART} + place) AS first
        FROM described GROUP BY content;
        CREATE TABLE look AS
        SELECT look_id, d.content, {", ".join(LOOKS)}, is_named
        FROM described d JOIN distinct_look l ON part * {_PART} + place = first ORDER BY look_id;
        CREATE TABLE profile AS
        SELECT DISTINCT record_id, look_id, {", ".join(IDENTIFIERS)}, other_upns, birth_date, sex, postcode,
               postcode_sector, surname, is_named
        FROM described JOIN distinct_look USING (content) JOIN source USING (agency, dataset)
        JOIN record USING (source_id, record_pseudonym);
        DROP TABLE distinct_look;
        DROP VIEW described;
        CREATE TABLE identifier AS
        SELECT record_id, kind, value, min(is_former)::BOOLEAN AS is_former
        FROM ({kinds} UNION ALL SELECT record_id, 'upn', unnest(other_upns), 1 FROM profile)
        GROUP BY record_id, kind, value
        QUALIFY count(*) OVER (PARTITION BY kind, value) <= {MAX_HOLDERS};
    """)  # noqa: S608
    for place in range(len(described)):
        db.unregister(f"described_{place}")
