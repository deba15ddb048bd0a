"""Where deliveries come from: brings them from folders, SFTP servers, object stores and MESH into the landing place.

A delivery is fetched once all of it is there, into `landing/<agency>/<hash of its manifest>`, and let go of (deleted or
acknowledged) only when the ledger has it, taken or refused, which the next look sees. Nothing else is remembered: a
delivery that is fetched twice, because a run was killed or a route repeats it, is the same delivery by its manifest.
What stays unfinished leaves a mark, `.waiting-...`, for the watch. Names on a route may hold anything: none is said.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from pipelines.agencies import Agency, FolderRoute, MeshRoute, Route
from pipelines.errors import DataFault, JointNeedsError, SystemFault
from pipelines.ledger import Ledger, Outcome, recorded_run
from pipelines.ledger.database import connect
from pipelines.receive import landing
from pipelines.receive.checks import Delivery
from pipelines.registry import Registry
from pipelines.seal.manifest import is_whole
from pipelines.settings import Settings

FETCHING = ".fetching"
# A route that fails is tried again after so many seconds, then with the next pull.
PAUSES_SECONDS = (2.0, 10.0)


class Source(Protocol):
    """One agency's route while it is open. A name stands for one delivery on it and is never said."""

    def names(self) -> list[str]:
        """What lies there and may be a delivery, in a steady order."""

    def manifest(self, name: str) -> bytes | None:
        """The manifest of a delivery; None where there is none yet. Raises DataFault where there can be none."""

    def copy(self, name: str, into: Path) -> None:
        """Bring the files of a delivery into an empty folder."""

    def confirm(self, name: str) -> None:
        """Let go of a delivery, which the ledger has; doing it again does no harm."""

    def give(self, name: str, content: bytes) -> None:
        """Hand a file back to the agency, whole or not at all."""


def fetch(settings: Settings, registry: Registry, agencies: Iterable[str]) -> list[str]:
    """Bring what is whole from the routes of some agencies; the folders, relative to the landing place.

    A route that fails is recorded as a fault of ours and does not stop the others; the watch tells a person.
    """
    found: list[str] = []
    with connect(settings) as connection:
        for agency in (registry.agency(code) for code in agencies):
            if agency.route == FolderRoute():
                continue
            try:
                found += _with_patience(settings, connection, agency)
            except SystemFault:
                continue  # in ops.run, from where the watch takes it
    return found


def _with_patience(settings: Settings, connection: psycopg.Connection[Any], agency: Agency) -> list[str]:
    for pause in PAUSES_SECONDS:
        try:
            return _fetch_from(settings, connection, agency)
        except SystemFault:
            time.sleep(pause)
    return _fetch_from(settings, connection, agency)


def _fetch_from(settings: Settings, connection: psycopg.Connection[Any], agency: Agency) -> list[str]:
    place = settings.landing / agency.code
    place.mkdir(parents=True, mode=0o770, exist_ok=True)
    with (
        recorded_run(connection, "fetch", agency.code) as outcome,
        _guarded(agency.code),
        _open(agency.route) as source,
    ):
        ledger = Ledger(connection)
        ledger.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))::text", f"fetch {agency.code}")
        outcome.counts = dict.fromkeys(("fetched", "confirmed", "unfinished", "refused"), 0)
        visit = Visit(place, ledger, source, outcome)
        found = [folder for name in source.names() if (folder := visit.look(agency.code, name))]
        landing.keep_marks(place, visit.unfinished)
    return [str(folder.relative_to(settings.landing)) for folder in found]


def hand_back(
    settings: Settings,
    registry: Registry,
    agencies: Iterable[str],
    files_for: Callable[[str], Iterable[tuple[str, bytes]]],
) -> list[str]:
    """Give agencies whose route says where to the files for them, each once; `<agency>/<name>` of what was given.

    files_for: agency -> names and contents; another content has another name. `ops.run` is the memory. A route that
    fails is recorded as a fault of ours, and the next pull hands back the rest.
    """
    handed: list[str] = []
    with connect(settings) as connection:
        done = "SELECT subject FROM ops.run WHERE stage = 'hand_back' AND state = 'success'"
        known = {row["subject"] for row in Ledger(connection).rows(done)}
        for agency in (registry.agency(code) for code in agencies):
            for name, content in files_for(agency.code) if agency.route.reports else ():
                if (subject := f"{agency.code}/{name}") in known:
                    continue
                try:
                    with (
                        recorded_run(connection, "hand_back", subject),
                        _guarded(agency.code),
                        _open(agency.route) as source,
                    ):
                        source.give(name, content)
                except SystemFault:
                    break  # in ops.run, from where the watch takes it
                handed.append(subject)
    return handed


class Visit:
    """One look at one route."""

    def __init__(self, place: Path, ledger: Ledger, source: Source, outcome: Outcome) -> None:
        self.place, self.ledger, self.source, self.counts = place, ledger, source, outcome.counts
        self.known = ledger.known_manifests()
        self.here = {delivery.sha256 for path in landing.deliveries(place) if (delivery := Delivery.open(path))}
        self.unfinished: set[str] = set()

    def look(self, agency: str, name: str) -> Path | None:
        """Let go of a delivery that is known, bring one that is new and whole; its folder where it was brought."""
        mark = hashlib.sha256(name.encode()).hexdigest()
        sha256: str | None = mark
        if mark not in self.known:
            try:
                content = self.source.manifest(name)
            except DataFault as fault:
                self.ledger.refuse(f"{agency}/message {mark[:12]}: {fault}", mark)
                self.counts["refused"] += 1
                return None
            sha256 = hashlib.sha256(content).hexdigest() if content is not None else None
        if sha256 is None:
            self._wait(mark)
        elif sha256 in self.known:
            self.source.confirm(name)
            self.counts["confirmed"] += 1
        elif sha256 not in self.here:
            return self._bring(name, mark, sha256)
        return None

    def _bring(self, name: str, mark: str, sha256: str) -> Path | None:
        partial = self.place / FETCHING
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o770)
        self.source.copy(name, partial)
        # What has stood unfinished for long is brought as it is: the refusal says what is wrong with it.
        if not is_whole(partial) and not landing.is_overdue(self.place, mark):
            shutil.rmtree(partial)
            self._wait(mark)
            return None
        landing.settle(partial, self.place / sha256)
        self.here.add(sha256)
        self.counts["fetched"] += 1
        return self.place / sha256

    def _wait(self, mark: str) -> None:
        self.unfinished.add(mark)
        self.counts["unfinished"] += 1


@contextmanager
def _open(route: Route) -> Iterator[Source]:
    """The route, with its library, which nothing else of the hub needs."""
    if isinstance(route, MeshRoute):
        from pipelines.routes.mesh import Mailbox

        with Mailbox.open(route) as mailbox:
            yield mailbox
    else:
        from pipelines.routes.files import Files

        yield Files.open(route)


@contextmanager
def _guarded(agency: str) -> Iterator[None]:
    """Whatever a library raises becomes a SystemFault that quotes no name."""
    try:
        yield
    except JointNeedsError:
        raise
    except Exception as error:
        raise SystemFault(f"the route of {agency} failed: {type(error).__name__}") from None
