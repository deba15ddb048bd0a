"""Takes sealed submissions in: checks everything that can be checked outside, re-keys tokens, writes the ledger.

A delivery is a folder below `landing/<agency>/` with a `manifest.json`. One that is still being copied (files missing,
or not yet as they were sealed, or a name that begins with a dot or ends in `.partial` or `.tmp`) is left alone, for
hours at most. Order of work: check, re-keyed linkage file into the link store, payload into `received`, ledger row,
commit, and only then the delivery leaves the landing place. A kill at any moment leaves files without a ledger row,
which the next run replaces, or a delivery whose row is there, which the next run clears away.

What is refused is recorded and told once, by agency, dataset and hash alone, and moved whole to `landing/.refused/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from pipelines import durable
from pipelines.errors import DataFault, SystemFault, UsageFault
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.ledger.database import connect
from pipelines.receive import agreements, checks, files, landing
from pipelines.receive.checks import Delivery
from pipelines.receive.rekey import rekey
from pipelines.receive.suppression import Listed
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings

# What the door calls a folder, or what we call one whose own name could hold anything.
_PLAIN = re.compile(r"[a-z][a-z0-9_]*__20[0-9]{2}[0-9a-z-]*__[0-9]+|[0-9a-f]{64}")


def find(settings: Settings, registry: Registry, agencies: Iterable[str], *, wait: bool = True) -> list[Path]:
    """Folders of the agencies' deliveries that the ledger does not have, in order of dataset, period and sequence.

    wait: leave alone, for some hours, what is not yet whole; without it, whatever has a manifest is found.

    A delivery whose folder is not called as the door would call it is renamed to its manifest's hash, since the names
    of folders reach the scheduler's pages and logs. Deliveries that the ledger has, and which a killed run left behind,
    are cleared away.
    """
    with connect(settings) as connection:
        taken = {row[0] for row in connection.execute("SELECT manifest_sha256 FROM ops.submission")}
    found: list[tuple[tuple[Any, ...], Path]] = []
    for agency in agencies:
        for delivery in filter(None, map(Delivery.open, landing.deliveries(settings.landing / agency))):
            if delivery.sha256 in taken:
                with files.guarded():
                    files.remove_taken(settings, delivery.folder)
            elif not wait or landing.is_ready(delivery.folder):
                found.append(((agency, *delivery.order()), _plainly_named(delivery)))
    return [folder for _, folder in sorted(found)]


def receive(
    settings: Settings,
    registry: Registry,
    connection: psycopg.Connection[Any],
    folder: Path,
    *,
    today: date | None = None,
) -> Outcome:
    """Take one delivery in.

    today: the day on which an agreement must be in force. The outcome's state is `success` (its subject is then the
    submission's name), `duplicate` (the same files were taken before) or `overtaken` (its own correction was), both
    recorded and not loaded, `already_received`, or `nothing_there` (no manifest, so not all of it is there yet).

    Raises DataFault `FILE-008` or `FILE-018` to `FILE-031` after the refusal was recorded and the delivery set aside;
    SystemFault where the hub's keys or disk fail.
    """
    delivery = Delivery.open(folder)
    if delivery is None:
        return Outcome(
            "receive", "delivery", "nothing_there", notes=["no manifest.json: nothing there, or not yet all"]
        )
    subject, ledger = delivery.subject(registry), Ledger(connection)
    try:
        with recorded_run(connection, "receive", subject) as outcome, files.guarded():
            _take(settings, registry, ledger, delivery, outcome, today or date.today())
    except DataFault as fault:
        _refuse(settings, ledger, delivery, subject, fault)
        raise
    with files.guarded():
        if outcome.state in ("duplicate", "overtaken"):
            files.set_aside(settings, folder, delivery.sha256)
        else:
            files.remove_taken(settings, folder)
    return outcome


def _take(
    settings: Settings, registry: Registry, ledger: Ledger, delivery: Delivery, outcome: Outcome, today: date
) -> None:
    """The work of `receive` up to the commit."""
    agency = checks.sender(settings, registry, delivery)
    # One delivery of an agency at a time: the order of sequence numbers and the search for twins need it.
    ledger.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))::text", f"receive {agency.code}")
    taken = ledger.rows("SELECT submission, state FROM ops.submission WHERE manifest_sha256 = %s", delivery.sha256)
    if taken:
        outcome.subject = taken[0]["submission"]
        outcome.state = "success" if taken[0]["state"] == "received" else "already_received"
        return
    keys = _keys(settings)
    manifest = checks.whole(delivery, agency, keys, registry)
    agreement = agreements.covering(agency, manifest, today)
    if superfluous := checks.new(ledger, manifest):
        is_overtaken = superfluous.rule == "FILE-039"
        outcome.state = "overtaken" if is_overtaken else "duplicate"
        outcome.notes.append(str(superfluous))
        state = "overtaken" if is_overtaken else "refused"
        ledger.refuse(_note(outcome.subject, superfluous), delivery.sha256, state)
        return
    row = checks.columns(delivery, manifest, agreement.reference, registry.contract(manifest["dataset"]))
    form, listed = row["submission"].replace("/", "__"), Listed.of(settings, ledger, agency.code)
    for epoch in sorted(set(manifest["linkage"]) & set(keys.epochs)):
        _store_linkage(settings.link_store / f"{form}.{epoch}.age", delivery, manifest, epoch, keys, listed)
    suppressed = files.keep_payload(delivery, settings.received / form, manifest, listed)
    key = ledger.add_submission(**row)
    if suppressed:
        ledger.replace_suppressed(key, suppressed)
        rows = sum(rows for rows, _ in suppressed.values())
        outcome.notes.append(f"{rows:,} rows were left out: they are of children who were erased")
    for ending in agreements.ending(agency, manifest["dataset"], today):
        ledger.raise_alert("agreement_ending", ending)
        outcome.notes.append(f"agreement_ending: {ending}")
    outcome.subject = row["submission"]
    outcome.counts = {table: facts["rows_in"] for table, facts in manifest["tables"].items()}


def _store_linkage(
    path: Path, delivery: Delivery, manifest: dict[str, Any], epoch: str, keys: HubKeys, listed: Listed
) -> None:
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    sealed = checks.linkage_of(delivery, manifest, epoch)
    durable.write(path, rekey(sealed, keys, manifest["linkage"][epoch]["rows"], listed))


def _keys(settings: Settings) -> HubKeys:
    try:
        return HubKeys.load(settings.hub_keys)
    except UsageFault as error:
        raise SystemFault(f"the hub's keys cannot be used: {error}") from None


def _refuse(settings: Settings, ledger: Ledger, delivery: Delivery, subject: str, fault: DataFault) -> None:
    """Record a refusal, then set the delivery aside; in this order, so that a kill between them loses neither."""
    ledger.refuse(_note(subject, fault), delivery.sha256)
    ledger.connection.commit()
    with files.guarded():
        files.set_aside(settings, delivery.folder, delivery.sha256)


def _note(subject: str, fault: DataFault) -> str:
    return f"{subject}: {fault}"


def _plainly_named(delivery: Delivery) -> Path:
    if _PLAIN.fullmatch(delivery.folder.name):
        return delivery.folder
    with files.guarded():
        return delivery.folder.rename(delivery.folder.with_name(delivery.sha256))
