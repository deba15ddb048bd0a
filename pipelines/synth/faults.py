"""Faults written into laid out tables on purpose, and the rows that each rule must find.

Planted faults go into rows without any other fault, never into the planted child's. All of it is declared in
datasets/; `RAGGED` stands for a comma that no quotation mark guards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import numpy as np

from pipelines.synth.draw import Draws
from pipelines.synth.laying import Delivery

RAGGED = "\x1f"
# Of few rows only few are spoilt: at most one in so many.
ONE_IN = 8

RuleFault = tuple[str, str, int]  # table, rule, source row


def plant(db: duckdb.DuckDBPyConnection, draws: Draws, delivery: Delivery, rules: Mapping[str, Any]) -> list[RuleFault]:
    """Write the planted faults (`rules` of its file) into an extract's tables; the current schema is the extract's.

    Returns what rules must find. What matching can no longer go by goes to `world.lost` and `world.rejected`.
    """
    rng = draws.stream(f"faults {delivery.folder}")
    planted: list[RuleFault] = []
    for table in (name for name in rules if name in delivery.tables):
        columns = [name for (name,) in db.execute(f'SELECT column_name FROM (DESCRIBE "{table}")').fetchall()]  # noqa: S608
        spoilt: set[int] = set()
        for entry in rules[table]:
            if delivery.form not in entry.get("forms", (delivery.form,)):
                continue
            rows = _rows_for(db, rng, table, columns, entry, spoilt)
            if not rows:
                continue
            at_fault = _again(db, table, columns, entry, rows) if "again" in entry else _set(db, table, entry, rows)
            spoilt |= {*rows, *at_fault}
            for rule in [*([entry["rule"]] if "rule" in entry else []), *entry.get("also", [])]:
                planted += [(table, rule, row) for row in at_fault]
            if "loses" in entry and "again" in entry:
                _other_records(db, table, at_fault)
            if "loses" in entry or "ragged" in entry:
                _note_lost(db, entry, _records(db, table, at_fault))
    return planted


def _other_records(db: duckdb.DuckDBPyConnection, table: str, rows: list[int]) -> None:
    """Make copies of rows records of their own, of the same person: what a copy loses, the first row still shows.

    No extract that is written later knows of them, since their source is another.
    """
    last = int(db.execute("SELECT max(record) FROM world.record").fetchall()[0][0])
    for number, (row, record) in enumerate(zip(rows, _records(db, table, rows), strict=True), last + 1):
        copy = "SELECT * REPLACE (?::BIGINT AS record, source || ' again' AS source) FROM world.record WHERE record = ?"
        db.execute(f"INSERT INTO world.record BY NAME {copy}", [number, record])
        db.execute(f'UPDATE "{table}" SET _record = ? WHERE _row = ?', [number, row])  # noqa: S608


def _note_lost(db: duckdb.DuckDBPyConnection, entry: Mapping[str, Any], records: list[int]) -> None:
    """Remember what matching can no longer go by: fields of a record, or a record that nobody can read."""
    lost = [(record, column) for record in records for column in entry.get("loses", [])]
    if lost:
        db.executemany("INSERT INTO world.lost VALUES (?, ?)", lost)
    if "ragged" in entry:
        db.executemany("INSERT INTO world.rejected VALUES (?)", [(record,) for record in records])


def natural(db: duckdb.DuckDBPyConnection, entries: Iterable[Mapping[str, Any]]) -> list[RuleFault]:
    """The rows that rules find because of a linkage fault, wherever that fell."""
    found: list[RuleFault] = []
    for entry in entries:
        query = f'SELECT _row FROM "{entry["table"]}" WHERE {entry["where"]} ORDER BY _row'  # noqa: S608
        found += [(entry["table"], entry["rule"], row) for (row,) in db.execute(query).fetchall()]
    return found


def _rows_for(
    db: duckdb.DuckDBPyConnection,
    rng: np.random.Generator,
    table: str,
    columns: list[str],
    entry: Mapping[str, Any],
    spoilt: set[int],
) -> list[int]:
    """Rows on which an entry may fall, chosen at random among those without a fault."""
    tests = [f"({entry['where']})"] if "where" in entry else []
    if entry.get("needs_birth"):
        spoilt_birth = "SELECT person FROM world.record JOIN world.lost USING (record) WHERE field = 'birth'"
        tests.append(f"_person NOT IN ({spoilt_birth})")
    if "_person" in columns:
        tests.append("_person NOT IN (SELECT person FROM world.person WHERE is_canary)")
    if "_record" in columns:
        tests.append("_record NOT IN (SELECT record FROM world.marked)")
    where = f"WHERE {' AND '.join(tests)}" if tests else ""
    fits = db.execute(f'SELECT _row FROM "{table}" laid {where} ORDER BY _row').fetchnumpy()["_row"]  # noqa: S608
    free = np.setdiff1d(np.asarray(fits), np.array(sorted(spoilt), dtype=np.int64))
    wanted = round(entry["share"] * len(free)) if "share" in entry else entry.get("rows", 2)
    wanted = min(wanted, -(-len(free) // ONE_IN))
    return sorted(int(row) for row in rng.choice(free, wanted, replace=False))


def _set(db: duckdb.DuckDBPyConnection, table: str, entry: Mapping[str, Any], rows: Iterable[int]) -> list[int]:
    changes = dict(entry.get("set", {}))
    if "ragged" in entry:
        name = f'"{entry["ragged"]}"'
        changes[entry["ragged"]] = f"left({name}, 2) || '{RAGGED}' || substr({name}, 3)"
    written = ", ".join(f'"{column}" = {sql}' for column, sql in changes.items())
    chosen = _listed(rows)
    db.execute(f'UPDATE "{table}" AS laid SET {written} WHERE _row IN ({chosen})')  # noqa: S608
    return list(rows)


def _again(
    db: duckdb.DuckDBPyConnection, table: str, columns: list[str], entry: Mapping[str, Any], rows: Iterable[int]
) -> list[int]:
    last = db.execute(f'SELECT max(_row) FROM "{table}"').fetchall()[0][0]  # noqa: S608
    number = f"{last} + row_number() OVER (ORDER BY _row)"
    values = [number if c == "_row" else entry["again"].get(c, f'"{c}"') for c in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    source = f'SELECT {", ".join(values)} FROM "{table}" laid WHERE _row IN ({_listed(rows)})'  # noqa: S608
    db.execute(f'INSERT INTO "{table}" ({names}) {source}')
    return list(range(last + 1, last + 1 + len(list(rows))))


def _records(db: duckdb.DuckDBPyConnection, table: str, rows: Iterable[int]) -> list[int]:
    query = f'SELECT _record FROM "{table}" WHERE _row IN ({_listed(rows)}) ORDER BY _row'  # noqa: S608
    return [record for (record,) in db.execute(query).fetchall()]


def _listed(rows: Iterable[int]) -> str:
    return ", ".join(map(str, rows))
