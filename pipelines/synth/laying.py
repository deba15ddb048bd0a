"""From the population to the tables of one extract, by the SQL files of `sql/synth/<dataset>`, all cells text.

A file gives one table of the contract, with `_row` (its place in the file, from 1) and helper columns that begin with
an underscore and are not written. Files that begin with an underscore make lookups first; `_members.sql` says who is in
the extract, `_opted_out.sql` how many were left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.agencies import Agency
from pipelines.contracts import Contract
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry, read_yaml
from pipelines.settings import PACKAGE, shipped
from pipelines.synth.clock import Clock

SPECIAL = ("_members", "_opted_out")
# Keys of a delivery that are no variable of its SQL.
DECLARED = (
    "agency",
    "period",
    "snapshot",
    "window_start",
    "reference_day",
    "file",
    "form",
    "with_mark",
    "surplus_header",
    "without",
    "without_columns",
    "plants_faults",
    "separator",
    "is_unquoted",
    "headers",
    "above_header",
    "whole_layout",
    "lookups",
)
GROUPS = ("education", "social_care", "health", "planning")


@dataclass
class Delivery:
    """One extract to write: an entry of `deliveries` in a file of datasets/, with its days filled in."""

    number: int
    agency: Agency
    contract: Contract
    period: str
    snapshot: date
    about: Mapping[str, Any]

    @property
    def form(self) -> str:
        """The physical form in which it is written."""
        return self.about.get("form", self.contract.forms[0])

    @property
    def tables(self) -> list[str]:
        """The contract's tables that are in it, in order: those with an SQL file, less those named in `without`."""
        left_out = self.about.get("without", ())
        return [name for name in self.contract.tables if name not in left_out and sql(self, name).exists()]

    @property
    def schema(self) -> str:
        """Schema of its laid out tables."""
        return f"extract_{self.number}"

    @property
    def source(self) -> str:
        """The system it comes from; two extracts of one system know the same of a child."""
        return f"{self.agency.code}/{self.contract.dataset}"

    @property
    def folder(self) -> str:
        """Where its files go, below the folder asked for."""
        return f"{self.source}/{self.period}"


def extracts() -> dict[str, dict[str, Any]]:
    """What is written of each dataset and what is wrong in it, from datasets/, by dataset."""
    files = sorted((PACKAGE / "synth" / "datasets").glob("*.yaml"))
    return {file.stem: read_yaml(file) for file in files}


def deliveries(registry: Registry, declared: Mapping[str, Any], clock: Clock) -> list[Delivery]:
    """All extracts whose day has come, by group and dataset, those of one dataset oldest first."""
    labels = clock.labels()
    order = sorted(declared, key=lambda dataset: (GROUPS.index(registry.contract(dataset).group), dataset))
    entries = [(dataset, about) for dataset in order for about in declared[dataset]["deliveries"]]
    return [
        Delivery(
            number=number,
            agency=registry.agency(about["agency"]),
            contract=registry.contract(dataset),
            period=about["period"].format(**labels),
            snapshot=getattr(clock, about["snapshot"]),
            about=about | {"file": about["file"].format(**labels, name="{name}")},
        )
        for number, (dataset, about) in enumerate(entries)
        if getattr(clock, about["snapshot"]) <= clock.as_of
    ]


def columns_of(db: duckdb.DuckDBPyConnection, delivery: Delivery, table: str) -> list[str]:
    """The columns of a laid out table that are written, in order: not the helpers, nor those of `without_columns`."""
    names = db.execute(f'SELECT column_name FROM (DESCRIBE "{table}")').fetchall()  # noqa: S608
    left_out = delivery.about.get("without_columns", {}).get(table, ())
    return [name for (name,) in names if not name.startswith("_") and name not in left_out]


def sql(delivery: Delivery, name: str) -> Path:
    """The SQL file of a table or lookup."""
    return shipped("sql") / "synth" / delivery.contract.dataset / f"{name}.sql"


def set_variables(db: duckdb.DuckDBPyConnection, delivery: Delivery, clock: Clock, area: Mapping[str, Any]) -> None:
    """What the SQL files may ask for with getvariable(): the days of the clock, the sender, its habits."""
    about = delivery.about
    values: dict[str, Any] = dict(vars(clock))
    end = bounds(delivery.period, delivery.contract.expected.year_ends)[1]
    august = date(end.year, 8, 31)
    values |= {
        "snapshot": delivery.snapshot,
        "period_end": end,
        "last_august": august if august <= end else august.replace(year=end.year - 1),
        "window_start": getattr(clock, about.get("window_start", "activity_start")),
        "reference_day": getattr(clock, about.get("reference_day", about["snapshot"])),
        "agency": delivery.agency.code,
        "form": delivery.form,
        "ods_code": delivery.agency.ods_code or "",
        "la_code": delivery.agency.la_code or area["la_code"],
        "salt": delivery.folder,
        "date_format": about.get("date_format", "%Y-%m-%d"),
        "is_spaced": about.get("is_spaced", False),
        "projected_years": area["projection"]["years"],
        "physical_share": area["capacity"]["physical"],
        "held_share": area["capacity"]["held_by_others"],
    }
    values |= {name: value for name, value in about.items() if name not in values and name not in DECLARED}
    for name, value in values.items():
        if isinstance(value, date):
            db.execute(f"SET VARIABLE {name} = DATE '{value}'")
        elif isinstance(value, str):
            db.execute(f"SET VARIABLE {name} = '{value}'")
        else:
            db.execute(f"SET VARIABLE {name} = {str(value).lower()}")


def lay_out(db: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Make the extract's tables, in the order of the contract, in a schema of its own, which stays the current one."""
    schema = delivery.schema
    db.execute(f"CREATE SCHEMA {schema}; SET search_path = '{schema},main'")
    db.execute(f"CREATE VIEW record AS SELECT * FROM world.record WHERE source = '{delivery.source}'")  # noqa: S608
    folder = sql(delivery, "_").parent
    for name, shared in delivery.about.get("lookups", {}).items():
        _make(db, name, (shipped("sql") / "synth" / "_shared" / f"{shared}.sql").read_text())
    for path in sorted(path for path in folder.glob("_*.sql") if path.stem not in SPECIAL):
        _make(db, path.stem.removeprefix("_"), path.read_text())
    for name in delivery.tables:
        query = sql(delivery, name).read_text().rstrip()
        if delivery.about.get("whole_layout"):
            blank = [f', NULL::VARCHAR AS "{column.rstrip("*")}"' for column in delivery.contract.tables[name].ignored]
            query = f"SELECT *{''.join(blank)} FROM ({query})"  # noqa: S608
        _make(db, name, query, " ORDER BY _row")


def _make(db: duckdb.DuckDBPyConnection, name: str, query: str, ordered: str = "") -> None:
    db.execute(f'CREATE TABLE "{name}" AS SELECT * FROM ({query.rstrip()}){ordered}')  # noqa: S608
