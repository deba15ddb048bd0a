"""What a delivery must show before anything of it is opened: who sent it, that it is whole, new and allowed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from pipelines import version
from pipelines.agencies import Agency
from pipelines.contracts import Contract
from pipelines.errors import DataFault
from pipelines.extract.faults import fault
from pipelines.ledger import Ledger
from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.seal.manifest import FORMAT, NAME, PAYLOAD, Manifest, linkage_name, verify
from pipelines.settings import Settings


@dataclass(frozen=True)
class Delivery:
    """A folder with a manifest, and what the manifest claims before anything of it has been checked."""

    folder: Path
    content: bytes
    claims: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Delivery | None:
        """The delivery in a folder; None where there is no manifest: nothing there, or not yet all of it."""
        try:
            content = (folder / NAME).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            claims = json.loads(content)
        except (ValueError, RecursionError):
            claims = None
        return cls(folder, content, claims if isinstance(claims, dict) else {})

    @property
    def sha256(self) -> str:
        """The hash of the manifest, which names a delivery whatever its folder is called."""
        return hashlib.sha256(self.content).hexdigest()

    def subject(self, registry: Registry) -> str:
        """A name that is safe in logs: only what the hub itself knows, and the start of the manifest's hash."""
        agency, dataset = str(self.claims.get("agency")), str(self.claims.get("dataset"))
        known = [text for text, all_ in ((agency, registry.agencies), (dataset, registry.contracts)) if text in all_]
        return "/".join([*known, f"manifest {self.sha256[:12]}"])

    def claims_are(self, verified: dict[str, Any]) -> bool:
        """Whether what was read at first is what was signed: a delivery may be exchanged while it is looked at."""
        try:
            return Manifest.model_validate(self.claims).model_dump(mode="json") == verified
        except ValidationError:
            return False

    def order(self) -> tuple[str, str, int]:
        """What deliveries are taken in order of: dataset, period, sequence."""
        sequence = self.claims.get("sequence")
        place = sequence if isinstance(sequence, int) else 0
        return str(self.claims.get("dataset")), str(self.claims.get("period")), place


def sender(settings: Settings, registry: Registry, delivery: Delivery) -> Agency:
    """The agency that a delivery claims to come from, where that is one we know and the folder is its own."""
    agency = registry.agencies.get(str(delivery.claims.get("agency")))
    place = delivery.folder.resolve().parent
    is_elsewhere = place.parent == settings.landing.resolve() and place.name in registry.agencies
    if agency is None or (is_elsewhere and place.name != agency.code):
        raise fault("FILE-020")
    return agency


def whole(delivery: Delivery, agency: Agency, keys: HubKeys, registry: Registry) -> dict[str, Any]:
    """The verified manifest: signed by the sender, every file as it was sealed, declared, readable, of an open epoch.

    Raises DataFault `FILE-008`, `FILE-018`, `FILE-019` or `FILE-021` to `FILE-025`.
    """
    if agency.code not in keys.trusted:
        raise fault("FILE-021", agency=agency.code)
    if (found := delivery.claims.get("format")) != FORMAT:
        is_newer = isinstance(found, int) and found > FORMAT
        advice = "Ask the hub to bring its own up to date." if is_newer else f"Install {version()} or newer."
        raise fault("FILE-022", expected=FORMAT, advice=advice)
    manifest = verify(delivery.folder, keys.trusted[agency.code])
    if not delivery.claims_are(manifest):
        raise fault("FILE-019", what="The manifest")
    dataset = manifest["dataset"]
    if dataset not in agency.datasets:
        raise fault("FILE-023", agency=agency.code, datasets=", ".join(agency.datasets))
    bounds(manifest["period"])
    if manifest["contract_hash"] != registry.contract_hash(dataset):
        raise fault("FILE-024", dataset=dataset, expected=registry.contract_hash(dataset))
    contract = registry.contract(dataset)
    if not set(keys.epochs) & set(manifest["key_epochs"]):
        raise fault("FILE-025", epoch=keys.epoch)
    epochs = set(manifest["key_epochs"]) if contract.people else set()
    if not set(manifest["tables"]) <= set(contract.tables) or set(manifest["linkage"]) != epochs:
        raise fault("FILE-019", what="A table or the linkage file")
    for table, facts in manifest["tables"].items():
        rows = _rows(delivery.folder / PAYLOAD / f"{table}.parquet")
        if facts["rows"] != rows or facts["rows_in"] != rows + len(facts["rejected_rows"]):
            raise fault("FILE-019", what=f"The number of rows of table {table}")
    return manifest


def linkage_of(delivery: Delivery, manifest: dict[str, Any], epoch: str) -> bytes:
    """The encrypted linkage file of an epoch, hashed as it is read: what counts is what will be opened."""
    sealed = (delivery.folder / linkage_name(epoch)).read_bytes()
    if hashlib.sha256(sealed).hexdigest() != manifest["linkage"][epoch]["sha256"]:
        raise fault("FILE-019", what="The linkage file")
    return sealed


def new(ledger: Ledger, manifest: dict[str, Any]) -> DataFault | None:
    """What makes a delivery superfluous though nothing is wrong with it: `FILE-030`, the same files stand already;
    `FILE-039`, its own correction was taken first, as may happen where several of one period come together.

    Raises DataFault `FILE-029` where the sequence number does not rise. The same files are new under another key epoch,
    contract or geography, which change what the door makes of them; after a rejection or withdrawal; after other files
    that they are to replace; and where rows were left out of them for an erasure that was called off since.
    """
    earlier = ledger.rows(
        """SELECT submission, sequence, state, content_sha256, key_epoch, contract_hash,
                  manifest->>'geography_sha256' AS geography_sha256, manifest->>'sealed_at' AS sealed_at,
                  EXISTS (SELECT FROM ops.suppressed AS s JOIN ops.erasure AS e ON of.agency_code = ANY(e.agencies)
                          WHERE s.submission_key = of.submission_key AND e.readmitted_at > of.received_at) AS lacks_some
           FROM ops.submission AS of WHERE agency_code = %s AND dataset_code = %s AND period = %s
           ORDER BY sequence DESC""",
        manifest["agency"],
        manifest["dataset"],
        manifest["period"],
    )
    standing = next((row for row in earlier if row["state"] not in ("rejected", "withdrawn")), None)
    made_of = {name: manifest[name] for name in ("contract_hash", "geography_sha256")}
    made_of["key_epoch"] = max(manifest["key_epochs"])
    made_of["content_sha256"] = content_sha256(manifest)
    if standing and not standing["lacks_some"] and made_of.items() <= standing.items():
        return fault("FILE-030", submission=standing["submission"])
    if earlier and manifest["sequence"] <= earlier[0]["sequence"]:
        facts = {"sequence": manifest["sequence"], "dataset": manifest["dataset"], "latest": earlier[0]["sequence"]}
        if manifest["sequence"] < facts["latest"] and manifest["sealed_at"] < earlier[0]["sealed_at"]:
            return fault("FILE-039", **facts)
        raise fault("FILE-029", **facts)
    return None


def content_sha256(manifest: dict[str, Any]) -> str:
    """The hash over the hashes of the raw files and the period: the same files sent twice have the same."""
    lines = [*sorted(source["sha256"] for source in manifest["sources"]), manifest["period"]]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def columns(delivery: Delivery, manifest: dict[str, Any], agreement: str, contract: Contract) -> dict[str, Any]:
    """The submission as a row of `ops.submission`."""
    start, end = bounds(manifest["period"], contract.expected.year_ends)
    names = [manifest[name] for name in ("agency", "dataset", "period")]
    return {
        "submission": "/".join([*names, str(manifest["sequence"])]),
        "agency_code": names[0],
        "dataset_code": names[1],
        "period": names[2],
        "period_start": start,
        "period_end": end,
        "sequence": manifest["sequence"],
        "key_epoch": max(manifest["key_epochs"]),
        "manifest_sha256": delivery.sha256,
        "content_sha256": content_sha256(manifest),
        "contract_hash": manifest["contract_hash"],
        "manifest": manifest,
        "agreement": agreement,
    }


def _rows(path: Path) -> int:
    try:
        rows: int = pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError):
        raise fault("FILE-019", what="A table of the payload") from None
    return rows
