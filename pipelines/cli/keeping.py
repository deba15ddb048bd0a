"""Commands on what is kept and what must go: erasure of a child, legal holds, backup, restore, housekeeping."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.frame import AsJson, as_date, guarded, out, show
from pipelines.errors import UsageFault

Agency = Annotated[str, typer.Option(help="Code of the agency whose record it is.")]
Record = Annotated[str, typer.Option(help="Record pseudonym, as that partner's door writes it; - reads it from stdin.")]
By = Annotated[str, typer.Option(help="Who asks for it; the name you are logged in by unless given.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]


def add_to(app: typer.Typer, db_app: typer.Typer) -> None:
    """Put these commands under the main one and under `db`."""
    for name, command in (
        ("erase", erase),
        ("erasures", erasures),
        ("readmit", readmit),
        ("hold", hold),
        ("lift", lift),
        ("holds", holds),
        ("login", login),
        ("logout", logout),
        ("logins", logins),
        ("housekeeping", housekeeping),
        ("report", report),
    ):
        db_app.command(name)(command)
    for command in (backup, restore):
        app.command()(command)


@guarded
def erase(
    agency: Agency,
    record: Record,
    reason: Reason = "",
    by: By = "",
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="The child's records of every agency, as they are linked today.")
    ] = False,
    alone: Annotated[
        bool, typer.Option("--alone", help="This record alone, where others are wrongly taken for the same child.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show where the child is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take what an agency sent of one child out of everything the hub keeps, for good, and keep it from coming back."""
    from pipelines import upkeep

    reach = {"is_everywhere": everywhere, "is_alone": alone}
    record = sys.stdin.readline().strip() if record == "-" else record
    if dry_run:
        _show_found(upkeep.would_erase(agency, record, **reach), as_json)
        return
    outcomes, found = upkeep.erase(agency, record, by or getpass.getuser(), reason, **reach)
    if as_json:
        show({"outcomes": outcomes, "proof": found}, True)
        return
    show(outcomes, False)
    for outcome in (outcome for outcome in outcomes if outcome["stage"] == "erase"):
        for place, count in sorted(outcome["counts"].items()):
            out.print(f"{place:<32} {count:>8,}", highlight=False)
    _show_found(found, False)


def _show_found(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(found, True)
        return
    for source, count in found["records"].items():
        several = "  several: is it one child?" if count > 1 else ""
        out.print(f"records of {source:<21} {count:>8,}{several}", highlight=False)
    for place, count in found["found"].items():
        out.print(f"{place:<32} {count:>8,}", highlight=False)
    where = f"{found['tables_searched']} tables and {found['files_searched']:,} files searched"
    out.print(f"{where}: {'found as above' if found['found'] else 'found nowhere'}")
    if found["holds"]:
        out.print(f"legal hold {', '.join(map(str, found['holds']))} forbids to erase it")


@guarded
def erasures(as_json: AsJson = False) -> None:
    """The erasures that there were: number, who asked, why, how many records each keeps out, which were called off."""
    from pipelines import upkeep

    found = upkeep.erasures()
    if as_json:
        show(found, True)
        return
    for row in found:
        off, end = row["readmitted_at"], "" if row["finished_at"] else "  not finished"
        out.print(
            f"{row['erasure_key']:>4}  {row['at']:%Y-%m-%d}  {', '.join(row['agencies'])}{end}  by {row['asked_by']}; "
            f"records kept out: {row['records']:,}",
            highlight=False,
        )
        out.print(f"      {row['reason']}", highlight=False)
        if off:
            out.print(
                f"      called off {off:%Y-%m-%d} by {row['readmitted_by']}: {row['readmitted_reason']}",
                highlight=False,
            )
    if not found:
        out.print("nobody was erased")


@guarded
def readmit(
    number: Annotated[int, typer.Argument(help="Number of the erasure, as `db erasures` shows it.")],
    reason: Reason = "",
    by: By = "",
    dry_run: Annotated[bool, typer.Option(help="Only show what would come in again, and what would not.")] = True,
    as_json: AsJson = False,
) -> None:
    """Call an erasure off: what is delivered from now on comes in again. Nothing that went is brought back."""
    from pipelines import upkeep

    if not dry_run:
        show([upkeep.readmit(number, by or getpass.getuser(), reason)], as_json)
        return
    found = upkeep.would_readmit(number)
    if as_json:
        show(found, True)
        return
    for agency, count in found["readmitted"].items():
        out.print(f"records of {agency:<21} {count:>8,}", highlight=False)
    if found["kept_out"]:
        others = ", ".join(map(str, found["kept_out_by"]))
        out.print(f"{found['kept_out']:,} stay out, which erasure {others} lists too", highlight=False)
    out.print("nothing was changed; --no-dry-run with --by and --reason does it")


@guarded
def housekeeping(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what has been kept long enough.")] = False,
    today: Annotated[str | None, typer.Option(help="Another day than today, as 2026-03-31.")] = None,
    as_json: AsJson = False,
) -> None:
    """What is done every night: erasures finished, what was kept long enough deleted, old key epochs cleared."""
    from pipelines import upkeep

    day = as_date(today)
    if not dry_run:
        show([upkeep.replay_erasures(), upkeep.retain(day), upkeep.end_epochs()], as_json)
        return
    found = upkeep.due(day)
    if as_json:
        show(found, True)
        return
    for one in found:
        held = f"  kept by legal hold {', '.join(map(str, one['holds']))}" if one["holds"] else ""
        out.print(f"{one['submission']:<48} kept until {one['kept_until']}{held}", highlight=False)
    out.print(f"{len(found)} submissions have been kept long enough")


@guarded
def report(
    log: Annotated[list[Path], typer.Option(help="File of the server's audit log, in JSON; repeatable.")],
    month: Annotated[str | None, typer.Option(help="Only this month, as 2026-03.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who asked what: the server's audit log counted by person, month and table. It holds no values."""
    from pipelines.keeping import asked

    found, unread = asked.report(log, month)
    if as_json:
        show({"lines": found, "unread": unread}, True)
        return
    for line in found:
        out.print(
            f"{line['month']}  {line['login']:<24} {line['what']:<6} {line['object']:<36} {line['times']:>8,}",
            highlight=False,
        )
    if not found:
        out.print("nobody asked anything that the log tells of")
    if unread:
        out.print(f"lines that could not be read, such as a killed server leaves: {unread:,}")


@guarded
def login(
    name: Annotated[str, typer.Argument(help="Name of the person's login, such as j.smith.")],
    role: Annotated[str, typer.Option(help="analyst, commissioner, commissioner_exact, publisher, linker or loader.")],
    out_file: Annotated[Path, typer.Option("--out", help="New file for the address with the password; mode 600.")],
    reason: Reason,
    also: Annotated[
        list[str] | None, typer.Option(help="Beside analyst: analyst_lsoa and the like; repeatable.")
    ] = None,
    area: Annotated[
        list[str] | None, typer.Option(help="Code of a health place; all unless given; repeatable.")
    ] = None,
    agency: Annotated[
        list[str] | None, typer.Option(help="Beside areas: what this sender sent, wherever a child lives; repeatable.")
    ] = None,
    by: By = "",
) -> None:
    """Make a login for a named person, with a generated password."""
    from pipelines import upkeep

    given = {"beside": also or [], "areas": area or [], "agencies": agency or []}
    upkeep.make_login(name, role, by or getpass.getuser(), reason, out_file, **given)
    out.print(f"{name} may log in; the address with the password is in {out_file}", highlight=False)


@guarded
def logout(name: Annotated[str, typer.Argument(help="Name of the login.")], by: By = "") -> None:
    """Take a person's login away and end its sessions."""
    from pipelines import upkeep

    upkeep.end_login(name, by or getpass.getuser())
    out.print(f"{name} may not log in any more", highlight=False)


@guarded
def logins(as_json: AsJson = False) -> None:
    """The logins that there are: who, which roles, by whom, since when, why."""
    from pipelines import upkeep

    found = upkeep.logins()
    if as_json:
        show(found, True)
        return
    for row in found:
        out.print(f"{row['login']:<24} {', '.join(row['roles'])}", highlight=False)
        out.print(f"    {row['granted_at']:%Y-%m-%d} by {row['granted_by']}: {row['reason']}", highlight=False)
    if not found:
        out.print("nobody has a login of their own")


@guarded
def backup(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder of the backup; must be new or empty.")],
    keys: Annotated[
        Path | None, typer.Option(help="Another folder, for the hub's keys and the journal of erasures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Back up ledger, crosswalk, warehouse, lake and linkage files. The hub's keys are kept apart: --keys."""
    from pipelines import upkeep

    show([upkeep.backup(out_dir, keys)], as_json)
    if not as_json and keys is None:
        out.print("the hub's keys are not in it: copy them to another place, or say --keys FOLDER")


@guarded
def restore(
    folder: Annotated[Path, typer.Argument(help="Folder of the backup.")],
    keys: Annotated[Path | None, typer.Option(help="The copy of the hub's keys, for a hub that has none.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Whatever this hub has may go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back; checked whole before anything is touched. Erasures done since are done again."""
    from pipelines import upkeep

    show(upkeep.restore(folder, keys, replace), as_json)


@guarded
def hold(
    agency: Agency,
    reason: Reason,
    dataset: Annotated[str | None, typer.Option(help="Only this dataset of the agency.")] = None,
    record: Annotated[str | None, typer.Option(help="Only this record pseudonym; - reads it from stdin.")] = None,
    by: By = "",
) -> None:
    """Forbid to delete what an agency sent, one dataset or one record of it, until the hold is lifted."""
    from pipelines import upkeep

    record = sys.stdin.readline().strip() if record == "-" else record
    if dataset and record:
        raise UsageFault("a hold is on a dataset or on a record, not on both")
    number, known = upkeep.place_hold(agency, dataset, record, by or getpass.getuser(), reason)
    unknown = ", on a record that the linker does not know: is it this partner's pseudonym?"
    told = (f", on a record of {', '.join(known)}" if known else unknown) if record else ""
    out.print(f"hold {number} stands{told}", highlight=False)


@guarded
def lift(
    number: Annotated[int, typer.Argument(help="Number of the hold, as `db holds` shows it.")],
    reason: Reason,
    by: By = "",
) -> None:
    """End a legal hold."""
    from pipelines import upkeep

    upkeep.lift_hold(number, by or getpass.getuser(), reason)
    out.print(f"hold {number} is lifted")


@guarded
def holds(as_json: AsJson = False) -> None:
    """The legal holds that stand."""
    from pipelines import upkeep

    found = upkeep.holds()
    if as_json:
        show(found, True)
        return
    for row in found:
        what = "one record" if row["is_of_a_record"] else row["dataset_code"] or "everything"
        out.print(f"{row['hold_key']:>4}  {row['at']:%Y-%m-%d}  {row['agency_code']}: {what}  by {row['placed_by']}")
        out.print(f"      {row['reason']}", highlight=False)
    if not found:
        out.print("no hold stands")
