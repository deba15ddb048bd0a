"""The hub's second pass over tokens: what a partner could recompute from a name is no longer what the hub keeps.

AES-SIV (RFC 5297) is deterministic: equal tokens stay equal, from any partner and on any night, so they still compare;
without the hub's pass key nobody can get from a partner's token to the hub's or back. The linkage file is opened and
closed again in memory only.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pipelines.extract.faults import fault
from pipelines.receive.suppression import PSEUDONYM, Listed, left
from pipelines.seal.keys import HubKeys
from pipelines.seal.tokens import over_distinct

# The column of the linkage file that beside the pseudonym is text and no token.
SEX = "sex"
# A partner's token, and the hub's, which carries the 16 bytes of its check beside it.
PARTNERS, HUBS = "^[0-9a-f]{32}$", "^[0-9a-f]{64}$"


def rekey(sealed: bytes, keys: HubKeys, rows: int, listed: Listed) -> bytes:
    """A linkage file, encrypted to the linker, with every token passed under the hub's key; encrypted again.

    rows: how many the manifest promises. listed: whose rows are left out. Raises DataFault `FILE-031` where the file
    does not open, has another number of rows, or holds text that is no token.
    """
    siv = AESSIV(keys.pass_key)
    table = opened(sealed, keys)
    if table.num_rows != rows:
        raise fault("FILE-031")
    if gone := listed.among(pc.unique(table.column(PSEUDONYM)).to_pylist()):
        table = left(table, gone)
    return closed(table, keys, PARTNERS, lambda token: siv.encrypt(bytes.fromhex(token), None).hex())


def opened(sealed: bytes, keys: HubKeys) -> pa.Table:
    """A linkage file in memory. Raises DataFault `FILE-031`."""
    try:
        table = pq.read_table(pa.BufferReader(pyrage.decrypt(sealed, [keys.linker])))
    except (pyrage.DecryptError, pa.ArrowException, OSError):
        raise fault("FILE-031") from None
    if PSEUDONYM not in table.column_names:
        raise fault("FILE-031")
    return table


def closed(table: pa.Table, keys: HubKeys, shape: str, change: Callable[[str], str]) -> bytes:
    """A linkage table with every token changed, encrypted to the linker. shape: what its tokens look like."""
    passed = pa.table({name: _column(name, table.column(name), shape, change) for name in table.column_names})
    clear = io.BytesIO()
    pq.write_table(passed, clear, compression="zstd")
    return pyrage.encrypt(clear.getvalue(), [keys.linker.to_public()])


def _column(name: str, column: pa.ChunkedArray, shape: str, change: Callable[[str], str]) -> pa.Array:
    """Tokens and lists of tokens changed; pseudonym, sex, numbers and flags as they are."""
    whole = column.combine_chunks()
    if name == SEX:
        return _checked(whole, "^[MFU]$")
    if name == PSEUDONYM:
        return _checked(whole, PARTNERS)
    if pa.types.is_string(whole.type):
        return over_distinct(_checked(whole, shape), change)
    if pa.types.is_list(whole.type) and pa.types.is_string(whole.type.value_type):
        values = over_distinct(_checked(whole.values, shape), change)
        return pa.ListArray.from_arrays(whole.offsets, values, mask=whole.is_null())
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
