"""Say what files are and what is wrong with them, without loading anything.

Raw files are sealed in memory under keys that nobody keeps, so that the check sees exactly what the hub would see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from pipelines.validate import report
from pipelines.validate.report import words

# What becomes of the rows that break a rule, worst first.
THEN = {
    "reject_file": "[red]the file is not taken[/]",
    "reject_row": "[red]cannot be read[/]",
    "quarantine_row": "[red]held back[/]",
    "null_field": "[yellow]taken without this value[/]",
    "warn": "to be checked",
}
# On a terminal; `--report` and `--json` have all.
MOST_RULES, MOST_TABLES = 12, 10
_COUNTS = ("rows_in", "accepted", "quarantined", "rejected")
PERIOD = re.compile(r"20\d\d(?:[-_](?:autumn|spring|summer|\d\d(?:[-_]\d\d)?))?(?!\d)")


def check(
    paths: Sequence[Path], *, agency: str | None, settings: Settings, reports: Path | None = None
) -> dict[str, Any]:
    """Check raw files and sealed folders.

    reports: a folder for the reports to suppliers, one folder in it per submission; nothing else is written.
    Returns `{"submissions": [...], "unknown_files": [...]}` as described for `joint-needs check`; each submission has
    outcome, reason, tables with row counts, and the rules that did not pass with counts and first row numbers.
    """
    registry = declared.load(settings.agencies)
    if agency:
        registry.agency(agency)
    look = _Look(registry, settings, agency, reports)
    sealed, raw = _sort(paths)
    submissions = [look.at_sealed(folder) for folder in sealed]
    unknown: list[Path] = []
    # Files of one folder belong together; a folder may hold several datasets.
    for folder in sorted({path.parent for path in raw}):
        found, rest = look.at_raw([path for path in raw if path.parent == folder])
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


@dataclass(frozen=True)
class _Look:
    """One look at files: what is declared, for whom they are checked, and where reports go."""

    registry: Registry
    settings: Settings
    agency: str | None
    reports: Path | None

    def at_sealed(self, folder: Path) -> dict[str, Any]:
        return self._judged(folder, json.loads((folder / "manifest.json").read_text()))

    def at_raw(self, files: list[Path]) -> tuple[list[dict[str, Any]], list[Path]]:
        """One document per dataset and period among the files of a folder, and files that are none.

        Where two files hold the same table, they are taken apart by the periods in their names.
        """
        period = period_of(files)
        try:
            groups, unknown = recognise_all(files, self.registry)
        except DataFault as fault:
            if fault.rule == "FILE-005":
                return [], files
            apart = _by_named_period(files)
            if fault.rule == "FILE-012" and len(apart) > 1:
                looks = [self.at_raw(together) for together in apart]
                return [told for found, _ in looks for told in found], [path for _, rest in looks for path in rest]
            return [self._refused(None, period, fault)], []
        return [self._at_group(group, period) for group in groups], unknown

    def _at_group(self, group: Recognised, period: str) -> dict[str, Any]:
        try:
            with seal.throwaway(group, registry=self.registry, agency=self.agency, period=period) as result:
                told = self._judged(result.folder, result.manifest | {"agency": self.agency, "sequence": None})
            return told | {"files": {table: str(path) for table, path in group.tables.items()}}
        except DataFault as fault:
            return self._refused(group.dataset, period, fault)

    def _judged(self, folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
        return validate.check(
            folder,
            self.registry,
            manifest=manifest,
            environment=self.settings.environment,
            engine=self.settings.check_engine,
            reports=self._place(manifest["dataset"], manifest["period"]),
        )

    def _refused(self, dataset: str | None, period: str, fault: DataFault) -> dict[str, Any]:
        told = report.refused(self.registry, self.agency, dataset, period, fault)
        if place := self._place(dataset, period):
            report.write(place, told, {}, {})
        return told

    def _place(self, dataset: str | None, period: str) -> Path | None:
        """A folder of its own for each document: `<dataset>__<period>`, numbered where that is taken."""
        if not self.reports:
            return None
        name, number = f"{dataset or 'files'}__{period}", 1
        while (place := self.reports / (name if number == 1 else f"{name}__{number}")).exists():
            number += 1
        place.mkdir(parents=True)
        return place


def _by_named_period(files: Sequence[Path]) -> list[list[Path]]:
    """Files by the first period in each name; those that name none are together."""
    found: dict[str, list[Path]] = {}
    for path in files:
        found.setdefault("".join(PERIOD.findall(path.name.lower())[:1]), []).append(path)
    return list(found.values())


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
    """One block per dataset: the outcome, the tables, what to mend; then all of them in a table."""
    for found in document["submissions"]:
        _print_one(found, console)
    if len(document["submissions"]) > 1:
        console.print(_overview(document["submissions"]))
    for name in document["unknown_files"]:
        console.print(f"[yellow]not a table that is taken here:[/] {name}", highlight=False, soft_wrap=True)
    if not document["submissions"]:
        console.print("[bold red]nothing here is a table that is taken[/]")


def _print_one(found: dict[str, Any], console: Console) -> None:
    console.rule(f"[bold]{found['dataset'] or 'files'}[/], {words.period(found['period'])}", align="left")
    console.print(f"[bold {_colour(found)}]{words.heading(found)}[/]", highlight=False)
    if found["reason"]:
        console.print(Padding(f"{found['reason']['rule']}: {found['reason']['tell_supplier']}", (0, 0, 0, 2)))
    if found["tables"]:
        console.print(_tables(found["tables"]))
    if found["absent_tables"]:
        absent = f"[dim]not sent, and not needed: {', '.join(found['absent_tables'])}[/]"
        console.print(Padding(absent, (0, 0, 0, 2)), highlight=False)
    fixes = words.to_fix(found)
    for rule in fixes[:MOST_RULES]:
        _print_rule(rule, console)
    if len(fixes) > MOST_RULES:
        console.print(
            f"  [bold]{len(fixes) - MOST_RULES} rules more[/]: --report FOLDER writes them all", highlight=False
        )
    unchecked = [rule["rule"] for rule in found["rules"] if rule["result"] == "could_not_check"]
    if unchecked:
        console.print(f"  [yellow]could not be evaluated: {', '.join(unchecked)}[/]", highlight=False)
    console.print()


def _colour(found: dict[str, Any]) -> str:
    return {"accepted": "green", "rejected": "red"}.get(found["outcome"], "yellow")


def _tables(rows: list[dict[str, Any]]) -> Table:
    """Counts of the tables that came; of many, those without a row share a line, or all that are whole."""
    table = Table("table", header_style="bold", box=None, pad_edge=True, padding=(0, 2, 0, 0))
    for name in ("rows in", "accepted", "held", "rejected"):
        table.add_column(name, justify="right")
    whole = [row for row in rows if row["is_taken"] and row["rows_in"] == row["accepted"]]
    empty = [row for row in whole if not row["rows_in"]]
    folded, name = (empty, "without a row") if len(rows) - len(empty) <= MOST_TABLES else (whole, "more")
    folded = folded if len(rows) > MOST_TABLES and len(folded) > 1 else []
    shown = [row for row in rows if row not in folded]
    if folded:
        counts = {count: sum(row[count] for row in folded) for count in _COUNTS}
        shown.append({"table": f"{len(folded)} tables {name}", "is_taken": True, **counts})
    for row in shown:
        kept = "" if row["is_taken"] else " [dim](known; no column of it is kept)[/]"
        table.add_row(f" {row['table']}{kept}", *(f"{row[name]:,}" for name in _COUNTS))
    return table


def _overview(found: list[dict[str, Any]]) -> Table:
    """One line per submission."""
    table = Table("dataset", "period", "outcome", header_style="bold", box=None, padding=(0, 2, 0, 0))
    for name in ("rows in", "accepted", "to fix"):
        table.add_column(name, justify="right")
    for one in found:
        counts = (f"{sum(row[name] for row in one['tables']):,}" for name in ("rows_in", "accepted"))
        outcome = f"[{_colour(one)}]{one['outcome']}[/]"
        table.add_row(one["dataset"] or "unknown", one["period"], outcome, *counts, str(len(words.to_fix(one))))
    return table


def _print_rule(row: dict[str, Any], console: Console) -> None:
    """A rule that did not pass: what becomes of the rows, how many, where to look, and what to do."""
    first = ", ".join(f"{number:,}" for number in row["first_rows"][:5])
    more = ", ..." if row["count"] > 5 else ""
    published = f" ({', '.join(row['published'])})" if row["published"] else ""
    which = f"; {'earlier ' * row['of_previous']}row{'s' * (row['count'] > 1)} {first}{more}" if first else ""
    line = f"[bold]{row['rule']}[/]{published} {row['table']}: {words.share(row)} {THEN[row['on_fail']]}{which}"
    console.print(Padding(line, (0, 0, 0, 2)), highlight=False)
    console.print(Padding(row["tell_supplier"], (0, 0, 0, 4)), highlight=False, style="dim")
