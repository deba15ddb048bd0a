"""The door as a service, for a partner that cannot run it: seals what is laid down, then deletes the raw files.

Raw files of one delivery are laid into `drop/<agency>/<dataset>/<period>/`, a health partner's declaration beside them
as `declaration.json`. When nothing there has changed for a while, they are sealed with the agency's keys into
`out/<agency>/`, and the raw files are deleted once the seal has been verified. What cannot be sealed stays, with a note
in plain words, `REFUSED.txt`, and is tried again when the files have changed. Log lines and notes carry no value from a
file and no name of one; folders that are not named as they should be are told by number alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from pipelines import durable
from pipelines.errors import DataFault, JointNeedsError, UsageFault
from pipelines.extract import recognise
from pipelines.extract.faults import fault
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.seal import PartnerKeys, SealResult, sequences, without_values
from pipelines.seal import seal as seal_files
from pipelines.seal.manifest import declared

NOTE, DECLARATION, SEALED, HEARTBEAT = "REFUSED.txt", "declaration.json", ".sealed", ".heartbeat"
UNFINISHED = (".partial", ".tmp", ".filepart", ".crdownload")
LONGEST_PAUSE_SECONDS = 3600.0


@dataclass
class Service:
    """The door of several agencies: where files come, whose keys it holds, where sealed folders go.

    keys: one key folder per agency. settle_seconds: how long nothing may have changed before files count as whole.
    """

    drop: Path
    keys: Path
    out: Path
    registry: Registry
    geography: Path | None = None
    settle_seconds: float = 120.0
    say: Callable[[str], None] = lambda _: None
    # Broken machines are tried again after growing pauses: place -> (tries, not before).
    _pauses: dict[Path, tuple[int, float]] = field(default_factory=dict)

    def serve(self, stop: Event, poll_seconds: float) -> None:
        """Look at the drop folder again and again until `stop` is set; a sealing under way is finished first."""
        os.umask(0o007)
        for leftover in self.out.glob("*/.*__*__*.*"):
            shutil.rmtree(leftover)
        while True:
            self.look()
            (self.drop / HEARTBEAT).touch()
            if stop.wait(poll_seconds):
                return

    def look(self) -> int:
        """Seal every delivery that is whole; how many were sealed."""
        places = sorted(path for path in self.drop.glob("*/*/*") if path.is_dir() and not path.is_symlink())
        return sum(self._visit(number, place) for number, place in enumerate(places, 1))

    def _visit(self, number: int, place: Path) -> bool:
        files = _raw(place)
        mark = _mark(place, files)
        if _text(place / SEALED) == mark:  # sealed by a run that was killed before it had deleted the files
            _clear(place, files)
            return False
        tries, not_before = self._pauses.get(place, (0, 0.0))
        if not files or not self._is_whole(place, files) or time.monotonic() < not_before:
            return False
        if mark in _text(place / NOTE):
            return False
        name = self._name(number, place)
        try:
            result = without_values(lambda: self._seal(place, files))
        except DataFault as fault:
            _write_note(place, mark, fault.tell_supplier)
            self.say(f"{name}: refused, {fault.rule}")
            return False
        except JointNeedsError as error:
            pause = min(LONGEST_PAUSE_SECONDS, self.settle_seconds * 2**tries)
            self._pauses[place] = (tries + 1, time.monotonic() + pause)
            self.say(f"{name}: not sealed, tried again in {pause:.0f} s: {error}")
            return False
        self._pauses.pop(place, None)
        if mark == _mark(place, _raw(place)):
            durable.write(place / SEALED, mark.encode())
            _clear(place, files)
        outcome = result.as_outcome()
        self.say(f"{outcome.subject}: sealed, {outcome.counts['rows']} rows in {outcome.seconds:.1f} s")
        return True

    def _is_whole(self, place: Path, files: list[Path]) -> bool:
        """Whether nothing has changed for a while. Times of change cannot be set by whoever copies a file."""
        if any(path.name.endswith(UNFINISHED) for path in files):
            return False
        newest = max(path.stat().st_ctime for path in (place, *files))
        return time.time() - newest >= self.settle_seconds

    def _seal(self, place: Path, files: list[Path]) -> SealResult:
        agency, dataset, period = place.relative_to(self.drop).parts
        declaration = self._admit(agency, dataset, period, place / DECLARATION)
        if unknown := recognise(files, self.registry, dataset).unknown_files:
            raise fault("FILE-038", count=len(unknown), total=len(files), dataset=dataset)
        out = self.out / agency
        keys = PartnerKeys.load(self.keys / agency)
        return seal_files(
            files,
            registry=self.registry,
            agency=agency,
            dataset=dataset,
            period=period,
            sequence=sequences.take(self.keys / agency, dataset, period, out),
            keys=keys,
            geography=self.geography,
            declaration=declaration,
            out=out,
            sealed_at=datetime.now(UTC),
        )

    def _admit(self, agency: str, dataset: str, period: str, declaration: Path) -> dict[str, Any]:
        """The declaration of a delivery whose folder names make sense. Raises DataFault `FILE-035` or `FILE-008`."""
        sender = self.registry.agencies.get(agency)
        if sender is None or dataset not in sender.datasets:
            raise fault("FILE-035")
        bounds(period)
        try:
            found = json.loads(declaration.read_text()) if declaration.exists() else {}
            declared(dict(found))
        except (ValueError, TypeError, UsageFault):
            raise fault("FILE-036") from None
        return dict(found)

    def _name(self, number: int, place: Path) -> str:
        agency, dataset, period = place.relative_to(self.drop).parts
        try:
            bounds(period)
        except DataFault:
            period = f"folder {number}"
        known = agency in self.registry.agencies and dataset in self.registry.contracts
        return f"{agency}/{dataset}/{period}" if known else f"folder {number}"


def is_well(drop: Path, max_age_seconds: float) -> bool:
    """Whether the service has looked at its drop folder lately."""
    try:
        return time.time() - (drop / HEARTBEAT).stat().st_mtime <= max_age_seconds
    except FileNotFoundError:
        return False


def _raw(place: Path) -> list[Path]:
    """The raw files of a delivery; links are not followed."""
    ours = {place / NOTE, place / DECLARATION, place / SEALED}
    return sorted(p for p in place.rglob("*") if p.is_file() and not p.is_symlink() and p not in ours)


def _mark(place: Path, files: list[Path]) -> str:
    """What stands for exactly these files as they are now, declaration included; says nothing of names."""
    digest = hashlib.sha256()
    for path in (*files, *filter(Path.exists, [place / DECLARATION])):
        facts = path.stat()
        digest.update(f"{path.relative_to(place)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _clear(place: Path, files: list[Path]) -> None:
    """Delete what was sealed, the mark last; a folder in which something new lies stays."""
    for path in (*files, place / DECLARATION, place / NOTE, place / SEALED):
        path.unlink(missing_ok=True)
    for folder in sorted((p for p in place.rglob("*") if p.is_dir()), reverse=True):
        _remove_empty(folder)
    _remove_empty(place)
    _remove_empty(place.parent)


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _write_note(place: Path, mark: str, reason: str) -> None:
    text = (
        f"These files were not sealed, and nothing was sent.\n\n{reason}\n\n"
        "They are tried again as soon as one of them has changed; this note then goes.\n\n"
        f"(for these files as they are now: {mark})\n"
    )

    def write(path: Path) -> None:
        path.write_text(text)

    durable.replace(place / NOTE, write)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
