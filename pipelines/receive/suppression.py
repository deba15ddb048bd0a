"""Who is not to come back: the list of erased records, and rows left out by it.

The list holds keyed fingerprints of record pseudonyms. Its key lies with the hub's keys, outside the database: whoever
holds the list alone cannot even tell whether a pseudonym is on it. Unlike the pass key it is never exchanged, since a
fingerprint cannot be brought under another key once the pseudonym is gone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import durable
from pipelines.errors import SystemFault
from pipelines.ledger import Ledger
from pipelines.settings import Settings

KEY, KEY_BYTES = "suppression.key", 32
PSEUDONYM = "record_pseudonym"


def load_key(settings: Settings, *, make: bool = False) -> bytes:
    """The key of the list. make: make one where there is none, as the first erasure or hold does.

    Raises SystemFault where it is missing or spoilt: without it nobody on the list would be known.
    """
    path = settings.hub_keys / KEY
    if make and not path.exists():
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        durable.write(path, secrets.token_bytes(KEY_BYTES).hex().encode() + b"\n")
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SystemFault(f"{KEY} is not among the hub's keys, or is spoilt; put it back from the copy of the keys")
    return key


def fingerprint(key: bytes, agency: str, pseudonym: str) -> str:
    """What the list says in place of a record of an agency."""
    return hmac.new(key, f"joint-needs record v1\0{agency}\0{pseudonym}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Listed:
    """The list as far as it concerns one agency; empty where nobody of it was erased."""

    agency: str
    fingerprints: frozenset[str] = frozenset()
    key: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, settings: Settings, ledger: Ledger, agency: str) -> Listed:
        """The list of an agency. Raises SystemFault where there is one and its key is missing."""
        rows = ledger.rows("SELECT fingerprint FROM ops.suppression WHERE agency_code = %s", agency)
        found = frozenset(row["fingerprint"] for row in rows)
        return cls(agency, found, load_key(settings)) if found else cls(agency)

    def among(self, pseudonyms: Iterable[str | None]) -> frozenset[str]:
        """Those of some pseudonyms that are on the list."""
        if not self.fingerprints:
            return frozenset()
        return frozenset(p for p in pseudonyms if p and fingerprint(self.key, self.agency, p) in self.fingerprints)

    def in_file(self, path: Path) -> frozenset[str]:
        """Pseudonyms in a Parquet file that are on the list."""
        return self.among(pseudonyms_of(path)) if self.fingerprints else frozenset()


def pseudonyms_of(path: Path) -> frozenset[str]:
    """The record pseudonyms of a Parquet file; none where it has no such column."""
    file = pq.ParquetFile(path)
    if PSEUDONYM not in file.schema_arrow.names:
        return frozenset()
    batches = file.iter_batches(columns=[PSEUDONYM])
    return frozenset(value for batch in batches for value in pc.unique(batch.column(0)).to_pylist() if value)


def left(table: pa.Table, gone: Collection[str]) -> pa.Table:
    """The rows of a table that are of none of these records."""
    return table.filter(pc.invert(pc.is_in(table.column(PSEUDONYM), value_set=pa.array(sorted(gone), pa.string()))))


def write_left(source: Path, target: Path, keep: Callable[[pa.Table], pa.Table]) -> tuple[int, str]:
    """Write the rows of a Parquet file that `keep` leaves, whole or not at all.

    Returns the rows left and the SHA-256 of the new file; the same rows give the same bytes. source and target may be
    the same.
    """
    file, rows = pq.ParquetFile(source), 0

    def write(path: Path) -> None:
        nonlocal rows
        with pq.ParquetWriter(path, file.schema_arrow, compression="zstd") as writer:
            for batch in file.iter_batches(batch_size=100_000):
                kept = keep(pa.Table.from_batches([batch]))
                rows += kept.num_rows
                writer.write_table(kept)
        path.chmod(0o600)

    durable.replace(target, write)
    with target.open("rb") as stream:
        return rows, hashlib.file_digest(stream, "sha256").hexdigest()
