"""What every command shares: how errors end, how outcomes are shown, the `--json` option."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipelines.errors import DataFault, JointNeedsError, UsageFault

err = Console(stderr=True)
out = Console()
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]

# The counts of an outcome that people want to see at once, and what they are called; `--json` has them all.
SHOWN = ("rows_in", "accepted", "quarantined", "rejected", "records", "persons", "links", "changed")
CALLED = {"rows_in": "rows", "quarantined": "held"}


def guarded(command: Callable[..., int | None]) -> Callable[..., None]:
    """Turn our own errors into one clear line and an exit code; anything else is a bug and keeps its traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except ModuleNotFoundError as error:
            if (error.name or "pipelines").startswith("pipelines"):
                raise
            err.print(f"[bold red]error:[/] this command needs the hub's packages ({error.name} is missing):", end=" ")
            err.print("pip install 'joint-needs\\[hub]'", highlight=False)
            raise typer.Exit(2) from None
        except JointNeedsError as error:
            kind = "fault in the data" if isinstance(error, DataFault) else "error"
            err.print(f"[bold red]{kind}:[/] {error}", highlight=False, soft_wrap=True)
            raise typer.Exit(error.exit_code) from None
        raise typer.Exit(code or 0)

    return run


def as_date(text: str | None) -> date | None:
    """An ISO date from an option, or a UsageFault that says the shape."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageFault(f"a date looks like 2026-03-31, not {text!r}") from None


def show(document: Any, as_json: bool, *, title: str = "") -> None:
    """Print outcomes: JSON for machines, a table for people."""
    if as_json:
        sys.stdout.write(json.dumps(document, default=str) + "\n")
        return
    rows = document if isinstance(document, list) else [document]
    if title:
        out.print(title)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, style in (("stage", "bold"), ("what", ""), ("state", ""), ("counts", ""), ("seconds", "dim")):
        table.add_column(name, style=style, no_wrap=name != "counts", justify="right" if name == "seconds" else "left")
    for row in rows:
        counts = ", ".join(f"{CALLED.get(n, n)} {row['counts'][n]:,}" for n in SHOWN if row["counts"].get(n))
        colour = "green" if row["state"] == "success" else "yellow"
        table.add_row(row["stage"], row["subject"], f"[{colour}]{row['state']}[/]", counts, f"{row['seconds']:.1f} s")
    out.print(table)
    for row in rows:
        for note in row["notes"]:
            out.print(f"{row['subject']}: {note}", highlight=False)
