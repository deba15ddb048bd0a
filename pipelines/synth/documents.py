"""Laid out tables as one XML document, by a streaming writer that follows the contract's elements.

A column bears its path below the table's element, or the name of a contract column, whose path is then taken; columns
that the contract gives no path, and the keys that nesting replaces, are left out. A row stands inside the row it
belongs to: the one that `_parent` numbers or, without that column, the one with the same key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from lxml import etree

from pipelines.contracts import Contract
from pipelines.extract.headers import squash
from pipelines.synth.laying import Delivery, columns_of

Rows = dict[str, dict[int | None, list[dict[str, Any]]]]


def write(db: duckdb.DuckDBPyConnection, delivery: Delivery, file: Path) -> None:
    """Top tables follow each other; rows of a table below go where its parent has a `+` column, else to the end."""
    contract = delivery.contract
    found = {name: _by_parent(db, delivery, name) for name in delivery.tables}
    with etree.xmlfile(str(file), encoding="utf-8") as document:
        document.write_declaration()
        root = (next(iter(contract.tables.values())).element or "").split("/")[0]
        with document.element(root):
            document.write("\n")
            for name in delivery.tables:
                if not _is_below(contract, name):
                    _write_top(document, contract, name, found)


def _is_below(contract: Contract, name: str) -> bool:
    """Whether a table's element stands inside that of its parent."""
    table = contract.tables[name]
    above = contract.tables[table.parent].element if table.parent else None
    return (table.element or "").startswith(f"{above}/")


def _by_parent(db: duckdb.DuckDBPyConnection, delivery: Delivery, name: str) -> dict[int | None, list[dict[str, Any]]]:
    """The rows of a table under their paths, by the number of the row they stand in."""
    paths = _paths(db, delivery, name)
    chosen = "".join(f', laid."{column}" AS "{path}"' for column, path in paths.items())
    result = db.execute(f'SELECT laid._row, {_parent_row(db, delivery, name)}{chosen} FROM "{name}" laid ORDER BY 1')  # noqa: S608
    names = [column[0] for column in result.description]
    found: dict[int | None, list[dict[str, Any]]] = {}
    for values in result.fetchall():
        row = dict(zip(names, values, strict=True))
        found.setdefault(row["_parent"], []).append(row)
    return found


def _paths(db: duckdb.DuckDBPyConnection, delivery: Delivery, name: str) -> dict[str, str]:
    """Column -> its path below the table's element; `+<table>` is the place of a table below."""
    known = {squash(column): about.path for column, about in delivery.contract.tables[name].columns.items()}
    places = {column: column if column.startswith("+") else squash(column) for column in columns_of(db, delivery, name)}
    paths = {column: known.get(place, column) for column, place in places.items()}
    return {column: path for column, path in paths.items() if path and not path.startswith("@")}


def _parent_row(db: duckdb.DuckDBPyConnection, delivery: Delivery, name: str) -> str:
    """SQL for the number of the row above."""
    contract = delivery.contract
    table = contract.tables[name]
    laid = {squash(column): column for column in columns_of(db, delivery, name)}
    keys = [squash(column) for column, about in table.columns.items() if about.type == "parent_key"]
    if not table.parent or not _is_below(contract, name) or not keys or keys[0] not in laid:
        parent = db.execute(f"SELECT count(*) FROM (DESCRIBE \"{name}\") WHERE column_name = '_parent'").fetchall()  # noqa: S608
        return "laid._parent" if parent[0][0] else "NULL AS _parent"
    above = contract.tables[table.parent].key[0]
    key = next(column for column in columns_of(db, delivery, table.parent) if squash(column) == squash(above))
    return f'(SELECT min(_row) FROM "{table.parent}" WHERE "{key}" = laid."{laid[keys[0]]}") AS _parent'  # noqa: S608


def _write_top(document: Any, contract: Contract, name: str, found: Rows) -> None:
    _, *around, tag = (contract.tables[name].element or "").split("/")
    opened = [document.element(outer) for outer in around]
    for element in opened:
        element.__enter__()
    for row in found[name].get(None, []):
        element = etree.Element(tag)
        _fill(element, contract, name, row, found)
        document.write(element, pretty_print=True)
    for element in reversed(opened):
        element.__exit__(None, None, None)


def _fill(element: Any, contract: Contract, name: str, row: dict[str, Any], found: Rows) -> None:
    """Put a row's columns, and the rows below it, into its element in the order of the columns."""
    for path, value in row.items():
        if path.startswith("_"):
            continue
        if path.startswith("+"):
            _nest(element, contract, path[1:], row, found)
        elif path == ".":
            element.text = value
        elif value is not None:
            *outer, tag = path.split("/")
            etree.SubElement(_inside(element, outer), tag).text = value
    for below in found:
        if contract.tables[below].parent == name and f"+{below}" not in row and _is_below(contract, below):
            _nest(element, contract, below, row, found)


def _nest(element: Any, contract: Contract, below: str, row: dict[str, Any], found: Rows) -> None:
    above = contract.tables[contract.tables[below].parent or ""].element or ""
    *outer, tag = (contract.tables[below].element or "").removeprefix(f"{above}/").split("/")
    for child in found[below].get(row["_row"], []):
        _fill(etree.SubElement(_inside(element, outer), tag), contract, below, child, found)


def _inside(element: Any, path: list[str]) -> Any:
    """The element at a path below, made where it is not the last one already."""
    for tag in path:
        last = element[-1] if len(element) else None
        element = last if last is not None and last.tag == tag else etree.SubElement(element, tag)
    return element
