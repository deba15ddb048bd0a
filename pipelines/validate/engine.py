"""Great Expectations at work: counts for every rule, and the rows at fault where there are any.

Great Expectations judges every rule of a table in one pass, counts alone (`bundled` says how), and says of each rule
that found something which query lists its rows at fault. Those queries then run in DuckDB itself: fetched through Great
Expectations, a million row numbers would pass through Python one by one. The rows listed must be as many as Great
Expectations counted. Results come in another order than they were asked, so they are found by rule code. An exception
inside a rule comes back looking like a failure without a count; here it is `could_not_check`.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import SystemFault
from pipelines.validate.rules import Rule
from pipelines.validate.typed import quoted

Engine = Literal["duckdb", "pandas"]
COUNTS = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "unexpected_index_column_names": ["source_row"],
    "return_unexpected_index_query": True,
}
# pandas has no query to give; it lists rows by itself, and all of them.
COMPLETE = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["source_row"],
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}
# The table that rules are checked on.
CHECKED = "checked"
NO_ROWS = pa.array([], pa.int32())


@dataclass(frozen=True)
class Finding:
    """What one rule found.

    result: passed, failed, could_not_check or not_applicable. rows: numbers of the rows at fault, ascending.
    """

    rule: Rule
    result: str
    evaluated: int = 0
    failed: int = 0
    rows: pa.Int32Array = field(default_factory=lambda: NO_ROWS)


class Checker:
    """Checks tables of one open DuckDB connection, one after the other, each under the name `CHECKED`.

    One name, since declaring an asset costs Great Expectations as much as a handful of rules. results: what Great
    Expectations itself said of each table, by the table's own name; without any value.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, engine: Engine, address: str) -> None:
        self._connection = connection
        self._engine = engine
        self.results: dict[str, Any] = {}
        self._address = address

    def check(self, name: str, rules: list[Rule]) -> list[Finding]:
        """One Finding per rule of a table, in their order; `CHECKED` has the columns they speak of and `source_row`.

        Raises SystemFault where fewer or more rows are listed than were counted.
        """
        self.results[name] = self._validate(name, rules)
        by_rule = {result.expectation_config.meta["rule"]: result for result in self.results[name].results}
        failed = [rule.rule for rule in rules if not rule.of_table and _count(by_rule[rule.rule]) > 0]
        list_rows = self._listed if self._engine == "duckdb" else _rows
        rows = list_rows({rule: by_rule[rule] for rule in failed})
        return [_finding(rule, by_rule[rule.rule], rows.get(rule.rule, NO_ROWS)) for rule in rules]

    @cached_property
    def _batches(self) -> Any:
        """Where batches come from: declared once the first table is there, since Great Expectations looks for it."""
        sources = _context().data_sources
        if self._engine == "duckdb":
            table = sources.add_sql("payload", connection_string=self._address).add_table_asset(CHECKED)
            return table.add_batch_definition_whole_table("whole")
        frame = sources.add_pandas("payload").add_dataframe_asset(CHECKED)
        return frame.add_batch_definition_whole_dataframe("whole")

    def _batch(self) -> Any:
        if self._engine == "duckdb":
            return self._batches.get_batch()
        frame = self._connection.execute(f"SELECT * FROM {quoted(CHECKED)}").df()  # noqa: S608
        return self._batches.get_batch(batch_parameters={"dataframe": frame})

    def _validate(self, name: str, rules: list[Rule]) -> Any:
        result_format = COUNTS if self._engine == "duckdb" else COMPLETE
        entries = [rule.expectation() for rule in rules]
        suite = _great_expectations().ExpectationSuite(name=name, expectations=entries)
        columns = [row[0] for row in self._connection.execute(f"DESCRIBE {quoted(CHECKED)}").fetchall()]
        with warnings.catch_warnings(), _bundled().asked(suite.expectations, columns):
            warnings.simplefilter("ignore")
            return self._batch().validate(suite, result_format=result_format)

    def _listed(self, results: dict[str, Any]) -> dict[str, pa.Int32Array]:
        """Numbers of each rule's rows at fault, by Great Expectations' own queries; none where it gave no query."""
        queries = {rule: (one.result.get("unexpected_index_query") or "").rstrip("; ") for rule, one in results.items()}
        asked = {rule: query for rule, query in queries.items() if query}
        if not asked:
            return {}
        lists = [
            f"SELECT {at} AS at, list(source_row::INTEGER) AS rows FROM ({query})"  # noqa: S608
            for at, query in enumerate(asked.values())
        ]
        try:
            found = pa.table(self._connection.sql(" UNION ALL ".join(lists)).to_arrow_table())
        except duckdb.Error:  # it may quote a value
            raise SystemFault(f"the rows at fault of rules {', '.join(asked)} cannot be listed") from None
        rules, at, rows = list(asked), found.column("at").to_pylist(), found.column("rows")
        return {rules[at[line]]: _ascending(rows[line].values) for line in range(len(found)) if rows[line].is_valid}


def _ascending(numbers: pa.Int32Array) -> pa.Int32Array:
    return numbers.take(pc.sort_indices(numbers))


def _count(result: Any) -> int:
    return int(result.result.get("unexpected_count") or 0)


def _raised(result: Any) -> bool:
    info = result.exception_info or {}
    each = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    return any(part.get("raised_exception") for part in each)


def _finding(rule: Rule, result: Any, rows: pa.Int32Array) -> Finding:
    needed = "observed_value" if rule.of_table else "element_count"
    if _raised(result) or result.result.get(needed) is None:
        return Finding(rule, "could_not_check")
    if rule.of_table:
        return Finding(rule, "passed" if result.success else "failed", 1, 0 if result.success else 1)
    failed = _count(result)
    if len(rows) != failed:
        raise SystemFault(f"rule {rule.rule} on {rule.table}: {failed} rows counted, {len(rows)} listed")
    return Finding(rule, "failed" if failed else "passed", int(result.result["element_count"]), failed, rows)


def _rows(results: dict[str, Any]) -> dict[str, pa.Int32Array]:
    """Row numbers of COMPLETE results: without values they come as one list, else as one entry per row."""
    found: dict[str, list[int]] = {rule: [] for rule in results}
    for rule, result in results.items():
        for entry in result.result.get("unexpected_index_list") or ():
            rows = entry["source_row"]
            found[rule] += map(int, rows if isinstance(rows, list) else [rows])
    return {rule: pa.array(sorted(rows), pa.int32()) for rule, rows in found.items()}


@contextmanager
def checker(connection: duckdb.DuckDBPyConnection, engine: Engine) -> Iterator[Checker]:
    """A Checker on an open DuckDB connection, good until the block ends. engine `pandas` reads tables into memory."""
    if engine == "pandas":
        yield Checker(connection, engine, "")
        return
    from pipelines.validate.dialect import lend

    with lend(connection) as address:
        yield Checker(connection, engine, address)


def _context() -> Any:
    """A context in memory that shows no progress and makes no folder for pages."""
    library = _great_expectations()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    kept_in_memory = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    config = DataContextConfig(
        store_backend_defaults=kept_in_memory, progress_bars=ProgressBarsConfig(globally=False), analytics_enabled=False
    )
    return library.get_context(mode="ephemeral", project_config=config)


@cache
def _great_expectations() -> Any:
    """The library, imported once a process since that takes seconds; silent, since its log quotes values."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    _bundled()
    return great_expectations


def _bundled() -> Any:
    """Our own expectations, which take the places of Great Expectations' where they are imported."""
    from pipelines.validate import bundled

    return bundled
