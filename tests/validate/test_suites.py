"""Every rule of every suite finds the row it must find and leaves the row beside it alone, on both engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.registry import Registry
from pipelines.validate import typed
from pipelines.validate.engine import Engine, Finding, checker
from pipelines.validate.judge import Case, _check, _load
from pipelines.validate.rules import Rule
from tests.validate.payloads import write
from tests.validate.proofs import DATASETS, Composed, Drawn, compose, compose_forms, draw


def find(
    drawn: Drawn, composed: Composed, folder: Path, engine: Engine = "duckdb", only: str | None = None
) -> dict[tuple[str, str], Finding]:
    """What each rule finds in a composed submission, or one rule alone."""
    manifest = write(drawn.registry, drawn.dataset, composed.rows, folder, period=drawn.period)
    agency = drawn.registry.agency(manifest["agency"])
    case = Case(drawn.registry, manifest, folder, agency, engine=engine)
    wanted = {name: [rule for rule in listed if only in (None, rule.rule)] for name, listed in drawn.rules.items()}
    with duckdb.connect() as connection:
        tables, _ = _load(connection, case)
        findings = _check(connection, case, wanted, [name for name in tables if wanted[name]])
    return {(f.rule.table, f.rule.rule): f for f in findings}


def of_rows(drawn: Drawn) -> list[str]:
    """Codes of rules that judge rows."""
    tables = {rule.rule for listed in drawn.rules.values() for rule in listed if rule.of_table}
    return [code for code in drawn.proofs if code not in tables]


def test_every_dataset_has_its_drawing(registry: Registry) -> None:
    assert set(registry.contracts) == set(DATASETS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_rule_has_a_proof_and_every_proof_a_rule(registry: Registry, dataset: str) -> None:
    drawn = draw(registry, dataset)
    codes = {rule.rule for listed in drawn.rules.values() for rule in listed}
    assert {code for code in codes if "-CAST-" not in code} == set(drawn.proofs)


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_rule_finds_anything_in_clean_rows(registry: Registry, dataset: str, tmp_path: Path) -> None:
    drawn = draw(registry, dataset)
    found = find(drawn, compose(drawn, []), tmp_path)
    assert {key: f.result for key, f in found.items() if f.result != "passed"} == {}
    assert all(f.evaluated == 1 for f in found.values())


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_rule_finds_its_rows_and_not_the_clean_one_on_both_engines(
    registry: Registry, dataset: str, tmp_path: Path
) -> None:
    drawn = draw(registry, dataset)
    composed = compose(drawn, of_rows(drawn))
    compose_forms(drawn, composed)
    found = find(drawn, composed, tmp_path)
    missed = {key: rows for key, rows in composed.expected.items() if not set(rows) <= set(found[key].rows)}
    blamed = {key for key, finding in found.items() if 1 in finding.rows}
    assert (missed, blamed) == ({}, set())
    assert set(composed.expected) == {key for key, f in found.items() if not f.rule.of_table}
    assert found == find(drawn, composed, tmp_path, "pandas")


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_rule_about_a_table_as_a_whole(registry: Registry, dataset: str, tmp_path: Path) -> None:
    drawn = draw(registry, dataset)
    for code in set(drawn.proofs) - set(of_rows(drawn)):
        found = find(drawn, compose(drawn, [code]), tmp_path / code, only=code)
        assert [f.result for f in found.values()] == ["failed"], code


def test_the_suites_use_only_expectations_that_are_compared_here(registry: Registry) -> None:
    compared = {
        rule.type for dataset in DATASETS for listed in draw(registry, dataset).rules.values() for rule in listed
    }
    assert compared == {
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_be_between",
        "expect_column_values_to_match_regex",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
    }


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
    assert _found([rule, broken]) == {rule.rule: "failed", "GEO-998": "could_not_check"}


def _found(rules: list[Rule]) -> dict[str, str]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE small AS SELECT 1 AS source_row, true AS is_duplicate")
        with checker(connection, "duckdb") as check:
            return {finding.rule.rule: finding.result for finding in check.check("small", rules)}
