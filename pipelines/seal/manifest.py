"""The manifest of a sealed submission: what is in it, hashed and signed; and the check that it is still so."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from pipelines.contracts import Strict
from pipelines.errors import UsageFault
from pipelines.extract.faults import fault
from pipelines.seal.keys import EPOCH

NAME, SIGNATURE, PAYLOAD = "manifest.json", "manifest.sig", "payload"
# What a manifest looks like; another number is another shape, which this version does not read.
FORMAT: Literal[3] = 3
SIGNATURE_BYTES = 64
_SHA256 = r"^[0-9a-f]{64}$"


class Declaration(Strict):
    """What a health partner declares of its legal basis and of the national data opt-out; empty for others."""

    basis: str | None = None
    cag_ref: str | None = None
    cag_expires: str | None = None
    ndoo_applied: bool | None = None
    ndoo_checked_at: str | None = None
    opted_out_count: int | None = Field(default=None, ge=0)


class SourceFile(Strict):
    """A raw file. Its name may hold a name, so only the hash of that is kept. table: None where it held several."""

    name_sha256: str = Field(pattern=_SHA256)
    sha256: str = Field(pattern=_SHA256)
    bytes: int
    table: str | None


class SealedTable(Strict):
    """A payload table: rows_in = rows + rejected_rows; counts of cells and identifiers by column."""

    rows_in: int
    rows: int
    rejected_rows: tuple[int, ...]
    sha256: str = Field(pattern=_SHA256)
    blanked: dict[str, int]
    unlisted: dict[str, int]
    unreadable: dict[str, int]
    identifiers: dict[str, dict[str, int]]


class LinkageFile(Strict):
    """The encrypted linkage file of one key epoch.

    weak: records named only by surname, forename and birth date, or not at all.
    """

    sha256: str = Field(pattern=_SHA256)
    rows: int
    weak: int = 0


class Manifest(Strict):
    """Everything the hub may know of a submission before it opens it.

    key_epochs: of the link keys that the door held, the newest last. linkage: by key epoch; none without people.
    """

    format: Literal[3] = FORMAT
    agency: str
    dataset: str
    period: str
    sequence: int = Field(ge=1)
    sealed_at: str
    software: str
    key_epochs: tuple[Annotated[str, Field(pattern=EPOCH)], ...] = Field(min_length=1)
    contract_hash: str
    geography_sha256: str | None
    declaration: Declaration
    sources: tuple[SourceFile, ...]
    missing_optional: tuple[str, ...]
    tables: dict[str, SealedTable]
    linkage: dict[Annotated[str, Field(pattern=EPOCH)], LinkageFile]

    def files(self) -> dict[str, str]:
        """The hash of every file of the folder besides manifest and signature, by its path in it."""
        tables = {f"{PAYLOAD}/{name}.parquet": table.sha256 for name, table in self.tables.items()}
        return tables | {linkage_name(epoch): file.sha256 for epoch, file in self.linkage.items()}


def is_whole(folder: Path) -> bool:
    """Whether everything a manifest names is there as it was sealed; False while a delivery is still being copied.

    Says nothing of who signed it. A manifest of another shape counts as whole: `verify` says what is wrong with it.
    """
    if not all((folder / name).is_file() for name in (NAME, SIGNATURE)):
        return False
    if (folder / SIGNATURE).stat().st_size < SIGNATURE_BYTES:
        return False
    try:
        files = Manifest.model_validate(json.loads((folder / NAME).read_bytes())).files()
    except ValidationError:
        return True
    except (ValueError, RecursionError):
        return False
    return all((folder / name).is_file() and sha256_of(folder / name) == sha256 for name, sha256 in files.items())


def linkage_name(epoch: str) -> str:
    """The name of the linkage file of a key epoch."""
    return f"linkage.{epoch}.age"


def declared(declaration: dict[str, Any]) -> Declaration:
    """A declaration as given on the command line. Raises UsageFault for a field that does not exist."""
    try:
        return Declaration.model_validate(declaration)
    except ValidationError as error:
        fields = ", ".join(sorted({str(issue["loc"][0]) for issue in error.errors()}))
    raise UsageFault(f"the declaration is wrong in {fields}; it has {', '.join(Declaration.model_fields)}")


def write(folder: Path, manifest: Manifest, key: Ed25519PrivateKey) -> None:
    """Write the manifest and the signature over its exact bytes."""
    content = json.dumps(manifest.model_dump(mode="json"), indent=1).encode()
    (folder / NAME).write_bytes(content)
    (folder / SIGNATURE).write_bytes(key.sign(content))


def verify(folder: Path, public_key: Ed25519PublicKey) -> dict[str, Any]:
    """The manifest of a sealed folder, once its signature and the hash of every file have been checked.

    Raises DataFault `FILE-018` (signature) or `FILE-019` (a file missing, changed, or not in the manifest).
    """
    paths = (folder / NAME, folder / SIGNATURE)
    if not all(path.is_file() for path in paths):
        raise fault("FILE-019", what="The manifest or its signature")
    content, signature = (path.read_bytes() for path in paths)
    try:
        public_key.verify(signature, content)
    except InvalidSignature:
        raise fault("FILE-018") from None
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError:
        raise fault("FILE-019", what="A part of the manifest") from None
    expected = manifest.files()
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    if set(there) != {*expected, NAME, SIGNATURE} or any(path.is_symlink() for path in there.values()):
        raise fault("FILE-019", what="A file of the folder")
    for name, sha256 in expected.items():
        if sha256_of(there[name]) != sha256:
            raise fault("FILE-019", what="A file of the folder")
    return manifest.model_dump(mode="json")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
