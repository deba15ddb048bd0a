"""A new pass key for the hub, and every linkage file in the link store brought under it; no partner notices.

Possible since the hub's second pass can be turned back by its own key. While this is under way nothing else can use the
hub's keys; broken off at any moment, it is finished by calling it again. Files in which an earlier version wrote tokens
of 32 bytes come out with those of today (ADR 58).
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pipelines import durable
from pipelines.receive.rekey import Change, back, closed, forth, opened, passed
from pipelines.seal.keys import NEXT_PASS, PASS, HubKeys
from pipelines.seal.tokens import TOKEN

_FRESH, _READY = ".repass", "ready"
# The hub's tokens until ADR 58: AES-SIV, which puts a check of 16 bytes before them.
_FORMER = pa.binary(TOKEN.byte_width + 16)


def repass(store: Path, folder: Path) -> int:
    """Exchange the pass key; how many linkage files were brought under the new one.

    store: the link store. folder: the hub's key folder.
    """
    fresh = store / _FRESH
    ready = fresh / _READY
    if ready.exists() and ready.read_text() == _fingerprint(folder / PASS):
        shutil.rmtree(fresh)  # only this was left to do of a change that was broken off
        return 0
    keys, new = HubKeys.load_for_new_pass(folder)
    if not ready.exists():
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        _bring_under(new, keys, store, fresh)
        durable.write(ready, _fingerprint(folder / NEXT_PASS).encode())
    moved = sorted(fresh.glob("*.age"))
    for path in moved:
        path.rename(store / path.name)
    durable.sync(store)
    (folder / NEXT_PASS).rename(folder / PASS)
    durable.sync(folder)
    shutil.rmtree(fresh)
    return len(moved)


def _bring_under(new: bytes, keys: HubKeys, store: Path, fresh: Path) -> None:
    """Write every linkage file of the store under the new key, beside the store's own."""
    was, former, becomes = back(keys.pass_key), _former(keys.pass_key), forth(new)
    changes: dict[pa.DataType, Change] = {
        TOKEN: lambda tokens: becomes(was(tokens)),
        _FORMER: lambda tokens: becomes(former(tokens)),
    }
    for path in sorted(store.glob("*.age")):
        durable.write(fresh / path.name, closed(passed(opened(path.read_bytes(), keys), changes), keys))


def _former(pass_key: bytes) -> Change:
    """From the hub's tokens of before to the partners'."""
    siv = AESSIV(pass_key)

    def change(tokens: pa.Array) -> pa.Array:
        encoded = tokens.dictionary_encode()
        known = pa.array([siv.decrypt(token, None) for token in encoded.dictionary.to_pylist()], TOKEN)
        return known.take(encoded.indices)

    return change


def _fingerprint(key: Path) -> str:
    return hashlib.sha256(key.read_bytes()).hexdigest()
