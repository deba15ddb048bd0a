"""The last accepted submission of the same sender, for rules that compare with it: `previous.<table>` in DuckDB.

A child has the same record pseudonym in both, so that rules can say what changed and who is no longer there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.errors import SystemFault
from pipelines.ledger import Ledger, Submission
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.validate.rules import Rule
from pipelines.validate.typed import lake_columns, quoted


def files(settings: Settings, ledger: Ledger, found: Submission) -> dict[str, Path]:
    """Table -> lake file of the submission that came before this one; empty where there is none.

    Before: of the same agency and dataset, accepted at some time and not withdrawn, the latest period that does not end
    after this one's, and in the same period the highest lower sequence. So a correction is compared with what it
    corrects, and a late older period never with a newer one.
    """
    before = ledger.rows(
        """SELECT submission_key FROM ops.submission
           WHERE agency_code = %s AND dataset_code = %s AND state IN ('accepted', 'integrated', 'superseded')
             AND (period_end, sequence) < (%s, %s) AND (period <> %s OR sequence < %s)
           ORDER BY period_end DESC, sequence DESC LIMIT 1""",
        *(found.agency_code, found.dataset_code, found.period_end, found.sequence, found.period, found.sequence),
    )
    if not before:
        return {}
    rows = ledger.rows(
        "SELECT table_name, path FROM ops.snapshot WHERE submission_key = %s AND replaced_at = 'infinity'",
        before[0]["submission_key"],
    )
    named = {row["table_name"]: settings.lake / row["path"] for row in rows}
    if lost := [table for table, path in named.items() if not path.is_file()]:
        raise SystemFault(f"the lake has lost files of the submission before {found.submission}: {', '.join(lost)}")
    return named


def load(
    connection: duckdb.DuckDBPyConnection,
    registry: Registry,
    dataset: str,
    rules: Iterable[Rule],
    lake_files: Mapping[str, Path],
) -> dict[str, int]:
    """Make `previous.<table>` of every table that a rule names there; returns the rows of each file.

    Columns are those of the lake today: one that the file does not have yet is NULL, a table that did not come empty.
    """
    if not lake_files:
        return {}
    wanted = {rule.table for rule in rules if rule.of_previous}
    wanted |= {name for rule in rules for name in re.findall(r"\bprevious\.(\w+)", rule.flag_sql or "")}
    connection.execute("CREATE SCHEMA IF NOT EXISTS previous")
    for table in sorted(wanted & set(registry.contract(dataset).tables)):
        connection.execute(
            f"CREATE OR REPLACE TABLE previous.{quoted(table)} AS {_rows(registry, dataset, table, lake_files)}"
        )
    return {table: pq.read_metadata(path).num_rows for table, path in lake_files.items()}


def _rows(registry: Registry, dataset: str, table: str, lake_files: Mapping[str, Path]) -> str:
    file = lake_files.get(table)
    there = set(pq.read_schema(file).names) if file else set()
    columns = [
        f"{quoted(name)}::{type_} AS {quoted(name)}" if name in there else f"NULL::{type_} AS {quoted(name)}"
        for name, type_ in lake_columns(registry, dataset, table).items()
    ]
    place = str(file).replace("'", "''")
    source = f"read_parquet('{place}')" if file else "(SELECT 1) AS nothing WHERE false"
    return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608
