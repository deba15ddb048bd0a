"""The hub's second pass over tokens: what a partner could recompute from a name is no longer what the hub keeps.

A token is one block of AES, so the cipher itself is a keyed permutation of tokens (ADR 58): equal tokens stay equal,
from any partner and on any night, so they still compare; without the hub's pass key nobody can get from a partner's
token to the hub's or back. The linkage file is opened and closed again in memory only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyrage
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from pipelines.extract.faults import fault
from pipelines.receive.suppression import PSEUDONYM, Listed, left
from pipelines.seal.keys import HubKeys
from pipelines.seal.tokens import TOKEN, TOKEN_BYTES, as_parquet, subkey

# The columns of the linkage file that are text and no tokens, and their shapes.
TEXTS = {PSEUDONYM: "^[0-9a-f]{32}$", "sex": "^[MFU]$"}
# From the tokens of a column to others, NULL to NULL.
Change = Callable[[pa.Array], pa.Array]


def rekey(sealed: bytes, keys: HubKeys, rows: int, listed: Listed) -> bytes:
    """A linkage file, encrypted to the linker, with every token passed under the hub's key; encrypted again.

    rows: how many the manifest promises. listed: whose rows are left out. Raises DataFault `FILE-031` where the file
    does not open, has another number of rows, or holds text that is no token.
    """
    table = opened(sealed, keys)
    if table.num_rows != rows:
        raise fault("FILE-031")
    if gone := listed.among(pc.unique(table.column(PSEUDONYM)).to_pylist()):
        table = left(table, gone)
    return closed(passed(table, {TOKEN: forth(keys.pass_key)}), keys)


def forth(pass_key: bytes) -> Change:
    """From partners' tokens to those of the hub that has this key."""
    return _permutes(_cipher(pass_key).encryptor())


def back(pass_key: bytes) -> Change:
    """From the hub's tokens to the partners'."""
    return _permutes(_cipher(pass_key).decryptor())


def _cipher(pass_key: bytes) -> Cipher[ECB]:
    # Block by block is what is meant: a token is one block, and equal tokens are to stay equal.
    return Cipher(AES256(subkey(pass_key, "pass")), ECB())  # noqa: S305


def _permutes(blocks: CipherContext) -> Change:
    """The cipher over all values of a column in one call; what lies in the place of a NULL is never looked at."""

    def change(tokens: pa.Array) -> pa.Array:
        is_valid, values = tokens.buffers()
        size = (tokens.offset + len(tokens)) * TOKEN_BYTES
        made = pa.py_buffer(blocks.update(memoryview(values[:size]).cast("B")) if size else b"")
        return pa.Array.from_buffers(TOKEN, len(tokens), [is_valid, made], offset=tokens.offset)

    return change


def opened(sealed: bytes, keys: HubKeys) -> pa.Table:
    """A linkage file in memory. Raises DataFault `FILE-031`."""
    try:
        table = pq.read_table(pa.BufferReader(pyrage.decrypt(sealed, [keys.linker])))
    except (pyrage.DecryptError, pa.ArrowException, OSError):
        raise fault("FILE-031") from None
    if PSEUDONYM not in table.column_names:
        raise fault("FILE-031")
    return table


def closed(table: pa.Table, keys: HubKeys) -> bytes:
    """A linkage table as a file, encrypted to the linker."""
    return pyrage.encrypt(as_parquet(table), [keys.linker.to_public()])


def passed(table: pa.Table, changes: Mapping[pa.DataType, Change]) -> pa.Table:
    """A linkage table with every token changed. changes: by the types of tokens that may be there.

    Raises DataFault `FILE-031` for a column that is neither tokens nor what else a linkage file holds.
    """
    return pa.table({name: _column(name, table.column(name), changes) for name in table.column_names})


def _column(name: str, column: pa.ChunkedArray, changes: Mapping[pa.DataType, Change]) -> pa.Array:
    """Tokens and lists of tokens changed; pseudonym, sex, numbers and flags as they are."""
    whole = column.combine_chunks()
    if name in TEXTS:
        return _checked(whole, TEXTS[name])
    if change := changes.get(whole.type):
        return change(whole)
    if pa.types.is_list(whole.type) and (change := changes.get(whole.type.value_type)):
        made, places = pa.list_(TOKEN), whole.buffers()[:2]
        return pa.Array.from_buffers(made, len(whole), places, offset=whole.offset, children=[change(whole.values)])
    if pa.types.is_boolean(whole.type) or pa.types.is_integer(whole.type):
        return whole
    raise fault("FILE-031")


def _checked(column: pa.Array, shape: str) -> pa.Array:
    """The column itself, where every value has the shape."""
    if not pa.types.is_string(column.type):
        raise fault("FILE-031")
    if not pc.all(pc.match_substring_regex(column, shape)).as_py() and column.null_count < len(column):
        raise fault("FILE-031")
    return column
