"""Expectations that ask for all counts of a table at once say what Great Expectations' own say, kind by kind."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from pipelines.registry import Registry
from pipelines.validate.engine import CHECKED, _bundled, _count, _great_expectations, _raised, checker
from pipelines.validate.rules import Rule

ROWS = """SELECT * FROM (VALUES (1, 'a', 3, DATE '2026-01-02', DATE '2026-01-01', false),
    (2, NULL, NULL, NULL, DATE '2026-01-01', true), (3, 'it''s', 9, DATE '2026-01-01', DATE '2026-01-02', NULL),
    (4, 'b:b', -1, NULL, NULL, false)) AS t (source_row, code, size, later, sooner, flag)"""
PAIR = {"column_A": "later", "column_B": "sooner"}
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("column_values_to_be_in_set", {"column": "code", "value_set": ["a", "it's"]}),
    ("column_values_to_be_in_set", {"column": "code", "value_set": []}),
    ("column_values_to_be_in_set", {"column": "flag", "value_set": [False]}),
    ("column_values_to_not_be_in_set", {"column": "code", "value_set": ["it's", "b:b"], "mostly": 0.5}),
    ("column_values_to_match_regex", {"column": "code", "regex": "^[a-z]$"}),
    ("column_values_to_match_regex", {"column": "size", "regex": "^[a-z]$"}),
    ("column_values_to_be_between", {"column": "size", "min_value": 0, "max_value": 5}),
    ("column_values_to_be_between", {"column": "size", "min_value": 3, "strict_min": True}),
    ("column_values_to_be_between", {"column": "code", "min_value": 3}),
    ("column_values_to_be_null", {"column": "code"}),
    ("column_values_to_not_be_null", {"column": "code", "mostly": 0.5}),
    ("column_values_to_not_be_null", {"column": "gone"}),
    ("column_pair_values_a_to_be_greater_than_b", PAIR),
    ("column_pair_values_a_to_be_greater_than_b", PAIR | {"or_equal": True, "ignore_row_if": "neither"}),
    ("column_pair_values_a_to_be_greater_than_b", PAIR | {"column_B": "gone"}),
    ("column_values_to_be_in_set", {"column": "code", "value_set": ["a"], "row_condition": 'col("size") > 5',
                                    "condition_parser": "great_expectations"}),
    ("table_row_count_to_be_between", {"min_value": 1, "max_value": 3}),
    ("table_row_count_to_equal", {"value": 4}),
]  # fmt: skip
# Those that name a column that is not there, or compare it with what it cannot be compared with.
RAISED = {"T-5", "T-8", "T-11", "T-14"}
RULES = [
    Rule("t", f"T-{number}", "warn", f"expect_{kind}", kwargs, "info", "Correct it.")
    for number, (kind, kwargs) in enumerate(KINDS)
]


def told(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What Great Expectations says of each rule, and which row numbers its query lists; None where it raised."""
    with checker(connection, "duckdb") as check:
        results = {one.expectation_config.meta["rule"]: one for one in check._validate("t", RULES).results}
        listed = check._listed({rule: one for rule, one in results.items() if _count(one)})
    assert len(results) == len(RULES)
    found = {rule: None if _raised(one) else one.to_json_dict() for rule, one in results.items()}
    for one in filter(None, found.values()):
        one["result"].pop("unexpected_index_query", None)
    return {"says": found, "lists": {rule: rows.to_pylist() for rule, rows in listed.items()}}


@pytest.mark.filterwarnings("ignore:.*deprecated as of GX:DeprecationWarning")
@pytest.mark.parametrize("rows", [ROWS, f"{ROWS} LIMIT 0"])
def test_each_kind_says_what_it_says_alone(monkeypatch: pytest.MonkeyPatch, rows: str) -> None:
    _great_expectations()
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE {CHECKED} AS {rows}")
        together = told(connection)
        monkeypatch.setattr(_bundled(), "SqlAlchemyExecutionEngine", type("Other", (), {}))
        alone = told(connection)
    assert together == alone
    assert {rule for rule, one in together["says"].items() if one is None} == RAISED


def test_a_table_is_one_query_and_one_more_for_each_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.validate.dialect import LentDuckDB

    asked: list[str] = []
    execute = LentDuckDB.do_execute

    def note(self: Any, cursor: Any, statement: str, *rest: Any, **named: Any) -> None:
        asked.append(statement)
        execute(self, cursor, statement, *rest, **named)

    monkeypatch.setattr(LentDuckDB, "do_execute", note)
    plain = [rule for rule in RULES if rule.rule not in RAISED and "row_condition" not in rule.kwargs]
    with duckdb.connect() as connection, checker(connection, "duckdb") as check:
        connection.execute(f"CREATE TABLE {CHECKED} AS {ROWS}")
        assert {one.result for one in check.check("t", plain)} == {"passed", "failed"}
    counting = [statement for statement in asked if "count(*)" in statement and CHECKED in statement]
    assert len(counting) == 1 + sum("pair" in rule.type for rule in plain), asked


def test_what_suites_name_is_bundled(registry: Registry) -> None:
    """Another kind would be judged as well, but at ten times the cost."""
    named = {entry["type"] for suite in registry.suites.values() for t in suite["tables"].values() for entry in t}
    assert named == {kind.expectation_type for kind in _bundled().KINDS}
