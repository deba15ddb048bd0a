"""The contract's cast: text of the payload becomes typed tables in DuckDB, with the columns that rules may name.

Only `TRY_CAST` and patterns: nothing here can fail on a value, so no error can quote one.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.registry import ColumnView, Registry
from pipelines.validate.rules import SENTINELS, TYPED, Rule

DERIVED = {"birth_month": "DATE", "age_31_aug": "INTEGER", "school_year": "INTEGER", "is_birth_day_unknown": "BOOLEAN"}
_WORDS = ", ".join(f"'{word}'" for word in SENTINELS)
# What text may look like before it is cast; DuckDB alone would round 3.7 to 4 and take 't' for true.
_LOOKS = {
    "DATE": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "INTEGER": "[+-]?[0-9]+",
    "DOUBLE": "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?",
    "BOOLEAN": "true|false",
}


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def passing(registry: Registry, dataset: str, table: str) -> list[ColumnView]:
    """The contract's columns that are in the payload."""
    return [view for view in registry.columns(dataset, table) if view.passes]


def derived(registry: Registry, dataset: str, table: str) -> dict[str, str]:
    """Columns that the door adds to a table's own -> SQL type."""
    found: dict[str, str] = {}
    for view in registry.columns(dataset, table):
        if view.meaning:
            found |= {name: DERIVED.get(name, "VARCHAR") for name in view.meaning.derive}
        if view.token not in (None, "sex") or view.column.field_by:
            found[f"{view.name}_state"] = "VARCHAR"
        if view.column.after_birth:
            found[f"{view.name}_before_birth"] = "BOOLEAN"
        if view.column.km_from:
            found[f"{view.name}_km"] = "INTEGER"
    return found


def lake_columns(registry: Registry, dataset: str, table: str) -> dict[str, str]:
    """Columns of a table in the lake -> SQL type, in order."""
    own = {view.name: TYPED.get(view.type or "", "VARCHAR") for view in passing(registry, dataset, table)}
    start = {"record_pseudonym": "VARCHAR", "source_row": "INTEGER"}
    return start | own | derived(registry, dataset, table)


def load(
    connection: duckdb.DuckDBPyConnection, registry: Registry, dataset: str, table: str, file: Path | None = None
) -> int:
    """Make the typed table of a payload file, named as in the contract; returns its rows.

    A contract column that the file does not have is NULL throughout. file: None makes an empty table.
    """
    if not file:
        types = _types(registry, dataset, table)
        named = ", ".join(f"{quoted(name)} {type_}" for name, type_ in types.items())
        connection.execute(f"CREATE OR REPLACE TABLE {quoted(table)} ({named})")
        return 0
    shape = "SELECT name FROM parquet_schema(?) WHERE num_children IS NULL"
    there = {name for (name,) in connection.execute(shape, [str(file)]).fetchall()}
    source = f"read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
    columns = [f"{_text('record_pseudonym', there)} AS record_pseudonym", _cast("source_row", "INTEGER", there)]
    for view in passing(registry, dataset, table):
        columns += _content(view, there)
    for name, type_ in derived(registry, dataset, table).items():
        columns.append(_cast(name, type_, there))
    connection.execute(f"CREATE OR REPLACE TABLE {quoted(table)} AS SELECT {', '.join(columns)} FROM {source}")  # noqa: S608
    return int(connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchall()[0][0])  # noqa: S608


def _types(registry: Registry, dataset: str, table: str) -> dict[str, str]:
    """Columns of a typed table -> SQL type, in the order of `load`."""
    found = {"record_pseudonym": "VARCHAR", "source_row": "INTEGER"}
    for view in passing(registry, dataset, table):
        found |= {view.name: TYPED.get(view.type or "", "VARCHAR"), f"{view.name}_cast": "VARCHAR"}
    return found | derived(registry, dataset, table)


def _text(name: str, there: set[str]) -> str:
    return f"CAST({quoted(name)} AS VARCHAR)" if name in there else "CAST(NULL AS VARCHAR)"


def _cast(name: str, type_: str, there: set[str]) -> str:
    return f"TRY_CAST({_text(name, there)} AS {type_}) AS {quoted(name)}"


def _content(view: ColumnView, there: set[str]) -> list[str]:
    text, type_ = _text(view.name, there), TYPED.get(view.type or "")
    value = text
    says = " ".join(f"WHEN '{word}' THEN '{meaning}'" for word, meaning in SENTINELS.items())
    otherwise = "NULL"
    if type_:
        value = f"CASE WHEN regexp_full_match({text}, '{_LOOKS[type_]}') THEN TRY_CAST({text} AS {type_}) END"
        otherwise = f"CASE WHEN {text} IS NOT NULL AND {value} IS NULL THEN 'unreadable' END"
    return [
        f"{value} AS {quoted(view.name)}",
        f"CASE {text} {says} ELSE {otherwise} END AS {quoted(view.name + '_cast')}",
    ]


def flag(
    connection: duckdb.DuckDBPyConnection,
    registry: Registry,
    dataset: str,
    table: str,
    rules: list[Rule],
    period: tuple[date, date],
    checked: str,
) -> None:
    """Make the table `checked` that the rules of a table are checked on, from all typed tables.

    It has the columns that the rules name, `source_row`, `is_duplicate`, `is_orphan` and one column per `flag_sql`. A
    condition that DuckDB does not take is left out: its rule then finds no column and is known not to have been
    checked.
    """
    contract = registry.contract(dataset).tables[table]
    joined = f"{quoted(table)} t"
    flags = {"is_duplicate": "false", "is_orphan": "false"}
    if contract.key:
        joined += _repeats(table, contract.key)
        flags["is_duplicate"] = "t.source_row > repeated.first"
    if contract.parent:
        key = registry.contract(dataset).tables[contract.parent].key[0]
        own = parent_key(registry, dataset, table)
        joined += f""" LEFT JOIN (SELECT * FROM {quoted(contract.parent)} WHERE {quoted(key)} IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY {quoted(key)} ORDER BY source_row) = 1) parent
            ON parent.{quoted(key)} = t.{quoted(own)}"""  # noqa: S608
        flags["is_orphan"] = f"parent.{quoted(key)} IS NULL"
    _make_whole(connection, checked, rules, flags | _conditions(rules, period), quoted(table), joined)


def flag_previous(
    connection: duckdb.DuckDBPyConnection, table: str, rules: list[Rule], period: tuple[date, date], checked: str
) -> None:
    """As `flag`, for rules on the rows of `previous.<table>`: these are `t`, and have neither parents nor repeats."""
    source = f"previous.{quoted(table)}"
    _make_whole(connection, checked, rules, _conditions(rules, period), source, f"{source} t")


def parent_key(registry: Registry, dataset: str, table: str) -> str:
    """The column of a table that holds its parent's key."""
    columns = registry.contract(dataset).tables[table].columns
    return next(name for name, column in columns.items() if column.type == "parent_key")


def _repeats(table: str, key: tuple[str, ...]) -> str:
    """A join that gives `repeated.first`, the first row with the key of a row, where that key stands more than once.

    A blank or unreadable key is never a repeat. Keys that stand once, which are nearly all, drop out while grouping.
    """
    names = ", ".join(quoted(name) for name in key)
    whole = " AND ".join(f"{quoted(n)} IS NOT NULL AND CAST({quoted(n)} AS VARCHAR) NOT IN ({_WORDS})" for n in key)
    return f""" LEFT JOIN (SELECT {names}, min(source_row) AS first FROM {quoted(table)} WHERE {whole}
        GROUP BY {names} HAVING count(*) > 1) repeated
        ON {" AND ".join(f"repeated.{quoted(name)} = t.{quoted(name)}" for name in key)}"""  # noqa: S608


def _conditions(rules: list[Rule], period: tuple[date, date]) -> dict[str, str]:
    """Column -> condition of each `flag_sql`, with the days of the period in place."""
    days = {":period_start": f"DATE '{period[0]}'", ":period_end": f"DATE '{period[1]}'"}
    found = {}
    for rule in rules:
        if rule.flag_sql:
            condition = rule.flag_sql
            for name, day in days.items():
                condition = condition.replace(name, day)
            found[str(rule.kwargs["column"])] = condition
    return found


def _make_whole(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    rules: list[Rule],
    flags: dict[str, str],
    source: str,
    joined: str,
) -> None:
    """`_make` with all flags, or with those that DuckDB takes."""
    columns = {column for rule in rules for column in rule.columns} - set(flags)
    if not _make(connection, name, columns, flags, source, joined):
        good = {n: sql for n, sql in flags.items() if _make(connection, name, set(), {n: sql}, source, joined)}
        _make(connection, name, columns, good, source, joined)


def _make(
    connection: duckdb.DuckDBPyConnection, name: str, named: set[str], flags: dict[str, str], source: str, joined: str
) -> bool:
    """Make a table of some columns of a typed table and of flags; False where DuckDB does not take a condition.

    The flags are worked out beside the table and joined to it: a window over rows that carry all columns costs far
    more. A column that the typed table does not have is left out.
    """
    there = {row[0] for row in connection.execute(f"SELECT column_name FROM (DESCRIBE {source})").fetchall()}  # noqa: S608
    columns = ", ".join(f"t.{quoted(column)}" for column in sorted((named | {"source_row"}) & there))
    conditions = "".join(f", coalesce({sql}, false)::BOOLEAN AS {quoted(flag)}" for flag, sql in flags.items())
    statement = f"""CREATE OR REPLACE TABLE {quoted(name)} AS
        WITH flags AS MATERIALIZED (SELECT t.rowid AS number{conditions} FROM {joined})
        SELECT {columns}, flags.* EXCLUDE number FROM {source} t JOIN flags ON flags.number = t.rowid"""  # noqa: S608
    try:
        connection.execute(statement)
    except duckdb.Error:  # it may quote a value
        return False
    return True
