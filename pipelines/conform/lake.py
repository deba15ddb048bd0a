"""The lake as DuckDB views: one per contract table, over the submissions that stand.

A view is named `<dataset>__<table>` and has the payload's columns, typed as the contract says, and five more:
agency_code, dataset_code, submission_key, period_start, period_end. Where no submission carries the table, the view is
there with its columns and types and no row, so that no SQL has to ask what was delivered.

One view more, `people`: what every dataset says of its children, found by the meaning of the columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq

from pipelines.errors import SystemFault
from pipelines.ledger import Ledger, Submission
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.validate.typed import lake_columns

# What `people` says of a child beside the added columns: a field of the contracts, or what the door derived.
SAID = {
    "birth_month": "DATE",
    "lsoa21_code": "VARCHAR",
    "sex_code": "VARCHAR",
    "ethnicity_code": "VARCHAR",
    "nhs_ethnic_code": "VARCHAR",
}
ADDED = ("agency_code", "dataset_code", "submission_key", "period_start", "period_end")


@dataclass(frozen=True)
class LakeFile:
    """One Parquet file of accepted rows and the submission it belongs to."""

    submission_key: int
    agency_code: str
    dataset_code: str
    table: str
    period_start: date
    period_end: date
    path: Path
    sha256: str


def files(
    settings: Settings,
    connection: psycopg.Connection[Any],
    submissions: Iterable[Submission],
    as_of: date | None = None,
) -> list[LakeFile]:
    """The lake files of these submissions, in a fixed order; as_of: those that stood at the end of that day.

    Raises SystemFault where the ledger names a file that is not in the lake.
    """
    standing = {submission.submission_key: submission for submission in submissions}
    rows = Ledger(connection).rows(
        """SELECT submission_key, table_name, path, sha256 FROM ops.snapshot
           WHERE submission_key = ANY(%s) AND CASE WHEN %s::date IS NULL THEN replaced_at = 'infinity'
               ELSE accepted_at::date <= %s AND replaced_at::date > %s END
           ORDER BY submission_key, table_name""",
        list(standing),
        as_of,
        as_of,
        as_of,
    )
    found = []
    for row in rows:
        of, path = standing[row["submission_key"]], settings.lake / row["path"]
        if not path.is_file():
            raise SystemFault(f"{of.submission}: the lake has lost the file of table {row['table_name']}")
        found.append(
            LakeFile(
                of.submission_key,
                of.agency_code,
                of.dataset_code,
                row["table_name"],
                of.period_start,
                of.period_end,
                path,
                row["sha256"],
            )
        )
    return found


def open_views(
    duck: duckdb.DuckDBPyConnection, registry: Registry, found: Iterable[LakeFile], named: Collection[str]
) -> None:
    """Make the views of these names, and those that `people` needs where it is among them."""
    by_table: dict[tuple[str, str], list[LakeFile]] = {}
    for file in found:
        by_table.setdefault((file.dataset_code, file.table), []).append(file)
    for dataset, contract in registry.contracts.items():
        for table in contract.tables:
            if f"{dataset}__{table}" not in named and not ("people" in named and table in contract.record_tables):
                continue
            wanted = lake_columns(registry, dataset, table)
            parts = [_select(file, wanted) for file in by_table.get((dataset, table), [])]
            duck.execute(f'CREATE VIEW "{dataset}__{table}" AS ' + (" UNION ALL ".join(parts) or _empty(wanted)))
    if "people" in named:
        duck.execute(f"CREATE VIEW people AS {_people(registry)}")


def _people(registry: Registry) -> str:
    """All rows of all record tables, each column under the name of its meaning."""
    parts = []
    for dataset, contract in registry.contracts.items():
        for table in contract.record_tables:
            named = {view.column.field: view.name for view in registry.columns(dataset, table) if view.column.field}
            there = {name: named.get(name, name) for name in SAID}
            columns = lake_columns(registry, dataset, table)
            cells = [
                f'"{there[name]}" AS "{name}"' if there[name] in columns else f'NULL::{type_} AS "{name}"'
                for name, type_ in SAID.items()
            ]
            added = f"{', '.join(ADDED)}, record_pseudonym, source_row"
            parts.append(f'SELECT {added}, {", ".join(cells)} FROM "{dataset}__{table}"')  # noqa: S608
    return " UNION ALL ".join(parts)


def _select(file: LakeFile, wanted: Mapping[str, str]) -> str:
    """A file's rows as the contract of today has them: a column it does not have yet is empty."""
    there = set(pq.read_schema(file.path).names)
    cells = [
        f'TRY_CAST("{name}" AS {type_}) AS "{name}"' if name in there else f'NULL::{type_} AS "{name}"'
        for name, type_ in wanted.items()
    ]
    path = str(file.path).replace("'", "''")
    return (
        f"SELECT '{file.agency_code}' AS agency_code, '{file.dataset_code}' AS dataset_code, "  # noqa: S608
        f"{file.submission_key}::BIGINT AS submission_key, DATE '{file.period_start}' AS period_start, "
        f"DATE '{file.period_end}' AS period_end, {', '.join(cells)} FROM read_parquet('{path}')"
    )


def _empty(wanted: Mapping[str, str]) -> str:
    added = dict(zip(ADDED, ("VARCHAR", "VARCHAR", "BIGINT", "DATE", "DATE"), strict=True))
    cells = [f'NULL::{type_} AS "{name}"' for name, type_ in (added | dict(wanted)).items()]
    return f"SELECT {', '.join(cells)} WHERE FALSE"
