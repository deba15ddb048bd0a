"""What should never have come, taken out: lake, linkage, payload, reports, and at the next refresh core and marts.

The ledger keeps the fact: that it came, how many rows, who had it taken out and why. The same files are refused if they
are sent again.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg

from pipelines.ledger import Ledger, Outcome, Submission, recorded_run
from pipelines.settings import Settings
from pipelines.steward.quarantine import decide
from pipelines.validate import report
from pipelines.validate.lake import folder_form, lake_folder


def withdraw(
    settings: Settings,
    connection: psycopg.Connection[Any],
    submission: str,
    *,
    by: str,
    reason: str,
) -> Outcome:
    """Take a submission out for good; the one that stood before it stands again at the next refresh.

    The ledger says so first, then the files go, so that a kill between the two leaves nothing that stands without its
    files; a second call removes what is left.
    """
    with recorded_run(connection, "withdraw", submission) as outcome:
        ledger = Ledger(connection)
        found = ledger.submission(submission)
        if found.state == "withdrawn":
            outcome.notes.append("is withdrawn already")
        else:
            decide(connection, found, "withdraw", by, reason)
            ledger.move(submission, "withdrawn", note=reason)
        ledger.forget_content(found.submission_key)
    outcome.counts["files"] = _remove(settings, found)
    return outcome


def _remove(settings: Settings, found: Submission) -> int:
    """Delete what the hub holds of a submission; how many files there were."""
    name = folder_form(found.submission)
    places = [
        lake_folder(settings, found),
        settings.received / name,
        settings.work / name,
        report.folder_of(settings.reports, found.submission),
        *settings.link_store.glob(f"{name}.*"),
    ]
    count = 0
    for place in places:
        count += sum(1 for path in ([place] if place.is_file() else place.rglob("*")) if path.is_file())
        _delete(place)
    _delete(settings.link_kept)
    return count


def _delete(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
