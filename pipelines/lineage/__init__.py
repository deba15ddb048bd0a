"""Where each column comes from: mart, core, the SQL file between them, and the field of a partner's file.

Read out of the SQL itself by sqlglot: the queries of sql/conform/ (DuckDB), the models of sql/marts/ (PostgreSQL) and
the tables of sql/migrations/. Nothing is kept beside them that could fall behind.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sqlglot import exp, parse, parse_one
from sqlglot.lineage import Node, lineage

from pipelines.conform import lake
from pipelines.conform.making import queries
from pipelines.integrate import marts, ranges
from pipelines.ledger.migrate import RECORD
from pipelines.registry import Registry
from pipelines.settings import shipped
from pipelines.validate.typed import lake_columns

logging.getLogger("sqlglot").setLevel(logging.ERROR)

Columns = dict[str, str]


@dataclass(frozen=True, order=True)
class Origin:
    """A column of a partner's file as the contract names it; of dataset `people`, of every dataset about children."""

    dataset: str
    table: str
    column: str


@dataclass(frozen=True)
class Trace:
    """How a core column is made. files: the SQL files it passes; origins: its fields, none where it is a constant."""

    files: tuple[str, ...]
    origins: tuple[Origin, ...]


# ---- the tables of the warehouse ---------------------------------------------------------------------------------
@cache
def tables() -> dict[str, Columns]:
    """`schema.table` -> columns with their types, as the migrations leave them; views too."""
    found: dict[str, Columns] = {}
    texts = [path.read_text() for path in sorted((shipped("sql") / "migrations").glob("*.sql"))]
    for text in [*texts, RECORD]:
        for statement in parse(text, dialect="postgres"):
            if isinstance(statement, exp.Create):
                _create(found, statement)
            elif isinstance(statement, exp.Alter):
                _alter(found, statement)
    return _derive(found)


def _derive(found: dict[str, Columns]) -> dict[str, Columns]:
    """What the database works out of its own catalogue, in sql/derived/: area, moment, who speaks where."""
    known = {name for name in found if name.startswith("core.") and name not in ("core.key_draw", "core.spoken_of")}
    for name in known - {"core.person_profile"}:
        if "person_key" in found[name]:
            found[name]["home_area_code"] = "text"
        found[name]["recorded_from"] = "timestamptz"
    for path in sorted((shipped("sql") / "derived").glob("*.sql")):
        for statement in parse(path.read_text(), dialect="postgres"):
            if isinstance(statement, exp.Create):
                _create(found, statement)
    found["core.spoken_of"] = {"table_name": "text", **found["core.source"]}
    return found


def _create(found: dict[str, Columns], made: exp.Create) -> None:
    kind, table = made.kind, made.find(exp.Table)
    if kind not in ("TABLE", "VIEW") or table is None:
        return
    name = f"{table.db}.{table.name}"
    if kind == "VIEW":
        found[name] = dict.fromkeys(_outputs(made.expression, found), "")
        return
    found[name] = {}
    for like in made.find_all(exp.LikeProperty):
        found[name] |= found.get(f"{like.this.db}.{like.this.name}", {})
    for column in made.find_all(exp.ColumnDef):
        found[name][column.name] = _type(column)


def _alter(found: dict[str, Columns], altered: exp.Alter) -> None:
    columns = found.get(f"{altered.this.db}.{altered.this.name}")
    for action in altered.args.get("actions") or []:
        if columns is not None and isinstance(action, exp.ColumnDef):
            columns[action.name] = _type(action)
        elif columns is not None and isinstance(action, exp.Drop) and action.args.get("kind") == "COLUMN":
            for column in action.find_all(exp.Column):
                columns.pop(column.name, None)


def _type(column: exp.ColumnDef) -> str:
    return column.kind.sql(dialect="postgres").lower() if column.kind else ""


def _outputs(query: exp.Expr, found: Mapping[str, Columns]) -> list[str]:
    return list(_lineage(query.sql(dialect="postgres"), _nested(found), "postgres"))


def outputs(query: str) -> list[str]:
    """The columns that a PostgreSQL query gives, in their order."""
    made = parse_one(query, dialect="postgres")
    return list(made.named_selects) if isinstance(made, exp.Query) else []


def _nested(found: Mapping[str, Columns]) -> dict[str, dict[str, Columns]]:
    nested: dict[str, dict[str, Columns]] = {}
    for name, columns in found.items():
        schema, _, table = name.partition(".")
        nested.setdefault(schema, {})[table] = dict.fromkeys(columns, "text")
    return nested


# ---- core, from partners' files ----------------------------------------------------------------------------------
def conformed(registry: Registry) -> dict[str, dict[str, Trace]]:
    """Canonical table -> column -> how it is made."""
    schema: dict[str, Columns] = {
        f"{dataset}__{table}": dict.fromkeys([*lake_columns(registry, dataset, table), *lake.ADDED], "text")
        for dataset, contract in registry.contracts.items()
        for table in contract.tables
    }
    schema["people"] = dict.fromkeys([*lake.SAID, *lake.ADDED, "record_pseudonym", "source_row"], "text")
    partners = set(schema)
    lookups: dict[str, dict[str, Trace]] = {}
    found: dict[str, dict[str, Trace]] = {}
    for stem, text in sorted(queries().items(), key=lambda one: (not one[0].startswith("_"), one[0])):
        name = stem.removeprefix("_")
        made = {
            column: _trace(f"{stem}.sql", leaves, partners, lookups)
            for column, leaves in _columns(text, schema).items()
        }
        if stem.startswith("_"):
            lookups[name], schema[name] = made, dict.fromkeys(made, "text")
        else:
            found[name] = made
    return found


def _columns(text: str, schema: Mapping[str, Columns]) -> dict[str, set[tuple[str, str]]]:
    """Output column -> the table columns it is made of; an UNPIVOT's name and value come from all that it turns."""
    turned = re.search(r"INTO\s+NAME\s+(\w+)\s+VALUE\s+(\w+)", text, re.IGNORECASE)
    if turned is None:
        return _lineage(text, schema, "duckdb")
    inner = parse_one(text, dialect="duckdb").find(exp.Select)
    made = _lineage(inner.sql(dialect="duckdb"), schema, "duckdb") if inner else {}
    return made | dict.fromkeys(turned.groups(), set().union(*made.values()) if made else set())


def _lineage(text: str, schema: Mapping[str, object], dialect: str) -> dict[str, set[tuple[str, str]]]:
    nodes = dict(lineage(None, text, dict(schema), dialect=dialect, trim_selects=False))  # type: ignore[call-overload]
    named = {one.alias: one.this for one in parse_one(text, dialect=dialect).find_all(exp.CTE)}
    return {column: _leaves(node, named) for column, node in nodes.items()}


def _leaves(node: Node, named: Mapping[str, exp.Expr]) -> set[tuple[str, str]]:
    """The columns of tables that a column is made of; where rows are counted, the tables read with an empty column."""
    leaves = set()
    for one in node.walk():
        made = one.expression
        if not one.downstream and isinstance(made, exp.Table):
            leaves.add((_full(made), one.name.rpartition(".")[2].strip('"')))
        elif any(isinstance(count.this, exp.Star) for count in made.find_all(exp.Count)):
            leaves |= {(table, "") for table in _read(one.source, named)}
    return {(table, column) for table, column in leaves if table}


def _read(query: exp.Expr, named: Mapping[str, exp.Expr]) -> set[str]:
    """The tables that a query reads, and those of the queries that it names."""
    found = set()
    for table in query.find_all(exp.Table):
        if table.db:
            found.add(_full(table))
        elif table.name in named:
            found |= _read(named[table.name], named)
    return found


def _full(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db else table.name


def _trace(
    file: str, leaves: set[tuple[str, str]], partners: set[str], lookups: Mapping[str, Mapping[str, Trace]]
) -> Trace:
    files, origins = {file}, set()
    for table, column in leaves:
        if table in partners:
            dataset, _, own = table.partition("__")
            origins.add(Origin(dataset, own, column))
        elif column in lookups.get(table, {}):
            files.update(lookups[table][column].files)
            origins.update(lookups[table][column].origins)
    return Trace(tuple(sorted(files, key=lambda name: (name.startswith("_"), name))), tuple(sorted(origins)))


# ---- marts, from core --------------------------------------------------------------------------------------------
@cache
def modelled() -> dict[str, dict[str, tuple[tuple[str, str], ...]]]:
    """Mart -> column -> the columns of core, ops and link it is made of; a column "" stands for the rows of a table.

    A count is made of the rows it counts, and the ends of its range of the draws too. Empty where it is a constant.
    """
    schema = _nested(tables())
    return {mart.name: _mart(mart, schema) for mart in marts.load()}


def _mart(mart: marts.Mart, schema: Mapping[str, object]) -> dict[str, tuple[tuple[str, str], ...]]:
    said = mart.definition
    made: dict[str, set[tuple[str, str]]] = {}
    if mart.model:
        made = _lineage(re.sub(r"(?<!:):as_of\b", "CURRENT_DATE", ranges.as_it_stands(mart.model)), schema, "postgres")
    folder = shipped("sql") / "marts" / mart.name
    for column, body in said.columns.items():
        for name in body.reckoned_from:
            text = re.sub(r"%\(\w+\)s", "NULL", (folder / f"{name}.sql").read_text().rstrip().rstrip(";"))
            made.setdefault(column, set()).update(*_lineage(text, schema, "postgres").values())
    for count, ends in said.ranges.items():
        made |= dict.fromkeys(ends, made[count] | {("core.key_draw", "")})
    return {column: tuple(sorted(made.get(column, ()))) for column in said.columns}


def reads(mart: str) -> list[str]:
    """The tables that the SQL of a mart reads, `core.x`, in order of name."""
    texts = [path.read_text() for path in (shipped("sql") / "marts" / mart).glob("*.sql") if path.name != "checks.sql"]
    named = set(re.findall(r"\b((?:core|ops|link)\.\w+)\b(?!\()", "\n".join(texts)))
    return sorted(named & set(tables()))


def datasets(registry: Registry) -> dict[str, set[str]]:
    """Mart -> the datasets with a field that the tables it reads are made of, but for what all about children have."""
    made = {
        f"core.{table}": {origin.dataset for trace in columns.values() for origin in trace.origins} - {"people"}
        for table, columns in conformed(registry).items()
    }
    return {mart.name: set().union(*(made.get(table, set()) for table in reads(mart.name))) for mart in marts.load()}
