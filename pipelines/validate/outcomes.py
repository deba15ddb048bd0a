"""From what the rules found to what becomes of each row and of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.agencies import Agency
from pipelines.errors import DataFault, SystemFault
from pipelines.ledger import RuleOutcome, TableOutcome
from pipelines.registry import Registry
from pipelines.validate.engine import Finding
from pipelines.validate.rules import SENTINELS
from pipelines.validate.typed import lake_columns, parent_key, quoted

PARENT_HELD = "PARENT_HELD"
_WORDS = ", ".join(f"'{word}'" for word in SENTINELS)


@dataclass(frozen=True)
class Delivered:
    """What a manifest says of a table: rows in the file, rows in the payload, rows the door could not take.

    suppressed: rows of erased children, left out of the payload since; part of rejected.
    """

    rows_in: int
    rows: int
    rejected: int
    suppressed: int = 0


@dataclass(frozen=True)
class Judgement:
    """What became of a submission. outcome: accepted, rejected or held_ours (a rule could not be evaluated).

    results: what Great Expectations itself said, by table.
    """

    outcome: str
    tables: list[TableOutcome]
    findings: list[Finding]
    absent: list[str] = field(default_factory=list)
    fault: DataFault | None = None
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def unchecked(self) -> list[str]:
        """Codes of the rules that could not be evaluated."""
        return [finding.rule.rule for finding in self.findings if finding.result == "could_not_check"]

    def rules(self) -> list[RuleOutcome]:
        """One row per rule for the ledger."""
        return [
            RuleOutcome(f.rule.table, f.rule.rule, f.rule.on_fail, f.result, f.evaluated, f.failed)
            for f in self.findings
        ]

    def held(self) -> Iterator[tuple[str, int, str, str | None]]:
        """Each row held by a rule of its own: table, row number, rule, column."""
        for finding in self.findings:
            if finding.rule.on_fail == "quarantine_row":
                for row in finding.rows.to_pylist():
                    yield finding.rule.table, row, finding.rule.rule, finding.rule.column


def rejection(findings: list[Finding], agency: Agency | None, environment: str) -> DataFault | None:
    """Why the whole file is rejected: a rule that says so, or a share of good rows under the tolerance."""
    for finding in findings:
        rule = finding.rule
        tolerance = agency.tolerance(rule.rule, environment) if agency else None
        least = rule.min_share if tolerance is None else tolerance
        share = 1 - finding.failed / finding.evaluated if finding.evaluated else 1.0
        if least is not None and not rule.of_table:
            if share < least:
                rows = f"{finding.failed} of {finding.evaluated} rows of {'the last ' * rule.of_previous}{rule.table}"
                return DataFault(rule.rule, f"{rule.tell_supplier} {rows} are at fault.")
        elif rule.on_fail == "reject_file" and finding.failed:
            return DataFault(rule.rule, rule.tell_supplier)
    return None


def settle(
    connection: duckdb.DuckDBPyConnection,
    registry: Registry,
    dataset: str,
    findings: list[Finding],
    tables: dict[str, Delivered],
) -> list[TableOutcome]:
    """Make `<table>__settled` of each table, parents first, and count.

    A settled table has the columns of the lake, its values left out where a `null_field` rule found them, and `_held`:
    the first rule that holds the row, `PARENT_HELD`, or NULL. Raises SystemFault where rows do not add up.
    """
    _note_findings(connection, findings)
    outcomes = []
    for table in _parents_first(registry, dataset, tables):
        connection.execute(_settled(registry, dataset, table, findings, tables))
        rows, accepted, quarantined, below = connection.execute(
            f"""SELECT count(*), count(*) FILTER (_held IS NULL), count(*) FILTER (_held IS NOT NULL),
                count(*) FILTER (_held = '{PARENT_HELD}') FROM {quoted(table + "__settled")}"""  # noqa: S608
        ).fetchall()[0]
        delivered = tables[table]
        outcome = TableOutcome(
            table, delivered.rows_in, accepted, quarantined, below, delivered.rejected, delivered.suppressed
        )
        if outcome.rows_in != outcome.accepted + outcome.quarantined + outcome.rejected:
            raise SystemFault(
                f"{table}: {delivered.rows_in} rows came in, {rows} were judged, "
                f"{delivered.rejected} were rejected at the door; they do not add up"
            )
        outcomes.append(outcome)
    return outcomes


def all_rejected(tables: dict[str, Delivered]) -> list[TableOutcome]:
    """The counts of a file that is rejected as a whole."""
    return [
        TableOutcome(name, table.rows_in, rejected=table.rows_in, suppressed=table.suppressed)
        for name, table in tables.items()
    ]


def _note_findings(connection: duckdb.DuckDBPyConnection, findings: list[Finding]) -> None:
    kept = [f for f in findings if f.rule.on_fail in ("quarantine_row", "null_field") and len(f.rows)]
    parts = [
        pa.table(
            {
                "table_name": pa.array([f.rule.table] * len(f.rows), pa.string()),
                "rule": pa.array([f.rule.rule] * len(f.rows), pa.string()),
                "on_fail": pa.array([f.rule.on_fail] * len(f.rows), pa.string()),
                "column_name": pa.array([f.rule.column] * len(f.rows), pa.string()),
                "source_row": f.rows,
            }
        )
        for f in kept
    ]
    empty = pa.schema([(n, pa.string()) for n in ("table_name", "rule", "on_fail", "column_name")])
    noted = pa.concat_tables([empty.append(pa.field("source_row", pa.int32())).empty_table(), *parts])
    connection.register("noted", noted)
    connection.execute("CREATE OR REPLACE TABLE __finding AS SELECT * FROM noted")
    connection.unregister("noted")


def _settled(
    registry: Registry, dataset: str, table: str, findings: list[Finding], tables: dict[str, Delivered]
) -> str:
    left_out = {
        f.rule.column for f in findings if f.rule.table == table and f.rule.on_fail == "null_field" and len(f.rows)
    }
    columns = [_value(table, name, type_, left_out) for name, type_ in lake_columns(registry, dataset, table).items()]
    held = f"""(SELECT source_row, min(rule) AS rule FROM __finding
        WHERE table_name = '{table}' AND on_fail = 'quarantine_row' GROUP BY source_row)"""  # noqa: S608
    above, rule = "", "own.rule"
    contract = registry.contract(dataset)
    parent = contract.tables[table].parent
    if parent and parent in tables:
        key = quoted(contract.tables[parent].key[0])
        above = f"""LEFT JOIN (SELECT {key} AS key, bool_and(_held IS NOT NULL) AS is_held
            FROM {quoted(parent + "__settled")} GROUP BY ALL) above
            ON above.key = t.{quoted(parent_key(registry, dataset, table))}"""  # noqa: S608
        rule = f"coalesce(own.rule, CASE WHEN above.is_held THEN '{PARENT_HELD}' END)"
    return f"""CREATE OR REPLACE TABLE {quoted(table + "__settled")} AS
        SELECT {", ".join(columns)}, {rule} AS _held
        FROM {quoted(table)} t LEFT JOIN {held} own ON own.source_row = t.source_row {above}
        ORDER BY t.source_row"""  # noqa: S608


def _value(table: str, name: str, type_: str, left_out: set[str | None]) -> str:
    value = f"t.{quoted(name)}"
    if type_ == "VARCHAR":
        value = f"CASE WHEN {value} NOT IN ({_WORDS}) THEN {value} END"
    if name in left_out:
        value = f"""CASE WHEN t.source_row NOT IN (SELECT source_row FROM __finding WHERE table_name = '{table}'
            AND on_fail = 'null_field' AND column_name = '{name}') THEN {value} END"""  # noqa: S608
    return f"{value} AS {quoted(name)}"


def _parents_first(registry: Registry, dataset: str, tables: dict[str, Delivered]) -> list[str]:
    contract = registry.contract(dataset)

    def depth(table: str) -> int:
        parent = contract.tables[table].parent
        return 1 + depth(parent) if parent else 0

    return sorted(tables, key=depth)
