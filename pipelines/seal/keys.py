"""Keys as files: a folder per partner, one for the hub, readable by their owner alone.

The link key is shared by the partners and never held by the hub; the record and signing keys are each partner's own;
the hub's pass key and the linker's identity never leave the hub. Public keys are what each side is given of the other.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyrage import x25519

from pipelines.errors import UsageFault

HUB = "hub"
LINK_KEY_BYTES = 32
PASS_KEY_BYTES = 64
_EPOCH = re.compile(r"[0-9]{4}[a-z]")


@dataclass(frozen=True)
class PartnerKeys:
    """What a partner seals with."""

    epoch: str
    link_key: bytes = field(repr=False)
    record_key: bytes = field(repr=False)
    signing_key: Ed25519PrivateKey = field(repr=False)
    linker: x25519.Recipient = field(repr=False)

    @classmethod
    def load(cls, folder: Path, epoch: str | None = None) -> PartnerKeys:
        """The keys in a partner's folder, of the newest epoch unless one is named.

        Raises UsageFault where a file is missing or readable by others.
        """
        _check_private(folder)
        epochs = sorted(path.name.split(".")[1] for path in folder.glob("link.*.key"))
        if not epochs or (epoch and epoch not in epochs):
            wanted = f"link.{epoch or '<epoch>'}.key"
            raise UsageFault(f"{folder} holds no {wanted}; ask the hub for the area's link key")
        epoch = epoch or epochs[-1]
        return cls(
            epoch=epoch,
            link_key=_secret(folder / f"link.{epoch}.key", LINK_KEY_BYTES),
            record_key=_secret(folder / "record.key", LINK_KEY_BYTES),
            signing_key=_private_pem(folder / "signing.key"),
            linker=x25519.Recipient.from_str(_text(folder / "linker.pub")),
        )

    @classmethod
    def throwaway(cls) -> PartnerKeys:
        """Keys for one look at raw files; they are nowhere but in memory."""
        return cls(
            epoch="0000a",
            link_key=secrets.token_bytes(LINK_KEY_BYTES),
            record_key=secrets.token_bytes(LINK_KEY_BYTES),
            signing_key=Ed25519PrivateKey.generate(),
            linker=x25519.Identity.generate().to_public(),
        )


@dataclass(frozen=True)
class HubKeys:
    """What the hub receives with: the epoch it links within, its own pass, the linker, whom it trusts."""

    epoch: str
    pass_key: bytes = field(repr=False)
    linker: x25519.Identity = field(repr=False)
    trusted: dict[str, Ed25519PublicKey] = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> HubKeys:
        """The keys in the hub's folder. Raises UsageFault where a file is missing or readable by others."""
        _check_private(folder)
        return cls(
            epoch=_text(folder / "epoch"),
            pass_key=_secret(folder / "pass.key", PASS_KEY_BYTES),
            linker=x25519.Identity.from_str(_text(folder / "linker.key")),
            trusted={path.stem: _public_pem(path) for path in sorted((folder / "trusted").glob("*.pub"))},
        )


def new_area(keys_dir: Path, agencies: list[str], epoch: str) -> None:
    """Make the keys of a whole area: one folder per agency and `hub`. Never writes over a key."""
    _check_epoch(epoch)
    if (keys_dir / HUB).exists():
        raise UsageFault(f"{keys_dir} holds an area's keys already; `keys rotate` makes a new epoch")
    linker = x25519.Identity.generate()
    link_key = _encoded(secrets.token_bytes(LINK_KEY_BYTES))
    hub = keys_dir / HUB
    for agency in agencies:
        signing = Ed25519PrivateKey.generate()
        folder = keys_dir / agency
        _write(folder / f"link.{epoch}.key", link_key)
        _write(folder / "record.key", _encoded(secrets.token_bytes(LINK_KEY_BYTES)))
        _write(folder / "signing.key", _pem(signing))
        _write(folder / "linker.pub", f"{linker.to_public()}\n".encode())
        _write(hub / "trusted" / f"{agency}.pub", _public(signing.public_key()))
    _write(hub / "pass.key", _encoded(secrets.token_bytes(PASS_KEY_BYTES)))
    _write(hub / "linker.key", f"{linker}\n".encode())
    _write(hub / "epoch", f"{epoch}\n".encode())


def rotate(keys_dir: Path, epoch: str) -> None:
    """Give every partner folder of an area a new link key, and the hub the new epoch. Earlier keys stay."""
    _check_epoch(epoch)
    hub = keys_dir / HUB
    current = _text(hub / "epoch")
    if epoch <= current:
        raise UsageFault(
            f"the epoch is {current}; a new one must sort after it, such as {current[:4]}{chr(ord(current[4]) + 1)}"
        )
    link_key = _encoded(secrets.token_bytes(LINK_KEY_BYTES))
    for folder in sorted(path for path in keys_dir.iterdir() if path.is_dir() and path.name != HUB):
        _write(folder / f"link.{epoch}.key", link_key)
    fresh = hub / ".epoch.new"
    _write(fresh, f"{epoch}\n".encode())
    fresh.replace(hub / "epoch")


def describe(folder: Path) -> Iterable[str]:
    """Which keys are in a partner's, the hub's or an area's folder; fingerprints of what is public, no secret."""
    if not folder.is_dir():
        raise UsageFault(f"{folder} is not a folder of keys")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        note = ""
        if path.suffix == ".pub":
            note = f"  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
        elif path.name == "epoch":
            note = f"  {_text(path)}"
        yield f"{path.relative_to(folder)}{note}"


def _check_epoch(epoch: str) -> None:
    if not _EPOCH.fullmatch(epoch):
        raise UsageFault("an epoch is a year and a letter, such as 2026a")


def _check_private(folder: Path) -> None:
    """Keys that others can read are no secret: say which command mends it."""
    if not folder.is_dir():
        raise UsageFault(f"{folder} is not a folder of keys; `joint-needs keys new` makes them")
    for path in (folder, *sorted(folder.rglob("*"))):
        if path.stat().st_mode & 0o077:
            mode = "700" if path.is_dir() else "600"
            raise UsageFault(f"others can read {path}; run: chmod {mode} {shlex.quote(str(path))}")


def _write(path: Path, content: bytes) -> None:
    """Write a key file that must not exist yet, owner-only from its first byte."""
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _text(path: Path) -> str:
    if not path.is_file():
        raise UsageFault(f"there is no {path.name} in {path.parent}")
    return path.read_text().strip()


def _encoded(secret: bytes) -> bytes:
    return base64.b64encode(secret) + b"\n"


def _secret(path: Path, size: int) -> bytes:
    """A secret of exactly `size` bytes."""
    try:
        secret = base64.b64decode(_text(path), validate=True)
    except ValueError:
        secret = b""
    if len(secret) != size:
        raise UsageFault(f"{path} is not a key of {size} bytes in base64")
    return secret


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _private_pem(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(_text(path).encode(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageFault(f"{path} is not an Ed25519 private key in PEM")
    return key


def _public_pem(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(_text(path).encode())
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageFault(f"{path} is not an Ed25519 public key in PEM")
    return key
