"""Key epochs that ended: their linkage files open nothing any more, and go."""

from __future__ import annotations

from typing import Any

import psycopg

from pipelines.errors import UsageFault
from pipelines.keeping import stores
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings


def apply(settings: Settings, connection: psycopg.Connection[Any]) -> Outcome:
    """Delete the linkage files of ended epochs wherever their submission has one of an epoch that is open.

    A submission that has no other keeps its file: the linker leaves its children as they are by it (ADR 24).
    """
    with recorded_run(connection, "key epochs", "all") as outcome:
        outcome.counts = {"files": 0, "left_alone": 0}
        try:
            open_epochs = set(HubKeys.load(settings.hub_keys).epochs)
        except UsageFault as fault:
            outcome.notes.append(f"the hub's keys cannot be read, so no file was looked at: {fault}")
            return outcome
        changes = stores.Changes()
        for of in Ledger(connection).submissions():
            files = stores.linkage_files(settings, of)
            ended = [path for path in files if len(path.suffixes) > 1 and path.name.split(".")[1] not in open_epochs]
            if len(ended) < len(files):
                changes.gone |= set(ended)
            else:
                outcome.counts["left_alone"] += len(ended)
        changes.settle()
        outcome.counts["files"] = len(changes.gone)
    return outcome
