"""What people ask of the hub beside the nightly flow: erasures, holds, backups, logins. As in `flow`, one call each.

Each opens its own connection, reads the settings of its process, and returns counts and names as plain types.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.errors import SystemFault, UsageFault
from pipelines.flow import hub, pull, refresh
from pipelines.ledger.database import connect
from pipelines.settings import Settings


def would_erase(agency: str, record: str, **reach: bool) -> dict[str, Any]:
    """Where the child behind a partner's record is found, and which holds stand against an erasure.

    reach: is_everywhere or is_alone, as `erasure.whose` takes them.
    """
    from pipelines.keeping import erasure

    with hub() as (settings, registry, connection):
        child = erasure.whose(registry, connection, agency, record, **reach)
        return erasure.would_go(settings, connection, child)


def erase(agency: str, record: str, by: str, reason: str, **reach: bool) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Take a child out of everything, for good, and refresh the picture; then look for it everywhere.

    What waits in the landing place is taken in first, without the child; what is not yet whole there, once it is.
    Returns the outcomes and what the search found; raises SystemFault where that is anything else.
    """
    from pipelines.keeping import erasure
    from pipelines.keeping.search import WAITING

    with hub() as (settings, registry, connection):
        child = erasure.whose(registry, connection, agency, record, **reach)
        key = erasure.suppress(settings, connection, child, by=by, reason=reason)
        groups = sorted({registry.agency(one).group for one in child.records if one in registry.agencies})
    outcomes = pull(groups)
    with hub() as (settings, _, connection):
        outcomes.append(erasure.erase(settings, connection, child, key).as_json())
    outcomes += refresh()
    with hub() as (settings, _, connection):
        found = erasure.would_go(settings, connection, child)
    if left := sorted(set(found["found"]) - {WAITING}):
        raise SystemFault(f"erased, and yet found in: {', '.join(left)}. Run it again")
    return outcomes, found


def erasures() -> list[dict[str, Any]]:
    """The erasures that there were, and what became of each."""
    from pipelines.keeping import readmission

    with hub() as (_, _, connection):
        return readmission.erasures(connection)


def would_readmit(erasure: int) -> dict[str, Any]:
    """What calling an erasure off would let in, and what would stay out all the same."""
    from pipelines.keeping import readmission

    with hub() as (_, _, connection):
        return readmission.would_readmit(connection, erasure)


def readmit(erasure: int, by: str, reason: str) -> dict[str, Any]:
    """Call an erasure off: later deliveries bring the child in again. What went stays gone."""
    from pipelines.keeping import readmission

    with hub() as (settings, _, connection):
        return readmission.readmit(settings, connection, erasure, by=by, reason=reason).as_json()


def place_hold(agency: str, dataset: str | None, record: str | None, by: str, reason: str) -> tuple[int, list[str]]:
    """Forbid to delete what an agency sent, one dataset or one record of it.

    Returns the hold's number and, where it is on a record, in which datasets the linker knows it.
    """
    from pipelines.keeping import catalogue, erasure, holds

    with hub() as (settings, registry, connection):
        if record:
            erasure.whose(registry, connection, agency, record)
        elif dataset not in (None, *registry.agency(agency).datasets):
            raise UsageFault(f"{agency} sends no such dataset")
        known = catalogue.sources_of(connection, {agency: frozenset({record})}) if record else {}
        number = holds.place(settings, connection, agency, dataset=dataset, record=record, by=by, reason=reason)
        return number, list(known)


def lift_hold(hold: int, by: str, reason: str) -> None:
    """End a legal hold."""
    from pipelines.keeping import holds

    with hub() as (settings, _, connection):
        holds.lift(settings, connection, hold, by=by, reason=reason)


def holds() -> list[dict[str, Any]]:
    """The legal holds that stand."""
    from pipelines.keeping import holds as room

    with hub() as (_, _, connection):
        return room.standing(connection)


def backup(out: Path, keys: Path | None = None) -> dict[str, Any]:
    """Write database, lake, received payload and linkage files into a folder; the hub's keys into another."""
    from pipelines.keeping import backup as room

    with hub() as (settings, _, connection):
        return room.backup(settings, connection, out, keys).as_json()


def restore(folder: Path, keys: Path | None = None, replace_all: bool = False) -> list[dict[str, Any]]:
    """Bring a backup back, and do again the erasures that were done since."""
    from pipelines.keeping.restore import restore as bring_back

    settings = Settings.from_environment()
    with connect(settings) as connection:
        outcomes = bring_back(settings, connection, folder, keys=keys, replace=replace_all)
    return [outcome.as_json() for outcome in outcomes]


def make_login(name: str, role: str, by: str, reason: str, out: Path, **given: Sequence[str]) -> None:
    """Make a login for a named person; its address with the password goes into a new file.

    given: what it is given beside its role, as `logins.make` takes it: beside, areas, agencies.
    """
    from pipelines.ledger import logins as room
    from pipelines.ledger.database import maker, url

    with hub() as (settings, _, _), maker(settings) as connection:
        room.make(connection, url(settings), name, role, by=by, reason=reason, out=out, **given)


def end_login(name: str, by: str) -> None:
    """Take a person's login away."""
    from pipelines.ledger import logins as room
    from pipelines.ledger.database import maker

    with hub() as (settings, _, _), maker(settings) as connection:
        room.end(connection, name, by=by)


def logins() -> list[dict[str, Any]]:
    """The logins of named people that there are."""
    from pipelines.ledger import logins as room

    with hub() as (_, _, connection):
        return room.listed(connection)


def due(today: date | None = None) -> list[dict[str, Any]]:
    """The submissions that have been kept long enough, with the holds that keep them all the same."""
    from pipelines.keeping import retention

    with hub() as (settings, registry, connection):
        return [one.as_json() for one in retention.due(settings, registry, connection, today or date.today())]


def retain(today: date | None = None) -> dict[str, Any]:
    """Take out what has been kept long enough; the next refresh shows the picture without it."""
    from pipelines.keeping import retention

    with hub() as (settings, registry, connection):
        return retention.apply(settings, registry, connection, today or date.today()).as_json()


def replay_erasures() -> dict[str, Any]:
    """Finish erasures that were broken off, and bring the journal of erasures into the ledger."""
    from pipelines.keeping import erasure

    with hub() as (settings, _, connection):
        return erasure.replay(settings, connection).as_json()


def end_epochs() -> dict[str, Any]:
    """Delete linkage files of key epochs that ended."""
    from pipelines.keeping import epochs

    with hub() as (settings, _, connection):
        return epochs.apply(settings, connection).as_json()
