"""Small payloads by hand: rows of a dataset as the door leaves them, with the manifest that goes with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.registry import Registry
from pipelines.seal.manifest import sha256_of
from pipelines.validate.typed import derived, passing

Rows = dict[str, list[dict[str, Any]]]
CLEAN = {
    "birth_month": "2015-03-01",
    "age_31_aug": "10",
    "school_year": "2014",
    "is_birth_day_unknown": "false",
    "lsoa21_code": "E01990001",
}
# The same by how the name of the column ends.
ENDS = {"_before_birth": "false", "_km": "12"}


def clean(registry: Registry, dataset: str, table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A payload row: the given values over NULL content and clean derived columns."""
    contract = registry.contract(dataset)
    found: dict[str, Any] = {"record_pseudonym": "child1" if contract.people else None}
    found |= {view.name: None for view in passing(registry, dataset, table)}
    for name in derived(registry, dataset, table):
        found[name] = CLEAN.get(name, next((text for end, text in ENDS.items() if name.endswith(end)), "valid"))
    return found | row


def write(registry: Registry, dataset: str, rows: Rows, folder: Path, **manifest: Any) -> dict[str, Any]:
    """Write `<table>.parquet` of every table named; returns the manifest. Rows are numbered from 1 unless they say."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {}
    for table, given in rows.items():
        whole = [
            clean(registry, dataset, table, row) | {"source_row": row.get("source_row", number)}
            for number, row in enumerate(given, 1)
        ]
        names = list(clean(registry, dataset, table, {}))
        columns: dict[str, Any] = {name: pa.array([row[name] for row in whole], pa.string()) for name in names}
        columns["source_row"] = pa.array([row["source_row"] for row in whole], pa.int32())
        pq.write_table(pa.table(columns), folder / f"{table}.parquet")
        sha256 = sha256_of(folder / f"{table}.parquet")
        tables[table] = {"rows_in": len(whole), "rows": len(whole), "rejected_rows": [], "sha256": sha256}
    agency = next(a.code for a in registry.agencies.values() if dataset in a.datasets)
    told = {"agency": agency, "dataset": dataset, "period": "2026-03", "sequence": 1, "tables": tables}
    return told | manifest
