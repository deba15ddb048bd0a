"""The door: a raw extract goes in, a sealed submission comes out. The only room that sees identifiers.

A sealed submission is a folder: `manifest.json` and its signature, `linkage.<epoch>.age` (tokens under the link key of
an epoch, encrypted to the linker), `payload/<table>.parquet` (content as text under record pseudonyms). Linkage and
payload never meet again outside the linker. No exception that leaves this room carries a value from a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import pyrage

from pipelines import durable, version
from pipelines import registry as declared
from pipelines.agencies import Agency
from pipelines.errors import JointNeedsError, SystemFault, UsageFault
from pipelines.extract import Recognised, TextTable, open_tables, recognise
from pipelines.ledger import Outcome
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.seal import manifest as manifests
from pipelines.seal import sequences
from pipelines.seal.cells import BLANKED, UNLISTED, UNREADABLE
from pipelines.seal.geography import Geography
from pipelines.seal.identity import Identities, Scope, identities
from pipelines.seal.keys import HubKeys, PartnerKeys
from pipelines.seal.manifest import LinkageFile, Manifest, SealedTable, SourceFile, sha256_of, verify
from pipelines.seal.payload import TableSealer, seal_tables
from pipelines.seal.tokens import as_parquet
from pipelines.settings import PACKAGE

Result = TypeVar("Result")
# The sender of files that are only looked at.
NOBODY = "nobody"
# Bytes of raw files from which further processes are worth their start.
WORTH_PROCESSES = 16 << 20

__all__ = [
    "HubKeys",
    "PartnerKeys",
    "SealResult",
    "seal",
    "seal_area",
    "seal_delivery",
    "throwaway",
    "verify",
    "without_values",
]


@dataclass(frozen=True)
class SealResult:
    """A sealed submission: its folder and its manifest as written; files that were nothing known."""

    folder: Path
    manifest: dict[str, Any]
    unknown_files: list[Path]
    seconds: float

    def as_outcome(self) -> Outcome:
        """Counts for people and for tasks; no data."""
        tables = self.manifest["tables"].values()
        counts = {"tables": len(tables)}
        for name in ("rows_in", "rows"):
            counts[name] = sum(table[name] for table in tables)
        counts["rejected"] = sum(len(table["rejected_rows"]) for table in tables)
        for name in ("blanked", "unlisted", "unreadable"):
            counts[name] = sum(sum(table[name].values()) for table in tables)
        counts["linkage_rows"] = max((file["rows"] for file in self.manifest["linkage"].values()), default=0)
        counts["bytes"] = sum(source["bytes"] for source in self.manifest["sources"])
        subject = "/".join(str(self.manifest[part]) for part in ("agency", "dataset", "period", "sequence"))
        notes = [f"optional table {name} did not come" for name in self.manifest["missing_optional"]]
        notes += [f"{len(self.unknown_files)} files are no table of this dataset"] if self.unknown_files else []
        return Outcome("seal", subject, "success", counts, notes, self.seconds)


def seal(
    files: Sequence[Path],
    *,
    registry: Registry,
    agency: str,
    dataset: str,
    period: str,
    sequence: int,
    keys: PartnerKeys,
    geography: Path | None,
    declaration: dict[str, Any],
    out: Path,
    sealed_at: datetime,
) -> SealResult:
    """Seal the raw files of one dataset and period.

    The folder `<dataset>__<period>__<sequence>` appears in `out` whole or not at all, and only once its own seal has
    been verified. Where `out` is shared with a group (set-group-ID), so is the folder; else it is its owner's alone.
    sequence: see `sequences.take`.

    Raises DataFault with a `FILE-` code for files that cannot be taken, UsageFault for a folder that exists,
    SystemFault for anything else; none of them holds a value from a file.
    """
    sender = registry.agency(agency)
    target = out / f"{dataset}__{period}__{sequence}"
    if target.exists():
        raise UsageFault(f"{target} exists; a correction of the same period takes the next --sequence")
    scope = Scope(registry, agency, dataset, period, _last_day(registry, dataset, period), keys)
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=out))

    def work() -> SealResult:
        found = recognise(files, registry, dataset)
        written = _seal_into(scratch, scope, found, sender, geography, declaration, sequence, sealed_at)
        verify(scratch, keys.signing_key.public_key())
        _make_durable(scratch, is_shared=bool(out.stat().st_mode & stat.S_ISGID))
        scratch.rename(target)
        durable.sync(out)
        return SealResult(target, written, found.unknown_files, time.monotonic() - started)

    try:
        return without_values(work)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def throwaway(
    files: Sequence[Path] | Recognised,
    *,
    registry: Registry,
    dataset: str | None = None,
    agency: str | None = None,
    period: str,
    geography: Path | None = None,
) -> Iterator[SealResult]:
    """Seal raw files under keys that nobody keeps, to look at the payload; everything is gone afterwards.

    files: paths, or what `recognise` said of them. agency: whose codes the files must carry; None leaves that out.
    Raises as `seal` does.
    """
    sender = registry.agency(agency) if agency else None
    bounds(period)  # a period nobody can read is told before anything else
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="joint-needs-") as folder:

        def work() -> SealResult:
            found = files if isinstance(files, Recognised) else recognise(files, registry, dataset)
            latest = _last_day(registry, found.dataset, period)
            scope = Scope(registry, agency or NOBODY, found.dataset, period, latest, PartnerKeys.throwaway())
            written = _seal_into(Path(folder), scope, found, sender, geography, {}, 1, datetime.now(UTC))
            return SealResult(Path(folder), written, found.unknown_files, time.monotonic() - started)

        yield without_values(work)


def seal_area(
    area: Path,
    *,
    keys_dir: Path,
    out: Path,
    agencies: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
    sealed_at: datetime | None = None,
) -> list[Outcome]:
    """Seal every delivery of a synthetic area, `area/deliveries.json`, each with its own agency's keys.

    The folders go to `out/<agency>/`, which is what a landing place looks like. A large area is sealed by as many
    processes as there are cores; each reads the keys it needs itself. agencies: as `registry.load` takes it.
    """
    listing = area / "deliveries.json"
    if not listing.is_file():
        raise UsageFault(f"{area} has no deliveries.json; `joint-needs synth` writes an area")
    deliveries = json.loads(listing.read_text())
    numbers = [_next_number(one, keys_dir, out) for one in deliveries]
    sizes = [sum((area / name).stat().st_size for name in one["files"]) for one in deliveries]
    # The largest first: the others fill the gaps.
    order = sorted(range(len(deliveries)), key=lambda place: -sizes[place])
    given = [deliveries[place] for place in order], [numbers[place] for place in order]
    work = partial(seal_delivery, area, keys_dir=keys_dir, out=out, agencies=agencies, sealed_at=sealed_at)
    found: dict[int, Outcome] = {}
    several = ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) if sum(sizes) >= WORTH_PROCESSES else None
    with several or nullcontext():
        for place, outcome in zip(order, several.map(work, *given) if several else map(work, *given), strict=True):
            found[place] = outcome
            progress(f"sealed {outcome.subject}: {outcome.counts['rows']:,} rows in {outcome.seconds:.1f} s")
    return [found[place] for place in range(len(deliveries))]


def seal_delivery(
    area: Path,
    delivery: dict[str, Any],
    sequence: int | None = None,
    *,
    keys_dir: Path,
    out: Path,
    agencies: Path | None = None,
    sealed_at: datetime | None = None,
) -> Outcome:
    """Seal one entry of a synthetic area's `deliveries.json` into `out/<agency>/`, under the next sequence number."""
    agency = delivery["agency"]
    return seal(
        [area / name for name in delivery["files"]],
        registry=declared.load(agencies),
        agency=agency,
        dataset=delivery["dataset"],
        period=delivery["period"],
        sequence=sequence or _next_number(delivery, keys_dir, out),
        keys=PartnerKeys.load(keys_dir / agency),
        geography=area / "postcodes.csv",
        declaration=delivery.get("declaration") or {},
        out=out / agency,
        sealed_at=sealed_at or datetime.now(UTC),
    ).as_outcome()


def _next_number(delivery: dict[str, Any], keys_dir: Path, out: Path) -> int:
    agency = delivery["agency"]
    return sequences.take(keys_dir / agency, delivery["dataset"], delivery["period"], out / agency)


def _last_day(registry: Registry, dataset: str, period: str) -> date:
    return bounds(period, registry.contract(dataset).expected.year_ends)[1]


def _seal_into(
    folder: Path,
    scope: Scope,
    found: Recognised,
    sender: Agency | None,
    geography: Path | None,
    declaration: dict[str, Any],
    sequence: int,
    sealed_at: datetime,
) -> dict[str, Any]:
    """Write payload, linkage file, manifest and signature; returns the manifest."""
    declared = _declaration(declaration, sender, scope.dataset, sealed_at.date())
    contract = scope.registry.contract(scope.dataset)
    tables = open_tables(found, scope.registry, sender, scratch=folder)
    known = identities(scope, tables) if contract.people else None
    areas = Geography.load(geography) if geography and contract.people else None
    payload = folder / manifests.PAYLOAD
    payload.mkdir()
    sealed = seal_tables(scope, tables, known, areas, payload)
    content = Manifest(
        agency=scope.agency,
        dataset=scope.dataset,
        period=scope.period,
        sequence=sequence,
        sealed_at=sealed_at.isoformat(),
        software=f"joint-needs {version()}",
        key_epochs=tuple(sorted(scope.keys.link_keys)),
        contract_hash=scope.registry.contract_hash(scope.dataset),
        geography_sha256=sha256_of(geography) if areas and geography else None,
        declaration=declared,
        sources=_sources(found),
        missing_optional=tuple(found.missing_optional),
        tables={name: _summary(table, sealed[name], payload / f"{name}.parquet") for name, table in tables.items()},
        linkage=_write_linkage(folder, known, scope.keys) if known else {},
    )
    manifests.write(folder, content, scope.keys.signing_key)
    return content.model_dump(mode="json")


def _declaration(given: dict[str, Any], sender: Agency | None, dataset: str, day: date) -> manifests.Declaration:
    """What the sender declares; the basis it does not state itself is that of its agreement in force."""
    agreement = sender.agreement(dataset, day) if sender else None
    if agreement is None:
        return manifests.declared(given)
    basis = {
        "basis": agreement.confidentiality,
        "cag_ref": agreement.cag_ref,
        "cag_expires": str(agreement.cag_expires) if agreement.cag_expires else None,
    }
    return manifests.declared(basis | {name: value for name, value in given.items() if value is not None})


def _summary(table: TextTable, sealer: TableSealer, path: Path) -> SealedTable:
    counts = sealer.counts
    return SealedTable(
        rows_in=counts.rows + len(table.rejected),
        rows=counts.rows,
        rejected_rows=tuple(table.rejected),
        sha256=sha256_of(path),
        blanked=counts.of(BLANKED),
        unlisted=counts.of(UNLISTED),
        unreadable=counts.of(UNREADABLE),
        identifiers={name: dict(found) for name, found in counts.identifiers.items()},
    )


def _sources(found: Recognised) -> tuple[SourceFile, ...]:
    """Each raw file once, under the hash of its name."""
    held: dict[Path, list[str]] = {}
    for table, path in found.tables.items():
        held.setdefault(path, []).append(table)
    return tuple(
        SourceFile(
            name_sha256=hashlib.sha256(path.name.encode()).hexdigest(),
            sha256=sha256_of(path),
            bytes=path.stat().st_size,
            table=tables[0] if len(tables) == 1 else None,
        )
        for path, tables in held.items()
    )


def _write_linkage(folder: Path, known: Identities, keys: PartnerKeys) -> dict[str, LinkageFile]:
    """The tokens of all records, a file for each epoch, encrypted to the linker; never on a disk in the clear."""
    written = {}
    for epoch, tokens in known.linkage.items():
        path = folder / manifests.linkage_name(epoch)
        path.write_bytes(pyrage.encrypt(as_parquet(tokens), [keys.linker]))
        written[epoch] = LinkageFile(sha256=sha256_of(path), rows=tokens.num_rows, weak=known.weak)
    return written


def _make_durable(folder: Path, *, is_shared: bool) -> None:
    """Everything below a folder is on the disk, under its final permissions, before it gets its name."""
    for path in (*folder.rglob("*"), folder):
        if path.is_dir():
            path.chmod(0o2770 if is_shared else 0o700)
        else:
            path.chmod(0o660 if is_shared else 0o600)
        durable.sync(path)


def without_values(work: Callable[[], Result]) -> Result:
    """Run work inside the door; what it raises carries no value from a file, nor a cause that could quote one."""
    failure: JointNeedsError
    try:
        return work()
    except JointNeedsError as known:
        failure = known
    except Exception as error:
        ours = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(PACKAGE)]
        place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        failure = SystemFault(f"the door failed: {type(error).__name__} at {place}")
    failure.__cause__ = failure.__context__ = None
    raise failure
