"""A night on which one child in a hundred changed: the newest deliveries once more, a little different."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from pipelines.contracts import Table
from pipelines.extract import recognise
from pipelines.extract.headers import squash
from pipelines.registry import Registry

ONE_IN = 100


def write(raw: Path, night: Path, registry: Registry) -> list[dict[str, Any]]:
    """Write into `night` the newest CSV delivery of every feed about people, changed; its deliveries.

    In every hundredth row of each table the home postcode and one coded fact are those of the row before: another
    token, another LSOA, another fact, and the same child.
    """
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for delivery in json.loads((raw / "deliveries.json").read_text()):
        if registry.contract(delivery["dataset"]).people and all(name.endswith(".csv") for name in delivery["files"]):
            newest[delivery["agency"], delivery["dataset"]] = delivery
    for delivery in newest.values():
        files = [raw / name for name in delivery["files"]]
        found = recognise(files, registry)
        tables = registry.contract(delivery["dataset"]).tables
        known = {path: tables[name] for name, path in found.tables.items()}
        for name, path in zip(delivery["files"], files, strict=True):
            (night / name).parent.mkdir(parents=True, exist_ok=True)
            if path in known:
                change(path, night / name, known[path])
            else:
                shutil.copyfile(path, night / name)
    shutil.copyfile(raw / "postcodes.csv", night / "postcodes.csv")
    (night / "deliveries.json").write_text(json.dumps(list(newest.values())))
    return list(newest.values())


def change(path: Path, to: Path, table: Table) -> int:
    """Copy a CSV file with every hundredth row changed; how many rows were."""
    changed = 0
    with (
        path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file,
        to.open("w", newline="", encoding="utf-8", errors="surrogateescape") as out,
    ):
        rows, writer = csv.reader(file), csv.writer(out)
        header = next(rows)
        places = _places(header, table)
        writer.writerow(header)
        before: list[str] = []
        for number, row in enumerate(rows, 1):
            this = list(row)
            if number % ONE_IN == 0 and len(row) == len(header) == len(before):
                for place in places:
                    row[place] = before[place]
                changed += row != this
            before = this
            writer.writerow(row)
    return changed


def _places(header: list[str], table: Table) -> list[int]:
    """Where the home postcode and the first coded fact stand, that is neither key nor required."""
    named = {squash(name): at for at, name in enumerate(header)}
    columns = {
        name: at
        for name, column in table.columns.items()
        for spelling in (name, *column.aliases)
        if (at := named.get(squash(spelling))) is not None
    }
    moved = [at for name, at in columns.items() if table.columns[name].field == "postcode"]
    coded = [
        at
        for name, at in columns.items()
        if (table.columns[name].type == "code" or table.columns[name].field in ("sen_type_code", "ethnicity_code"))
        and name not in table.key
        and not table.columns[name].protects
    ]
    return moved + coded[:1]
