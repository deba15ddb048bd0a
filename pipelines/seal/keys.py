"""Keys as files: a folder per partner, one for the hub, readable by their owner alone.

The link key is shared by the partners and never held by the hub; the record and signing keys are each partner's own;
the hub's pass key and the linker's identity never leave the hub. Public keys are what each side is given of the other.

Link keys have epochs (ADR 24). During a change the door holds the keys of two and writes tokens of both; the hub takes
submissions of either, until the change is closed.
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

import pyrage
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyrage import x25519

from pipelines import durable
from pipelines.errors import UsageFault

HUB = "hub"
LINK_KEY_BYTES = 32
PASS_KEY_BYTES = 64
# During a change of epoch the door writes the tokens of so many.
EPOCHS_AT_ONCE = 2
# The hub's pass key, and the one that is to take its place while `keys repass` is under way.
PASS, NEXT_PASS = "pass.key", "pass.next.key"
EPOCH = "^[0-9]{4}[a-z]$"


@dataclass(frozen=True)
class PartnerKeys:
    """What a partner seals with. link_keys: by epoch, the newest last; two during a change."""

    link_keys: dict[str, bytes] = field(repr=False)
    record_key: bytes = field(repr=False)
    signing_key: Ed25519PrivateKey = field(repr=False)
    linker: x25519.Recipient = field(repr=False)

    @property
    def epoch(self) -> str:
        """The newest epoch."""
        return max(self.link_keys)

    @classmethod
    def load(cls, folder: Path) -> PartnerKeys:
        """The keys in a partner's folder; the link keys of the two newest epochs that are there.

        Raises UsageFault where a file is missing or readable by others.
        """
        _check_private(folder)
        epochs = sorted(path.name.split(".")[1] for path in folder.glob("link.*.key"))
        if not epochs:
            raise UsageFault(f"{folder} holds no link.<epoch>.key; ask the hub who hands out the area's link key")
        return cls(
            link_keys={e: _secret(folder / f"link.{e}.key", LINK_KEY_BYTES) for e in epochs[-EPOCHS_AT_ONCE:]},
            record_key=_secret(folder / "record.key", LINK_KEY_BYTES),
            signing_key=_private_pem(folder / "signing.key"),
            linker=x25519.Recipient.from_str(_text(folder / "linker.pub")),
        )

    @classmethod
    def throwaway(cls) -> PartnerKeys:
        """Keys for one look at raw files; they are nowhere but in memory."""
        return cls(
            link_keys={"0000a": secrets.token_bytes(LINK_KEY_BYTES)},
            record_key=secrets.token_bytes(LINK_KEY_BYTES),
            signing_key=Ed25519PrivateKey.generate(),
            linker=x25519.Identity.generate().to_public(),
        )


@dataclass(frozen=True)
class HubKeys:
    """What the hub receives with: the epochs it takes, its own pass, the linker, whom it trusts.

    epochs: the current one, and before it the previous one while a change is under way.
    """

    epochs: tuple[str, ...]
    pass_key: bytes = field(repr=False)
    linker: x25519.Identity = field(repr=False)
    trusted: dict[str, Ed25519PublicKey] = field(repr=False)

    @property
    def epoch(self) -> str:
        """The current epoch."""
        return self.epochs[-1]

    @classmethod
    def load(cls, folder: Path) -> HubKeys:
        """The keys in the hub's folder. Raises UsageFault where a file is missing or readable by others."""
        if (folder / NEXT_PASS).exists():
            raise UsageFault("a change of the hub's pass key was broken off; `joint-needs keys repass` finishes it")
        return cls._load(folder)

    @classmethod
    def load_for_new_pass(cls, folder: Path) -> tuple[HubKeys, bytes]:
        """The hub's keys, and the pass key that is to come; made here unless a change is under way."""
        if not (folder / NEXT_PASS).exists():
            durable.write(folder / NEXT_PASS, _encoded(secrets.token_bytes(PASS_KEY_BYTES)))
        return cls._load(folder), _secret(folder / NEXT_PASS, PASS_KEY_BYTES)

    @classmethod
    def _load(cls, folder: Path) -> HubKeys:
        _check_private(folder)
        return cls(
            epochs=_epochs(folder),
            pass_key=_secret(folder / PASS, PASS_KEY_BYTES),
            linker=x25519.Identity.from_str(_text(folder / "linker.key")),
            trusted={path.stem: _public_pem(path) for path in sorted((folder / "trusted").glob("*.pub"))},
        )


def new_area(keys_dir: Path, agencies: list[str], epoch: str) -> None:
    """Make the keys of a whole area: one folder per agency and `hub`. Never writes over a key."""
    _check_epoch(epoch)
    hub = keys_dir / HUB
    if hub.exists():
        raise UsageFault(f"{keys_dir} holds an area's keys already; `keys rotate` makes a new epoch")
    new_hub(hub, epoch)
    link_key = _encoded(secrets.token_bytes(LINK_KEY_BYTES))
    for agency in agencies:
        folder = keys_dir / agency
        new_partner(folder, hub / "linker.pub")
        _write(folder / f"link.{epoch}.key", link_key)
        trust(hub, agency, folder / "signing.pub")


def new_hub(folder: Path, epoch: str) -> None:
    """Make the hub's own keys, and `linker.pub`, which every partner needs. The hub makes no link key."""
    _check_epoch(epoch)
    linker = x25519.Identity.generate()
    _write(folder / PASS, _encoded(secrets.token_bytes(PASS_KEY_BYTES)))
    _write(folder / "linker.key", f"{linker}\n".encode())
    _write(folder / "linker.pub", f"{linker.to_public()}\n".encode())
    _write(folder / "epoch", f"{epoch}\n".encode())


def new_partner(folder: Path, linker: Path) -> None:
    """Make a partner's own keys, and `signing.pub`, which the hub needs.

    linker: the hub's `linker.pub`. The area's link key is made once, by `new_link_key`, and shared among the partners.
    """
    try:
        recipient = x25519.Recipient.from_str(_text(linker))
    except pyrage.RecipientError:
        raise UsageFault(f"{linker} is not the hub's linker.pub") from None
    signing = Ed25519PrivateKey.generate()
    _write(folder / "record.key", _encoded(secrets.token_bytes(LINK_KEY_BYTES)))
    _write(folder / "signing.key", _pem(signing))
    _write(folder / "signing.pub", _public(signing.public_key()))
    _write(folder / "linker.pub", f"{recipient}\n".encode())


def new_link_key(folder: Path, epoch: str) -> Path:
    """Make the link key of an epoch in one partner's folder, to be shared with the other partners; its file."""
    _check_epoch(epoch)
    path = folder / f"link.{epoch}.key"
    _write(path, _encoded(secrets.token_bytes(LINK_KEY_BYTES)))
    return path


def trust(hub: Path, agency: str, public: Path) -> str:
    """Register the public signing key of an agency at the hub, in place of an earlier one; its fingerprint."""
    content = _public(_public_pem(public))
    (hub / "trusted").mkdir(mode=0o700, exist_ok=True)
    durable.write(hub / "trusted" / f"{agency}.pub", content)
    return _fingerprint(content)


def rotate(keys_dir: Path, epoch: str) -> None:
    """Begin a change of epoch: a new link key in every partner folder, the new epoch beside the current one at the hub.

    A folder of the hub alone has no partner folders: the partners then make and share the new key themselves.
    """
    _check_epoch(epoch)
    hub = keys_dir / HUB
    epochs = _epochs(hub)
    if len(epochs) > 1:
        raise UsageFault(f"the change from {epochs[0]} to {epochs[1]} is under way; `keys retire` closes it first")
    current = epochs[0]
    if epoch <= current:
        raise UsageFault(f"the epoch is {current}; a new one must sort after it, such as {_following(current)}")
    places = [folder / f"link.{epoch}.key" for folder in _partners(keys_dir)]
    # A rotation that was broken off goes on with the key it had made.
    made = next((path.read_bytes() for path in places if path.exists()), None)
    link_key = made or _encoded(secrets.token_bytes(LINK_KEY_BYTES))
    for path in places:
        if not path.exists():
            _write(path, link_key)
    durable.write(hub / "epoch", f"{current} {epoch}\n".encode())


def retire(keys_dir: Path) -> str:
    """Close a change of epoch: the hub takes the new one alone, earlier link keys are deleted; the epoch left."""
    hub = keys_dir / HUB
    epochs = _epochs(hub)
    if len(epochs) == 1:
        raise UsageFault(f"no change of epoch is under way; the epoch is {epochs[0]}")
    durable.write(hub / "epoch", f"{epochs[1]}\n".encode())
    for folder in _partners(keys_dir):
        for path in folder.glob("link.*.key"):
            if path.name.split(".")[1] < epochs[1]:
                path.unlink()
    return epochs[1]


def describe(folder: Path) -> Iterable[str]:
    """Which keys are in a partner's, the hub's or an area's folder; fingerprints of what is public, no secret."""
    if not folder.is_dir():
        raise UsageFault(f"{folder} is not a folder of keys")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        note = ""
        if path.suffix == ".pub":
            note = f"  sha256 {_fingerprint(path.read_bytes())}"
        elif path.name == "epoch":
            note = f"  {_text(path)}"
        yield f"{path.relative_to(folder)}{note}"


def _fingerprint(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]


def _partners(keys_dir: Path) -> list[Path]:
    return sorted(path for path in keys_dir.iterdir() if (path / "record.key").is_file())


def _epochs(hub: Path) -> tuple[str, ...]:
    """The epochs that the hub takes, the current one last."""
    epochs = tuple(_text(hub / "epoch").split())
    if not epochs or len(epochs) > EPOCHS_AT_ONCE or list(epochs) != sorted(epochs):
        raise UsageFault(f"{hub / 'epoch'} holds one epoch, or during a change the previous and the current one")
    return epochs


def _following(epoch: str) -> str:
    year, letter = int(epoch[:4]), epoch[4]
    return f"{year + 1}a" if letter == "z" else f"{year}{chr(ord(letter) + 1)}"


def _check_epoch(epoch: str) -> None:
    if not re.fullmatch(EPOCH, epoch):
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
    if path.exists():
        raise UsageFault(f"{path} exists, and a key is never written over")
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
