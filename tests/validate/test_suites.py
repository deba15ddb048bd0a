"""Every rule of every suite finds the row it must find and leaves the row beside it alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.registry import Registry
from pipelines.validate import typed
from pipelines.validate.engine import Engine, Finding, checker
from pipelines.validate.judge import Case, _applicable, _check, _load
from pipelines.validate.rules import Rule
from tests.validate.payloads import write
from tests.validate.proofs import DATASETS, Composed, Drawn, compose, compose_forms, draw

GENERATED = re.compile(r"-(CAST-\w+|VOLUME|GROWTH)$")


def find(
    drawn: Drawn, composed: Composed, folder: Path, only: Callable[[Rule], bool] = lambda _: True
) -> dict[tuple[str, str], Finding]:
    """What each rule finds in a composed submission, or some rules alone."""
    manifest = write(drawn.registry, drawn.dataset, composed.rows, folder, period=drawn.period)
    write(drawn.registry, drawn.dataset, composed.previous, folder / "previous")
    before = {table: folder / "previous" / f"{table}.parquet" for table in composed.previous}
    agency = drawn.registry.agency(manifest["agency"])
    case = Case(drawn.registry, manifest, folder, agency, previous=before)
    wanted = {name: [rule for rule in listed if only(rule)] for name, listed in drawn.rules.items()}
    with duckdb.connect() as connection:
        tables, _ = _load(connection, case)
        findings, _ = _check(connection, case, _applicable(connection, case, wanted), tables)
    return {(f.rule.table, f.rule.rule): f for f in findings}


def of_tables(drawn: Drawn) -> dict[str, str]:
    """Codes of rules that judge a table as a whole, with their tables."""
    return {
        rule.rule: rule.table
        for listed in drawn.rules.values()
        for rule in listed
        if rule.rule in drawn.proofs and rule.of_table
    }


def test_every_dataset_has_its_drawing(registry: Registry) -> None:
    assert set(registry.contracts) == set(DATASETS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_rule_has_a_proof_and_every_proof_a_rule(registry: Registry, dataset: str) -> None:
    drawn = draw(registry, dataset)
    codes = {rule.rule for listed in drawn.rules.values() for rule in listed}
    assert {code for code in codes if not GENERATED.search(code)} == set(drawn.proofs)


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_rule_finds_its_rows_and_not_the_clean_one(registry: Registry, dataset: str, tmp_path: Path) -> None:
    """All rules of a dataset at once: the clean base is the first row of each table, a proof or more per rule below."""
    drawn = draw(registry, dataset)
    composed = compose(drawn, [code for code in drawn.proofs if code not in of_tables(drawn)])
    compose_forms(drawn, composed)
    found = find(drawn, composed, tmp_path, lambda rule: not rule.of_table)
    missed = {key: rows for key, rows in composed.expected.items() if not set(rows) <= set(found[key].rows.to_pylist())}
    blamed = {key for key, finding in found.items() if 1 in finding.rows.to_pylist()}
    assert (missed, blamed) == ({}, set())
    assert set(composed.expected) == set(found)
    counts = {
        (table, f.rule.of_previous): len((composed.previous if f.rule.of_previous else composed.rows)[table])
        for (table, _), f in found.items()
    }
    assert all(f.evaluated == counts[table, f.rule.of_previous] for (table, _), f in found.items())


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_rule_about_a_table_as_a_whole(registry: Registry, dataset: str, tmp_path: Path) -> None:
    """Passes on the clean base and fails on its proof; proofs of different tables are looked at together.

    That a table has a row at all is one and the same rule everywhere, and compared below.
    """
    drawn = draw(registry, dataset)
    by_code = {rule.rule: rule for listed in drawn.rules.values() for rule in listed}
    waiting = {code: table for code, table in of_tables(drawn).items() if by_code[code].kwargs != {"min_value": 1}}
    for code, table in of_tables(drawn).items():
        assert code in waiting or drawn.proofs[code] == {table: "none"}
    clean = find(drawn, compose(drawn, []), tmp_path / "clean", lambda rule: rule.rule in waiting) if waiting else {}
    assert {code: f.result for (_, code), f in clean.items() if f.result != "passed"} == {}
    while waiting:
        together = list({table: code for code, table in waiting.items()}.values())
        found = find(drawn, compose(drawn, together), tmp_path / together[0], lambda rule, t=together: rule.rule in t)
        assert {code: f.result for (_, code), f in found.items()} == dict.fromkeys(together, "failed")
        waiting = {code: table for code, table in waiting.items() if code not in together}


# Values at, beside and beyond what is expected, and none at all.
COMPARED = [
    ("not_be_null", {"column": "word"}),
    ("be_null", {"column": "word"}),
    ("be_in_set", {"column": "word", "value_set": ["a", "B b"]}),
    ("be_in_set", {"column": "flag", "value_set": [False]}),
    ("not_be_in_set", {"column": "word", "value_set": ["a", "it's"]}),
    ("be_between", {"column": "number", "min_value": 0, "max_value": 2}),
    ("be_between", {"column": "number", "min_value": 1, "strict_min": True}),
    ("match_regex", {"column": "word", "regex": "^[A-Z]( b)?$"}),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "later", "column_B": "day", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    ),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "later", "column_B": "day", "ignore_row_if": "either_value_is_missing"},
    ),
    ("expect_table_row_count_to_be_between", {"min_value": 6, "max_value": 9}),
    ("expect_table_row_count_to_be_between", {"min_value": 1}),
    ("expect_table_row_count_to_be_between", {"min_value": 7}),
    ("expect_table_row_count_to_equal", {"value": 5}),
]
SMALL = """CREATE TABLE checked AS SELECT * FROM (VALUES
    (1, 'a', 0, false, DATE '2024-01-01', DATE '2024-01-01'),
    (2, 'B b', 2, true, DATE '2024-01-02', DATE '2024-01-01'),
    (3, 'it''s', 3, true, DATE '2024-01-01', DATE '2024-01-02'),
    (4, NULL, NULL, NULL, NULL, DATE '2024-01-02'),
    (5, 'B', -1, false, DATE '2024-01-01', NULL),
    (6, '', 1, NULL, NULL, NULL)) AS t (source_row, word, number, flag, later, day)"""


def test_both_engines_find_the_same_by_every_kind_of_expectation_in_use(registry: Registry) -> None:
    rules = [
        Rule(
            "small",
            f"R-{n}",
            "warn",
            kind if "expect" in kind else f"expect_column_values_to_{kind}",
            kwargs,
            "info",
            "",
        )
        for n, (kind, kwargs) in enumerate(COMPARED)
    ]
    drawings = [draw(registry, dataset) for dataset in DATASETS]
    used = [rule for drawn in drawings for listed in drawn.rules.values() for rule in listed]
    assert {rule.type for rule in used} <= {rule.type for rule in rules}
    # What else the engines would do with a pair that is not whole differs.
    assert {rule.kwargs["ignore_row_if"] for rule in used if "pair" in rule.type} == {"either_value_is_missing"}
    found = [_found(rules, engine) for engine in ("duckdb", "pandas")]
    assert found[0] == found[1]
    assert {finding.result for finding in found[0]} == {"passed", "failed"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_keys_parents_and_required_columns_have_their_rules(registry: Registry, dataset: str) -> None:
    """A contract that gains a key, a parent or a required column needs a rule for it."""
    drawn, lacking = draw(registry, dataset), []
    for name, table in registry.contract(dataset).tables.items():
        columns = {str(rule.kwargs.get("column")) for rule in drawn.rules[name]}
        alone = any(rule.type == "expect_table_row_count_to_equal" for rule in drawn.rules[name])
        wanted = {"is_duplicate"} if table.key and not alone else set()
        wanted |= {"is_orphan"} if table.parent else set()
        about = columns | {str(rule.column) for rule in drawn.rules[name]}
        for view in typed.passing(registry, dataset, name):
            if view.column.required and view.type not in ("key", "parent_key") and view.name not in about:
                lacking.append((name, view.name))
        lacking += [(name, flag) for flag in wanted if flag not in columns]
    assert lacking == []


def test_a_rule_that_cannot_be_evaluated_is_told_apart_from_one_that_fails(registry: Registry) -> None:
    rule = draw(registry, "geography").rules["area"][1]
    broken = replace(rule, rule="GEO-998", kwargs={"column": "nowhere", "value_set": [1]})
    found = _found([replace(rule, kwargs={"column": "flag", "value_set": [False]}), broken], "duckdb")
    assert [finding.result for finding in found] == ["failed", "could_not_check"]


def _found(rules: list[Rule], engine: Engine) -> list[Finding]:
    with duckdb.connect() as connection:
        connection.execute(SMALL)
        with checker(connection, engine) as check:
            return check.check("small", rules)
