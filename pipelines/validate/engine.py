"""Great Expectations at work: counts for every rule, and the rows at fault where there are any.

Two passes, since listing rows is what costs: BASIC (counts) over all rules, then COMPLETE over those that failed.
Results come in another order than they were asked, so they are found by rule code. An exception inside a rule comes
back looking like a failure without a count; here it is `could_not_check`.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import duckdb

from pipelines.errors import SystemFault
from pipelines.validate.rules import Rule
from pipelines.validate.typed import quoted

Engine = Literal["duckdb", "pandas"]
COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
# Without a large partial_unexpected_count the SQL engines list twenty rows of however many there are.
COMPLETE = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["source_row"],
    "partial_unexpected_count": 10_000_000,
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}


@dataclass(frozen=True)
class Finding:
    """What one rule found.

    result: passed, failed, could_not_check or not_applicable. rows: numbers of the rows at fault.
    """

    rule: Rule
    result: str
    evaluated: int = 0
    failed: int = 0
    rows: tuple[int, ...] = ()


class Checker:
    """Checks tables of one open DuckDB connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, engine: Engine, address: str) -> None:
        self._connection = connection
        self._engine = engine
        context = _context()
        if engine == "duckdb":
            self._source = context.data_sources.add_sql("payload", connection_string=address)
        else:
            self._source = context.data_sources.add_pandas("payload")

    def check(self, name: str, rules: list[Rule]) -> list[Finding]:
        """One Finding per rule, in their order.

        name: a table with the columns the rules speak of and `source_row`.
        Raises SystemFault where fewer or more rows are listed than were counted.
        """
        batch = self._batch(name)
        counted = self._validate(batch, name, rules, COUNTS)
        failed = [rule for rule in rules if not rule.of_table and _count(counted[rule.rule]) > 0]
        listed = self._validate(batch, name, failed, COMPLETE) if failed else {}
        return [_finding(rule, counted[rule.rule], listed.get(rule.rule)) for rule in rules]

    def _batch(self, name: str) -> Any:
        if self._engine == "duckdb":
            asset = self._source.add_table_asset(name, table_name=name)
            return asset.add_batch_definition_whole_table("whole").get_batch()
        frame = self._connection.execute(f"SELECT * FROM {quoted(name)}").df()  # noqa: S608
        definition = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")
        return definition.get_batch(batch_parameters={"dataframe": frame})

    def _validate(self, batch: Any, name: str, rules: list[Rule], result_format: dict[str, Any]) -> dict[str, Any]:
        entries = [rule.expectation() for rule in rules]
        suite = _great_expectations().ExpectationSuite(name=name, expectations=entries)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = batch.validate(suite, result_format=result_format).results
        return {result.expectation_config.meta["rule"]: result for result in results}


def _count(result: Any) -> int:
    return int(result.result.get("unexpected_count") or 0)


def _raised(result: Any) -> bool:
    info = result.exception_info or {}
    each = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    return any(part.get("raised_exception") for part in each)


def _finding(rule: Rule, counted: Any, listed: Any) -> Finding:
    needed = "observed_value" if rule.of_table else "element_count"
    if _raised(counted) or counted.result.get(needed) is None or (listed is not None and _raised(listed)):
        return Finding(rule, "could_not_check")
    if rule.of_table:
        return Finding(rule, "passed" if counted.success else "failed", 1, 0 if counted.success else 1)
    failed = _count(counted)
    rows = _rows(listed) if listed is not None else ()
    if len(rows) != failed:
        raise SystemFault(f"rule {rule.rule} on {rule.table}: {failed} rows counted, {len(rows)} listed")
    return Finding(rule, "failed" if failed else "passed", int(counted.result["element_count"]), failed, rows)


def _rows(listed: Any) -> tuple[int, ...]:
    """Row numbers of a COMPLETE result: without values they come as one list, else as one entry per row."""
    found: list[int] = []
    for entry in listed.result.get("unexpected_index_list") or ():
        rows = entry["source_row"]
        found += map(int, rows if isinstance(rows, list) else [rows])
    return tuple(sorted(found))


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
    return great_expectations
