"""Golden cases of the marts: input rows and expected rows as YAML, on a real PostgreSQL, rolled back.

A case `tests/sql/<mart>/<name>.yaml` gives `as_of`, rows of core (and ops) tables, and the expected rows of the mart. A
required column that a row leaves out is filled by its type: `-`, 1, false, the day itself. A person is given a name in
person_key. `expect` may narrow the mart by `where`; only the columns that expected rows name are compared. `twins` are
small changes of the input, each of which must make the case fail: proof that it can. A case
`tests/sql/queries/<name>.yaml` is one of the worked query of that name.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from pipelines import queries
from pipelines.integrate import marts
from pipelines.local import postgres
from tests.conftest import TEMPLATE

CASES = {f"{path.parent.name}/{path.stem}": path for path in sorted(Path(__file__).parent.glob("*/*.yaml"))}
TWINS = [(name, twin["why"]) for name, path in CASES.items() for twin in yaml.safe_load(path.read_text())["twins"]]
FILL: dict[str, Any] = {"text": "-", "integer": 1, "bigint": 1, "boolean": False, "double precision": 1.0}


@pytest.fixture(scope="module")
def warehouse(server: postgres.Server) -> Iterator[psycopg.Connection[Any]]:
    """One migrated database for all cases; every case rolls back."""
    name = f"golden_{secrets.token_hex(4)}"
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER joint_needs STRATEGY FILE_COPY")
    with psycopg.connect(server.url("joint_needs", name)) as connection:
        yield connection
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(connection: psycopg.Connection[Any], name: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the mart or the worked query for the case's input, as far as the case looks at them."""
    mart, _, slug = name.partition("/")
    try:
        for table, rows in case["given"].items():
            insert(connection, table, rows, case["as_of"])
        if mart == "queries":
            query = queries.find(slug).statement
        else:
            found = next(found for found in marts.load() if found.name == mart)
            marts.refresh(connection, found, case["as_of"], None)
            query = f"SELECT * FROM mart.{mart} WHERE {case['expect'].get('where', 'TRUE')}"
        with connection.cursor(row_factory=dict_row) as cursor:
            made = cursor.execute(query).fetchall()  # type: ignore[call-overload]
    finally:
        connection.rollback()
    columns = list(case["expect"]["rows"][0])
    return [{name: plain(row[name]) for name in columns} for row in made]


def insert(connection: psycopg.Connection[Any], table: str, rows: list[dict[str, Any]], as_of: Any) -> None:
    schema, name = table.split(".")
    columns = connection.execute(
        """SELECT column_name, data_type, is_nullable = 'NO' AND column_default IS NULL FROM information_schema.columns
           WHERE table_schema = %s AND table_name = %s""",
        (schema, name),
    ).fetchall()
    for row in rows:
        filled = {
            column: as_of if type_ == "date" else FILL.get(type_, "{}")
            for column, type_, is_required in columns
            if is_required and column not in row
        } | row
        if filled.get("person_key"):
            filled["person_key"] = UUID(bytes=hashlib.sha256(filled["person_key"].encode()).digest()[:16])
        connection.execute(
            sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                sql.Identifier(schema, name),
                sql.SQL(", ").join(map(sql.Identifier, filled)),
                sql.SQL(", ").join([sql.Placeholder()] * len(filled)),
            ),
            list(filled.values()),
        )


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(sorted((name, plain_number(value)) for name, value in row.items())) for row in rows)


def plain_number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("name", CASES)
def test_golden(warehouse: psycopg.Connection[Any], name: str):
    case = yaml.safe_load(CASES[name].read_text())
    assert in_order(run(warehouse, name, case)) == in_order(case["expect"]["rows"])


@pytest.mark.parametrize(("name", "why"), TWINS)
def test_twin_fails(warehouse: psycopg.Connection[Any], name: str, why: str):
    case = deepcopy(yaml.safe_load(CASES[name].read_text()))
    twin = next(twin for twin in case["twins"] if twin["why"] == why)
    case["given"][twin["table"]][twin["row"]] |= twin["set"]
    assert in_order(run(warehouse, name, case)) != in_order(case["expect"]["rows"])


def test_every_mart_with_a_model_has_a_case_with_a_twin():
    modelled = {mart.name for mart in marts.load() if mart.model}
    assert modelled == {name.split("/")[0] for name in CASES} - {"queries"}
    assert {name for name, _ in TWINS} == set(CASES)


def test_every_mart_has_checks_an_owner_and_a_comment_on_every_column():
    for mart in marts.load():
        assert mart.checks, mart.name
        assert all(column.comment for column in mart.definition.columns.values()), mart.name
