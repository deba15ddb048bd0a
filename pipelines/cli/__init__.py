"""The command line. With `--json`, stdout is exactly one JSON document; everything else goes to stderr.

Exit codes: 0 fine or warnings only, 1 data fault, 2 usage, 3 machine. Rooms are imported inside the commands, so that
`joint-needs --help` is quick and the door needs nothing of the hub.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines import version
from pipelines.cli import door, keeping, link, reading, steward
from pipelines.cli.frame import AsJson, as_date, err, guarded, out, show
from pipelines.errors import UsageFault
from pipelines.settings import Settings

app = typer.Typer(
    name="joint-needs",
    help="The combined needs of children and young people with SEND, every night.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db_app = typer.Typer(help="The warehouse's database.", no_args_is_help=True)
app.add_typer(db_app, name="db")


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """The combined needs of children and young people with SEND, every night."""
    if show_version:
        out.print(version())
        raise typer.Exit(0)


# ---- making and checking data --------------------------------------------------------------------------------------
@app.command()
@guarded
def synth(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder to write; must be empty or absent.")],
    children: Annotated[int, typer.Option(min=200, help="Residents aged 0 to 25.")] = 76_000,
    seed: Annotated[int, typer.Option(help="Same seed, children and day: same bytes.")] = 7,
    as_of: Annotated[str | None, typer.Option(help="The day the extracts are made; today unless given.")] = None,
    scenario: Annotated[
        str, typer.Option(help="`standard`, `canary` with one planted child, or `clean` without faults.")
    ] = "standard",
    nhs_coverage: Annotated[
        list[str] | None, typer.Option(help="Share of a dataset's records with an NHS number: DATASET=0.9; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic area's extracts in their real layouts, with the truth beside them."""
    from pipelines import synth as room

    day = as_date(as_of) or date.today()
    summary = room.generate(
        out_dir,
        children=children,
        seed=seed,
        as_of=day,
        scenario=scenario,
        nhs_coverage=_shares(nhs_coverage or []),
        progress=err.print,
    )
    document = {"out": str(out_dir), **summary.as_json()}
    if as_json:
        show(document, True)
    else:
        out.print(f"{document['files']} files for {children:,} children in {out_dir} ({document['seconds']:.0f} s)")


def _shares(words: list[str]) -> dict[str, float]:
    try:
        return {name: float(share) for name, share in (word.split("=", 1) for word in words)}
    except ValueError:
        raise UsageFault("a share looks like DATASET=0.9") from None


@app.command()
@guarded
def check(
    paths: Annotated[list[Path], typer.Argument(help="Raw files, sealed folders, or folders of either.")],
    agency: Annotated[str | None, typer.Option(help="Check as this agency sends it (header, tolerances).")] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for the report: web page, workbook, Markdown.")] = None,
    as_json: AsJson = False,
) -> int:
    """Say what files are and what is wrong with them. Loads nothing, and writes nothing but the report asked for."""
    from pipelines import checking

    document = checking.check(paths, agency=agency, settings=Settings.from_environment(), reports=report)
    if as_json:
        show(document, True)
    else:
        checking.print_for_people(document, out)
    rejected = any(submission["outcome"] == "rejected" for submission in document["submissions"])
    return 1 if rejected or not document["submissions"] else 0


# ---- the hub -------------------------------------------------------------------------------------------------------
@app.command()
@guarded
def receive(
    folder: Annotated[Path, typer.Argument(help="The landing place.")],
    as_json: AsJson = False,
) -> int:
    """Receive, validate and accept everything that waits in a landing place; what a pull does, by hand."""
    from pipelines import flow

    if not folder.is_dir():
        raise UsageFault(f"{folder} is not a folder")
    outcomes = flow.pull_all(folder.resolve(), progress=lambda text: err.print(text, highlight=False))
    show(outcomes, as_json, title="" if outcomes else "nothing waits")
    return 1 if any(row["state"] in ("refused", "rejected") for row in outcomes) else 0


@app.command()
@guarded
def refresh(
    as_of: Annotated[str | None, typer.Option(help="Recorded time: only what had been accepted by then.")] = None,
    as_json: AsJson = False,
) -> None:
    """The nightly refresh without Airflow: link, conform, integrate."""
    from pipelines import flow

    show(flow.refresh(as_date(as_of)), as_json)


@app.command()
@guarded
def status(
    fail_if_stale: Annotated[str | None, typer.Option(help="Exit 3 when the last good refresh is older: 26h.")] = None,
    as_json: AsJson = False,
) -> int:
    """What arrived, how fresh it is, the last runs, and what waits for a person."""
    from pipelines import reporting

    document = reporting.status(fail_if_stale)
    if as_json:
        show(document, True)
    else:
        reporting.print_status(document, out)
    return 3 if document["is_stale"] else 0


@app.command()
@guarded
def publish(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder of the snapshot.")],
    as_of: Annotated[str | None, typer.Option(help="Date of the picture; the last refresh unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Freeze a draft snapshot with its page; writes nothing where the disclosure audit fails."""
    from pipelines import flow

    show([flow.publish(as_date(as_of), out_dir)], as_json)


@db_app.command("migrate")
@guarded
def db_migrate() -> None:
    """Bring the database to this version's schema; starts the embedded server when there is no other."""
    from pipelines.ledger.database import connect
    from pipelines.ledger.migrate import migrate

    with connect(Settings.from_environment()) as connection:
        applied = migrate(connection)
    out.print(f"{len(applied)} migrations applied" if applied else "the database is up to date")


@db_app.command("stop")
@guarded
def db_stop() -> None:
    """Stop the embedded server of this home, if it runs."""
    from pipelines.local import postgres

    postgres.stop(Settings.from_environment())


door.add_to(app)
link.add_to(app)
reading.add_to(app)
steward.add_to(app)
keeping.add_to(app, db_app)
