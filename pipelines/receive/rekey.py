"""The hub's second pass over tokens: what a partner could recompute from a name is no longer what the hub keeps.

AES-SIV (RFC 5297) is deterministic: equal tokens stay equal, from any partner and on any night, so they still compare;
without the hub's pass key nobody can get from a partner's token to the hub's or back. The linkage file is opened and
closed again in memory only.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pipelines.extract.faults import fault
from pipelines.receive.suppression import PSEUDONYM, Listed, left
from pipelines.seal.keys import HubKeys
from pipelines.seal.tokens import TOKEN, as_parquet, bytes_over_distinct

# The columns of the linkage file that are text and no tokens, and their shapes.
TEXTS = {PSEUDONYM: "^[0-9a-f]{32}$", "sex": "^[MFU]$"}
# The hub's token: a partner's, which AES-SIV leaves as long as it was, after the 16 bytes of its check.
HUB_TOKEN = pa.binary(TOKEN.byte_width + 16)
Change = Callable[[bytes], bytes]


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
    return closed(passed(table, TOKEN, lambda token: siv.encrypt(token, None)), keys)


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


def passed(table: pa.Table, tokens: pa.DataType, change: Change) -> pa.Table:
    """A linkage table with every token changed into one of the hub's. tokens: the type of those that are there.

    Raises DataFault `FILE-031` for a column that is neither tokens nor what else a linkage file holds.
    """
    return pa.table({name: _column(name, table.column(name), tokens, change) for name in table.column_names})


def _column(name: str, column: pa.ChunkedArray, tokens: pa.DataType, change: Change) -> pa.Array:
    """Tokens and lists of tokens changed; pseudonym, sex, numbers and flags as they are."""
    whole = column.combine_chunks()
    if name in TEXTS:
        return _checked(whole, TEXTS[name])
    if whole.type == tokens:
        return bytes_over_distinct(whole, change, HUB_TOKEN)
    if pa.types.is_list(whole.type) and whole.type.value_type == tokens:
        values = bytes_over_distinct(whole.values, change, HUB_TOKEN)
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
