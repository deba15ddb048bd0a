"""Commands of a data steward: held rows, run again, take out. Each decision carries a name and a reason."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding

from pipelines.cli.frame import AsJson, err, guarded, out, show
from pipelines.errors import UsageFault

quarantine_app = typer.Typer(help="Rows that a rule holds, and what a steward decides.", no_args_is_help=True)

Submission = Annotated[str, typer.Argument(help="agency/dataset/period/sequence, as `joint-needs status` shows it.")]
Rule = Annotated[str, typer.Option(help="Code of the rule that holds the rows.")]
Rows = Annotated[str, typer.Option(help="Row numbers in the sender's file, 3,5,9; else all the rule holds.")]
By = Annotated[str, typer.Option(help="Who decides; the name you are logged in by unless given.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands under the main one."""
    app.add_typer(quarantine_app, name="quarantine")
    for command in (rerun, replay, withdraw):
        app.command()(command)


@quarantine_app.command("list")
@guarded
def quarantine_list(
    submission: Annotated[str | None, typer.Argument(help="One submission; all that stand unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """How many rows are held, by which rule, and why."""
    from pipelines import flow

    found = flow.held(submission)
    if as_json:
        show(found, True)
        return
    if not found:
        out.print("no row is held")
        return
    for row in found:
        decided = f", {row['kept']:,} of them to be kept" if row["kept"] else ""
        held = f"[bold]{row['rule']}[/] {row['submission']} {row['table']}: {row['rows']:,} held{decided}"
        out.print(held, highlight=False, soft_wrap=True)
        told = row["tell_supplier"] + ("" if row["is_releasable"] else " Only the sender can mend this.")
        out.print(Padding(told, (0, 0, 0, 4)), highlight=False, style="dim")
    below = {row["submission"]: row["below"] for row in found}
    out.print(f"{sum(row['rows'] for row in found):,} rows held by a rule, {sum(below.values()):,} more below them")


@quarantine_app.command("release")
@guarded
def quarantine_release(
    submission: Submission, rule: Rule, reason: Reason, rows: Rows = "", by: By = "", as_json: AsJson = False
) -> None:
    """Take in rows that a rule holds. Tried out first: what the warehouse cannot carry changes nothing."""
    from pipelines import flow

    show([flow.release(submission, rule, by or getpass.getuser(), reason, _numbers(rows))], as_json)
    if not as_json:
        out.print("the next refresh shows them: joint-needs refresh")


@quarantine_app.command("keep")
@guarded
def quarantine_keep(
    submission: Submission, rule: Rule, reason: Reason, rows: Rows = "", by: By = "", as_json: AsJson = False
) -> None:
    """Decide that rows stay held, so that nobody is asked about them again."""
    from pipelines import flow

    show([flow.keep(submission, rule, by or getpass.getuser(), reason, _numbers(rows))], as_json)


@guarded
def rerun(
    submission: Submission,
    reason: Reason,
    stage: Annotated[str, typer.Option("--from", help="validate or accept.")] = "validate",
    by: By = "",
    as_json: AsJson = False,
) -> int:
    """Judge a submission again, from the content that was received. What stands keeps standing until that is done."""
    from pipelines import flow

    outcomes = flow.rerun(submission, stage, by or getpass.getuser(), reason)
    show(outcomes, as_json)
    return 1 if any(row["state"] == "rejected" for row in outcomes) else 0


@guarded
def replay(
    file: Annotated[Path, typer.Argument(help="YAML: reviewed_by, reason, reruns: [{submission, from}].")],
    as_json: AsJson = False,
) -> int:
    """Run a reviewed list of submissions again. Nothing is run where any line of it cannot be."""
    from pipelines import flow

    outcomes = flow.replay(file, progress=lambda text: err.print(text, highlight=False))
    show(outcomes, as_json)
    return 1 if any(row["state"] == "rejected" for row in outcomes) else 0


@guarded
def withdraw(submission: Submission, reason: Reason, by: By = "", as_json: AsJson = False) -> None:
    """Take out for good what should never have come, and refresh the picture without it."""
    from pipelines import flow

    show(flow.withdraw(submission, by or getpass.getuser(), reason), as_json)


def _numbers(text: str) -> list[int] | None:
    try:
        return [int(part) for part in text.split(",")] if text.strip() else None
    except ValueError:
        raise UsageFault(f"row numbers look like 3,5,9, not {json.dumps(text)}") from None
