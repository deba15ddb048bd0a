"""Say what files are and what is wrong with them, without writing or loading anything.

Raw files are sealed in memory under keys that nobody keeps, so that the check sees exactly what the hub would see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from pipelines import registry as declared
from pipelines import seal, validate
from pipelines.errors import DataFault, UsageFault
from pipelines.extract import Recognised, recognise_all
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.settings import Settings

# What becomes of the rows that break a rule, worst first.
THEN = {
    "reject_file": "[red]reject the file[/]",
    "quarantine_row": "[red]held back[/]",
    "null_field": "[yellow]taken without this value[/]",
    "warn": "to be checked",
}
PERIOD = re.compile(r"20\d\d(?:[-_](?:autumn|spring|summer|\d\d(?:[-_]\d\d)?))?(?!\d)")


def check(paths: Sequence[Path], *, agency: str | None, settings: Settings) -> dict[str, Any]:
    """Check raw files and sealed folders.

    Returns `{"submissions": [...], "unknown_files": [...]}` as described for `joint-needs check`; each submission has
    outcome, reason, tables with row counts, and the rules that did not pass with counts and first row numbers.
    """
    registry = declared.load(settings.agencies)
    if agency:
        registry.agency(agency)
    sealed, raw = _sort(paths)
    submissions = [
        validate.check(folder, registry, environment=settings.environment, engine=settings.check_engine)
        for folder in sealed
    ]
    unknown: list[Path] = []
    # Files of one folder belong together; a folder may hold several datasets.
    for folder in sorted({path.parent for path in raw}):
        found, rest = _check_folder([path for path in raw if path.parent == folder], registry, agency, settings)
        submissions += found
        unknown += rest
    return {"submissions": submissions, "unknown_files": [str(path) for path in sorted(unknown)]}


def _sort(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Sealed folders, and raw files, among the paths and below them."""
    sealed: list[Path] = []
    raw: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageFault(f"{path} does not exist")
        found = sorted(p.parent for p in path.rglob("manifest.json")) if path.is_dir() else []
        sealed += found
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        raw += [p for p in inside if p.is_file() and not any(p.is_relative_to(folder) for folder in found)]
    return sealed, raw


def _check_folder(
    files: list[Path], registry: Registry, agency: str | None, settings: Settings
) -> tuple[list[dict[str, Any]], list[Path]]:
    period = period_of(files)
    try:
        groups, unknown = recognise_all(files, registry)
    except DataFault as fault:
        if fault.rule == "FILE-005":
            return [], files
        return [_refused(None, agency, period, fault)], []
    return [_check_raw(group, registry, agency, period, settings) for group in groups], unknown


def _check_raw(
    group: Recognised, registry: Registry, agency: str | None, period: str, settings: Settings
) -> dict[str, Any]:
    try:
        with seal.throwaway(group, registry=registry, agency=agency, period=period) as result:
            found = validate.check(
                result.folder, registry, environment=settings.environment, engine=settings.check_engine
            )
    except DataFault as fault:
        return _refused(group.dataset, agency, period, fault)
    return found | {"agency": agency}


def _refused(dataset: str | None, agency: str | None, period: str, fault: DataFault) -> dict[str, Any]:
    """The shape of a submission that could not even be sealed."""
    return {
        "agency": agency,
        "dataset": dataset,
        "period": period,
        "outcome": "rejected",
        "reason": {"rule": fault.rule, "tell_supplier": fault.tell_supplier},
        "tables": [],
        "absent_tables": [],
        "rules": [],
        "not_applicable": [],
    }


def period_of(files: Sequence[Path]) -> str:
    """The period that names of files or of their folder suggest, else this month."""
    for text in [f"{path.parent.name}/{path.name}" for path in files]:
        for found in PERIOD.findall(text.lower()):
            period = found.replace("_", "-")
            try:
                bounds(period)
            except DataFault:
                continue
            return str(period)
    return f"{date.today():%Y-%m}"


def print_for_people(document: dict[str, Any], console: Console) -> None:
    """One block per dataset: the outcome, the tables, what to mend."""
    for found in document["submissions"]:
        colour = {"accepted": "green", "rejected": "red"}.get(found["outcome"], "yellow")
        what = found["dataset"] or "unknown files"
        console.print(f"[bold]{what}[/] {found['period']}: [bold {colour}]{found['outcome']}[/]")
        if found["reason"]:
            console.print(f"  {found['reason']['rule']}: {found['reason']['tell_supplier']}", highlight=False)
        if found["tables"]:
            console.print(_tables(found["tables"]))
        for name in found["absent_tables"]:
            console.print(f"  [yellow]table {name} did not come; it is optional[/]")
        _print_rules(found["rules"], console)
    for name in document["unknown_files"]:
        console.print(f"[yellow]not a table that is taken here:[/] {name}", highlight=False, soft_wrap=True)
    if not document["submissions"]:
        console.print("[bold red]nothing here is a table that is taken[/]")


def _tables(rows: list[dict[str, Any]]) -> Table:
    table = Table("table", header_style="bold")
    for name in ("rows in", "accepted", "quarantined", "rejected"):
        table.add_column(name, justify="right")
    for row in rows:
        numbers = (f"{row[name]:,}" for name in ("rows_in", "accepted", "quarantined", "rejected"))
        table.add_row(row["table"], *numbers)
    return table


def _print_rules(rows: list[dict[str, Any]], console: Console) -> None:
    """Each rule that did not pass: what becomes of the rows, how many, where to look, and what to do."""
    for row in sorted(rows, key=lambda row: list(THEN).index(row["on_fail"])):
        first = ", ".join(f"{number:,}" for number in row["first_rows"][:5])
        more = ", ..." if row["count"] > 5 else ""
        console.print(
            f"  [bold]{row['rule']}[/] {row['table']}: {row['count']:,} of {row['of']:,} rows {THEN[row['on_fail']]}"
            + (f" (rows {first}{more})" if first else "")
        )
        console.print(Padding(row["tell_supplier"], (0, 0, 0, 4)), highlight=False)
