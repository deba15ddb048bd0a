"""One submission judged, in memory: the same work whether a pull does it or somebody only wants to know."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.agencies import Agency
from pipelines.errors import SystemFault
from pipelines.extract.faults import fault
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.seal.manifest import sha256_of
from pipelines.validate import previous, typed
from pipelines.validate.engine import CHECKED, Engine, Finding, checker
from pipelines.validate.outcomes import Delivered, Judgement, all_rejected, rejection, settle
from pipelines.validate.rules import Rule, against, rules


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
    # Rows that a steward released: (table, rule) -> row numbers.
    released: Mapping[tuple[str, str], Collection[int]] = field(default_factory=dict)
    # Lake files of the last accepted submission, by table; without them, rules that need history say nothing.
    previous: Mapping[str, Path] = field(default_factory=dict)
    # Tables whose payload has been changed since it was sealed, since rows of erased children are left out: how many,
    # and the hash of the file without them.
    suppressed: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        """The dataset's code."""
        return str(self.manifest["dataset"])

    @property
    def period(self) -> tuple[date, date]:
        """First and last day of the period."""
        return bounds(self.manifest["period"], self.registry.contract(self.dataset).expected.year_ends)


def judge(connection: duckdb.DuckDBPyConnection, case: Case) -> Judgement:
    """Cast, check and settle every table of a submission on an empty DuckDB connection.

    Where the outcome is `accepted`, `<table>__settled` holds each table's rows with `_held`; see `outcomes.settle`.
    Raises DataFault `FILE-019` where the payload is not what the manifest says, SystemFault where it was changed since
    or counts do not add up.
    """
    found = find(connection, case)
    findings, absent, results = found.findings, found.absent, found.results
    if any(finding.result == "could_not_check" for finding in findings):
        return Judgement("held_ours", [], findings, absent, results=results)
    if reason := rejection(findings, case.agency, case.environment):
        return Judgement("rejected", all_rejected(found.tables), findings, absent, reason, results)
    findings = [_without_released(finding, case) for finding in findings]
    outcomes = settle(connection, case.registry, case.dataset, findings, found.tables)
    return Judgement("accepted", outcomes, findings, absent, results=results)


@dataclass(frozen=True)
class Found:
    """One finding per rule, what came of each table, optional tables that did not, Great Expectations' own words."""

    findings: list[Finding]
    tables: dict[str, Delivered]
    absent: list[str]
    results: dict[str, Any]


def find(connection: duckdb.DuckDBPyConnection, case: Case) -> Found:
    """Cast and check every table. Raises as `judge` does."""
    declared = rules(case.registry, case.dataset, case.period[1])
    tables, absent = _load(connection, case)
    by_table = _applicable(connection, case, declared)
    findings, results = _check(connection, case, by_table, tables)
    judged = {(finding.rule.table, finding.rule.rule) for finding in findings}
    everything = [rule for listed in declared.values() for rule in listed]
    findings += [Finding(rule, "not_applicable") for rule in everything if (rule.table, rule.rule) not in judged]
    return Found(findings, tables, absent, results)


def _applicable(
    connection: duckdb.DuckDBPyConnection, case: Case, declared: dict[str, list[Rule]]
) -> dict[str, list[Rule]]:
    """Table -> the rules that can be judged here: all, or those that need no history; bounds of volume worked out."""
    everything = [rule for listed in declared.values() for rule in listed]
    rows = previous.load(connection, case.registry, case.dataset, everything, case.previous)
    found: dict[str, list[Rule]] = {table: [] for table in declared}
    for rule in everything:
        least = case.agency.tolerance(rule.rule, case.environment) if case.agency else None
        if (ready := against(rule, rows, least)) is not None:
            found[rule.table].append(ready)
    return found


def _without_released(finding: Finding, case: Case) -> Finding:
    """A finding as it counts: a row that was released is found, and taken all the same."""
    free = case.released.get((finding.rule.table, finding.rule.rule))
    if not free or finding.rule.on_fail != "quarantine_row":
        return finding
    is_free = pc.is_in(finding.rows, value_set=pa.array(sorted(free), pa.int32()))
    return replace(finding, rows=finding.rows.filter(pc.invert(is_free)))


def _load(connection: duckdb.DuckDBPyConnection, case: Case) -> tuple[dict[str, Delivered], list[str]]:
    """Typed tables of everything in the contract, empty where nothing came; what came; optional tables that did not."""
    delivered, absent = {}, []
    for name, table in case.registry.contract(case.dataset).tables.items():
        told = case.manifest["tables"].get(name)
        if told:
            rows = _cast(connection, case, name)
            gone = case.suppressed.get(name, (0, ""))[0]
            delivered[name] = Delivered(told["rows_in"], rows, len(told["rejected_rows"]) + gone, gone)
            continue
        typed.load(connection, case.registry, case.dataset, name)
        if not table.optional:
            delivered[name] = Delivered(0, 0, 0)
        elif table.is_taken:
            absent.append(name)
    return delivered, absent


def _cast(connection: duckdb.DuckDBPyConnection, case: Case, table: str) -> int:
    """The rows of a payload file, now typed.

    A file that is as it was sealed and yet cannot be read, or lacks rows or columns, is the supplier's fault; one that
    was changed since is not.
    """
    file = case.payload / f"{table}.parquet"
    told = case.manifest["tables"][table]
    gone, sha256 = case.suppressed.get(table, (0, told["sha256"]))
    if not file.is_file() or sha256_of(file) != sha256:
        raise SystemFault(f"the payload of table {table} is gone, or is not what was sealed")
    try:
        missing = set(typed.derived(case.registry, case.dataset, table)) - set(pq.read_schema(file).names)
        if missing:
            raise fault("FILE-019", what=f"Table {table}, column {', '.join(sorted(missing))}")
        rows = typed.load(connection, case.registry, case.dataset, table, file)
    except duckdb.OutOfMemoryException:
        raise SystemFault(f"not enough memory for table {table}") from None
    except (pa.ArrowException, OSError, duckdb.Error):
        raise fault("FILE-019", what=f"Table {table}") from None
    if rows != told["rows"] - gone:
        raise fault("FILE-019", what=f"Table {table}")
    return rows


def _check(
    connection: duckdb.DuckDBPyConnection, case: Case, by_table: dict[str, list[Rule]], tables: Iterable[str]
) -> tuple[list[Finding], dict[str, Any]]:
    """One finding per rule of the tables that came, and what Great Expectations said of each table."""
    findings: list[Finding] = []
    with checker(connection, case.engine) as check:
        for name in tables:
            now = [rule for rule in by_table[name] if not rule.of_previous]
            before = [rule for rule in by_table[name] if rule.of_previous]
            if now:
                typed.flag(connection, case.registry, case.dataset, name, now, case.period, CHECKED)
                findings += check.check(name, now)
            if before:
                typed.flag_previous(connection, name, before, case.period, CHECKED)
                findings += check.check(f"{name} of the last submission", before)
        return findings, check.results
