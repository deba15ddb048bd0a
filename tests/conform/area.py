"""A small hand-made lake: accepted rows of any dataset, as accept writes them, with their marks in the ledger."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import registry as declared
from pipelines.ledger import Ledger
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.validate.typed import lake_columns

REGISTRY: Registry = declared.load()


def deliver(
    settings: Settings,
    connection: psycopg.Connection[Any],
    agency: str,
    dataset: str,
    period: str,
    tables: dict[str, list[dict[str, Any]]],
    sequence: int = 1,
) -> int:
    """Accept a submission with these rows; columns not given are empty, source_row counts from 1. Its key."""
    ledger = Ledger(connection)
    name = f"{agency}/{dataset}/{period}/{sequence}"
    start, end = bounds(period)
    key = ledger.add_submission(
        submission=name, agency_code=agency, dataset_code=dataset, period=period, period_start=start, period_end=end,
        sequence=sequence, manifest_sha256="0" * 64, content_sha256=hashlib.sha256(name.encode()).hexdigest(),
        contract_hash=REGISTRY.contract_hash(dataset), manifest={},
    )  # fmt: skip
    snapshots = []
    for table, rows in tables.items():
        path = settings.lake / dataset / agency / period / name.replace("/", "__") / f"{table}.0.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, dataset, table, rows)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        snapshots.append((table, str(path.relative_to(settings.lake)), sha256, len(rows)))
        connection.execute("INSERT INTO ops.outcome VALUES (%s, %s, %s, %s)", (key, table, len(rows), len(rows)))
    ledger.replace_snapshots(key, snapshots)
    ledger.move(name, "validated")
    ledger.move(name, "accepted")
    connection.commit()
    return key


def write(path: Any, dataset: str, table: str, rows: list[dict[str, Any]]) -> None:
    """Write rows as typed Parquet with every column of the contract."""
    types = lake_columns(REGISTRY, dataset, table)
    numbered = [{"source_row": number, **row} for number, row in enumerate(rows, start=1)]
    unknown = {name for row in numbered for name in row} - set(types)
    assert not unknown, f"{dataset}.{table} has no column {unknown}"
    with duckdb.connect() as duck:
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in types.items())
        duck.execute(f"CREATE TABLE made ({columns})")
        for row in numbered:
            cells = [row.get(name) for name in types]
            duck.execute(f"INSERT INTO made VALUES ({', '.join('?' * len(cells))})", cells)
        duck.execute(f"COPY made TO '{path}' (FORMAT parquet)")


def link(connection: psycopg.Connection[Any], **persons: list[tuple[str, str, str]]) -> dict[str, str]:
    """Say which records are one person: name=[(agency, dataset, record), ...]. Replaces what was said. Keys by name."""
    connection.execute("DELETE FROM link.crosswalk")
    keys = {name: str(UUID(bytes=hashlib.sha256(name.encode()).digest()[:16])) for name in persons}
    for name, records in persons.items():
        for record in records:
            connection.execute(
                """INSERT INTO link.crosswalk (agency_code, dataset_code, record_pseudonym, person_key, valid_from)
                   VALUES (%s, %s, %s, %s, '2026-01-01')""",
                (*record, keys[name]),
            )
    connection.commit()
    return keys


def rows(path: Any) -> list[dict[str, Any]]:
    """All rows of a Parquet file."""
    table: pa.Table = pq.read_table(path)
    return table.to_pylist()


def conformed(settings: Settings, table: str) -> list[dict[str, Any]]:
    """The rows of a canonical table as conform made them last."""
    made = json.loads((settings.conformed / "next.json").read_text())
    return rows(settings.conformed / f"{table}.{made['hashes'][table]}.parquet")
