"""Received submissions by hand, on a real ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pipelines import registry as declared
from pipelines.ledger import Ledger
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.settings import Settings
from tests.validate.payloads import Rows, write

Receive = Callable[..., str]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return declared.load()


@pytest.fixture
def receive(database: Settings, connection: psycopg.Connection[Any], registry: Registry) -> Receive:
    """`receive(dataset, rows, period=..., sequence=..., **manifest)` puts a submission where `receive` leaves it."""

    def take(dataset: str, rows: Rows, *, period: str = "2026-03", sequence: int = 1, **manifest: Any) -> str:
        agency = next(a.code for a in registry.agencies.values() if dataset in a.datasets)
        name = f"{agency}/{dataset}/{period}/{sequence}"
        folder = database.received / name.replace("/", "__") / "payload"
        told = write(registry, dataset, rows, folder, period=period, sequence=sequence, **manifest)
        start, end = bounds(period)
        Ledger(connection).add_submission(
            submission=name, agency_code=agency, dataset_code=dataset, period=period, period_start=start,
            period_end=end, sequence=sequence, manifest_sha256=hashlib.sha256(name.encode()).hexdigest(),
            content_sha256=name, contract_hash=registry.contract_hash(dataset), manifest=told,
        )  # fmt: skip
        connection.commit()
        return name

    return take
