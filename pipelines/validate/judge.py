"""One submission judged, in memory: the same work whether a pull does it or somebody only wants to know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from pipelines.agencies import Agency
from pipelines.extract.faults import fault
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.validate import typed
from pipelines.validate.engine import Engine, Finding, checker
from pipelines.validate.outcomes import Delivered, Judgement, all_rejected, rejection, settle
from pipelines.validate.rules import Rule, rules


@dataclass(frozen=True)
class Case:
    """A sealed submission to be judged: its manifest, where its payload lies, who sent it and how to check it.

    agency: None for files that are only looked at, whose sender nobody named.
    """

    registry: Registry
    manifest: dict[str, Any]
    payload: Path
    agency: Agency | None = None
    environment: str = "production"
    engine: Engine = "duckdb"

    @property
    def dataset(self) -> str:
        """The dataset's code."""
        return str(self.manifest["dataset"])

    @property
    def period(self) -> tuple[date, date]:
        """First and last day of the period."""
        return bounds(self.manifest["period"])


def judge(connection: duckdb.DuckDBPyConnection, case: Case) -> Judgement:
    """Cast, check and settle every table of a submission on an empty DuckDB connection.

    Where the outcome is `accepted`, `<table>__settled` holds each table's rows with `_held`; see `outcomes.settle`.
    Raises DataFault `FILE-019` where the payload is not what the manifest says, SystemFault where counts do not add up.
    """
    by_table = rules(case.registry, case.dataset, case.period[1])
    tables, absent = _load(connection, case)
    findings = _check(connection, case, by_table, tables)
    findings += [Finding(rule, "not_applicable") for name in absent for rule in by_table[name]]
    if any(finding.result == "could_not_check" for finding in findings):
        return Judgement("held_ours", [], findings, absent)
    reason = rejection(findings, case.agency, case.environment)
    if reason:
        return Judgement("rejected", all_rejected(tables), findings, absent, reason)
    return Judgement("accepted", settle(connection, case.registry, case.dataset, findings, tables), findings, absent)


def _load(connection: duckdb.DuckDBPyConnection, case: Case) -> tuple[dict[str, Delivered], list[str]]:
    """Typed tables of everything in the contract, empty where nothing came; what came; optional tables that did not."""
    delivered, absent = {}, []
    for name, table in case.registry.contract(case.dataset).tables.items():
        file = case.payload / f"{name}.parquet"
        told = case.manifest["tables"].get(name)
        if told and not file.exists():
            raise fault("FILE-019", what=f"Table {name}")
        if told:
            _same_columns(case, name, file)
        rows = typed.load(connection, case.registry, case.dataset, name, file if told else None)
        if told and rows != told["rows"]:
            raise fault("FILE-019", what=f"Table {name}")
        if told or not table.optional:
            told = told or {"rows_in": 0, "rejected_rows": []}
            delivered[name] = Delivered(told["rows_in"], rows, len(told["rejected_rows"]))
        else:
            absent.append(name)
    return delivered, absent


def _same_columns(case: Case, table: str, file: Path) -> None:
    missing = set(typed.derived(case.registry, case.dataset, table)) - set(pq.read_schema(file).names)
    if missing:
        raise fault("FILE-019", what=f"Table {table}, column {', '.join(sorted(missing))}")


def _check(
    connection: duckdb.DuckDBPyConnection, case: Case, by_table: dict[str, list[Rule]], tables: Iterable[str]
) -> list[Finding]:
    findings = []
    with checker(connection, case.engine) as check:
        for name in tables:
            checked = typed.flag(connection, case.registry, case.dataset, name, by_table[name], case.period)
            findings += check.check(checked, by_table[name])
            connection.execute(f"DROP TABLE {typed.quoted(checked)}")
    return findings
